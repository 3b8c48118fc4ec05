//! Twilio's REST interface as [`Telephony`]: commands update a live call, which is harmless to repeat, so they are tried
//! again.

use std::time::Duration;

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use otto_actors::domain::{CallSid, PhoneNumber};
use otto_actors::ports::{
    Dial, DialError, PlacedCall, SentText, StreamEnd, Telephony, Text, VendorError, VendorErrorKind,
};
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::twiml::Ending;
use crate::vendors::rest as shared;

const VENDOR: &str = "twilio";
/// One request, from its first byte to its answer's last.
const REQUEST_TIMEOUT_MS: Duration = Duration::from_millis(5_000);
/// Repetitions of a request that may succeed later.
const RETRIES: usize = 2;
/// Before the first repetition; the next one waits twice as long.
const RETRY_PAUSE_MS: Duration = Duration::from_millis(250);
/// The longest pause, whatever the vendor asks for: somebody is on the line.
const RETRY_PAUSE_MAX_MS: Duration = Duration::from_millis(2_000);
/// The code of an update of a call that is not in progress.
const NOT_IN_PROGRESS: u32 = 21_220;

/// Commands for live calls.
pub struct TwilioRest {
    client: Client,
    base: Url,
    account: String,
    token: SecretString,
    ending: Ending,
}

impl TwilioRest {
    /// Commands in the name of an account.
    ///
    /// # Errors
    /// When TLS is not available.
    pub fn new(base: Url, account: String, token: SecretString, ending: Ending) -> Result<Self, VendorError> {
        Ok(Self { client: shared::client(VENDOR, &base)?, base, account, token, ending })
    }

    /// Updates a call, and says whether it was still in progress.
    async fn update(&self, call: &CallSid, field: (&str, &str)) -> Result<bool, VendorError> {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(RETRY_PAUSE_MS)
            .with_max_delay(RETRY_PAUSE_MAX_MS)
            .with_max_times(RETRIES)
            .with_jitter();
        (|| self.update_once(call, field))
            .retry(pauses)
            .when(VendorError::is_transient)
            .adjust(|error, pause| pause.map(|pause| error.retry_after.unwrap_or(pause).min(RETRY_PAUSE_MAX_MS)))
            .await
    }

    async fn update_once(&self, call: &CallSid, field: (&str, &str)) -> Result<bool, VendorError> {
        let response = self
            .client
            .post(shared::below(&self.base, &format!("2010-04-01/Accounts/{}/Calls/{call}.json", self.account)))
            .basic_auth(&self.account, Some(self.token.expose_secret()))
            .timeout(REQUEST_TIMEOUT_MS)
            .form(&[field])
            .send()
            .await
            .map_err(|error| shared::broken(VENDOR, &error))?;
        if response.status().is_success() { Ok(true) } else { refusal(response).await }
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
            Err(VendorError::new(VENDOR, VendorErrorKind::Rejected, "the call is over"))
        }
    }

    fn can_dial(&self) -> bool {
        false
    }

    async fn dial(&self, _: &Dial) -> Result<CallSid, DialError> {
        Err(DialError::Refused(VendorError::new(VENDOR, VendorErrorKind::Rejected, "no number to call from")))
    }

    async fn calls_to(&self, _: &PhoneNumber, _: DateTime<Utc>) -> Result<Vec<PlacedCall>, VendorError> {
        Ok(Vec::new())
    }

    async fn call(&self, _: &CallSid) -> Result<Option<PlacedCall>, VendorError> {
        Ok(None)
    }

    fn can_text(&self) -> bool {
        false
    }

    async fn text(&self, _: &Text) -> Result<String, DialError> {
        Err(DialError::Refused(VendorError::new(VENDOR, VendorErrorKind::Rejected, "no number to call from")))
    }

    async fn texts_to(&self, _: &PhoneNumber, _: DateTime<Utc>) -> Result<Vec<SentText>, VendorError> {
        Ok(Vec::new())
    }
}

#[derive(Deserialize, Default)]
struct ErrorBody {
    code: Option<u32>,
}

