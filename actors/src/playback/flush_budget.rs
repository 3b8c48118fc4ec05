//! The vendor takes 20 flushes a minute and ignores more: what would be ignored waits instead. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{TTS_FLUSH_WINDOW_MS, TTS_FLUSHES_PER_WINDOW};

/// The flushes of the last minute.
#[derive(Debug, Default)]
pub(super) struct FlushBudget(VecDeque<Instant>);

impl FlushBudget {
    /// Takes one flush, or says how long until one is free.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        while self.0.front().is_some_and(|at| now.duration_since(*at) >= TTS_FLUSH_WINDOW_MS) {
            self.0.pop_front();
        }
        match self.0.front() {
            Some(oldest) if self.0.len() >= TTS_FLUSHES_PER_WINDOW => {
                Err(TTS_FLUSH_WINDOW_MS - now.duration_since(*oldest))
            }
            _ => {
                self.0.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_minute_has_nineteen_flushes() {
        let mut budget = FlushBudget::default();
        let start = Instant::now();
        for second in 0..19 {
            assert_eq!(budget.take(start + Duration::from_secs(second)), Ok(()));
        }
        assert_eq!(budget.take(start + Duration::from_secs(30)), Err(Duration::from_secs(30)));
        assert_eq!(budget.take(start + Duration::from_secs(60)), Ok(()));
    }
}
