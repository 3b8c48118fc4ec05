//! The caller of a drill: speaks into the line frame by frame, hears what is played, measures the silence.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::audio::{Encoder, SILENCE};
use super::fault::Phase;
use super::line::Line;
use super::manners::{self, Answer};
use super::stage::Stage;
use crate::ports::MediaEvent;
use crate::testing::ms;

const FRAME: Duration = ms(20);
const FRAME_BYTES: usize = 160;
/// Silence within what Otto says that is heard as a break.
const BREAK: Duration = ms(100);
/// After so much silence even a patient caller says the last words again.
const PATIENCE: Duration = Duration::from_secs(12);
/// After a goodbye the caller waits this long for Otto to hang up.
const AFTER_GOODBYE: Duration = Duration::from_secs(4);
/// After news that asks nothing, the caller says that this is all.
const AFTER_NEWS: Duration = ms(1_500);
/// A drill in simulated time.
const LONGEST: Duration = Duration::from_secs(170);

/// How a call ended for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Otto (or Twilio) ended the stream.
    ByOtto,
    /// The caller hung up after the goodbye.
    ByCaller,
    /// Neither within the time of the drill.
    Never,
}

/// What the caller has to tell.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) ended: Ended,
    pub(super) longest_silence: Duration,
    /// What was heard between two utterances of the caller, `|` for breaks.
    pub(super) answers: Vec<String>,
}

/// The caller.
pub(super) struct Caller {
    stage: Stage,
    line: Line,
    encoder: Encoder,
    mouth: Bytes,
    /// Bytes of the first request that are left when the caller is in the middle of it.
    middle: Option<usize>,
    last: Option<String>,
    answers: Vec<String>,
    /// Since when neither speaks.
    quiet_since: Instant,
    /// Since when the caller has been waiting for a sound.
    waits_since: Instant,
    longest: Duration,
    noted: usize,
    /// What is to be done about what was heard so far.
    answer: Answer,
}

impl Caller {
    pub(super) fn new(stage: Stage, line: Line) -> Self {
        let now = Instant::now();
        Self {
            stage,
            line,
            encoder: Encoder::default(),
            mouth: Bytes::new(),
            middle: None,
            last: None,
            answers: vec![String::new()],
            quiet_since: now,
            waits_since: now,
            longest: Duration::ZERO,
            noted: 0,
            answer: Answer::Wait,
        }
    }

    /// Lives the call from the moment at which it is answered.
    pub(super) async fn lives(mut self) -> Story {
        let begun = Instant::now();
        (self.quiet_since, self.waits_since) = (begun, begun);
        let mut next = begun;
        let ended = loop {
            next += FRAME;
            sleep_until(next).await;
            if self.line.is_closed() {
                // What sounded until then was heard.
                self.listens();
                break Ended::ByOtto;
            }
            if begun.elapsed() > LONGEST {
                break Ended::Never;
            }
            self.speaks();
            let sounding = self.listens();
            if self.reacts(sounding) {
                break Ended::ByCaller;
            }
        };
        self.note_answer();
        self.stage.note(format!("the call ends: {ended:?}"));
        Story { ended, longest_silence: self.longest, answers: self.answers }
    }

    /// One frame of voice or silence.
    fn speaks(&mut self) {
        let mut frame = self.mouth.split_to(FRAME_BYTES.min(self.mouth.len())).to_vec();
        frame.resize(FRAME_BYTES, SILENCE);
        self.line.sends(MediaEvent::Audio(frame.into()));
        self.stage.caller_is(!self.mouth.is_empty());
        if self.middle.is_some_and(|middle| self.mouth.len() <= middle) {
            self.stage.reached(Phase::CallerSpeaks);
        }
    }

    /// Whether something sounds.
    fn listens(&mut self) -> bool {
        let heard = self.line.listen();
        let now = Instant::now();
        let Some(answer) = self.answers.last_mut() else { return heard.sounding };
        if !heard.text.is_empty() {
            if !answer.is_empty() && now.duration_since(self.quiet_since) > BREAK {
                answer.push('|');
            }
            answer.push_str(&heard.text);
            self.answer = manners::answer(answer, self.last.as_deref());
            let words = answer.len();
            match self.answers.len() {
                1 if words >= 10 => self.stage.reached(Phase::Greeting),
                2.. if words >= 6 && is_real(&self.answers) => self.stage.reached(Phase::OttoSpeaks),
                _ => {}
            }
        }
        heard.sounding
    }

    /// Measures, and decides what to do; true when the caller hangs up.
    fn reacts(&mut self, sounding: bool) -> bool {
        let now = Instant::now();
        if sounding || !self.mouth.is_empty() {
            if sounding && now.duration_since(self.waits_since) > self.longest {
                self.waited(now);
            }
            (self.quiet_since, self.waits_since) = (now, now);
            return false;
        }
        let quiet = now.duration_since(self.quiet_since);
        let heard = self.answers.last().map_or("", String::as_str);
        match self.answer.clone() {
            Answer::Over => {
                self.waits_since = now;
                quiet > AFTER_GOODBYE
            }
            Answer::Say(words) => {
                self.waits_since = now;
                if quiet >= self.stage.pace.caller {
                    self.says(words);
                }
                false
            }
            Answer::Wait => {
                let news = heard.contains("You're booked") && heard.trim_end().ends_with('.');
                self.waited(now);
                if news && quiet > AFTER_NEWS {
                    self.says("no that is all thank you".into());
                } else if quiet > PATIENCE {
                    let again = self.last.clone().unwrap_or_else(|| manners::REQUEST.to_owned());
                    self.says(again);
                }
                false
            }
        }
    }

    fn waited(&mut self, now: Instant) {
        self.longest = self.longest.max(now.duration_since(self.waits_since));
    }

    fn says(&mut self, words: String) {
        self.note_answer();
        self.stage.note(format!("caller: {words}"));
        self.mouth = self.encoder.encode(&words);
        self.middle = (words == manners::REQUEST && self.last.is_none()).then_some(self.mouth.len() / 2);
        self.last = Some(words);
        self.answer = Answer::Wait;
        self.answers.push(String::new());
    }

    fn note_answer(&mut self) {
        if self.noted < self.answers.len() {
            self.noted = self.answers.len();
            let heard = self.answers.last().cloned().unwrap_or_default();
            self.stage.note(format!("heard until now: {heard:?}, longest silence {} ms", self.longest.as_millis()));
        }
    }
}

/// Whether the answer that sounds is the answer to the request, and no filler.
fn is_real(answers: &[String]) -> bool {
    answers.last().is_some_and(|answer| answer.contains("Shall I"))
}
