//! What the caller's words do to a turn that thinks or speaks.

use super::*;

#[test]
fn words_while_otto_thinks_cancel_and_both_are_answered_as_one() {
    check(
        vec![said("I need an oil change"), interim("and"), said("and new tires")],
        &["begin 1", "user: I need an oil change", "ask 1", "stop 1", "begin 2", "user: and new tires", "ask 2"],
    );
}

#[test]
fn a_barge_in_closes_the_old_turn_before_it_stops_the_voice() {
    check_after(speaking(), vec![interim("wait")], &["begin 2", "hush", "barge-in: wait"]);
    check_after(
        vec![said("go"), text(1, "A long answer. And")],
        vec![part("wait")],
        &["stop 1", "otto 1: A long answer.", "begin 2", "hush", "barge-in: wait"],
    );
    check_after(
        vec![said("go"), text(1, "A long answer. And")],
        vec![interim("wait")],
        &["otto 1: A long answer.", "begin 2", "hush", "barge-in: wait"],
    );
}

#[test]
fn one_interruption_is_one_hush_however_many_words_it_has() {
    check_after(
        speaking(),
        vec![interim("wait"), interim("wait a"), part("wait a moment"), said("please")],
        &["begin 2", "hush", "barge-in: wait", "user: wait a moment please"],
    );
}

#[test]
fn every_word_of_an_interruption_counts_before_the_voice_has_stopped() {
    // "Okay" alone would interrupt nothing, but the caller has the turn already.
    check_after(
        speaking(),
        vec![part("no"), said("okay"), cut(1, &[(1, "A long")])],
        &["begin 2", "hush", "barge-in: no", "user: no okay", "cut 1: A long", "ask 2"],
    );
}

#[test]
fn the_model_is_asked_when_it_is_known_what_was_heard() {
    check_after(
        speaking(),
        vec![said("no, brakes"), cut(1, &[(1, "A long")])],
        &["begin 2", "hush", "barge-in: no, brakes", "user: no, brakes", "cut 1: A long", "ask 2"],
    );
    check_after(
        speaking(),
        vec![interim("no"), cut(1, &[(1, "")]), said("no, brakes")],
        &["begin 2", "hush", "barge-in: no", "cut 1: ", "user: no, brakes", "ask 2"],
    );
}

#[test]
fn the_model_is_asked_when_old_tools_are_back() {
    let mut before = with_tools(&["a", "b"]);
    before.push(result("b"));
    check_after(before, vec![said("no, wait"), result("a")], &["begin 2", "user: no, wait", "result a", "ask 2"]);
}

#[test]
fn the_model_is_asked_when_both_are_known() {
    let before = || {
        let filler = Input::Due(TurnTimer::Filler);
        with_tools(&["a"]).into_iter().chain([filler, said("stop")]).collect::<Vec<_>>()
    };
    check_after(before(), vec![result("a"), cut(1, &[(1, "FIL")])], &["result a", "ask 2"]);
    check_after(before(), vec![cut(1, &[(1, "FIL")]), result("a")], &["result a", "ask 2"]);
}

#[test]
fn backchannels_interrupt_neither_speech_nor_thought() {
    for noise in ["uh-huh", "Okay.", "mm-hm", "so", ""] {
        check_after(speaking(), vec![interim(noise), said(noise), Input::UtteranceEnd, silence()], &[]);
        check_after(vec![said("go")], vec![interim(noise), said(noise), Input::UtteranceEnd, silence()], &[]);
    }
}

#[test]
fn two_words_or_one_that_says_something_interrupt() {
    for words in ["wait", "no", "so is", "okay, stop", "it is"] {
        assert!(run(&mut fresh(), [speaking(), vec![interim(words)]].concat()).contains("hush"), "{words}");
    }
}

/// Otto asks, and is about to be heard to the end.
fn asking() -> Vec<Input> {
    vec![said("go"), text(1, "At ten?"), done(1)]
}

#[test]
fn a_listening_noise_at_the_end_of_a_question_is_the_answer_to_it() {
    let answered = ["begin 2", "user: Yeah. Right.", "ask 2"];
    check_after(asking(), vec![said("Yeah."), said("Right."), spoken(1)], &answered);
    // It was said too early for that, or it was no question, or there was more to come.
    let late = Input::Due(TurnTimer::Murmur);
    check_after(asking(), vec![said("Yeah."), late, spoken(1)], &["ignored"]);
    check_after(speaking(), vec![said("Yeah."), spoken(1)], &[]);
    let asks_and_works = vec![said("go"), text(1, "At ten?"), tool(1, "a"), done(1)];
    check_after(asks_and_works, vec![said("Yeah."), spoken(1)], &[]);
}

#[test]
fn a_backchannel_in_silence_is_an_answer() {
    let mut before = speaking();
    before.push(spoken(1));
    check_after(before, vec![said("okay")], &["begin 2", "user: okay", "ask 2"]);
}

#[test]
fn a_key_interrupts_too() {
    check_after(
        speaking(),
        vec![Input::Key('1'), Input::Key('2'), Input::Key('#'), cut(1, &[(1, "A")])],
        &["begin 2", "hush", "barge-in: ", "user: (keys pressed: 12)", "cut 1: A", "ask 2"],
    );
    check_after(speaking(), vec![Input::Key('#')], &["ignored"]);
}

#[test]
fn a_second_interruption_while_the_first_is_being_answered() {
    check_after(
        speaking(),
        vec![said("no"), said("or yes"), cut(1, &[(1, "A")])],
        &[
            "begin 2",
            "hush",
            "barge-in: no",
            "user: no",
            "begin 3",
            "barge-in: or yes",
            "user: or yes",
            "cut 1: A",
            "ask 2",
        ],
    );
}

#[test]
fn an_interrupted_goodbye_does_not_end_the_call() {
    let goodbye = || vec![said("bye"), text(1, "Goodbye then. "), tool(1, "end"), done(1)];
    let mut before = goodbye();
    before.push(ends("end", EndKind::HangUp));
    check_after(
        before,
        vec![interim("oh wait"), cut(1, &[(1, "Good")]), spoken(1), said("oh wait")],
        &["begin 2", "hush", "barge-in: oh wait", "cut 1: Good", "user: oh wait", "ask 2"],
    );
    // The tool comes back after the interruption: its wish is void.
    check_after(
        goodbye(),
        vec![said("oh wait"), ends("end", EndKind::HangUp), cut(1, &[(1, "Good")]), spoken(1)],
        &["begin 2", "hush", "barge-in: oh wait", "user: oh wait", "result end", "cut 1: Good", "ask 2"],
    );
}
