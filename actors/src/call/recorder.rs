//! Writes a call's journal: numbers its events and hands them to the JournalActor.

use std::collections::VecDeque;
use std::sync::Arc;

use otto_proto::v1::{self, call_event::Body};
use prost::Message as _;

use crate::domain::{CallSid, TurnId};
use crate::journal::{JournalMsg, JournalRef};
use crate::limits::LIVE_EVENTS;
use crate::ports::{Clock, JournalRow};

pub(super) struct Recorder {
    call: CallSid,
    journal: JournalRef,
    clock: Arc<dyn Clock>,
    seq: u64,
    /// What happened while the journal was being restarted.
    waiting: VecDeque<JournalRow>,
}

impl Recorder {
    pub(super) fn new(call: CallSid, journal: JournalRef, clock: Arc<dyn Clock>) -> Self {
        Self { call, journal, clock, seq: 0, waiting: VecDeque::new() }
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
        self.waiting.push_back(JournalRow { call: self.call.clone(), seq: self.seq, at, turn, kind, payload });
        self.hand_over();
    }

    /// Sends something else to the journal, after the events that wait. Lost while the journal is being restarted.
    pub(super) fn send(&mut self, msg: JournalMsg) {
        self.hand_over();
        let _ = self.journal.cast(msg);
    }

    fn hand_over(&mut self) {
        while let Some(row) = self.waiting.front() {
            let Ok(event) = v1::CallEvent::decode(row.payload.clone()) else { break };
            let msg = JournalMsg::Event { row: row.clone(), event: Arc::new(event) };
            if self.journal.cast(msg).is_err() {
                break;
            }
            self.waiting.pop_front();
        }
        while self.waiting.len() > LIVE_EVENTS {
            self.waiting.pop_front();
        }
    }
}

/// A short name for queries by hand.
const fn kind(body: &Body) -> &'static str {
    match body {
        Body::Started(_) => "started",
        Body::StreamStarted(_) => "stream_started",
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
