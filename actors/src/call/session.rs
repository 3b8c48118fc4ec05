//! The session: everything that a call must not lose, and its snapshot. Pure.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use otto_proto::v1;
use prost::Message as _;

use crate::domain::{CallSid, PhoneNumber, TurnId, UtteranceId};
use crate::history::{Entry, History};
use crate::ports::ToolCall;
use crate::registry::{IncomingCall, Purpose};
use crate::stt::SttReport;
use crate::tools::{Identity, Party};
use crate::turn::EndKind;

/// Words that are kept until they have become part of the history.
const PENDING_WORDS: usize = 64;

/// What a turn that is started again must be told once more.
#[derive(Debug, Clone)]
pub(super) enum Pending {
    Heard(SttReport),
    Key(char),
}

/// What a call owns.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) call: CallSid,
    /// Why there is a call.
    pub(super) purpose: Purpose,
    pub(super) line: Option<PhoneNumber>,
    pub(super) started_at: DateTime<Utc>,
    pub(super) identity: Identity,
    pub(super) history: History,
    pub(super) turn: TurnId,
    pub(super) last_utterance: UtteranceId,
    /// The call is to end after what is being said.
    pub(super) ending: Option<EndKind>,
    /// What Otto said last was not the end of the reply.
    pub(super) goes_on: bool,
    /// What the caller says is not heard for now.
    pub(super) deaf: bool,
    /// Times that the model was asked ahead in vain.
    pub(super) wasted_guesses: u32,
    /// What the turn was told to say first and has not said yet.
    pub(super) greeting: Option<String>,
    /// What the turn was told to say last and has not said yet.
    pub(super) farewell: Option<String>,
    /// What the caller said and pressed and the turn has not settled yet, numbered.
    pub(super) pending: Vec<(u64, Pending)>,
    last_pending: u64,
}

impl Session {
    pub(super) fn new(incoming: IncomingCall, now: DateTime<Utc>) -> Self {
        let IncomingCall { call, caller, line, purpose } = incoming;
        let identity = Identity::of(caller);
        let (history, turn, last_utterance, ending, greeting, farewell, pending) = Default::default();
        let (goes_on, deaf, wasted_guesses, last_pending) = Default::default();
        Self {
            call,
            purpose,
            line,
            started_at: now,
            identity,
            history,
            turn,
            last_utterance,
            ending,
            goes_on,
            deaf,
            wasted_guesses,
            greeting,
            farewell,
            pending,
            last_pending,
        }
    }

    /// `inbound` or `outbound`.
    pub(super) const fn direction(&self) -> &'static str {
        match self.purpose {
            Purpose::Inbound => "inbound",
            Purpose::Reminder { .. } | Purpose::CallBack { .. } => "outbound",
        }
    }

    fn errand(&self) -> Option<v1::Errand> {
        let (kind, appointment) = match self.purpose {
            Purpose::Inbound => return None,
            Purpose::Reminder { appointment, .. } => ("reminder", appointment.0),
            Purpose::CallBack { .. } => ("call_back", 0),
        };
        let party = match self.identity.errand.map(|errand| errand.party) {
            None | Some(Party::Unknown) => "",
            Some(Party::Customer) => "customer",
            Some(Party::Another) => "another",
        };
        Some(v1::Errand {
            kind: kind.into(),
            reminder_id: self.purpose.reminder().map_or(0, |id| id.0),
            appointment_id: appointment,
            party: party.into(),
        })
    }

    /// Keeps a key until the turn has settled it; its number.
    pub(super) fn pressed(&mut self, key: char) -> Option<u64> {
        self.keep(Pending::Key(key))
    }

    fn keep(&mut self, pending: Pending) -> Option<u64> {
        if self.pending.len() >= PENDING_WORDS {
            return None;
        }
        self.last_pending += 1;
        self.pending.push((self.last_pending, pending));
        Some(self.last_pending)
    }

    /// All up to this number is in the history, or needs no answer.
    pub(super) fn settled(&mut self, number: u64) {
        self.pending.retain(|(pending, _)| *pending > number);
    }

    /// Keeps what was heard until the turn has settled it; its number, if it is kept.
    pub(super) fn heard(&mut self, report: &SttReport) -> Option<u64> {
        match report {
            SttReport::Deaf => self.deaf = true,
            SttReport::Hears => self.deaf = false,
            _ => {}
        }
        let counts = match report {
            SttReport::Words { is_final, text, speech_final, .. } => (*is_final && !text.is_empty()) || *speech_final,
            SttReport::UtteranceEnd => !self.pending.is_empty(),
            SttReport::FellSilent | SttReport::Eager(_) | SttReport::Resumed => false,
            SttReport::Deaf | SttReport::Hears | SttReport::GivenUp | SttReport::Trouble(_) => false,
        };
        if counts { self.keep(Pending::Heard(report.clone())) } else { None }
    }

    /// The session as it is kept in the cache.
    pub(super) fn snapshot(&self, now: DateTime<Utc>) -> Bytes {
        let text = |number: &Option<PhoneNumber>| number.as_ref().map(|n| n.as_e164().to_owned()).unwrap_or_default();
        let snapshot = v1::SessionSnapshot {
            call_sid: self.call.to_string(),
            direction: self.direction().into(),
            caller: text(&self.identity.phone),
            line: text(&self.line),
            customer_id: self.identity.customer.as_ref().map_or(0, |c| c.id.0),
            verified: self.identity.verified,
            failed_verifications: u32::try_from(self.identity.attempts()).unwrap_or(u32::MAX),
            turn: self.turn.0,
            history: self.history.entries().iter().map(message).collect(),
            started_at_ms: self.started_at.timestamp_millis(),
            saved_at_ms: now.timestamp_millis(),
            errand: self.errand(),
        };
        snapshot.encode_to_vec().into()
    }
}

