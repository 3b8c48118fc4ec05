//! Timers that carry a generation: one that fires after it was set anew or cancelled is recognised as stale.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::actor::Mailbox;
use crate::tasks::{TaskGuard, TaskScope};

/// One setting of a timer. Hand it to [`Timers::is_due`] when the message arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fired<K> {
    /// Which timer.
    pub timer: K,
    generation: u64,
}

/// An actor's timers, at most one of each kind.
#[derive(Debug)]
pub struct Timers<K> {
    armed: HashMap<K, (u64, TaskGuard)>,
    generation: u64,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { armed: HashMap::new(), generation: 0 }
    }
}

impl<K: Copy + Eq + Hash + Send + 'static> Timers<K> {
    /// Sets a timer, in place of an earlier setting of it.
    pub fn arm<M: Send + 'static>(
        &mut self,
        scope: &TaskScope,
        timer: K,
        after: Duration,
        to: &Mailbox<M>,
        message: impl FnOnce(Fired<K>) -> M + Send + 'static,
    ) {
        self.generation += 1;
        let fired = Fired { timer, generation: self.generation };
        let to = to.clone();
        let guard = scope.spawn_guarded(async move {
            tokio::time::sleep(after).await;
            // The actor may be gone; so is the need.
            let _ = to.cast(message(fired));
        });
        self.armed.insert(timer, (self.generation, guard));
    }

    /// Forgets a timer.
    pub fn cancel(&mut self, timer: K) {
        self.armed.remove(&timer);
    }

    /// Whether this is the latest setting of its timer; if so the timer is over.
    pub fn is_due(&mut self, fired: Fired<K>) -> bool {
        let due = self.armed.get(&fired.timer).is_some_and(|(generation, _)| *generation == fired.generation);
        if due {
            self.armed.remove(&fired.timer);
        }
        due
    }
}

#[cfg(test)]
mod tests;
