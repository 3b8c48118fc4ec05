//! OpenAI's two interfaces, `POST /v1/chat/completions` and `POST /v1/responses`, streamed and whole, with the vendor's
//! checks of a request. What either answers comes from the same [`Brain`]. Source: OpenAI's openapi.json of 2026-08-21.

mod brain;
mod models;
mod receptionist;
mod request;
mod responses;
mod schema;
mod stream;
mod tools;
mod wire;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::knobs::{Knobs, Latency};
use crate::record::Log;
use crate::seed::Seed;
use crate::server::Scope;

pub use brain::{Brain, Finish, Reply, Scripted};
pub use receptionist::Receptionist;
pub use request::{Endpoint, Message, Request, Role, ToolCall};
pub use stream::Answered;
pub use tools::Tool;
pub use wire::ApiError;

/// How the simulated service behaves when it is well.
#[derive(Clone, Debug, PartialEq)]
pub struct LlmSettings {
    /// Delay before the first chunk.
    pub first_token: Latency,
    /// Delay before each further chunk.
    pub per_token: Latency,
    /// One event in so many is preceded by a comment; 0 is never.
    pub comment_every: u32,
}

impl Default for LlmSettings {
    fn default() -> Self {
        LlmSettings { first_token: Latency::new(250.0, 80.0), per_token: Latency::new(15.0, 10.0), comment_every: 12 }
    }
}

/// What can go wrong with a request. Chunks are counted from the first one of the stream.
#[derive(Clone, Debug, PartialEq)]
pub enum LlmFault {
    /// An HTTP error. 429 is a transient rate limit; see [`LlmFault::Quota`] for the other kind.
    Status {
        /// For example 429, 500 or 503.
        status: u16,
        /// A `retry-after` header in seconds.
        retry_after_s: Option<u32>,
    },
    /// HTTP 429 with `insufficient_quota`, which must not be retried.
    Quota,
    /// The connection breaks in the middle of the stream.
    DropAfterChunks(usize),
    /// The stream falls silent and stays open.
    StallAfterChunks(usize),
    /// An error event within the stream, after HTTP 200.
    ErrorAfterChunks(usize),
    /// The stream ends within an event, half of its JSON sent, without `[DONE]`.
    CutAfterChunks(usize),
    /// The reply hits the token limit: `finish_reason` is `length` and the last tool call's arguments are cut.
    Length,
    /// The arguments of tool calls are no JSON.
    BadArguments,
    /// Every delay is longer.
    Slow {
        /// Additional delay of the first token, in milliseconds.
        first_ms: u64,
        /// Additional delay of each token, in milliseconds.
        token_ms: u64,
    },
}

/// The simulated service. Clones share everything.
#[derive(Clone)]
pub struct OpenAi {
    shared: Arc<Shared>,
}

struct Shared {
    api_key: String,
    brain: RwLock<Arc<dyn Brain>>,
    knobs: Knobs<LlmSettings, LlmFault>,
    menu: tools::Menu,
    requests: Log<Request>,
    refused: Log<ApiError>,
    answered: Log<Answered>,
    aborted: AtomicU64,
    completed: AtomicU64,
    scope: Scope,
}

impl OpenAi {
    pub(crate) fn new(api_key: &str, seed: Seed, settings: LlmSettings, brain: Arc<dyn Brain>, scope: Scope) -> Self {
        let shared = Shared {
            api_key: api_key.to_owned(),
            brain: RwLock::new(brain),
            knobs: Knobs::new(seed, "openai", settings),
            menu: tools::Menu::default(),
            requests: Log::default(),
            refused: Log::default(),
            answered: Log::default(),
            aborted: AtomicU64::new(0),
            completed: AtomicU64::new(0),
            scope,
        };
        OpenAi { shared: Arc::new(shared) }
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/v1/chat/completions", post(complete))
            .route("/v1/responses", post(respond))
            .route("/v1/models", get(list_models))
            .with_state(self.clone())
    }

    /// Settings and faults.
    pub fn knobs(&self) -> &Knobs<LlmSettings, LlmFault> {
        &self.shared.knobs
    }

