//! Writing what happened in calls. All of it may be repeated without harm.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::domain::{AnsweredBy, CallSid, CallStatus, CustomerId, PhoneNumber, ReminderId, ReminderOutcome, TurnId};

/// The journal of calls and the call log.
#[async_trait]
pub trait JournalStore: Send + Sync {
    /// Adds events to a call's journal. The same (call, seq) again is ignored.
    async fn append_events(&self, events: &[JournalRow]) -> Result<(), StoreError>;

    /// Notes that a call began.
    async fn call_started(&self, call: &CallRecord) -> Result<(), StoreError>;

    /// Notes how a call ended; of one that Otto placed also what came of it for its reminder.
    async fn call_ended(&self, call: &CallSid, end: &CallEnd) -> Result<(), StoreError>;

    /// Notes how Twilio sees a call. Reports arrive in any order: the one that is furthest on stays.
    async fn call_progress(&self, progress: &CallProgress) -> Result<(), StoreError>;
}

/// One journal event as a row.
#[derive(Debug, Clone)]
pub struct JournalRow {
    /// The call.
    pub call: CallSid,
    /// Counts the call's events from 1.
    pub seq: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// The turn.
    pub turn: TurnId,
    /// What, as a short name for queries by hand.
    pub kind: &'static str,
    /// An `otto.v1.CallEvent`, encoded.
    pub payload: Bytes,
}

/// A call as it begins.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// The call.
    pub call: CallSid,
    /// `inbound` or `outbound`.
    pub direction: &'static str,
    /// Who calls, when the number is not withheld.
    pub caller: Option<PhoneNumber>,
    /// The customer with that number.
    pub customer: Option<CustomerId>,
    /// When.
    pub started_at: DateTime<Utc>,
}

/// A call as it ended.
#[derive(Debug, Clone)]
pub struct CallEnd {
    /// When.
    pub ended_at: DateTime<Utc>,
    /// How, such as `hangup_by_caller`.
    pub outcome: &'static str,
    /// How many turns the caller had.
    pub turns: u64,
    /// The conversation as text, a line an utterance.
    pub transcript: String,
    /// What else is known of it.
    pub facts: CallFacts,
    /// What came of it, for a call that Otto placed and that reached somebody or something.
    pub reminder: Option<(ReminderId, ReminderOutcome)>,
}

/// How Twilio sees a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallProgress {
    /// The call.
    pub call: CallSid,
    /// Where it stands, when the report says.
    pub status: Option<CallStatus>,
    /// What answered, when the report says.
    pub answered_by: Option<AnsweredBy>,
    /// How long it was, in whole seconds, when it is over.
    pub duration_s: Option<u32>,
    /// Otto placed it.
    pub outbound: bool,
    /// When the report came.
    pub at: DateTime<Utc>,
}

/// What a call was about and what it took, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFacts {
    /// The call in a sentence.
    pub summary: Option<String>,
    /// What the caller wanted, such as `book`.
    pub intent: Option<String>,
    /// The tools that ran, in order.
    pub tools_used: Vec<String>,
    /// What the model read, in tokens.
    pub prompt_tokens: Option<u64>,
    /// What the model wrote, in tokens.
    pub completion_tokens: Option<u64>,
    /// Of each turn, in milliseconds from its end to Otto's first sound.
    pub latencies_ms: Vec<u64>,
    /// The human who took over.
    pub transferred_to: Option<PhoneNumber>,
}
