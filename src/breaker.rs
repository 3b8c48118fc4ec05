//! A circuit breaker as a plain state machine: what is away is not asked again and again. It is told the time, so that
//! tests need no clock.

use std::time::{Duration, Instant};

/// Failures in a row that open it.
pub const BREAKER_FAILURES: u32 = 5;
/// How long it stays open the first time.
pub const BREAKER_OPEN_FIRST_MS: Duration = Duration::from_millis(1_000);
/// How long it stays open at most; each failed probe doubles the time up to this.
pub const BREAKER_OPEN_MAX_MS: Duration = Duration::from_millis(30_000);
/// A probe that nobody reported on (its request was dropped) is given up after this.
pub const BREAKER_PROBE_LOST_MS: Duration = Duration::from_millis(1_000);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Requests pass.
    Closed { failures: u32 },
    /// No request passes until then.
    Open { until: Instant },
    /// One request is under way since then; its outcome decides.
    HalfOpen { since: Instant },
}

/// Closed, open or half-open. Ask [`admit`](Self::admit) before a request and report its outcome.
#[derive(Debug, Clone)]
pub struct Breaker {
    state: State,
    /// How long it stays open the next time.
    cool_down: Duration,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed { failures: 0 }, cool_down: BREAKER_OPEN_FIRST_MS }
    }
}

impl Breaker {
    /// Whether a request may be sent now. After the cool-down one request may, as a probe.
    pub fn admit(&mut self, now: Instant) -> bool {
        let admitted = match self.state {
            State::Closed { .. } => return true,
            State::Open { until } => now >= until,
            State::HalfOpen { since } => now >= since + BREAKER_PROBE_LOST_MS,
        };
        if admitted {
            self.state = State::HalfOpen { since: now };
        }
        admitted
    }

    /// A request succeeded. Says whether that closed it.
    pub fn succeeded(&mut self) -> bool {
        // The answer to a request from before it opened does not count: the probe decides.
        let was_half_open = match self.state {
            State::Open { .. } => return false,
            State::Closed { .. } => false,
            State::HalfOpen { .. } => true,
        };
        *self = Self::default();
        was_half_open
    }

    /// A request failed. Says whether that opened it.
    pub fn failed(&mut self, now: Instant) -> bool {
        match self.state {
            State::Open { .. } => false,
            State::Closed { failures } if failures + 1 < BREAKER_FAILURES => {
                self.state = State::Closed { failures: failures + 1 };
                false
            }
            State::Closed { .. } | State::HalfOpen { .. } => {
                self.state = State::Open { until: now + self.cool_down };
                self.cool_down = (self.cool_down * 2).min(BREAKER_OPEN_MAX_MS);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn opened(at: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 1..BREAKER_FAILURES {
            assert!(breaker.admit(at));
            assert!(!breaker.failed(at));
        }
        assert!(breaker.failed(at), "the fifth failure in a row opens it");
        breaker
    }

    #[test]
    fn a_success_in_between_starts_the_count_again() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..3 {
            for _ in 1..BREAKER_FAILURES {
                assert!(!breaker.failed(now));
            }
            assert!(!breaker.succeeded(), "it was closed already");
        }
        assert!(breaker.admit(now));
    }

    #[test]
    fn one_probe_passes_after_the_cool_down_and_closes_it() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert!(!breaker.admit(now + ms(999)));
        assert!(breaker.admit(now + ms(1_000)), "the probe");
        assert!(!breaker.admit(now + ms(1_001)), "one probe at a time");
        assert!(breaker.succeeded());
        assert!(breaker.admit(now + ms(1_002)));
        assert!(!breaker.failed(now + ms(1_003)), "the count began again");
    }

    #[test]
    fn failed_probes_double_the_cool_down_up_to_a_limit_and_a_success_resets_it() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            assert!(!breaker.admit(now + ms(seconds * 1_000 - 1)), "{seconds} s");
            now += ms(seconds * 1_000);
            assert!(breaker.admit(now), "{seconds} s");
            assert!(breaker.failed(now));
        }
        now += ms(30_000);
        assert!(breaker.admit(now));
        assert!(breaker.succeeded());
        for _ in 0..BREAKER_FAILURES {
            breaker.failed(now);
        }
        assert!(breaker.admit(now + ms(1_000)), "back to one second");
    }

    #[test]
    fn late_outcomes_of_earlier_requests_change_nothing() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert!(!breaker.failed(now + ms(10)));
        assert!(!breaker.succeeded());
        assert!(!breaker.admit(now + ms(999)));
        assert!(breaker.admit(now + ms(1_000)));
    }

    #[test]
    fn a_lost_probe_is_replaced() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert!(breaker.admit(now + ms(1_000)));
        assert!(!breaker.admit(now + ms(1_999)));
        assert!(breaker.admit(now + ms(2_000)));
    }
}
