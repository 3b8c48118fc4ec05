//! What a speech-to-text session's events mean and when to connect again. Pure.

use std::time::Duration;

use super::SttReport;
use crate::ports::{SttEvent, Transcript, VendorError};

/// Sessions that may be lost in a row without a word in between; then the leg has failed.
const LOST_IN_A_ROW: u32 = 8;
/// The pause before the second attempt; each further one doubles it.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) enum Input {
    Start,
    Event { session: u64, event: SttEvent },
    Lost { session: u64, error: VendorError },
    Due,
}

#[derive(Debug, PartialEq)]
pub(super) enum Effect {
    Connect { session: u64 },
    ConnectAfter(Duration),
    Report(SttReport),
    Fail(String),
}

#[derive(Debug, Default)]
pub(super) struct SttMachine {
    session: u64,
    lost_in_a_row: u32,
    /// Final words up to here in the session's audio have been reported.
    reported_until: Option<Duration>,
}

impl SttMachine {
    pub(super) fn step(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Start | Input::Due => self.connect(),
            Input::Event { session, event } if session == self.session => self.event(event),
            Input::Lost { session, error } if session == self.session => self.lost(&error),
            Input::Event { .. } | Input::Lost { .. } => Vec::new(),
        }
    }

    fn connect(&mut self) -> Vec<Effect> {
        self.session += 1;
        // Times of a new session start at zero.
        self.reported_until = None;
        vec![Effect::Connect { session: self.session }]
    }

    fn event(&mut self, event: SttEvent) -> Vec<Effect> {
        self.lost_in_a_row = 0;
        match event {
            SttEvent::Transcript(transcript) => self.transcript(transcript),
            SttEvent::UtteranceEnd => vec![Effect::Report(SttReport::UtteranceEnd)],
            // Sound without words moves nothing.
            SttEvent::SpeechStarted => Vec::new(),
            // Guesses about the end of a turn: the turn waits for the end itself.
            SttEvent::EagerEndOfTurn(_) | SttEvent::TurnResumed => Vec::new(),
        }
    }

    fn transcript(&mut self, transcript: Transcript) -> Vec<Effect> {
        let Transcript { text, is_final, speech_final, audio_end, last_word_end, .. } = transcript;
        let waited = last_word_end.map(|end| audio_end.saturating_sub(end)).unwrap_or_default();
        if is_final && !text.is_empty() {
            if self.reported_until.is_some_and(|until| audio_end <= until) {
                // A second final of the same words; it may still be the one that says that the speaker has stopped.
                let ends = Effect::Report(SttReport::Words { text: String::new(), is_final, speech_final, waited });
                return if speech_final { vec![ends] } else { Vec::new() };
            }
            self.reported_until = Some(audio_end);
        }
        vec![Effect::Report(SttReport::Words { text, is_final, speech_final, waited })]
    }

    fn lost(&mut self, error: &VendorError) -> Vec<Effect> {
        self.lost_in_a_row += 1;
        if !error.is_transient() || self.lost_in_a_row > LOST_IN_A_ROW {
            return vec![Effect::Fail(error.to_string())];
        }
        let doubled = PAUSE_FIRST.saturating_mul(1 << (self.lost_in_a_row - 1).min(8));
        let pause = error.retry_after.unwrap_or_default().max(doubled).min(PAUSE_MAX);
        vec![Effect::Report(SttReport::Trouble(error.clone())), Effect::ConnectAfter(pause)]
    }
}
