//! What a run is to be: the options of `otto-load`.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::affinity::Pinned;
use super::bounds::Bounds;
use super::{LoadError, Script};

/// How long all callers of a probe of `--find-capacity` talk at once unless `--hold` says otherwise.
const PROBE_HOLD: Duration = Duration::from_secs(20);
/// How long the ramp of a probe may take.
const PROBE_RAMP_SECONDS: f64 = 10.0;

/// Puts an engine under load: simulated callers ring it, simulated vendors serve it, and every hop is measured.
///
/// Without --hold, --soak or --find-capacity each caller rings once. Vendors answer at once unless they are made slow, so
/// that what is left is the engine's own. The exit code is 0 when no call failed, nothing is left of any call and every
/// bound that was given is kept.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "otto-load", version)]
pub struct Plan {
    /// Callers; with --hold and --soak so many talk at the same time.
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
    /// Keeps all callers on the line for this long after the ramp, such as 30s: who has hung up is followed by another.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub hold: Option<Duration>,
    /// As --hold, with calls that come and go for this long, such as 60s or 30m; fails when memory, files or tasks grow.
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "hold")]
    pub soak: Option<Duration>,
    /// With --soak: the growth of memory after the warm-up that is allowed, in percent of its median.
    #[arg(long, value_name = "PERCENT", default_value_t = 20.0, value_parser = not_negative)]
    pub max_growth_percent: f64,
    /// Searches how many calls at once keep the added latency under its bound without a failure: doubles from --calls,
    /// then halves the gap, each step a run with an engine of its own.
    #[arg(long, conflicts_with = "soak")]
    pub find_capacity: bool,
    /// With --find-capacity: the most calls that are tried.
    #[arg(long, value_name = "CALLS", default_value_t = 3_200, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub most: u32,
    /// Puts so many invented customers on file first (`otto seed`); every second caller rings from one of their numbers,
    /// in turn, and so rings again. The others are new. With --url they must be on file already.
    #[arg(long, value_name = "CUSTOMERS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub customers: u32,
    /// Runs the engine on one processor (or on so many), and this program on the others.
    #[arg(long, value_name = "PROCESSORS", num_args = 0..=1, default_missing_value = "1", conflicts_with = "url",
          value_parser = clap::value_parser!(u16).range(1..))]
    pub pin: Option<u16>,
    /// The processors of both sides once --pin was carried out, which comes before any thread is started.
    #[arg(skip)]
    pub pinned: Option<Pinned>,
    /// Every random choice comes from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Writes the report to this file too, as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Writes the report to this file too, as a page with charts.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
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
    /// Delay of each further token, in milliseconds. Timers are no finer than 1.
    #[arg(long, default_value_t = 1.0, value_parser = not_negative)]
    pub token_ms: f64,
    /// Delay of the voice's first byte, in milliseconds.
    #[arg(long, default_value_t = 0.0, value_parser = not_negative)]
    pub tts_ms: f64,
    /// Pace of all voices, in milliseconds a character; people take about 60.
    #[arg(long, default_value_t = crate::speech::DEFAULT_MS_PER_CHAR, value_parser = clap::value_parser!(u32).range(5..=200))]
    pub ms_per_char: u32,
    /// No progress line.
    #[arg(long)]
    pub quiet: bool,
    /// What must hold.
    #[command(flatten)]
    pub bounds: Bounds,
}

impl Plan {
    /// Carries out `--pin`, where it was given. Before any thread is started: those that come later inherit the processors.
    ///
    /// # Errors
    /// When there are too few processors.
    pub fn split_processors(&mut self) -> Result<(), LoadError> {
        self.pinned = self.pin.map(Pinned::start).transpose()?;
        Ok(())
    }

    /// About how long a barge-in call lasts.
    pub(super) fn call_length(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    /// How long all callers are kept on the line after the ramp; `None` when each rings once.
    pub(super) fn stays(&self) -> Option<Duration> {
        self.soak.or(self.hold)
    }

    /// How long the ramp takes.
    pub(super) fn ramp(&self) -> Duration {
        Duration::from_secs_f64(f64::from(self.calls.saturating_sub(1)) / self.ramp_per_second)
    }

    /// A step of `--find-capacity`.
    pub(super) fn probe(&self, calls: u32) -> Self {
        let ramp_per_second = self.ramp_per_second.max(f64::from(calls) / PROBE_RAMP_SECONDS);
        let hold = Some(self.hold.unwrap_or(PROBE_HOLD));
        Plan { calls, hold, ramp_per_second, find_capacity: false, ..self.clone() }
    }
}

pub(super) fn not_negative(text: &str) -> Result<f64, String> {
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

/// A whole number of seconds, minutes or hours: 45s, 30m, 2h.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected a time such as 45s, 30m or 2h".to_owned();
    let units = [("s", 1), ("m", 60), ("h", 3_600)];
    let parts = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
    let (number, seconds) = parts.ok_or_else(expected)?;
    let number: u32 = number.parse().map_err(|_| expected())?;
    if number == 0 { Err(expected()) } else { Ok(Duration::from_secs(u64::from(number) * seconds)) }
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
        let plan = parse("--calls 5 --script mixed --ramp-per-second 2.5 --set A=b=c --soak 30m").unwrap();
        assert_eq!((plan.calls, plan.script, plan.ramp_per_second), (5, Script::Mixed, 2.5));
        assert_eq!(plan.set, [("A".to_owned(), "b=c".to_owned())]);
        assert_eq!((plan.stays(), plan.ramp()), (Some(Duration::from_secs(1_800)), Duration::from_millis(1_600)));
        for wrong in [
            "--calls 0",
            "--ramp-per-second 0",
            "--stt-ms -1",
            "--llm-ms NaN",
            "--set A",
            "--script dance",
            "--pid 7",
            "--url http://127.0.0.1:1 --engine otto",
            "--url http://127.0.0.1:1 --pin",
            "--hold 5s --soak 5s",
            "--soak 5s --find-capacity",
            "--hold 30",
            "--hold 0s",
            "--hold -1m",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        for (options, pin) in [("", None), ("--pin", Some(1)), ("--pin 2", Some(2))] {
            assert_eq!(parse(options).unwrap().pin, pin, "{options}");
        }
    }

    #[test]
    fn a_probe_is_short_however_many_call() {
        let plan = parse("--find-capacity --calls 50").unwrap();
        for (calls, ramp_s) in [(50, 5.0), (100, 10.0), (1_600, 10.0)] {
            let probe = plan.probe(calls);
            assert!(probe.ramp().as_secs_f64() <= ramp_s, "{calls}");
            assert_eq!((probe.calls, probe.stays()), (calls, Some(Duration::from_secs(20))));
        }
    }
}
