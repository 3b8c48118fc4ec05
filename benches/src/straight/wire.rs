//! The messages of the straight-line program, read and written: pure, and no more of each than moving audio needs.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

/// Samples between two marks, as the engine sets them.
const MARK_EVERY_SAMPLES: u64 = 8_000;

/// What a message of Twilio's means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FromTwilio {
    /// The stream begins; its name.
    Start(String),
    /// The caller's voice.
    Audio(Vec<u8>),
    /// Otto's audio has been played up to this mark.
    Mark(u64),
    /// The stream is over.
    Stop,
    /// Nothing that matters here.
    Other,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, default, rename = "streamSid")]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    media: Option<Media<'a>>,
    #[serde(borrow)]
    mark: Option<Mark<'a>>,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Mark<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// Reads a message of the media socket.
pub(super) fn from_twilio(text: &str) -> FromTwilio {
    let Ok(message) = serde_json::from_str::<Message<'_>>(text) else { return FromTwilio::Other };
    let read = match &*message.event {
        "media" => message.media.and_then(|media| STANDARD.decode(&*media.payload).ok()).map(FromTwilio::Audio),
        "mark" => message.mark.and_then(|mark| mark.name.parse().ok()).map(FromTwilio::Mark),
        "start" => Some(FromTwilio::Start(message.stream.into_owned())),
        "stop" => Some(FromTwilio::Stop),
        _ => None,
    };
    read.unwrap_or(FromTwilio::Other)
}

/// Writes the messages of one media stream, and knows how far Otto was heard.
#[derive(Debug, Default)]
pub(super) struct ToTwilio {
    media: String,
    mark: String,
    clear: String,
    /// Samples since the last mark.
    unmarked: u64,
    /// Marks that were sent, by number; and the last that came back.
    marks: (u64, u64),
}

impl ToTwilio {
    /// A writer for a stream, whose name needs no escaping.
    pub(super) fn new(stream: &str) -> Self {
        let message = |event: &str| format!(r#"{{"event":"{event}","streamSid":"{stream}""#);
        ToTwilio {
            media: message("media") + r#","media":{"payload":""#,
            mark: message("mark") + r#","mark":{"name":""#,
            clear: message("clear") + "}",
            ..ToTwilio::default()
        }
    }

    /// A message of audio.
    pub(super) fn audio(&mut self, audio: &[u8]) -> String {
        self.unmarked += audio.len() as u64;
        let mut text = String::with_capacity(self.media.len() + audio.len().div_ceil(3) * 4 + 3);
        text.push_str(&self.media);
        STANDARD.encode_string(audio, &mut text);
        text.push_str(r#""}}"#);
        text
    }

    /// Whether so much audio was written that a mark should follow.
    pub(super) fn wants_mark(&self) -> bool {
        self.unmarked >= MARK_EVERY_SAMPLES
    }

    /// A mark.
    pub(super) fn mark(&mut self) -> String {
        self.unmarked = 0;
        self.marks.0 += 1;
        format!(r#"{}{}"}}}}"#, self.mark, self.marks.0)
    }

    /// The message that forgets what was not played; nothing is waited for any more.
    pub(super) fn clear(&mut self) -> String {
        self.unmarked = 0;
        self.marks.1 = self.marks.0;
        self.clear.clone()
    }

    /// A mark came back.
    pub(super) fn played(&mut self, mark: u64) {
        self.marks.1 = self.marks.1.max(mark);
    }

    /// Whether all that was written has been played.
    pub(super) fn is_silent(&self) -> bool {
        self.marks.0 == self.marks.1 && self.unmarked == 0
    }
}

/// What the recogniser says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) text: String,
    pub(super) is_final: bool,
    /// The caller has finished.
    pub(super) is_end: bool,
}

#[derive(Deserialize)]
struct Results<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    is_final: bool,
    #[serde(default)]
    speech_final: bool,
    channel: Option<Channel>,
}

#[derive(Deserialize)]
struct Channel {
    alternatives: Vec<Alternative>,
}

#[derive(Deserialize)]
struct Alternative {
    transcript: String,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

/// Reads a message of the recogniser's; `None` for one without a transcript. The channel of other messages is a list.
pub(super) fn heard(text: &str) -> Option<Heard> {
    let results: Results<'_> = serde_json::from_str(text).ok().filter(|r: &Results<'_>| r.kind == "Results")?;
    let first = results.channel?.alternatives.into_iter().next()?;
    Some(Heard { text: first.transcript, is_final: results.is_final, is_end: results.speech_final })
}

/// The kind of a message of the voice's.
pub(super) fn voice_kind(text: &str) -> String {
    serde_json::from_str::<Kind<'_>>(text).map(|kind| kind.kind.into_owned()).unwrap_or_default()
}

/// A message for the voice that speaks a text.
pub(super) fn speak(text: &str) -> String {
    json!({"type": "Speak", "text": text}).to_string()
}

/// One chunk of a model's reply.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) text: String,
    /// The model called a tool; the one that it has here ends the call.
    pub(super) ends_call: bool,
    pub(super) is_last: bool,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    tool_calls: Option<Vec<serde::de::IgnoredAny>>,
}

