//! `otto-load`: the program around [`otto_sim::load`]. Prints the report; the exit code says whether all held.

use std::process::ExitCode;

use clap::Parser as _;
use otto_sim::load::{self, Plan, Report};

/// The load side must not be what limits; the engine uses this allocator too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let plan = Plan::parse();
    let outcome = tokio::select! {
        outcome = load::run(&plan) => outcome,
        _ = tokio::signal::ctrl_c() => {
            eprintln!("otto-load: interrupted");
            return ExitCode::FAILURE;
        }
    };
    let report = match outcome {
        Ok(report) => report,
        Err(error) => {
            eprintln!("otto-load: {error}");
            return ExitCode::FAILURE;
        }
    };
    print!("{report}");
    let written = write_json(&plan, &report);
    if let Err(error) = &written {
        eprintln!("otto-load: cannot write the report: {error}");
    }
    if report.held() && written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn write_json(plan: &Plan, report: &Report) -> std::io::Result<()> {
    let Some(file) = &plan.json else { return Ok(()) };
    std::fs::write(file, format!("{:#}\n", report.json()))
}
