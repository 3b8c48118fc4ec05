//! What a run came to: as text for people, as JSON for programs, and as a verdict.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::hop::QUANTILES;
use super::measure::Measured;
use super::progress::Watched;
use super::{Hop, Plan};
use crate::World;
use crate::twilio::CallReport;

/// Share of its processors beyond which the load side may be what limits.
const BUSY_SHARE: f64 = 0.8;

/// Bytes of a frame of the caller's voice: 20 ms.
const FRAME_BYTES: u64 = 160;

/// The report of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// From the write of the interim that must interrupt to the arrival of `clear`.
    pub barge_in: Hop,
    /// By how many words the history is off, for each interruption.
    pub cut_words: Hop,
    /// From `start` to Otto's first sound.
    pub first_audio: Hop,
    /// From the end of the caller's words to Otto's first sound, as the caller hears it.
    pub pause: Hop,
    /// Holes in Otto's speech.
    pub holes: Hop,
    /// A byte to another task of the load side and back, over loopback: what no measurement can be below.
    pub floor: Hop,
    /// Calls placed.
    pub calls: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Why, and how often.
    pub failures: BTreeMap<String, u64>,
    /// Bookings wanted and made; without a free time a caller goes without.
    pub bookings: (u64, u64),
    /// Frames of the callers' voices that never reached the recogniser, by balance. The frames between a call's start
    /// and the recogniser's, and those after the last word, are among them.
    pub frames_lost: u64,
    /// Frames that the callers sent.
    pub frames_sent: u64,
    /// What the engine says is left of ended calls; `None` when it does not say that all have ended.
    pub residue: Option<u64>,
    /// Otto's speech that was sent, in bytes and in messages.
    pub(super) spoken: (u64, u64),
    pub(super) call_time: Duration,
    pub(super) watched: Watched,
    options: Value,
    bounds: (Option<f64>, Option<u64>),
}

impl Report {
    /// Sums up the calls.
    pub(super) fn new(plan: &Plan, calls: impl Iterator<Item = Measured>) -> Self {
        let mut report = Report {
            options: json!({"script": format!("{:?}", plan.script), "calls": plan.calls, "seconds": plan.seconds,
                "ramp_per_second": plan.ramp_per_second, "seed": plan.seed, "stt_ms": plan.stt_ms,
                "llm_ms": plan.llm_ms, "tts_ms": plan.tts_ms, "ms_per_char": plan.ms_per_char}),
            bounds: (plan.max_barge_in_p99_ms, plan.max_cut_words),
            ..Report::default()
        };
        let mut cut_words = Vec::new();
        for call in calls {
            report.add(&call);
            cut_words.extend(call.cut_words);
        }
        report.cut_words = cut_words.into_iter().collect();
        report
    }

    fn add(&mut self, call: &Measured) {
        self.calls += 1;
        self.call_time += call.length;
        self.bookings.0 += u64::from(call.wants_booking);
        self.bookings.1 += u64::from(call.booked);
        self.failed += u64::from(!call.failures.is_empty());
        for reason in &call.failures {
            *self.failures.entry(reason.clone()).or_default() += 1;
        }
        let hops =
            [(&mut self.barge_in, &call.barge_ins), (&mut self.pause, &call.pauses), (&mut self.holes, &call.holes)];
        for (hop, durations) in hops {
            durations.iter().for_each(|duration| hop.record(*duration));
        }
        call.first_audio.into_iter().for_each(|duration| self.first_audio.record(duration));
    }

    /// Adds what is not of a single call.
    pub(super) fn add_surroundings(
        &mut self,
        watched: Watched,
        floor: Hop,
        residue: Option<u64>,
        calls: &[CallReport],
        world: &World,
    ) {
        let sent: u64 = calls.iter().map(|call| call.bytes_sent).sum();
        let heard: u64 = world.stt.sessions().all().iter().map(|session| session.audio_bytes).sum();
        self.spoken = calls
            .iter()
            .map(|call| (call.bytes_received, call.media_received))
            .fold((0, 0), |sum, call| (sum.0 + call.0, sum.1 + call.1));
        self.frames_sent = sent / FRAME_BYTES;
        self.frames_lost = sent.saturating_sub(heard) / FRAME_BYTES;
        for violation in world.stt.violations().all().into_iter().chain(world.tts.violations().all()) {
            *self.failures.entry(format!("Deepgram's protocol: {violation}")).or_default() += 1;
        }
        for refused in world.openai.refused().all() {
            *self.failures.entry(format!("the model's protocol: {}", refused.message)).or_default() += 1;
        }
        (self.watched, self.floor, self.residue) = (watched, floor, residue);
    }

    /// Whether no call failed, nothing is left of any, and every bound that was given is kept.
    pub fn held(&self) -> bool {
        self.failures.is_empty() && self.residue == Some(0) && self.broken_bounds().is_empty()
    }

