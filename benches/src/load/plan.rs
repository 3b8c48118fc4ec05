//! What a run is to be: the options of `otto-load`.

use std::path::PathBuf;

use url::Url;

use super::Script;

/// Puts an engine under load: simulated callers ring it, simulated vendors serve it, and every hop is measured.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "otto-load", version)]
pub struct Plan {
    /// Calls in all; each is placed once.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub calls: u32,
    /// What the callers do.
    #[arg(long, value_enum, default_value_t = Script::BargeIn)]
    pub script: Script,
    /// About how long a barge-in call lasts; other calls end when they are done.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub seconds: u32,
    /// New calls in a second until all are placed.
    #[arg(long, default_value_t = 10.0, value_parser = positive)]
    pub ramp_per_second: f64,
    /// Every random choice comes from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Writes the report to this file too, as JSON.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// The engine's program; the one beside this program when not given.
    #[arg(long, conflicts_with = "url")]
    pub engine: Option<PathBuf>,
    /// A running engine. Its vendors' addresses must be those that are printed; it is waited for.
    #[arg(long)]
    pub url: Option<Url>,
    /// The process of the engine at --url, for its CPU time and memory.
    #[arg(long, requires = "url")]
    pub pid: Option<u32>,
    /// With --url: the first of the five ports that the simulated vendors listen on.
    #[arg(long, default_value_t = 9_100, requires = "url")]
    pub first_port: u16,
    /// A setting of the engine that is started, NAME=VALUE; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,
    /// Delay of everything that the speech-to-text says, in milliseconds.
    #[arg(long, default_value_t = 0.0, value_parser = not_negative)]
    pub stt_ms: f64,
    /// Delay of the model's first token, in milliseconds.
    #[arg(long, default_value_t = 0.0, value_parser = not_negative)]
    pub llm_ms: f64,
    /// Delay of the voice's first byte, in milliseconds.
    #[arg(long, default_value_t = 0.0, value_parser = not_negative)]
    pub tts_ms: f64,
    /// Pace of all voices, in milliseconds a character; people take about 60.
    #[arg(long, default_value_t = crate::speech::DEFAULT_MS_PER_CHAR, value_parser = clap::value_parser!(u32).range(5..=200))]
    pub ms_per_char: u32,
    /// Fails when the 99th percentile from interim to `clear` is longer, in milliseconds.
    #[arg(long, value_parser = not_negative)]
    pub max_barge_in_p99_ms: Option<f64>,
    /// Fails when the word at which any history was cut is further off.
    #[arg(long)]
    pub max_cut_words: Option<u64>,
    /// No progress line.
    #[arg(long)]
    pub quiet: bool,
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if number.is_finite() && number >= 0.0 { Ok(number) } else { Err("expected zero or more".to_owned()) }
}

fn positive(text: &str) -> Result<f64, String> {
    not_negative(text).and_then(|number| if number > 0.0 { Ok(number) } else { Err("expected more than zero".into()) })
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn parse(options: &str) -> Result<Plan, clap::Error> {
        Plan::try_parse_from(["otto-load"].into_iter().chain(options.split_whitespace()))
    }

    #[test]
    fn options_are_read_and_checked() {
        let plan = parse("--calls 5 --script mixed --ramp-per-second 2.5 --set A=b=c").unwrap();
        assert_eq!((plan.calls, plan.script, plan.ramp_per_second), (5, Script::Mixed, 2.5));
        assert_eq!(plan.set, [("A".to_owned(), "b=c".to_owned())]);
        for wrong in [
            "--calls 0",
            "--ramp-per-second 0",
            "--stt-ms -1",
            "--llm-ms NaN",
            "--set A",
            "--script dance",
            "--pid 7",
            "--url http://127.0.0.1:1 --engine otto",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
