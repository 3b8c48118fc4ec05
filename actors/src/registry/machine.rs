//! Who is admitted, which stream belongs to which call, and what is remembered of calls that have ended. Pure but for
//! the random tokens.

use std::collections::{HashMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use super::front::{Admission, AttachError};
use crate::domain::CallSid;
use crate::limits;
use crate::ports::StreamEnd;

/// What the registry knows of one live call; `C` is how it reaches it.
#[derive(Debug)]
pub(super) struct Seat<C> {
    pub(super) call: C,
    token: Option<String>,
    pub(super) streaming: bool,
}

/// What the registry decides about a call that asks for a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Answer this.
    Answer(Admission),
    /// Start its actor, then [`Roster::seat`] it.
    Start,
}

#[derive(Debug)]
pub(super) struct Roster<C> {
    max_calls: usize,
    seats: HashMap<CallSid, Seat<C>>,
    ended: HashMap<CallSid, StreamEnd>,
    ended_order: VecDeque<(Instant, CallSid)>,
    pub(super) draining: bool,
}

impl<C> Roster<C> {
    pub(super) fn new(max_calls: usize) -> Self {
        let (seats, ended, ended_order) = Default::default();
        Self { max_calls, seats, ended, ended_order, draining: false }
    }

    /// A call asks for a line. One that has a seat gets a token again: Twilio repeats webhooks.
    pub(super) fn admit(&mut self, call: &CallSid) -> Decision {
        if let Some(seat) = self.seats.get_mut(call) {
            let token = seat.token.get_or_insert_with(new_token).clone();
            return Decision::Answer(Admission::Accepted { token });
        }
        if self.draining {
            return Decision::Answer(Admission::Draining);
        }
        if self.seats.len() >= self.max_calls {
            return Decision::Answer(Admission::Full);
        }
        Decision::Start
    }

    /// The call's actor is running.
    pub(super) fn seat(&mut self, call: CallSid, actor: C) -> Admission {
        let token = new_token();
        self.seats.insert(call, Seat { call: actor, token: Some(token.clone()), streaming: false });
        Admission::Accepted { token }
    }

    /// A stream shows a token; it is used up if it is right.
    pub(super) fn redeem(&mut self, call: &CallSid, shown: &str) -> Result<&C, AttachError> {
        let seat = self.seats.get_mut(call).ok_or(AttachError::UnknownCall)?;
        let token = seat.token.as_ref().ok_or(AttachError::BadToken)?;
        if !bool::from(token.as_bytes().ct_eq(shown.as_bytes())) || seat.streaming {
            return Err(AttachError::BadToken);
        }
        seat.token = None;
        seat.streaming = true;
        Ok(&seat.call)
    }

    /// A live call goes on on another stream, which shows this token.
    pub(super) fn reopen(&mut self, call: &CallSid) -> Option<String> {
        let seat = self.seats.get_mut(call)?;
        seat.streaming = false;
        Some(seat.token.insert(new_token()).clone())
    }

    pub(super) fn get(&self, call: &CallSid) -> Option<&C> {
        self.seats.get(call).map(|seat| &seat.call)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&CallSid, &Seat<C>)> {
        self.seats.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    /// Calls that would be admitted now.
    pub(super) fn free(&self) -> usize {
        self.max_calls.saturating_sub(self.seats.len())
    }

    /// The call has ended; what Twilio is to do when it asks is kept for a while.
    pub(super) fn ended(&mut self, call: &CallSid, end: StreamEnd, now: Instant) -> Option<C> {
        let seat = self.seats.remove(call)?;
        self.ended.insert(call.clone(), end);
        self.ended_order.push_back((now, call.clone()));
        self.forget(now);
        Some(seat.call)
    }

    /// What Twilio is to do about a call that is not alive.
    pub(super) fn recall(&self, call: &CallSid) -> StreamEnd {
        self.ended.get(call).cloned().unwrap_or(StreamEnd::Apologise)
    }

    fn forget(&mut self, now: Instant) {
        while let Some((at, _)) = self.ended_order.front() {
            let old = now.duration_since(*at) > limits::CALL_MEMORY_MS;
            if !old && self.ended_order.len() <= limits::CALL_MEMORY_ENTRIES {
                break;
            }
            if let Some((_, call)) = self.ended_order.pop_front() {
                self.ended.remove(&call);
            }
        }
    }
}

/// 256 random bits.
fn new_token() -> String {
    let mut bytes = [0_u8; 32];
    rand::RngCore::fill_bytes(&mut rand::rng(), &mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
