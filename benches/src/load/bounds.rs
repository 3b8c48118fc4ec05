//! The bounds that a run must keep, as options: what makes `otto-load` fail in somebody's CI.

use super::Report;
use super::plan::not_negative;

/// Bounds; one that is not given always holds.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
#[command(next_help_heading = "Bounds: the run fails when one is broken")]
pub struct Bounds {
    /// From interim to `clear`, 99th percentile, in milliseconds.
    #[arg(long, value_name = "MS", value_parser = not_negative)]
    pub max_barge_in_p99_ms: Option<f64>,
    /// Words by which any history was cut too early or too late.
    #[arg(long, value_name = "WORDS")]
    pub max_cut_words: Option<u64>,
    /// Added latency of a turn, 95th percentile, in milliseconds; 50 for --find-capacity when not given.
    #[arg(long, value_name = "MS", value_parser = not_negative)]
    pub max_added_p95_ms: Option<f64>,
    /// Added latency of a turn, 99th percentile, in milliseconds.
    #[arg(long, value_name = "MS", value_parser = not_negative)]
    pub max_added_p99_ms: Option<f64>,
    /// From `start` to Otto's first sound, 99th percentile, in milliseconds.
    #[arg(long, value_name = "MS", value_parser = not_negative)]
    pub max_first_audio_p99_ms: Option<f64>,
    /// The pause before an answer as the caller hears it, 95th percentile, in milliseconds.
    #[arg(long, value_name = "MS", value_parser = not_negative)]
    pub max_pause_p95_ms: Option<f64>,
    /// How long a call waits to learn who rings when the cache knows, 99th percentile, in milliseconds.
    #[arg(long, value_name = "MS", value_parser = not_negative)]
    pub max_lookup_cached_p99_ms: Option<f64>,
    /// The same when the database is asked, 99th percentile, in milliseconds.
    #[arg(long, value_name = "MS", value_parser = not_negative)]
    pub max_lookup_uncached_p99_ms: Option<f64>,
    /// Frames of 20 ms, of Otto's or of the callers' voices, that were lost.
    #[arg(long, value_name = "FRAMES")]
    pub max_lost_frames: Option<u64>,
    /// Share of Otto's frames that came when the caller's buffer had run dry, in percent.
    #[arg(long, value_name = "PERCENT", value_parser = not_negative)]
    pub max_late_percent: Option<f64>,
    /// Jitter of the callers' voices at the recogniser, 99th percentile of all sessions, in milliseconds.
    #[arg(long, value_name = "MS", value_parser = not_negative)]
    pub max_jitter_p99_ms: Option<f64>,
    /// The engine's processor time for a second of one call, in milliseconds.
    #[arg(long, value_name = "MS", value_parser = not_negative)]
    pub max_cpu_ms_per_call_second: Option<f64>,
    /// The engine's memory for a call beyond the first, in KiB.
    #[arg(long, value_name = "KIB", value_parser = not_negative)]
    pub max_memory_kib_per_call: Option<f64>,
}

impl Bounds {
    /// What a report breaks, in words. A bound on something that was not measured is broken too.
    pub(super) fn broken_by(&self, report: &Report) -> Vec<String> {
        let ms = |hop: &super::Hop, quantile| (hop.count() > 0).then(|| hop.quantile_ms(quantile));
        let count = |count: Option<u64>| count.map(|count| count as f64);
        let measured = report.cut_words.count() > 0;
        let cut_words = measured.then(|| report.cut_words.max());
        let bounds = [
            ("interim to clear, p99 in ms", self.max_barge_in_p99_ms, ms(&report.barge_in, 0.99)),
            ("words that a history is off", count(self.max_cut_words), count(cut_words)),
            ("added latency, p95 in ms", self.max_added_p95_ms, ms(&report.added.sum, 0.95)),
            ("added latency, p99 in ms", self.max_added_p99_ms, ms(&report.added.sum, 0.99)),
            ("start to first audio, p99 in ms", self.max_first_audio_p99_ms, ms(&report.first_audio, 0.99)),
            ("pause before an answer, p95 in ms", self.max_pause_p95_ms, ms(&report.pause, 0.95)),
            ("look-up, cached, p99 in ms", self.max_lookup_cached_p99_ms, ms(&report.lookups.cached, 0.99)),
            ("look-up, uncached, p99 in ms", self.max_lookup_uncached_p99_ms, ms(&report.lookups.uncached, 0.99)),
            ("frames lost", count(self.max_lost_frames), Some(report.frames.lost() as f64)),
            ("frames that came late, in percent", self.max_late_percent, Some(report.frames.late_percent())),
            ("jitter at the recogniser, p99 in ms", self.max_jitter_p99_ms, ms(&report.frames.jitter_in, 0.99)),
            ("CPU a call-second in ms", self.max_cpu_ms_per_call_second, report.cpu_ms_per_call_second()),
            ("memory a call in KiB", self.max_memory_kib_per_call, report.memory_kib_per_call()),
        ];
        let broken = |(what, most, found): (&str, Option<f64>, Option<f64>)| match (most?, found) {
            (most, Some(found)) if found <= most => None,
            (most, Some(found)) => Some(format!("{what}: {found:.2}, and {most} is the most allowed")),
            (_, None) => Some(format!("{what}: a bound was given, and nothing was measured")),
        };
        bounds.into_iter().filter_map(broken).collect()
    }
}
