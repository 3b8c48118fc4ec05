//! `otto bench`: measures parts of the engine on the services that are set, without calls around them.

mod lookup;

use std::process::ExitCode;

/// What is measured.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Bench {
    /// How long a call waits to learn who has its number, with the cache and without it.
    Lookup(lookup::Options),
}

pub(super) async fn run(bench: Bench) -> anyhow::Result<ExitCode> {
    match bench {
        Bench::Lookup(options) => lookup::run(options).await,
    }
}
