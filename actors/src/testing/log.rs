//! A list that grows and can be waited on.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::timeout;

use super::PATIENCE;

/// What a fake has seen, in order.
pub(crate) struct Log<T>(Arc<watch::Sender<Vec<T>>>);

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Vec::new())))
    }
}

impl<T: Clone> Log<T> {
    pub(crate) fn push(&self, item: T) {
        self.0.send_modify(|all| all.push(item));
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.0.borrow().clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Waits until the log is as wanted; panics when it never is.
    pub(crate) async fn until(&self, what: &str, mut wanted: impl FnMut(&[T]) -> bool) {
        let mut watching = self.0.subscribe();
        let seen = timeout(PATIENCE, watching.wait_for(|all| wanted(all))).await;
        assert!(matches!(seen, Ok(Ok(_))), "{what}: never happened; {} entries were logged", self.len());
    }

    /// Waits for the first entry that answers.
    pub(crate) async fn find<R>(&self, what: &str, mut wanted: impl FnMut(&T) -> Option<R>) -> R {
        let mut found = None;
        self.until(what, |all| {
            found = all.iter().find_map(&mut wanted);
            found.is_some()
        })
        .await;
        found.unwrap()
    }
}
