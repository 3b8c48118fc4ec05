//! Deepgram's `/v1/listen` (the Nova models) as [`SpeechToText`]: one socket a call, audio as binary frames, commands
//! as text. The wire is as in protocols/deepgram-stt.md.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use otto_actors::limits::STT_CONNECT_TIMEOUT_MS;
use otto_actors::ports::{SpeechToText, SttEvent, SttInput, SttSession, Transcript, VendorError, VendorErrorKind};
use secrecy::SecretString;
use serde::Deserialize;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use url::Url;

use super::socket::{self, Frame};
use super::{Speech, detail};

pub(super) const VENDOR: &str = "deepgram-stt";
/// Silence after which Deepgram calls an utterance final.
const ENDPOINTING_MS: &str = "300";
/// Gap between words after which Deepgram sends `UtteranceEnd`; 1,000 is the least that it recommends.
const UTTERANCE_END_MS: &str = "1000";
/// The words of a sentence with their times.
const READ_BUFFER_BYTES: usize = 2_048;
/// Words or phrases that may be boosted; the vendor takes 100.
const KEYTERMS_MAX: usize = 100;

/// Must be text frames: as binary they would be taken for audio.
const KEEP_ALIVE: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"KeepAlive"}"#);
pub(super) const CLOSE_STREAM: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"CloseStream"}"#);

/// Deepgram's speech-to-text.
pub struct DeepgramStt {
    url: Url,
    key: SecretString,
}

impl DeepgramStt {
    /// An adapter for one model.
    #[must_use]
    pub fn new(base: &Url, key: SecretString, model: &str, speech: &Speech) -> Self {
        Self { url: listen_url(base, model, speech), key }
    }
}

/// The language that a model of one language listens for: the shop's own.
fn language(speech: &Speech) -> &str {
    match speech.languages.first().map(String::as_str) {
        None | Some("en") => "en-US",
        Some(other) => other,
    }
}

fn listen_url(base: &Url, model: &str, speech: &Speech) -> Url {
    let mut url = socket::endpoint(base, "v1/listen");
    url.query_pairs_mut()
        .append_pair("model", model)
        .append_pair("language", language(speech))
        .append_pair("encoding", "mulaw")
        .append_pair("sample_rate", "8000")
        .append_pair("channels", "1")
        .append_pair("interim_results", "true")
        .append_pair("endpointing", ENDPOINTING_MS)
        .append_pair("utterance_end_ms", UTTERANCE_END_MS)
        .append_pair("vad_events", "true")
        .append_pair("smart_format", "true")
        .append_pair("punctuate", "true");
    // Nova-3 takes phrases, the models before it single words; the wrong parameter is refused.
    if model.starts_with("nova-3") {
        boost(&mut url, &speech.keyterms);
    } else {
        let words = speech.keyterms.iter().flat_map(|term| term.split_whitespace()).take(KEYTERMS_MAX);
        url.query_pairs_mut().extend_pairs(words.map(|word| ("keywords", word)));
    }
    url
}

/// Boosts phrases, on the models that take them.
pub(super) fn boost(url: &mut Url, keyterms: &[String]) {
    let terms = keyterms.iter().map(|term| term.trim()).filter(|term| !term.is_empty());
    url.query_pairs_mut().extend_pairs(terms.take(KEYTERMS_MAX).map(|term| ("keyterm", term)));
}

#[async_trait]
impl SpeechToText for DeepgramStt {
    async fn connect(&self) -> Result<SttSession, VendorError> {
        session(&self.url, &self.key, message, parse).await
    }
}

