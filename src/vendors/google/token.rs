//! Access tokens by the refresh-token grant: one request at a time, renewed before they end. When Google refuses for good,
//! the operators are told once and Google is left alone for a while.

use std::time::Duration;

use otto_actors::calendar::CalendarLockedOut;
use otto_actors::events::emit;
use otto_actors::ports::{CalendarError, VendorError, VendorErrorKind};
use reqwest::{Client, Response};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::wire::{TokenAnswer, TokenRefusal};
use super::{GoogleAccess, VENDOR};
use crate::vendors::{detail, rest};

/// One request for a token.
const TOKEN_TIMEOUT_MS: Duration = Duration::from_millis(5_000);
/// How long before its end a token is renewed; a token that lives shorter than twice this is renewed at half its life.
const RENEW_BEFORE_MS: Duration = Duration::from_millis(5 * 60 * 1_000);
/// How long Google is not asked again after it has refused for good.
const REFUSAL_KEPT_MS: Duration = Duration::from_millis(10 * 60 * 1_000);
/// What a token endpoint says when trying again may help (google-auth, `_can_retry`).
const PASSING: [&str; 3] = ["internal_failure", "server_error", "temporarily_unavailable"];
/// Statuses that mean the same (google-auth, `DEFAULT_RETRYABLE_STATUS_CODES`).
const PASSING_STATUSES: [u16; 5] = [408, 429, 500, 503, 504];

/// Where access tokens come from. Waiting for the lock is what makes one request serve all who need a token.
pub(super) struct Tokens {
    client: Client,
    access: GoogleAccess,
    state: Mutex<State>,
}

struct State {
    refresh_token: SecretString,
    token: Option<Token>,
    refused: Option<(Instant, VendorError)>,
}

#[derive(Clone)]
struct Token {
    secret: SecretString,
    renew_at: Instant,
    ends_at: Instant,
}

impl Tokens {
    pub(super) fn new(access: GoogleAccess) -> Result<Self, VendorError> {
        let client = rest::client(VENDOR, &access.token_url)?;
        let state = State { refresh_token: access.refresh_token.clone(), token: None, refused: None };
        Ok(Self { client, access, state: Mutex::new(state) })
    }

    /// A token that is good for now.
    pub(super) async fn get(&self) -> Result<SecretString, CalendarError> {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some(token) = state.token.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.secret.clone());
        }
        match self.renew(&mut state).await {
            Ok(secret) => Ok(secret),
            Err(error) => match &state.token {
                Some(token) if now < token.ends_at => Ok(token.secret.clone()),
                _ => Err(error),
            },
        }
    }

    /// The API did not take this token: it is not used again.
    pub(super) async fn was_refused(&self, bad: &SecretString) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|token| token.secret.expose_secret() == bad.expose_secret()) {
            state.token = None;
        }
    }

    async fn renew(&self, state: &mut State) -> Result<SecretString, CalendarError> {
        if let Some((at, error)) = &state.refused
            && at.elapsed() < REFUSAL_KEPT_MS
        {
            return Err(CalendarError::NoAccess(error.clone()));
        }
        match self.request(&state.refresh_token).await {
            Ok(answer) => {
                let token = Token::new(&answer);
                let secret = token.secret.clone();
                (state.token, state.refused) = (Some(token), None);
                if let Some(next) = answer.refresh_token {
                    state.refresh_token = next.into();
                }
                Ok(secret)
            }
            Err(CalendarError::NoAccess(error)) => {
                emit(CalendarLockedOut { error: &error });
                state.refused = Some((Instant::now(), error.clone()));
                Err(CalendarError::NoAccess(error))
            }
            Err(error) => Err(error),
        }
    }

    async fn request(&self, refresh_token: &SecretString) -> Result<TokenAnswer, CalendarError> {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", &self.access.client_id),
            ("client_secret", self.access.client_secret.expose_secret()),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        let request = self.client.post(self.access.token_url.clone()).timeout(TOKEN_TIMEOUT_MS).form(&form);
        let broken = |error| CalendarError::Away(rest::broken(VENDOR, &error));
        let response = request.send().await.map_err(broken)?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        let unreadable =
            |_| CalendarError::Away(VendorError::new(VENDOR, VendorErrorKind::Protocol, "the token cannot be read"));
        response.json().await.map_err(unreadable)
    }
}

impl Token {
    fn new(answer: &TokenAnswer) -> Self {
        let (now, life) = (Instant::now(), Duration::from_secs(answer.expires_in));
        let early = RENEW_BEFORE_MS.min(life / 2);
        Self { secret: answer.access_token.clone().into(), renew_at: now + life - early, ends_at: now + life }
    }
}

async fn refusal(response: Response) -> CalendarError {
    let status = response.status();
    let retry_after = rest::retry_after(response.headers(), chrono::Utc::now());
    let body: TokenRefusal = serde_json::from_slice(&rest::error_body(response).await).unwrap_or_default();
    let passing = PASSING_STATUSES.contains(&status.as_u16())
        || PASSING.contains(&body.error.as_str())
        || PASSING.contains(&body.error_description.as_str())
        || status.is_server_error();
    let words = detail(&format!("token: HTTP {} {}", status.as_u16(), body.error));
    let kind = if passing { rest::kind_of(status) } else { VendorErrorKind::Rejected };
    let mut error = VendorError::new(VENDOR, kind, words.trim_end());
    error.retry_after = retry_after;
    if passing { CalendarError::Away(error) } else { CalendarError::NoAccess(error) }
}
