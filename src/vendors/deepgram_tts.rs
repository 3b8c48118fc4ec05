//! Deepgram's `/v1/speak` (the Aura voices) as [`TextToSpeech`]: one WebSocket a call, commands as text frames, mu-law
//! audio as binary frames; `whole` has the same over REST. The wire is as in protocols/deepgram-tts.md.

mod whole;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, stream};
use otto_actors::limits::{TTS_CONNECT_TIMEOUT_MS, TTS_SPEAK_MAX_CHARS};
use otto_actors::ports::{TextToSpeech, TtsEvent, TtsInput, TtsSession, VendorError, VendorErrorKind};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use url::Url;

use self::whole::Rest;
use super::detail;
use super::socket::{self, Frame};

const VENDOR: &str = "deepgram-tts";
/// 400 ms of audio.
const READ_BUFFER_BYTES: usize = 4_096;
const FLUSH: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"Flush"}"#);
const CLEAR: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"Clear"}"#);

/// Deepgram's text-to-speech.
pub struct DeepgramTts {
    url: Url,
    key: SecretString,
    rest: Rest,
}

impl DeepgramTts {
    /// An adapter for one voice, such as `aura-2-asteria-en`.
    #[must_use]
    pub fn new(base: Url, key: SecretString, model: String) -> Self {
        Self { url: speak_url(&base, &model), key, rest: Rest::new(&base, &model) }
    }
}

/// The container is no parameter of the socket: its audio is always raw.
fn speak_url(base: &Url, model: &str) -> Url {
    let mut url = socket::endpoint(base, "v1/speak");
    audio_query(&mut url, model);
    url
}

/// The query of either way to speak: the voice, for the telephone.
fn audio_query(url: &mut Url, model: &str) {
    url.query_pairs_mut()
        .append_pair("model", model)
        .append_pair("encoding", "mulaw")
        .append_pair("sample_rate", "8000");
}

#[async_trait]
impl TextToSpeech for DeepgramTts {
    async fn connect(&self) -> Result<TtsSession, VendorError> {
        let socket = socket::connect(VENDOR, &self.url, &self.key, TTS_CONNECT_TIMEOUT_MS, READ_BUFFER_BYTES).await?;
        let (sink, messages) = socket.split();
        let input = sink
            .sink_map_err(|error| socket::broken(VENDOR, &error))
            .with_flat_map(|input| stream::iter(frames(&input).into_iter().map(Ok)));
        let events = socket::events(VENDOR, messages, |frame| match frame {
            Frame::Binary(audio) if audio.is_empty() => Ok(None),
            Frame::Binary(audio) => Ok(Some(TtsEvent::Audio(audio))),
            Frame::Text(text) => parse(&text),
        });
        Ok(TtsSession { input: Box::pin(input), events })
    }

    async fn synthesize(&self, text: &str) -> Result<Bytes, VendorError> {
        self.rest.synthesize(&self.key, text).await
    }
}

#[derive(Serialize)]
struct Speak<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

fn frames(input: &TtsInput) -> Vec<Message> {
    match input {
        TtsInput::Speak(text) => pieces(text, TTS_SPEAK_MAX_CHARS).into_iter().filter_map(speak).collect(),
        TtsInput::Flush => vec![Message::Text(FLUSH)],
        TtsInput::Clear => vec![Message::Text(CLEAR)],
    }
}

fn speak(text: &str) -> Option<Message> {
    // A struct of two strings always becomes JSON.
    serde_json::to_string(&Speak { kind: "Speak", text }).ok().map(Message::text)
}

