//! OpenAI's chat completions, and servers that speak the same, as [`LanguageModel`]. The wire is as in
//! protocols/openai.md.
//!
//! [`models`] says what each model accepts, `request` builds the body, [`stream`] reads the reply, `errors` says what a
//! failure means; here they meet the network.

mod errors;
pub mod models;
mod request;
pub mod stream;

use std::time::Duration;

use async_trait::async_trait;
use eventsource_stream::{EventStream, EventStreamError, Eventsource};
use futures_util::stream::{BoxStream, unfold};
use futures_util::{StreamExt, TryStreamExt};
use otto_actors::ports::{LanguageModel, ModelEvent, ModelRequest, ModelStream, VendorError, VendorErrorKind};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use self::models::Model;
use self::request::Body;
use self::stream::Accumulator;
use super::rest;

const VENDOR: &str = "openai";
/// A whole reply with its framing, in bytes; a few hundred tokens take about 100 KiB.
const REPLY_MAX_BYTES: usize = 2 * 1024 * 1024;
/// How long to wait for the usage and `[DONE]` once the choice is finished.
const AFTER_FINISH_TIMEOUT_MS: Duration = Duration::from_millis(1_000);
/// How long to wait for the end of the body after `[DONE]`, so that the connection can be used again.
const AFTER_DONE_TIMEOUT_MS: Duration = Duration::from_millis(20);

/// A chat completions server.
pub struct OpenAi {
    client: reqwest::Client,
    url: Url,
    key: Option<SecretString>,
    model: String,
    first_party: bool,
}

impl OpenAi {
    /// An adapter for one model. `base` ends in the version, such as `https://api.openai.com/v1`; a compatible server
    /// may need no key.
    ///
    /// # Errors
    /// When TLS is not available, or the model takes tools on the Responses interface only.
    pub fn new(base: &Url, key: Option<SecretString>, model: String) -> Result<Self, VendorError> {
        let first_party = base.host_str().is_some_and(|host| host == "openai.com" || host.ends_with(".openai.com"));
        if first_party && !Model::named(&model).tools {
            let text = "this model takes tools on the Responses interface only; choose one such as gpt-6-luna";
            return Err(VendorError::new(VENDOR, VendorErrorKind::Rejected, text));
        }
        let client = rest::client(VENDOR, base)?;
        Ok(Self { client, url: rest::below(base, "chat/completions"), key, model, first_party })
    }
}

#[async_trait]
impl LanguageModel for OpenAi {
    async fn reply(&self, request: ModelRequest) -> Result<ModelStream, VendorError> {
        let body = serde_json::to_vec(&Body::new(&self.model, self.first_party, &request)).map_err(|_| {
            VendorError::new(VENDOR, VendorErrorKind::Rejected, "the request cannot be written as JSON")
        })?;
        let mut post = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream")
            .body(body);
        if let Some(key) = &self.key {
            post = post.bearer_auth(key.expose_secret());
        }
        let response = post.send().await.map_err(|error| rest::broken(VENDOR, &error))?;
        if !response.status().is_success() {
            return Err(errors::of_response(response).await);
        }
        let bytes = response.bytes_stream().map_err(|error| rest::broken(VENDOR, &error));
        Ok(events(bounded(bytes).boxed()))
    }
}

type Bytes = BoxStream<'static, Result<bytes::Bytes, VendorError>>;

/// Fails when more comes than any reply has, such as one line without an end.
fn bounded<S>(bytes: S) -> impl futures_util::Stream<Item = Result<bytes::Bytes, VendorError>> + Send
where
    S: futures_util::Stream<Item = Result<bytes::Bytes, VendorError>> + Send,
{
    let mut left = REPLY_MAX_BYTES;
    bytes.map(move |chunk| {
        let chunk = chunk?;
        left = left.checked_sub(chunk.len()).ok_or_else(|| protocol("the reply is too large"))?;
        Ok(chunk)
    })
}

/// Where the reading of a reply stands.
struct Reading {
    source: EventStream<Bytes>,
    reply: Accumulator,
    ready: std::vec::IntoIter<ModelEvent>,
}

fn events(bytes: Bytes) -> ModelStream {
    let reading = Reading { source: bytes.eventsource(), reply: Accumulator::new(), ready: Vec::new().into_iter() };
    unfold(Some(reading), |reading| async move {
        let mut reading = reading?;
        match reading.next().await {
            Some(Ok(event)) => Some((Ok(event), Some(reading))),
            Some(Err(error)) => Some((Err(error), None)),
            None => None,
        }
    })
    .boxed()
}

impl Reading {
    async fn next(&mut self) -> Option<Result<ModelEvent, VendorError>> {
        loop {
            if let Some(event) = self.ready.next() {
                return Some(Ok(event));
            }
            if self.reply.is_done() {
                return None;
            }
            match self.read().await {
                Ok(events) => self.ready = events.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    async fn read(&mut self) -> Result<Vec<ModelEvent>, VendorError> {
        let next = if self.reply.is_finished() {
            tokio::time::timeout(AFTER_FINISH_TIMEOUT_MS, self.source.next()).await.unwrap_or(None)
        } else {
            self.source.next().await
        };
        let events = match next {
            Some(Ok(event)) if event.event == "error" => return Err(errors::in_event(&event.data)),
            Some(Ok(event)) => self.reply.chunk(&event.data)?,
            Some(Err(EventStreamError::Transport(error))) if !self.reply.is_finished() => return Err(error),
            Some(Err(_)) if !self.reply.is_finished() => return Err(protocol("the reply is no event stream")),
            Some(Err(_)) | None => self.reply.end()?,
        };
        if self.reply.is_done() {
            let _ = tokio::time::timeout(AFTER_DONE_TIMEOUT_MS, self.source.next()).await;
        }
        Ok(events)
    }
}

fn protocol(text: &'static str) -> VendorError {
    VendorError::new(VENDOR, VendorErrorKind::Protocol, text)
}

#[cfg(test)]
mod tests;
