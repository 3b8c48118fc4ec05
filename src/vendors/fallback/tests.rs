//! Chains of adapters against tiny servers, and of scripted models on paused time.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use otto_actors::limits::MODEL_STALL_TIMEOUT_MS;
use otto_actors::ports::{ModelEnd, ModelEvent, VendorErrorKind};
use tokio::time::{Instant, advance, sleep};
use url::Url;

use super::provider::{BROKEN_PAUSE_MS, FAST_FAILURE_MS, FIRST_EVENT_TIMEOUT_MS, QUOTA_PAUSE_MS, RETRY_PAUSE_MAX_MS};
use super::*;
use crate::breaker::BREAKER_FAILURES;
use crate::vendors::OpenAi;
use crate::vendors::openai::Api;
use crate::vendors::testing::{Answer, HttpServer, http_server, nobody};

const QUOTA: &str = r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}"#;
const BROKEN: &str = "data: {\"error\":{\"type\":\"server_error\"}}\n\n";
const BEGUN: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"first\"}}]}\n\n";
const TOO_LONG: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n";
const NEXT: &str =
    "data: {\"choices\":[{\"delta\":{\"content\":\"next\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

fn request() -> ModelRequest {
    let tools = Vec::new().into();
    ModelRequest { instructions: "rules".into(), situation: String::new(), history: Vec::new(), tools }
}

fn model(base: &Url) -> Arc<dyn LanguageModel> {
    Arc::new(OpenAi::new(base, None, "m".into(), Api::Chat).unwrap())
}

async fn serves(answer: Answer) -> HttpServer {
    http_server(vec![answer]).await
}

fn pair(first: &Url, next: &HttpServer) -> Fallback {
    Fallback::new("next", model(&next.url)).then("first", model(first))
}

/// The text of a reply, and the sort of error that ended it.
async fn outcome(models: &Fallback) -> (String, Option<VendorErrorKind>) {
    let mut reply = match models.reply(request()).await {
        Ok(reply) => reply,
        Err(error) => return (String::new(), Some(error.kind)),
    };
    let mut said = String::new();
    while let Some(event) = reply.next().await {
        match event {
            Ok(ModelEvent::Text(text)) => said += &text,
            Ok(_) => {}
            Err(error) => return (said, Some(error.kind)),
        }
    }
    (said, None)
}

#[tokio::test]
async fn whatever_fails_before_its_first_event_is_answered_by_the_next() {
    let next = serves(Answer::new(200).chunk(NEXT)).await;
    for (answer, requests) in [
        (Answer::new(401), 1),
        (Answer::new(404), 1),
        (Answer::new(429), 2),
        (Answer::new(429).header("retry-after", "0"), 2),
        (Answer::new(429).header("retry-after-ms", "50"), 2),
        (Answer::new(429).header("retry-after", "2"), 1),
        (Answer::new(429).header("retry-after", "Fri, 01 Jan 2100 00:00:00 GMT"), 1),
        (Answer::new(429).chunk(QUOTA), 1),
        (Answer::new(503), 2),
        (Answer::new(200), 2),
        (Answer::new(200).chunk(BROKEN), 2),
        (Answer::new(200).chunk("data: {\n\n"), 2),
        (Answer::new(200).cut(), 2),
        (Answer::new(200).chunk(TOO_LONG), 2),
    ] {
        let first = serves(answer).await;
        assert_eq!(outcome(&pair(&first.url, &next)).await, ("next".to_owned(), None));
        assert_eq!(first.requests().len(), requests, "only what may help soon is asked twice");
    }
    assert_eq!(outcome(&pair(&nobody().await, &next)).await, ("next".to_owned(), None));
}

#[tokio::test]
async fn a_second_attempt_that_works_stays_with_its_model() {
    let first = http_server(vec![Answer::new(503), Answer::new(200).chunk(NEXT.replace("next", "again"))]).await;
    let next = serves(Answer::new(200).chunk(NEXT)).await;
    assert_eq!(outcome(&pair(&first.url, &next)).await, ("again".to_owned(), None));
    assert!(next.requests().is_empty());
}

#[tokio::test]
async fn a_reply_that_has_begun_stays_where_it_is() {
    let (first, next) = (serves(Answer::new(200).chunk(BEGUN).cut()).await, serves(Answer::new(200)).await);
    let expected = ("first".to_owned(), Some(VendorErrorKind::Unreachable));
    assert_eq!(outcome(&pair(&first.url, &next)).await, expected);
    assert!(next.requests().is_empty());
}

#[tokio::test]
async fn one_that_keeps_failing_is_passed_over() {
    let (first, next) = (serves(Answer::new(401)).await, serves(Answer::new(200).chunk(NEXT)).await);
    let models = pair(&first.url, &next);
    for _ in 0..BREAKER_FAILURES + 3 {
        assert_eq!(outcome(&models).await.0, "next");
    }
    assert_eq!(first.requests().len(), BREAKER_FAILURES as usize);
}

#[tokio::test]
async fn when_all_fail_the_error_says_whether_another_attempt_may_help() {
    for (first, next, expected) in [
        (429, 401, VendorErrorKind::RateLimited),
        (401, 503, VendorErrorKind::Failed),
        (401, 403, VendorErrorKind::Rejected),
    ] {
        let (first, next) = (serves(Answer::new(first)).await, serves(Answer::new(next)).await);
        assert_eq!(outcome(&pair(&first.url, &next)).await.1, Some(expected));
    }
}

