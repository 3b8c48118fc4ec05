//! Twilio's REST interface as [`Telephony`]. Reads, and updates of a live call, are harmless to repeat and are tried again;
//! what places a call or sends a text message goes out once, since Twilio has no key that would tell a repetition.
//!
//! There is no circuit breaker: somebody is on the line of a live call, so its commands are always tried, within their
//! deadline; whoever places calls and sends text messages pauses by itself, longer each time, when Twilio does not answer.

mod calls;
mod messages;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use otto_actors::domain::{CallSid, OutboxId, PhoneNumber};
use otto_actors::ports::{
    Dial, DialError, PlacedCall, SentText, StreamEnd, Telephony, Text, VendorError, VendorErrorKind,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::twiml::Ending;
use crate::vendors::rest as shared;

const VENDOR: &str = "twilio";
/// One request, from its first byte to its answer's last.
const REQUEST_TIMEOUT_MS: Duration = Duration::from_millis(5_000);
/// A request that places a call or sends a message: longer, because an answer that is given up leaves a doubt behind.
const PLACE_TIMEOUT_MS: Duration = Duration::from_millis(10_000);
/// Repetitions of a request that may succeed later.
const RETRIES: usize = 2;
/// Before the first repetition; the next one waits twice as long.
const RETRY_PAUSE_MS: Duration = Duration::from_millis(250);
/// The longest pause, whatever the vendor asks for: somebody is on the line.
const RETRY_PAUSE_MAX_MS: Duration = Duration::from_millis(2_000);
/// The code of an update of a call that is not in progress.
const NOT_IN_PROGRESS: u32 = 21_220;
/// Entries of a list that one request asks for.
const PAGE_SIZE: &str = "200";
/// Pages of a list that are read. A longer one is an error and never taken for a whole one.
const PAGES_MAX: usize = 20;
/// How much Twilio's clock may be behind Otto's. Its times are whole seconds.
const CLOCK_SKEW_MAX_S: TimeDelta = TimeDelta::seconds(10);

/// Commands for live calls, calls that Otto places, and text messages.
pub struct TwilioRest {
    client: Client,
    base: Url,
    account: String,
    token: SecretString,
    ending: Ending,
    outbound: Outbound,
}

/// What calls that Otto places, and text messages, come from.
#[derive(Clone, Default)]
pub struct Outbound {
    /// The number that calls are placed from; without it there are none.
    pub calls_from: Option<PhoneNumber>,
    /// The number that text messages are sent from; without it there are none.
    pub texts_from: Option<PhoneNumber>,
    /// Where Twilio can reach Otto; without it there are neither.
    pub callbacks: Option<Arc<dyn Callbacks>>,
}

impl Outbound {
    /// What a call is placed with, when calls can be placed.
    fn calls(&self) -> Option<(&PhoneNumber, &dyn Callbacks)> {
        self.calls_from.as_ref().zip(self.callbacks.as_deref())
    }

    /// What a text message is sent with, when text messages can be sent.
    fn texts(&self) -> Option<(&PhoneNumber, &dyn Callbacks)> {
        self.texts_from.as_ref().zip(self.callbacks.as_deref())
    }
}

/// Otto's addresses, absolute, to which Twilio brings word of a call or of a message.
pub trait Callbacks: Send + Sync {
    /// The document that a call runs when somebody answers.
    fn document(&self, dial: &Dial) -> String;
    /// How a call stands.
    fn dial_status(&self, dial: &Dial) -> String;
    /// What has answered.
    fn answered_by(&self, dial: &Dial) -> String;
    /// How a text message stands.
    fn text_status(&self, order: OutboxId) -> String;
}

impl TwilioRest {
    /// Commands in the name of an account.
    ///
    /// # Errors
    /// When TLS is not available.
    pub fn new(
        base: Url,
        account: String,
        token: SecretString,
        ending: Ending,
        outbound: Outbound,
    ) -> Result<Self, VendorError> {
        Ok(Self { client: shared::client(VENDOR, &base)?, base, account, token, ending, outbound })
    }

    /// Updates a call, and says whether it was still in progress.
    async fn update(&self, call: &CallSid, field: (&str, &str)) -> Result<bool, VendorError> {
        self.again(|| self.update_once(call, field)).await
    }

    async fn update_once(&self, call: &CallSid, field: (&str, &str)) -> Result<bool, VendorError> {
        let request = self.client.post(self.resource(&format!("Calls/{call}.json"))).form(&[field]);
        let response = self.send(request, REQUEST_TIMEOUT_MS).await.map_err(|error| shared::broken(VENDOR, &error))?;
        if response.status().is_success() {
            return Ok(true);
        }
        let refusal = Refusal::read(response).await;
        let is_over = refusal.status == StatusCode::NOT_FOUND || refusal.code == Some(NOT_IN_PROGRESS);
        if is_over { Ok(false) } else { Err(refusal.error()) }
    }

    /// Reads something; none when Twilio does not know it.
    async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<Option<T>, VendorError> {
        self.again(async || {
            let request = self.client.get(url.clone());
            let response = self.send(request, REQUEST_TIMEOUT_MS).await.map_err(|e| shared::broken(VENDOR, &e))?;
            match response.status() {
                status if status.is_success() => read(response).await.map(Some),
                StatusCode::NOT_FOUND => Ok(None),
                _ => Err(Refusal::read(response).await.error()),
            }
        })
        .await
    }

    /// Reads a list to its end.
    async fn list<T: DeserializeOwned>(&self, file: &str, query: &[(&str, &str)]) -> Result<Vec<T>, VendorError> {
        let mut url = self.resource(file);
        url.query_pairs_mut().extend_pairs(query).append_pair("PageSize", PAGE_SIZE);
        let mut entries = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: Option<Page<T>> = self.get(&url).await?;
            let page = page.ok_or_else(|| protocol("found no such list, expected one"))?;
            entries.extend(page.entries);
            // Only the query: where the credentials go is for the settings to say.
            match page.next_page_uri.as_deref().and_then(|next| next.split_once('?')) {
                Some((_, query)) => url.set_query(Some(query)),
                None => return Ok(entries),
            }
        }
        Err(protocol("found a list without an end, expected fewer pages"))
    }

    /// Asks for a call or a message, once.
    async fn place<T: DeserializeOwned>(&self, file: &str, form: &[(&str, &str)]) -> Result<T, DialError> {
        let request = self.client.post(self.resource(file)).form(form);
        let response = self.send(request, PLACE_TIMEOUT_MS).await.map_err(|error| {
            let sort = match (error.is_builder(), error.is_connect()) {
                (true, _) => DialError::Refused,
                (false, true) => DialError::NotNow,
                (false, false) => DialError::Unknown,
            };
            sort(shared::broken(VENDOR, &error))
        })?;
        if response.status().is_success() {
            return read(response).await.map_err(DialError::Unknown);
        }
        let refusal = Refusal::read(response).await;
        Err(match refusal.status {
            StatusCode::TOO_MANY_REQUESTS => DialError::NotNow(refusal.error()),
            // The account or its credentials, not this call: an operator must act, and then it goes through.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => DialError::NotNow(refusal.error()),
            // Whoever says that the request came too late may have read it.
            StatusCode::REQUEST_TIMEOUT => DialError::Unknown(refusal.error()),
            status if status.is_client_error() => DialError::Refused(refusal.error()),
            _ => DialError::Unknown(refusal.error()),
        })
    }

    fn resource(&self, file: &str) -> Url {
        shared::below(&self.base, &format!("2010-04-01/Accounts/{}/{file}", self.account))
    }

    async fn send(&self, request: RequestBuilder, timeout: Duration) -> reqwest::Result<Response> {
        request.basic_auth(&self.account, Some(self.token.expose_secret())).timeout(timeout).send().await
    }

    /// Tries again what may succeed later.
    async fn again<T, F: Future<Output = Result<T, VendorError>>>(
        &self,
        attempt: impl FnMut() -> F,
    ) -> Result<T, VendorError> {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(RETRY_PAUSE_MS)
            .with_max_delay(RETRY_PAUSE_MAX_MS)
            .with_max_times(RETRIES)
            .with_jitter();
        attempt
            .retry(pauses)
            .when(VendorError::is_transient)
            .adjust(|error, pause| pause.map(|pause| error.retry_after.unwrap_or(pause).min(RETRY_PAUSE_MAX_MS)))
            .await
    }
}

