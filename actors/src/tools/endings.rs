//! Leaving the conversation: a message for the people of the shop, a colleague, the end of the call.

use std::sync::Arc;

use serde_json::Value;

use super::args::TakeMessage;
use super::reading;
use super::results::{Ran, failure, success};
use super::router::{Run, ToolRouter, nothing};
use crate::ports::{Action, NewMessage};

/// Longest message, in characters.
const MESSAGE_MAX_CHARS: usize = 2_000;

impl ToolRouter {
    pub(super) async fn take_message(&self, run: &Run, args: TakeMessage) -> Ran {
        let text = reading::text(Some(args.message), "message", MESSAGE_MAX_CHARS)?;
        let text = text.ok_or_else(|| failure("message_needed", "Ask what the message is."))?;
        let message = NewMessage {
            caller: reading::phone(args.call_back_number)?.or_else(|| run.identity.phone.clone()),
            customer: run.identity.customer.as_ref().map(|customer| customer.id),
            name: reading::name(args.caller_name, "caller_name")?,
            text,
        };
        let render = Arc::new(|| success(nothing(), "The message is noted for a colleague."));
        self.act(run, Action::TakeMessage { message, render }).await
    }

    pub(super) fn transfer(&self) -> Ran {
        if self.can_transfer {
            Ok(success(nothing(), "The caller is connected when everything has been said."))
        } else {
            Err(failure("nobody_there", "Nobody can take the call now. Offer that a colleague calls back."))
        }
    }

    pub(super) fn end_call() -> Value {
        success(nothing(), "The call ends when everything has been said.")
    }
}
