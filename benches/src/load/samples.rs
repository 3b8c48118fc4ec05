//! What both processes used over a run, second by second, and the figures that follow from it. Pure.

use std::time::Duration;

use super::questions::Gauges;
use super::usage::Usage;

/// Share of the most calls from which on a run counts as full.
const FULL_SHARE: f64 = 0.9;

/// One moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    /// Since the beginning of the run.
    pub(super) at: Duration,
    /// Calls that go on.
    pub(super) live: u64,
    /// The engine's process, where it is known.
    pub(super) engine: Option<Usage>,
    pub(super) own: Option<Usage>,
    /// What the engine says of itself, where it is asked.
    pub(super) gauges: Gauges,
}

impl Sample {
    /// Processors that the engine kept busy since another sample.
    pub(super) fn engine_share(&self, before: &Sample) -> Option<f64> {
        self.share(before, |sample| sample.engine)
    }

    /// Processors that the load side kept busy since another sample.
    pub(super) fn own_share(&self, before: &Sample) -> Option<f64> {
        self.share(before, |sample| sample.own)
    }

    fn share(&self, before: &Sample, side: impl Fn(&Sample) -> Option<Usage>) -> Option<f64> {
        let spent = side(self)?.cpu.saturating_sub(side(before)?.cpu);
        let seconds = self.at.saturating_sub(before.at).as_secs_f64();
        (seconds > 0.0).then(|| spent.as_secs_f64() / seconds)
    }
}

/// A run.
#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    pub(super) took: Duration,
    /// From before the first call to after the last one.
    pub(super) samples: Vec<Sample>,
    /// The machine's load average at the beginning and at the end.
    pub(super) load: [Option<f64>; 2],
}

impl Watched {
    /// Most calls that were seen at the same time.
    pub(super) fn most_calls(&self) -> u64 {
        self.samples.iter().map(|sample| sample.live).max().unwrap_or_default()
    }

    /// The seconds in which nearly all of the most calls went on.
    pub(super) fn full(&self) -> &[Sample] {
        let enough = (self.most_calls() as f64 * FULL_SHARE).ceil() as u64;
        let is_full = |sample: &Sample| enough > 0 && sample.live >= enough;
        let Some(first) = self.samples.iter().position(is_full) else { return &[] };
        let last = self.samples.iter().rposition(is_full).unwrap_or(first);
        &self.samples[first..=last]
    }

    /// How long nearly all of the most calls went on.
    pub(super) fn full_for(&self) -> Duration {
        let full = self.full();
        full.last().map_or(Duration::ZERO, |last| last.at - full[0].at)
    }

    /// Processors that the engine kept busy while the run was full.
    pub(super) fn engine_share(&self) -> Option<f64> {
        let full = self.full();
        full.last()?.engine_share(full.first()?)
    }

    /// Processors that the load side kept busy while the run was full.
    pub(super) fn own_share(&self) -> Option<f64> {
        let full = self.full();
        full.last()?.own_share(full.first()?)
    }

    /// The engine's processor time over the run.
    pub(super) fn engine_cpu(&self) -> Option<Duration> {
        self.spent(|sample| sample.engine)
    }

    /// The load side's processor time over the run.
    pub(super) fn own_cpu(&self) -> Option<Duration> {
        self.spent(|sample| sample.own)
    }

    fn spent(&self, side: impl Fn(&Sample) -> Option<Usage>) -> Option<Duration> {
        let known = || self.samples.iter().filter_map(&side);
        Some(known().next_back()?.cpu.saturating_sub(known().next()?.cpu))
    }

    /// The engine's memory before the first call, in KiB.
    pub(super) fn idle_kib(&self) -> Option<u64> {
        Some(self.samples.first()?.engine?.resident_kib)
    }

    /// Its largest memory, in KiB.
    pub(super) fn peak_kib(&self) -> Option<u64> {
        self.samples.iter().filter_map(|sample| Some(sample.engine?.resident_kib)).max()
    }

    /// The engine's memory for a call beyond the first, in KiB: what it had when most calls were live, less what it had
    /// with the first one alone, which brings what all share.
    pub(super) fn kib_per_call(&self) -> Option<f64> {
        let memory = |sample: &Sample| Some((sample.live, sample.engine?.resident_kib as f64));
        let most = self.most_calls();
        let full = self.samples.iter().rev().find(|sample| sample.live == most).and_then(memory)?;
        // Nobody but the first has called yet; it may have hung up already.
        let alone = self.samples.iter().take_while(|sample| sample.live <= 1).last().and_then(memory);
        let alone = alone.filter(|_| most > 1).or(Some((0, self.idle_kib()? as f64)))?;
        (most > 0).then(|| (full.1 - alone.1) / (full.0 - alone.0) as f64)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Seconds in which so many calls went on, with the engine's memory in KiB; both sides use half a processor.
    pub(in crate::load) fn watched(seconds: &[(u64, u64)]) -> Watched {
        let sample = |(second, (live, resident_kib)): (usize, &(u64, u64))| {
            let at = Duration::from_secs(second as u64);
            let usage = Usage { cpu: at / 2, resident_kib: *resident_kib, threads: 4, files: 20 + live * 4 };
            Sample { at, live: *live, engine: Some(usage), own: Some(usage), gauges: Gauges::default() }
        };
        let samples: Vec<Sample> = seconds.iter().enumerate().map(sample).collect();
        Watched { took: Duration::from_secs(seconds.len() as u64), samples, ..Watched::default() }
    }

    #[test]
    fn memory_is_told_for_each_call_beyond_the_first() {
        for (seconds, expected) in [
            (vec![(0, 1_000), (1, 1_500), (6, 2_100), (11, 2_600), (11, 2_500), (0, 2_400)], Some(100.0)),
            (vec![(0, 1_000), (1, 1_200), (0, 1_200)], Some(200.0)),
            (vec![(0, 1_000), (1, 1_200), (0, 1_300), (4, 1_700), (1, 1_600)], Some(100.0)),
            (vec![(0, 1_000), (5, 1_500), (0, 1_200)], Some(100.0)),
            (vec![(0, 1_000)], None),
            (vec![], None),
        ] {
            assert_eq!(watched(&seconds).kib_per_call(), expected, "{seconds:?}");
        }
    }

    #[test]
    fn shares_are_those_of_the_full_seconds() {
        let watched = watched(&[(0, 1), (5, 1), (10, 1), (9, 1), (10, 1), (4, 1), (0, 1)]);
        assert_eq!((watched.most_calls(), watched.full_for()), (10, Duration::from_secs(2)));
        assert_eq!((watched.engine_share(), watched.own_share()), (Some(0.5), Some(0.5)));
        assert_eq!(watched.engine_cpu(), Some(Duration::from_secs(3)));
    }
}
