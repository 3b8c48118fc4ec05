//! One request to the API: with a token, within its time, and not at all while Google does not answer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use otto_actors::ports::{CalendarError, VendorError, VendorErrorKind};
use reqwest::header::IF_MATCH;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::errors::{Failure, Refusal};
use super::token::Tokens;
use super::{GoogleAccess, VENDOR};
use crate::breaker::Breaker;
use crate::vendors::rest;

/// One request, from its first byte to its answer's last.
const REQUEST_TIMEOUT_MS: Duration = Duration::from_millis(5_000);
/// Where the API is below its address.
const API_PATH: [&str; 2] = ["calendar", "v3"];

/// Something to ask for.
pub(super) struct Ask<'a, B> {
    pub(super) method: Method,
    /// Below the API's address, each part as it is.
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<&'a B>,
    /// The state that the event must be in.
    pub(super) if_match: Option<&'a str>,
}

/// The way to the API.
pub(super) struct Api {
    client: Client,
    base: Url,
    tokens: Tokens,
    breaker: Mutex<Breaker>,
}

impl Api {
    pub(super) fn new(access: GoogleAccess) -> Result<Self, VendorError> {
        let (client, base) = (rest::client(VENDOR, &access.api_url)?, access.api_url.clone());
        Ok(Self { client, base, tokens: Tokens::new(access)?, breaker: Mutex::default() })
    }

    /// Asks, and reads the answer.
    pub(super) async fn read<B: Serialize, T: DeserializeOwned>(&self, ask: Ask<'_, B>) -> Result<T, Failure> {
        let response = self.send(ask).await?;
        response.json().await.map_err(|error| {
            Failure::Before(CalendarError::Away(if error.is_decode() {
                VendorError::new(VENDOR, VendorErrorKind::Protocol, "the answer cannot be read")
            } else {
                rest::broken(VENDOR, &error)
            }))
        })
    }

    /// Asks. A token that is not taken is renewed once.
    pub(super) async fn send<B: Serialize>(&self, ask: Ask<'_, B>) -> Result<Response, Failure> {
        if !self.breaker().admit(Instant::now()) {
            let detail = "not asked, because it has not answered several times";
            let error = VendorError::new(VENDOR, VendorErrorKind::Unreachable, detail);
            return Err(Failure::Before(CalendarError::Away(error)));
        }
        let outcome = self.send_with_token(&ask).await;
        self.note(&outcome);
        outcome
    }

    async fn send_with_token<B: Serialize>(&self, ask: &Ask<'_, B>) -> Result<Response, Failure> {
        let token = self.tokens.get().await.map_err(Failure::Before)?;
        let response = self.send_once(ask, &token).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return checked(response).await;
        }
        self.tokens.was_refused(&token).await;
        let token = self.tokens.get().await.map_err(Failure::Before)?;
        checked(self.send_once(ask, &token).await?).await
    }

    async fn send_once<B: Serialize>(&self, ask: &Ask<'_, B>, token: &SecretString) -> Result<Response, Failure> {
        let sent = self.request(ask).bearer_auth(token.expose_secret()).send().await;
        sent.map_err(|error| Failure::Before(CalendarError::Away(rest::broken(VENDOR, &error))))
    }

    fn request<B: Serialize>(&self, ask: &Ask<'_, B>) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            // Encodes what a calendar's id has: @ and #.
            segments.pop_if_empty().extend(API_PATH.iter().chain(ask.path));
        }
        let mut request = self.client.request(ask.method.clone(), url).timeout(REQUEST_TIMEOUT_MS).query(ask.query);
        if let Some(etag) = ask.if_match {
            request = request.header(IF_MATCH, etag);
        }
        match ask.body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note<T>(&self, outcome: &Result<T, Failure>) {
        let lost = match outcome {
            Ok(_) | Err(Failure::Before(CalendarError::NoAccess(_) | CalendarError::Refused(_))) => false,
            Err(Failure::Before(CalendarError::Away(_))) => true,
            Err(Failure::Refusal(refusal)) => refusal.is_outage(),
        };
        if lost && self.breaker().failed(Instant::now()) {
            tracing::warn!("Google Calendar does not answer; going on without it");
        }
        if !lost && self.breaker().succeeded() {
            tracing::info!("Google Calendar answers again");
        }
    }
}

async fn checked(response: Response) -> Result<Response, Failure> {
    if response.status().is_success() { Ok(response) } else { Err(Failure::Refusal(Refusal::read(response).await)) }
}
