//! The callers: who rings, what each of them does, and the markers by which what they say is known again.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;

use super::Plan;
use super::brain::{ANSWER, QUESTION};
use super::marker::Marker;
use crate::seed::Seed;
use crate::twilio::{CallPlan, Side, Step};

/// How long a caller waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// Quiet after which Otto has finished.
const QUIET_MS: u64 = 500;
/// From the beginning of Otto's answer to the interruption, in characters of speech: from the second word on, and before
/// the end of [`super::brain::ANSWER`].
const INTERRUPT_AFTER_CHARS: std::ops::Range<u64> = 18..100;
/// What a turn takes beside speech: end of turn, model, voice.
const TURN_MS: u64 = 800;
/// Greeting, question and goodbye, in characters of speech.
const FRAME_CHARS: u64 = 180;
/// Beyond the time planned, after which a caller gives up.
const CALL_PATIENCE: Duration = Duration::from_secs(60);
/// Callers that have a number of their own; later ones ring from the same numbers again.
const NUMBERS: u32 = 10_000;

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
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) steps: Vec<Step>,
    from: String,
    longest: Duration,
}

impl Caller {
    /// The caller with this number. `lasts` is about how long a barge-in call is to be; the seed and the number decide the
    /// rest.
    pub(super) fn draw(plan: &Plan, number: u32, lasts: Duration) -> Self {
        let mut rng = Seed(plan.seed).rng(&format!("caller {number}"));
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
        let mut mouth = Mouth { caller: number, turn: 0 };
        let steps = match kind {
            Kind::BargesIn => barges_in(plan, &mut mouth, lasts, &mut rng),
            Kind::Books => books(&mut mouth, &mut rng),
            Kind::Asks => asks(&mut mouth),
            Kind::IsSilent => vec![Step::Silence(rng.random_range(5_000..7_000)), Step::HangUp],
            Kind::HangsUpEarly => vec![Step::Silence(rng.random_range(200..4_000)), Step::HangUp],
        };
        Caller { number, kind, steps, from: number_of(number, plan.customers), longest: lasts + CALL_PATIENCE }
    }

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

/// Which number a caller rings from.
fn number_of(caller: u32, customers: u32) -> String {
    match (caller / 2).checked_rem(customers) {
        Some(customer) if caller % 2 == 1 => number_on_file(customer),
        _ => format!("+1555556{:04}", caller % NUMBERS),
    }
}

/// The number of the n-th customer that `otto seed` puts on file: a hundred in every area code from 201 on, without 555.
fn number_on_file(customer: u32) -> String {
    let area = 201 + customer / 100;
    format!("+1{}55501{:02}", if area < 555 { area } else { area + 1 }, customer % 100)
}

/// Gives every utterance of a caller its marker.
struct Mouth {
    caller: u32,
    turn: u32,
}

impl Mouth {
    fn marked(&mut self, interrupts: bool, text: &str) -> String {
        self.turn += 1;
        format!("{}, {text}", Marker { caller: self.caller, interrupts, turn: self.turn })
    }

    fn say(&mut self, text: &str) -> Step {
        Step::Say(self.marked(false, text))
    }
}

/// Asks, then interrupts every answer, or every other one, until the time is used up; the last interruption is a goodbye.
fn barges_in(plan: &Plan, mouth: &mut Mouth, lasts: Duration, rng: &mut StdRng) -> Vec<Step> {
    let pace = u64::from(plan.ms_per_char);
    let mut steps = vec![listen(), mouth.say(QUESTION)];
    let mut left = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX).saturating_sub(FRAME_CHARS * pace);
    for count in 1.. {
        if plan.script == Script::Chat {
            steps.extend([listen(), mouth.say(QUESTION)]);
            left = left.saturating_sub((ANSWER.len() + QUESTION.len()) as u64 * pace + QUIET_MS + TURN_MS);
        }
        let after_ms = rng.random_range(INTERRUPT_AFTER_CHARS) * pace;
        let text = mouth.marked(true, "wait a moment please.");
        let takes = after_ms + text.len() as u64 * pace + TURN_MS;
        if left < takes && count > 1 {
            steps.push(Step::BargeIn { after_ms, text: text.replace("wait a moment please.", "thanks. Goodbye.") });
            break;
        }
        left = left.saturating_sub(takes);
        steps.push(Step::BargeIn { after_ms, text });
    }
    steps.push(until_hang_up());
    steps
}

