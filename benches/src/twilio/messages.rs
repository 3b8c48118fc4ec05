//! Media Streams messages: what Twilio sends, and a strict reading of what the engine sends.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use itoa::Buffer;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::record::Violation;

/// A message from the engine.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inbound {
    Media(Bytes),
    Mark(String),
    Clear,
}

/// A message as the engine writes it.
#[derive(Deserialize)]
struct Incoming<'a> {
    #[serde(borrow, default)]
    event: Cow<'a, str>,
    #[serde(borrow, default, rename = "streamSid")]
    stream_sid: Cow<'a, str>,
    #[serde(borrow)]
    media: Option<Media<'a>>,
    mark: Option<Mark>,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    payload: Option<Text<'a>>,
}

/// Text that is copied only when it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Mark {
    name: Option<String>,
}

/// Numbers and names that every message of a stream carries.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    pub(super) stream_sid: String,
    sequence: u64,
    chunk: u64,
    /// The newest frame and its payload: most frames are like the one before.
    last_audio: Vec<u8>,
    last_payload: String,
}

impl Envelope {
    pub(super) fn new(stream_sid: String) -> Self {
        Envelope { stream_sid, ..Envelope::default() }
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
    pub(super) fn media(&mut self, timestamp_ms: u64, audio: &[u8]) -> String {
        self.chunk += 1;
        self.sequence += 1;
        if audio != self.last_audio {
            self.last_audio = audio.to_vec();
            self.last_payload = STANDARD.encode(audio);
        }
        let (mut sequence, mut chunk, mut timestamp) = (Buffer::new(), Buffer::new(), Buffer::new());
        let parts = [
            r#"{"event":"media","sequenceNumber":""#,
            sequence.format(self.sequence),
            r#"","media":{"track":"inbound","chunk":""#,
            chunk.format(self.chunk),
            r#"","timestamp":""#,
            timestamp.format(timestamp_ms),
            r#"","payload":""#,
            &self.last_payload,
            r#""},"streamSid":""#,
            &self.stream_sid,
            r#""}"#,
        ];
        parts.concat()
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
        let message: Incoming<'_> = serde_json::from_str(text).map_err(|error| {
            if error.is_data() {
                Violation::new("31951", "a message whose fields have wrong types")
            } else {
                Violation::new("31950", "a text frame that is no JSON")
            }
        })?;
        let event = &*message.event;
        if !["media", "mark", "clear"].contains(&event) {
            return Err(Violation::new("31951", format!("unknown event {event:?}")));
        }
        if message.stream_sid != self.stream_sid {
            return Err(Violation::new("31951", format!("{event} with a wrong streamSid")));
        }
        match event {
            "media" => payload(&message).map(Inbound::Media),
            "mark" => {
                let name = message.mark.and_then(|mark| mark.name).filter(|name| !name.is_empty());
                name.map(Inbound::Mark).ok_or_else(|| Violation::new("31951", "mark without a name"))
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

fn payload(message: &Incoming<'_>) -> Result<Bytes, Violation> {
    let payload = message.media.as_ref().and_then(|media| media.payload.as_ref());
    let Text(payload) = payload.ok_or_else(|| Violation::new("31951", "media without a payload"))?;
    let audio = STANDARD.decode(&**payload).map_err(|_| Violation::new("31951", "media whose payload is no base64"))?;
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
        for number in ["2", "3"] {
            let sent: Value = serde_json::from_str(&envelope.media(20, b"abcd")).unwrap();
            let media = json!({"track": "inbound", "chunk": number, "timestamp": "20", "payload": "YWJjZA=="});
            assert_eq!(sent, json!({"event": "media", "sequenceNumber": number, "streamSid": "MZ1", "media": media}));
        }
    }

    #[test]
    fn what_the_engine_writes_is_read_strictly() {
        let envelope = Envelope::new("MZ1".to_owned());
        let read = |text: &str| envelope.read(&text.replace("SID", r#""streamSid":"MZ1""#)).map_err(|error| error.code);
        let audio = |text: &'static [u8]| Ok(Inbound::Media(text.into()));
        let refused = |code: &str| Err(code.to_owned());
        for (text, expected) in [
            (r#"{"event":"media",SID,"media":{"payload":"YWJjZA=="}}"#, audio(b"abcd")),
            (r#"{"event":"media",SID,"media":{"payload":"\/\/\/\/"}}"#, audio(&[0xFF; 3])),
            (r#"{"event":"media",SID,"media":{"payload":""}}"#, audio(b"")),
            (r#"{"event":"mark",SID,"mark":{"name":"a"}}"#, Ok(Inbound::Mark("a".to_owned()))),
            (r#"{"event":"clear",SID}"#, Ok(Inbound::Clear)),
            (r#"{"event":"clear""#, refused("31950")),
            (r#"{"event":"clear","streamSid":"MZ2"}"#, refused("31951")),
            (r#"{"event":"clear"}"#, refused("31951")),
            (r#"{"event":"stop",SID}"#, refused("31951")),
            (r#"{"event":7,SID}"#, refused("31951")),
            (r#"{"event":"mark",SID,"mark":{"name":""}}"#, refused("31951")),
            (r#"{"event":"media",SID,"media":{}}"#, refused("31951")),
            (r#"{"event":"media",SID,"media":{"payload":7}}"#, refused("31951")),
            (r#"{"event":"media",SID,"media":{"payload":"YWJ"}}"#, refused("31951")),
            (r#"{"event":"media",SID,"media":{"payload":"UklGRg=="}}"#, refused("31951")),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
