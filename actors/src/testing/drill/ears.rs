//! Speech-to-text that hears what is in the audio it gets: interims by the word, finals after a pause, times of its own
//! socket. It minds how it is treated: no replay faster than it allows, no silence on the socket.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::sink;
use tokio::time::Instant;

use super::audio::{Decoder, Sound};
use super::fault::What;
use super::stage::Stage;
use crate::ports::{SpeechToText, SttEvent, SttInput, SttSession, Transcript, VendorError, VendorErrorKind};
use crate::testing::ms;
use crate::testing::timed::Timed;

/// Silence after words that makes them final: the `endpointing` that Otto asks for.
const ENDPOINTING_SAMPLES: u64 = 300 * 8;
/// Silence after words that ends an utterance: `utterance_end_ms`.
const UTTERANCE_END_SAMPLES: u64 = 1_000 * 8;
/// Words that go on for so long become final in between.
const LONG_SAMPLES: u64 = 3_000 * 8;
/// Silence without words is reported as no words, this often.
const NO_WORDS_SAMPLES: u64 = 4_000 * 8;
/// How far ahead of 1.25 times real time the audio may be.
const AHEAD: Duration = ms(600);
/// A socket without audio and keep-alives is closed by the vendor.
const IDLE: Duration = Duration::from_secs(10);

type Events = Timed<Result<SttEvent, VendorError>>;

/// The vendor.
#[derive(Clone)]
pub(super) struct Ears {
    stage: Stage,
    /// The latest session.
    live: Arc<Mutex<Option<Live>>>,
}

#[derive(Clone)]
struct Live {
    events: Events,
    stalled: Arc<Mutex<bool>>,
}

fn error(kind: VendorErrorKind, retry_after: Option<Duration>) -> VendorError {
    VendorError { retry_after, ..VendorError::new("drill-stt", kind, "scripted") }
}

impl Ears {
    pub(super) fn new(stage: Stage) -> Self {
        let ears = Self { stage: stage.clone(), live: Arc::default() };
        let live = Arc::clone(&ears.live);
        stage.clone().on_strike(move |what| {
            let Some(live) = live.lock().unwrap().clone() else { return };
            match what {
                What::SttLost(kind) if stage.strikes(|_| true) => live.breaks(error(kind, None)),
                What::SttRefused(..) => live.breaks(error(VendorErrorKind::Unreachable, None)),
                What::SttStalled if stage.strikes(|_| true) => *live.stalled.lock().unwrap() = true,
                _ => {}
            }
        });
        ears
    }
}

impl Live {
    fn breaks(&self, error: VendorError) {
        self.events.clear();
        self.events.now(Err(error));
    }
}

#[async_trait]
impl SpeechToText for Ears {
    async fn connect(&self) -> Result<SttSession, VendorError> {
        tokio::time::sleep(self.stage.pace.connect).await;
        if let What::SttRefused(kind, retry_after) = self.stage.fault().what
            && self.stage.strikes(|_| true)
        {
            self.stage.note("speech-to-text refuses");
            return Err(error(kind, retry_after));
        }
        self.stage.note("speech-to-text connects");
        let (events, stalled) = (Events::default(), Arc::default());
        let live = Live { events: events.clone(), stalled };
        if self.stage.strikes(|what| what == What::SttStalled) {
            *live.stalled.lock().unwrap() = true;
        }
        if let What::SttLost(kind) = self.stage.fault().what
            && self.stage.strikes(|_| true)
        {
            live.events.push(Instant::now() + ms(500), Err(error(kind, None)));
        }
        *self.live.lock().unwrap() = Some(live.clone());
        let hearing = Hearing::new(self.stage.clone(), live);
        let input = sink::unfold(hearing, |mut hearing, input| async move {
            hearing.take(input);
            Ok(hearing)
        });
        Ok(SttSession { input: Box::pin(input), events: events.stream(()) })
    }
}

/// One session. Positions count its samples.
struct Hearing {
    stage: Stage,
    live: Live,
    opened: Instant,
    last_input: Instant,
    decoder: Decoder,
    position: u64,
    /// Samples by which the audio is ahead of the speed limit.
    ahead_since: Instant,
    ahead: Duration,
    words: Vec<String>,
    word: String,
    /// Where the words that are not final yet begin, and where the last word ended.
    begins: u64,
    last_end: u64,
    quiet: u64,
    utterance_open: bool,
}