fn message(entry: &Entry) -> v1::Message {
    use v1::message::Body;
    let body = match entry {
        Entry::User(text) => Body::User(v1::UserMessage { text: text.clone() }),
        Entry::Assistant { turn, utterance, text, tool_calls } => Body::Assistant(v1::AssistantMessage {
            utterance: utterance.0,
            text: text.clone(),
            tool_calls: tool_calls.iter().map(tool_call).collect(),
            turn: turn.0,
        }),
        Entry::Tool { tool_call_id, content } => {
            Body::Tool(v1::ToolMessage { tool_call_id: tool_call_id.clone(), content: content.clone() })
        }
    };
    v1::Message { body: Some(body) }
}

fn tool_call(call: &ToolCall) -> v1::ToolCall {
    v1::ToolCall { id: call.id.clone(), name: call.name.clone(), arguments: call.arguments.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AppointmentId, ReminderId};
    use crate::tools::Errand;

    fn session(purpose: Purpose) -> Session {
        let call = CallSid::parse("CA1").unwrap();
        Session::new(IncomingCall { call, caller: None, line: None, purpose }, DateTime::UNIX_EPOCH)
    }

    fn saved(session: &Session) -> v1::SessionSnapshot {
        v1::SessionSnapshot::decode(session.snapshot(DateTime::UNIX_EPOCH)).unwrap()
    }

    #[test]
    fn a_snapshot_says_why_there_is_a_call() {
        let inbound = saved(&session(Purpose::Inbound));
        assert_eq!((inbound.direction.as_str(), inbound.errand), ("inbound", None));
        let (reminder, appointment) = (Some(ReminderId(3)), AppointmentId(7));
        let mut session = session(Purpose::Reminder { reminder, appointment });
        session.identity.errand = Some(Errand { appointment, party: Party::Customer });
        let (kind, party) = ("reminder".to_owned(), "customer".to_owned());
        let errand = v1::Errand { kind, reminder_id: 3, appointment_id: 7, party };
        let outbound = saved(&session);
        assert_eq!((outbound.direction.as_str(), outbound.errand.as_ref()), ("outbound", Some(&errand)));
        // A version that knows nothing of errands leaves them out, and reads past them.
        let older = v1::SessionSnapshot { errand: None, ..outbound };
        assert_eq!(v1::SessionSnapshot::decode(older.encode_to_vec().as_slice()), Ok(older));
    }

    #[test]
    fn what_the_turn_has_not_seen_is_not_settled_by_what_was_before_it() {
        let mut session = session(Purpose::Inbound);
        let words = |text: &str| SttReport::Words {
            text: text.into(),
            is_final: true,
            speech_final: true,
            waited: std::time::Duration::ZERO,
            until: None,
        };
        let numbers = [session.heard(&words("one")), session.pressed('1'), session.heard(&words("two"))];
        assert_eq!(numbers, [Some(1), Some(2), Some(3)]);
        session.settled(2);
        let left: Vec<u64> = session.pending.iter().map(|(number, _)| *number).collect();
        assert_eq!(left, [3]);
        session.settled(3);
        assert!(session.pending.is_empty());
        assert_eq!(session.heard(&SttReport::UtteranceEnd), None, "nothing waits for an end");
    }
}
