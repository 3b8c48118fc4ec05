//! Several language models as one: the next is asked when one fails before the first event of its reply. Once an event
//! came the reply stays with its model, since the caller may have heard it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use otto_actors::ports::{LanguageModel, ModelRequest, ModelStream, VendorError, VendorErrorKind};
use tokio::time::{Instant, timeout};
use tracing::warn;

use crate::breaker::Breaker;

const VENDOR: &str = "language-model";
/// From a request to the first event of its reply; then the next model is asked. Well below the turn's own limit, so
/// that the next one has time to answer.
const FIRST_EVENT_TIMEOUT_MS: Duration = Duration::from_millis(2_500);

/// Models in the order in which they are asked.
pub struct Fallback {
    earlier: Vec<Provider>,
    /// Asked when no other answered, however it did before: nobody else is left. The turn's own time-out bounds it.
    last: Arc<dyn LanguageModel>,
}

/// A model that others stand behind. One that keeps failing is passed over for a while.
struct Provider {
    name: String,
    model: Arc<dyn LanguageModel>,
    breaker: Mutex<Breaker>,
}

impl Fallback {
    /// `first`, and `next` when it does not answer. The names are for the log.
    #[must_use]
    pub fn new(name: String, first: Arc<dyn LanguageModel>, next: Arc<dyn LanguageModel>) -> Self {
        Self { earlier: vec![Provider { name, model: first, breaker: Mutex::default() }], last: next }
    }
}

#[async_trait]
impl LanguageModel for Fallback {
    async fn reply(&self, request: ModelRequest) -> Result<ModelStream, VendorError> {
        let mut worth_retrying = None;
        for provider in &self.earlier {
            if !provider.breaker(|breaker, now| breaker.admit(now)) {
                continue;
            }
            match begin(&*provider.model, request.clone()).await {
                Ok(reply) => {
                    provider.breaker(|breaker, _| breaker.succeeded());
                    return Ok(reply);
                }
                Err(error) => {
                    provider.breaker(|breaker, now| breaker.failed(now));
                    warn!(model = provider.name, %error, "the language model did not answer; the next one is asked");
                    worth_retrying = Some(error).filter(VendorError::is_transient).or(worth_retrying);
                }
            }
        }
        // Another attempt at all of them may succeed when it may with one of them.
        self.last.reply(request).await.map_err(|error| match worth_retrying {
            Some(earlier) if !error.is_transient() => earlier,
            _ => error,
        })
    }
}

impl Provider {
    fn breaker<T>(&self, ask: impl FnOnce(&mut Breaker, std::time::Instant) -> T) -> T {
        ask(&mut self.breaker.lock().unwrap_or_else(PoisonError::into_inner), Instant::now().into_std())
    }
}

/// A reply whose first event has come.
async fn begin(model: &dyn LanguageModel, request: ModelRequest) -> Result<ModelStream, VendorError> {
    let first_event = async {
        let mut reply = model.reply(request).await?;
        match reply.next().await {
            Some(first) => Ok((first?, reply)),
            None => Err(VendorError::new(VENDOR, VendorErrorKind::Protocol, "a reply without an event")),
        }
    };
    let late = |_| VendorError::new(VENDOR, VendorErrorKind::TimedOut, "no first event in time");
    let (first, rest) = timeout(FIRST_EVENT_TIMEOUT_MS, first_event).await.map_err(late)??;
    Ok(stream::iter([Ok(first)]).chain(rest).boxed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::BREAKER_FAILURES;
    use crate::vendors::OpenAi;
    use crate::vendors::openai::Api;
    use crate::vendors::testing::{Answer, HttpServer, http_server, nobody};
    use otto_actors::ports::ModelEvent;
    use std::future::pending;
    use url::Url;

    const QUOTA: &str = r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}"#;
    const BROKEN: &str = "data: {\"error\":{\"type\":\"server_error\"}}\n\n";
    const BEGUN: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"first\"}}]}\n\n";
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
        Fallback::new("first".into(), model(first), model(&next.url))
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
        for answer in [
            Answer::new(401),
            Answer::new(404),
            Answer::new(429),
            Answer::new(429).chunk(QUOTA),
            Answer::new(503),
            Answer::new(200),
            Answer::new(200).chunk(BROKEN),
            Answer::new(200).chunk("data: {\n\n"),
            Answer::new(200).cut(),
        ] {
            let first = serves(answer).await;
            assert_eq!(outcome(&pair(&first.url, &next)).await, ("next".to_owned(), None));
        }
        assert_eq!(outcome(&pair(&nobody().await, &next)).await, ("next".to_owned(), None));
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
        let (first, next) = (serves(Answer::new(503)).await, serves(Answer::new(200).chunk(NEXT)).await);
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

    /// Never answers, or answers with one event after a while.
    struct Slow(Option<Duration>);

    #[async_trait]
    impl LanguageModel for Slow {
        async fn reply(&self, _: ModelRequest) -> Result<ModelStream, VendorError> {
            let Some(wait) = self.0 else { return pending().await };
            let event = async move {
                tokio::time::sleep(wait).await;
                Ok(ModelEvent::Text(format!("{wait:?}")))
            };
            Ok(stream::once(event).boxed())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_one_gives_way_and_the_last_has_all_the_time() {
        let ms = Duration::from_millis;
        for (first, next, expected) in
            [(None, Some(ms(7_000)), "7s"), (Some(ms(2_501)), Some(ms(1)), "1ms"), (Some(ms(2_499)), None, "2.499s")]
        {
            let models = Fallback::new("first".into(), Arc::new(Slow(first)), Arc::new(Slow(next)));
            assert_eq!(outcome(&models).await, (expected.to_owned(), None));
        }
    }
}
