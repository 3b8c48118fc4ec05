//! A turn that is started again in the middle of a call.

use super::*;

fn otto(turn: u64, utterance: u64, text: &str, calls: &[&str]) -> Entry {
    let tool_calls = calls.iter().map(|id| call(id)).collect();
    Entry::Assistant { turn: TurnId(turn), utterance: UtteranceId(utterance), text: text.into(), tool_calls }
}

fn user(text: &str) -> Entry {
    Entry::User(text.into())
}

fn answered(id: &str) -> Entry {
    Entry::Tool { tool_call_id: id.into(), content: "{}".into() }
}

struct Died {
    history: Vec<Entry>,
    turn: u64,
    speaking: Vec<u64>,
    ending: Option<EndKind>,
}

/// A turn that died with this session goes on like this.
#[track_caller]
fn check_resumed(died: Died, inputs: Vec<Input>, expected: &[&str]) {
    let mut machine = standing(died.history, died.turn, 9);
    let speaking = died.speaking.into_iter().map(UtteranceId).collect();
    let resume = Input::Resume(Resume { speaking, ending: died.ending, ..Resume::default() });
    let inputs = std::iter::once(resume).chain(inputs).collect();
    assert_eq!(run(&mut machine, inputs), expected.join(" | "));
}

fn died(history: Vec<Entry>, turn: u64, speaking: &[u64]) -> Died {
    Died { history, turn, speaking: speaking.to_vec(), ending: None }
}

#[test]
fn before_anything_was_said_it_waits() {
    check_resumed(died(vec![], 0, &[]), vec![said("hi")], &["begin 1", "user: hi", "ask 1"]);
}

#[test]
fn after_the_caller_it_asks_the_model() {
    check_resumed(
        died(vec![user("hi")], 1, &[]),
        vec![text(1, "Yes."), done(1)],
        &["ask 1", "say 1/10: Yes.", "finish 10", "otto 10: Yes."],
    );
}

#[test]
fn a_complete_reply_is_not_asked_for_again() {
    let history = || vec![user("hi"), otto(1, 1, "A whole answer.", &[])];
    check_resumed(died(history(), 1, &[]), vec![], &[]);
    // It is still being heard: it goes on, and words interrupt it.
    check_resumed(died(history(), 1, &[1]), vec![interim("wait")], &["begin 2", "hush", "barge-in: wait"]);
    check_resumed(died(history(), 1, &[1]), vec![spoken(1), interim("wait")], &[]);
}

#[test]
fn a_reply_that_broke_off_is_cut_and_asked_for_again() {
    check_resumed(
        died(vec![user("hi")], 1, &[1]),
        vec![cut(1, &[(1, "A whole")]), text(1, "Yes."), done(1)],
        &["hush", "ask 1", "say 1/10: Yes.", "finish 10", "otto 10: Yes."],
    );
}

#[test]
fn an_answer_is_still_owed_when_the_second_incarnation_dies_too() {
    let mut machine = standing(vec![user("hi")], 1, 1);
    let resume = |speaking: &[u64]| {
        let speaking = speaking.iter().copied().map(UtteranceId).collect();
        Input::Resume(Resume { speaking, ..Resume::default() })
    };
    assert_eq!(run(&mut machine, vec![resume(&[1])]), "hush");
    assert!(run(&mut machine, vec![cut(1, &[(1, "A whole")])]).ends_with("ask 1"));
    let mut third = standing(machine.history().entries().to_vec(), 1, 1);
    assert_eq!(run(&mut third, vec![resume(&[])]), "ask 1");
}

#[test]
fn unanswered_tools_of_the_turn_are_run_again() {
    let history = vec![user("book"), otto(1, 1, "One moment.", &["a", "b"]), answered("a")];
    check_resumed(died(history, 1, &[]), vec![result("b")], &["run 1/b", "result b", "ask 1"]);
}

#[test]
fn unanswered_tools_of_an_interrupted_turn_get_no_new_turn_to_act_in() {
    let history = || vec![user("book"), otto(1, 1, "", &["a"]), user("no, wait")];
    // Run under its own turn, whose fence is closed: it can only say what came of it.
    check_resumed(died(history(), 2, &[]), vec![result("a")], &["run 1/a", "result a", "ask 1"]);
    // The caller had interrupted, but had not finished: the turn is open, or will be opened by the words that follow.
    let history = vec![user("book"), otto(1, 1, "", &["a"])];
    let mut machine = standing(history, 2, 9);
    let ran = run(&mut machine, vec![Input::Resume(Resume::default())]);
    assert!(ran.contains("run 1/a") && !ran.contains("run 2/a"), "{ran}");
}

