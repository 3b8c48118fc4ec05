//! The telephone company in memory: notes what it is told.

use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::fatal;
use super::log::Log;
use crate::domain::{CallSid, PhoneNumber};
use crate::ports::{Dial, DialError, PlacedCall, SentText, StreamEnd, Telephony, Text, VendorError};

/// Notes what it is told.
#[derive(Default)]
pub(crate) struct FakeTelephony {
    pub(crate) told: Log<String>,
    /// What every command is answered, if it is not done.
    pub(crate) refusal: Mutex<Option<VendorError>>,
}

#[async_trait]
impl Telephony for FakeTelephony {
    async fn proceed(&self, call: &CallSid, with: &StreamEnd) -> Result<(), VendorError> {
        self.told.push(format!("{call}: {with:?}"));
        self.refusal.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    fn can_dial(&self) -> bool {
        false
    }

    async fn dial(&self, _: &Dial) -> Result<CallSid, DialError> {
        Err(DialError::Refused(fatal()))
    }

    async fn calls_to(&self, _: &PhoneNumber, _: DateTime<Utc>) -> Result<Vec<PlacedCall>, VendorError> {
        Ok(Vec::new())
    }

    async fn call(&self, _: &CallSid) -> Result<Option<PlacedCall>, VendorError> {
        Ok(None)
    }

    fn can_text(&self) -> bool {
        false
    }

    async fn text(&self, _: &Text) -> Result<String, DialError> {
        Err(DialError::Refused(fatal()))
    }

    async fn texts_to(&self, _: &PhoneNumber, _: DateTime<Utc>) -> Result<Vec<SentText>, VendorError> {
        Ok(Vec::new())
    }
}
