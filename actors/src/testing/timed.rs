//! A queue whose items come out when they are due, in order: the far end of a simulated socket.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Items with the time at which each comes out.
pub(crate) struct Timed<T>(Arc<Shared<T>>);

struct Shared<T> {
    queue: Mutex<Queue<T>>,
    changed: Notify,
}

struct Queue<T> {
    items: VecDeque<(Instant, T)>,
    closed: bool,
}

impl<T> Clone for Timed<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Timed<T> {
    fn default() -> Self {
        let queue = Mutex::new(Queue { items: VecDeque::new(), closed: false });
        Self(Arc::new(Shared { queue, changed: Notify::new() }))
    }
}

impl<T: Send + 'static> Timed<T> {
    fn change<R>(&self, change: impl FnOnce(&mut Queue<T>) -> R) -> R {
        let result = change(&mut self.0.queue.lock().unwrap());
        self.0.changed.notify_waiters();
        result
    }

    /// An item for later, after those that are due no later.
    pub(crate) fn push(&self, due: Instant, item: T) {
        self.change(|queue| {
            let at = queue.items.partition_point(|(earlier, _)| *earlier <= due);
            queue.items.insert(at, (due, item));
        });
    }

    pub(crate) fn now(&self, item: T) {
        self.push(Instant::now(), item);
    }

    /// When the last item comes out.
    pub(crate) fn last_due(&self) -> Option<Instant> {
        self.0.queue.lock().unwrap().items.back().map(|(due, _)| *due)
    }

    /// Forgets what is not out yet.
    pub(crate) fn clear(&self) {
        self.change(|queue| queue.items.clear());
    }

    /// Everything comes out now.
    pub(crate) fn hurry(&self) {
        let now = Instant::now();
        self.change(|queue| queue.items.iter_mut().for_each(|(due, _)| *due = now.min(*due)));
    }

    /// The stream ends after what is in the queue.
    pub(crate) fn close(&self) {
        self.change(|queue| queue.closed = true);
    }

    async fn next(&self) -> Option<T> {
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            changed.as_mut().enable();
            let (due, closed) = {
                let mut queue = self.0.queue.lock().unwrap();
                match queue.items.front() {
                    Some((due, _)) if *due <= Instant::now() => return queue.items.pop_front().map(|(_, item)| item),
                    front => (front.map(|(due, _)| *due), queue.closed),
                }
            };
            match due {
                Some(due) => tokio::select! { () = sleep_until(due) => {} () = changed => {} },
                None if closed => return None,
                None => changed.await,
            }
        }
    }

    /// The items as they come out. `guard` is dropped with the stream.
    pub(crate) fn stream<G: Send + 'static>(&self, guard: G) -> BoxStream<'static, T> {
        let state = (self.clone(), guard);
        stream::unfold(state, |state| async move { state.0.next().await.map(|item| (item, state)) }).boxed()
    }
}

/// Runs something when it is dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
