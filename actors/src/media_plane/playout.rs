//! The play-out clock: what the caller has heard, from what was sent, the time and the marks that came back. Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::Epoch;
use crate::limits::SAMPLES_PER_MS;

/// A reading of the play-out clock, good until more audio is sent. Positions count samples of the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Playout {
    /// Which epoch the positions belong to.
    pub epoch: Epoch,
    /// Samples sent.
    pub sent: u64,
    /// When the last of them will have been played.
    pub ends_at: Instant,
}

impl Playout {
    /// Nothing was sent yet.
    #[must_use]
    pub fn silent(now: Instant) -> Self {
        Self { epoch: Epoch(0), sent: 0, ends_at: now }
    }

    /// Samples played by then.
    #[must_use]
    pub fn played(&self, now: Instant) -> u64 {
        let left = self.ends_at.saturating_duration_since(now);
        self.sent.saturating_sub(samples(left))
    }
}

/// Keeps the reading: Twilio plays what it gets in order and in real time.
#[derive(Debug)]
pub struct PlayoutClock {
    now: Playout,
}

impl PlayoutClock {
    /// A clock at the start of a stream.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { now: Playout::silent(now) }
    }

    /// Audio has been written to the socket.
    pub fn sent(&mut self, samples: u64, now: Instant) {
        self.now.sent += samples;
        self.now.ends_at = self.now.ends_at.max(now) + duration(samples);
    }

    /// A mark came back: all up to its position has been played, and not much earlier than now.
    pub fn marked(&mut self, epoch: Epoch, position: u64, now: Instant) {
        if epoch == self.now.epoch && position <= self.now.sent {
            self.now.ends_at = now + duration(self.now.sent - position);
        }
    }

    /// What was not played never will be.
    pub fn cleared(&mut self, epoch: Epoch, now: Instant) {
        self.now = Playout { epoch, sent: 0, ends_at: now };
    }

    /// The reading.
    #[must_use]
    pub fn reading(&self) -> Playout {
        self.now
    }
}

/// How long that many samples play.
#[must_use]
pub(crate) fn duration(samples: u64) -> Duration {
    Duration::from_micros(samples * 1_000 / SAMPLES_PER_MS)
}

/// How many samples play in that time.
#[must_use]
pub(crate) fn samples(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).saturating_mul(SAMPLES_PER_MS) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[tokio::test(start_paused = true)]
    async fn audio_sent_at_once_plays_in_real_time() {
        let start = Instant::now();
        let mut clock = PlayoutClock::new(start);
        clock.sent(8_000, start);
        clock.sent(8_000, start + MS(100));
        let played = |ms| clock.reading().played(start + MS(ms));
        assert_eq!((played(0), played(500), played(1_500), played(9_000)), (0, 4_000, 12_000, 16_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_mark_corrects_the_clock() {
        let start = Instant::now();
        let mut clock = PlayoutClock::new(start);
        clock.sent(16_000, start);
        // The far end began 200 ms late.
        clock.marked(Epoch(0), 8_000, start + MS(1_200));
        assert_eq!(clock.reading().played(start + MS(1_700)), 12_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_mark_of_what_was_cleared_says_nothing() {
        let start = Instant::now();
        let mut clock = PlayoutClock::new(start);
        clock.sent(16_000, start);
        clock.cleared(Epoch(1), start + MS(500));
        clock.sent(8_000, start + MS(600));
        clock.marked(Epoch(0), 16_000, start + MS(601));
        assert_eq!(clock.reading().played(start + MS(1_100)), 4_000);
    }
}
