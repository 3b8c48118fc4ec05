//! One request to the language model as a task: its pieces come back as messages, a stall as an error.

use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::machine::Question;
use super::{ModelNews, News, Situation, TurnMsg, TurnRef};
use crate::limits;
use crate::ports::{LanguageModel, Message, ModelEvent, ModelRequest, ToolSpec, VendorError, VendorErrorKind};
use crate::tasks::{TaskGuard, TaskScope};

const MODEL: &str = "language-model";

/// Said to the model when the conversation ends with Otto's own words: its last reply broke off.
const GO_ON: &str = "Your last reply broke off after the words above. Go on from there and finish it, without repeating any \
                     of it and without mentioning it.";

/// Everything that requests of one call have in common.
pub(super) struct Asker {
    pub(super) model: Arc<dyn LanguageModel>,
    pub(super) instructions: Arc<str>,
    pub(super) situation: Situation,
    pub(super) tools: Arc<[ToolSpec]>,
}

impl Asker {
    fn request(&mut self, mut history: Vec<Message>, guess: Option<String>) -> ModelRequest {
        history.extend(guess.map(Message::User));
        let mut situation = (self.situation)(&history);
        if matches!(history.last(), Some(Message::Assistant { .. })) {
            situation = format!("{situation}\n{GO_ON}");
        }
        ModelRequest {
            instructions: Arc::clone(&self.instructions),
            situation,
            history,
            tools: Arc::clone(&self.tools),
        }
    }

    /// Asks. Dropping the guard cancels.
    pub(super) fn ask(
        &mut self,
        to: &TurnRef,
        question: Question,
        history: Vec<Message>,
        tasks: &TaskScope,
    ) -> TaskGuard {
        let step = question.step;
        let request = self.request(history, question.guess);
        let (model, to) = (Arc::clone(&self.model), to.clone());
        tasks.spawn_guarded(async move {
            let tell = |news| to.cast(TurnMsg::Model(ModelNews { step, news })).is_ok();
            if let Err(error) = listen(model, request, &tell).await {
                tell(News::Event(Err(error)));
            }
        })
    }
}

async fn listen(
    model: Arc<dyn LanguageModel>,
    request: ModelRequest,
    tell: &(impl Fn(News) -> bool + Sync),
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
        if !tell(News::Event(Ok(event_now))) || done {
            return Ok(());
        }
        event = if let Ok(event) = timeout(limits::MODEL_PAUSE_MS, reply.next()).await {
            event
        } else {
            tell(News::Paused);
            let rest = limits::MODEL_STALL_TIMEOUT_MS.saturating_sub(limits::MODEL_PAUSE_MS);
            timeout(rest, reply.next()).await.map_err(stalled)?
        };
    }
    Err(VendorError::new(MODEL, VendorErrorKind::Unreachable, "the reply broke off"))
}
