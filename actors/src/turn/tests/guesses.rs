//! Asking ahead: the request starts before the end of the turn and is used only for the very words.

use super::*;
use crate::limits::SPECULATIONS_WASTED_PER_CALL;

fn stable() -> Input {
    Input::Due(TurnTimer::Stable)
}

fn eager(text: &str) -> Input {
    Input::Eager(text.into())
}

/// The model was asked ahead and has answered.
fn answered() -> Vec<Input> {
    vec![interim("an oil change"), stable(), text(1, "Sure thing. "), tool(1, "a"), done(1)]
}

#[test]
fn words_that_stay_the_same_ask_ahead_and_nothing_is_done_before_they_are_confirmed() {
    check(answered(), &["guess 1: an oil change"]);
    check_after(
        answered(),
        vec![said("An oil change.")],
        &[
            "begin 1",
            "user: An oil change.",
            "used",
            "say 1/1: Sure thing.",
            "finish 1",
            "otto 1: Sure thing.[a]",
            "run 1/a",
        ],
    );
}

#[test]
fn a_guess_goes_on_where_it_is() {
    check_after(
        vec![part("an oil"), interim("change"), stable(), text(1, "Sure thing. Let")],
        vec![part("change"), Input::UtteranceEnd, text(1, " me see."), done(1)],
        &[
            "begin 1",
            "user: an oil change",
            "used",
            "say 1/1: Sure thing.",
            "say 1/1: Let me see.",
            "finish 1",
            "otto 1: Sure thing. Let me see.",
        ],
    );
}

#[test]
fn a_caller_who_falls_silent_is_answered_ahead_once() {
    let silent = || Input::FellSilent;
    check(
        vec![interim("an oil change"), silent(), silent(), interim("An oil change."), silent(), stable()],
        &["guess 1: an oil change"],
    );
    // A piece that is final is no end of the turn.
    check(
        vec![part("an oil"), interim("change"), stable(), part("change"), silent(), interim("please"), silent()],
        &["guess 1: an oil change", "stop 1", "wasted", "guess 2: an oil change please"],
    );
    // A failed guess is not asked again for the same silence.
    check(vec![interim("go"), silent(), fails(1), silent()], &["guess 1: go", "stop 1", "wasted"]);
    // Silence without words, and behind keys.
    check(vec![silent(), interim("one"), Input::Key('1'), silent()], &[]);
    check_after(
        vec![said("go"), text(1, "Gone."), done(1), spoken(1)],
        vec![silent(), interim("on"), silent()],
        &["guess 2: on"],
    );
}

#[test]
fn other_words_waste_the_guess() {
    for more in [interim("an oil change and"), said("an oil change please"), Input::Resumed, Input::Key('1')] {
        let ran = run(&mut fresh(), [answered(), vec![more.clone()]].concat());
        assert!(ran.contains("wasted") && !ran.contains("say") && !ran.contains("run"), "{more:?}: {ran}");
    }
    check_after(
        vec![interim("an oil change"), stable()],
        vec![said("an oil change please")],
        &["stop 1", "wasted", "begin 1", "user: an oil change please", "ask 2"],
    );
}

#[test]
fn the_vendor_s_own_guess_is_taken_at_once() {
    check(
        vec![eager("an oil change"), said("an oil change"), text(1, "Sure."), done(1)],
        &[
            "guess 1: an oil change",
            "begin 1",
            "user: an oil change",
            "used",
            "say 1/1: Sure.",
            "finish 1",
            "otto 1: Sure.",
        ],
    );
    check(
        vec![eager("an oil"), Input::Resumed, eager("an oil change")],
        &["guess 1: an oil", "stop 1", "wasted", "guess 2: an oil change"],
    );
}

#[test]
fn a_guess_that_fails_is_dropped_and_nobody_hears_of_it() {
    check(
        vec![interim("an oil change"), stable(), fails(1), said("an oil change")],
        &["guess 1: an oil change", "stop 1", "wasted", "begin 1", "user: an oil change", "ask 2"],
    );
}

#[test]
fn nothing_is_guessed_while_it_is_not_the_caller_s_turn_or_the_history_is_not_true() {
    check_after(vec![said("go")], vec![interim("uh-huh"), stable()], &[]);
    check_after([speaking(), vec![interim("wait")]].concat(), vec![stable()], &[]);
    check_after(vec![interim("one"), Input::Key('1')], vec![stable()], &[]);
    check(vec![stable()], &[]);
    // As soon as what was heard is known it is asked.
    check_after(
        [speaking(), vec![interim("wait"), stable()]].concat(),
        vec![cut(1, &[(1, "A")]), said("wait")],
        &["cut 1: A", "guess 2: wait", "user: wait", "used"],
    );
}

#[test]
fn a_guess_of_an_interruption_that_was_none_is_dropped() {
    check_after(
        [speaking(), vec![interim("wait"), cut(1, &[(1, "A long answer. With")]), stable()]].concat(),
        vec![Input::Due(TurnTimer::FalseAlarm)],
        &["stop 2", "wasted", "ignored", "say 2/2: With an end.", "finish 2", "otto 2: With an end."],
    );
}

#[test]
fn a_call_wastes_so_many_and_no_more() {
    let mut machine = fresh();
    let changes = (0..SPECULATIONS_WASTED_PER_CALL).flat_map(|n| vec![interim(&format!("number {n}")), stable()]);
    let ran = run(&mut machine, changes.chain([interim("no more")]).collect());
    assert_eq!(ran.matches("wasted").count(), 20, "{ran}");
    assert_eq!(run(&mut machine, vec![stable()]), "capped");
    // The count outlives the turn's actor.
    let standing = Standing { wasted: SPECULATIONS_WASTED_PER_CALL, ..Standing::default() };
    assert_eq!(run(&mut TurnMachine::new(rules(), standing), vec![interim("go on"), stable()]), "capped");
}

#[test]
fn it_can_be_switched_off() {
    let mut machine = TurnMachine::new(Rules { speculates: false, ..rules() }, Standing::default());
    let ran = run(&mut machine, vec![interim("go"), stable(), eager("go on"), said("go on")]);
    assert_eq!(ran, "begin 1 | user: go on | ask 1");
}
