//! A call to the engine: what the caller does, and the handle to it while it goes on.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use super::registry::Control;
use super::{CallReport, CallerEvent, Step};

/// How long a call lasts at most when nothing else is said.
pub(super) const MAX_DURATION: Duration = Duration::from_secs(180);

/// A call to be made.
#[derive(Clone, Debug)]
pub struct CallPlan {
    /// The caller's number, or what stands in its place.
    pub from: String,
    /// The number called; the account's own when `None`.
    pub to: Option<String>,
    /// What the caller does. When the steps are done the caller hangs up.
    pub steps: Vec<Step>,
    /// The caller hangs up after this long, whatever happens.
    pub max_duration: Duration,
    /// Receives every event as it happens.
    pub events: Option<UnboundedSender<CallerEvent>>,
    /// What a `<Dial>` comes to: `completed`, `busy`, `no-answer`, `failed`.
    pub dial_status: String,
    /// The call's own sid; a random one when `None`.
    pub call_sid: Option<String>,
}

impl CallPlan {
    /// A caller with this number who does these things.
    pub fn new(from: impl Into<String>, steps: Vec<Step>) -> Self {
        CallPlan {
            from: from.into(),
            to: None,
            steps,
            max_duration: MAX_DURATION,
            events: None,
            dial_status: "completed".to_owned(),
            call_sid: None,
        }
    }

    /// Sends every event to `events` as it happens.
    #[must_use]
    pub fn with_events(mut self, events: UnboundedSender<CallerEvent>) -> Self {
        self.events = Some(events);
        self
    }

    /// Hangs up after this long.
    #[must_use]
    pub fn with_max_duration(mut self, max_duration: Duration) -> Self {
        self.max_duration = max_duration;
        self
    }
}

/// A call in progress.
#[derive(Debug)]
pub struct CallHandle {
    /// Its sid.
    pub call_sid: String,
    pub(super) control: UnboundedSender<Control>,
    pub(super) report: JoinHandle<CallReport>,
}

impl CallHandle {
    /// Waits for the end of the call.
    ///
    /// # Panics
    /// When the call's task panicked.
    pub async fn report(self) -> CallReport {
        self.report.await.expect("a simulated call does not panic")
    }

    /// The caller hangs up now, wherever the script is.
    pub fn hang_up(&self) {
        let _ = self.control.send(Control::CallerHangsUp);
    }

    /// Whether the call has ended.
    pub fn is_finished(&self) -> bool {
        self.report.is_finished()
    }
}
