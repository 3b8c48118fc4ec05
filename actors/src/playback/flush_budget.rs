//! The vendor takes 20 flushes a minute from one socket and ignores more. Pure.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::limits::{TTS_FLUSH_WINDOW_MS, TTS_FLUSHES_PER_WINDOW};

/// The flushes of one socket in the last minute.
#[derive(Debug, Default)]
pub(super) struct FlushBudget(VecDeque<Instant>);

impl FlushBudget {
    /// Whether another flush would be ignored.
    pub(super) fn is_spent(&mut self, now: Instant) -> bool {
        self.used(now) >= TTS_FLUSHES_PER_WINDOW
    }

    /// Whether one may be spent on what is only a little sooner: less than half is used.
    pub(super) fn has_plenty(&mut self, now: Instant) -> bool {
        self.used(now) < TTS_FLUSHES_PER_WINDOW / 2
    }

    fn used(&mut self, now: Instant) -> usize {
        while self.0.front().is_some_and(|at| now.duration_since(*at) >= TTS_FLUSH_WINDOW_MS) {
            self.0.pop_front();
        }
        self.0.len()
    }

    /// Takes one flush.
    pub(super) fn take(&mut self, now: Instant) {
        self.0.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_minute_has_nineteen_flushes() {
        let mut budget = FlushBudget::default();
        let start = Instant::now();
        for second in 0..19 {
            assert!(!budget.is_spent(start + Duration::from_secs(second)));
            budget.take(start + Duration::from_secs(second));
        }
        assert!(budget.is_spent(start + Duration::from_secs(30)));
        assert!(!budget.is_spent(start + Duration::from_secs(60)));
    }
}
