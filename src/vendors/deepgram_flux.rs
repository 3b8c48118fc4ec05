//! Deepgram's `/v2/listen` (the Flux models) as [`SpeechToText`]: the model itself says when a turn begins and ends, and
//! when it has probably ended. The wire is as in protocols/deepgram-stt.md, section 6.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use otto_actors::limits::{SAMPLES_PER_MS, TURN_SILENCE_MS};
use otto_actors::ports::{SpeechToText, SttEvent, SttInput, SttSession, Transcript, VendorError};
use secrecy::SecretString;
use serde::Deserialize;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

use super::deepgram_stt::{self, CLOSE_STREAM, Envelope, Word, boost, heard, in_band_error, json, seconds};
use super::{Speech, socket};

/// How sure the model must be that a turn has ended; the vendor's default.
const EOT_THRESHOLD: &str = "0.7";
/// How sure it must be to say that a turn has probably ended. Without it no such word comes.
const EAGER_EOT_THRESHOLD: &str = "0.5";
/// Silence that ends a turn however unsure the model is, 500 to 10,000: before Otto's own timer does, or the words of the
/// end would come after a turn that has begun without them.
const EOT_TIMEOUT_MS: u64 = 1_500;
const _: () = assert!(EOT_TIMEOUT_MS >= 500 && (EOT_TIMEOUT_MS as u128) < TURN_SILENCE_MS.as_millis());
/// The model that hears several languages, and the only one that takes hints which.
const MANY_LANGUAGES: &str = "flux-general-multi";
/// Holds the session open while no audio flows: this interface has no KeepAlive message, a text that it does not know
/// may end it, and a socket without any data is closed after about 10 s. 20 ms of mu-law zero are no speech.
const SILENCE: Bytes = Bytes::from_static(&[0xFF; 20 * SAMPLES_PER_MS as usize]);

/// Deepgram's speech-to-text with turns.
pub struct DeepgramFlux {
    url: Url,
    key: SecretString,
}

impl DeepgramFlux {
    /// An adapter for one model, such as `flux-general-en`.
    #[must_use]
    pub fn new(base: &Url, key: SecretString, model: &str, speech: &Speech) -> Self {
        Self { url: listen_url(base, model, speech), key }
    }
}

fn listen_url(base: &Url, model: &str, speech: &Speech) -> Url {
    let mut url = socket::endpoint(base, "v2/listen");
    url.query_pairs_mut()
        .append_pair("model", model)
        .append_pair("encoding", "mulaw")
        .append_pair("sample_rate", "8000")
        .append_pair("eot_threshold", EOT_THRESHOLD)
        .append_pair("eager_eot_threshold", EAGER_EOT_THRESHOLD)
        .append_pair("eot_timeout_ms", &EOT_TIMEOUT_MS.to_string());
    if model == MANY_LANGUAGES {
        url.query_pairs_mut().extend_pairs(speech.languages.iter().map(|language| ("language_hint", language)));
    }
    boost(&mut url, &speech.keyterms);
    url
}

#[async_trait]
impl SpeechToText for DeepgramFlux {
    async fn connect(&self) -> Result<SttSession, VendorError> {
        let inserted = Arc::new(AtomicU64::new(0));
        let so_far = Arc::clone(&inserted);
        let message = move |input| message(input, &inserted);
        let read = move |text: &str| {
            let samples = so_far.load(Ordering::Relaxed);
            Ok(parse(text)?.map(|event| without(event, Duration::from_millis(samples / SAMPLES_PER_MS))))
        };
        deepgram_stt::session(&self.url, &self.key, message, read).await
    }
}

/// The frame for an input. `inserted` counts the samples that are not the caller's.
fn message(input: SttInput, inserted: &AtomicU64) -> Option<Message> {
    match input {
        SttInput::Audio(audio) => heard(audio),
        SttInput::KeepAlive => {
            inserted.fetch_add(SILENCE.len() as u64, Ordering::Relaxed);
            heard(SILENCE)
        }
        SttInput::Finish => Some(Message::Text(CLOSE_STREAM)),
    }
}

