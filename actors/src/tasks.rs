//! Tasks that end with their owner. A call owns one scope, each leg a scope inside it; dropping a scope cancels its
//! tasks, and the call's tracker can prove that all of them have ended.

use std::future::Future;
use std::task::Poll;
use std::time::Duration;

use futures_util::poll;
use metrics::Gauge;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::metrics::Metric;

/// Owns tasks. Dropping it cancels them, also when its owner panics.
#[derive(Debug)]
pub struct TaskScope {
    tracker: TaskTracker,
    token: CancellationToken,
    live: Gauge,
    _alive: TaskTrackerToken,
}

/// What is left of a root scope, its children and all their tasks.
#[derive(Debug, Clone)]
pub struct Remains(TaskTracker);

impl Remains {
    /// Waits until nothing is left, and says how many scopes and tasks are left at the deadline.
    pub async fn wait(&self, deadline: Duration) -> usize {
        self.0.close();
        match timeout(deadline, self.0.wait()).await {
            Ok(()) => 0,
            Err(_) => self.0.len(),
        }
    }
}

impl TaskScope {
    /// A scope of its own, whose tasks are counted.
    #[must_use]
    pub fn root() -> Self {
        Self::new(TaskTracker::new(), CancellationToken::new())
    }

    fn new(tracker: TaskTracker, token: CancellationToken) -> Self {
        let alive = tracker.token();
        Self { tracker, token, live: Metric::CallTasksLive.gauge(Vec::new()), _alive: alive }
    }

    /// A scope inside this one: it ends with this one or before.
    #[must_use]
    pub fn child(&self) -> Self {
        Self::new(self.tracker.clone(), self.token.child_token())
    }

    /// Runs a task until it is done or the scope ends.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let token = self.token.clone();
        let alive = LiveTask::count(&self.live);
        self.tracker.spawn(async move {
            let _alive = alive;
            // None means that the scope ended first; there is nobody left to tell.
            let _ = token.run_until_cancelled_owned(task).await;
        });
    }

    /// What outlives the scope and proves that nothing else does.
    #[must_use]
    pub fn remains(&self) -> Remains {
        Remains(self.tracker.clone())
    }
}

impl Drop for TaskScope {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

struct LiveTask(Gauge);

impl LiveTask {
    fn count(gauge: &Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge.clone())
    }
}

impl Drop for LiveTask {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// A time-out without a timer for what is mostly done at once, such as a write to a socket.
///
/// # Errors
/// When it is not done in time.
pub(crate) async fn within<F: Future + Unpin>(limit: Duration, mut future: F) -> Result<F::Output, Elapsed> {
    match poll!(&mut future) {
        Poll::Ready(output) => Ok(output),
        // On the heap, so that the tasks that hardly ever need it are small.
        Poll::Pending => Box::pin(timeout(limit, &mut future)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn dropping_a_scope_ends_its_tasks_and_those_of_its_children() {
        let root = TaskScope::root();
        let child = root.child();
        child.spawn(std::future::pending());
        root.spawn(std::future::pending());
        let remains = root.remains();
        assert_eq!(remains.wait(Duration::from_secs(1)).await, 4, "two scopes and two tasks");
        drop(root);
        assert_eq!(remains.wait(Duration::from_secs(1)).await, 1, "the child scope itself");
        drop(child);
        assert_eq!(remains.wait(Duration::from_secs(1)).await, 0);
    }
}