/// A session on either of Deepgram's interfaces: `message` is the frame for an input, `parse` reads a text message.
pub(super) async fn session(
    url: &Url,
    key: &SecretString,
    message: impl FnMut(SttInput) -> Option<Message> + Send + Unpin + 'static,
    mut parse: impl FnMut(&str) -> Result<Option<SttEvent>, VendorError> + Send + Unpin + 'static,
) -> Result<SttSession, VendorError> {
    let socket = socket::connect(VENDOR, url, key, STT_CONNECT_TIMEOUT_MS, READ_BUFFER_BYTES).await?;
    let (sink, messages) = socket.split();
    let input = socket::Input::new(VENDOR, sink, message);
    let events = socket::events(VENDOR, messages, move |frame| match frame {
        Frame::Text(text) => parse(&text),
        Frame::Binary(_) => Ok(None),
    });
    Ok(SttSession { input: Box::pin(input), events })
}

fn message(input: SttInput) -> Option<Message> {
    match input {
        SttInput::Audio(audio) => heard(audio),
        SttInput::KeepAlive => Some(Message::Text(KEEP_ALIVE)),
        SttInput::Finish => Some(Message::Text(CLOSE_STREAM)),
    }
}

/// The frame for audio. An empty binary frame would end the stream, so there is none for empty audio.
pub(super) fn heard(audio: Bytes) -> Option<Message> {
    (!audio.is_empty()).then_some(Message::Binary(audio))
}

// ---------------------------------------------------------------------------------------------------------------------
// What Deepgram says

/// What every message has.
#[derive(Deserialize)]
pub(super) struct Envelope {
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
}

#[derive(Deserialize)]
struct Results {
    is_final: Option<bool>,
    speech_final: Option<bool>,
    start: Option<f64>,
    duration: Option<f64>,
    channel: Option<Channel>,
}

#[derive(Deserialize)]
struct Channel {
    alternatives: Option<Vec<Alternative>>,
}

#[derive(Deserialize)]
struct Alternative {
    transcript: Option<String>,
    words: Option<Vec<Word>>,
}

#[derive(Deserialize)]
pub(super) struct Word {
    pub(super) end: Option<f64>,
}

#[derive(Deserialize)]
struct InBandError {
    code: Option<String>,
}

/// Reads one text message. Messages that are not known say nothing; fields that are missing have their defaults.
///
/// # Errors
/// When the text is not JSON of the documented shape, or is an error of the vendor's.
pub fn parse(text: &str) -> Result<Option<SttEvent>, VendorError> {
    let envelope: Envelope = json(text)?;
    match envelope.kind.as_deref() {
        Some("Results") => Ok(Some(SttEvent::Transcript(transcript(json(text)?)))),
        Some("SpeechStarted") => Ok(Some(SttEvent::SpeechStarted)),
        Some("UtteranceEnd") => Ok(Some(SttEvent::UtteranceEnd)),
        Some("Error") => Err(in_band_error(text)),
        _ => Ok(None),
    }
}

/// An error that comes as a message. Its description is left out: it may quote what was said.
pub(super) fn in_band_error(text: &str) -> VendorError {
    let code = json::<InBandError>(text).ok().and_then(|error| error.code).unwrap_or_default();
    VendorError::new(VENDOR, VendorErrorKind::Failed, detail(&format!("an error message {code}")))
}

pub(super) fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, VendorError> {
    // The error's own text could quote what the caller said.
    serde_json::from_str(text)
        .map_err(|_| VendorError::new(VENDOR, VendorErrorKind::Protocol, "a message that is not of the known shape"))
}

fn transcript(results: Results) -> Transcript {
    let first = results.channel.and_then(|channel| channel.alternatives?.into_iter().next());
    let (text, words) = first.map_or_else(Default::default, |a| (a.transcript.unwrap_or_default(), a.words));
    let audio_start = results.start.map_or(Duration::ZERO, seconds);
    let speech_final = results.speech_final.unwrap_or(false);
    Transcript {
        text,
        is_final: results.is_final.unwrap_or(false) || speech_final,
        speech_final,
        audio_start,
        audio_end: audio_start.saturating_add(results.duration.map_or(Duration::ZERO, seconds)),
        last_word_end: words.and_then(|words| words.last()?.end).map(seconds),
    }
}

