//! Machine detection: listens to what takes a placed call, beside the call or before its first document.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;
use uuid::Uuid;

use super::fields::{Parties, owned};
use super::phone::{Answer, Hearing};
use super::registry::OutboundCall;
use super::webhook::{self, Product};
use super::{Engine, Shared, TwilioSettings};

/// MachineDetectionTimeout when the engine asks for none, in seconds.
const TIMEOUT_S: f64 = 30.0;

/// What the engine asked for, and what is to be heard.
#[derive(Clone, Debug)]
pub(super) struct Detection {
    pub(super) hearing: Hearing,
    /// The call goes on while it listens.
    pub(super) asynchronous: bool,
    callback: Option<Url>,
    pause: Duration,
    patience: Duration,
}

impl Detection {
    /// None when the engine did not ask for it, or sends keys, which switches it off.
    pub(super) fn of(settings: &TwilioSettings, engine: &Engine, call: &OutboundCall, answer: &Answer) -> Option<Self> {
        let mode = call.param("MachineDetection").filter(|_| call.param("SendDigits").is_none())?;
        let hearing = answer.hearing(mode == "DetectMessageEnd");
        let seconds = call.param("MachineDetectionTimeout").and_then(|seconds| seconds.parse().ok());
        let callback = call.param("AsyncAmdStatusCallback");
        Some(Detection {
            hearing,
            asynchronous: call.param("AsyncAmd") == Some("true"),
            callback: callback.and_then(|url| engine.absolute(&engine.base_url, url).ok()),
            pause: settings.spoken_seconds(hearing.seconds),
            patience: settings.spoken_seconds(seconds.unwrap_or(TIMEOUT_S)),
        })
    }

    /// `AnsweredBy`, once the opening is over and what follows it was heard.
    pub(super) async fn verdict(&self, opening: impl Future<Output = ()>) -> &'static str {
        let listen = async {
            opening.await;
            match self.hearing.answered_by {
                Some(answered_by) => {
                    sleep(self.pause).await;
                    answered_by
                }
                None => std::future::pending().await,
            }
        };
        timeout(self.patience, listen).await.unwrap_or("unknown")
    }

    /// Listens beside the call until the guard is dropped, and posts what it has heard.
    pub(super) fn listen(
        self,
        shared: &Arc<Shared>,
        engine: &Engine,
        parties: &Parties,
        opening: impl Future<Output = ()> + Send + 'static,
    ) -> DropGuard {
        let over = CancellationToken::new();
        let guard = over.clone().drop_guard();
        let (shared, engine, parties) = (Arc::clone(shared), engine.clone(), parties.clone());
        let stop = shared.scope.stop.clone();
        let tasks = shared.scope.tasks.clone();
        tasks.spawn(async move {
            let began = Instant::now();
            let Some(answered_by) = over.run_until_cancelled(self.verdict(opening)).await else { return };
            shared.registry.update(&parties.call_sid, |record| record.answered_by = Some(answered_by));
            let Some(url) = self.callback else { return };
            let params = owned([
                ("CallSid", &parties.call_sid),
                ("AccountSid", &parties.account_sid),
                ("AnsweredBy", answered_by),
                ("MachineDetectionDuration", &began.elapsed().as_millis().to_string()),
            ]);
            let token = Uuid::new_v4().to_string();
            // The end of the call does not take back what is on its way.
            let posted = webhook::post(&shared, &engine, &url, &params, Product::Voice, &token);
            if let Some(Err(error)) = stop.run_until_cancelled(posted).await {
                tracing::debug!(error, "AMD callback failed");
            }
        });
        guard
    }
}
