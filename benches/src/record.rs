//! Logs that outlive the connection which wrote them: what a vendor was asked, and what was done against its protocol.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A list that many tasks append to and a test reads. Clones share the list.
#[derive(Debug)]
pub struct Log<T> {
    shared: Arc<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    entries: Mutex<Vec<T>>,
    grown: Notify,
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Log { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Log { shared: Arc::new(Shared { entries: Mutex::new(Vec::new()), grown: Notify::new() }) }
    }
}

impl<T: Clone> Log<T> {
    /// Everything so far, oldest first.
    pub fn all(&self) -> Vec<T> {
        self.entries().clone()
    }

    /// The newest entry.
    pub fn last(&self) -> Option<T> {
        self.entries().last().cloned()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// Everything so far, oldest first, which is then forgotten.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.entries())
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.entries().clear();
    }

    /// The entry at `index`, waiting until it has been written.
    pub async fn wait_for(&self, index: usize) -> T {
        loop {
            let grown = self.shared.grown.notified();
            if let Some(entry) = self.entries().get(index).cloned() {
                return entry;
            }
            grown.await;
        }
    }

    pub(crate) fn push(&self, entry: T) {
        self.entries().push(entry);
        self.shared.grown.notify_waiters();
    }

    fn entries(&self) -> MutexGuard<'_, Vec<T>> {
        self.shared.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that the engine did against a vendor's protocol and that the vendor would have logged or punished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The vendor's own code, such as `31951` or `NET-0001`.
    pub code: String,
    /// What happened.
    pub message: String,
}

impl Violation {
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Violation { code: code.into(), message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