/// Reads the data of one server-sent event of `/chat/completions`.
pub(super) fn said(data: &str) -> Said {
    let chunk = serde_json::from_str::<Chunk>(data).unwrap_or(Chunk { choices: Vec::new() });
    let mut said = Said::default();
    for Choice { delta, finish_reason } in chunk.choices {
        said.is_last |= finish_reason.is_some();
        let Some(delta) = delta else { continue };
        said.text.push_str(delta.content.as_deref().unwrap_or_default());
        said.ends_call |= delta.tool_calls.is_some_and(|calls| !calls.is_empty());
    }
    said
}

/// Takes a piece that can be spoken from the text of a reply: the first clause at once, then whole sentences.
pub(super) fn piece(text: &mut String, is_first: bool) -> Option<String> {
    let ends = |(at, c): (usize, char)| {
        let marks: &[char] = if is_first { &['.', '!', '?', ',', ';', ':'] } else { &['.', '!', '?'] };
        (c.is_whitespace() && text[..at].ends_with(marks)).then(|| at + c.len_utf8())
    };
    let end = text.char_indices().find_map(ends)?;
    let rest = text.split_off(end);
    Some(std::mem::replace(text, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn messages_of_twilio_are_read() {
        let audio = vec![7; 160];
        let media = json!({"event": "media", "streamSid": "MZ1", "media": {"payload": STANDARD.encode(&audio)}});
        for (text, expected) in [
            (media.to_string(), FromTwilio::Audio(audio)),
            (r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"12"}}"#.into(), FromTwilio::Mark(12)),
            (
                r#"{"event":"start","streamSid":"MZ1","start":{"callSid":"CA1"}}"#.into(),
                FromTwilio::Start("MZ1".into()),
            ),
            (r#"{"event":"stop","streamSid":"MZ1"}"#.into(), FromTwilio::Stop),
            (r#"{"event":"connected"}"#.into(), FromTwilio::Other),
            ("junk".into(), FromTwilio::Other),
        ] {
            assert_eq!(from_twilio(&text), expected, "{text}");
        }
    }

    #[test]
    fn otto_is_heard_until_the_last_mark_is_back() {
        let written = |text: String| serde_json::from_str::<Value>(&text).unwrap();
        let mark = |name: &str| json!({"event": "mark", "streamSid": "MZ1", "mark": {"name": name}});
        let mut out = ToTwilio::new("MZ1");
        assert!(out.is_silent());
        let audio = json!({"event": "media", "streamSid": "MZ1", "media": {"payload": STANDARD.encode([1; 8_000])}});
        assert_eq!(written(out.audio(&[1; 8_000])), audio);
        assert!(out.wants_mark() && !out.is_silent());
        assert_eq!(written(out.mark()), mark("1"));
        assert!(!out.wants_mark() && !out.is_silent());
        out.mark();
        out.played(1);
        assert!(!out.is_silent());
        out.played(2);
        assert!(out.is_silent());
        assert_eq!(written(out.mark()), mark("3"));
        assert_eq!(written(out.clear()), json!({"event": "clear", "streamSid": "MZ1"}));
        assert!(out.is_silent());
    }

    #[test]
    fn the_recogniser_the_voice_and_the_model_are_read() {
        let results = r#"{"type":"Results","is_final":true,"speech_final":false,"duration":1.2,
            "channel":{"alternatives":[{"transcript":"hello","words":[]}]}}"#;
        assert_eq!(heard(results), Some(Heard { text: "hello".into(), is_final: true, is_end: false }));
        assert_eq!(heard(r#"{"type":"SpeechStarted","channel":[0,1],"timestamp":1.0}"#), None);
        assert_eq!(voice_kind(r#"{"type":"Flushed","sequence_id":0}"#), "Flushed");
        let text = |text: &str| Said { text: text.into(), ..Said::default() };
        for (data, expected) in [
            (r#"{"choices":[{"index":0,"delta":{"content":"Hi "},"finish_reason":null}]}"#, text("Hi ")),
            (
                r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c"}]}}]}"#,
                Said { ends_call: true, ..Said::default() },
            ),
            (r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, Said { is_last: true, ..Said::default() }),
            ("[DONE]", Said::default()),
        ] {
            assert_eq!(said(data), expected, "{data}");
        }
    }

    #[test]
    fn a_reply_is_cut_where_it_can_be_spoken() {
        let mut text = "We do oil, and brakes, too. Or".to_owned();
        assert_eq!(piece(&mut text, true).as_deref(), Some("We do oil, "));
        assert_eq!(piece(&mut text, false).as_deref(), Some("and brakes, too. "));
        assert_eq!((piece(&mut text, false), text.as_str()), (None, "Or"));
    }
}
