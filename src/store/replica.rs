//! A replica of the database, which may be away: a look-up that it does not answer goes to the primary, and while it is
//! away none waits for it but a probe now and then. Apart from PostgreSQL, so that it is tested without one.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use otto_actors::ports::StoreError;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::breaker::Breaker;

/// A look-up on the replica, waiting for a connection included. Then the primary is asked, while somebody waits.
const REPLICA_READ_TIMEOUT_MS: Duration = Duration::from_millis(1_000);

/// The replica's connections, and whether they are worth trying.
#[derive(Debug)]
pub(super) struct Replica<P> {
    pool: P,
    breaker: Mutex<Breaker>,
}

impl<P> Replica<P> {
    pub(super) fn new(pool: P) -> Self {
        Self { pool, breaker: Mutex::default() }
    }

    /// Its connections.
    pub(super) fn pool(&self) -> &P {
        &self.pool
    }

    /// What the replica says, unless it is away.
    ///
    /// # Errors
    /// As the read's; and when the replica is away, which the read then does not find out once more.
    pub(super) async fn ask<T>(&self, read: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        if !self.breaker().admit(Instant::now()) {
            return Err(StoreError::Unavailable("the replica is away".into()));
        }
        let late = || Err(StoreError::Unavailable("no answer of the replica in time".into()));
        let answer = timeout(REPLICA_READ_TIMEOUT_MS, read).await.unwrap_or_else(|_| late());
        match &answer {
            Err(StoreError::Unavailable(reason)) => self.failed(reason),
            // It is there, whatever it says.
            _ => self.answered(),
        }
        answer
    }

    fn answered(&self) {
        if self.breaker().succeeded() {
            info!("the replica answers again");
        }
    }

    fn failed(&self, reason: &str) {
        if self.breaker().failed(Instant::now()) {
            warn!(reason, "the replica does not answer; the primary takes its look-ups");
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::BREAKER_FAILURES;

    fn away() -> Result<u32, StoreError> {
        Err(StoreError::Unavailable("scripted".into()))
    }

    /// Whether it is away, after so many answers of this kind.
    async fn is_away_after(count: u32, answer: impl Fn() -> Result<u32, StoreError>) -> bool {
        let replica = Replica::new(());
        for _ in 0..count {
            assert_eq!(replica.ask(async { answer() }).await, answer());
        }
        let mut asked = false;
        let _ = replica
            .ask(async {
                asked = true;
                Ok(1)
            })
            .await;
        !asked
    }

    #[tokio::test]
    async fn a_replica_that_is_away_is_not_asked_by_every_look_up() {
        assert!(!is_away_after(BREAKER_FAILURES - 1, away).await);
        assert!(is_away_after(BREAKER_FAILURES, away).await);
    }

    #[tokio::test]
    async fn one_that_says_no_is_not_away() {
        for answer in [Err(StoreError::Contended), Err(StoreError::Refused("scripted".into())), Ok(1)] {
            assert!(!is_away_after(BREAKER_FAILURES * 2, || answer.clone()).await, "{answer:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_hangs_is_left_in_time() {
        let (replica, begun) = (Replica::new(()), tokio::time::Instant::now());
        for _ in 0..BREAKER_FAILURES {
            let answer: Result<u32, _> = replica.ask(std::future::pending()).await;
            assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        }
        assert_eq!(begun.elapsed(), REPLICA_READ_TIMEOUT_MS * BREAKER_FAILURES);
        assert!(replica.ask(async { Ok(1) }).await.is_err());
        assert_eq!(begun.elapsed(), REPLICA_READ_TIMEOUT_MS * BREAKER_FAILURES, "at once");
    }
}
