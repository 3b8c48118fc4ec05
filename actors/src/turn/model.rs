//! One request to the language model as a task: its pieces come back as messages, a stall as an error.

use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::answer::Step;
use super::{ModelNews, Situation, TurnMsg, TurnRef};
use crate::limits;
use crate::ports::{LanguageModel, Message, ModelEvent, ModelRequest, ToolSpec, VendorError, VendorErrorKind};
use crate::tasks::TaskScope;

const MODEL: &str = "language-model";

/// Everything that requests of one call have in common.
pub(super) struct Asker {
    pub(super) model: Arc<dyn LanguageModel>,
    pub(super) instructions: Arc<str>,
    pub(super) situation: Situation,
    pub(super) tools: Arc<[ToolSpec]>,
}

impl Asker {
    /// Asks. Dropping the guard cancels.
    pub(super) fn ask(&self, to: &TurnRef, step: Step, history: Vec<Message>, tasks: &TaskScope) -> DropGuard {
        let request = ModelRequest {
            instructions: Arc::clone(&self.instructions),
            situation: (self.situation)(&history),
            history,
            tools: Arc::clone(&self.tools),
        };
        let cancel = CancellationToken::new();
        let guard = cancel.clone().drop_guard();
        let (model, to) = (Arc::clone(&self.model), to.clone());
        tasks.spawn(async move {
            let tell = |event| to.cast(TurnMsg::Model(ModelNews { step, event })).is_ok();
            let done = cancel.run_until_cancelled(listen(model, request, &tell)).await;
            if let Some(Err(error)) = done {
                tell(Err(error));
            }
        });
        guard
    }
}

async fn listen(
    model: Arc<dyn LanguageModel>,
    request: ModelRequest,
    tell: &(impl Fn(Result<ModelEvent, VendorError>) -> bool + Sync),
) -> Result<(), VendorError> {
    let stalled = |_| VendorError::new(MODEL, VendorErrorKind::TimedOut, "no answer in time");
    let begin = async {
        let mut reply = model.reply(request).await?;
        let first = reply.next().await;
        Ok((reply, first))
    };
    let (mut reply, mut event) =
        timeout(limits::MODEL_FIRST_EVENT_TIMEOUT_MS, begin).await.map_err(stalled).and_then(|begun| begun)?;
    while let Some(event_now) = event {
        let event_now = event_now?;
        let done = matches!(event_now, ModelEvent::Done(_));
        if !tell(Ok(event_now)) || done {
            return Ok(());
        }
        event = timeout(limits::MODEL_STALL_TIMEOUT_MS, reply.next()).await.map_err(stalled)?;
    }
    Err(VendorError::new(MODEL, VendorErrorKind::Unreachable, "the reply broke off"))
}
