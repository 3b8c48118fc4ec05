//! Text-to-speech whose audio is its text: every character becomes [`SAMPLES_PER_CHAR`] samples of that character, so
//! that what a caller has heard can be read back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::sink;
use tokio::time::Instant;

use super::log::Log;
use super::timed::Timed;
use super::{ms, passing};
use crate::ports::{TextToSpeech, TtsEvent, TtsInput, TtsSession, VendorError};

/// 50 ms of audio a character.
pub(crate) const SAMPLES_PER_CHAR: usize = 400;
const CHARS_PER_CHUNK: usize = 4;
const FIRST_BYTE: Duration = Duration::from_millis(100);
const BETWEEN_CHUNKS: Duration = Duration::from_millis(5);

type Events = Timed<Result<TtsEvent, VendorError>>;

/// What goes wrong, and when.
#[derive(Default)]
pub(crate) struct Faults {
    /// Answers to the next connects, before they succeed.
    pub(crate) refusals: VecDeque<VendorError>,
    /// The session breaks after this many more chunks of audio.
    pub(crate) break_after_chunks: Option<usize>,
    /// Flushes are swallowed.
    pub(crate) mute: bool,
    /// Flushes are answered, and no audio comes.
    pub(crate) hollow: bool,
    /// Chunks come this much slower than usual: by 195 ms, they come no faster than they are played.
    pub(crate) slower: Duration,
    /// `Clear` is answered this late.
    pub(crate) clear_takes: Duration,
    /// Flushes are answered with a warning.
    pub(crate) warns: bool,
    /// Every connect is refused until this is taken back.
    pub(crate) no_socket: Option<VendorError>,
    /// Every request is refused until this is taken back.
    pub(crate) no_requests: Option<VendorError>,
    /// Requests that succeed take this much longer than usual.
    pub(crate) requests_slower: Duration,
}

/// One session's input, with its number and time.
pub(crate) type Given = (usize, Instant, TtsInput);

/// Speaks.
#[derive(Default)]
pub(crate) struct FakeTts {
    pub(crate) faults: Arc<Mutex<Faults>>,
    pub(crate) inputs: Log<Given>,
    pub(crate) connects: Log<Instant>,
    /// Texts of requests.
    pub(crate) requests: Log<String>,
}

impl FakeTts {
    /// All texts that were given, in order.
    pub(crate) fn spoken(&self) -> Vec<String> {
        let text = |(_, _, input): Given| if let TtsInput::Speak(text) = input { Some(text) } else { None };
        self.inputs.all().into_iter().filter_map(text).collect()
    }

    /// The inputs by their names, texts in full.
    pub(crate) fn script(&self) -> Vec<String> {
        let name = |(_, _, input): Given| match input {
            TtsInput::Speak(text) => text,
            TtsInput::Flush => "FLUSH".into(),
            TtsInput::Clear => "CLEAR".into(),
        };
        self.inputs.all().into_iter().map(name).collect()
    }
}

struct Voice {
    number: usize,
    text: String,
    events: Events,
    faults: Arc<Mutex<Faults>>,
    inputs: Log<Given>,
}

impl Voice {
    fn take(&mut self, input: TtsInput) {
        self.inputs.push((self.number, Instant::now(), input.clone()));
        match input {
            TtsInput::Speak(text) => self.text.push_str(&text),
            TtsInput::Flush => self.flush(),
            TtsInput::Clear => {
                self.text.clear();
                self.events.clear();
                self.events.push(Instant::now() + self.faults.lock().unwrap().clear_takes, Ok(TtsEvent::Cleared));
            }
        }
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let mut faults = self.faults.lock().unwrap();
        if faults.warns {
            return self.events.now(Ok(TtsEvent::Warning("too many flushes".into())));
        }
        if faults.hollow {
            return self.events.now(Ok(TtsEvent::Flushed));
        }
        // Nothing to say: nothing comes back.
        if faults.mute || text.is_empty() {
            return;
        }
        let mut due = Instant::now() + FIRST_BYTE;
        due = self.events.last_due().map_or(due, |last| last.max(due));
        for chunk in text.as_bytes().chunks(CHARS_PER_CHUNK) {
            if faults.break_after_chunks == Some(0) {
                faults.break_after_chunks = None;
                return self.events.push(due, Err(passing()));
            }
            faults.break_after_chunks = faults.break_after_chunks.map(|left| left - 1);
            self.events.push(due, Ok(TtsEvent::Audio(sound(chunk))));
            due += BETWEEN_CHUNKS + faults.slower;
        }
        self.events.push(due, Ok(TtsEvent::Flushed));
    }
}

fn sound(text: &[u8]) -> Bytes {
    text.iter().flat_map(|c| std::iter::repeat_n(*c, SAMPLES_PER_CHAR)).collect::<Vec<u8>>().into()
}

#[async_trait]
impl TextToSpeech for FakeTts {
    async fn connect(&self) -> Result<TtsSession, VendorError> {
        self.connects.push(Instant::now());
        tokio::time::sleep(ms(20)).await;
        {
            let mut faults = self.faults.lock().unwrap();
            if let Some(error) = faults.refusals.pop_front().or_else(|| faults.no_socket.clone()) {
                return Err(error);
            }
        }
        let (faults, inputs, events) = (Arc::clone(&self.faults), self.inputs.clone(), Events::default());
        let voice = Voice { number: self.connects.len(), text: String::new(), events: events.clone(), faults, inputs };
        let input = sink::unfold(voice, |mut voice, input| async move {
            voice.take(input);
            Ok(voice)
        });
        Ok(TtsSession { input: Box::pin(input), events: events.stream(()) })
    }

    async fn synthesize(&self, text: &str) -> Result<Bytes, VendorError> {
        self.requests.push(text.to_owned());
        let (refusal, slower) = {
            let faults = self.faults.lock().unwrap();
            (faults.no_requests.clone(), faults.requests_slower)
        };
        tokio::time::sleep(FIRST_BYTE + slower).await;
        refusal.map_or_else(|| Ok(sound(text.as_bytes())), Err)
    }
}
