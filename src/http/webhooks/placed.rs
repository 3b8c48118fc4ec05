//! Word of calls that Otto placed: for which row, in which attempt, and who is told. Apart, because several webhooks bring
//! it.

use std::time::Duration;

use otto_actors::domain::{CallSid, CallStatus, ReminderId};
use otto_actors::ports::CallProgress;
use otto_actors::reminders::RemindersMsg;
use tokio::time::timeout;
use tracing::warn;

use super::number;
use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::http::urls::query;
use crate::vendors::twilio::form::Form;

/// Writing down how a call or a text message stands. Twilio waits for the answer and has no use for it.
pub(super) const NOTE_TIMEOUT_MS: Duration = Duration::from_millis(2_000);

/// For which row, and in which attempt, a call was placed.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    /// The row.
    pub(super) reminder: ReminderId,
    /// The attempt, from 1.
    pub(super) number: u32,
}

impl Attempt {
    /// Reads a query; none when it names neither.
    pub(super) fn of(form: &Form) -> Result<Option<Self>, ApiError> {
        let (reminder, attempt) = (number(form, query::REMINDER)?, number(form, query::ATTEMPT)?);
        let missing = |name| ApiError::field(name, "nothing", "a whole number");
        match (reminder.map(ReminderId), attempt) {
            (Some(reminder), Some(number)) => Ok(Some(Self { reminder, number })),
            (Some(_), None) => Err(missing(query::ATTEMPT)),
            (None, Some(_)) => Err(missing(query::REMINDER)),
            (None, None) => Ok(None),
        }
    }

    /// Tells the ReminderSchedulerActor. While it is being restarted this is lost: it looks at the call itself later.
    pub(super) fn tell(self, state: &AppState, progress: CallProgress) {
        let Self { reminder, number: attempt } = self;
        let _ = state.outbound.reminders.cast(RemindersMsg::CallStatus { reminder, attempt, progress });
    }
}

/// Where a call stands that Otto placed, as far as a status says.
pub(super) fn progress(state: &AppState, call: &CallSid, status: Option<CallStatus>) -> CallProgress {
    let (answered_by, duration_s) = (None, None);
    CallProgress { call: call.clone(), status, answered_by, duration_s, outbound: true, at: state.clock.now() }
}

/// Writes it into the call log. Twilio does not say it again, so a database that is away costs this line of the log and
/// nothing else: Twilio still knows how the call went.
pub(super) async fn journal(state: &AppState, progress: &CallProgress) {
    match timeout(NOTE_TIMEOUT_MS, state.store.call_progress(progress)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(call = %progress.call, %error, "how a call stands is not in the log"),
        Err(_) => warn!(call = %progress.call, error = "no answer in time", "how a call stands is not in the log"),
    }
}
