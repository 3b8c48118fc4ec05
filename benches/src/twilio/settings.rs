//! What can be set about the platform and what can go wrong with it, apart from the platform itself since tests and the
//! command line write these values.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::speech::DEFAULT_MS_PER_CHAR;

/// Settings of the platform.
#[derive(Clone, Debug, PartialEq)]
pub struct TwilioSettings {
    /// Pace of every caller's voice.
    pub ms_per_char: u32,
    /// Time that a webhook may take.
    pub webhook_timeout: Duration,
    /// How long a second takes while a telephone rings, a call waits for its turn or a text message is on its way.
    pub second: Duration,
    /// For how many seconds a telephone rings until somebody picks it up.
    pub ring_seconds: u32,
    /// Placed calls that begin within a second; the others wait, none is refused. An account's default is 1.
    pub calls_per_second: f64,
    /// For how long, by the platform's clock, a new call or text message is missing from the lists.
    pub list_lag: Duration,
}

impl Default for TwilioSettings {
    fn default() -> Self {
        TwilioSettings {
            ms_per_char: DEFAULT_MS_PER_CHAR,
            webhook_timeout: Duration::from_secs(15),
            second: Duration::from_secs(1),
            ring_seconds: 3,
            calls_per_second: 1.0,
            list_lag: Duration::ZERO,
        }
    }
}

impl TwilioSettings {
    /// So many seconds of the telephone network.
    pub(crate) fn seconds(&self, seconds: f64) -> Duration {
        self.second.mul_f64(seconds)
    }

    /// So many seconds of speech, which pass as quickly as the voices speak.
    pub(crate) fn spoken_seconds(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds * f64::from(self.ms_per_char) / f64::from(DEFAULT_MS_PER_CHAR))
    }
}

/// What can go wrong. REST faults strike requests, the others strike streams or status callbacks.
#[derive(Clone, Debug, PartialEq)]
pub enum TwilioFault {
    /// A REST request is answered with this status and not processed.
    RestStatus {
        /// For example 429 or 500.
        status: u16,
    },
    /// A REST request is processed, and answered with this status all the same.
    RestAccepted {
        /// For example 500.
        status: u16,
    },
    /// A REST request is never answered.
    RestStall,
    /// A REST request is processed, and its answer is lost.
    RestLostAnswer,
    /// The media socket breaks without a close frame.
    DropStream {
        /// Time since the stream began, in milliseconds.
        after_ms: u64,
    },
    /// The caller's audio stops coming for a while, as on a bad mobile line.
    PauseMedia {
        /// Time since the stream began, in milliseconds.
        after_ms: u64,
        /// How long nothing comes, in milliseconds.
        for_ms: u64,
    },
    /// The media socket's handshake has a wrong signature.
    BadStreamSignature,
    /// A status callback, of a call or of a text message, is sent twice.
    DuplicateStatus,
    /// A status callback is never sent.
    LoseStatus,
    /// A status callback is sent after the one that follows it; those that nothing follows come last, latest first.
    ReorderStatus,
}

impl TwilioFault {
    pub(crate) fn is_rest(&self) -> bool {
        matches!(
            self,
            TwilioFault::RestStatus { .. }
                | TwilioFault::RestAccepted { .. }
                | TwilioFault::RestStall
                | TwilioFault::RestLostAnswer
        )
    }

    pub(crate) fn is_stream(&self) -> bool {
        !self.is_rest() && !self.is_status()
    }

    pub(crate) fn is_status(&self) -> bool {
        matches!(self, TwilioFault::DuplicateStatus | TwilioFault::LoseStatus | TwilioFault::ReorderStatus)
    }
}

/// The platform's clock, by which it dates calls and text messages.
pub(super) struct Clock(RwLock<Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>>);

impl Clock {
    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.0.read().unwrap_or_else(PoisonError::into_inner))()
    }

    pub(super) fn set(&self, now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(now);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Clock(RwLock::new(Arc::new(Utc::now)))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
