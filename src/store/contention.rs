//! What to do when the database gives a transaction up for the sake of another one: the same again, after a moment.

use std::time::Duration;

use backon::ExponentialBuilder;
use otto_actors::ports::StoreError;

/// Attempts beyond the first.
const RETRIES: usize = 6;
/// Before the first of them; each pause is twice the one before, with jitter.
const FIRST_PAUSE_MS: Duration = Duration::from_millis(5);
/// The longest pause.
const LONGEST_PAUSE_MS: Duration = Duration::from_millis(200);

pub(super) fn patience() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE_MS)
        .with_max_delay(LONGEST_PAUSE_MS)
        .with_max_times(RETRIES)
        .with_jitter()
}

pub(super) fn again(error: &StoreError) -> bool {
    *error == StoreError::Contended
}