/// Cuts text into pieces of at most `max` characters, after white space where there is some. Nothing is lost: the
/// pieces in a row are the text.
fn pieces(text: &str, max: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((limit, _)) = rest.char_indices().nth(max) {
        let cut = rest[..limit].char_indices().rev().find(|(_, c)| c.is_whitespace());
        let (piece, tail) = rest.split_at(cut.map_or(limit, |(at, c)| at + c.len_utf8()));
        pieces.push(piece);
        rest = tail;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// A message of the vendor's. A warning has either pair of fields, by the server's age.
#[derive(Deserialize)]
struct Wire {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    description: Option<String>,
    code: Option<String>,
    warn_msg: Option<String>,
    warn_code: Option<String>,
}

/// Reads one text message. Messages that are not known say nothing.
///
/// # Errors
/// When the text is not JSON of the documented shape.
pub fn parse(text: &str) -> Result<Option<TtsEvent>, VendorError> {
    let wire: Wire = serde_json::from_str(text)
        .map_err(|_| VendorError::new(VENDOR, VendorErrorKind::Protocol, "a message that is not of the known shape"))?;
    Ok(match wire.kind.as_deref() {
        Some("Flushed") => Some(TtsEvent::Flushed),
        Some("Cleared") => Some(TtsEvent::Cleared),
        Some("Warning") => Some(TtsEvent::Warning(warning(wire))),
        Some("Error") => {
            let code = wire.code.unwrap_or_default();
            return Err(VendorError::new(VENDOR, VendorErrorKind::Failed, detail(&format!("an error message {code}"))));
        }
        _ => None,
    })
}

fn warning(wire: Wire) -> String {
    let code = wire.code.or(wire.warn_code).unwrap_or_default();
    let words = wire.description.or(wire.warn_msg).unwrap_or_default();
    detail(format!("{code} {words}").trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::testing::{self, Heard, Say};
    use proptest::prelude::*;

    #[test]
    fn the_query_has_no_container() {
        let url = speak_url(&"wss://h".parse().unwrap(), "aura-2-asteria-en");
        assert_eq!(url.as_str(), "wss://h/v1/speak?model=aura-2-asteria-en&encoding=mulaw&sample_rate=8000");
    }

    #[test]
    fn long_text_is_cut_at_white_space() {
        for (text, expected) in [
            ("", vec![]),
            ("short", vec!["short"]),
            ("one two three", vec!["one two ", "three"]),
            ("abcdefghijklmno", vec!["abcdefghij", "klmno"]),
            ("ééééé ééééé é", vec!["ééééé ", "ééééé é"]),
        ] {
            assert_eq!(pieces(text, 10), expected, "{text}");
        }
    }

    #[test]
    fn messages_are_read_leniently() {
        for (text, expected) in [
            (r#"{"type":"Flushed","sequence_id":0}"#, Some(TtsEvent::Flushed)),
            (r#"{"type":"Cleared","sequence_id":0}"#, Some(TtsEvent::Cleared)),
            (r#"{"type":"Metadata","request_id":"r","model_name":"m"}"#, None),
            (r#"{"type":"Brandnew"}"#, None),
            (r#"{"type":"Warning","description":"slow","code":"W1"}"#, Some(TtsEvent::Warning("W1 slow".into()))),
            (r#"{"type":"Warning","warn_msg":"slow","warn_code":"W1"}"#, Some(TtsEvent::Warning("W1 slow".into()))),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        assert_eq!(parse("junk").unwrap_err().kind, VendorErrorKind::Protocol);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".*") {
            let _ = parse(&text);
        }

        #[test]
        fn pieces_in_a_row_are_the_text(text in "[a-zé \n]{0,80}", max in 1usize..20) {
            let pieces = pieces(&text, max);
            prop_assert_eq!(pieces.concat(), text.as_str());
            prop_assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.chars().count() <= max));
        }
    }

    #[tokio::test]
    async fn a_session_speaks_the_wire() {
        let server = testing::socket_server(vec![
            Say::Text(r#"{"type":"Metadata","request_id":"r"}"#.into()),
            Say::AfterMessages(3),
            Say::Binary(vec![7; 5]),
            Say::Binary(vec![]),
            Say::Text(r#"{"type":"Flushed","sequence_id":0}"#.into()),
            Say::Text(r#"{"type":"Cleared","sequence_id":0}"#.into()),
            Say::Close(1008, "DATA-0001"),
        ])
        .await;
        let adapter = DeepgramTts::new(server.url.clone(), SecretString::from("k"), "aura-2-asteria-en".into());
        let mut session = adapter.connect().await.unwrap();
        for input in [TtsInput::Speak("say \"hi\" ".into()), TtsInput::Flush, TtsInput::Clear] {
            session.input.send(input).await.unwrap();
        }
        let events: Vec<_> = session.events.collect().await;
        let kinds: Vec<_> = events.into_iter().map(|event| event.map_err(|error| error.kind)).collect();
        assert_eq!(
            kinds,
            [
                Ok(TtsEvent::Audio(Bytes::from_static(&[7; 5]))),
                Ok(TtsEvent::Flushed),
                Ok(TtsEvent::Cleared),
                Err(VendorErrorKind::RateLimited),
            ]
        );
        assert_eq!(
            server.heard().await,
            [
                Heard::Header("Token k".into()),
                Heard::Text(r#"{"type":"Speak","text":"say \"hi\" "}"#.into()),
                Heard::Text(r#"{"type":"Flush"}"#.into()),
                Heard::Text(r#"{"type":"Clear"}"#.into()),
            ]
        );
    }

    #[tokio::test]
    async fn text_above_the_limit_goes_in_pieces() {
        let server = testing::socket_server(vec![Say::AfterMessages(2), Say::Close(1000, "")]).await;
        let adapter = DeepgramTts::new(server.url.clone(), SecretString::from("k"), "m".into());
        let mut session = adapter.connect().await.unwrap();
        session.input.send(TtsInput::Speak("word ".repeat(500))).await.unwrap();
        assert!(session.events.next().await.is_none());
        let sizes: Vec<_> = server.heard().await.into_iter().skip(1).collect();
        assert_eq!(sizes.len(), 2);
    }
}
