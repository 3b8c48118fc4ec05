//! The command line: one file per command.

mod bench;
mod chaos;
mod chat;
mod check;
mod demo;
mod migrate;
mod remind;
mod seed;
mod serve;

use std::future::Future;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Otto answers the phone of a car workshop.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer calls. Settings come from the environment, .env and otto.toml.
    Serve,
    /// Watch one simulated call from hello to goodbye: no keys, no network, nothing to install.
    Demo {
        /// What to show.
        #[arg(value_enum, default_value = "booking")]
        show: demo::Show,
        /// Leave the engine and the simulators running after the call, until Ctrl-C.
        #[arg(long)]
        keep: bool,
    },
    /// Kill random parts of the engine while simulated callers book, and say whether all held.
    Chaos(chaos::ChaosArgs),
    /// Talk to Otto by text in this terminal: no telephone, no Deepgram, and no key unless a model is set.
    Chat(chat::Options),
    /// Have a customer called about an appointment, or list who would be called and when.
    Remind(remind::Options),
    /// Bring the tables of the database up to date. Every start does it, too.
    Migrate,
    /// Fill the database with invented customers for trials.
    Seed(seed::Options),
    /// Measure a part of the engine on the database and the Redis that are set.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Read the settings, say what is missing and which services can be reached.
    Check,
}

/// Reads the command line; ends the process when it makes no sense.
#[must_use]
pub fn parse() -> Cli {
    Cli::parse()
}

/// Runs a command to its end.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    match cli.command {
        Command::Serve => block_on(serve::run()),
        Command::Demo { show, keep } => block_on(demo::run(show, keep)),
        Command::Chaos(args) => block_on(chaos::run(args)),
        Command::Chat(options) => block_on(chat::run(options)),
        Command::Remind(options) => block_on(remind::run(options)),
        Command::Migrate => block_on(migrate::run()),
        Command::Seed(options) => block_on(seed::run(options)),
        Command::Bench(bench) => block_on(bench::run(bench)),
        Command::Check => block_on(check::run()),
    }
}

fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let code = runtime.block_on(command).unwrap_or_else(|error| fail(&error));
    runtime.shutdown_background();
    code
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("otto: {error:#}");
    ExitCode::FAILURE
}

/// Resolves when the process is asked to end: SIGINT or SIGTERM.
async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be caught");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
