//! Who the caller is and what that allows. Pure.
//!
//! Caller id alone may be greeted by first name and may book. Seeing or changing what is on file needs one more fact;
//! three wrong answers lock that for the call.

use super::Tool;
use crate::domain::{Customer, PhoneNumber};

/// Wrong answers that a call has; they are counted when they are asked, so that asking in parallel gains nothing.
const VERIFICATION_ATTEMPTS: u32 = 3;

/// Who the caller is, as far as is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The caller id, when it is not withheld.
    pub phone: Option<PhoneNumber>,
    /// The customer with that number.
    pub customer: Option<Customer>,
    /// One more fact has matched.
    pub verified: bool,
    /// Facts that were tried.
    pub attempts: u32,
}

/// What a tool call may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// It may run, as this caller.
    Granted(Box<Identity>),
    /// It may not; with a reason for the model.
    Denied {
        /// A short name of the reason.
        error: &'static str,
        /// What the model should do instead.
        message: &'static str,
    },
}

impl Identity {
    /// Decides about one tool call, and counts it if it is a guess.
    pub fn admit(&mut self, tool: Tool) -> Access {
        let denied = |error, message| Access::Denied { error, message };
        match tool {
            Tool::VerifyIdentity if self.customer.is_none() => {
                denied("not_on_file", "The caller's number is not on file, so there is nothing to verify against.")
            }
            Tool::VerifyIdentity if self.attempts >= VERIFICATION_ATTEMPTS && !self.verified => {
                denied("locked", "Verification is locked for this call. Offer that a colleague helps.")
            }
            Tool::VerifyIdentity => {
                self.attempts += 1;
                self.granted()
            }
            Tool::GetUpcomingAppointments if !self.verified => denied(
                "not_verified",
                "First verify the caller: ask for date of birth, street address, VIN or licence plate.",
            ),
            Tool::BookAppointment if self.phone.is_none() => denied(
                "no_caller_id",
                "The caller's number is withheld, so nothing can be booked in this call. Offer that a colleague helps.",
            ),
            _ => self.granted(),
        }
    }

    fn granted(&self) -> Access {
        Access::Granted(Box::new(self.clone()))
    }
}
