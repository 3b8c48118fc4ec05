//! What a comparison came to: pure, as text for people, as JSON for programs, and as a verdict.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use crate::load::Cost;

/// By how much what both sides moved may differ, as a share. Beyond it they did not do the same work, and the ratio of
/// their costs says nothing.
const SAME_WORK: f64 = 0.1;

/// Which program ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Otto.
    Engine,
    /// The straight-line program.
    Straight,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Who ran.
    pub side: Side,
    /// What it cost.
    pub cost: Cost,
    /// Why calls failed, and how often.
    pub failures: BTreeMap<String, u64>,
}

/// All runs, by turns.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// In the order in which they were made.
    pub runs: Vec<Run>,
    /// The largest ratio that is accepted.
    pub max_cpu_ratio: Option<f64>,
}

impl Comparison {
    /// The engine's processor time for a call-second, as a multiple of the straight-line program's, over all runs.
    pub fn cpu_ratio(&self) -> f64 {
        ratio(self.total(Side::Engine), self.total(Side::Straight))
    }

    /// The ratio of every round.
    pub fn rounds(&self) -> Vec<f64> {
        let rounds = self.runs.chunks(2);
        rounds.filter_map(|round| Some(ratio(round.first()?.cost, round.get(1)?.cost))).collect()
    }

    /// What everything of one side came to.
    pub fn total(&self, side: Side) -> Cost {
        let mine = self.runs.iter().filter(|run| run.side == side);
        mine.fold(Cost::default(), |sum, run| sum + run.cost)
    }

