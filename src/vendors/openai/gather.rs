//! What a reply gathers in either wire format, and the limits on it: text goes out at once, tool calls when the reply is
//! whole. Pure.

use std::collections::{BTreeMap, BTreeSet};

use otto_actors::ports::{ModelEvent, ToolCall, VendorError};
use uuid::Uuid;

use super::errors::protocol;

/// Text of one reply that is taken, in bytes.
pub(super) const TEXT_MAX_BYTES: usize = 64 * 1024;
/// Arguments of all tool calls of one reply that are taken, in bytes.
pub(super) const ARGUMENTS_MAX_BYTES: usize = 64 * 1024;
/// Tool calls of one reply that are taken; the router refuses far fewer.
pub(super) const TOOL_CALLS_MAX: usize = 64;
/// Names and ids are at most this long, in bytes.
const NAME_MAX_BYTES: usize = 256;
/// Longest id that every interface takes back, in bytes: the Responses interface refuses more.
const ID_MAX_BYTES: usize = 64;

/// The text and the tool calls of a reply so far. Calls are keyed by the index that the vendor gives them.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    text_bytes: usize,
    arguments_bytes: usize,
    calls: BTreeMap<u64, ToolCall>,
}

impl Gathered {
    /// Some more text; `None` when it is empty.
    pub(super) fn text(&mut self, text: String) -> Result<Option<ModelEvent>, VendorError> {
        self.text_bytes += text.len();
        within(self.text_bytes, TEXT_MAX_BYTES, "the reply is too long")?;
        Ok((!text.is_empty()).then_some(ModelEvent::Text(text)))
    }

    /// The id and the name of a call. They come whole and once; a server that repeats them changes nothing.
    pub(super) fn name(&mut self, index: u64, id: Option<String>, name: Option<String>) -> Result<(), VendorError> {
        let call = self.call(index);
        set_once(&mut call.id, id);
        set_once(&mut call.name, name);
        within(call.id.len().max(call.name.len()), NAME_MAX_BYTES, "a tool call's name is too long")?;
        within(self.calls.len(), TOOL_CALLS_MAX, "too many tool calls")
    }

    /// Some more of a call's arguments.
    pub(super) fn arguments(&mut self, index: u64, more: &str) -> Result<(), VendorError> {
        self.call(index).arguments.push_str(more);
        self.arguments_bytes += more.len();
        within(self.arguments_bytes, ARGUMENTS_MAX_BYTES, "the arguments are too long")?;
        within(self.calls.len(), TOOL_CALLS_MAX, "too many tool calls")
    }

    /// A call's arguments as a whole, in place of what came in pieces.
    pub(super) fn whole_arguments(&mut self, index: u64, whole: &str) -> Result<(), VendorError> {
        let pieces = std::mem::take(&mut self.call(index).arguments);
        self.arguments_bytes -= pieces.len();
        self.arguments(index, whole)
    }

    fn call(&mut self, index: u64) -> &mut ToolCall {
        self.calls.entry(index).or_insert_with(|| ToolCall {
            id: String::new(),
            name: String::new(),
            arguments: String::new(),
        })
    }

    /// The index of the call with this id.
    pub(super) fn index_of(&self, id: &str) -> Option<u64> {
        self.calls.iter().find(|(_, call)| call.id == id).map(|(index, _)| *index)
    }

    /// An index after all others.
    pub(super) fn next_index(&self) -> u64 {
        self.calls.keys().next_back().map_or(0, |last| last.saturating_add(1))
    }

    /// Drops the calls: the reply was cut, so their arguments are not to be trusted.
    pub(super) fn drop_calls(&mut self) {
        self.calls.clear();
    }

    /// The calls of a whole reply, in the vendor's order.
    pub(super) fn take_calls(&mut self) -> Result<Vec<ToolCall>, VendorError> {
        let mut ids = BTreeSet::new();
        let mut calls = Vec::with_capacity(self.calls.len());
        for (index, mut call) in std::mem::take(&mut self.calls) {
            if call.name.is_empty() {
                return Err(protocol("a tool call without a name"));
            }
            // The id is the identity of the call's effect, so it must be one's own; and it goes back to the vendor.
            if call.id.is_empty() || call.id.len() > ID_MAX_BYTES || ids.contains(&call.id) {
                call.id = format!("call_{index}_{}", Uuid::new_v4().simple());
            }
            ids.insert(call.id.clone());
            // A tool without arguments may come with none at all; what goes back must be JSON.
            if call.arguments.trim().is_empty() {
                "{}".clone_into(&mut call.arguments);
            }
            calls.push(call);
        }
        Ok(calls)
    }
}

/// The arguments of an earlier call as they go back: servers read them as JSON, whatever the model had written.
pub(super) fn readable(arguments: &str) -> &str {
    let is_object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(arguments).is_ok();
    if is_object { arguments } else { "{}" }
}

fn set_once(field: &mut String, value: Option<String>) {
    if field.is_empty() {
        *field = value.unwrap_or_default();
    }
}

fn within(size: usize, max: usize, text: &'static str) -> Result<(), VendorError> {
    if size > max { Err(protocol(text)) } else { Ok(()) }
}
