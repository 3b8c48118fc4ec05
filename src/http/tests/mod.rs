//! The edge without a socket (`webhooks`, `probes`) and with one (`media`).

mod media;
mod probes;
mod webhooks;
