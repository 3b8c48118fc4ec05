//! Text-to-speech that speaks three times as fast as it sounds: whole sentences of its own accord when enough is there,
//! the rest at a flush.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::sink;
use tokio::time::Instant;

use super::audio::{Encoder, SAMPLES_PER_CHAR};
use super::fault::What;
use super::stage::Stage;
use crate::ports::{TextToSpeech, TtsEvent, TtsInput, TtsSession, VendorError, VendorErrorKind};
use crate::testing::ms;
use crate::testing::timed::Timed;

/// Text that is there before the vendor speaks whole sentences of its own accord.
const EAGER_CHARS: usize = 50;
const CHUNK_SAMPLES: usize = 4 * SAMPLES_PER_CHAR;
/// A chunk sounds for 260 ms.
const CHUNK_TAKES: Duration = ms(85);
/// A whole text over REST.
const REST_TAKES: Duration = ms(400);
/// Flushes that the vendor allows in a minute.
const FLUSHES: usize = 20;

type Events = Timed<Result<TtsEvent, VendorError>>;

/// The vendor.
#[derive(Clone)]
pub(super) struct Voice {
    stage: Stage,
    encoder: Arc<Mutex<Encoder>>,
    /// The latest session.
    live: Arc<Mutex<Option<Live>>>,
}

#[derive(Clone)]
struct Live {
    events: Events,
    stalled: Arc<Mutex<bool>>,
}

fn error(kind: VendorErrorKind) -> VendorError {
    VendorError::new("drill-tts", kind, "scripted")
}

impl Voice {
    pub(super) fn new(stage: Stage) -> Self {
        let voice = Self { stage: stage.clone(), encoder: Arc::default(), live: Arc::default() };
        let live = Arc::clone(&voice.live);
        stage.clone().on_strike(move |what| {
            let Some(live) = live.lock().unwrap().clone() else { return };
            match what {
                What::TtsLost if stage.strikes(|_| true) => live.breaks(),
                What::TtsRefused(_) | What::TtsAway => live.breaks(),
                What::TtsStalled if stage.strikes(|_| true) => live.stalls(),
                _ => {}
            }
        });
        voice
    }
}

impl Live {
    fn breaks(&self) {
        self.events.clear();
        self.events.now(Err(error(VendorErrorKind::Unreachable)));
    }

    fn stalls(&self) {
        self.events.clear();
        *self.stalled.lock().unwrap() = true;
    }
}

#[async_trait]
impl TextToSpeech for Voice {
    async fn connect(&self) -> Result<TtsSession, VendorError> {
        tokio::time::sleep(self.stage.pace.connect).await;
        let refusal = match self.stage.fault().what {
            What::TtsRefused(kind) => Some(kind),
            What::TtsAway => Some(VendorErrorKind::Unreachable),
            _ => None,
        };
        if let Some(kind) = refusal
            && self.stage.strikes(|_| true)
        {
            self.stage.note("text-to-speech refuses");
            return Err(error(kind));
        }
        self.stage.note("text-to-speech connects");
        let live = Live { events: Events::default(), stalled: Arc::default() };
        if self.stage.strikes(|what| what == What::TtsStalled) {
            live.stalls();
        }
        if self.stage.strikes(|what| what == What::TtsLost) {
            live.events.push(Instant::now() + ms(500), Err(error(VendorErrorKind::Unreachable)));
        }
        *self.live.lock().unwrap() = Some(live.clone());
        let events = live.events.stream(());
        let speaking = Speaking {
            stage: self.stage.clone(),
            encoder: Arc::clone(&self.encoder),
            live,
            text: String::new(),
            flushes: Vec::new(),
        };
        let input = sink::unfold(speaking, |mut speaking, input| async move {
            speaking.take(input);
            Ok(speaking)
        });
        Ok(TtsSession { input: Box::pin(input), events })
    }

    async fn synthesize(&self, text: &str) -> Result<Bytes, VendorError> {
        tokio::time::sleep(REST_TAKES).await;
        if self.stage.strikes(|what| what == What::TtsAway) {
            return Err(error(VendorErrorKind::Unreachable));
        }
        self.stage.note(format!("text-to-speech over REST: {text:?}"));
        Ok(self.encoder.lock().unwrap().encode(text.trim()))
    }
}

/// One session.
struct Speaking {
    stage: Stage,
    encoder: Arc<Mutex<Encoder>>,
    live: Live,
    text: String,
    flushes: Vec<Instant>,
}

impl Speaking {
    fn take(&mut self, input: TtsInput) {
        if *self.live.stalled.lock().unwrap() {
            return;
        }
        match input {
            TtsInput::Speak(text) => self.speak(&text),
            TtsInput::Flush => self.flush(),
            TtsInput::Clear => {
                self.text.clear();
                self.live.events.clear();
                self.live.events.push(Instant::now() + ms(30), Ok(TtsEvent::Cleared));
            }
        }
    }

    fn speak(&mut self, text: &str) {
        self.text.push_str(text);
        if self.text.len() >= EAGER_CHARS
            && let Some(end) = self.text.rfind(['.', '!', '?'])
        {
            let rest = self.text.split_off(end + 1);
            let sentences = std::mem::replace(&mut self.text, rest);
            self.sound(&sentences);
        }
    }

    fn flush(&mut self) {
        let now = Instant::now();
        self.flushes.retain(|at| now.duration_since(*at) < Duration::from_secs(60));
        self.flushes.push(now);
        let text = std::mem::take(&mut self.text);
        if self.flushes.len() > FLUSHES || self.stage.strikes(|what| what == What::TtsWarns) {
            self.stage.note(format!("text-to-speech warns instead of {text:?}"));
            return self.live.events.push(self.free_at(), Ok(TtsEvent::Warning("flush limit reached".into())));
        }
        // A flush of nothing is not answered.
        if !text.is_empty() {
            self.sound(&text);
        }
        if !text.is_empty() || self.live.events.last_due().is_some() {
            self.live.events.push(self.free_at(), Ok(TtsEvent::Flushed));
        }
    }

    /// When what was given before is done.
    fn free_at(&self) -> Instant {
        self.live.events.last_due().unwrap_or_else(Instant::now).max(Instant::now())
    }

    fn sound(&mut self, text: &str) {
        let mut audio = self.encoder.lock().unwrap().encode(text);
        let mut due = self.live.events.last_due().map_or(Instant::now() + self.stage.pace.first_byte, |last| last);
        while !audio.is_empty() {
            let chunk = audio.split_to(CHUNK_SAMPLES.min(audio.len()));
            self.live.events.push(due, Ok(TtsEvent::Audio(chunk)));
            due += CHUNK_TAKES;
        }
    }
}
