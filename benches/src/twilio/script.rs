//! The caller's script: a pure machine that is asked every 20 ms what the caller sounds like and does.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use tokio::time::Instant;

use crate::speech::{Encoder, SILENCE, noise, silence};

/// Bytes in a frame of 20 ms.
pub(super) const FRAME_BYTES: usize = 160;

/// Frames between two keys.
const FRAMES_PER_KEY: u32 = 5;

/// How long a barge-in waits for Otto to speak.
const BARGE_IN_PATIENCE: Duration = Duration::from_secs(30);

/// One thing that a caller does.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Says a text.
    Say(String),
    /// Waits until Otto has said these words (capitals and punctuation do not count) since the caller's last utterance.
    WaitForWords(String, Duration),
    /// Waits until Otto has finished: something was heard since the caller's last utterance, and nothing for so long.
    WaitForSilence {
        /// Quiet that counts as the end, in milliseconds.
        quiet_ms: u64,
        /// Patience.
        timeout: Duration,
    },
    /// Waits until Otto speaks, and some time after that says a text into it.
    BargeIn {
        /// Time since Otto's utterance began, in milliseconds.
        after_ms: u64,
        /// What is said.
        text: String,
    },
    /// Is silent for so many milliseconds.
    Silence(u32),
    /// Makes noise without words for so many milliseconds.
    Noise(u32),
    /// Presses these keys.
    Press(String),
    /// Hangs up.
    HangUp,
    /// Waits for Otto to hang up.
    WaitForHangUp(Duration),
}

/// What the caller has heard, as far as the script asks.
#[derive(Debug, Default)]
pub(super) struct Ears {
    /// Everything heard, as [`plain`] writes it.
    text: String,
    /// Where in `text` the next wait begins.
    cursor: usize,
    last_voiced: Option<Instant>,
    heard_since_said: bool,
    /// When the utterance that is being heard began.
    pub(super) otto_since: Option<Instant>,
}

impl Ears {
    pub(super) fn word(&mut self, word: &str) {
        let word = plain(word);
        if !word.is_empty() {
            self.text.push(' ');
            self.text.push_str(&word);
        }
    }

    pub(super) fn sound(&mut self, now: Instant) {
        self.last_voiced = Some(now);
        self.heard_since_said = true;
    }

    /// What was heard before no longer counts: Otto was cut off, or the caller speaks.
    pub(super) fn forget(&mut self) {
        self.heard_since_said = false;
    }

    fn quiet_for(&self, now: Instant) -> Option<Duration> {
        self.last_voiced.filter(|_| self.heard_since_said).map(|at| now - at)
    }

    fn take_words(&mut self, wanted: &str) -> bool {
        let wanted = plain(wanted);
        let found = self.text[self.cursor..].find(&wanted);
        if let Some(at) = found {
            self.cursor += at + wanted.len();
        }
        found.is_some()
    }
}

/// What the caller does within a tick, beside the frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    SayBegan(String),
    Said(String),
    Press(char),
    TimedOut(String),
    HangUp,
}

/// A script and how far it is.
#[derive(Debug)]
pub(super) struct Script {
    steps: VecDeque<Step>,
    done: usize,
    ms_per_char: u32,
    voice: Encoder,
    rng: StdRng,
    /// Audio that is being sent, and the text when it is speech.
    mouth: Option<(Bytes, Option<String>)>,
    since: Option<Instant>,
    key_frames: u32,
}

impl Script {
    pub(super) fn new(steps: Vec<Step>, ms_per_char: u32, rng: StdRng) -> Self {
        let voice = Encoder::new(ms_per_char);
        Script { steps: steps.into(), done: 0, ms_per_char, voice, rng, mouth: None, since: None, key_frames: 0 }
    }

    /// Whether so many steps are over, their sound included.
    pub(super) fn has_done(&self, steps: usize) -> bool {
        steps == 0 || (self.done >= steps && self.mouth.is_none())
    }

    /// Leaves out the first steps, as nobody hears them. Returns how long their sound would have been.
    pub(super) fn skip(&mut self, steps: usize) -> Duration {
        let length = |step: Step| match step {
            Step::Say(text) => self.ms_per_char.saturating_mul(u32::try_from(text.len()).unwrap_or(u32::MAX)),
            Step::Silence(ms) | Step::Noise(ms) => ms,
            _ => 0,
        };
        let skipped = self.steps.drain(..steps.min(self.steps.len()));
        Duration::from_millis(skipped.map(length).map(u64::from).sum())
    }

    /// The next 20 ms.
    pub(super) fn tick(&mut self, now: Instant, ears: &mut Ears) -> (Bytes, Vec<Action>) {
        let mut actions = Vec::new();
        while self.mouth.is_none() {
            let since = *self.since.get_or_insert(now);
            if !self.advance(now, since, ears, &mut actions) {
                break;
            }
            self.since = None;
        }
        (self.frame(ears, &mut actions), actions)
    }