fn at(samples: u64) -> Duration {
    Duration::from_micros(samples * 125)
}

impl Hearing {
    fn new(stage: Stage, live: Live) -> Self {
        let now = Instant::now();
        Self {
            stage,
            live,
            opened: now,
            last_input: now,
            decoder: Decoder::default(),
            position: 0,
            ahead_since: now,
            ahead: Duration::ZERO,
            words: Vec::new(),
            word: String::new(),
            begins: 0,
            last_end: 0,
            quiet: 0,
            utterance_open: false,
        }
    }

    fn take(&mut self, input: SttInput) {
        let now = Instant::now();
        if now.duration_since(self.last_input) > IDLE {
            self.stage.wrong("the speech-to-text socket was left idle");
            self.live.breaks(error(VendorErrorKind::Failed, None));
        }
        self.last_input = now;
        if let SttInput::Audio(audio) = input {
            self.minds_the_speed(&audio, now);
            self.hear(&audio);
        }
    }

    fn minds_the_speed(&mut self, audio: &Bytes, now: Instant) {
        let allowed = now.duration_since(self.ahead_since) * 5 / 4;
        self.ahead_since = now;
        let before = self.ahead;
        self.ahead = self.ahead.saturating_sub(allowed) + at(audio.len() as u64);
        if self.ahead > AHEAD && before <= AHEAD {
            self.stage.wrong(format!("audio was replayed too fast, {:?} after connecting", self.opened.elapsed()));
        }
    }

    fn hear(&mut self, audio: &[u8]) {
        let mut decoder = std::mem::take(&mut self.decoder);
        for (samples, sound) in decoder.decode(audio) {
            self.position += samples as u64;
            match sound {
                Sound::Char(' ') => self.word_ends(),
                Sound::Char(c) => self.letter(c),
                Sound::Same => {}
                Sound::Silence => self.silence(samples as u64),
            }
        }
        self.decoder = decoder;
    }

    fn letter(&mut self, c: char) {
        if self.words.is_empty() && self.word.is_empty() {
            self.begins = self.position;
            self.says(SttEvent::SpeechStarted);
        }
        self.quiet = 0;
        self.utterance_open = true;
        self.word.push(c);
    }

    fn word_ends(&mut self) {
        if self.word.is_empty() {
            return;
        }
        self.words.push(std::mem::take(&mut self.word));
        self.last_end = self.position;
        let long = self.position - self.begins > LONG_SAMPLES;
        self.transcript(long, false);
    }

    fn silence(&mut self, samples: u64) {
        self.word_ends();
        let before = self.quiet;
        self.quiet += samples;
        let passes = |limit: u64| before < limit && self.quiet >= limit;
        let (endpoint, end) = (passes(ENDPOINTING_SAMPLES), passes(UTTERANCE_END_SAMPLES));
        if endpoint && self.utterance_open {
            self.transcript(true, true);
        }
        if end && std::mem::take(&mut self.utterance_open) {
            self.says(SttEvent::UtteranceEnd);
        }
        if before / NO_WORDS_SAMPLES < self.quiet / NO_WORDS_SAMPLES {
            self.transcript(true, false);
        }
    }

    fn transcript(&mut self, is_final: bool, speech_final: bool) {
        let words = Transcript {
            text: self.words.join(" "),
            is_final,
            speech_final,
            audio_start: at(self.begins),
            audio_end: at(self.position),
            last_word_end: Some(at(self.last_end)),
        };
        if is_final {
            self.words.clear();
            self.begins = self.position;
        }
        self.says(SttEvent::Transcript(words));
    }

    fn says(&self, event: SttEvent) {
        if *self.live.stalled.lock().unwrap() {
            return;
        }
        if let SttEvent::Transcript(words) = &event
            && (words.speech_final || !words.text.is_empty() && words.is_final)
        {
            self.stage.note(format!("speech-to-text: {:?}{}", words.text, if words.speech_final { " |" } else { "" }));
        }
        self.live.events.push(Instant::now() + self.stage.pace.recognition, Ok(event));
    }
}
