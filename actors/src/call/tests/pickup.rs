//! Who has answered: what happens, as tables.

use std::time::Duration;

use tokio::time::Instant;

use crate::call::pickup::{Effect, Input, Pickup, Reached};
use crate::domain::{AnsweredBy, Shop};
use crate::stt::SttReport;
use crate::testing::ms;

/// What happens, with the milliseconds since the beginning: `open`, `known`, `quiet`, `longest`, `proven`, a verdict, or
/// words: `~` before words that are not final, `.` at the end of words that end an utterance.
fn check(story: &[(u64, &str)], expected: &str) {
    let (mut pickup, begun) = (Pickup::new(&Shop::default()), Instant::now());
    let mut effects = Vec::new();
    for (at, what) in story {
        effects.extend(pickup.step(input(what), begun + ms(*at)));
    }
    let words: Vec<String> = effects.iter().filter_map(shown).collect();
    assert_eq!(words.join(" "), expected, "{story:?}");
}

fn input(what: &str) -> Input {
    match what {
        "open" => Input::Opened,
        "known" => Input::Known,
        "quiet" => Input::Quiet,
        "longest" => Input::Longest,
        "proven" => Input::Proven,
        "end" => Input::Heard(SttReport::UtteranceEnd),
        what => match AnsweredBy::parse(what) {
            Some(by) => Input::Verdict(by),
            None => Input::Heard(words(what)),
        },
    }
}

fn words(what: &str) -> SttReport {
    let text = what.trim_start_matches('~').trim_end_matches('.');
    let (is_final, speech_final) = (!what.starts_with('~'), what.ends_with('.'));
    SttReport::Words { text: text.into(), is_final, speech_final, waited: Duration::ZERO, until: None }
}

fn shown(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Longest => None,
        Effect::Quiet(after) => Some(format!("wait:{}", after.as_millis())),
        effect => Some(format!("{effect:?}")),
    }
}

#[test]
fn a_person_is_greeted() {
    for (story, expected) in [
        (vec![(0, "open"), (0, "known"), (900, "hello?.")], "wait:2000 Greet"),
        (vec![(0, "open"), (0, "known"), (600, "~maria"), (1500, "maria speaking.")], "wait:2000 wait:2000 Greet"),
        (vec![(0, "open"), (0, "known"), (2000, "quiet")], "wait:2000 Greet"),
        (vec![(0, "known"), (0, "open"), (300, "human")], "wait:2000 Greet"),
        (vec![(0, "known"), (0, "open"), (300, "unknown")], "wait:2000 Greet"),
        // Before the stream, and before it is known who is called.
        (vec![(0, "human"), (100, "known"), (300, "open")], "wait:2000 Greet"),
        (vec![(0, "open"), (300, "human"), (2000, "quiet"), (4000, "known")], "wait:2000 Greet"),
        // The recogniser says nothing of the end.
        (vec![(0, "open"), (0, "known"), (900, "~hello"), (2900, "quiet")], "wait:2000 wait:2000 Greet"),
        (vec![(0, "open"), (0, "known"), (900, "hello"), (1900, "end")], "wait:2000 wait:2000 Greet"),
    ] {
        check(&story, expected);
    }
}

const MACHINE: &str = "you have reached the Lopez family please leave a message after the tone.";

#[test]
fn a_machine_is_listened_to_until_the_verdict() {
    let begun = [(0, "open"), (0, "known"), (500, "~you have reached"), (6000, MACHINE)];
    let heard = "wait:2000 wait:2000 wait:8000";
    for (then, expected) in [
        (vec![(7000, "machine")], "LeaveMessage"),
        (vec![(7000, "fax")], "HangUp"),
        (vec![(7000, "unknown")], "Greet"),
        (vec![(14_000, "quiet")], "Greet"),
        // It goes on after a pause: the waiting begins anew.
        (vec![(7000, "thank you for calling us bye."), (15_000, "quiet")], "wait:8000 Greet"),
        (vec![(7000, "~thank"), (9000, "quiet"), (17_000, "quiet")], "wait:2000 wait:8000 Greet"),
        (vec![(7000, "end"), (9000, "machine")], "LeaveMessage"),
        (vec![(29_000, "~and"), (30_000, "longest")], "wait:2000 Greet"),
    ] {
        let story: Vec<_> = begun.into_iter().chain(then).collect();
        check(&story, &format!("{heard} {expected}"));
    }
    // Few words are no person's either when a machine says them, or when they take long.
    let words = [(0, "open"), (0, "known"), (900, "You've reached Maria."), (5000, "machine")];
    check(&words, "wait:2000 wait:8000 LeaveMessage");
    let slow =
        [(0, "open"), (0, "known"), (500, "~you have reached"), (4000, "you have reached Maria."), (5000, "machine")];
    check(&slow, "wait:2000 wait:2000 wait:8000 LeaveMessage");
}

#[test]
fn a_verdict_after_the_greeting_counts_until_the_conversation_has_come_to_something() {
    let greeted = [(0, "open"), (0, "known"), (900, "hello.")];
    for (then, expected) in [
        (vec![(5000, "machine")], " LeaveMessage"),
        (vec![(5000, "fax")], " HangUp"),
        (vec![(5000, "human"), (6000, "quiet"), (7000, "longest")], ""),
        (vec![(5000, "proven"), (6000, "machine"), (7000, "fax")], ""),
        (vec![(5000, "machine"), (6000, "human"), (7000, "fax"), (8000, "who is there.")], " LeaveMessage"),
    ] {
        let story: Vec<_> = greeted.into_iter().chain(then).collect();
        check(&story, &format!("wait:2000 Greet{expected}"));
    }
}

#[test]
fn who_screens_calls_is_not_talked_to() {
    let said = "Hi, the person you're calling is using a screening service and will get a copy of this conversation";
    check(&[(0, "open"), (0, "known"), (3000, said)], "wait:2000 HangUp");
    check(&[(0, "open"), (3000, "Please state your name and why you're calling.")], "wait:2000 HangUp");
    check(
        &[(0, "open"), (0, "known"), (900, "human"), (3000, "Record your name"), (4000, "after the tone.")],
        "wait:2000 Greet Pass HangUp",
    );
    check(&[(0, "open"), (0, "known"), (900, "human"), (3000, "what is your name.")], "wait:2000 Greet Pass");
}

#[test]
fn words_of_before_the_greeting_are_no_turn() {
    let greeted = [(0, "open"), (0, "known"), (500, "~hello"), (900, "human")];
    for (then, expected) in [
        (vec![(1000, "Hello?."), (3000, "yes.")], "Pass"),
        (vec![(1000, "~hello this is Maria who is there")], "Pass"),
        (vec![(1000, "~hello this"), (1100, "Hello, Maria."), (2000, "~yes")], "Pass"),
    ] {
        let story: Vec<_> = greeted.into_iter().chain(then).collect();
        check(&story, &format!("wait:2000 wait:2000 Greet {expected}"));
    }
}

#[test]
fn what_was_reached() {
    for (story, expected) in [
        (vec![], Reached::Nobody),
        (vec!["open", "known", "quiet"], Reached::Nobody),
        (vec!["open", "known", "~hello"], Reached::Somebody),
        (vec!["human"], Reached::Somebody),
        (vec!["machine"], Reached::Somebody),
        (vec!["open", "known", "machine"], Reached::Machine),
        (vec!["open", "fax"], Reached::Screen),
    ] {
        let mut pickup = Pickup::new(&Shop::default());
        for what in &story {
            pickup.step(input(what), Instant::now());
        }
        assert_eq!(pickup.reached(), expected, "{story:?}");
    }
}