/// Books one of the times that are offered on some day. When others were quicker the caller goes without.
fn books(mouth: &mut Mouth, rng: &mut StdRng) -> Vec<Step> {
    let day = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"][rng.random_range(0..5)];
    let choice = ["first", "second", "third"][rng.random_range(0..3)];
    vec![
        listen(),
        mouth.say(&format!("I need an oil change on {day}.")),
        listen(),
        mouth.say(&format!("the {choice} one, please.")),
        listen(),
        mouth.say("it's Pat Smith."),
        listen(),
        mouth.say("no, that's all. Thank you."),
        until_hang_up(),
    ]
}

fn asks(mouth: &mut Mouth) -> Vec<Step> {
    let (asked, thanked) = (mouth.say("when are you open?"), mouth.say("no, thanks. Goodbye."));
    vec![listen(), asked, listen(), thanked, until_hang_up()]
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

    fn draw(options: &str, lasts_s: u64) -> Vec<Caller> {
        let plan = Plan::parse_from(["otto-load"].into_iter().chain(options.split_whitespace()));
        (0..50).map(|number| Caller::draw(&plan, number, Duration::from_secs(lasts_s))).collect()
    }

    #[test]
    fn the_seed_decides_who_does_what() {
        let steps = |options: &str| draw(options, 60).into_iter().map(|caller| caller.steps).collect::<Vec<_>>();
        let options = "--script mixed --seed 7";
        assert_eq!(steps(options), steps(options));
        assert_ne!(steps(options), steps("--script mixed --seed 8"));
    }

    #[test]
    fn every_second_caller_is_a_customer_and_rings_again() {
        let numbers: Vec<String> = (0..6).map(|caller| number_of(caller, 2)).collect();
        let expected = ["+15555560000", "+12015550100", "+15555560002", "+12015550101", "+15555560004", "+12015550100"];
        assert_eq!(numbers, expected);
        assert_eq!([35_399, 35_400].map(number_on_file), ["+15545550199", "+15565550100"]);
        assert_eq!(number_of(3, 0), "+15555560003");
    }

    #[test]
    fn a_mixture_has_callers_of_every_kind() {
        let kinds: Vec<Kind> = draw("--script mixed", 60).iter().map(|caller| caller.kind).collect();
        for kind in [Kind::BargesIn, Kind::Books, Kind::Asks, Kind::IsSilent, Kind::HangsUpEarly] {
            assert!(kinds.contains(&kind), "{kind:?}");
        }
    }

    #[test]
    fn barge_ins_fill_the_time_and_are_known_by_their_first_word() {
        for (seconds, least, most) in [(1, 2, 2), (20, 2, 5), (60, 6, 14)] {
            for caller in draw("", seconds) {
                let markers: Vec<_> = caller.barge_ins().map(|text| Marker::find(text).unwrap()).collect();
                assert!((least..=most).contains(&markers.len()), "{seconds} s: {}", markers.len());
                assert!(markers.iter().all(|marker| marker.interrupts && marker.caller == caller.number));
                assert!(markers.is_sorted_by(|a, b| a.turn < b.turn));
                assert!(caller.barge_ins().last().unwrap().contains("Goodbye"));
            }
        }
    }

    #[test]
    fn a_chat_hears_every_other_answer_out() {
        for caller in draw("--script chat", 60) {
            let turns = &caller.steps[2..caller.steps.len() - 1];
            assert!(turns.len() >= 6, "{turns:?}");
            for turn in turns.chunks(3) {
                let [Step::WaitForSilence { .. }, Step::Say(_), Step::BargeIn { .. }] = turn else {
                    panic!("{turn:?}")
                };
            }
        }
    }
}
