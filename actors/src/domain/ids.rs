//! Identifiers, each a type of its own, so that a customer's id is never taken for an appointment's.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Twilio's name for a call: `CA` and letters or digits. Cheap to clone; it travels with every message.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallSid(Arc<str>);

/// Twilio's name for one media stream of a call: `MZ` and letters or digits.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StreamSid(Arc<str>);

/// Longest SID that is accepted, in characters. Twilio's own have 34 (two letters and 32 hex digits).
const SID_MAX_CHARS: usize = 64;

/// A SID that does not look like one of Twilio's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected {prefix} followed by 1 to 62 letters or digits")]
pub struct SidError {
    prefix: &'static str,
}

fn parse_sid(text: &str, prefix: &'static str) -> Result<Arc<str>, SidError> {
    let tail = text.strip_prefix(prefix).ok_or(SidError { prefix })?;
    let fits = !tail.is_empty() && text.len() <= SID_MAX_CHARS;
    if fits && tail.bytes().all(|b| b.is_ascii_alphanumeric()) { Ok(Arc::from(text)) } else { Err(SidError { prefix }) }
}

macro_rules! sid {
    ($name:ident, $prefix:literal) => {
        impl $name {
            /// Accepts a SID from outside.
            ///
            /// # Errors
            /// When the prefix, the length or a character is not one of a SID.
            pub fn parse(text: &str) -> Result<Self, SidError> {
                parse_sid(text, $prefix).map(Self)
            }

            /// The SID as Twilio writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

sid!(CallSid, "CA");
sid!(StreamSid, "MZ");

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// Counts the caller's turns in a call from 1; 0 is before the caller's first (the greeting). What belongs to a
    /// turn that is no longer the current one is dropped.
    TurnId(u64)
);
number!(
    /// Names one thing that Otto says: the text of one model reply, a greeting or a filler. Unique in a call.
    UtteranceId(u64)
);
number!(
    /// A row of `customers`.
    CustomerId(i64)
);
number!(
    /// A row of `vehicles`.
    VehicleId(i64)
);
number!(
    /// A row of `appointments`.
    AppointmentId(i64)
);
number!(
    /// A row of `bays`: a place where one vehicle is worked on at a time.
    BayId(i64)
);
number!(
    /// A row of `outbox`.
    OutboxId(i64)
);
number!(
    /// A row of `reminders`: a call that Otto is to place.
    ReminderId(i64)
);

impl TurnId {
    /// The turn after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl UtteranceId {
    /// The utterance after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sids_are_checked_at_the_edge() {
        assert!(CallSid::parse("CA1234567890ABCDE").is_ok());
        for bad in ["", "CA", "MZ12", "CA12/../34", "CA12 34", &format!("CA{}", "1".repeat(63))] {
            assert!(CallSid::parse(bad).is_err(), "{bad:?}");
        }
    }
}
