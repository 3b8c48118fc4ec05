//! JournalActor: what happened in every call, in batches to the database; the latest session of every live call to the
//! cache; and both, as they happen, to whoever watches.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use otto_proto::v1::CallEvent;
use tokio::sync::broadcast;

use crate::actor::{ActorError, Behaviour, Mailbox};
use crate::address::Address;
use crate::domain::CallSid;
use crate::events::{JournalWrote, emit};
use crate::limits;
use crate::names::ActorKind;
use crate::ports::{Cache, CallEnd, CallRecord, JournalRow, Store, StoreError};
use crate::tasks::TaskScope;
use crate::timer::{Fired, Timers};

/// The JournalActor, whichever incarnation it is.
pub type JournalRef = Address<JournalMsg>;

/// Where live events can be watched.
pub type LiveEvents = broadcast::Sender<Arc<CallEvent>>;

/// JournalActor.
#[derive(Debug)]
pub struct JournalActor;

/// What the JournalActor understands. It answers nobody.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named by what they are")]
pub enum JournalMsg {
    /// From a call: this happened.
    Event { row: JournalRow, event: Arc<CallEvent> },
    /// From a call: this is its session now, encoded. The latest counts.
    Session { call: CallSid, snapshot: Bytes },
    /// From a call: it began.
    Started(Box<CallRecord>),
    /// From a call: it ended; its session is forgotten.
    Ended { call: CallSid, end: Box<CallEnd> },
    /// From its own timer: write what waits.
    Flush(Fired<()>),
}

/// What the JournalActor is started with.
#[derive(Clone)]
pub struct JournalArgs {
    /// Where events go.
    pub store: Arc<dyn Store>,
    /// Where sessions go.
    pub cache: Arc<dyn Cache>,
    /// Where live events go.
    pub live: LiveEvents,
}

/// What the JournalActor owns.
pub struct JournalState {
    args: JournalArgs,
    waiting: VecDeque<Entry>,
    sessions: HashMap<CallSid, Option<Bytes>>,
    timers: Timers<()>,
    armed: bool,
    tasks: TaskScope,
}

/// What waits for the database, in the order in which it happened.
enum Entry {
    Event(JournalRow),
    Started(Box<CallRecord>),
    Ended(CallSid, Box<CallEnd>),
}

/// The cache key of a session.
#[must_use]
pub fn session_key(call: &CallSid) -> String {
    format!("otto:session:{call}")
}

impl JournalState {
    async fn add(&mut self, myself: &Mailbox<JournalMsg>, entry: Entry) {
        self.waiting.push_back(entry);
        self.drop_surplus();
        if self.waiting.len() >= limits::JOURNAL_BATCH_EVENTS && !self.armed {
            self.flush(myself).await;
        } else {
            self.arm(myself);
        }
    }

    fn drop_surplus(&mut self) {
        if self.waiting.len() > limits::JOURNAL_BACKLOG_EVENTS {
            self.waiting.pop_front();
            emit(JournalWrote { written: 0, dropped: 1 });
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

    async fn write_sessions(&mut self) {
        for (call, snapshot) in self.sessions.drain() {
            match snapshot {
                Some(snapshot) => {
                    self.args.cache.put(&session_key(&call), snapshot, limits::SESSION_TTL_MS).await;
                }
                None => self.args.cache.remove(&session_key(&call)).await,
            }
        }
    }

    /// Writes what waits, runs of events in one transaction, and forgets each when it is written. What is refused is
    /// found by writing one by one, and dropped: to ask again is useless, and the others wait behind it.
    async fn write_entries(&mut self) -> Result<(), StoreError> {
        let mut most = limits::JOURNAL_BATCH_EVENTS;
        while let Some(first) = self.waiting.front() {
            let is_run = matches!((first, self.waiting.get(1)), (Entry::Event(_), Some(Entry::Event(_))));
            let written = match first {
                Entry::Event(_) => self.write_events(most).await,
                Entry::Started(record) => self.args.store.call_started(record).await.map(|()| 1),
                Entry::Ended(call, end) => self.args.store.call_ended(call, end).await.map(|()| 1),
            };
            match written {
                Ok(done) => drop(self.waiting.drain(..done)),
                Err(StoreError::Refused(_)) if is_run && most > 1 => most = 1,
                Err(StoreError::Refused(_)) => {
                    self.waiting.pop_front();
                    emit(JournalWrote { written: 0, dropped: 1 });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn write_events(&self, most: usize) -> Result<usize, StoreError> {
        let event = |entry: &Entry| match entry {
            Entry::Event(row) => Some(row.clone()),
            _ => None,
        };
        let batch: Vec<_> = self.waiting.iter().map_while(event).take(most).collect();
        self.args.store.append_events(&batch).await?;
        emit(JournalWrote { written: batch.len() as u64, dropped: 0 });
        Ok(batch.len())
    }
}

impl Behaviour for JournalActor {
    const KIND: ActorKind = ActorKind::Journal;
    type Msg = JournalMsg;
    type Args = JournalArgs;
    type State = JournalState;

    async fn start(&self, _myself: &Mailbox<JournalMsg>, args: JournalArgs) -> Result<JournalState, ActorError> {
        let (waiting, sessions, timers) = Default::default();
        Ok(JournalState { args, waiting, sessions, timers, armed: false, tasks: TaskScope::root() })
    }

    async fn handle(
        &self,
        myself: &Mailbox<JournalMsg>,
        msg: JournalMsg,
        state: &mut JournalState,
    ) -> Result<(), ActorError> {
        match msg {
            JournalMsg::Event { row, event } => {
                // Nobody watches: no error.
                let _ = state.args.live.send(event);
                state.add(myself, Entry::Event(row)).await;
            }
            JournalMsg::Session { call, snapshot } => {
                state.sessions.insert(call, Some(snapshot));
                state.arm(myself);
            }
            JournalMsg::Started(record) => state.add(myself, Entry::Started(record)).await,
            JournalMsg::Ended { call, end } => {
                state.sessions.insert(call.clone(), None);
                state.add(myself, Entry::Ended(call, end)).await;
            }
            JournalMsg::Flush(fired) => state.due(myself, fired).await,
        }
        Ok(())
    }

    async fn stop(&self, myself: &Mailbox<JournalMsg>, state: &mut JournalState) -> Result<(), ActorError> {
        state.flush(myself).await;
        Ok(())
    }
}
