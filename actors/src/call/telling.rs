//! Telling Twilio over REST what the call is to do.

use std::time::Duration;

use super::{CallMsg, CallRef, CallState};
use crate::events::{VendorTrouble, emit};
use crate::names::ActorKind;
use crate::ports::{StreamEnd, VendorError, VendorErrorKind};

impl CallState {
    /// The answer is [`CallMsg::Told`], no later than `patience` from now.
    pub(super) fn tell_twilio(&self, myself: &CallRef, end: StreamEnd, patience: Duration) {
        let Some(telephony) = self.outside.telephony.clone() else {
            return self.tell_self(myself, CallMsg::Told { done: false });
        };
        let (call, myself) = (self.session.call.clone(), myself.clone());
        self.tasks.spawn(async move {
            let slow = |_| VendorError::new("twilio", VendorErrorKind::TimedOut, "no answer to a live update in time");
            let telling = tokio::time::timeout(patience, telephony.proceed(&call, &end));
            let told = telling.await.map_err(slow).and_then(|told| told);
            if let Err(error) = &told {
                emit(VendorTrouble { call: &call, actor: ActorKind::Call, error });
            }
            let _ = myself.cast(CallMsg::Told { done: told.is_ok() });
        });
    }
}
