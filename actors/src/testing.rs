//! Fakes of the outside for tests: one file a port, and a world that puts them together under a real root supervisor.
//!
//! Time is tokio's paused clock. Nothing here sleeps to wait for something else to happen: observations are logs that
//! can be waited on, and what a fake does later has its due time.

pub(crate) mod calendar;
pub(crate) mod drill;
pub(crate) mod log;
pub(crate) mod model;
pub(crate) mod phone;
pub(crate) mod reel;
pub(crate) mod store;
pub(crate) mod stt;
pub(crate) mod telephony;
pub(crate) mod timed;
pub(crate) mod tts;
pub(crate) mod world;

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::ports::{Clock, VendorError, VendorErrorKind};

/// How long, in simulated time, a test waits for what it expects.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A vendor's failure that is worth another attempt.
pub(crate) fn passing() -> VendorError {
    VendorError::new("fake", VendorErrorKind::Unreachable, "scripted")
}

/// A vendor's failure that is final.
pub(crate) fn fatal() -> VendorError {
    VendorError::new("fake", VendorErrorKind::Rejected, "scripted")
}

/// Wall-clock time that runs with tokio's clock from a given moment.
#[derive(Debug)]
pub(crate) struct FakeClock {
    base: DateTime<Utc>,
    since: Instant,
}

impl FakeClock {
    /// A Monday, 8 AM in the shop's zone: an hour before it opens.
    pub(crate) fn monday_morning() -> Self {
        Self::at("2026-11-23T14:00:00Z")
    }

    pub(crate) fn at(time: &str) -> Self {
        Self { base: time.parse().unwrap(), since: Instant::now() }
    }
}

impl Clock for FakeClock {
    fn now(&self) -> DateTime<Utc> {
        self.base + chrono::Duration::from_std(self.since.elapsed()).unwrap()
    }
}
