//! How a child reports to its parent: apart from the mailbox, since a child knows its own reports alone.

use std::fmt;
use std::sync::Arc;

use super::Mailbox;

/// The way up: how a child reports to its parent without knowing the parent's messages.
pub struct Upward<R>(Arc<dyn Fn(R) + Send + Sync>);

impl<R> Upward<R> {
    /// Reports become messages of the parent.
    pub fn to<M: Send + 'static>(parent: &Mailbox<M>, wrap: impl Fn(R) -> M + Send + Sync + 'static) -> Self {
        let parent = parent.clone();
        // A parent that is gone takes its children with it.
        Self(Arc::new(move |report| {
            let _ = parent.cast(wrap(report));
        }))
    }

    /// Reports.
    pub fn send(&self, report: R) {
        (self.0)(report);
    }
}

impl<R> Clone for Upward<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R> fmt::Debug for Upward<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upward")
    }
}
