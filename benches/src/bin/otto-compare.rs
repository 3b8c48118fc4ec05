//! `otto-compare`: the program around [`otto_sim::compare`]. Prints the comparison; the exit code says whether all held.

use std::process::ExitCode;

use clap::Parser as _;
use otto_sim::compare::{self, Options};

/// As in `otto-load`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = tokio::select! {
        outcome = compare::run(&options) => outcome,
        _ = tokio::signal::ctrl_c() => {
            eprintln!("otto-compare: interrupted");
            return ExitCode::FAILURE;
        }
    };
    let comparison = match outcome {
        Ok(comparison) => comparison,
        Err(error) => {
            eprintln!("otto-compare: {error}");
            return ExitCode::FAILURE;
        }
    };
    print!("{comparison}");
    let written = options.plan.json.as_ref().map(|file| std::fs::write(file, format!("{:#}\n", comparison.json())));
    if let Some(Err(error)) = &written {
        eprintln!("otto-compare: cannot write the comparison: {error}");
    }
    let held = comparison.complaints().is_empty() && !matches!(written, Some(Err(_)));
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
