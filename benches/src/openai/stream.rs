//! A streamed answer: server-sent events at the pace of the settings, and the faults that strike within a stream.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::wire::{self, ApiError};
use super::{Endpoint, LlmFault, OpenAi, Reply, Request, Role, responses};
use crate::knobs::Latency;

/// A streamed answer, and when its parts were about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The label that the brain gave it.
    pub label: String,
    /// When the whole request had arrived.
    pub asked: Instant,
    /// Whether the request brought results of tools.
    pub after_tools: bool,
    /// Whether the answer calls tools.
    pub calls: bool,
    /// For each piece of its text when it was written, and how many characters there were then.
    pub texts: Vec<(usize, Instant)>,
    /// When its end was written; `None` when the client dropped it before.
    pub ended: Option<Instant>,
}

/// The delays of one answer.
pub(super) struct Plan {
    pub(super) first: Duration,
    per_token: Latency,
    extra: Duration,
    comment_every: u32,
}

impl Plan {
    pub(super) fn new(openai: &OpenAi, fault: Option<&LlmFault>) -> Self {
        let settings = openai.knobs().settings();
        let (first_ms, token_ms) =
            if let Some(LlmFault::Slow { first_ms, token_ms }) = fault { (*first_ms, *token_ms) } else { (0, 0) };
        Plan {
            first: openai.knobs().delay(settings.first_token) + Duration::from_millis(first_ms),
            per_token: settings.per_token,
            extra: Duration::from_millis(token_ms),
            comment_every: settings.comment_every,
        }
    }
}

/// One step of a body.
enum Step {
    /// Sends these bytes, among them so many characters of the answer's text, after this delay.
    Send(Duration, Bytes, usize),
    /// Falls silent for good.
    Stall,
    /// Breaks the connection.
    Break,
    /// The stream was sent to its end.
    Done,
}

/// The streamed response.
pub(super) fn respond(
    openai: &OpenAi,
    request: &Request,
    reply: &Reply,
    plan: Plan,
    (fault, asked): (Option<LlmFault>, Instant),
) -> Response {
    let steps = steps(openai, request.endpoint, events(openai, request, reply), &plan, fault.as_ref());
    let answered = reply.label.clone().map(|label| Answered {
        label,
        asked,
        after_tools: request.messages.last().is_some_and(|message| message.role == Role::Tool),
        calls: !reply.tool_calls.is_empty(),
        texts: Vec::new(),
        ended: None,
    });
    let body = body(Watch { openai: openai.clone(), answered, characters: 0, ended: false }, steps)
        .take_until(openai.shared.scope.stop.clone().cancelled_owned());
    Response::builder()
        .header(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-cache")
        .body(Body::from_stream(body))
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// The server-sent events of an answer, as text, with the characters of the answer in each. Those of a response say their
/// type twice.
fn events(openai: &OpenAi, request: &Request, reply: &Reply) -> Vec<(String, usize)> {
    openai.knobs().with_rng(|rng| match request.endpoint {
        Endpoint::ChatCompletions => wire::events(request, reply, rng),
        Endpoint::Responses => {
            let text = |event: &Value| event["type"] == "response.output_text.delta";
            let length = |event: &Value| event["delta"].as_str().map_or(0, |text| text.chars().count());
            let event = |event: &Value| (typed(event), if text(event) { length(event) } else { 0 });
            responses::wire::events(request, reply, rng).iter().map(event).collect()
        }
    })
}

fn typed(event: &Value) -> String {
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
}

fn steps(
    openai: &OpenAi,
    endpoint: Endpoint,
    events: Vec<(String, usize)>,
    plan: &Plan,
    fault: Option<&LlmFault>,
) -> VecDeque<Step> {
    let mut steps = VecDeque::new();
    for (index, (event, characters)) in events.into_iter().enumerate() {
        let wait = if index == 0 { plan.first } else { openai.knobs().delay(plan.per_token) + plan.extra };
        if let Some(end) = fault.and_then(|fault| ending(fault, endpoint, index, &event)) {
            steps.extend(end);
            return steps;
        }
        let comment = plan.comment_every > 0 && index as u32 % plan.comment_every == plan.comment_every - 1;
        let event = if comment { format!(": keep-alive\n\n{event}") } else { event };
        steps.push_back(Step::Send(wait, event.into(), characters));
    }
    if endpoint == Endpoint::ChatCompletions {
        steps.push_back(Step::Send(Duration::ZERO, Bytes::from_static(b"data: [DONE]\n\n"), 0));
    }
    steps.push_back(Step::Done);
    steps
}

/// How a fault ends the stream in place of the event at `index`, if it does.
fn ending(fault: &LlmFault, endpoint: Endpoint, index: usize, event: &str) -> Option<Vec<Step>> {
    match fault {
        LlmFault::DropAfterChunks(count) if index >= *count => Some(vec![Step::Break]),
        LlmFault::StallAfterChunks(count) if index >= *count => Some(vec![Step::Stall]),
        LlmFault::ErrorAfterChunks(count) if index >= *count => {
            let error = ApiError::server("The server had an error while processing your request.");
            let event = match endpoint {
                Endpoint::ChatCompletions => format!("data: {}\n\n", error.body()),
                Endpoint::Responses => typed(&responses::wire::error(&error.kind, &error.message, index)),
            };
            Some(vec![Step::Send(Duration::ZERO, event.into(), 0), Step::Done])
        }
        LlmFault::CutAfterChunks(count) if index >= *count => {
            let half = event[..event.len() / 2].to_owned();
            Some(vec![Step::Send(Duration::ZERO, half.into(), 0), Step::Done])
        }
        _ => None,
    }
}

/// Counts a stream as dropped by the client unless it came to its end, and notes when its parts were written.
struct Watch {
    openai: OpenAi,
    answered: Option<Answered>,
    characters: usize,
    ended: bool,
}

impl Watch {
    /// A piece is about to be written; `last` when the stream ends with it.
    fn sends(&mut self, characters: usize, last: bool) {
        // What follows the last bytes is no step of the client's: it may hang up now.
        self.ended = last;
        let Some(answered) = &mut self.answered else { return };
        let now = Instant::now();
        if characters > 0 {
            self.characters += characters;
            answered.texts.push((self.characters, now));
        }
        answered.ended = last.then_some(now);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let counter = if self.ended { &self.openai.shared.completed } else { &self.openai.shared.aborted };
        counter.fetch_add(1, Ordering::Relaxed);
        if let Some(answered) = self.answered.take() {
            self.openai.shared.answered.push(answered);
        }
    }
}

fn body(watch: Watch, steps: VecDeque<Step>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold((watch, steps), |(mut watch, mut steps)| async move {
        match steps.pop_front()? {
            Step::Send(wait, bytes, characters) => {
                sleep(wait).await;
                watch.sends(characters, matches!(steps.front(), Some(Step::Done)));
                Some((Ok(bytes), (watch, steps)))
            }
            Step::Stall => pending().await,
            Step::Break => {
                watch.ended = true;
                Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), (watch, VecDeque::new())))
            }
            Step::Done => None,
        }
    })
}
