//! Telephones that the engine calls: who or what takes the call, what is said, and what machine detection makes of it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Step;

/// How long machines stay on the line.
const MACHINE_PATIENCE: Duration = Duration::from_secs(120);

/// Length of a voicemail's beep.
const BEEP_MS: u32 = 300;

/// Quiet after words that ends them for machine detection, in seconds: its MachineDetectionSpeechEndThreshold.
const SPEECH_END_S: f64 = 1.2;

/// Speech that makes a machine, in seconds: its MachineDetectionSpeechThreshold.
const SPEECH_S: f64 = 2.4;

/// What an assistant that screens calls says.
const SCREENING: &str = "Hi, the person you are calling is using a screening service and will get a copy of this \
    conversation. Go ahead and say your name and why you are calling.";

/// What happens to a call to a telephone.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The line is busy.
    Busy,
    /// It rings until the platform gives up.
    NoAnswer,
    /// The number cannot be reached.
    Failed,
    /// A person says "Hello?" and then does these things; machine detection hears a human.
    Person(Vec<Step>),
    /// Somebody does these things, and machine detection cannot tell what it is.
    Unsure(Vec<Step>),
    /// A machine speaks its greeting and then records.
    Machine {
        /// The greeting.
        greeting: String,
        /// Whether a beep ends it; else it is silence that does.
        beep: bool,
    },
    /// A fax.
    Fax,
    /// An assistant asks who calls and why, and listens; machine detection takes it for a human.
    Screening,
}

/// What machine detection makes of what it hears.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hearing {
    /// Steps that have to be over first.
    pub(super) opening: usize,
    /// Seconds of speech or quiet after these.
    pub(super) seconds: f64,
    /// `AnsweredBy`; none when it never can tell.
    pub(super) answered_by: Option<&'static str>,
}

impl Answer {
    /// How a call that nobody takes ends.
    pub(super) fn vain(&self) -> Option<&'static str> {
        match self {
            Answer::Busy => Some("busy"),
            Answer::NoAnswer => Some("no-answer"),
            Answer::Failed => Some("failed"),
            _ => None,
        }
    }

    pub(super) fn steps(&self) -> Vec<Step> {
        let stays = Step::WaitForHangUp(MACHINE_PATIENCE);
        match self {
            Answer::Person(steps) => std::iter::once(Step::Say("Hello?".to_owned())).chain(steps.clone()).collect(),
            Answer::Unsure(steps) => steps.clone(),
            Answer::Machine { greeting, beep } => {
                let beep = beep.then_some(Step::Noise(BEEP_MS));
                std::iter::once(Step::Say(greeting.clone())).chain(beep).chain([stays]).collect()
            }
            Answer::Fax => vec![Step::Noise(2_000), Step::Silence(500), Step::Noise(2_000), stays],
            Answer::Screening => vec![Step::Say(SCREENING.to_owned()), stays],
            Answer::Busy | Answer::NoAnswer | Answer::Failed => Vec::new(),
        }
    }

    /// What machine detection makes of it; `message_end` when it waits for the end of a machine's greeting.
    pub(super) fn hearing(&self, message_end: bool) -> Hearing {
        let hearing = |opening, seconds, answered_by| Hearing { opening, seconds, answered_by };
        match self {
            Answer::Person(_) | Answer::Screening => hearing(1, SPEECH_END_S, Some("human")),
            Answer::Machine { .. } if !message_end => hearing(0, SPEECH_S, Some("machine_start")),
            Answer::Machine { beep: true, .. } => hearing(2, 0.0, Some("machine_end_beep")),
            Answer::Machine { beep: false, .. } => hearing(1, SPEECH_END_S, Some("machine_end_silence")),
            Answer::Fax => hearing(0, SPEECH_S, Some("fax")),
            Answer::Unsure(_) | Answer::Busy | Answer::NoAnswer | Answer::Failed => hearing(0, 0.0, None),
        }
    }
}

/// Every telephone, by its number, and what happens to the next calls to it.
#[derive(Debug, Default)]
pub(super) struct Phones(Mutex<HashMap<String, VecDeque<Answer>>>);

impl Phones {
    pub(super) fn set(&self, number: &str, answers: Vec<Answer>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(number.to_owned(), answers.into());
    }

    /// What happens to this call. Nobody answers where nothing is left.
    pub(super) fn next(&self, number: &str) -> Answer {
        let mut phones = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        phones.get_mut(number).and_then(VecDeque::pop_front).unwrap_or(Answer::NoAnswer)
    }
}
