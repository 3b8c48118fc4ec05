//! The reasoning items of a thinking model, encrypted by the vendor. Those since the caller's last words must go back
//! with the results of the tools; Otto's own history knows nothing of them, so they are kept here by the tool call that
//! came of them. Losing one costs the model its train of thought, never the request.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use otto_actors::ports::{ModelEvent, VendorError};
use serde_json::Value;

use super::stream::Accumulator;
use crate::vendors::openai::reading::Accumulate;

/// Replies whose thoughts are kept, over all calls; a reply's thoughts are needed for the seconds its tools take.
const THOUGHTS_REPLIES: usize = 512;

/// The thoughts of one reply, as request items.
pub(in crate::vendors::openai) type Items = Arc<[Value]>;

/// What was thought before which tool call, the latest last.
#[derive(Default)]
pub(in crate::vendors::openai) struct Thoughts(Mutex<VecDeque<(String, Items)>>);

impl Thoughts {
    fn kept(&self) -> MutexGuard<'_, VecDeque<(String, Items)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, call: String, items: Items) {
        let mut kept = self.kept();
        if kept.len() == THOUGHTS_REPLIES {
            kept.pop_front();
        }
        kept.push_back((call, items));
    }

    /// What was thought before the reply whose first tool call this is.
    pub(super) fn before(&self, call: &str) -> Option<Items> {
        self.kept().iter().rev().find(|(id, _)| id == call).map(|(_, items)| Arc::clone(items))
    }
}

/// An accumulator whose reply's thoughts are kept.
pub(in crate::vendors::openai) struct Thinking {
    reply: Accumulator,
    first_call: Option<String>,
    thoughts: Arc<Thoughts>,
}

impl Thinking {
    pub(in crate::vendors::openai) fn new(thoughts: Arc<Thoughts>) -> Self {
        Self { reply: Accumulator::default(), first_call: None, thoughts }
    }
}

impl Accumulate for Thinking {
    fn chunk(&mut self, data: &str) -> Result<Vec<ModelEvent>, VendorError> {
        let events = self.reply.chunk(data)?;
        let call = events.iter().find_map(|event| match event {
            ModelEvent::ToolCall(call) => Some(&call.id),
            _ => None,
        });
        self.first_call = self.first_call.take().or_else(|| call.cloned());
        if self.reply.is_done()
            && let Some(call) = self.first_call.take()
        {
            let items = self.reply.take_thoughts();
            if !items.is_empty() {
                self.thoughts.keep(call, items.into());
            }
        }
        Ok(events)
    }

    fn end(&mut self) -> Result<Vec<ModelEvent>, VendorError> {
        self.reply.end()
    }

    fn is_done(&self) -> bool {
        self.reply.is_done()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_oldest_thoughts_go_first() {
        let thoughts = Thoughts::default();
        for n in 0..=THOUGHTS_REPLIES {
            thoughts.keep(format!("call_{n}"), vec![json!(n)].into());
        }
        assert_eq!(thoughts.before("call_0"), None);
        assert_eq!(thoughts.before("call_1").as_deref(), Some(&[json!(1)][..]));
    }

    #[test]
    fn thoughts_are_kept_by_the_first_tool_call() {
        let kept = Arc::new(Thoughts::default());
        let mut reply = Thinking::new(Arc::clone(&kept));
        let thought = json!({"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "x", "status": null});
        let call = |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"});
        for (index, item) in [thought, call("a"), call("b")].iter().enumerate() {
            let event = json!({"type": "response.output_item.done", "output_index": index, "item": item});
            reply.chunk(&event.to_string()).unwrap();
        }
        reply.chunk(r#"{"type":"response.completed","response":{}}"#).unwrap();
        let expected = [json!({"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "x"})];
        assert_eq!(kept.before("a").as_deref(), Some(&expected[..]));
        assert_eq!(kept.before("b"), None);
    }
}