/// The vendor counts all audio, the session the caller's alone. When silence was inserted nothing had come for seconds,
/// so all that is said of the audio before has been said.
fn without(event: SttEvent, inserted: Duration) -> SttEvent {
    let SttEvent::Transcript(mut heard) = event else { return event };
    for time in [Some(&mut heard.audio_start), Some(&mut heard.audio_end), heard.last_word_end.as_mut()] {
        time.into_iter().for_each(|time| *time = time.saturating_sub(inserted));
    }
    SttEvent::Transcript(heard)
}

// ---------------------------------------------------------------------------------------------------------------------
// What Deepgram says

#[derive(Deserialize)]
struct TurnInfo {
    event: Option<String>,
    /// The whole turn so far.
    transcript: Option<String>,
    audio_window_start: Option<f64>,
    audio_window_end: Option<f64>,
    words: Option<Vec<Word>>,
}

/// Reads one text message. Messages that are not known say nothing; fields that are missing have their defaults.
///
/// # Errors
/// When the text is not JSON of the documented shape, or is an error of the vendor's.
pub fn parse(text: &str) -> Result<Option<SttEvent>, VendorError> {
    let envelope: Envelope = json(text)?;
    match envelope.kind.as_deref() {
        Some("TurnInfo") => Ok(turn_info(json(text)?)),
        Some("Error") => Err(in_band_error(text)),
        _ => Ok(None),
    }
}

fn turn_info(info: TurnInfo) -> Option<SttEvent> {
    let said = info.transcript.as_deref().is_some_and(|text| !text.trim().is_empty());
    match info.event.as_deref()? {
        "StartOfTurn" if !said => Some(SttEvent::SpeechStarted),
        // Updates come four times a second, in silence too.
        "Update" if !said => Some(SttEvent::Alive),
        "StartOfTurn" | "Update" => Some(SttEvent::Transcript(transcript(info, false))),
        "EagerEndOfTurn" => said.then(|| SttEvent::EagerEndOfTurn(info.transcript.unwrap_or_default())),
        "TurnResumed" => Some(SttEvent::TurnResumed),
        "EndOfTurn" => Some(SttEvent::Transcript(transcript(info, true))),
        _ => None,
    }
}

