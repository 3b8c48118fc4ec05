//! Two language models as one, with the manners of the engine's own chain: the last resort answers when the first one
//! does not in time, and for a moment after a reply that broke off.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::{Instant, sleep, timeout};

use super::mind::Mind;
use super::stage::Stage;
use crate::dialogue::BuiltInDialogue;
use crate::limits;
use crate::ports::{LanguageModel, ModelEvent, ModelRequest, ModelStream, VendorError, VendorErrorKind};
use crate::testing::ms;

/// From a request to the first event of its reply, a second attempt included.
const FIRST_EVENT: Duration = ms(2_500);
/// A failure that comes this soon is followed by a second attempt.
const FAST_FAILURE: Duration = ms(1_000);
/// The pause before it, and the longest that a vendor may ask for instead.
const RETRY_PAUSE: Duration = ms(100);
const RETRY_PAUSE_MAX: Duration = ms(1_000);
/// After a reply that broke off the last resort answers.
const BROKEN_PAUSE: Duration = ms(1_000);

/// The models in their order.
pub(super) struct Chain {
    pub(super) stage: Stage,
    pub(super) first: Mind,
    pub(super) last: BuiltInDialogue,
    paused_until: Arc<Mutex<Option<Instant>>>,
}

impl Chain {
    pub(super) fn new(stage: Stage, first: Mind, last: BuiltInDialogue) -> Self {
        Self { stage, first, last, paused_until: Arc::default() }
    }

    async fn begin(&self, request: &ModelRequest) -> Result<ModelStream, VendorError> {
        let mut reply = self.first.reply(request.clone()).await?;
        let empty = || VendorError::new("drill-llm", VendorErrorKind::Protocol, "a reply without an event");
        let first = reply.next().await.ok_or_else(empty)??;
        Ok(stream::iter([Ok(first)]).chain(reply).boxed())
    }

    async fn begin_or_retry(&self, request: &ModelRequest) -> Result<ModelStream, VendorError> {
        let asked = Instant::now();
        let error = match self.begin(request).await {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        let pause = error.retry_after.unwrap_or(RETRY_PAUSE);
        if !error.is_transient() || asked.elapsed() > FAST_FAILURE || pause > RETRY_PAUSE_MAX {
            return Err(error);
        }
        sleep(pause).await;
        self.begin(request).await
    }
}

#[async_trait]
impl LanguageModel for Chain {
    async fn reply(&self, request: ModelRequest) -> Result<ModelStream, VendorError> {
        let paused = self.paused_until.lock().unwrap().is_some_and(|until| until > Instant::now());
        if !paused && let Ok(Ok(reply)) = timeout(FIRST_EVENT, self.begin_or_retry(&request)).await {
            let paused_until = Arc::clone(&self.paused_until);
            return Ok(Watched { reply, last_event: Instant::now(), over: false, paused_until }.boxed());
        }
        self.stage.note("the built-in dialogue takes over");
        self.last.reply(request).await
    }
}

/// A reply that tells the chain when it breaks off or falls silent.
struct Watched {
    reply: ModelStream,
    last_event: Instant,
    over: bool,
    paused_until: Arc<Mutex<Option<Instant>>>,
}

impl Watched {
    fn broke(&self) {
        *self.paused_until.lock().unwrap() = Some(Instant::now() + BROKEN_PAUSE);
    }
}

impl Stream for Watched {
    type Item = Result<ModelEvent, VendorError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.reply.poll_next_unpin(cx);
        match &polled {
            Poll::Pending => return polled,
            Poll::Ready(Some(Ok(event))) => self.over = matches!(event, ModelEvent::Done(_)),
            Poll::Ready(Some(Err(_)) | None) => {
                if !self.over {
                    self.broke();
                }
                self.over = true;
            }
        }
        self.last_event = Instant::now();
        polled
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.over && self.last_event.elapsed() >= limits::MODEL_STALL_TIMEOUT_MS {
            self.broke();
        }
    }
}
