//! The callers: who rings, what each of them does, and the words by which their barge-ins are known again in what the
//! recogniser hears and the model is told.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;

use super::Plan;
use super::brain::{ANSWER, QUESTION};
use crate::seed::Seed;
use crate::twilio::{CallPlan, Side, Step};

/// How long a caller waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// Quiet after which Otto has finished.
const QUIET_MS: u64 = 500;
/// From the beginning of Otto's answer to the interruption, in characters of speech: from the second word on, and before
/// the end of [`super::brain::ANSWER`].
const INTERRUPT_AFTER_CHARS: std::ops::Range<u64> = 12..100;
/// What a turn takes beside speech: end of turn, model, voice.
const TURN_MS: u64 = 800;
/// Greeting, question and goodbye, in characters of speech.
const FRAME_CHARS: u64 = 180;
/// Beyond the time planned, after which a caller gives up.
const CALL_PATIENCE: Duration = Duration::from_secs(60);

/// What the callers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Script {
    /// Each asks a question and interrupts every answer, until the time is over.
    BargeIn,
    /// As barge-in, but hears every other answer to its end: what a telephone call is like without any business.
    Chat,
    /// Each books an oil change.
    Book,
    /// A mixture: interrupts, books, asks for the hours, is silent, hangs up early.
    Mixed,
}

/// What one caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    BargesIn,
    Books,
    Asks,
    IsSilent,
    HangsUpEarly,
}

/// One caller.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) kind: Kind,
    from: String,
    pub(super) steps: Vec<Step>,
    longest: Duration,
}

impl Caller {
    /// The call to place.
    pub(super) fn call(&self) -> CallPlan {
        CallPlan::new(self.from.clone(), self.steps.clone()).with_max_duration(self.longest)
    }

    /// What the caller says into Otto's speech, in order.
    pub(super) fn barge_ins(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::BargeIn { text, .. } => Some(text.as_str()),
            _ => None,
        })
    }

    /// Who ends the call when all goes well.
    pub(super) fn ended_by(&self) -> Side {
        if matches!(self.kind, Kind::IsSilent | Kind::HangsUpEarly) { Side::Caller } else { Side::Otto }
    }
}

/// The word that names a barge-in: content, unlike "uh-huh", and of one utterance alone.
fn marker(caller: u32, barge_in: u32) -> String {
    format!("c{caller}b{barge_in}")
}

/// The first marker in a text.
pub(super) fn marker_in(text: &str) -> Option<String> {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_ascii_lowercase();
    text.split_whitespace().map(bare).find(|word| is_marker(word))
}

fn is_marker(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    word.strip_prefix('c').and_then(|rest| rest.split_once('b')).is_some_and(|(c, b)| digits(c) && digits(b))
}

/// All callers of a plan.
pub(super) fn draw(plan: &Plan) -> Vec<Caller> {
    let mut rng = Seed(plan.seed).rng("callers");
    (0..plan.calls).map(|number| caller(plan, number, &mut rng)).collect()
}

fn caller(plan: &Plan, number: u32, rng: &mut StdRng) -> Caller {
    let kind = match plan.script {
        Script::BargeIn | Script::Chat => Kind::BargesIn,
        Script::Book => Kind::Books,
        Script::Mixed => match rng.random_range(0..10) {
            0..4 => Kind::BargesIn,
            4..7 => Kind::Books,
            7 => Kind::Asks,
            8 => Kind::IsSilent,
            _ => Kind::HangsUpEarly,
        },
    };
    let steps = match kind {
        Kind::BargesIn => barges_in(plan, number, rng),
        Kind::Books => books(rng),
        Kind::Asks => vec![listen(), say("When are you open?"), listen(), say("No, thanks. Goodbye."), until_hang_up()],
        Kind::IsSilent => vec![Step::Silence(rng.random_range(5_000..7_000)), Step::HangUp],
        Kind::HangsUpEarly => vec![Step::Silence(rng.random_range(200..4_000)), Step::HangUp],
    };
    let longest = Duration::from_secs(plan.seconds.into()) + CALL_PATIENCE;
    Caller { kind, from: format!("+1555556{number:04}"), steps, longest }
}

