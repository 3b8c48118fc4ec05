//! When a turn ends, what is asked, what is said.

use super::*;

#[test]
fn a_turn_ends_once_whoever_ends_it_first() {
    let asked = ["begin 1", "user: my car squeaks", "ask 1.1"];
    check(vec![said("my car squeaks")], &asked);
    check(vec![part("my car"), said("squeaks")], &asked);
    check(vec![part("my car squeaks"), Input::UtteranceEnd], &asked);
    check(vec![part("my car squeaks"), silence()], &asked);
    check(vec![interim("my car squeaks"), silence()], &asked);
    check(vec![part("my car"), interim("squeaks"), Input::UtteranceEnd], &asked);
    check(vec![said("my car squeaks"), Input::UtteranceEnd, silence(), words("", true, true)], &asked);
    check(vec![part("my car squeaks"), Input::UtteranceEnd, words("", true, true)], &asked);
    check(vec![part("my car squeaks"), silence(), Input::UtteranceEnd], &asked);
}

#[test]
fn two_finals_of_one_utterance_are_one_turn() {
    check(
        vec![interim("I"), part("I need"), part("new"), said("brakes")],
        &["begin 1", "user: I need new brakes", "ask 1.1"],
    );
}

#[test]
fn a_final_that_comes_after_its_turn_was_ended_on_interim_words_is_no_new_turn() {
    let asked = ["begin 1", "user: my car squeaks", "ask 1.1"];
    check(vec![interim("my car squeaks"), silence(), said("My car squeaks.")], &asked);
    check(
        vec![part("my car"), interim("squeaks"), Input::UtteranceEnd, part("squeaks"), words("", true, true)],
        &asked,
    );
    // The same words said again, after Otto's answer, are a new turn.
    check_after(
        vec![interim("hello"), silence(), text((1, 1), "Hello. "), done((1, 1)), spoken(1)],
        vec![said("hello")],
        &["begin 2", "user: hello", "ask 2.1"],
    );
}

#[test]
fn nothing_said_is_no_turn() {
    check(vec![Input::UtteranceEnd, silence(), words("", true, true), words("", false, false)], &[]);
}

#[test]
fn a_reply_is_spoken_by_clauses_and_noted_whole() {
    check(
        vec![
            said("hi"),
            text((1, 1), "Sure thing, I"),
            text((1, 1), " have ten. "),
            text((1, 1), "Fine"),
            done((1, 1)),
        ],
        &[
            "begin 1",
            "user: hi",
            "ask 1.1",
            "say 1/1: Sure thing,",
            "say 1/1: I have ten.",
            "say 1/1: Fine",
            "finish 1",
            "otto 1: Sure thing, I have ten. Fine",
        ],
    );
}

#[test]
fn the_greeting_is_said_and_remembered() {
    check(vec![Input::Greet("Hello".into())], &["say 0/1: Hello", "finish 1", "otto 1: Hello"]);
}

#[test]
fn keys_are_a_turn_ended_by_a_hash_or_by_silence() {
    let asked = ["begin 1", "user: (keys pressed: 12)", "ask 1.1"];
    check(vec![Input::Key('1'), Input::Key('2'), Input::Key('#')], &asked);
    check(vec![Input::Key('1'), Input::Key('2'), silence()], &asked);
    check(vec![Input::Key('#')], &[]);
}

#[test]
fn a_model_that_fails_is_asked_once_more_and_then_otto_says_sorry() {
    check_after(vec![said("hi")], vec![fails((1, 1))], &["ask 1.2"]);
    check_after(
        vec![said("hi"), fails((1, 1))],
        vec![fails((1, 2))],
        &["say 1/1: TROUBLE", "finish 1", "otto 1: TROUBLE"],
    );
    // Words that were not spoken yet are forgotten with the attempt.
    check_after(
        vec![said("hi"), text((1, 1), "Wel"), fails((1, 1))],
        vec![text((1, 2), "Good day."), done((1, 2))],
        &["say 1/1: Good day.", "finish 1", "otto 1: Good day."],
    );
}

#[test]
fn a_final_error_is_not_tried_again() {
    let step = Step { turn: TurnId(1), request: 1 };
    let refused = Input::Model { step, event: Err(crate::testing::fatal()) };
    check_after(vec![said("hi")], vec![refused], &["say 1/1: TROUBLE", "finish 1", "otto 1: TROUBLE"]);
}

#[test]
fn a_model_that_fails_after_it_has_spoken_keeps_what_was_said() {
    check_after(
        vec![said("hi"), text((1, 1), "Good day. And"), tool((1, 1), "a")],
        vec![fails((1, 1))],
        &["say 1/1: And", "finish 1", "otto 1: Good day. And"],
    );
}

#[test]
fn an_empty_reply_is_trouble() {
    let trouble = ["say 1/1: TROUBLE", "finish 1", "otto 1: TROUBLE"];
    check_after(vec![said("hi")], vec![done((1, 1))], &trouble);
    check_after(vec![said("hi")], vec![text((1, 1), "  \n"), done((1, 1))], &trouble);
    check_after(vec![said("hi")], vec![tool((1, 1), "a"), truncated((1, 1))], &trouble);
}

#[test]
fn late_events_of_an_old_request_are_dropped() {
    check_after(
        vec![said("hi"), fails((1, 1))],
        vec![text((1, 1), "Old words. "), tool((1, 1), "a"), done((1, 1))],
        &[],
    );
    check_after(speaking(), vec![text((1, 1), "More words. "), done((1, 1)), fails((1, 1))], &[]);
    check_after(vec![said("hi"), said("no, wait")], vec![text((1, 1), "Old words. "), done((1, 1))], &[]);
}

#[test]
fn long_text_of_a_caller_is_bounded() {
    let long = "word ".repeat(2_000);
    let mut machine = fresh();
    machine.step(said(&long));
    let Some(Entry::User(noted)) = machine.history().entries().first() else { panic!("no turn") };
    assert_eq!(noted.chars().count(), crate::limits::USER_TEXT_MAX_CHARS - 1, "the bound, less its last space");
}
