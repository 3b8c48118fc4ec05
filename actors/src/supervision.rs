//! When a failed actor is started again, how soon, and when to give up. The policy is data; the decision is pure.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::names::Leg;

/// How a supervisor treats one child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Failures within `window` that are forgiven; one more and the supervisor gives up.
    pub budget: usize,
    /// How long a failure counts.
    pub window: Duration,
    /// The pause before the first restart; each further failure within the window doubles it.
    pub backoff_first: Duration,
    /// The longest pause.
    pub backoff_max: Duration,
}

/// The shared actors: the root waits longer each time, then the process ends and whoever started it starts it again.
pub const SHARED: RestartPolicy = RestartPolicy {
    budget: 10,
    window: Duration::from_secs(60),
    backoff_first: Duration::from_millis(10),
    backoff_max: Duration::from_secs(5),
};

/// The legs of a call: the caller waits, so the first restart is immediate.
#[must_use]
pub const fn leg(_leg: Leg) -> RestartPolicy {
    RestartPolicy {
        budget: 5,
        window: Duration::from_secs(60),
        backoff_first: Duration::ZERO,
        backoff_max: Duration::from_millis(500),
    }
}

/// The least pause that doubling starts from, when the first is zero.
const BACKOFF_STEP: Duration = Duration::from_millis(20);

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again after this pause.
    RestartAfter(Duration),
    /// The budget is spent.
    GiveUp,
}

/// The failures of one child.
#[derive(Debug)]
pub struct Restarts {
    policy: RestartPolicy,
    failures: VecDeque<Instant>,
}

impl Restarts {
    /// No failures yet.
    #[must_use]
    pub fn new(policy: RestartPolicy) -> Self {
        Self { policy, failures: VecDeque::new() }
    }

    /// The child has failed.
    pub fn failed(&mut self, now: Instant) -> Verdict {
        while self.failures.front().is_some_and(|at| now.duration_since(*at) >= self.policy.window) {
            self.failures.pop_front();
        }
        if self.failures.len() >= self.policy.budget {
            return Verdict::GiveUp;
        }
        let pause = self.pause();
        self.failures.push_back(now);
        Verdict::RestartAfter(pause)
    }

    fn pause(&self) -> Duration {
        let earlier = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
        if earlier == 0 {
            return self.policy.backoff_first;
        }
        let step = self.policy.backoff_first.max(BACKOFF_STEP);
        step.saturating_mul(2_u32.saturating_pow(earlier - 1).min(1 << 16)).min(self.policy.backoff_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_leg_gets_five_restarts_in_a_minute_and_not_a_sixth() {
        let mut restarts = Restarts::new(leg(Leg::Stt));
        let now = Instant::now();
        let pauses: Vec<_> = (0..6).map(|_| restarts.failed(now)).collect();
        let after = |ms| Verdict::RestartAfter(Duration::from_millis(ms));
        assert_eq!(pauses, [after(0), after(20), after(40), after(80), after(160), Verdict::GiveUp]);
    }

    #[tokio::test(start_paused = true)]
    async fn old_failures_are_forgiven() {
        let mut restarts = Restarts::new(SHARED);
        let mut now = Instant::now();
        for _ in 0..100 {
            assert!(matches!(restarts.failed(now), Verdict::RestartAfter(_)));
            now += Duration::from_secs(7);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_meltdown_ends_it() {
        let mut restarts = Restarts::new(SHARED);
        let now = Instant::now();
        let verdicts: Vec<_> = (0..=SHARED.budget).map(|_| restarts.failed(now)).collect();
        assert_eq!(verdicts.last(), Some(&Verdict::GiveUp));
        assert!(verdicts.iter().all(|v| *v != Verdict::RestartAfter(Duration::from_secs(6))));
    }
}
