//! Twilio's REST side in a drill: what it is told ends the stream, as it does there.

use async_trait::async_trait;

use super::line::Line;
use super::stage::Stage;
use crate::domain::CallSid;
use crate::ports::{StreamEnd, Telephony, VendorError};
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
}
