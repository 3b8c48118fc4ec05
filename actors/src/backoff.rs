//! How long a worker of the outbox waits before it tries an order again. Apart, because several actors have orders of their
//! own and do not know each other.

use std::time::Duration;

use crate::limits;

/// The wait after so many attempts: doubled each time, up to a limit, and longer by chance, a number from 0 to 1.
#[must_use]
pub fn after(attempts: u32, chance: f64) -> Duration {
    let doubled = limits::OUTBOX_BACKOFF_FIRST_MS.saturating_mul(2_u32.saturating_pow(attempts.min(16)));
    doubled.min(limits::OUTBOX_BACKOFF_MAX_MS).mul_f64(1.0 + limits::OUTBOX_BACKOFF_JITTER * chance)
}
