//! A telephone company on a simulated clock, apart from the scheduler's own types where it keeps its log: the checker reads
//! that log alone. What becomes of an attempt depends on the seed, the row and the attempt, never on the order of events.

use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use otto_actors::domain::{CallSid, CallStatus, PhoneNumber, ReminderId};
use otto_actors::ports::{
    CallProgress, Dial, DialError, PlacedCall, SentText, StreamEnd, Telephony, Text, VendorError, VendorErrorKind,
};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// A call that was placed.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) call: CallSid,
    pub(super) to: String,
    pub(super) at: DateTime<Utc>,
    pub(super) ends_at: DateTime<Utc>,
    pub(super) end: CallStatus,
    /// From when on it is in the list of calls.
    shown_at: DateTime<Utc>,
}

/// Word of a call, on its way.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) at: DateTime<Utc>,
    pub(super) reminder: ReminderId,
    pub(super) attempt: u32,
    pub(super) progress: CallProgress,
}

#[derive(Default)]
struct State {
    now: DateTime<Utc>,
    calls: Vec<Placed>,
    reports: Vec<Report>,
    asked: u64,
}

/// The telephone company.
pub(super) struct Telephone {
    seed: u64,
    /// Without trouble every call is taken and answered, and every word arrives.
    trouble: bool,
    state: Mutex<State>,
}

fn error(kind: VendorErrorKind) -> VendorError {
    VendorError::new("telephone", kind, "simulated")
}

impl Telephone {
    pub(super) fn new(seed: u64, trouble: bool) -> Self {
        Self { seed, trouble, state: Mutex::default() }
    }

    fn state<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        what(&mut self.state.lock().expect("no panic"))
    }

    fn chance(&self, one: u64, other: u64) -> StdRng {
        StdRng::seed_from_u64(self.seed ^ one.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ other << 48)
    }

    /// The simulated clock goes on.
    pub(super) fn at(&self, now: DateTime<Utc>) {
        self.state(|state| state.now = now);
    }

    pub(super) fn log(&self) -> Vec<Placed> {
        self.state(|state| state.calls.clone())
    }

    pub(super) fn next_report(&self) -> Option<DateTime<Utc>> {
        self.state(|state| state.reports.iter().map(|report| report.at).min())
    }

    /// Word that arrives by now.
    pub(super) fn arrived(&self, now: DateTime<Utc>) -> Vec<Report> {
        self.state(|state| {
            let (mut due, later): (Vec<_>, Vec<_>) = state.reports.drain(..).partition(|report| report.at <= now);
            state.reports = later;
            due.sort_by_key(|report| report.at);
            due
        })
    }

    /// How a call ends: with trouble one in four is not answered.
    fn end(&self, rng: &mut StdRng) -> CallStatus {
        match rng.random_range(0..100) {
            _ if !self.trouble => CallStatus::Completed,
            0..75 => CallStatus::Completed,
            75..83 => CallStatus::Busy,
            83..94 => CallStatus::NoAnswer,
            94..98 => CallStatus::Failed,
            _ => CallStatus::Canceled,
        }
    }

    fn take(&self, dial: &Dial, rng: &mut StdRng) -> CallSid {
        let end = self.end(rng);
        let (rings, talks) = (rng.random_range(3..20), rng.random_range(10..180));
        let lag = if self.trouble && rng.random_bool(0.2) { rng.random_range(0..40) } else { 0 };
        let mut words = Vec::new();
        let lasts = if end == CallStatus::Completed { rings + talks } else { rings };
        if self.trouble {
            words.push((rng.random_range(0..5), CallStatus::Ringing));
        }
        words.push((lasts + rng.random_range(0..5), end));
        if self.trouble {
            words.retain(|_| rng.random_bool(0.9));
            let again = words.last().copied().filter(|_| rng.random_bool(0.2));
            words.extend(again.map(|(after, status)| (after + 1, status)));
        }
        self.state(|state| {
            let (at, number) = (state.now, state.calls.len() + 1);
            let call = CallSid::parse(&format!("CA{number:032}")).expect("a SID");
            for (after, status) in words {
                // Words of a second arrive together.
                let at = at.duration_trunc(TimeDelta::seconds(1)).expect("a time") + TimeDelta::seconds(after + 1);
                let (answered_by, duration_s) = (None, None);
                let call = call.clone();
                let progress = CallProgress { call, status: Some(status), answered_by, duration_s, outbound: true, at };
                state.reports.push(Report { at, reminder: dial.reminder, attempt: dial.attempt, progress });
            }
            let (ends_at, shown_at) = (at + TimeDelta::seconds(lasts), at + TimeDelta::seconds(lag));
            let to = dial.to.as_e164().to_owned();
            state.calls.push(Placed { call: call.clone(), to, at, ends_at, end, shown_at });
            call
        })
    }

    /// Now and then it does not answer a question.
    fn answers(&self) -> Result<(), VendorError> {
        let asked = self.state(|state| {
            state.asked += 1;
            state.asked
        });
        let silent = self.trouble && self.chance(asked, 7).random_bool(0.05);
        if silent { Err(error(VendorErrorKind::Failed)) } else { Ok(()) }
    }
}

