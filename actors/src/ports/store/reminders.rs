//! The calls that Otto is to place: who is due, who places the call, and what came of it. Apart from [`Store`](super::Store),
//! because only the ReminderSchedulerActor and the edge need it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};

use super::{NewMessage, StoreError};
use crate::domain::{
    Appointment, AppointmentId, CallSid, Customer, NewReminder, Reminder, ReminderId, ReminderKind, ReminderOutcome,
    ReminderStatus, Round,
};

/// The calls that Otto is to place. Every change says which attempt it is about, so that word of an earlier attempt, or
/// the same word twice, changes nothing.
#[async_trait]
pub trait ReminderStore: Send + Sync {
    /// Makes the round of a date, once, whichever node asks: a row for each scheduled or confirmed appointment of that
    /// date whose customer agreed to be called, unless another call about it waits, or has reached the customer since
    /// the day of the calls began. Says how many rows were made; none when the round was made before.
    async fn make_round(&self, round: &Round, now: DateTime<Utc>) -> Result<Option<u64>, StoreError>;

    /// Whom the round of a date would call, without making it, earliest appointment first.
    async fn round_of(&self, round: &Round) -> Result<Vec<(Appointment, Customer)>, StoreError>;

    /// Adds a single call. [`ReminderKind::Requested`] for an appointment of which a reminder is open already gives that one.
    /// A [`ReminderKind::CallBack`] takes the place of those to the same number that nobody has claimed yet.
    async fn add_reminder(&self, new: &NewReminder, now: DateTime<Utc>) -> Result<ReminderId, StoreError>;

    /// Ends the pending ones whose time is over, as missed, and orders a text message for those of appointments when
    /// `texts`. Says which they are.
    async fn miss_overdue(&self, now: DateTime<Utc>, texts: bool) -> Result<Vec<ReminderId>, StoreError>;

    /// Claims up to `limit` calls that are due and that nobody else holds, those that are in doubt first, then the
    /// earliest appointment. Before that, pending ones that are not to be called any more are skipped, for one of the
    /// [`reasons`](crate::domain::reasons): the appointment was changed or called off, the consent is gone, or the number does
    /// not want calls. A number that is being called for another row waits.
    async fn claim_calls(&self, claim: &CallClaim<'_>) -> Result<Vec<DueCall>, StoreError>;

    /// Notes what became of an attempt. False when the row has moved on meanwhile: nothing was changed.
    async fn settle_call(
        &self,
        id: ReminderId,
        attempt: u32,
        settled: &CallSettled,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// One of them.
    async fn reminder(&self, id: ReminderId) -> Result<Option<Reminder>, StoreError>;

    /// The one that still leads to a call about an appointment; no call-back.
    async fn open_reminder_of(&self, appointment: AppointmentId) -> Result<Option<ReminderId>, StoreError>;

    /// The one whose latest attempt is this call.
    async fn reminder_of_call(&self, call: &CallSid) -> Result<Option<Reminder>, StoreError>;

    /// Those that are due in a time, latest first, at most `limit`; for operators.
    async fn reminders_between(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Reminder>, StoreError>;

    /// Notes that a number does not want to be called or texted any more.
    async fn opt_out(&self, opt_out: &OptOut, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Notes that a number wants to be called or texted again. A customer's consent to be called says so, too
    /// ([`Action`](super::Action)).
    async fn opt_in(&self, phone: &crate::domain::PhoneNumber, channel: Channel) -> Result<(), StoreError>;

    /// Whether a number does not want to be called or texted.
    async fn has_opted_out(&self, phone: &crate::domain::PhoneNumber, channel: Channel) -> Result<bool, StoreError>;

    /// The messages that callers have left for the people of the shop since a time, latest first, at most `limit`; for
    /// operators.
    async fn messages_since(&self, since: DateTime<Utc>, limit: u32) -> Result<Vec<TakenMessage>, StoreError>;
}

/// A message that a caller has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenMessage {
    /// When.
    pub at: DateTime<Utc>,
    /// In which call.
    pub call: CallSid,
    /// From whom, and what they say.
    pub message: NewMessage,
}

/// Who claims how many calls, and until when.
#[derive(Debug, Clone, Copy)]
pub struct CallClaim<'a> {
    /// Names the node; two that run at the same time have different names.
    pub worker: &'a str,
    /// At most so many fresh calls; those in doubt come on top, at most [`CallClaim::LOOKS`].
    pub limit: u32,
    /// Calls that the account may place in a second, all nodes together.
    pub per_second: u32,
    /// How long the node has for each.
    pub lease: Duration,
    /// Now.
    pub now: DateTime<Utc>,
}

impl CallClaim<'_> {
    /// Attempts in doubt that one claim takes.
    pub const LOOKS: u32 = 16;
}

/// A call that a node has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCall {
    /// The row, as it is after the claim; its phone is the number to dial.
    pub reminder: Reminder,
    /// What is to be done.
    pub task: DueTask,
}

