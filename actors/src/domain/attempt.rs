//! How a row of a call to be placed changes with its attempts: rules that every store follows, apart from the row itself.

use chrono::{DateTime, Utc};

use super::{CallSid, Reminder, ReminderOutcome, ReminderStatus};

/// Why a call is not placed, as it is kept in the row.
pub mod reasons {
    /// The appointment was called off, or work on it has begun.
    pub const APPOINTMENT_CLOSED: &str = "appointment_closed";
    /// The appointment's time has come.
    pub const APPOINTMENT_BEGUN: &str = "appointment_begun";
    /// The appointment is on another date.
    pub const APPOINTMENT_MOVED: &str = "appointment_moved";
    /// The customer does not agree to be reminded.
    pub const NO_CONSENT: &str = "no_consent";
    /// The number does not want calls.
    pub const OPTED_OUT: &str = "opted_out";
    /// Nobody could be called while calls were allowed.
    pub const WINDOW_OVER: &str = "window_over";
    /// The caller has asked for another time.
    pub const REPLACED: &str = "replaced";
    /// The row holds something that nobody has written there on purpose, such as a number that is none.
    pub const UNREADABLE: &str = "unreadable";
}

impl Reminder {
    /// Attempts that count, the present one included: the telephone rang, or would have.
    #[must_use]
    pub fn tried(&self) -> u32 {
        self.attempts.saturating_sub(self.failures)
    }

    /// Begins an attempt: it is counted before anybody dials. Until `look_at` it is in the hands of who began it.
    pub fn begin(&mut self, now: DateTime<Utc>, look_at: DateTime<Utc>) {
        self.status = ReminderStatus::Dialling;
        self.attempts += 1;
        (self.dialled_at, self.next_at) = (Some(now), look_at);
        self.call = None;
    }

    /// Notes what came of a conversation that was held in a call. Who was spoken to is not called again, whatever was known
    /// of the attempt. False when nothing changes.
    pub fn talked(&mut self, call: &CallSid, outcome: ReminderOutcome) -> bool {
        let same = self.call.as_ref().is_none_or(|own| own == call);
        let open = match self.status {
            ReminderStatus::Pending | ReminderStatus::Dialling | ReminderStatus::Missed => true,
            ReminderStatus::Calling => same,
            ReminderStatus::Done => same && self.is_answered() && outcome != ReminderOutcome::Answered,
            ReminderStatus::Skipped | ReminderStatus::ForStaff => false,
        };
        if open {
            self.call = Some(call.clone());
            self.end(outcome);
        }
        open
    }

    /// It is over.
    pub(crate) fn end(&mut self, outcome: ReminderOutcome) {
        (self.status, self.outcome, self.reason) = (ReminderStatus::Done, Some(outcome), None);
    }

    /// Whether somebody answered and nothing else is known.
    pub(crate) fn is_answered(&self) -> bool {
        self.outcome == Some(ReminderOutcome::Answered)
    }
}
