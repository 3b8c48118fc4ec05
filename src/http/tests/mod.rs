//! The edge without a socket (`webhooks`, `outbound`, `operator`, `probes`) and with one (`media`, `server`).

mod media;
mod operator;
mod outbound;
mod probes;
mod server;
mod webhooks;