    /// What both moved, and by which share the engine moved more.
    pub fn moved(&self) -> [(&'static str, f64); 4] {
        let (engine, straight) = (self.total(Side::Engine), self.total(Side::Straight));
        let more = |engine: f64, straight: f64| if straight > 0.0 { engine / straight - 1.0 } else { f64::INFINITY };
        [
            ("call time", more(engine.calls.as_secs_f64(), straight.calls.as_secs_f64())),
            ("callers' frames", more(engine.frames as f64, straight.frames as f64)),
            ("Otto's speech", more(engine.speech.as_secs_f64(), straight.speech.as_secs_f64())),
            ("its messages", more(engine.messages as f64, straight.messages as f64)),
        ]
    }

    /// What is wrong; empty when all held.
    pub fn complaints(&self) -> Vec<String> {
        let failures = self
            .runs
            .iter()
            .flat_map(|run| run.failures.iter().map(|(reason, count)| format!("{}: {count} {reason}", name(run.side))));
        let unlike = self.moved().into_iter().filter(|(_, more)| more.abs() > SAME_WORK).map(|(what, more)| {
            format!("not the same work, so the ratio says nothing: {what} differ by {:.1} %", more * 100.0)
        });
        let ratio = self.cpu_ratio();
        // A ratio that is no number is no good one.
        let dear = self.max_cpu_ratio.filter(|most| ratio.is_nan() || ratio > *most);
        let dear = dear.map(|most| format!("the engine costs {ratio:.2} times as much, expected {most:.2} at most"));
        failures.chain(unlike).chain(dear).collect()
    }

    /// The comparison for programs.
    pub fn json(&self) -> Value {
        let runs = self.runs.iter().map(|run| {
            let Cost { cpu, calls, frames, speech, messages } = run.cost;
            json!({"side": name(run.side), "cpu_seconds": cpu.as_secs_f64(), "call_seconds": calls.as_secs_f64(),
                "cpu_ms_per_call_second": run.cost.ms_per_call_second(), "frames": frames,
                "speech_seconds": speech.as_secs_f64(), "messages": messages, "failures": run.failures})
        });
        json!({"runs": runs.collect::<Vec<_>>(), "cpu_ratio": self.cpu_ratio(), "rounds": self.rounds(),
            "moved_more": BTreeMap::from(self.moved()), "complaints": self.complaints()})
    }
}

fn ratio(engine: Cost, straight: Cost) -> f64 {
    engine.ms_per_call_second() / straight.ms_per_call_second()
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Engine => "engine",
        Side::Straight => "straight line",
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = ["CPU, s", "call-seconds", "ms a call-second", "frames in", "speech out, s", "messages out"];
        write!(f, "{:<14}", "")?;
        titles.iter().try_for_each(|title| write!(f, "{title:>18}"))?;
        writeln!(f)?;
        for Run { side, cost, .. } in &self.runs {
            let (cpu, calls, speech) = (cost.cpu.as_secs_f64(), cost.calls.as_secs_f64(), cost.speech.as_secs_f64());
            let each = cost.ms_per_call_second();
            write!(f, "{:<14}{cpu:>18.2}{calls:>18.0}{each:>18.3}{:>18}", name(*side), cost.frames)?;
            writeln!(f, "{speech:>18.0}{:>18}", cost.messages)?;
        }
        write!(f, "\nthe engine moved more by")?;
        self.moved().iter().try_for_each(|(what, more)| write!(f, "  {:+.1} % {what}", more * 100.0))?;
        let (engine, straight) = (self.total(Side::Engine), self.total(Side::Straight));
        let rounds: Vec<String> = self.rounds().iter().map(|ratio| format!("{ratio:.2}")).collect();
        writeln!(
            f,
            "\nCPU a call-second        {:.3} ms to {:.3} ms: {:.2} times as much; by round {}",
            engine.ms_per_call_second(),
            straight.ms_per_call_second(),
            self.cpu_ratio(),
            rounds.join(", ")
        )?;
        self.complaints().iter().try_for_each(|complaint| writeln!(f, "  {complaint}"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn run(side: Side, cpu_ms: u64, speech_s: u64) -> Run {
        let (cpu, speech) = (Duration::from_millis(cpu_ms), Duration::from_secs(speech_s));
        let cost = Cost { cpu, calls: Duration::from_secs(10), frames: 500, speech, messages: 10 };
        Run { side, cost, failures: BTreeMap::new() }
    }

    fn comparison(most: Option<f64>, runs: Vec<Run>) -> Comparison {
        Comparison { runs, max_cpu_ratio: most }
    }

    #[test]
    fn the_ratio_is_of_all_runs_together() {
        use Side::*;
        let runs = vec![run(Engine, 30, 5), run(Straight, 10, 5), run(Engine, 10, 5), run(Straight, 10, 5)];
        let comparison = comparison(Some(2.0), runs);
        assert_eq!((comparison.cpu_ratio(), comparison.rounds()), (2.0, vec![3.0, 1.0]));
        assert_eq!(comparison.complaints(), Vec::<String>::new());
        assert_eq!(comparison.json()["cpu_ratio"], 2.0);
    }

    #[test]
    fn a_dear_engine_unlike_work_failed_calls_and_no_calls_are_complaints() {
        use Side::*;
        let mut failed = run(Straight, 10, 5);
        failed.failures.insert("lost".to_owned(), 2);
        let idle = Run { side: Straight, cost: Cost::default(), failures: BTreeMap::new() };
        for (most, runs, expected) in [
            (Some(1.9), vec![run(Engine, 20, 5), run(Straight, 10, 5)], "2.00 times"),
            (None, vec![run(Engine, 10, 6), run(Straight, 10, 5)], "Otto's speech differ by 20.0 %"),
            (None, vec![run(Engine, 10, 5), failed], "straight line: 2 lost"),
            (Some(9.0), vec![run(Engine, 10, 5), idle], "expected 9.00 at most"),
        ] {
            let comparison = comparison(most, runs);
            assert!(comparison.complaints().iter().any(|text| text.contains(expected)), "{expected}: {comparison}");
        }
        assert!(comparison(None, vec![run(Engine, 20, 5), run(Straight, 10, 5)]).complaints().is_empty());
    }
}
