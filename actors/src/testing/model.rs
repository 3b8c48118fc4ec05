//! A language model that follows a script, or rules of the test.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::log::Log;
use super::ms;
use super::timed::{OnDrop, Timed};
use crate::dialogue::BuiltInDialogue;
use crate::ports::{LanguageModel, Message, ModelEnd, ModelEvent, ModelRequest, ModelStream, ToolCall, VendorError};

/// A piece of a scripted reply.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Text(String),
    Call(&'static str, &'static str, String),
    /// The next piece comes this much later.
    After(Duration),
    Done,
    Truncated,
    Fails(VendorError),
}

pub(crate) fn text(text: &str) -> Piece {
    Piece::Text(text.into())
}

/// A tool call: its id, its name, its arguments.
pub(crate) fn call(id: &'static str, name: &'static str, arguments: &str) -> Piece {
    Piece::Call(id, name, arguments.into())
}

type Brain = Box<dyn FnMut(&ModelRequest) -> Vec<Piece> + Send>;

/// Thinks as it was told.
pub(crate) struct FakeModel {
    brain: Mutex<Brain>,
    pub(crate) requests: Log<Vec<Message>>,
    /// Replies that were dropped or ended.
    pub(crate) over: Log<Instant>,
}

impl FakeModel {
    pub(crate) fn thinking(brain: impl FnMut(&ModelRequest) -> Vec<Piece> + Send + 'static) -> Self {
        Self { brain: Mutex::new(Box::new(brain)), requests: Log::default(), over: Log::default() }
    }

    /// Replies in order; after the last one it has nothing to say.
    pub(crate) fn scripted(replies: Vec<Vec<Piece>>) -> Self {
        let mut replies = VecDeque::from(replies);
        Self::thinking(move |_| replies.pop_front().unwrap_or_else(|| vec![Piece::Done]))
    }

    /// The built-in dialogue.
    pub(crate) fn built_in() -> Self {
        let dialogue = BuiltInDialogue::new(Arc::default());
        Self::thinking(move |request| {
            let (reply, place) = (dialogue.answer(request), request.history.len());
            let named = reply.calls.into_iter().zip(0..).map(move |((name, arguments), number): (_, u32)| {
                Piece::Call(format!("rule-{place}-{number}").leak(), name, arguments.to_string())
            });
            std::iter::once(text(&reply.text)).chain(named).collect()
        })
    }

    /// A receptionist by rule, the same answer to the same history.
    pub(crate) fn receptionist() -> Self {
        Self::thinking(|request| receptionist(&request.history))
    }
}

const BOOK: &str =
    r#"{"service_type":"Oil change","date":"2026-11-24","time":"10:00","customer_name":"Ann Lee","concerns":null}"#;

fn receptionist(history: &[Message]) -> Vec<Piece> {
    match history.last() {
        Some(Message::User(said)) if said.contains("book") => vec![call("call_book", "book_appointment", BOOK)],
        Some(Message::User(said)) if said.contains("bye") => {
            vec![text("Have a nice day. "), call("call_end", "end_call", r#"{"reason":"done"}"#)]
        }
        Some(Message::User(said)) if said.contains("human") => {
            vec![text("I connect you. "), call("call_human", "transfer_to_human", r#"{"reason":"asked"}"#)]
        }
        Some(Message::User(said)) => {
            vec![text(&format!("You said {said}, and I have a rather long answer. ")), text("It has an end.")]
        }
        Some(Message::Tool { content, .. }) if content.contains("\"appointment_id\"") => {
            vec![text("You are booked for Tuesday at ten. "), text("What else?")]
        }
        Some(Message::Tool { .. }) => vec![text("That did not work.")],
        _ => vec![text("Go on.")],
    }
}

fn event(piece: Piece) -> Result<ModelEvent, VendorError> {
    match piece {
        Piece::Text(text) => Ok(ModelEvent::Text(text)),
        Piece::Call(id, name, arguments) => {
            Ok(ModelEvent::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments }))
        }
        Piece::Truncated => Ok(ModelEvent::Done(ModelEnd { truncated: true, ..ModelEnd::default() })),
        Piece::Done | Piece::After(_) => Ok(ModelEvent::Done(ModelEnd::default())),
        Piece::Fails(error) => Err(error),
    }
}

#[async_trait]
impl LanguageModel for FakeModel {
    async fn reply(&self, request: ModelRequest) -> Result<ModelStream, VendorError> {
        self.requests.push(request.history.clone());
        let mut pieces = (self.brain.lock().unwrap())(&request);
        if !matches!(pieces.last(), Some(Piece::Done | Piece::Truncated | Piece::Fails(_) | Piece::After(_))) {
            pieces.push(Piece::Done);
        }
        let (events, mut due) = (Timed::default(), Instant::now() + ms(150));
        for piece in pieces {
            match piece {
                Piece::After(pause) => due += pause,
                piece => events.push(due, event(piece)),
            }
            due += ms(10);
        }
        let over = self.over.clone();
        Ok(events.stream(OnDrop(move || over.push(Instant::now()))))
    }
}
