//! Why a vendor did not do what was asked: one type for all of them.

use std::time::Duration;

/// Why a vendor did not do what was asked.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{vendor}: {kind}: {detail}")]
pub struct VendorError {
    /// Who, in lower case, such as `deepgram-stt`.
    pub vendor: &'static str,
    /// What sort of failure.
    pub kind: VendorErrorKind,
    /// The vendor's own words, free of personal data and secrets.
    pub detail: String,
    /// How long the vendor asks to wait before the next attempt.
    pub retry_after: Option<Duration>,
}

/// The sorts of failure that call for different reactions.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq, Hash)]
pub enum VendorErrorKind {
    /// No connection, or it broke: may be tried again.
    #[error("unreachable")]
    Unreachable,
    /// No answer in time: may be tried again where the request is harmless to repeat.
    #[error("timed out")]
    TimedOut,
    /// The vendor asks to slow down: may be tried again after a while.
    #[error("rate limited")]
    RateLimited,
    /// The vendor failed: may be tried again.
    #[error("failed")]
    Failed,
    /// The account is out of credit: trying again is useless, an operator must act.
    #[error("quota exhausted")]
    QuotaExhausted,
    /// The request or the credentials are refused: trying again is useless.
    #[error("rejected")]
    Rejected,
    /// The vendor said something that its protocol does not allow.
    #[error("protocol violated")]
    Protocol,
}

impl VendorError {
    /// An error without a wish to wait.
    pub fn new(vendor: &'static str, kind: VendorErrorKind, detail: impl Into<String>) -> Self {
        Self { vendor, kind, detail: detail.into(), retry_after: None }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        use VendorErrorKind::{Failed, Protocol, RateLimited, TimedOut, Unreachable};
        matches!(self.kind, Unreachable | TimedOut | RateLimited | Failed | Protocol)
    }
}
