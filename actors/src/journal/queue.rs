//! What waits to be written: it outlives the actor that writes it, so that a JournalActor that fails loses nothing. Apart
//! from the actor, because calls hand over here and not to a mailbox.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use otto_proto::v1::CallEvent;
use tokio::sync::{Notify, broadcast};

use super::LiveEvents;
use crate::domain::CallSid;
use crate::events::{JournalWrote, emit};
use crate::limits;
use crate::ports::{CallEnd, CallRecord, JournalRow};

/// The way into the journal. Clones share it.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Shared>);

/// A channel's inside, not an actor's state: the lock is held for a few instructions and never across an await.
#[derive(Debug)]
struct Shared {
    waiting: Mutex<Waiting>,
    grown: Notify,
    live: LiveEvents,
}

#[derive(Debug, Default)]
struct Waiting {
    entries: VecDeque<Entry>,
    /// Entries that have left, which is the number of the first one that is still here.
    left: u64,
    sessions: HashMap<CallSid, Session>,
    versions: u64,
}

/// What waits for the database, in the order in which it happened.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Event(JournalRow),
    Started(Box<CallRecord>),
    Ended(CallSid, Box<CallEnd>),
}

/// The latest session of a call; none once the call is over.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) snapshot: Option<Bytes>,
    version: u64,
}

impl Default for Journal {
    fn default() -> Self {
        let (live, _) = broadcast::channel(limits::LIVE_EVENTS);
        Self(Arc::new(Shared { waiting: Mutex::default(), grown: Notify::new(), live }))
    }
}

impl Journal {
    /// Where events can be watched as they happen.
    #[must_use]
    pub fn live(&self) -> LiveEvents {
        self.0.live.clone()
    }

    /// This happened.
    pub fn event(&self, row: JournalRow, event: CallEvent) {
        // Nobody watches: no error.
        let _ = self.0.live.send(Arc::new(event));
        self.add(Entry::Event(row));
    }

    /// A call began.
    pub fn started(&self, record: CallRecord) {
        self.add(Entry::Started(Box::new(record)));
    }

    /// This is a call's session now, encoded. The latest counts.
    pub fn session(&self, call: CallSid, snapshot: Bytes) {
        self.waiting().keep(call, Some(snapshot));
        self.0.grown.notify_one();
    }

    /// A call ended; its session is forgotten.
    pub fn ended(&self, call: CallSid, end: CallEnd) {
        self.waiting().keep(call.clone(), None);
        self.add(Entry::Ended(call, Box::new(end)));
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, entry: Entry) {
        let mut waiting = self.waiting();
        waiting.entries.push_back(entry);
        let surplus = waiting.entries.len() > limits::JOURNAL_BACKLOG_EVENTS;
        if surplus {
            waiting.forget(1);
        }
        drop(waiting);
        if surplus {
            emit(JournalWrote { written: 0, dropped: 1 });
        }
        self.0.grown.notify_one();
    }

    /// Waits until something was added since the last time.
    pub(super) async fn grown(&self) {
        self.0.grown.notified().await;
    }

    /// What was added before is still to be told.
    pub(super) fn announce_again(&self) {
        self.0.grown.notify_one();
    }

    pub(super) fn len(&self) -> usize {
        self.waiting().entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        let waiting = self.waiting();
        waiting.entries.is_empty() && waiting.sessions.is_empty()
    }

    /// The oldest entries, at most so many, and the number of the first.
    pub(super) fn oldest(&self, most: usize) -> (u64, Vec<Entry>) {
        let waiting = self.waiting();
        (waiting.left, waiting.entries.iter().take(most).cloned().collect())
    }

    /// Entries before this number are written. Those that were dropped meanwhile are gone already.
    pub(super) fn written(&self, before: u64) {
        let mut waiting = self.waiting();
        let done = before.saturating_sub(waiting.left);
        waiting.forget(done);
    }

    pub(super) fn sessions(&self) -> Vec<(CallSid, Session)> {
        self.waiting().sessions.iter().map(|(call, session)| (call.clone(), session.clone())).collect()
    }

    /// This session is in the cache; a newer one still waits.
    pub(super) fn kept(&self, call: &CallSid, session: &Session) {
        let mut waiting = self.waiting();
        if waiting.sessions.get(call).is_some_and(|now| now.version == session.version) {
            waiting.sessions.remove(call);
        }
    }
}

impl Waiting {
    fn keep(&mut self, call: CallSid, snapshot: Option<Bytes>) {
        self.versions += 1;
        self.sessions.insert(call, Session { snapshot, version: self.versions });
    }

    fn forget(&mut self, count: u64) {
        let count = count.min(self.entries.len() as u64);
        self.entries.drain(..usize::try_from(count).unwrap_or(usize::MAX));
        self.left += count;
    }
}
