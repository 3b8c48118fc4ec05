//! Marks that the cache could not take because it was away: made good as soon as it is back. Until then this node goes
//! past the cache for their keys.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use otto_actors::ports::Cache;
use tokio::time::Instant;

use super::entry::Entry;
use super::{CUSTOMER_TTL, MARK_TTL};

/// How often a mark that is owed is tried again; most tries end at the cache's own breaker.
pub(super) const TRY_AGAIN_EVERY: Duration = Duration::from_millis(500);
/// A mark is owed no longer than this: what the cache held before the write is gone by then.
const OWED_FOR: Duration = Duration::from_secs(CUSTOMER_TTL.as_secs() + MARK_TTL.as_secs());
/// More keys are not noted; their values outlive a write by [`CUSTOMER_TTL`] at most.
const OWED_MAX: usize = 10_000;

/// The marks that are owed.
pub(super) struct Debts(Arc<Owed>);

struct Owed {
    cache: Arc<dyn Cache>,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    until: HashMap<String, Instant>,
    collected: bool,
}

impl Debts {
    pub(super) fn new(cache: Arc<dyn Cache>) -> Self {
        Self(Arc::new(Owed { cache, book: Mutex::default() }))
    }

    /// Whether what the cache holds for the key may be outdated.
    pub(super) fn are_owed(&self, key: &str) -> bool {
        self.0.book().until.contains_key(key)
    }

    /// Notes marks that failed, and has them tried again.
    pub(super) fn owe(&self, keys: &[String]) {
        let mut book = self.0.book();
        let until = Instant::now() + OWED_FOR;
        for key in keys {
            if book.until.len() < OWED_MAX || book.until.contains_key(key) {
                book.until.insert(key.clone(), until);
            } else {
                tracing::warn!("the cache has been away for too many changes; some may be seen late");
            }
        }
        if !std::mem::replace(&mut book.collected, true) {
            tokio::spawn(collect(Arc::downgrade(&self.0)));
        }
    }
}

/// Tries until nothing is owed any more or nobody is left who could be told something outdated.
async fn collect(owed: Weak<Owed>) {
    loop {
        tokio::time::sleep(TRY_AGAIN_EVERY).await;
        let Some(owed) = owed.upgrade() else { return };
        if owed.pay().await {
            return;
        }
    }
}

impl Owed {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks all keys that are owed. True when none is left.
    async fn pay(&self) -> bool {
        let due = {
            let mut book = self.book();
            let now = Instant::now();
            book.until.retain(|_, until| *until > now);
            book.until.clone()
        };
        let keys: Vec<String> = due.keys().cloned().collect();
        let paid = keys.is_empty() || self.cache.put_all(&keys, Entry::JustChanged.encode(), MARK_TTL).await;
        let mut book = self.book();
        if paid {
            // A key that was written again meanwhile has a later date, and stays.
            book.until.retain(|key, until| due.get(key) != Some(until));
        }
        book.collected = !book.until.is_empty();
        !book.collected
    }
}