/// What a scripted model does with one request.
#[derive(Clone)]
enum Act {
    /// Says its name after a while.
    Says(Duration),
    /// Fails after a while, with a wish to wait.
    Fails(Duration, VendorErrorKind, Option<Duration>),
    /// Never answers.
    Hangs,
    /// Says something and then breaks off.
    Breaks,
    /// Says something and then nothing more.
    FallsSilent,
}

/// Plays its acts in order, the last one again and again.
struct Scripted {
    name: &'static str,
    acts: Mutex<VecDeque<Act>>,
}

#[async_trait]
impl LanguageModel for Scripted {
    async fn reply(&self, _: ModelRequest) -> Result<ModelStream, VendorError> {
        let act = {
            let mut acts = self.acts.lock().unwrap();
            if acts.len() > 1 { acts.pop_front() } else { acts.front().cloned() }.unwrap()
        };
        let text = Ok(ModelEvent::Text(self.name.into()));
        let done = Ok(ModelEvent::Done(ModelEnd::default()));
        let broken = |kind| VendorError::new("scripted", kind, "");
        match act {
            Act::Hangs => pending().await,
            Act::Says(after) => {
                sleep(after).await;
                Ok(stream::iter([text, done]).boxed())
            }
            Act::Fails(after, kind, retry_after) => {
                sleep(after).await;
                Err(VendorError { retry_after, ..broken(kind) })
            }
            Act::Breaks => Ok(stream::iter([text, Err(broken(VendorErrorKind::Unreachable))]).boxed()),
            Act::FallsSilent => Ok(stream::iter([text]).chain(stream::pending()).boxed()),
        }
    }
}

fn scripted(name: &'static str, acts: &[Act]) -> Arc<dyn LanguageModel> {
    Arc::new(Scripted { name, acts: Mutex::new(acts.iter().cloned().collect()) })
}

fn chain(first: &[Act], second: &[Act]) -> Fallback {
    let last = scripted("last", &[Act::Says(Duration::ZERO)]);
    Fallback::new("last", last).then("first", scripted("first", first)).then("second", scripted("second", second))
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test(start_paused = true)]
async fn the_time_to_an_answer_is_bounded() {
    use Act::{Fails, Hangs, Says};
    use VendorErrorKind::{Failed, QuotaExhausted, RateLimited};
    let soon = Says(ms(1));
    let slow = ms(u64::try_from(FAST_FAILURE_MS.as_millis()).unwrap() + 1);
    for (first, second, expected, took) in [
        (vec![Says(ms(2_499))], vec![soon.clone()], "first", ms(2_499)),
        (vec![Says(ms(2_501))], vec![soon.clone()], "second", ms(2_501)),
        (vec![Hangs], vec![Hangs], "last", 2 * FIRST_EVENT_TIMEOUT_MS),
        (vec![Fails(ms(10), Failed, None), soon.clone()], vec![soon.clone()], "first", ms(111)),
        (vec![Fails(ms(10), RateLimited, Some(ms(900))), soon.clone()], vec![soon.clone()], "first", ms(911)),
        (vec![Fails(ms(10), Failed, None), Hangs], vec![soon.clone()], "second", FIRST_EVENT_TIMEOUT_MS + ms(1)),
        (vec![Fails(slow, Failed, None), Hangs], vec![soon.clone()], "second", slow + ms(1)),
        (vec![Fails(ms(1), QuotaExhausted, None), Hangs], vec![soon.clone()], "second", ms(2)),
        (vec![Fails(ms(1), RateLimited, Some(RETRY_PAUSE_MAX_MS + ms(1))), Hangs], vec![soon.clone()], "second", ms(2)),
    ] {
        let begun = Instant::now();
        assert_eq!(outcome(&chain(&first, &second)).await, (expected.to_owned(), None));
        assert_eq!(begun.elapsed(), took, "{expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_without_credit_is_left_alone_for_minutes() {
    let quota = Act::Fails(Duration::ZERO, VendorErrorKind::QuotaExhausted, None);
    let models = chain(&[quota, Act::Says(Duration::ZERO)], &[Act::Says(Duration::ZERO)]);
    assert_eq!(outcome(&models).await.0, "second");
    advance(QUOTA_PAUSE_MS - ms(1)).await;
    assert_eq!(outcome(&models).await.0, "second");
    advance(ms(1)).await;
    assert_eq!(outcome(&models).await.0, "first");
}

#[tokio::test(start_paused = true)]
async fn after_a_reply_that_broke_off_another_model_answers_for_a_moment() {
    let models = chain(&[Act::Breaks, Act::Says(Duration::ZERO)], &[Act::Says(Duration::ZERO)]);
    assert_eq!(outcome(&models).await, ("first".to_owned(), Some(VendorErrorKind::Unreachable)));
    assert_eq!(outcome(&models).await.0, "second");
    advance(BROKEN_PAUSE_MS).await;
    assert_eq!(outcome(&models).await, ("first".to_owned(), None));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_dropped_counts_against_its_model_only_when_it_had_fallen_silent() {
    for (silence, next) in [(ms(100), "first"), (MODEL_STALL_TIMEOUT_MS, "second")] {
        let models = chain(&[Act::FallsSilent, Act::Says(Duration::ZERO)], &[Act::Says(Duration::ZERO)]);
        let mut reply = models.reply(request()).await.unwrap();
        assert!(reply.next().await.is_some());
        advance(silence).await;
        drop(reply);
        assert_eq!(outcome(&models).await.0, next, "{silence:?}");
    }
}
