//! `otto-load`: the program around [`otto_sim::load`]. Prints the report; the exit code says whether all held.

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use otto_sim::load::{self, Capacity, LoadError, Plan, Report};
use serde_json::Value;
use tokio::runtime::Builder;

/// The load side must not be what limits. The engine has the system's: it costs the same and takes less memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut plan = Plan::parse();
    if let Err(error) = plan.split_processors() {
        return failed(&error);
    }
    // On one processor threads would only wake each other.
    let alone = std::thread::available_parallelism().is_ok_and(|processors| processors.get() == 1);
    let mut runtime = if alone { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    match runtime.enable_all().build() {
        Ok(runtime) => runtime.block_on(carry_out(&plan)),
        Err(error) => failed(&error),
    }
}

async fn carry_out(plan: &Plan) -> ExitCode {
    match load::unless_told_to_end(outcome(plan)).await {
        Ok(outcome) => tell(plan, &outcome),
        Err(error) => failed(&error),
    }
}

enum Outcome {
    Run(Box<Report>),
    Search(Capacity),
}

async fn outcome(plan: &Plan) -> Result<Outcome, LoadError> {
    if plan.find_capacity {
        return load::find_capacity(plan).await.map(Outcome::Search);
    }
    load::run(plan).await.map(|report| Outcome::Run(Box::new(report)))
}

fn tell(plan: &Plan, outcome: &Outcome) -> ExitCode {
    let (text, json, html, held) = match outcome {
        Outcome::Run(report) => (report.to_string(), report.json(), report.html(), report.held()),
        Outcome::Search(found) => (found.to_string(), found.json(), found.html(), found.found().is_some()),
    };
    print!("{text}");
    match write(plan, &json, &html) {
        Ok(()) if held => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => failed(&format!("cannot write the report: {error}")),
    }
}

fn write(plan: &Plan, json: &Value, html: &str) -> std::io::Result<()> {
    let write = |file: &Path, text: &str| std::fs::write(file, text);
    plan.json.iter().try_for_each(|file| write(file, &format!("{json:#}\n")))?;
    plan.html.iter().try_for_each(|file| write(file, html))
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("otto-load: {error}");
    ExitCode::FAILURE
}