#[test]
fn after_the_tools_it_asks_the_model() {
    let history = vec![user("book"), otto(1, 1, "", &["a"]), answered("a")];
    check_resumed(died(history, 1, &[]), vec![], &["ask 1"]);
}

fn ending(history: Vec<Entry>, speaking: &[u64]) -> Died {
    Died { ending: Some(EndKind::HangUp), ..died(history, 1, speaking) }
}

#[test]
fn a_goodbye_goes_on_and_ends_the_call() {
    let said_by_model = || vec![user("bye"), otto(1, 1, "See you.", &["end"]), answered("end")];
    check_resumed(ending(said_by_model(), &[1]), vec![spoken(1)], &["end HangUp"]);
    check_resumed(ending(said_by_model(), &[]), vec![], &["end HangUp"]);
    let said_by_otto = || vec![user("bye"), otto(1, 0, "", &["end"]), answered("end"), otto(1, 1, "GOODBYE", &[])];
    check_resumed(ending(said_by_otto(), &[1]), vec![spoken(1)], &["end HangUp"]);
    check_resumed(ending(said_by_otto(), &[]), vec![], &["end HangUp"]);
}

#[test]
fn a_goodbye_that_was_not_said_is_said() {
    let history = || vec![user("bye"), otto(1, 0, "", &["end"]), answered("end")];
    check_resumed(
        ending(history(), &[]),
        vec![spoken(10)],
        &["say 1/10: GOODBYE", "finish 10", "otto 10: GOODBYE", "end HangUp"],
    );
}

#[test]
fn an_end_whose_result_was_lost_is_asked_for_again() {
    let history = || vec![user("bye"), otto(1, 1, "See you.", &["end"])];
    check_resumed(
        ending(history(), &[1]),
        vec![ends("end", EndKind::HangUp), spoken(1)],
        &["run 1/end", "result end", "end HangUp"],
    );
}

#[test]
fn an_interrupted_goodbye_is_over() {
    let history = vec![user("bye"), otto(1, 1, "See you.", &["end"]), answered("end")];
    check_resumed(
        ending(history, &[1]),
        vec![interim("oh wait"), cut(1, &[(1, "See")]), spoken(1)],
        &["begin 2", "hush", "barge-in: oh wait", "cut 1: See"],
    );
}

#[test]
fn words_that_were_replayed_interrupt_the_answer_that_was_begun_again() {
    check_resumed(
        died(vec![user("hi")], 1, &[1]),
        vec![said("and tires"), cut(1, &[(1, "A whole")])],
        &["hush", "begin 2", "barge-in: and tires", "user: and tires", "ask 1"],
    );
}

#[test]
fn it_waits_for_a_cut_that_is_on_its_way() {
    let history = vec![user("go"), otto(1, 1, "A long answer.", &[]), user("no")];
    let mut machine = standing(history, 2, 1);
    let resume = Resume { speaking: vec![UtteranceId(1)], hushing: true, ..Resume::default() };
    let ran = run(&mut machine, vec![Input::Resume(resume), cut(1, &[(1, "A long")])]);
    assert_eq!(ran, "cut 1: A long | ask 1");
}

#[test]
fn words_with_tools_go_on_while_the_tools_run_again() {
    let history = vec![user("bye"), otto(1, 1, "See you.", &["end"])];
    check_resumed(
        died(history, 1, &[1]),
        vec![ends("end", EndKind::HangUp), spoken(1)],
        &["run 1/end", "result end", "end HangUp"],
    );
}

#[test]
fn a_filler_is_cut_before_the_answer_goes_on() {
    let history = || vec![user("bye"), otto(1, 0, "", &["end"])];
    check_resumed(
        died(history(), 1, &[1]),
        vec![ends("end", EndKind::HangUp), cut(1, &[(1, "FIL")]), spoken(10)],
        &["hush", "run 1/end", "result end", "say 1/10: GOODBYE", "finish 10", "otto 10: GOODBYE", "end HangUp"],
    );
}