    /// Every request that passed the checks, whether a fault struck it or not.
    pub fn requests(&self) -> &Log<Request> {
        &self.shared.requests
    }

    /// Every error that the checks answered.
    pub fn refused(&self) -> &Log<ApiError> {
        &self.shared.refused
    }

    /// Every streamed answer that has a label, when it has ended in whatever way.
    pub fn answered(&self) -> &Log<Answered> {
        &self.shared.answered
    }

    /// Streams that the client dropped before their end.
    pub fn aborted(&self) -> u64 {
        self.shared.aborted.load(Ordering::Relaxed)
    }

    /// Streams that were sent to their end.
    pub fn completed(&self) -> u64 {
        self.shared.completed.load(Ordering::Relaxed)
    }

    /// Lets another brain answer from now on.
    pub fn set_brain(&self, brain: impl Brain) {
        *self.shared.brain.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(brain);
    }

    fn brain(&self) -> Arc<dyn Brain> {
        Arc::clone(&self.shared.brain.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn authorise(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match given.strip_prefix("Bearer ") {
            Some(key) if key == self.shared.api_key => Ok(()),
            Some(_) => Err(ApiError::invalid_key()),
            None => Err(ApiError::missing_key()),
        }
    }
}

async fn complete(State(openai): State<OpenAi>, headers: HeaderMap, body: Bytes) -> Response {
    answered(&openai, answer(&openai, &headers, || Request::read(&body, &openai.shared.menu)).await)
}

async fn respond(State(openai): State<OpenAi>, headers: HeaderMap, body: Bytes) -> Response {
    answered(&openai, answer(&openai, &headers, || Request::read_response(&body, &openai.shared.menu)).await)
}

fn answered(openai: &OpenAi, answer: Result<Response, ApiError>) -> Response {
    answer.unwrap_or_else(|error| {
        openai.shared.refused.push(error.clone());
        error.into_response()
    })
}

async fn answer(
    openai: &OpenAi,
    headers: &HeaderMap,
    parse: impl FnOnce() -> Result<Request, ApiError>,
) -> Result<Response, ApiError> {
    let asked = Instant::now();
    openai.authorise(headers)?;
    let request = parse()?;
    let (wait, response) = response(openai, &request, asked);
    openai.shared.requests.push(request);
    if !wait.is_zero() && openai.shared.scope.run(tokio::time::sleep(wait)).await.is_none() {
        return Err(ApiError::server("The server is shutting down."));
    }
    Ok(response)
}

/// The response to a request, and how long it keeps the client waiting; a stream sees to that itself.
fn response(openai: &OpenAi, request: &Request, asked: Instant) -> (Duration, Response) {
    let fault = openai.knobs().draw_fault();
    if let Some(response) = fault.as_ref().and_then(wire::refusal) {
        return (Duration::ZERO, response);
    }
    let reply = brain::spoil(openai.brain().reply(request), fault.as_ref());
    let plan = stream::Plan::new(openai, fault.as_ref());
    if request.stream {
        return (Duration::ZERO, stream::respond(openai, request, &reply, plan, (fault, asked)));
    }
    let whole = match request.endpoint {
        Endpoint::ChatCompletions => wire::completion(request, &reply),
        Endpoint::Responses => responses::wire::response(request, &reply),
    };
    (plan.first, Json(whole).into_response())
}

/// The list of models, with the date on which each goes where one is announced.
async fn list_models(State(openai): State<OpenAi>, headers: HeaderMap) -> Result<Json<Value>, ApiError> {
    openai.authorise(&headers)?;
    let known = [("gpt-6-luna", None), ("gpt-5.4-mini", None), ("gpt-4o-mini", Some("2027-01-14"))];
    let data: Vec<Value> = known
        .iter()
        .map(|(id, shutdown)| {
            json!({"id": id, "object": "model", "created": 1_780_000_000, "owned_by": "openai",
                "shutdown_date": shutdown})
        })
        .collect();
    Ok(Json(json!({"object": "list", "data": data})))
}

#[cfg(test)]
mod tests;