    fn broken_bounds(&self) -> Vec<String> {
        let (barge_in_ms, cut_words) = self.bounds;
        let slow = barge_in_ms.filter(|most| self.barge_in.quantile_ms(0.99) > *most);
        let slow = slow.map(|most| format!("interim to clear takes longer than {most} ms at p99"));
        let wrong = cut_words.filter(|most| self.cut_words.max() > *most);
        let wrong = wrong.map(|most| format!("a history was cut more than {most} words off"));
        let unmeasured = (barge_in_ms.is_some() || cut_words.is_some()) && self.barge_in.count() == 0;
        let unmeasured = unmeasured.then(|| "no interruption was measured, and a bound was given".to_owned());
        slow.into_iter().chain(wrong).chain(unmeasured).collect()
    }

    /// The engine's processor time for a second of one call, in milliseconds.
    pub fn cpu_ms_per_call_second(&self) -> Option<f64> {
        let seconds = self.call_time.as_secs_f64();
        self.watched.engine_cpu.filter(|_| seconds > 0.0).map(|cpu| cpu.as_secs_f64() * 1_000.0 / seconds)
    }

    /// The engine's memory for a live call, in KiB: what it had when most calls were live, less what it had before the
    /// first one.
    pub fn memory_kib_per_call(&self) -> Option<f64> {
        let grown = self.watched.full_kib.checked_sub(self.watched.idle_kib?)?;
        (self.watched.most_calls > 0).then(|| grown as f64 / self.watched.most_calls as f64)
    }

