//! The built-in dialogue: a language model made of rules, which needs no key and answers at once.
//!
//! It keeps nothing between requests. [`understand`] reads the whole conversation and says where it stands, [`decide`]
//! says what to do about it, `wording.rs` has every sentence. Both are pure, so that an interrupted answer, a restarted
//! actor or a conversation that another model began are all the same to it: what is in the history counts. That Otto's
//! own questions are recognised by their words is what makes this work: a question that was cut short was not asked.
//! Another model's questions are recognised by what such questions have in common (`understand/asked.rs`), so that the
//! dialogue can take over a conversation in the middle. [`notes`] is what it would tell another model about one.

mod decide;
mod intents;
mod notes;
mod reader;
mod slots;
#[cfg(test)]
mod tests;
mod understand;
mod wording;
mod words;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;

pub use decide::decide;
pub use notes::{Escalation, Notes, Stage, notes};
pub use reader::Reader;
pub use understand::{Caller, State, understand};

use crate::domain::Shop;
use crate::ports::{LanguageModel, ModelEnd, ModelEvent, ModelRequest, ModelStream, ToolCall, VendorError};

/// How the third line of the situation begins in a call that Otto has placed.
pub const PLACED: &str = "Otto has placed this call";
/// How the second line of the situation ends for customers who have said whether they may be reminded.
pub const ASKED_TO_REMIND: &str = "Reminder calls: asked before.";

/// What the dialogue answers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    /// What is said; empty when tools must answer first.
    pub text: String,
    /// Tools to run, by name, with their arguments.
    pub calls: Vec<(&'static str, Value)>,
}

/// The built-in dialogue of one shop.
#[derive(Debug, Clone)]
pub struct BuiltInDialogue {
    shop: Arc<Shop>,
}

impl BuiltInDialogue {
    /// The dialogue of this shop.
    #[must_use]
    pub fn new(shop: Arc<Shop>) -> Self {
        Self { shop }
    }

    /// One reply, whole.
    #[must_use]
    pub fn answer(&self, request: &ModelRequest) -> Reply {
        decide(&understand(request, &self.shop), &self.shop)
    }
}

#[async_trait]
impl LanguageModel for BuiltInDialogue {
    async fn reply(&self, request: ModelRequest) -> Result<ModelStream, VendorError> {
        let Reply { text, calls } = self.answer(&request);
        let text = (!text.is_empty()).then_some(ModelEvent::Text(text));
        // The place in the conversation makes the name of a call its own.
        let place = request.history.len();
        let calls = calls.into_iter().enumerate().map(move |(number, (name, arguments))| {
            let id = format!("rule-{place}-{number}");
            ModelEvent::ToolCall(ToolCall { id, name: name.to_owned(), arguments: arguments.to_string() })
        });
        let events = text.into_iter().chain(calls).chain([ModelEvent::Done(ModelEnd::default())]);
        Ok(stream::iter(events.map(Ok).collect::<Vec<_>>()).boxed())
    }
}
