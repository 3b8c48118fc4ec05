//! Writes a call's journal: numbers its events and hands them over.

use std::sync::Arc;

use otto_proto::v1::{self, call_event::Body};
use prost::Message as _;

use crate::domain::{CallSid, TurnId};
use crate::journal::Journal;
use crate::ports::{Clock, JournalRow};

pub(super) struct Recorder {
    call: CallSid,
    journal: Journal,
    clock: Arc<dyn Clock>,
    seq: u64,
}

impl Recorder {
    pub(super) fn new(call: CallSid, journal: Journal, clock: Arc<dyn Clock>) -> Self {
        Self { call, journal, clock, seq: 0 }
    }

    /// This happened, in this turn.
    pub(super) fn record(&mut self, turn: TurnId, body: Body) {
        self.seq += 1;
        let (at, kind) = (self.clock.now(), kind(&body));
        let event = v1::CallEvent {
            call_sid: self.call.to_string(),
            seq: self.seq,
            at_ms: at.timestamp_millis(),
            turn: turn.0,
            body: Some(body),
        };
        let payload = event.encode_to_vec().into();
        self.journal.event(JournalRow { call: self.call.clone(), seq: self.seq, at, turn, kind, payload }, event);
    }
}

/// A short name for queries by hand.
const fn kind(body: &Body) -> &'static str {
    match body {
        Body::Started(_) => "started",
        Body::StreamStarted(_) => "stream_started",
        Body::StreamLost(_) => "stream_lost",
        Body::Greeted(_) => "greeted",
        Body::CallerSaid(_) => "caller_said",
        Body::OttoSaid(_) => "otto_said",
        Body::BargeIn(_) => "barge_in",
        Body::ToolCalled(_) => "tool_called",
        Body::ToolReturned(_) => "tool_returned",
        Body::TurnTimed(_) => "turn_timed",
        Body::LegLost(_) => "leg_lost",
        Body::LegRestored(_) => "leg_restored",
        Body::Dtmf(_) => "dtmf",
        Body::Ended(_) => "ended",
    }
}
