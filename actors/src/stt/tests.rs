//! What is heard while sessions come and go: the decisions.

mod actor;

use super::machine::{Effect, Input, SttMachine, SttTimer};
use super::*;
use crate::ports::Transcript;
use crate::testing::{fatal, ms, passing};

fn transcript(text: &str, is_final: bool, speech_final: bool, end_ms: u64) -> SttEvent {
    let (text, audio_end) = (text.to_owned(), ms(end_ms));
    SttEvent::Transcript(Transcript { text, is_final, speech_final, audio_end, ..Transcript::default() })
}

fn event(session: u64, event: SttEvent) -> Input {
    Input::Event { session, event, heard: Heard::default() }
}

fn words(text: &str, is_final: bool, speech_final: bool, end_ms: u64) -> Input {
    event(1, transcript(text, is_final, speech_final, end_ms))
}

fn lost(session: u64, error: VendorError) -> Input {
    Input::Lost { session, error }
}

const RETRY: Input = Input::Due(SttTimer::Connect);

fn line(effect: &Effect) -> String {
    match effect {
        Effect::Connect { session, patience } => {
            format!("connect {session}{}", if *patience { " patiently" } else { "" })
        }
        Effect::Arm(SttTimer::Connect, pause) => format!("wait {}", pause.as_millis()),
        Effect::Arm(timer, after) => format!("{timer:?} in {}", after.as_millis()),
        Effect::Disarm(timer) => format!("no {timer:?}"),
        Effect::Settle(position) => format!("settle {position}"),
        Effect::Report(SttReport::Words { text, is_final, speech_final, .. }) => {
            format!("{text}{}{}", if *is_final { "." } else { "" }, if *speech_final { "|" } else { "" })
        }
        Effect::Report(SttReport::UtteranceEnd) => "end".into(),
        Effect::Report(SttReport::Trouble(_)) => "trouble".into(),
        Effect::Report(report) => format!("{report:?}"),
    }
}

fn run(machine: &mut SttMachine, inputs: Vec<Input>) -> Vec<String> {
    inputs.into_iter().flat_map(|input| machine.step(input)).map(|effect| line(&effect)).collect()
}

/// The first session is open, and there is no voice yet.
#[track_caller]
fn check(inputs: Vec<Input>, expected: &[&str]) {
    let mut machine = SttMachine::new(false);
    run(&mut machine, vec![Input::Start, Input::Opened { session: 1 }]);
    assert_eq!(run(&mut machine, inputs), expected);
}

/// The first session hears the caller.
#[track_caller]
fn check_listening(inputs: Vec<Input>, expected: &[&str]) {
    let heard = vec![Input::Listen, Input::CaughtUp { session: 1 }];
    check(heard.into_iter().chain(inputs).collect(), expected);
}

#[test]
fn words_are_reported_as_they_come() {
    check(
        vec![
            words("my", false, false, 500),
            words("", false, false, 700),
            words("my car", true, false, 1_000),
            words("squeaks", true, true, 2_000),
            event(1, SttEvent::SpeechStarted),
            event(1, SttEvent::Alive),
            event(1, SttEvent::UtteranceEnd),
        ],
        &["my", "my car.", "squeaks.|", "end"],
    );
}

#[test]
fn words_that_are_taken_back_are_reported_as_an_empty_final() {
    check(vec![words("hm", false, false, 500), words("", true, false, 1_000)], &["hm", "."]);
}

#[test]
fn a_second_final_of_the_same_audio_adds_no_words_but_may_end_the_utterance() {
    let hello = |speech_final| words("hello", true, speech_final, 1_000);
    check(vec![hello(false), hello(false)], &["hello."]);
    check(vec![hello(false), hello(true)], &["hello.", ".|"]);
    check(vec![hello(false), words("", true, true, 1_000)], &["hello.", ".|"]);
}

#[test]
fn the_voice_is_let_go_of_after_its_words_are_reported() {
    let said = |session| {
        let heard = Heard { understood: Some(4_000), until: None };
        Input::Event { session, event: transcript("hi", true, true, 500), heard }
    };
    check(vec![said(1)], &["hi.|", "settle 4000"]);
    check(vec![lost(1, passing()), RETRY, said(1)], &["trouble", "wait 100", "connect 2"]);
}

#[test]
fn a_session_that_was_replaced_is_not_listened_to() {
    let old = words("old", true, true, 9_000);
    check(vec![lost(1, passing()), RETRY, old, lost(1, passing())], &["trouble", "wait 100", "connect 2"]);
}

#[test]
fn times_of_a_new_session_begin_anew() {
    check(
        vec![
            words("one", true, false, 5_000),
            lost(1, passing()),
            RETRY,
            event(2, transcript("two", true, false, 100)),
        ],
        &["one.", "trouble", "wait 100", "connect 2", "two."],
    );
}

#[test]
fn attempts_back_off_until_the_leg_gives_up() {
    let mut machine = SttMachine::new(false);
    let mut seen = run(&mut machine, vec![Input::Start]);
    for session in 1..=9 {
        seen.extend(run(&mut machine, vec![lost(session, passing()), RETRY]));
    }
    seen.retain(|line| line != "trouble" && !line.starts_with("connect"));
    assert_eq!(
        seen,
        ["wait 100", "wait 200", "wait 400", "wait 800", "wait 1600", "wait 2000", "wait 2000", "wait 2000", "GivenUp"]
    );
    assert_eq!(run(&mut machine, vec![words("late", true, true, 1), Input::Start, RETRY]), [""; 0]);
    let slow_down = VendorError { retry_after: Some(ms(60_000)), ..passing() };
    check(vec![lost(1, slow_down)], &["trouble", "wait 2000"]);
}