fn seen(placed: &Placed, now: DateTime<Utc>) -> PlacedCall {
    let over = placed.ends_at <= now;
    let status = if over { placed.end } else { CallStatus::Ringing };
    let (call, created_at) = (placed.call.clone(), Some(placed.at));
    PlacedCall { call, status, created_at, answered_by: None, duration_s: None }
}

#[async_trait]
impl Telephony for Telephone {
    async fn proceed(&self, _: &CallSid, _: &StreamEnd) -> Result<(), VendorError> {
        Ok(())
    }

    fn can_dial(&self) -> bool {
        true
    }

    /// Yields before and after a call is taken, so that a node may die at either point.
    async fn dial(&self, dial: &Dial) -> Result<CallSid, DialError> {
        let row = u64::try_from(dial.reminder.0).expect("a row");
        let mut rng = self.chance(row, u64::from(dial.attempt));
        tokio::task::yield_now().await;
        let fate = if self.trouble { rng.random_range(0..100) } else { 99 };
        match fate {
            0..2 => Err(DialError::NotNow(error(VendorErrorKind::RateLimited))),
            2..5 => Err(DialError::Unknown(error(VendorErrorKind::Failed))),
            5..6 => Err(DialError::Refused(error(VendorErrorKind::Rejected))),
            6..11 => {
                self.take(dial, &mut rng);
                tokio::task::yield_now().await;
                Err(DialError::Unknown(error(VendorErrorKind::Failed)))
            }
            _ => {
                let call = self.take(dial, &mut rng);
                tokio::task::yield_now().await;
                Ok(call)
            }
        }
    }

    async fn calls_to(&self, to: &PhoneNumber, since: DateTime<Utc>) -> Result<Vec<PlacedCall>, VendorError> {
        tokio::task::yield_now().await;
        self.answers()?;
        Ok(self.state(|state| {
            let shown = |call: &&Placed| call.to == to.as_e164() && since <= call.at && call.shown_at <= state.now;
            state.calls.iter().rev().filter(shown).map(|call| seen(call, state.now)).collect()
        }))
    }

    async fn call(&self, call: &CallSid) -> Result<Option<PlacedCall>, VendorError> {
        tokio::task::yield_now().await;
        self.answers()?;
        Ok(self.state(|state| state.calls.iter().find(|own| own.call == *call).map(|own| seen(own, state.now))))
    }

    /// No call of its waits.
    async fn cancel(&self, _: &CallSid) -> Result<(), VendorError> {
        Err(error(VendorErrorKind::Rejected))
    }

    fn can_text(&self) -> bool {
        false
    }

    async fn text(&self, _: &Text) -> Result<String, DialError> {
        Err(DialError::Refused(error(VendorErrorKind::Rejected)))
    }

    async fn texts_to(&self, _: &PhoneNumber, _: DateTime<Utc>) -> Result<Vec<SentText>, VendorError> {
        Ok(Vec::new())
    }
}

impl Placed {
    /// A call that takes a second, for the checker's own test.
    pub(super) fn test(to: &PhoneNumber, at: DateTime<Utc>, end: CallStatus) -> Self {
        let call = CallSid::parse(&format!("CA{:032}", at.timestamp())).expect("a SID");
        let ends_at = at + TimeDelta::seconds(2);
        Self { call, to: to.as_e164().to_owned(), at, ends_at, end, shown_at: at }
    }
}
