//! What answers: a brain sees the request and nothing else, so that it can be replaced, scripted or repeated.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::{LlmFault, Request};

/// Decides what the model answers.
pub trait Brain: Send + Sync + 'static {
    /// The answer to this request. The request has passed the vendor's checks.
    fn reply(&self, request: &Request) -> Reply;
}

impl<F> Brain for F
where
    F: Fn(&Request) -> Reply + Send + Sync + 'static,
{
    fn reply(&self, request: &Request) -> Reply {
        self(request)
    }
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Finish {
    /// `tool_calls` when there are any, otherwise `stop`.
    #[default]
    Natural,
    /// The token limit.
    Length,
    /// The content filter.
    ContentFilter,
}

/// One answer of the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// What it says.
    pub text: Option<String>,
    /// The tools it calls: names, and arguments as JSON text.
    pub tool_calls: Vec<(String, String)>,
    /// Why it ends.
    pub finish: Finish,
    /// What [`super::OpenAi::answered`] calls it; it is left out there without.
    pub label: Option<String>,
}

impl Reply {
    /// An answer in words.
    pub fn say(text: impl Into<String>) -> Self {
        Reply { text: Some(text.into()), ..Reply::default() }
    }

    /// An answer that calls one tool.
    pub fn call(name: &str, arguments: &Value) -> Self {
        Reply::default().and_call(name, arguments)
    }

    /// Calls one more tool.
    #[must_use]
    pub fn and_call(mut self, name: &str, arguments: &Value) -> Self {
        self.tool_calls.push((name.to_owned(), arguments.to_string()));
        self
    }
}

/// A queue of replies; when it is empty the brain says so.
#[derive(Debug, Default)]
pub struct Scripted {
    replies: Mutex<VecDeque<Reply>>,
}

impl Scripted {
    /// Answers with these, in order.
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Scripted { replies: Mutex::new(replies.into_iter().collect()) }
    }
}

impl Brain for Scripted {
    fn reply(&self, _request: &Request) -> Reply {
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        replies.pop_front().unwrap_or_else(|| Reply::say("The script is at its end."))
    }
}

/// Applies the faults that change what is answered.
pub(super) fn spoil(mut reply: Reply, fault: Option<&LlmFault>) -> Reply {
    match fault {
        Some(LlmFault::Length) => {
            reply.finish = Finish::Length;
            let last = reply.tool_calls.last_mut();
            if let Some((_, arguments)) = last {
                arguments.truncate(arguments.len() / 2);
            }
        }
        Some(LlmFault::BadArguments) => {
            for (_, arguments) in &mut reply.tool_calls {
                arguments.insert_str(0, "{\"oops\" ");
            }
        }
        _ => {}
    }
    reply
}
