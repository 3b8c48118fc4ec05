//! What operators see of text messages: a log line and its metric are one type. Names no customer and no number.

use metrics::Label;
use tracing::{debug, error, info, warn};

use super::machine::Next;
use crate::domain::OutboxId;
use crate::events::InternalEvent;
use crate::metrics::Metric;
use crate::ports::StoreError;

/// An order for a text message was carried out, or not.
#[derive(Debug)]
pub(super) struct TextSettled<'a> {
    pub(super) order: OutboxId,
    pub(super) next: &'a Next,
}

impl InternalEvent for TextSettled<'_> {
    fn emit(self) {
        let order = self.order.0;
        let result = match self.next {
            Next::Sent(sid) => {
                debug!(order, message = sid, "text message sent");
                "sent"
            }
            Next::Dropped(reason) => {
                debug!(order, reason, "text message not sent");
                "dropped"
            }
            Next::Later(at, error) => {
                info!(order, %at, error, "text message has to wait");
                "later"
            }
            Next::Parked(error) => {
                error!(order, error, "text message refused");
                "parked"
            }
        };
        Metric::Texts.counter(vec![Label::from_static_parts("result", result)]).increment(1);
    }
}

/// The records could not be read or written; the orders come again.
#[derive(Debug)]
pub(super) struct TextsStuck<'a> {
    pub(super) error: &'a StoreError,
}

impl InternalEvent for TextsStuck<'_> {
    fn emit(self) {
        warn!(error = %self.error, "text messages have to wait for the database");
        Metric::Texts.counter(vec![Label::from_static_parts("result", "stuck")]).increment(1);
    }
}
