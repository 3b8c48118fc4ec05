//! The messages of Twilio's media socket as text: a parser that is pure, so that it can be fuzzed, and writers that
//! only append, since both run fifty times a second for every call.

use std::borrow::Cow;
use std::fmt;

use base64_simd::{AsOut as _, STANDARD, STANDARD_NO_PAD};
use bytes::BytesMut;
use otto_actors::domain::{CallSid, StreamSid};
use otto_actors::limits::MEDIA_MESSAGE_MAX_BYTES;
use otto_actors::ports::{MediaAnomaly, MediaEvent, MediaFrame};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The `<Parameter>` that proves that a stream belongs to a call.
pub const TOKEN_PARAMETER: &str = "token";

/// What one message means.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The first message of a socket; says nothing about the call.
    Connected,
    /// The stream begins; what follows belongs to it.
    Start(Start),
    /// Something for the call, or an anomaly.
    Event(MediaEvent),
    /// Audio that is not the caller's.
    Ignored,
}

/// How a stream introduces itself.
#[derive(PartialEq, Eq)]
pub struct Start {
    /// The account.
    pub account: String,
    /// The call it says it belongs to.
    pub call: CallSid,
    /// Its own name.
    pub stream: StreamSid,
    /// The proof that the webhook put into the document.
    pub token: Option<String>,
    /// Whether its audio is mu-law 8 kHz mono, as was agreed.
    pub is_mulaw_8k: bool,
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Start({}, {})", self.call, self.stream)
    }
}

/// Reads the messages of one socket. It remembers which stream it is.
#[derive(Debug, Default)]
pub struct MediaParser {
    stream: Option<(StreamSid, CallSid)>,
    /// Where audio is decoded. Who has passed it on before the next comes makes this memory last for the whole call.
    audio: BytesMut,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, default, rename = "streamSid")]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    media: Option<WireMedia<'a>>,
    /// Comes once, and would make every other message larger.
    start: Option<Box<WireStart>>,
    dtmf: Option<WireDtmf>,
    mark: Option<WireMark>,
    stop: Option<WireStop>,
}

