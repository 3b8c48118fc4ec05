//! Media Streams messages: what Twilio sends, and a strict reading of what the engine sends.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::record::Violation;

/// A message of audio without its payload, at most.
const MEDIA_BYTES: usize = 256;

/// A message from the engine.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inbound {
    Media(Bytes),
    Mark(String),
    Clear,
}

/// Numbers and names that every message of a stream carries.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) stream_sid: String,
    sequence: u64,
    chunk: u64,
}

impl Envelope {
    pub(super) fn new(stream_sid: String) -> Self {
        Envelope { stream_sid, sequence: 0, chunk: 0 }
    }

    pub(super) fn connected() -> String {
        json!({"event": "connected", "protocol": "Call", "version": "1.0.0"}).to_string()
    }

    pub(super) fn start(&mut self, account_sid: &str, call_sid: &str, parameters: &[(String, String)]) -> String {
        let parameters: serde_json::Map<String, Value> =
            parameters.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let format = json!({"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1});
        let start = json!({"accountSid": account_sid, "streamSid": self.stream_sid, "callSid": call_sid,
            "tracks": ["inbound"], "mediaFormat": format, "customParameters": parameters});
        self.message("start", start)
    }

    /// Fifty times a second for every caller, so that it is written as text: no field needs escaping.
    pub(super) fn media(&mut self, timestamp_ms: u128, audio: &[u8]) -> String {
        self.chunk += 1;
        self.sequence += 1;
        let Envelope { stream_sid, sequence, chunk } = self;
        let mut message = String::with_capacity(MEDIA_BYTES + audio.len().div_ceil(3) * 4);
        let _ = write!(
            message,
            r#"{{"event":"media","sequenceNumber":"{sequence}","media":{{"track":"inbound","chunk":"{chunk}","timestamp":"{timestamp_ms}","payload":""#
        );
        STANDARD.encode_string(audio, &mut message);
        let _ = write!(message, r#""}},"streamSid":"{stream_sid}"}}"#);
        message
    }

    pub(super) fn dtmf(&mut self, key: char) -> String {
        self.message("dtmf", json!({"track": "inbound_track", "digit": key.to_string()}))
    }

    pub(super) fn mark(&mut self, name: &str) -> String {
        self.message("mark", json!({"name": name}))
    }

    pub(super) fn stop(&mut self, account_sid: &str, call_sid: &str) -> String {
        self.message("stop", json!({"accountSid": account_sid, "callSid": call_sid}))
    }

    /// Reads a text frame of the engine.
    pub(super) fn read(&self, text: &str) -> Result<Inbound, Violation> {
        let message: Value =
            serde_json::from_str(text).map_err(|_| Violation::new("31950", "a text frame that is no JSON"))?;
        let event = message["event"].as_str().unwrap_or_default();
        if !["media", "mark", "clear"].contains(&event) {
            return Err(Violation::new("31951", format!("unknown event {event:?}")));
        }
        if message["streamSid"].as_str() != Some(&self.stream_sid) {
            return Err(Violation::new("31951", format!("{event} with a wrong streamSid")));
        }
        match event {
            "media" => payload(&message).map(Inbound::Media),
            "mark" => {
                let name = message["mark"]["name"].as_str().filter(|name| !name.is_empty());
                name.map(|name| Inbound::Mark(name.to_owned()))
                    .ok_or_else(|| Violation::new("31951", "mark without a name"))
            }
            _ => Ok(Inbound::Clear),
        }
    }

    fn message(&mut self, event: &str, body: Value) -> String {
        self.sequence += 1;
        let sequence = self.sequence.to_string();
        json!({"event": event, "sequenceNumber": sequence, "streamSid": self.stream_sid, event: body}).to_string()
    }
}

fn payload(message: &Value) -> Result<Bytes, Violation> {
    let payload = message["media"]["payload"].as_str();
    let payload = payload.ok_or_else(|| Violation::new("31951", "media without a payload"))?;
    let audio = STANDARD.decode(payload).map_err(|_| Violation::new("31951", "media whose payload is no base64"))?;
    if audio.starts_with(b"RIFF") {
        return Err(Violation::new("31951", "media with a WAV header"));
    }
    Ok(audio.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_the_message_that_twilio_documents() {
        let mut envelope = Envelope::new("MZ1".to_owned());
        envelope.media(0, &[0xFF; 160]);
        let sent: Value = serde_json::from_str(&envelope.media(20, b"abcd")).unwrap();
        let media = json!({"track": "inbound", "chunk": "2", "timestamp": "20", "payload": "YWJjZA=="});
        assert_eq!(sent, json!({"event": "media", "sequenceNumber": "2", "streamSid": "MZ1", "media": media}));
    }
}