#[async_trait]
impl Telephony for TwilioRest {
    async fn proceed(&self, call: &CallSid, with: &StreamEnd) -> Result<(), VendorError> {
        if *with == StreamEnd::HangUp {
            return self.update(call, ("Status", "completed")).await.map(|_| ());
        }
        if self.update(call, ("Twiml", &self.ending.document(with))).await? {
            Ok(())
        } else {
            Err(rejected("the call is over"))
        }
    }

    fn can_dial(&self) -> bool {
        self.outbound.calls().is_some()
    }

    async fn dial(&self, dial: &Dial) -> Result<CallSid, DialError> {
        self.place_call(dial).await
    }

    async fn calls_to(&self, to: &PhoneNumber, since: DateTime<Utc>) -> Result<Vec<PlacedCall>, VendorError> {
        self.list_calls(to, since).await
    }

    async fn call(&self, call: &CallSid) -> Result<Option<PlacedCall>, VendorError> {
        self.fetch_call(call).await
    }

    async fn cancel(&self, call: &CallSid) -> Result<(), VendorError> {
        let waits = self.update(call, ("Status", "canceled")).await?;
        if waits { Ok(()) } else { Err(rejected("the call does not wait any more")) }
    }

    fn can_text(&self) -> bool {
        self.outbound.texts().is_some()
    }

