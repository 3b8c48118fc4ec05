//! What operators see of the calls that Otto places: a log line and its metric are one type. Names no customer and no number.

use chrono::NaiveDate;
use metrics::Label;
use tracing::{debug, error, info, warn};

use super::machine;
use crate::domain::ReminderId;
use crate::events::InternalEvent;
use crate::metrics::Metric;
use crate::ports::{CallSettled, DialError, StoreError, VendorError};

fn label(key: &'static str, value: &'static str) -> Vec<Label> {
    vec![Label::from_static_parts(key, value)]
}

/// The round of a date was made.
#[derive(Debug)]
pub(super) struct RemindersMade {
    pub(super) of: NaiveDate,
    pub(super) rows: u64,
}

impl InternalEvent for RemindersMade {
    fn emit(self) {
        info!(of = %self.of, rows = self.rows, "customers of that date are to be called");
        Metric::RemindersMade.counter(Vec::new()).increment(self.rows);
    }
}

/// What became of an attempt to call somebody was noted.
#[derive(Debug)]
pub(super) struct CallSettledEvent<'a> {
    pub(super) reminder: ReminderId,
    pub(super) settled: &'a CallSettled,
}

impl InternalEvent for CallSettledEvent<'_> {
    fn emit(self) {
        let reminder = self.reminder.0;
        let result = match self.settled {
            CallSettled::Accepted { call, .. } => {
                debug!(reminder, %call, "Twilio has the call");
                "accepted"
            }
            CallSettled::Unknown { look_at, reason } => {
                warn!(reminder, %look_at, reason, "nobody knows whether Twilio has the call: it is asked before another one");
                "unknown"
            }
            CallSettled::Again { at, reason, .. } => {
                info!(reminder, %at, reason, "not reached: called again later");
                "again"
            }
            CallSettled::Done(outcome) => {
                info!(reminder, outcome = outcome.as_str(), "the call that Otto placed is over");
                outcome.as_str()
            }
            CallSettled::Missed { reason, .. } => {
                warn!(reminder, reason, "never reached: staff may want to call");
                "missed"
            }
            CallSettled::Skipped { reason } => {
                info!(reminder, reason, "not called on purpose");
                "skipped"
            }
        };
        Metric::ReminderCalls.counter(label("result", result)).increment(1);
    }
}

/// The time for some calls is over, and nobody was reached.
#[derive(Debug)]
pub(super) struct RemindersMissed<'a> {
    pub(super) rows: &'a [ReminderId],
}

impl InternalEvent for RemindersMissed<'_> {
    fn emit(self) {
        let rows: Vec<_> = self.rows.iter().map(|row| row.0).collect();
        warn!(count = rows.len(), ?rows, "never reached in the time for it: staff may want to call");
        Metric::ReminderCalls.counter(label("result", "overdue")).increment(rows.len() as u64);
    }
}

/// Twilio did not take a call.
#[derive(Debug)]
pub(super) struct TwilioRefused<'a> {
    pub(super) reminder: ReminderId,
    pub(super) error: &'a DialError,
}

impl InternalEvent for TwilioRefused<'_> {
    fn emit(self) {
        let (reminder, error) = (self.reminder.0, machine::vendor(self.error));
        let what = match self.error {
            DialError::Refused(_) => {
                error!(reminder, %error, "Twilio refuses to place a call");
                "refused"
            }
            DialError::NotNow(_) => {
                warn!(reminder, %error, "Twilio places no call now");
                "not_now"
            }
            DialError::Unknown(_) => {
                warn!(reminder, %error, "Twilio did not say whether it places a call");
                "unknown"
            }
        };
        Metric::ReminderTwilioTrouble.counter(label("what", what)).increment(1);
    }
}

/// Twilio does not say how a call stands.
#[derive(Debug)]
pub(super) struct TwilioSilent<'a> {
    pub(super) reminder: ReminderId,
    pub(super) error: &'a VendorError,
}

impl InternalEvent for TwilioSilent<'_> {
    fn emit(self) {
        warn!(reminder = self.reminder.0, error = %self.error, "Twilio does not say how a call stands");
        Metric::ReminderTwilioTrouble.counter(label("what", "silent")).increment(1);
    }
}

/// Twilio does not take back a call whose time is over.
#[derive(Debug)]
pub(super) struct TwilioKeepsCall<'a> {
    pub(super) reminder: ReminderId,
    pub(super) error: &'a VendorError,
}

impl InternalEvent for TwilioKeepsCall<'_> {
    fn emit(self) {
        warn!(reminder = self.reminder.0, error = %self.error, "Twilio does not take back a call whose time is over");
        Metric::ReminderTwilioTrouble.counter(label("what", "keeps_call")).increment(1);
    }
}

/// The rows could not be read or written; they come again.
#[derive(Debug)]
pub(super) struct RemindersStuck<'a> {
    pub(super) error: &'a StoreError,
}

impl InternalEvent for RemindersStuck<'_> {
    fn emit(self) {
        warn!(error = %self.error, "the calls to be placed cannot be read or written");
        Metric::ReminderCalls.counter(label("result", "stuck")).increment(1);
    }
}
