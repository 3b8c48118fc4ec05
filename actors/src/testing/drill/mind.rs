//! The language model of a drill: the built-in dialogue at the pace of a vendor, with faults. It minds what it is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, sleep};

use super::fault::{Lasts, Phase, Thought, What};
use super::stage::Stage;
use crate::dialogue::BuiltInDialogue;
use crate::domain::Shop;
use crate::ports::{
    LanguageModel, Message, ModelEnd, ModelEvent, ModelRequest, ModelStream, VendorError, VendorErrorKind,
};
use crate::testing::ms;

/// Between two words.
const TOKEN_TAKES: Duration = ms(45);
/// Words that come before a fault in mid-stream.
const WORDS_BEFORE: usize = 4;

/// Thinks.
pub(super) struct Mind {
    stage: Stage,
    dialogue: BuiltInDialogue,
    refused_until: Mutex<Option<Instant>>,
}

fn error(kind: VendorErrorKind) -> VendorError {
    VendorError::new("drill-llm", kind, "scripted")
}

impl Mind {
    pub(super) fn new(stage: Stage, shop: Arc<Shop>) -> Self {
        Self { stage, dialogue: BuiltInDialogue::new(shop), refused_until: Mutex::default() }
    }

    fn strikes(&self, meant: impl FnOnce(Thought) -> bool) -> Option<Thought> {
        let What::Model(thought) = self.stage.fault().what else { return None };
        (counts(&self.stage) && self.stage.strikes(|_| meant(thought))).then_some(thought)
    }

    /// The events of a reply, text by the word.
    async fn events(&self, request: ModelRequest) -> Result<Vec<ModelEvent>, VendorError> {
        let mut events = Vec::new();
        let mut whole = self.dialogue.reply(request).await?;
        while let Some(event) = whole.next().await {
            match event? {
                ModelEvent::Text(text) => {
                    events.extend(text.split_inclusive(' ').map(|word| ModelEvent::Text(word.to_owned())));
                }
                other => events.push(other),
            }
        }
        Ok(events)
    }

    async fn primary(&self, request: ModelRequest) -> Result<ModelStream, VendorError> {
        let refused = |until: &Instant| *until > Instant::now();
        if self.refused_until.lock().unwrap().as_ref().is_some_and(refused) {
            self.stage.note("the model refuses: too early");
            return Err(error(VendorErrorKind::RateLimited));
        }
        let events = self.events(request).await?;
        match self.strikes(|thought| !thought.is_late()) {
            Some(thought) => self.early(thought).await,
            None => Ok(self.stream(events)),
        }
    }

    async fn early(&self, thought: Thought) -> Result<ModelStream, VendorError> {
        self.stage.note(format!("the model: {thought:?}"));
        match thought {
            Thought::NoConnection => std::future::pending().await,
            Thought::StallsFirst => {
                sleep(self.stage.pace.connect).await;
                Ok(stream::pending().boxed())
            }
            Thought::RateLimited(pause) => {
                *self.refused_until.lock().unwrap() = Some(Instant::now() + pause);
                Err(VendorError { retry_after: Some(pause), ..error(VendorErrorKind::RateLimited) })
            }
            Thought::NoCredit => Err(error(VendorErrorKind::QuotaExhausted)),
            _ => Err(error(VendorErrorKind::Failed)),
        }
    }

    fn stream(&self, events: Vec<ModelEvent>) -> ModelStream {
        let state = (self.stage.clone(), events.into_iter(), 0_usize, false);
        let first_token = self.stage.pace.first_token;
        let unfold = stream::unfold(state, move |(stage, mut events, count, over)| async move {
            if over {
                return None;
            }
            sleep(if count == 0 { first_token } else { TOKEN_TAKES }).await;
            let next = events.next()?;
            let is_call = matches!(&next, ModelEvent::ToolCall(_));
            let late = is_call || count >= WORDS_BEFORE;
            let What::Model(thought) = stage.fault().what else {
                return Some((Ok(next), (stage, events, count + 1, over)));
            };
            let meant = late && thought.is_late() && is_call == (thought == Thought::CutArguments);
            if !meant || !counts(&stage) || !stage.strikes(|_| true) {
                return Some((Ok(next), (stage, events, count + 1, over)));
            }
            stage.note(format!("the model: {thought:?}"));
            let last = strike(thought, next).await?;
            let over = thought != Thought::CutArguments;
            Some((last, (stage, events, count + 1, over)))
        });
        unfold.boxed()
    }

    /// Every tool call has one result, and every result its call.
    fn minds_the_history(&self, history: &[Message]) {
        let mut results: HashMap<&str, usize> = HashMap::new();
        for message in history {
            match message {
                Message::Assistant { tool_calls, .. } => {
                    for call in tool_calls {
                        if results.insert(&call.id, 0).is_some() {
                            self.stage.wrong("two tool calls of one name in a request");
                        }
                    }
                }
                Message::Tool { tool_call_id, .. } => match results.get_mut(tool_call_id.as_str()) {
                    Some(count) => *count += 1,
                    None => self.stage.wrong("a tool message without a call before it"),
                },
                Message::User(_) => {}
            }
        }
        if results.values().any(|count| *count != 1) {
            self.stage.wrong("a tool call without exactly one result in a request");
        }
    }
}

/// Whether a fault is worth one of its times: what is asked ahead while the caller speaks may never be needed.
fn counts(stage: &Stage) -> bool {
    stage.fault().lasts == Lasts::Always || !stage.caller_speaks()
}

/// What comes instead of an event.
async fn strike(thought: Thought, next: ModelEvent) -> Option<Result<ModelEvent, VendorError>> {
    match (thought, next) {
        (Thought::StallsLater, _) => std::future::pending().await,
        (Thought::FailsLater, _) => Some(Err(error(VendorErrorKind::Failed))),
        (Thought::Truncated, _) => Some(Ok(ModelEvent::Done(ModelEnd { truncated: true, ..ModelEnd::default() }))),
        (Thought::CutArguments, ModelEvent::ToolCall(mut call)) => {
            call.arguments.truncate(call.arguments.len() / 2);
            Some(Ok(ModelEvent::ToolCall(call)))
        }
        _ => None,
    }
}

#[async_trait]
impl LanguageModel for Mind {
    async fn reply(&self, request: ModelRequest) -> Result<ModelStream, VendorError> {
        self.stage.note(format!("the model is asked after {}", last(&request.history)));
        self.minds_the_history(&request.history);
        if !self.stage.caller_speaks() {
            self.stage.reached(Phase::OttoThinks);
        }
        self.primary(request).await
    }
}

/// The end of a history, for the log.
fn last(history: &[Message]) -> String {
    match history.last() {
        Some(Message::User(text)) => format!("{text:?}"),
        Some(Message::Tool { content, .. }) => format!("tool: {content:.90}"),
        Some(Message::Assistant { text, .. }) => format!("its own {text:?}"),
        None => "nothing".into(),
    }
}
