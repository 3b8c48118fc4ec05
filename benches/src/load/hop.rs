//! One measured thing: a histogram and its percentiles.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Digits that are exact.
const PRECISION_DIGITS: u8 = 3;

/// The largest value that is told apart: ten minutes in microseconds. Larger ones count as this.
const LARGEST: u64 = 10 * 60 * 1_000_000;

/// The quantiles that are told, beside the longest.
pub(super) const QUANTILES: [(&str, f64); 4] = [("p50", 0.50), ("p90", 0.90), ("p95", 0.95), ("p99", 0.99)];

/// Values of one kind: durations, kept in microseconds, or plain counts.
#[derive(Clone, Debug)]
pub struct Hop {
    values: Histogram<u64>,
}

impl Default for Hop {
    fn default() -> Self {
        Hop { values: Histogram::new_with_max(LARGEST, PRECISION_DIGITS).expect("bounds that are allowed") }
    }
}

impl FromIterator<Duration> for Hop {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Self {
        let mut hop = Hop::default();
        durations.into_iter().for_each(|duration| hop.record(duration));
        hop
    }
}

impl FromIterator<u64> for Hop {
    fn from_iter<I: IntoIterator<Item = u64>>(counts: I) -> Self {
        let mut hop = Hop::default();
        counts.into_iter().for_each(|count| hop.values.saturating_record(count));
        hop
    }
}

impl Hop {
    /// Adds a duration.
    pub fn record(&mut self, duration: Duration) {
        self.values.saturating_record(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// Adds a duration in microseconds, so many times.
    pub(super) fn record_many(&mut self, us: u64, times: u64) {
        // None at all would still be the largest.
        if times > 0 {
            self.values.saturating_record_n(us, times);
        }
    }

    /// Adds a count.
    pub(super) fn record_count(&mut self, count: u64) {
        self.values.saturating_record(count);
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.values.len()
    }

    /// The value that this share of all does not exceed; 0 when there is none.
    pub fn quantile(&self, quantile: f64) -> u64 {
        self.values.value_at_quantile(quantile)
    }

    /// As [`Hop::quantile`], in milliseconds.
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        self.quantile(quantile) as f64 / 1_000.0
    }

    /// The largest value.
    pub fn max(&self) -> u64 {
        self.values.max()
    }

    /// The percentiles in milliseconds.
    pub(super) fn json_ms(&self) -> Value {
        self.json(|value| value as f64 / 1_000.0)
    }

    /// The percentiles of counts.
    pub(super) fn json_counts(&self) -> Value {
        self.json(|value| value as f64)
    }

    fn json(&self, scale: impl Fn(u64) -> f64) -> Value {
        let mut all = json!({"count": self.count(), "max": scale(self.max())});
        for (name, quantile) in QUANTILES {
            all[name] = json!(scale(self.quantile(quantile)));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_values() {
        let hop: Hop = (1..=1_000).map(Duration::from_millis).collect();
        for (quantile, ms) in [(0.5, 500.0), (0.9, 900.0), (0.99, 990.0), (1.0, 1_000.0)] {
            let found = hop.quantile_ms(quantile);
            assert!((found - ms).abs() <= ms / 1_000.0, "{quantile}: {found}");
        }
        assert_eq!(hop.count(), 1_000);
    }

    #[test]
    fn nothing_measured_is_nothing() {
        let hop = Hop::default();
        assert_eq!((hop.count(), hop.quantile(0.99), hop.max()), (0, 0, 0));
        let counts: Hop = [0, 0, 1, 3].into_iter().collect();
        assert_eq!((counts.quantile(0.5), counts.max()), (0, 3));
    }
}
