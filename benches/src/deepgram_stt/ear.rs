//! What the ears of both interfaces have in common: audio in, the vendor's events out, commands and the end of the stream.

use serde_json::Value;

/// Hears one socket's audio, purely: time is counted in samples.
pub(super) trait Ear: Send {
    /// What is said when the socket opens.
    fn greet(&mut self) -> Option<Value>;

    /// Hears some audio; returns the events that it causes, in order.
    fn feed(&mut self, audio: &[u8]) -> Vec<Value>;

    /// Obeys a command; `None` when this interface has no such command.
    fn command(&mut self, message: &Value) -> Option<Vec<Value>>;

    /// The stream has ended: what remains to be said.
    fn finish(&mut self) -> Vec<Value>;

    /// Final transcripts so far, without empty ones.
    fn finals(&self) -> &[String];
}