#[derive(Deserialize)]
struct WireMedia<'a> {
    #[serde(borrow, default)]
    track: Cow<'a, str>,
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStart {
    account_sid: Option<String>,
    stream_sid: Option<String>,
    call_sid: String,
    media_format: Option<WireFormat>,
    custom_parameters: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireFormat {
    encoding: Option<String>,
    sample_rate: Option<Value>,
    channels: Option<Value>,
}

#[derive(Deserialize)]
struct WireDtmf {
    digit: String,
}

#[derive(Deserialize)]
struct WireMark {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStop {
    call_sid: Option<String>,
}

impl MediaParser {
    /// A parser for a socket that has not started yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A parser for a stream that has started.
    #[must_use]
    pub fn started(stream: StreamSid, call: CallSid) -> Self {
        Self { stream: Some((stream, call)), audio: BytesMut::new() }
    }

    /// Reads one text message. Whatever it holds, the answer never carries audio of another stream.
    pub fn parse(&mut self, text: &str) -> Parsed {
        self.read(text).unwrap_or_else(|anomaly| Parsed::Event(MediaEvent::Anomaly(anomaly)))
    }

    fn read(&mut self, text: &str) -> Result<Parsed, MediaAnomaly> {
        if text.len() > MEDIA_MESSAGE_MAX_BYTES {
            return Err(MediaAnomaly::TooLarge);
        }
        // Serde would read a struct from an array, too.
        if !text.trim_start().starts_with('{') {
            return Err(MediaAnomaly::Malformed);
        }
        let wire: Wire<'_> = serde_json::from_str(text).map_err(|_| MediaAnomaly::Malformed)?;
        match &*wire.event {
            "media" => self.media(&wire),
            "mark" => self.mark(wire),
            "dtmf" => self.dtmf(&wire),
            "stop" => self.stop(&wire),
            "start" => self.start(wire),
            "connected" => Ok(Parsed::Connected),
            _ => Err(MediaAnomaly::UnknownEvent),
        }
    }

    /// Whether a message is for this stream.
    fn is_ours(&self, wire: &Wire<'_>) -> Result<(), MediaAnomaly> {
        let (stream, _) = self.stream.as_ref().ok_or(MediaAnomaly::BeforeStart)?;
        match &*wire.stream {
            "" => Err(MediaAnomaly::Malformed),
            sid if sid == stream.as_str() => Ok(()),
            _ => Err(MediaAnomaly::WrongStream),
        }
    }

    fn media(&mut self, wire: &Wire<'_>) -> Result<Parsed, MediaAnomaly> {
        self.is_ours(wire)?;
        let media = wire.media.as_ref().ok_or(MediaAnomaly::Malformed)?;
        if !matches!(&*media.track, "" | "inbound") {
            return Ok(Parsed::Ignored);
        }
        match self.decode(media.payload.as_bytes()) {
            Some(samples @ 1..) => Ok(Parsed::Event(MediaEvent::Audio(self.audio.split_to(samples).freeze()))),
            _ => Err(MediaAnomaly::BadPayload),
        }
    }

    /// Decodes base64 to the beginning of `audio`; how long it is.
    fn decode(&mut self, payload: &[u8]) -> Option<usize> {
        self.audio.resize(STANDARD.estimated_decoded_length(payload.len()), 0);
        let mut decode = |variant: &base64_simd::Base64| Some(variant.decode(payload, self.audio.as_out()).ok()?.len());
        // Twilio pads; whoever imitates it may not.
        decode(&STANDARD).or_else(|| decode(&STANDARD_NO_PAD))
    }

    fn mark(&self, wire: Wire<'_>) -> Result<Parsed, MediaAnomaly> {
        self.is_ours(&wire)?;
        let mark = wire.mark.ok_or(MediaAnomaly::Malformed)?;
        Ok(Parsed::Event(MediaEvent::Mark(mark.name)))
    }

    fn dtmf(&self, wire: &Wire<'_>) -> Result<Parsed, MediaAnomaly> {
        self.is_ours(wire)?;
        let digit = wire.dtmf.as_ref().ok_or(MediaAnomaly::Malformed)?.digit.as_str();
        let mut chars = digit.chars();
        match (chars.next(), chars.next()) {
            (Some(key @ ('0'..='9' | '*' | '#' | 'A'..='D')), None) => Ok(Parsed::Event(MediaEvent::Dtmf(key))),
            _ => Err(MediaAnomaly::Malformed),
        }
    }

    fn stop(&self, wire: &Wire<'_>) -> Result<Parsed, MediaAnomaly> {
        self.is_ours(wire)?;
        let named = wire.stop.as_ref().and_then(|stop| stop.call_sid.as_deref());
        let ours = self.stream.as_ref().map(|(_, call)| call.as_str());
        if named.is_some() && named != ours {
            return Err(MediaAnomaly::WrongStream);
        }
        Ok(Parsed::Event(MediaEvent::Stop))
    }

    fn start(&mut self, wire: Wire<'_>) -> Result<Parsed, MediaAnomaly> {
        if self.stream.is_some() {
            return Err(MediaAnomaly::SecondStart);
        }
        let start = introduction(wire).ok_or(MediaAnomaly::Malformed)?;
        self.stream = Some((start.stream.clone(), start.call.clone()));
        Ok(Parsed::Start(start))
    }
}

fn introduction(wire: Wire<'_>) -> Option<Start> {
    let start = wire.start?;
    let inner = start.stream_sid.as_deref().unwrap_or(&wire.stream);
    // The name is written twice; two different ones are nobody's.
    if !wire.stream.is_empty() && wire.stream != inner {
        return None;
    }
    let token = start.custom_parameters.as_ref().and_then(|params| params.get(TOKEN_PARAMETER)?.as_str());
    Some(Start {
        account: start.account_sid.unwrap_or_default(),
        call: CallSid::parse(&start.call_sid).ok()?,
        stream: StreamSid::parse(inner).ok()?,
        token: token.map(str::to_owned),
        is_mulaw_8k: start.media_format.is_none_or(|format| is_mulaw_8k(&format)),
    })
}

/// What is not said is as agreed.
fn is_mulaw_8k(format: &WireFormat) -> bool {
    let is = |value: &Option<Value>, expected: u64| value.as_ref().is_none_or(|value| number(value) == Some(expected));
    format.encoding.as_deref().is_none_or(|encoding| encoding.eq_ignore_ascii_case("audio/x-mulaw"))
        && is(&format.sample_rate, 8_000)
        && is(&format.channels, 1)
}

/// Twilio writes some numbers as strings.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

// ---------------------------------------------------------------------------------------------------------------------
// To Twilio

/// Writes the messages of one stream.
#[derive(Debug, Clone)]
pub struct MediaWriter {
    audio: String,
    mark: String,
    clear: String,
}

impl MediaWriter {
    /// A writer for a stream. A SID has letters and digits only, so nothing needs to be escaped.
    #[must_use]
    pub fn new(stream: &StreamSid) -> Self {
        let message = |event: &str| format!(r#"{{"event":"{event}","streamSid":"{stream}""#);
        Self {
            audio: message("media") + r#","media":{"payload":""#,
            mark: message("mark") + r#","mark":{"name":"#,
            clear: message("clear") + "}",
        }
    }

    /// The text of one frame.
    #[must_use]
    pub fn write(&self, frame: &MediaFrame) -> String {
        match frame {
            MediaFrame::Audio(audio) => self.write_audio(audio),
            // A string always becomes JSON.
            MediaFrame::Mark(name) => [&self.mark, &*serde_json::to_string(name).unwrap_or_default(), "}}"].concat(),
            MediaFrame::Clear => self.clear.clone(),
        }
    }

    fn write_audio(&self, audio: &[u8]) -> String {
        const END: &str = r#""}}"#;
        let mut text = String::with_capacity(self.audio.len() + audio.len().div_ceil(3) * 4 + END.len());
        text.push_str(&self.audio);
        STANDARD.encode_append(audio, &mut text);
        text.push_str(END);
        text
    }
}

#[cfg(test)]
#[path = "media_tests.rs"]
mod tests;
