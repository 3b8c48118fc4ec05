//! Tasks that end with their owner. A call owns one scope, each leg a scope inside it; dropping a scope cancels its
//! tasks, and the call's tracker can prove that all of them have ended.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;

use futures_util::{FutureExt as _, poll};
use metrics::Gauge;
use tokio::task::AbortHandle;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::metrics::Metric;

/// Owns tasks. Dropping it cancels them, also when its owner panics.
#[derive(Debug)]
pub struct TaskScope {
    tracker: TaskTracker,
    owned: Arc<Owned>,
    live: Gauge,
    _alive: TaskTrackerToken,
}

/// What a scope owns. A list's inside, not an actor's state: the lock is held for a few instructions, never across an
/// await, and never while a task is started or cancelled, since either may drop it. A task costs nothing here while it
/// runs: it is cancelled from outside and looks at no token.
#[derive(Debug, Default)]
struct Owned(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    over: bool,
    started: u64,
    /// Each with its number; a task that is just being started has no handle yet.
    tasks: Vec<(u64, Option<AbortHandle>)>,
    scopes: Vec<Weak<Owned>>,
}

impl Owned {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cancels all tasks, here and in the scopes inside; none begins from now on.
    fn end(&self) {
        let (tasks, scopes) = {
            let mut inside = self.inside();
            inside.over = true;
            (std::mem::take(&mut inside.tasks), std::mem::take(&mut inside.scopes))
        };
        tasks.into_iter().filter_map(|(_, handle)| handle).for_each(|handle| handle.abort());
        scopes.iter().filter_map(Weak::upgrade).for_each(|scope| scope.end());
    }

    /// The number of a task that is about to begin; none when the scope has ended.
    fn begin(&self) -> Option<u64> {
        let mut inside = self.inside();
        if inside.over {
            return None;
        }
        inside.started += 1;
        let number = inside.started;
        inside.tasks.push((number, None));
        Some(number)
    }

    /// The task has begun; unless it is done already, this is how to cancel it.
    fn begun(&self, number: u64, handle: &AbortHandle) {
        let mut inside = self.inside();
        if inside.over {
            drop(inside);
            return handle.abort();
        }
        if let Some((_, kept)) = inside.tasks.iter_mut().find(|(other, _)| *other == number) {
            *kept = Some(handle.clone());
        }
    }

    fn done(&self, number: u64) {
        let mut inside = self.inside();
        if let Some(at) = inside.tasks.iter().position(|(other, _)| *other == number) {
            let gone = inside.tasks.swap_remove(at);
            drop(inside);
            drop(gone);
        }
    }
}

/// Cancels its task when it is dropped, before the scope does.
#[derive(Debug)]
pub struct TaskGuard(Option<AbortHandle>);

impl Drop for TaskGuard {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.abort();
        }
    }
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
        Self::new(TaskTracker::new(), Owned::default())
    }

    fn new(tracker: TaskTracker, owned: Owned) -> Self {
        let alive = tracker.token();
        Self { tracker, owned: Arc::new(owned), live: Metric::CallTasksLive.gauge(Vec::new()), _alive: alive }
    }

    /// A scope inside this one: it ends with this one or before.
    #[must_use]
    pub fn child(&self) -> Self {
        let child = Self::new(self.tracker.clone(), Owned::default());
        let mut inside = self.owned.inside();
        inside.scopes.retain(|scope| scope.strong_count() > 0);
        inside.scopes.push(Arc::downgrade(&child.owned));
        let over = inside.over;
        drop(inside);
        if over {
            child.owned.end();
        }
        child
    }

    /// Runs a task until it is done or the scope ends.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.start(task);
    }

    /// Runs a task until it is done, the scope ends or the guard is dropped.
    #[must_use = "dropping the guard cancels the task"]
    pub fn spawn_guarded(&self, task: impl Future<Output = ()> + Send + 'static) -> TaskGuard {
        TaskGuard(self.start(task))
    }

    fn start(&self, task: impl Future<Output = ()> + Send + 'static) -> Option<AbortHandle> {
        let live = LiveTask::count(&self.live, &self.owned)?;
        let number = live.number;
        // An async block would keep the task twice: as it came, and as it runs.
        let handle = self.tracker.spawn(task.map(move |()| drop(live)));
        let handle = handle.abort_handle();
        self.owned.begun(number, &handle);
        Some(handle)
    }

    /// What outlives the scope and proves that nothing else does.
    #[must_use]
    pub fn remains(&self) -> Remains {
        Remains(self.tracker.clone())
    }
}

impl Drop for TaskScope {
    fn drop(&mut self) {
        self.owned.end();
    }
}

struct LiveTask {
    gauge: Gauge,
    owned: Arc<Owned>,
    number: u64,
}

impl LiveTask {
    fn count(gauge: &Gauge, owned: &Arc<Owned>) -> Option<Self> {
        let number = owned.begin()?;
        gauge.increment(1.0);
        Some(Self { gauge: gauge.clone(), owned: Arc::clone(owned), number })
    }
}

impl Drop for LiveTask {
    fn drop(&mut self) {
        self.owned.done(self.number);
        self.gauge.decrement(1.0);
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

    #[tokio::test(start_paused = true)]
    async fn nothing_begins_in_a_scope_that_has_ended() {
        let root = TaskScope::root();
        let (child, remains) = (root.child(), root.remains());
        drop(root);
        child.spawn(std::future::pending());
        child.child().spawn(std::future::pending());
        assert_eq!(remains.wait(Duration::from_secs(1)).await, 1, "the child scope itself");
    }

    #[tokio::test(start_paused = true)]
    async fn a_guard_ends_its_task_alone_and_one_that_is_done_is_forgotten() {
        let root = TaskScope::root();
        let guards = [root.spawn_guarded(std::future::pending()), root.spawn_guarded(std::future::pending())];
        root.spawn(async {});
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(root.owned.inside().tasks.len(), 2);
        let [first, _second] = guards;
        drop(first);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(root.owned.inside().tasks.len(), 1);
    }
}
