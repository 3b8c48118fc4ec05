//! JournalActor: what happened in every call, in batches to the database; the latest session of every live call to the
//! cache. What waits is in queue.rs and outlives the actor.

mod queue;
#[cfg(test)]
mod tests;

pub use queue::Journal;

use std::sync::Arc;

use otto_proto::v1::CallEvent;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio::time::{sleep, timeout};

use crate::actor::{ActorError, Behaviour, Mailbox};
use crate::address::Address;
use crate::domain::CallSid;
use crate::events::{JournalWrote, emit};
use crate::limits;
use crate::names::ActorKind;
use crate::ports::{Cache, JournalRow, Store, StoreError};
use crate::tasks::TaskScope;
use crate::timer::{Fired, Timers};
use queue::Entry;

/// The JournalActor, whichever incarnation it is. Calls hand over to [`Journal`] instead.
pub type JournalRef = Address<JournalMsg>;

/// Where live events can be watched.
pub type LiveEvents = broadcast::Sender<Arc<CallEvent>>;

/// JournalActor.
#[derive(Debug)]
pub struct JournalActor;

/// What the JournalActor understands. It answers nobody.
#[derive(Debug)]
pub enum JournalMsg {
    /// From its own task: something waits to be written. The permit lets the next one of these follow.
    Grown(OwnedSemaphorePermit),
    /// From its own timer: write what waits.
    Flush(Fired<()>),
}

/// What the JournalActor is started with.
#[derive(Clone)]
pub struct JournalArgs {
    /// What is to be written.
    pub journal: Journal,
    /// Where events go.
    pub store: Arc<dyn Store>,
    /// Where sessions go.
    pub cache: Arc<dyn Cache>,
}

/// What the JournalActor owns.
pub struct JournalState {
    args: JournalArgs,
    timers: Timers<()>,
    armed: bool,
    tasks: TaskScope,
}

/// The cache key of a session.
#[must_use]
pub fn session_key(call: &CallSid) -> String {
    format!("otto:session:{call}")
}

impl JournalState {
    async fn grown(&mut self, myself: &Mailbox<JournalMsg>) {
        if !self.armed && self.args.journal.len() >= limits::JOURNAL_BATCH_EVENTS {
            self.flush(myself).await;
        } else {
            self.arm(myself);
        }
    }

    fn arm(&mut self, myself: &Mailbox<JournalMsg>) {
        if !self.armed {
            self.armed = true;
            self.timers.arm(&self.tasks, (), limits::JOURNAL_FLUSH_EVERY_MS, myself, JournalMsg::Flush);
        }
    }

    async fn due(&mut self, myself: &Mailbox<JournalMsg>, fired: Fired<()>) {
        if self.timers.is_due(fired) {
            self.armed = false;
            self.flush(myself).await;
        }
    }

    async fn flush(&mut self, myself: &Mailbox<JournalMsg>) {
        self.write_sessions().await;
        if self.write_entries().await.is_err() {
            // The database is away: what waits is tried again with the next flush.
            self.arm(myself);
        }
    }

    async fn write_sessions(&self) {
        for (call, session) in self.args.journal.sessions() {
            match &session.snapshot {
                Some(snapshot) => {
                    self.args.cache.put(&session_key(&call), snapshot.clone(), limits::SESSION_TTL_MS).await;
                }
                None => self.args.cache.remove(&session_key(&call)).await,
            }
            self.args.journal.kept(&call, &session);
        }
    }

    /// Writes what waits, runs of events in one transaction, and forgets each when it is written. What is refused is
    /// found by writing one by one, and dropped: to ask again is useless, and the others wait behind it. What has no
    /// answer in time is written again, which changes nothing when it was written already.
    async fn write_entries(&self) -> Result<(), StoreError> {
        let mut most = limits::JOURNAL_BATCH_EVENTS;
        loop {
            let (first, entries) = self.args.journal.oldest(most);
            let Some(head) = entries.first() else { return Ok(()) };
            let write = self.write(head, &entries);
            let written = timeout(limits::STORE_WRITE_TIMEOUT_MS, write).await;
            match written.unwrap_or(Err(StoreError::UnknownOutcome)) {
                Ok(done) => self.args.journal.written(first + done),
                Err(StoreError::Refused(_)) if run_of_events(&entries).len() > 1 => most = 1,
                Err(StoreError::Refused(_)) => {
                    self.args.journal.written(first + 1);
                    emit(JournalWrote { written: 0, dropped: 1 });
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes the first entry, or all the events that come first.
    async fn write(&self, head: &Entry, entries: &[Entry]) -> Result<u64, StoreError> {
        match head {
            Entry::Event(_) => self.write_events(entries).await,
            Entry::Started(record) => self.args.store.call_started(record).await.map(|()| 1),
            Entry::Ended(call, end) => self.args.store.call_ended(call, end).await.map(|()| 1),
        }
    }

    async fn write_events(&self, entries: &[Entry]) -> Result<u64, StoreError> {
        let batch = run_of_events(entries);
        self.args.store.append_events(&batch).await?;
        let written = batch.len() as u64;
        emit(JournalWrote { written, dropped: 0 });
        Ok(written)
    }
}

/// Tells the actor that something waits. One such message is under way at most, whatever happens in the calls and
/// however long the database takes: more would say the same. The task ends with its actor, and by nothing else.
async fn announce(journal: Journal, actor: Mailbox<JournalMsg>) {
    let turn = Arc::new(Semaphore::new(1));
    loop {
        journal.grown().await;
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&turn).acquire_owned().await else { return };
        if actor.cast(JournalMsg::Grown(permit)).is_err() {
            sleep(limits::JOURNAL_FLUSH_EVERY_MS).await;
            journal.announce_again();
        }
    }
}

/// The events that come before anything else.
fn run_of_events(entries: &[Entry]) -> Vec<JournalRow> {
    let event = |entry: &Entry| match entry {
        Entry::Event(row) => Some(row.clone()),
        Entry::Started(_) | Entry::Ended(..) => None,
    };
    entries.iter().map_while(event).collect()
}

impl Behaviour for JournalActor {
    const KIND: ActorKind = ActorKind::Journal;
    type Msg = JournalMsg;
    type Args = JournalArgs;
    type State = JournalState;

    async fn start(&self, myself: &Mailbox<JournalMsg>, args: JournalArgs) -> Result<JournalState, ActorError> {
        let tasks = TaskScope::root();
        tasks.spawn(announce(args.journal.clone(), myself.clone()));
        let mut state = JournalState { args, timers: Timers::default(), armed: false, tasks };
        if !state.args.journal.is_empty() {
            // Left over from an incarnation that failed.
            state.arm(myself);
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: &Mailbox<JournalMsg>,
        msg: JournalMsg,
        state: &mut JournalState,
    ) -> Result<(), ActorError> {
        match msg {
            JournalMsg::Grown(_permit) => state.grown(myself).await,
            JournalMsg::Flush(fired) => state.due(myself, fired).await,
        }
        Ok(())
    }

    async fn stop(&self, myself: &Mailbox<JournalMsg>, state: &mut JournalState) -> Result<(), ActorError> {
        state.flush(myself).await;
        Ok(())
    }
}