#[test]
fn a_refused_session_is_not_asked_for_again_and_refused_audio_once() {
    let opened = |session| Input::Opened { session };
    check(
        vec![lost(1, passing()), RETRY, lost(2, fatal())],
        &["trouble", "wait 100", "connect 2", "trouble", "GivenUp"],
    );
    let twice = [lost(1, fatal()), RETRY, opened(2)];
    let retried = ["trouble", "wait 100", "connect 2"];
    check(
        twice.into_iter().chain([event(2, SttEvent::SpeechStarted), lost(2, fatal())]).collect(),
        &[&retried[..], &["trouble", "GivenUp"]].concat(),
    );
    // Words show that the audio is fine.
    let fine = [lost(1, fatal()), RETRY, opened(2), event(2, transcript("hi", true, true, 900)), lost(2, fatal())];
    check(fine.into(), &[&retried[..], &["hi.|", "trouble", "wait 100"]].concat());
}

#[test]
fn a_short_absence_is_not_reported() {
    let absence = ["trouble", "Deaf in 1000", "GiveUp in 12000", "wait 100", "connect 2"];
    let back = ["no Deaf", "no GiveUp"];
    let lost = || [lost(1, passing()), RETRY, Input::Opened { session: 2 }].into_iter();
    check_listening(lost().chain([Input::CaughtUp { session: 2 }]).collect(), &[&absence[..], &back].concat());
    // What it hears before it has caught up was said a while ago.
    let answers = lost().chain([event(2, SttEvent::Alive), Input::CaughtUp { session: 2 }]);
    check_listening(answers.collect(), &[&absence[..], &["GiveUp in 12000"], &back].concat());
}

#[test]
fn a_long_absence_is_reported_and_the_return_from_it_once() {
    check_listening(
        vec![
            lost(1, passing()),
            Input::Due(SttTimer::Deaf),
            RETRY,
            lost(2, passing()),
            RETRY,
            Input::Opened { session: 3 },
            Input::CaughtUp { session: 3 },
            event(3, transcript("hi", true, true, 500)),
        ],
        &[
            "trouble",
            "Deaf in 1000",
            "GiveUp in 12000",
            "wait 100",
            "no Deaf",
            "Deaf",
            "connect 2",
            "trouble",
            "wait 200",
            "connect 3",
            "no Deaf",
            "no GiveUp",
            "Hears",
            "hi.|",
        ],
    );
}

#[test]
fn an_absence_without_an_end_is_given_up() {
    let absence = ["trouble", "Deaf in 1000", "GiveUp in 12000", "wait 100", "no Deaf", "Deaf", "GivenUp"];
    let due = [Input::Due(SttTimer::Deaf), Input::Due(SttTimer::GiveUp), RETRY];
    check_listening([lost(1, passing())].into_iter().chain(due).collect(), &absence);
}

#[test]
fn before_there_is_a_voice_nothing_is_missed() {
    check(vec![lost(1, passing()), RETRY], &["trouble", "wait 100", "connect 2"]);
    check(
        vec![lost(1, passing()), Input::Listen, RETRY, Input::Opened { session: 2 }, Input::CaughtUp { session: 2 }],
        &["trouble", "wait 100", "Deaf in 1000", "GiveUp in 12000", "connect 2", "no Deaf", "no GiveUp"],
    );
}

#[test]
fn a_vendor_that_does_not_answer_must_answer_to_be_trusted_again() {
    check_listening(
        vec![
            Input::Unheard { session: 1 },
            lost(1, passing()),
            RETRY,
            Input::Opened { session: 2 },
            Input::CaughtUp { session: 2 },
            event(2, SttEvent::Alive),
        ],
        &[
            "Deaf in 1000",
            "GiveUp in 12000",
            "no Deaf",
            "Deaf",
            "trouble",
            "wait 100",
            "connect 2 patiently",
            "no Deaf",
            "no GiveUp",
            "Hears",
        ],
    );
}

#[test]
fn an_incarnation_that_takes_over_ends_the_deafness_of_the_one_before() {
    let mut machine = SttMachine::new(true);
    let inputs = vec![Input::Start, Input::Opened { session: 1 }, Input::CaughtUp { session: 1 }];
    let expected = ["connect 1", "Deaf in 1000", "GiveUp in 12000", "no Deaf", "no GiveUp", "Hears"];
    assert_eq!(run(&mut machine, inputs), expected);
    // It may be deaf itself, while it hears what was said before.
    let mut machine = SttMachine::new(true);
    let late = vec![Input::Start, Input::Opened { session: 1 }, Input::Due(SttTimer::Deaf)];
    assert_eq!(run(&mut machine, late)[3..], ["no Deaf", "Deaf"]);
}

#[test]
fn eager_ends_are_passed_on_and_end_with_their_session() {
    let eager = || event(1, SttEvent::EagerEndOfTurn("my car".into()));
    let said = r#"Eager("my car")"#;
    check(vec![eager(), event(1, SttEvent::TurnResumed), eager()], &[said, "Resumed", said]);
    let ended = words("my car", true, true, 900);
    check(vec![eager(), ended, lost(1, passing())], &[said, "my car.|", "trouble", "wait 100"]);
    check(vec![eager(), lost(1, passing())], &[said, "trouble", "Resumed", "wait 100"]);
}