/// What is to be done about a claimed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueTask {
    /// Dial. The claim has counted the attempt: should the node die, the next one asks before it dials.
    Dial,
    /// Twilio may or may not have taken the attempt: ask for calls to that number since the attempt began.
    Reconcile,
    /// Twilio has taken the attempt and has not said how it ended: ask.
    Look,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallSettled {
    /// Twilio has taken it. Without word of its end it is asked for at `look_at`.
    Accepted {
        /// The call.
        call: CallSid,
        /// When to ask.
        look_at: DateTime<Utc>,
    },
    /// Nobody knows whether Twilio has taken it, or how it goes: ask at that time.
    Unknown {
        /// When to ask.
        look_at: DateTime<Utc>,
        /// Why; free of personal data.
        reason: String,
    },
    /// To be dialled again at that time.
    Again {
        /// When; missed when that is too late.
        at: DateTime<Utc>,
        /// The attempt counts: the telephone rang, or would have.
        counts: bool,
        /// Why; free of personal data.
        reason: String,
    },
    /// Somebody or something answered.
    Done(ReminderOutcome),
    /// Never reached.
    Missed {
        /// Why; free of personal data.
        reason: String,
        /// Order a text message in the same transaction, if it is about an appointment.
        text: bool,
    },
    /// Not called on purpose.
    Skipped {
        /// Why; free of personal data.
        reason: String,
    },
}

impl CallSettled {
    /// Makes a row what it is after this word of an attempt: the rule of every store. False when the row has moved on.
    pub fn apply(&self, row: &mut Reminder, attempt: u32) -> bool {
        if row.attempts != attempt || !self.may_follow(row) {
            return false;
        }
        match self {
            Self::Accepted { call, look_at } => {
                (row.status, row.next_at) = (ReminderStatus::Calling, *look_at);
                (row.call, row.reason) = (Some(call.clone()), None);
            }
            Self::Unknown { look_at, reason } => (row.next_at, row.reason) = (*look_at, Some(reason.clone())),
            Self::Again { at, counts, reason } => {
                row.failures += u32::from(!counts);
                row.status = if *at < row.until { ReminderStatus::Pending } else { ReminderStatus::Missed };
                (row.next_at, row.reason) = (*at, Some(reason.clone()));
            }
            Self::Done(outcome) => row.end(*outcome),
            Self::Missed { reason, .. } => (row.status, row.reason) = (ReminderStatus::Missed, Some(reason.clone())),
            Self::Skipped { reason } => (row.status, row.reason) = (ReminderStatus::Skipped, Some(reason.clone())),
        }
        true
    }

    fn may_follow(&self, row: &Reminder) -> bool {
        let under_way = matches!(row.status, ReminderStatus::Dialling | ReminderStatus::Calling);
        // An attempt that was given up because no call was found, and whose call turns up after all.
        let unheard = row.status == ReminderStatus::Pending && row.attempts > 0 && row.call.is_none();
        match self {
            Self::Accepted { call, .. } => {
                row.status == ReminderStatus::Dialling
                    || unheard
                    || (row.status == ReminderStatus::Calling && row.call.as_ref() == Some(call))
            }
            Self::Done(outcome) => {
                let more = row.is_answered() && *outcome != ReminderOutcome::Answered;
                under_way || unheard || (row.status == ReminderStatus::Done && more)
            }
            // Said because no call was found. One that Twilio has told of meanwhile is there.
            Self::Unknown { .. } | Self::Again { counts: false, .. } => row.status == ReminderStatus::Dialling,
            Self::Again { .. } | Self::Missed { .. } | Self::Skipped { .. } => under_way,
        }
    }
}

/// How somebody is not to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// By calls that Otto places.
    Voice,
    /// By text message.
    Text,
}

impl Channel {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Text => "text",
        }
    }
}

/// A wish not to be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptOut {
    /// The number.
    pub phone: crate::domain::PhoneNumber,
    /// How.
    pub channel: Channel,
    /// Why, such as `asked` or `wrong_number`.
    pub reason: &'static str,
}

impl OptOut {
    /// The person with that number said so.
    pub const ASKED: &'static str = "asked";
    /// Somebody else than the customer has that number.
    pub const WRONG_NUMBER: &'static str = "wrong_number";
}

/// A line of the dry run: who would be called, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCall {
    /// Why.
    pub kind: ReminderKind,
    /// Whose appointment, and which.
    pub appointment: Appointment,
    /// Who.
    pub customer: Customer,
    /// The date of the appointment, in the shop's zone.
    pub of: NaiveDate,
    /// When the call would be placed, at the account's pace.
    pub due_at: DateTime<Utc>,
}
