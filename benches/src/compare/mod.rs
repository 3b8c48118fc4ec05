//! The engine and the straight-line program under the same load, by turns in one run: the ratio of their processor times
//! says what the engine costs on any machine, which no absolute time does. Apart from [`crate::load`], which knows one
//! program only. `otto-compare` is the program around it.

mod outcome;

use std::path::PathBuf;

use crate::load::{self, Bounds, LoadError, Plan};

pub use outcome::{Comparison, Run, Side};

/// The options of `otto-compare`: those of `otto-load`, and how to compare.
#[derive(Clone, Debug, clap::Parser)]
#[command(
    name = "otto-compare",
    version,
    about = "Compares the engine's processor time with the straight-line program's"
)]
pub struct Options {
    /// What each program is put under.
    #[command(flatten)]
    pub plan: Plan,
    /// How often both programs run, by turns.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// Fails when the engine's processor time for a call-second is a greater multiple of the straight-line program's.
    #[arg(long)]
    pub max_cpu_ratio: Option<f64>,
    /// The straight-line program; the one beside this program when not given.
    #[arg(long)]
    pub straight: Option<PathBuf>,
}

impl Options {
    /// Why a comparison cannot be carried out as asked: `otto-load` has options that say something about one program only.
    fn refused(&self) -> Option<&'static str> {
        let plan = &self.plan;
        let reasons = [
            (plan.url.is_some(), "--url: a comparison starts both programs itself"),
            (plan.soak.is_some() || plan.find_capacity, "--soak and --find-capacity: of no use in a comparison"),
            (plan.customers > 0, "--customers: the straight-line program knows nobody"),
            (plan.html.is_some(), "--html: a comparison is text or JSON"),
            (plan.bounds != Bounds::default(), "a bound of otto-load: a comparison has --max-cpu-ratio alone"),
        ];
        reasons.into_iter().find_map(|(refused, reason)| refused.then_some(reason))
    }
}

/// Carries out a comparison.
///
/// # Errors
/// When a run could not be carried out. Calls that failed are part of the [`Comparison`].
pub async fn run(options: &Options) -> Result<Comparison, LoadError> {
    if let Some(reason) = options.refused() {
        return Err(LoadError::Option(reason.to_owned()));
    }
    let straight = match &options.straight {
        Some(program) => program.clone(),
        None => beside("otto-straight")?,
    };
    let mut runs = Vec::new();
    for _ in 0..options.rounds {
        for side in [Side::Engine, Side::Straight] {
            let mut plan = options.plan.clone();
            if side == Side::Straight {
                plan.engine = Some(straight.clone());
            }
            let report = load::run(&plan).await?;
            let cost = report.cost().ok_or_else(|| LoadError::Option("no processor time: this is no Linux".into()))?;
            runs.push(Run { side, cost, failures: report.failures });
        }
    }
    Ok(Comparison { runs, max_cpu_ratio: options.max_cpu_ratio })
}

/// A program in the folder of this one.
fn beside(name: &str) -> Result<PathBuf, LoadError> {
    let this = std::env::current_exe();
    let this = this.map_err(|error| LoadError::Io { what: "where this program is".to_owned(), error })?;
    Ok(this.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn options_that_fit_one_program_only_are_refused() {
        for (options, refused) in [
            ("--script chat --pin --hold 20s --rounds 3 --max-cpu-ratio 2", false),
            ("--url http://127.0.0.1:1", true),
            ("--soak 60s", true),
            ("--find-capacity", true),
            ("--html load.html", true),
            ("--customers 5", true),
            ("--max-added-p95-ms 50", true),
        ] {
            let parsed = Options::parse_from(["otto-compare"].into_iter().chain(options.split_whitespace()));
            assert_eq!(parsed.refused().is_some(), refused, "{options}");
        }
    }
}
