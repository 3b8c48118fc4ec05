//! What a refusal of the API means. The reason decides, not the status: 403 is "slow down" as well as "never".

use std::time::Duration;

use chrono::Utc;
use otto_actors::ports::{CalendarError, VendorError, VendorErrorKind};
use reqwest::Response;

use super::VENDOR;
use super::wire::ErrorAnswer;
use crate::vendors::{detail, rest};

/// The pause after a breach of the limits against abuse, which are measured over a long time.
const QUOTA_PAUSE_MS: Duration = Duration::from_millis(10 * 60 * 1_000);

/// Why a request came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The API has refused.
    Refusal(Refusal),
    /// It never came to that.
    Before(CalendarError),
}

/// A refusal: its status and its reason. The message is left out, since it may quote the request.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) reason: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    pub(super) async fn read(response: Response) -> Self {
        let status = response.status().as_u16();
        let retry_after = rest::retry_after(response.headers(), Utc::now());
        let body: ErrorAnswer = serde_json::from_slice(&rest::error_body(response).await).unwrap_or_default();
        let reason = body.error.errors.into_iter().next().map_or_else(String::new, |first| first.reason);
        Self { status, reason, retry_after }
    }

    /// Whether the vendor itself is in trouble, as opposed to this request.
    pub(super) fn is_outage(&self) -> bool {
        self.status >= 500
    }

    fn error(&self, kind: VendorErrorKind) -> VendorError {
        let words = detail(&format!("HTTP {} {}", self.status, self.reason));
        let mut error = VendorError::new(VENDOR, kind, words.trim_end());
        error.retry_after = self.retry_after;
        error
    }
}

impl Failure {
    /// The refusal's status, if it is one.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Refusal(refusal) => Some(refusal.status),
            Self::Before(_) => None,
        }
    }
}

impl From<Failure> for CalendarError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Before(error) => error,
            Failure::Refusal(refusal) => refusal.into(),
        }
    }
}

impl From<Refusal> for CalendarError {
    fn from(refusal: Refusal) -> Self {
        use VendorErrorKind::{Failed, QuotaExhausted, RateLimited, Rejected, TimedOut};
        match (refusal.status, refusal.reason.as_str()) {
            (403 | 429, "rateLimitExceeded" | "userRateLimitExceeded") | (429, _) => {
                Self::Away(refusal.error(RateLimited))
            }
            (403, "quotaExceeded") => {
                let mut error = refusal.error(QuotaExhausted);
                error.retry_after = Some(error.retry_after.unwrap_or_default().max(QUOTA_PAUSE_MS));
                Self::Away(error)
            }
            (403, "forbiddenForNonOrganizer") => Self::Refused(refusal.error(Rejected)),
            // A calendar that is not there is one that Otto may not see.
            (401 | 403 | 404, _) => Self::NoAccess(refusal.error(Rejected)),
            (408 | 504, _) => Self::Away(refusal.error(TimedOut)),
            // Somebody changed the event in the same moment: it can be looked at again.
            (409 | 410 | 412 | 500..=599, _) => Self::Away(refusal.error(Failed)),
            _ => Self::Refused(refusal.error(Rejected)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_decides() {
        let away = |kind| (Some(kind), false);
        use VendorErrorKind::*;
        for (status, reason, expected, parked) in [
            (403, "rateLimitExceeded", away(RateLimited), false),
            (403, "userRateLimitExceeded", away(RateLimited), false),
            (429, "rateLimitExceeded", away(RateLimited), false),
            (429, "", away(RateLimited), false),
            (403, "quotaExceeded", away(QuotaExhausted), false),
            (403, "forbidden", (None, true), false),
            (403, "insufficientPermissions", (None, true), false),
            (403, "forbiddenForNonOrganizer", (None, false), true),
            (401, "authError", (None, true), false),
            (404, "notFound", (None, true), false),
            (400, "timeRangeEmpty", (None, false), true),
            (412, "conditionNotMet", away(Failed), false),
            (500, "backendError", away(Failed), false),
            (503, "", away(Failed), false),
            (504, "", away(TimedOut), false),
        ] {
            let error = Refusal { status, reason: reason.into(), retry_after: None }.into();
            let found = match &error {
                CalendarError::Away(error) => (Some(error.kind), false),
                CalendarError::NoAccess(_) => (None, true),
                CalendarError::Refused(_) => (None, false),
            };
            assert_eq!((found, matches!(error, CalendarError::Refused(_))), (expected, parked), "{status} {reason}");
        }
    }

    #[test]
    fn the_vendors_wish_to_wait_is_kept_and_abuse_costs_minutes() {
        let wait = |status, reason: &str, retry_after| {
            let error: CalendarError = Refusal { status, reason: reason.into(), retry_after }.into();
            error.vendor().retry_after
        };
        let second = Some(Duration::from_secs(1));
        assert_eq!(wait(503, "", second), second);
        assert_eq!(wait(403, "quotaExceeded", second), Some(QUOTA_PAUSE_MS));
    }
}
