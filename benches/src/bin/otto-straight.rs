//! `otto-straight`: the program around [`otto_sim::straight`], started as the engine is.

use std::process::ExitCode;

use clap::Parser;
use otto_sim::straight::{Settings, Straight, StraightError};

/// The least that a voice agent can do, to measure the engine against.
#[derive(Debug, Parser)]
#[command(name = "otto-straight", version)]
enum Command {
    /// Answers calls, with the engine's settings from the environment.
    Serve,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Serve = Command::parse();
    match start().await {
        Ok(straight) => {
            straight.run().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("otto-straight: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<Straight, StraightError> {
    Straight::start(&Settings::read(|name| std::env::var(name).ok())?).await
}