    async fn text(&self, text: &Text) -> Result<String, DialError> {
        self.send_text(text).await
    }

    async fn texts_to(&self, to: &PhoneNumber, since: DateTime<Utc>) -> Result<Vec<SentText>, VendorError> {
        self.list_texts(to, since).await
    }
}

/// A part of a list.
#[derive(Deserialize)]
struct Page<T> {
    #[serde(rename = "calls", alias = "messages")]
    entries: Vec<T>,
    next_page_uri: Option<String>,
}

/// The body of an error. Its message may hold a phone number: only its code is read.
#[derive(Deserialize, Default)]
struct ErrorBody {
    code: Option<u32>,
}

/// An answer other than success.
struct Refusal {
    status: StatusCode,
    code: Option<u32>,
    retry_after: Option<Duration>,
}

impl Refusal {
    async fn read(response: Response) -> Self {
        let status = response.status();
        let retry_after = shared::retry_after(response.headers(), Utc::now());
        let body: ErrorBody = serde_json::from_slice(&shared::error_body(response).await).unwrap_or_default();
        Self { status, code: body.code, retry_after }
    }

    fn error(&self) -> VendorError {
        let code = self.code.map_or(String::new(), |code| format!(", code {code}"));
        let detail = format!("HTTP {}{code}", self.status.as_u16());
        let mut error = VendorError::new(VENDOR, shared::kind_of(self.status), detail);
        error.retry_after = self.retry_after;
        error
    }
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, VendorError> {
    let body = response.bytes().await.map_err(|error| shared::broken(VENDOR, &error))?;
    serde_json::from_slice(&body).map_err(|_| protocol("an answer that is not understood"))
}

fn protocol(detail: &str) -> VendorError {
    VendorError::new(VENDOR, VendorErrorKind::Protocol, detail)
}

fn rejected(detail: &str) -> VendorError {
    VendorError::new(VENDOR, VendorErrorKind::Rejected, detail)
}

/// One of Twilio's times; none when there is none, or when it is not understood.
fn time(text: Option<&str>) -> Option<DateTime<Utc>> {
    text.and_then(|text| DateTime::parse_from_rfc2822(text).ok()).map(|time| time.to_utc())
}

/// Whether something may have been asked for at or after a time: what is not known counts, since what is overlooked is done
/// a second time.
fn is_since(created_at: Option<DateTime<Utc>>, since: DateTime<Utc>) -> bool {
    created_at.is_none_or(|created_at| created_at >= since.trunc_subsecs(0) - CLOCK_SKEW_MAX_S)
}
