//! Twilio's REST side in a drill: what it is told ends the stream, as it does there.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::line::Line;
use super::stage::Stage;
use crate::domain::{CallSid, PhoneNumber};
use crate::ports::{Dial, DialError, PlacedCall, SentText, StreamEnd, Telephony, Text, VendorError};
use crate::testing::fatal;
use crate::testing::log::Log;

/// Twilio.
pub(super) struct Switchboard {
    pub(super) stage: Stage,
    pub(super) line: Line,
    /// What it was told to do.
    pub(super) told: Log<StreamEnd>,
}

#[async_trait]
impl Telephony for Switchboard {
    async fn proceed(&self, _: &CallSid, with: &StreamEnd) -> Result<(), VendorError> {
        tokio::time::sleep(self.stage.pace.connect).await;
        self.stage.note(format!("twilio is told: {with:?}"));
        self.told.push(with.clone());
        self.line.ends();
        Ok(())
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

    async fn cancel(&self, _: &CallSid) -> Result<(), VendorError> {
        Err(fatal())
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
