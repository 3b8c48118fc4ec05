//! Otto: a phone agent for a car workshop. This crate is the wiring and the outside world; the behaviour is in
//! `otto-actors`. Start reading at [`app`], the composition root.

pub mod app;
pub mod breaker;
pub mod cli;
pub mod config;
pub mod engine;
pub mod http;
pub mod store;
pub mod telemetry;
pub mod vendors;