/// Asks, then interrupts every answer, or every other one, until the time is used up; the last interruption is a goodbye.
fn barges_in(plan: &Plan, number: u32, rng: &mut StdRng) -> Vec<Step> {
    let pace = u64::from(plan.ms_per_char);
    let mut steps = vec![listen(), say(QUESTION)];
    let mut left = (u64::from(plan.seconds) * 1_000).saturating_sub(FRAME_CHARS * pace);
    for count in 1.. {
        if plan.script == Script::Chat {
            steps.extend([listen(), say(QUESTION)]);
            left = left.saturating_sub((ANSWER.len() + QUESTION.len()) as u64 * pace + QUIET_MS + TURN_MS);
        }
        let after_ms = rng.random_range(INTERRUPT_AFTER_CHARS) * pace;
        let marker = marker(number, count);
        let text = format!("{marker}, wait a moment please.");
        let takes = after_ms + text.len() as u64 * pace + TURN_MS;
        if left < takes && count > 1 {
            steps.push(Step::BargeIn { after_ms, text: format!("{marker}, thanks. Goodbye.") });
            break;
        }
        left = left.saturating_sub(takes);
        steps.push(Step::BargeIn { after_ms, text });
    }
    steps.push(until_hang_up());
    steps
}

/// Books one of the times that are offered on some day. When others were quicker the caller goes without.
fn books(rng: &mut StdRng) -> Vec<Step> {
    let day = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"][rng.random_range(0..5)];
    let choice = ["first", "second", "third"][rng.random_range(0..3)];
    vec![
        listen(),
        say(&format!("Hi, I need an oil change on {day}.")),
        listen(),
        say(&format!("The {choice} one, please.")),
        listen(),
        say("It's Pat Smith."),
        listen(),
        say("No, that's all. Thank you."),
        until_hang_up(),
    ]
}

fn say(text: &str) -> Step {
    Step::Say(text.to_owned())
}

fn listen() -> Step {
    Step::WaitForSilence { quiet_ms: QUIET_MS, timeout: PATIENCE }
}

fn until_hang_up() -> Step {
    Step::WaitForHangUp(PATIENCE)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn plan(options: &str) -> Plan {
        Plan::parse_from(["otto-load"].into_iter().chain(options.split_whitespace()))
    }

    #[test]
    fn the_seed_decides_who_does_what() {
        let steps = |options: &str| draw(&plan(options)).into_iter().map(|caller| caller.steps).collect::<Vec<_>>();
        let options = "--script mixed --calls 50 --seed 7";
        assert_eq!(steps(options), steps(options));
        assert_ne!(steps(options), steps("--script mixed --calls 50 --seed 8"));
    }

    #[test]
    fn barge_ins_fill_the_time_and_are_known_by_their_first_word() {
        for (seconds, least, most) in [(1, 2, 2), (20, 2, 5), (60, 6, 14)] {
            for caller in draw(&plan(&format!("--calls 20 --seconds {seconds}"))) {
                let markers: Vec<_> = caller.barge_ins().map(|text| marker_in(text).unwrap()).collect();
                assert!((least..=most).contains(&markers.len()), "{seconds} s: {}", markers.len());
                assert!(caller.barge_ins().last().unwrap().contains("Goodbye"));
            }
        }
    }

    #[test]
    fn a_chat_hears_every_other_answer_out() {
        for caller in draw(&plan("--calls 5 --seconds 60 --script chat")) {
            let turns = &caller.steps[2..caller.steps.len() - 1];
            assert!(turns.len() >= 6, "{turns:?}");
            for turn in turns.chunks(3) {
                let [Step::WaitForSilence { .. }, Step::Say(_), Step::BargeIn { .. }] = turn else {
                    panic!("{turn:?}")
                };
            }
        }
    }

    #[test]
    fn a_marker_is_found_however_it_is_written() {
        for (text, expected) in [
            ("C17b3, wait", Some("c17b3")),
            ("well c1b2", Some("c1b2")),
            ("cab", None),
            ("c1b", None),
            ("what do you do", None),
        ] {
            assert_eq!(marker_in(text).as_deref(), expected, "{text}");
        }
    }
}