fn transcript(info: TurnInfo, ended: bool) -> Transcript {
    let time = |value: Option<f64>| value.map_or(Duration::ZERO, seconds);
    Transcript {
        text: info.transcript.unwrap_or_default(),
        is_final: ended,
        speech_final: ended,
        audio_start: time(info.audio_window_start),
        audio_end: time(info.audio_window_end),
        last_word_end: info.words.and_then(|words| words.last()?.end).map(seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::testing::{self, Heard, Say};
    use otto_actors::ports::VendorErrorKind;
    use proptest::prelude::*;

    fn info(event: &str, transcript: &str) -> String {
        format!(
            r#"{{"type":"TurnInfo","request_id":"uuid","sequence_id":7,"event":"{event}","turn_index":0,
            "audio_window_start":1.0,"audio_window_end":2.5,"transcript":"{transcript}",
            "words":[{{"word":"x","confidence":0.9,"start":1.1,"end":2.0}}],"end_of_turn_confidence":0.1}}"#
        )
    }

    fn words(text: &str, ended: bool) -> Option<SttEvent> {
        Some(SttEvent::Transcript(Transcript {
            text: text.into(),
            is_final: ended,
            speech_final: ended,
            audio_start: Duration::from_millis(1_000),
            audio_end: Duration::from_millis(2_500),
            last_word_end: Some(Duration::from_millis(2_000)),
        }))
    }

    #[test]
    fn the_query_is_this_interfaces() {
        let texts = |all: [&str; 2]| all.map(str::to_owned).to_vec();
        let speech = Speech { languages: texts(["en", "es"]), keyterms: texts(["oil change", " "]) };
        for (model, hints) in [("flux-general-en", ""), ("flux-general-multi", "&language_hint=en&language_hint=es")] {
            assert_eq!(
                listen_url(&"wss://h".parse().unwrap(), model, &speech).as_str(),
                format!(
                    "wss://h/v2/listen?model={model}&encoding=mulaw&sample_rate=8000&eot_threshold=0.7&\
                     eager_eot_threshold=0.5&eot_timeout_ms=1500{hints}&keyterm=oil+change"
                )
            );
        }
    }

    #[test]
    fn turns_become_events() {
        for (event, text, expected) in [
            ("StartOfTurn", "", Some(SttEvent::SpeechStarted)),
            ("StartOfTurn", "I", words("I", false)),
            ("Update", "", Some(SttEvent::Alive)),
            ("Update", "I need", words("I need", false)),
            ("EagerEndOfTurn", "I need oil.", Some(SttEvent::EagerEndOfTurn("I need oil.".into()))),
            ("EagerEndOfTurn", "", None),
            ("TurnResumed", "I need oil.", Some(SttEvent::TurnResumed)),
            ("EndOfTurn", "I need oil.", words("I need oil.", true)),
            ("EndOfTurn", "", words("", true)),
            ("Brandnew", "I", None),
        ] {
            assert_eq!(parse(&info(event, text)), Ok(expected), "{event} {text}");
        }
    }

    #[test]
    fn other_messages_say_little() {
        for text in [
            r#"{"type":"Connected","request_id":"uuid","sequence_id":0}"#,
            r#"{"type":"ConfigureSuccess","thresholds":{}}"#,
            r#"{"type":"TurnInfo"}"#,
            "{}",
        ] {
            assert_eq!(parse(text), Ok(None), "{text}");
        }
        let bare = parse(r#"{"type":"TurnInfo","event":"EndOfTurn"}"#);
        let expected = Transcript { is_final: true, speech_final: true, ..Transcript::default() };
        assert_eq!(bare, Ok(Some(SttEvent::Transcript(expected))));
        for (text, kind) in [
            ("null", VendorErrorKind::Protocol),
            (r#"{"type":"TurnInfo","event":7}"#, VendorErrorKind::Protocol),
            (r#"{"type":"Error","code":"X","description":"what the caller said"}"#, VendorErrorKind::Failed),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.kind, kind, "{text}");
            assert!(!error.to_string().contains("caller said"));
        }
    }

    #[test]
    fn inserted_silence_is_not_counted() {
        let inserted = AtomicU64::new(0);
        assert_eq!(message(SttInput::KeepAlive, &inserted), Some(Message::Binary(SILENCE)));
        assert_eq!(inserted.into_inner(), 160);
        let Some(event) = words("x", true) else { panic!() };
        let SttEvent::Transcript(heard) = without(event, Duration::from_millis(1_200)) else { panic!() };
        let expected = (Duration::ZERO, Duration::from_millis(1_300), Some(Duration::from_millis(800)));
        assert_eq!((heard.audio_start, heard.audio_end, heard.last_word_end), expected);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".*") {
            let _ = parse(&text);
        }

        #[test]
        fn any_damage_is_survived(at in 0..250usize, with in any::<char>()) {
            let mut text = info("EndOfTurn", "hello");
            text.replace_range(at..=at, with.encode_utf8(&mut [0; 4]));
            let _ = parse(&text);
        }
    }

    #[tokio::test]
    async fn a_session_speaks_the_wire() {
        let server = testing::socket_server(vec![
            Say::Text(r#"{"type":"Connected","request_id":"uuid","sequence_id":0}"#.into()),
            Say::AfterMessages(3),
            Say::Text(info("EndOfTurn", "hello")),
            Say::Close(1011, "NET-0001"),
        ])
        .await;
        let adapter = DeepgramFlux::new(&server.url, SecretString::from("k"), "flux-general-en", &Speech::default());
        let session = adapter.connect().await.unwrap();
        let events = testing::hear_out(session).await;
        let [Ok(SttEvent::Transcript(heard)), Err(error)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((heard.audio_end, error.kind), (Duration::from_millis(2_480), VendorErrorKind::Failed));
        assert_eq!(
            server.heard().await,
            [
                Heard::Header("Token k".into()),
                Heard::Binary(vec![1, 2, 3]),
                Heard::Binary(vec![0xFF; 160]),
                Heard::Text(r#"{"type":"CloseStream"}"#.into()),
            ]
        );
    }
}
