//! The telephone network's side of a live call: what a call does next when Otto does not speak in it any more.

use async_trait::async_trait;

use super::VendorError;
use crate::domain::{CallSid, PhoneNumber};

/// What a call does when its media stream has ended, or instead of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEnd {
    /// Otto said goodbye.
    HangUp,
    /// Otto hands over to a human.
    Transfer(PhoneNumber),
    /// Nobody asked for it: say sorry, then hand over to a human if there is one.
    Apologise,
    /// Otto could not say this to its end; it is said in another voice first.
    Say {
        /// What the caller has not heard.
        text: String,
        /// What comes after it.
        then: Box<StreamEnd>,
    },
}

/// Acts on live calls.
#[async_trait]
pub trait Telephony: Send + Sync {
    /// Makes a call that is in progress do this at once, whatever it does now; its media stream ends. Harmless to
    /// repeat. To hang up on a call that is over already is no error.
    async fn proceed(&self, call: &CallSid, with: &StreamEnd) -> Result<(), VendorError>;
}