    /// Carries out the step at the front; whether it is done.
    fn advance(&mut self, now: Instant, since: Instant, ears: &mut Ears, actions: &mut Vec<Action>) -> bool {
        let Some(mut step) = self.steps.pop_front() else {
            actions.push(Action::HangUp);
            return false;
        };
        let (done, patience) = match &mut step {
            Step::Say(text) => {
                self.begin(text, ears, actions);
                (true, None)
            }
            Step::BargeIn { after_ms, text } => {
                let due = ears.otto_since.map(|at| at + Duration::from_millis(*after_ms));
                let due = due.is_some_and(|due| now >= due);
                if due {
                    self.begin(text, ears, actions);
                }
                (due, Some(BARGE_IN_PATIENCE))
            }
            Step::Silence(ms) => {
                self.mouth = Some((silence(*ms).into(), None));
                (true, None)
            }
            Step::Noise(ms) => {
                self.mouth = Some((noise(*ms, &mut self.rng).into(), None));
                (true, None)
            }
            Step::WaitForWords(text, timeout) => (ears.take_words(text), Some(*timeout)),
            Step::WaitForSilence { quiet_ms, timeout } => {
                let quiet = ears.quiet_for(now).is_some_and(|quiet| quiet >= Duration::from_millis(*quiet_ms));
                (quiet, Some(*timeout))
            }
            Step::WaitForHangUp(timeout) => (false, Some(*timeout)),
            Step::Press(keys) => (self.press(keys, actions), None),
            Step::HangUp => {
                actions.push(Action::HangUp);
                (false, None)
            }
        };
        let gave_up = !done && patience.is_some_and(|patience| now - since >= patience);
        if gave_up {
            // A wait that came to nothing ends the script: the caller hangs up.
            actions.push(Action::TimedOut(format!("{step:?}")));
            self.steps.clear();
        } else if !done {
            self.steps.push_front(step);
        }
        self.done += usize::from(done || gave_up);
        done || gave_up
    }

    fn begin(&mut self, text: &str, ears: &mut Ears, actions: &mut Vec<Action>) {
        ears.forget();
        ears.cursor = ears.text.len();
        actions.push(Action::SayBegan(text.to_owned()));
        self.mouth = Some((self.voice.encode(text).into(), Some(text.to_owned())));
    }

    /// Presses the next of these keys when its time has come; whether none is left.
    fn press(&mut self, keys: &mut String, actions: &mut Vec<Action>) -> bool {
        self.key_frames = self.key_frames.saturating_sub(1);
        if self.key_frames > 0 {
            return false;
        }
        if keys.is_empty() {
            return true;
        }
        actions.push(Action::Press(keys.remove(0)));
        self.key_frames = FRAMES_PER_KEY;
        false
    }

    fn frame(&mut self, ears: &mut Ears, actions: &mut Vec<Action>) -> Bytes {
        let Some((audio, text)) = &mut self.mouth else { return Bytes::from_static(&[SILENCE; FRAME_BYTES]) };
        let frame = audio.split_to(FRAME_BYTES.min(audio.len()));
        if audio.is_empty() {
            if let Some(text) = text.take() {
                ears.forget();
                actions.push(Action::Said(text));
            }
            self.mouth = None;
        }
        if frame.len() == FRAME_BYTES {
            return frame;
        }
        let mut padded = frame.to_vec();
        padded.resize(FRAME_BYTES, SILENCE);
        padded.into()
    }
}

/// Lower case, without punctuation, single spaces.
fn plain(text: &str) -> String {
    let kept: String = text.chars().filter(|c| c.is_alphanumeric() || c.is_whitespace() || *c == ':').collect();
    kept.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    fn script(steps: Vec<Step>) -> Script {
        Script::new(steps, 20, Seed(1).rng("caller"))
    }

    /// Ticks until an action comes; returns it and the time that it took.
    fn next(script: &mut Script, ears: &mut Ears, now: &mut Instant) -> (Action, u128) {
        let since = *now;
        loop {
            let (frame, actions) = script.tick(*now, ears);
            assert_eq!(frame.len(), FRAME_BYTES);
            if let Some(action) = actions.into_iter().next() {
                return (action, (*now - since).as_millis());
            }
            *now += Duration::from_millis(20);
        }
    }

    #[test]
    fn a_caller_speaks_presses_keys_and_hangs_up() {
        let mut script = script(vec![Step::Silence(40), Step::Say("yes".into()), Step::Press("1#".into())]);
        let (mut ears, mut now) = (Ears::default(), Instant::now());
        assert_eq!(next(&mut script, &mut ears, &mut now), (Action::SayBegan("yes".into()), 40));
        now += Duration::from_millis(20);
        assert_eq!(next(&mut script, &mut ears, &mut now), (Action::Said("yes".into()), 20));
        for action in [Action::Press('1'), Action::Press('#'), Action::HangUp] {
            now += Duration::from_millis(20);
            assert_eq!(next(&mut script, &mut ears, &mut now).0, action);
        }
    }

    #[test]
    fn silence_counts_only_after_something_was_heard() {
        let mut script = script(vec![Step::WaitForSilence { quiet_ms: 200, timeout: Duration::from_secs(9) }]);
        let (mut ears, mut now) = (Ears::default(), Instant::now());
        for _ in 0..50 {
            assert_eq!(script.tick(now, &mut ears).1, []);
            now += Duration::from_millis(20);
        }
        ears.sound(now);
        assert_eq!(next(&mut script, &mut ears, &mut now), (Action::HangUp, 200));
    }

    #[test]
    fn words_are_taken_once_and_a_vain_wait_ends_the_call() {
        let wait = |text: &str| Step::WaitForWords(text.into(), Duration::from_secs(1));
        let mut script = script(vec![wait("nine thirty"), wait("nine thirty")]);
        let (mut ears, mut now) = (Ears::default(), Instant::now());
        ["Nine", "thirty,", "or", "ten?"].iter().for_each(|word| ears.word(word));
        let (action, waited) = next(&mut script, &mut ears, &mut now);
        assert!(matches!(action, Action::TimedOut(_)) && waited == 1_000, "{action:?} {waited}");
    }
}