    /// What stands in the way of trusting the figures.
    fn warnings(&self) -> Vec<String> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let share = |cpu: Option<Duration>| {
            cpu.map_or(0.0, |cpu| cpu.as_secs_f64() / self.watched.took.as_secs_f64().max(0.001) / processors)
        };
        let (own, engine) = (share(self.watched.own_cpu), share(self.watched.engine_cpu));
        let mut warnings = Vec::new();
        if own > BUSY_SHARE {
            warnings.push(format!("the load side used {:.0} % of its processors: it may be what limits", own * 100.0));
        } else if own + engine > BUSY_SHARE {
            let both = (own + engine) * 100.0;
            warnings.push(format!("both sides together used {both:.0} % of {processors} processors"));
        }
        let others = self.watched.load[0].filter(|load| *load > processors / 2.0);
        warnings.extend(others.map(|load| format!("the machine was busy before the run: load average {load:.2}")));
        warnings
    }

    fn hops(&self) -> [(&'static str, &'static str, &Hop); 5] {
        [
            ("barge_in", "interim to clear", &self.barge_in),
            ("first_audio", "start to first audio", &self.first_audio),
            ("pause", "pause before an answer", &self.pause),
            ("holes", "holes in speech", &self.holes),
            ("floor", "(loopback, load side)", &self.floor),
        ]
    }

    /// The report for programs. Durations are in milliseconds.
    pub fn json(&self) -> Value {
        let hops: serde_json::Map<String, Value> =
            self.hops().iter().map(|(name, _, hop)| ((*name).to_owned(), hop.json_ms())).collect();
        let seconds = |cpu: Option<Duration>| cpu.map(|cpu| cpu.as_secs_f64());
        json!({
            "plan": self.options, "held": self.held(), "calls": self.calls, "failed": self.failed,
            "failures": self.failures, "broken_bounds": self.broken_bounds(), "warnings": self.warnings(),
            "hops_ms": hops, "cut_words_off": self.cut_words.json_counts(),
            "bookings": {"wanted": self.bookings.0, "made": self.bookings.1},
            "frames": {"sent": self.frames_sent, "not_heard": self.frames_lost}, "residue": self.residue,
            "call_seconds": self.call_time.as_secs_f64(), "most_calls": self.watched.most_calls,
            "engine": {"cpu_seconds": seconds(self.watched.engine_cpu),
                "cpu_ms_per_call_second": self.cpu_ms_per_call_second(),
                "idle_kib": self.watched.idle_kib, "peak_kib": self.watched.peak_kib,
                "memory_kib_per_call": self.memory_kib_per_call()},
            "load_side": {"cpu_seconds": seconds(self.watched.own_cpu)},
            "took_seconds": self.watched.took.as_secs_f64(), "load_average": self.watched.load,
        })
    }

    fn write_hops(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{:<26}{:>8}", "milliseconds", "count")?;
        QUANTILES.iter().try_for_each(|(name, _)| write!(f, "{name:>10}"))?;
        writeln!(f, "{:>10}", "max")?;
        for (_, title, hop) in self.hops() {
            write!(f, "{title:<26}{:>8}", hop.count())?;
            QUANTILES.iter().try_for_each(|(_, quantile)| write!(f, "{:>10.2}", hop.quantile_ms(*quantile)))?;
            writeln!(f, "{:>10.2}", hop.max() as f64 / 1_000.0)?;
        }
        write!(f, "{:<26}{:>8}", "history off by (words)", self.cut_words.count())?;
        QUANTILES.iter().try_for_each(|(_, quantile)| write!(f, "{:>10}", self.cut_words.quantile(*quantile)))?;
        writeln!(f, "{:>10}\n", self.cut_words.max())
    }

    fn write_usage(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.2}"));
        let seconds = |cpu: Option<Duration>| figure(cpu.map(|cpu| cpu.as_secs_f64()));
        let Watched { took, engine_cpu, own_cpu, load, .. } = &self.watched;
        let idle = self.watched.idle_kib.unwrap_or_default() / 1_024;
        writeln!(
            f,
            "engine CPU          {} s, {} ms a call-second",
            seconds(*engine_cpu),
            figure(self.cpu_ms_per_call_second())
        )?;
        writeln!(
            f,
            "engine memory       {} MiB at most, {idle} MiB before; {} KiB a call",
            self.watched.peak_kib / 1_024,
            figure(self.memory_kib_per_call())
        )?;
        writeln!(f, "load side CPU       {} s of {:.1} s", seconds(*own_cpu), took.as_secs_f64())?;
        writeln!(f, "load average        {} before, {} after", figure(load[0]), figure(load[1]))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_hops(f)?;
        let (most, seconds) = (self.watched.most_calls, self.call_time.as_secs_f64());
        writeln!(f, "calls               {}, at most {most} at once, {seconds:.0} call-seconds", self.calls)?;
        if self.bookings.0 > 0 {
            writeln!(f, "bookings            {} of {} callers", self.bookings.1, self.bookings.0)?;
        }
        writeln!(f, "callers' voices     {} frames sent, {} not heard", self.frames_sent, self.frames_lost)?;
        let residue = self.residue.map_or_else(|| "not all calls have ended".to_owned(), |left| left.to_string());
        writeln!(f, "residue             {residue}")?;
        self.write_usage(f)?;
        writeln!(f, "failed              {}", self.failed)?;
        self.failures.iter().try_for_each(|(reason, count)| writeln!(f, "  {count:>6} {reason}"))?;
        self.broken_bounds().iter().try_for_each(|bound| writeln!(f, "  bound broken: {bound}"))?;
        self.warnings().iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn report(options: &str, calls: Vec<Measured>) -> Report {
        let plan = Plan::parse_from(["otto-load"].into_iter().chain(options.split_whitespace()));
        Report { residue: Some(0), ..Report::new(&plan, calls.into_iter()) }
    }

    fn call(barge_in_ms: u64, off_by: u64, failure: Option<&str>) -> Measured {
        Measured {
            barge_ins: vec![Duration::from_millis(barge_in_ms)],
            cut_words: vec![off_by],
            length: Duration::from_secs(10),
            failures: failure.map(str::to_owned).into_iter().collect(),
            ..Measured::default()
        }
    }

    #[test]
    fn failures_and_broken_bounds_decide() {
        let cases = [
            ("", vec![call(9, 9, None)], true),
            ("", vec![call(1, 0, None), call(1, 0, Some("lost"))], false),
            ("--max-barge-in-p99-ms 5", vec![call(4, 9, None)], true),
            ("--max-barge-in-p99-ms 5", vec![call(6, 0, None)], false),
            ("--max-cut-words 1", vec![call(9, 1, None)], true),
            ("--max-cut-words 1", vec![call(9, 2, None)], false),
            ("--max-barge-in-p99-ms 5", vec![], false),
        ];
        for (options, calls, held) in cases {
            let report = report(options, calls);
            assert_eq!(report.held(), held, "{options}: {report}");
        }
    }

    #[test]
    fn what_is_left_of_calls_or_unknown_is_a_failure() {
        for residue in [Some(1), None] {
            assert!(!Report { residue, ..report("", vec![call(1, 0, None)]) }.held());
        }
    }

    #[test]
    fn usage_is_told_for_each_call() {
        let mut report = report("", vec![call(1, 0, None), call(1, 0, None)]);
        report.watched.engine_cpu = Some(Duration::from_millis(40));
        (report.watched.idle_kib, report.watched.full_kib, report.watched.most_calls) = (Some(1_000), 1_300, 2);
        assert_eq!(report.cpu_ms_per_call_second(), Some(2.0));
        assert_eq!(report.memory_kib_per_call(), Some(150.0));
        assert_eq!(report.json()["engine"]["memory_kib_per_call"], 150.0);
    }

    #[test]
    fn reasons_are_counted() {
        let calls = vec![call(1, 0, Some("waited in vain: Say")), call(1, 0, Some("waited in vain: Say"))];
        let report = report("", calls);
        assert_eq!((report.failed, report.failures["waited in vain: Say"]), (2, 2));
        assert!(report.to_string().contains("2 waited in vain: Say"), "{report}");
    }
}
