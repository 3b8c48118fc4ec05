//! One model that others stand behind: how long it has, whether it is asked twice, and when it is passed over.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use metrics::Label;
use otto_actors::limits;
use otto_actors::metrics::Metric;
use otto_actors::ports::{LanguageModel, ModelEvent, ModelRequest, ModelStream, VendorError, VendorErrorKind};
use tokio::time::{Instant, sleep, timeout};
use tracing::{error, warn};

use crate::breaker::Breaker;

const VENDOR: &str = "language-model";
/// From a request to the first event of its reply, a second attempt included; then the next model is asked.
pub(super) const FIRST_EVENT_TIMEOUT_MS: Duration = Duration::from_millis(2_500);
/// Models that may use up this time before the last resort is asked: the main one and the fallback provider.
const PROVIDERS: u32 = 2;
/// A failure that comes this soon leaves time for a second attempt.
pub(super) const FAST_FAILURE_MS: Duration = Duration::from_millis(1_000);
/// The longest pause before a second attempt that is worth it; a vendor that asks for more is not asked again.
pub(super) const RETRY_PAUSE_MAX_MS: Duration = Duration::from_millis(1_000);
/// The pause before a second attempt when the vendor names none.
const RETRY_PAUSE_MS: Duration = Duration::from_millis(100);
/// An account without credit is not asked again before this.
pub(super) const QUOTA_PAUSE_MS: Duration = Duration::from_millis(300_000);
/// After a reply that broke off: the turn asks again at once, and is answered by another model.
pub(super) const BROKEN_PAUSE_MS: Duration = Duration::from_millis(1_000);

const _: () = assert!(
    FIRST_EVENT_TIMEOUT_MS.as_millis() * (PROVIDERS as u128) < limits::MODEL_FIRST_EVENT_TIMEOUT_MS.as_millis(),
    "the last resort is asked before the turn gives up"
);

/// A model with what is known of its health.
pub(super) struct Provider {
    pub(super) name: &'static str,
    model: Arc<dyn LanguageModel>,
    health: Mutex<Health>,
}

#[derive(Default)]
struct Health {
    breaker: Breaker,
    /// Not asked until then, whatever the breaker says.
    paused_until: Option<Instant>,
}

impl Health {
    fn admit(&mut self, now: Instant) -> bool {
        self.paused_until.is_none_or(|until| now >= until) && self.breaker.admit(now.into_std())
    }

    /// Passed over for this long from now, unless it is already for longer.
    fn pause(&mut self, now: Instant, pause: Duration) {
        self.paused_until = self.paused_until.max(Some(now + pause));
    }
}

impl Provider {
    pub(super) fn new(name: &'static str, model: Arc<dyn LanguageModel>) -> Self {
        Self { name, model, health: Mutex::default() }
    }

    /// A reply whose first event has come; nothing when the model is passed over.
    pub(super) async fn ask(this: &Arc<Self>, request: &ModelRequest) -> Option<Result<ModelStream, VendorError>> {
        if !this.health(Health::admit) {
            this.switched("passed over");
            return None;
        }
        let late = |_| VendorError::new(VENDOR, VendorErrorKind::TimedOut, "no first event in time");
        let begun = timeout(FIRST_EVENT_TIMEOUT_MS, this.begin_or_retry(request)).await.map_err(late);
        Some(match begun.and_then(|begun| begun) {
            Ok(reply) => {
                let mut watch = Watch { provider: Arc::clone(this), last_event: Instant::now(), over: false };
                Ok(reply.inspect(move |event| watch.saw(event)).boxed())
            }
            Err(error) => {
                this.failed(&error);
                Err(error)
            }
        })
    }

    /// Asks once more when a failure came fast and may be over soon.
    async fn begin_or_retry(&self, request: &ModelRequest) -> Result<ModelStream, VendorError> {
        let asked = Instant::now();
        let error = match begin(&*self.model, request.clone()).await {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        let pause = error.retry_after.unwrap_or(RETRY_PAUSE_MS);
        if !error.is_transient() || asked.elapsed() > FAST_FAILURE_MS || pause > RETRY_PAUSE_MAX_MS {
            return Err(error);
        }
        sleep(pause).await;
        begin(&*self.model, request.clone()).await
    }

    fn health<T>(&self, ask: impl FnOnce(&mut Health, Instant) -> T) -> T {
        ask(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner), Instant::now())
    }

    /// It answered nothing: the next one is asked.
    fn failed(&self, error: &VendorError) {
        self.health(|health, now| {
            health.breaker.failed(now.into_std());
            if error.kind == VendorErrorKind::QuotaExhausted {
                health.pause(now, QUOTA_PAUSE_MS);
            }
        });
        self.switched(error.kind);
        if error.is_transient() {
            warn!(model = self.name, %error, "the language model did not answer; the next one is asked");
        } else {
            error!(model = self.name, %error, "the language model refuses until an operator acts; the next one is asked");
        }
    }

    /// It broke off in the middle of a reply.
    fn broke(&self, error: &VendorError) {
        self.health(|health, now| {
            health.breaker.failed(now.into_std());
            health.pause(now, BROKEN_PAUSE_MS);
        });
        warn!(model = self.name, %error, "a reply of the language model broke off");
    }

    fn switched(&self, why: impl ToString) {
        let labels = vec![Label::from_static_parts("from", self.name), Label::new("why", why.to_string())];
        Metric::ModelSwitches.counter(labels).increment(1);
    }
}

/// A reply whose first event has come.
async fn begin(model: &dyn LanguageModel, request: ModelRequest) -> Result<ModelStream, VendorError> {
    let mut reply = model.reply(request).await?;
    let empty = |text| Err(VendorError::new(VENDOR, VendorErrorKind::Protocol, text));
    match reply.next().await.transpose()? {
        // All of it went into thoughts, or into arguments that are not to be trusted.
        Some(ModelEvent::Done(end)) if end.truncated => empty("a reply that was cut before it began"),
        Some(first) => Ok(stream::iter([Ok(first)]).chain(reply).boxed()),
        None => empty("a reply without an event"),
    }
}

/// Sees how a reply goes on. Dropped with it: a reply that is no longer wanted is fine, unless it had fallen silent.
struct Watch {
    provider: Arc<Provider>,
    last_event: Instant,
    over: bool,
}

impl Watch {
    fn saw(&mut self, event: &Result<ModelEvent, VendorError>) {
        self.last_event = Instant::now();
        match event {
            Ok(ModelEvent::Done(_)) => self.fine(),
            Ok(_) => {}
            Err(error) => {
                self.over = true;
                self.provider.broke(error);
            }
        }
    }

    fn fine(&mut self) {
        self.over = true;
        self.provider.health(|health, _| health.breaker.succeeded());
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        if self.last_event.elapsed() < limits::MODEL_STALL_TIMEOUT_MS {
            return self.fine();
        }
        self.provider.broke(&VendorError::new(VENDOR, VendorErrorKind::TimedOut, "the reply fell silent"));
    }
}
