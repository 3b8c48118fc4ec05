//! `otto-compare`: the program around [`otto_sim::compare`]. Prints the comparison; the exit code says whether all held.

use std::process::ExitCode;

use clap::Parser as _;
use otto_sim::compare::{self, Comparison, Options};
use otto_sim::load;

/// As in `otto-load`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut options = Options::parse();
    if let Err(error) = options.plan.split_processors() {
        return failed(&error);
    }
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(carry_out(&options)),
        Err(error) => failed(&error),
    }
}

async fn carry_out(options: &Options) -> ExitCode {
    match load::unless_told_to_end(compare::run(options)).await {
        Ok(comparison) => tell(options, &comparison),
        Err(error) => failed(&error),
    }
}

fn tell(options: &Options, comparison: &Comparison) -> ExitCode {
    print!("{comparison}");
    let write = |file| std::fs::write(file, format!("{:#}\n", comparison.json()));
    match options.plan.json.iter().try_for_each(write) {
        Ok(()) if comparison.complaints().is_empty() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => failed(&format!("cannot write the comparison: {error}")),
    }
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("otto-compare: {error}");
    ExitCode::FAILURE
}
