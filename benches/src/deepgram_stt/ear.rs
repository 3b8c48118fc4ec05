//! What the ears of both interfaces have in common: audio in, the vendor's events out, commands and the end of the stream.

use serde_json::Value;

/// An event for the client.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The message, as JSON.
    pub json: String,
    /// The words in it, when there are any.
    pub transcript: Option<String>,
    /// Whether it says that the speaker has finished.
    pub ends_turn: bool,
}

impl Event {
    /// An event without words.
    pub(super) fn wordless(message: &Value) -> Self {
        Event { json: message.to_string(), transcript: None, ends_turn: false }
    }
}

/// Hears one socket's audio, purely: time is counted in samples.
pub(super) trait Ear: Send {
    /// What is said when the socket opens.
    fn greet(&mut self) -> Option<Event>;

    /// Hears some audio; returns the events that it causes, in order.
    fn feed(&mut self, audio: &[u8]) -> Vec<Event>;

    /// Obeys a command; `None` when this interface has no such command.
    fn command(&mut self, message: &Value) -> Option<Vec<Event>>;

    /// The stream has ended: what remains to be said.
    fn finish(&mut self) -> Vec<Event>;

    /// Final transcripts so far, without empty ones.
    fn finals(&self) -> &[String];
}