/// A call that is over or not known is no error. The message of one may hold a phone number: only its code is kept.
async fn refusal(response: Response) -> Result<bool, VendorError> {
    let status = response.status();
    let retry_after = shared::retry_after(response.headers(), Utc::now());
    let body: ErrorBody = serde_json::from_slice(&shared::error_body(response).await).unwrap_or_default();
    if status == StatusCode::NOT_FOUND || body.code == Some(NOT_IN_PROGRESS) {
        return Ok(false);
    }
    let code = body.code.map_or(String::new(), |code| format!(", code {code}"));
    let mut error = VendorError::new(VENDOR, shared::kind_of(status), format!("HTTP {}{code}", status.as_u16()));
    error.retry_after = retry_after;
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::testing::{Answer, HttpServer, http_server, nobody};
    use otto_actors::domain::PhoneNumber;

    fn call() -> CallSid {
        CallSid::parse("CA12").unwrap()
    }

    fn ending() -> Ending {
        Ending { apology: "Sorry.".into(), human: None, dial_ended_url: "https://h/dial-ended".into() }
    }

    fn transfer() -> StreamEnd {
        StreamEnd::Transfer(PhoneNumber::parse("+15555550123").unwrap())
    }

    fn adapter(base: Url) -> TwilioRest {
        TwilioRest::new(base, "AC1".into(), SecretString::from("secret"), ending()).unwrap()
    }

    async fn hang_up(answers: Vec<Answer>) -> (HttpServer, Result<(), VendorErrorKind>) {
        let server = http_server(answers).await;
        let result = adapter(server.url.clone()).proceed(&call(), &StreamEnd::HangUp).await;
        (server, result.map_err(|error| error.kind))
    }

    #[tokio::test]
    async fn hanging_up_updates_the_call() {
        let (server, result) = hang_up(vec![Answer::new(200).chunk("{}")]).await;
        assert_eq!(result, Ok(()));
        let request = &server.requests()[0];
        assert_eq!((request.method.as_str(), request.uri.path()), ("POST", "/2010-04-01/Accounts/AC1/Calls/CA12.json"));
        assert_eq!(request.body, "Status=completed");
        assert_eq!(request.headers["authorization"], "Basic QUMxOnNlY3JldA==");
        assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    }

    #[tokio::test]
    async fn a_call_that_is_over_is_no_error_but_cannot_be_transferred() {
        let over = Answer::new(400).chunk(r#"{"code":21220,"message":"Call is not in-progress","status":400}"#);
        for answer in [Answer::new(404).chunk(r#"{"code":20404}"#), over] {
            assert_eq!(hang_up(vec![answer.clone()]).await.1, Ok(()));
            let server = http_server(vec![answer]).await;
            let error = adapter(server.url.clone()).proceed(&call(), &transfer()).await.unwrap_err();
            assert_eq!(error.kind, VendorErrorKind::Rejected);
        }
    }

    #[tokio::test]
    async fn everything_else_is_a_document() {
        let rest = StreamEnd::Say { text: "We open at nine.".into(), then: Box::new(StreamEnd::Apologise) };
        for end in [transfer(), StreamEnd::Apologise, rest] {
            let server = http_server(vec![Answer::new(200)]).await;
            adapter(server.url.clone()).proceed(&call(), &end).await.unwrap();
            let request = &server.requests()[0];
            assert_eq!(request.uri.path(), "/2010-04-01/Accounts/AC1/Calls/CA12.json");
            let form = super::super::form::Form::parse(request.body.as_bytes());
            let pairs: Vec<_> = form.pairs().collect();
            assert_eq!(pairs, [("Twiml", ending().document(&end).as_str())]);
        }
    }

    #[tokio::test]
    async fn what_may_pass_is_tried_again() {
        let (server, result) = hang_up(vec![Answer::new(503), Answer::new(429), Answer::new(200)]).await;
        assert_eq!((result, server.requests().len()), (Ok(()), 3));
        let (server, result) = hang_up(vec![Answer::new(500)]).await;
        assert_eq!((result, server.requests().len()), (Err(VendorErrorKind::Failed), 1 + RETRIES));
    }

    #[tokio::test]
    async fn what_is_refused_is_not() {
        let answer = Answer::new(401).chunk(r#"{"code":20003,"message":"+15555550123 secret"}"#);
        let server = http_server(vec![answer]).await;
        let error = adapter(server.url.clone()).proceed(&call(), &StreamEnd::HangUp).await.unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), server.requests().len()),
            ("twilio: rejected: HTTP 401, code 20003", 1)
        );
    }

    #[tokio::test]
    async fn nobody_there_is_unreachable() {
        let error = adapter(nobody().await).proceed(&call(), &StreamEnd::HangUp).await.unwrap_err();
        assert_eq!(error.kind, VendorErrorKind::Unreachable);
    }
}
