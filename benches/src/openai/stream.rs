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
use tokio::time::sleep;

use super::wire::{self, ApiError};
use super::{Endpoint, LlmFault, OpenAi, Reply, Request, responses};
use crate::knobs::Latency;

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
    /// Sends these bytes after this delay.
    Send(Duration, Bytes),
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
    fault: Option<LlmFault>,
) -> Response {
    let steps = steps(openai, request.endpoint, events(openai, request, reply), &plan, fault.as_ref());
    let body = body(openai.clone(), steps).take_until(openai.shared.scope.stop.clone().cancelled_owned());
    Response::builder()
        .header(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-cache")
        .body(Body::from_stream(body))
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// The server-sent events of an answer, as text. Those of a response say their type twice.
fn events(openai: &OpenAi, request: &Request, reply: &Reply) -> Vec<String> {
    openai.knobs().with_rng(|rng| match request.endpoint {
        Endpoint::ChatCompletions => {
            wire::chunks(request, reply, rng).iter().map(|chunk| format!("data: {chunk}\n\n")).collect()
        }
        Endpoint::Responses => responses::wire::events(request, reply, rng).iter().map(typed).collect(),
    })
}

fn typed(event: &Value) -> String {
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
}

fn steps(
    openai: &OpenAi,
    endpoint: Endpoint,
    events: Vec<String>,
    plan: &Plan,
    fault: Option<&LlmFault>,
) -> VecDeque<Step> {
    let mut steps = VecDeque::new();
    for (index, event) in events.into_iter().enumerate() {
        let wait = if index == 0 { plan.first } else { openai.knobs().delay(plan.per_token) + plan.extra };
        if let Some(end) = fault.and_then(|fault| ending(fault, endpoint, index, &event)) {
            steps.extend(end);
            return steps;
        }
        let comment = plan.comment_every > 0 && index as u32 % plan.comment_every == plan.comment_every - 1;
        let event = if comment { format!(": keep-alive\n\n{event}") } else { event };
        steps.push_back(Step::Send(wait, event.into()));
    }
    if endpoint == Endpoint::ChatCompletions {
        steps.push_back(Step::Send(Duration::ZERO, Bytes::from_static(b"data: [DONE]\n\n")));
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
            Some(vec![Step::Send(Duration::ZERO, event.into()), Step::Done])
        }
        LlmFault::CutAfterChunks(count) if index >= *count => {
            let half = event[..event.len() / 2].to_owned();
            Some(vec![Step::Send(Duration::ZERO, half.into()), Step::Done])
        }
        _ => None,
    }
}

/// Counts a stream as dropped by the client unless it came to its end.
struct Watch {
    openai: OpenAi,
    ended: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let counter = if self.ended { &self.openai.shared.completed } else { &self.openai.shared.aborted };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

fn body(openai: OpenAi, steps: VecDeque<Step>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let watch = Watch { openai, ended: false };
    stream::unfold((watch, steps), |(mut watch, mut steps)| async move {
        match steps.pop_front()? {
            Step::Send(wait, bytes) => {
                sleep(wait).await;
                // What follows the last bytes is no step of the client's: it may hang up now.
                watch.ended = matches!(steps.front(), Some(Step::Done));
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