/// Times are clamped to what can be: not below zero and not above a day.
pub(super) fn seconds(value: f64) -> Duration {
    const DAY: f64 = 86_400.0;
    // What is no number stays none when clamped.
    Duration::try_from_secs_f64(value.clamp(0.0, DAY)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::testing::{self, Heard, Say};
    use proptest::prelude::*;

    const RESULTS: &str = r#"{"type":"Results","channel_index":[0,1],"duration":1.98,"start":5.99,"is_final":true,
        "speech_final":true,"from_finalize":false,"channel":{"alternatives":[{"transcript":"hello there",
        "confidence":0.98,"words":[{"word":"hello","start":6.1,"end":6.4,"confidence":0.99,
        "punctuated_word":"Hello"}]}]},
        "metadata":{"request_id":"uuid","model_info":{"name":"..","version":"..","arch":".."},"model_uuid":"uuid"}}"#;

    fn adapter(base: &Url) -> DeepgramStt {
        DeepgramStt::new(base, SecretString::from("k"), "nova-3", &speech(&["en"]))
    }

    fn speech(languages: &[&str]) -> Speech {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        Speech { languages: texts(languages), keyterms: texts(&["oil change", " "]) }
    }

    fn query(model: &str, languages: &[&str]) -> String {
        listen_url(&"wss://h".parse().unwrap(), model, &speech(languages)).query().unwrap().to_owned()
    }

    #[test]
    fn the_query_follows_the_model() {
        assert_eq!(
            query("nova-3", &["en"]),
            "model=nova-3&language=en-US&encoding=mulaw&sample_rate=8000&channels=1&interim_results=true&\
             endpointing=300&utterance_end_ms=1000&vad_events=true&smart_format=true&punctuate=true&keyterm=oil+change"
        );
        assert!(query("nova-2-phonecall", &["en"]).ends_with("&keywords=oil&keywords=change"));
    }

    #[test]
    fn the_query_follows_the_shops_own_language() {
        for (languages, expected) in [(&["en", "es"][..], "en-US"), (&["es", "en"], "es"), (&["pt-BR"], "pt-BR")] {
            let query = query("nova-3", languages);
            assert!(query.contains(&format!("&language={expected}&")), "{languages:?}: {query}");
        }
    }

    #[test]
    fn results_become_transcripts() {
        let Ok(Some(SttEvent::Transcript(transcript))) = parse(RESULTS) else { panic!("no transcript") };
        assert_eq!(transcript.text, "hello there");
        assert!(transcript.is_final && transcript.speech_final);
        assert_eq!(transcript.audio_start, Duration::from_millis(5_990));
        assert_eq!(transcript.audio_end, Duration::from_millis(7_970));
        assert_eq!(transcript.last_word_end, Some(Duration::from_millis(6_400)));
    }

    #[test]
    fn what_is_missing_has_its_default() {
        for text in [
            r#"{"type":"Results"}"#,
            r#"{"type":"Results","start":-3,"duration":-1e300,"channel":{"alternatives":[]}}"#,
            r#"{"type":"Results","is_final":null,"channel":{"alternatives":[{"transcript":"","words":[{}]}]}}"#,
        ] {
            assert_eq!(parse(text), Ok(Some(SttEvent::Transcript(Transcript::default()))), "{text}");
        }
        let late = parse(r#"{"type":"Results","start":1e300,"duration":1e300}"#);
        assert!(matches!(late, Ok(Some(SttEvent::Transcript(_)))));
        assert_eq!(seconds(f64::NAN), Duration::ZERO);
    }

    #[test]
    fn other_messages_say_little() {
        for (text, expected) in [
            (r#"{"type":"SpeechStarted","channel":[0,1],"timestamp":9.54}"#, Some(SttEvent::SpeechStarted)),
            (r#"{"type":"UtteranceEnd","channel":[0,1],"last_word_end":-1}"#, Some(SttEvent::UtteranceEnd)),
            (r#"{"type":"Metadata","request_id":"..","duration":0.0,"channels":0}"#, None),
            (r#"{"type":"Brandnew","channel":7}"#, None),
            (r#"{}"#, None),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        for (text, kind) in [
            ("", VendorErrorKind::Protocol),
            ("null", VendorErrorKind::Protocol),
            (r#"{"type":"Results","start":"soon"}"#, VendorErrorKind::Protocol),
            (r#"{"type":"Error","code":"NET-0000","description":"what the caller said"}"#, VendorErrorKind::Failed),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.kind, kind, "{text}");
            assert!(!error.to_string().contains("caller said"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".*") {
            let _ = parse(&text);
        }

        #[test]
        fn any_damage_is_survived(at in 0..RESULTS.len(), with in any::<char>()) {
            let mut text = RESULTS.to_owned();
            text.replace_range(at..=at, with.encode_utf8(&mut [0; 4]));
            let _ = parse(&text);
        }
    }

    #[tokio::test]
    async fn a_session_speaks_the_wire() {
        let server = testing::socket_server(vec![
            Say::Text(r#"{"type":"SpeechStarted","channel":[0,1],"timestamp":0.1}"#.into()),
            Say::Text(RESULTS.into()),
            Say::AfterMessages(3),
            Say::Close(1000, ""),
        ])
        .await;
        let session = adapter(&server.url).connect().await.unwrap();
        let events = testing::hear_out(session).await;
        assert_eq!(events.len(), 2, "a normal close ends the session without an error: {events:?}");
        assert_eq!(
            server.heard().await,
            [
                Heard::Header("Token k".into()),
                Heard::Binary(vec![1, 2, 3]),
                Heard::Text(r#"{"type":"KeepAlive"}"#.into()),
                Heard::Text(r#"{"type":"CloseStream"}"#.into()),
            ]
        );
    }

    #[tokio::test]
    async fn the_end_of_a_session_has_a_kind() {
        for (end, kind) in [
            (Say::Close(1008, "DATA-0000"), VendorErrorKind::Rejected),
            (Say::Close(1011, "NET-0000"), VendorErrorKind::Failed),
            (Say::Close(1011, "NET-0001"), VendorErrorKind::Failed),
            (Say::Drop, VendorErrorKind::Unreachable),
        ] {
            let server = testing::socket_server(vec![end]).await;
            let mut session = adapter(&server.url).connect().await.unwrap();
            let error = session.events.next().await.unwrap().unwrap_err();
            assert_eq!(error.kind, kind);
            assert!(session.events.next().await.is_none());
        }
    }

    #[tokio::test]
    async fn a_refused_handshake_has_a_kind() {
        for (status, kind) in [
            (400, VendorErrorKind::Rejected),
            (401, VendorErrorKind::Rejected),
            (402, VendorErrorKind::QuotaExhausted),
            (403, VendorErrorKind::Rejected),
            (429, VendorErrorKind::RateLimited),
            (500, VendorErrorKind::Failed),
            (503, VendorErrorKind::Failed),
        ] {
            let answer = testing::Answer::new(status).header("dg-error", "the reason");
            let server = testing::http_server(vec![answer.clone(), answer.header("retry-after", "3")]).await;
            for retry_after in [None, Some(Duration::from_secs(3))] {
                let Err(error) = adapter(&server.url).connect().await else { panic!("{status} must not connect") };
                assert_eq!(error.kind, kind, "{status}");
                assert!(error.detail.contains("the reason"), "{error}");
                assert_eq!(error.retry_after, retry_after);
            }
        }
    }

    #[tokio::test]
    async fn nobody_there_is_unreachable() {
        let base = testing::nobody().await;
        let Err(error) = adapter(&base).connect().await else { panic!("must not connect") };
        assert_eq!(error.kind, VendorErrorKind::Unreachable);
    }
}
