//! Tools of a turn: in parallel, in one result each, and the ends they bring about.

use super::*;
use crate::limits::{MODEL_STEPS_PER_TURN, TOOL_CALLS_PER_REPLY};

#[test]
fn tools_run_in_parallel_and_then_the_model_goes_on() {
    check(with_tools(&["a", "b"]), &["begin 1", "user: go", "ask 1", "otto 0: [a, b]", "run 1/a", "run 1/b"]);
    check_after(with_tools(&["a", "b"]), vec![result("b")], &["result b"]);
    check_after(with_tools(&["a", "b"]), vec![result("b"), result("a")], &["result b", "result a", "ask 2"]);
}

#[test]
fn a_result_counts_once_and_only_for_a_call_that_was_made() {
    check_after(with_tools(&["a", "b"]), vec![result("b"), result("b"), result("x")], &["result b"]);
}

#[test]
fn a_name_that_was_used_before_is_replaced() {
    let again = ["begin 1", "user: go", "ask 1", "otto 0: [a, a_1_1_1]", "run 1/a", "run 1/a_1_1_1"];
    check(with_tools(&["a", "a"]), &again);
    let mut before = with_tools(&["a"]);
    before.extend([result("a"), tool(2, "a")]);
    check_after(before, vec![done(2)], &["otto 0: [a_1_2_0]", "run 1/a_1_2_0"]);
    check(
        with_tools(&["", ""]),
        &["begin 1", "user: go", "ask 1", "otto 0: [_1_1_0, _1_1_1]", "run 1/_1_1_0", "run 1/_1_1_1"],
    );
}

#[test]
fn a_replacement_is_not_a_name_that_was_used_before() {
    // As after a restart in the middle of a turn, when requests are counted from one again.
    let calls = vec![call("_1_1_0")];
    let used = Entry::Assistant { turn: TurnId(1), utterance: UtteranceId(0), text: String::new(), tool_calls: calls };
    let answered = Entry::Tool { tool_call_id: "_1_1_0".into(), content: "{}".into() };
    let mut machine = standing(vec![Entry::User("go".into()), used, answered], 1, 0);
    let ran = run(&mut machine, vec![Input::Resume(Resume::default()), tool(1, ""), done(1)]);
    assert!(ran.contains("run 1/"), "{ran}");
    assert!(!ran.contains("run 1/_1_1_0 |") && !ran.ends_with("run 1/_1_1_0"), "{ran}");
}

#[test]
fn a_truncated_reply_never_runs_tools() {
    check_after(
        vec![said("go"), text(1, "Let me see. "), tool(1, "a")],
        vec![truncated(1)],
        &["finish 1", "otto 1: Let me see.", "goes on", "ask 2"],
    );
}

#[test]
fn a_reply_has_a_bounded_number_of_tools() {
    let ids: Vec<String> = (0..20).map(|n| format!("t{n}")).collect();
    let ran = run(&mut fresh(), with_tools(&ids.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(ran.matches("run ").count(), TOOL_CALLS_PER_REPLY);
}

#[test]
fn a_model_that_loops_is_stopped() {
    let mut machine = fresh();
    machine.step(said("go"));
    let mut asked = 1;
    let said = loop {
        let id = format!("t{asked}");
        let lines = run(&mut machine, vec![tool(asked, &id), done(asked), result(&id)]);
        if !lines.contains("ask ") {
            break lines;
        }
        asked += 1;
    };
    assert_eq!(asked, MODEL_STEPS_PER_TURN);
    assert!(said.ends_with("say 1/1: TROUBLE | finish 1 | otto 1: TROUBLE"), "{said}");
}

#[test]
fn a_filler_comes_early_once_in_an_answer_and_not_after_words() {
    let filler = || Input::Due(TurnTimer::Filler);
    check_after(with_tools(&["a"]), vec![filler(), filler()], &["say 1/1: FILLER", "finish 1"]);
    check_after(with_tools(&["a"]), vec![filler(), spoken(1), filler()], &["say 1/1: FILLER", "finish 1"]);
    let mut second_step = with_tools(&["a"]);
    second_step.extend([filler(), result("a"), tool(2, "b"), done(2)]);
    check_after(second_step, vec![filler()], &[]);
    check_after(vec![said("go"), text(1, "Let me see. "), tool(1, "a"), done(1)], vec![filler()], &[]);
    check_after(with_tools(&["a"]), vec![result("a"), filler()], &["result a", "ask 2"]);
}

#[test]
fn the_filler_is_armed_with_the_tools_and_disarmed_with_their_results() {
    let timers = |machine: &mut TurnMachine, inputs: Vec<Input>| {
        let effects = inputs.into_iter().flat_map(|input| machine.step(input));
        effects.map(|e| line(&e)).filter(|l| l.ends_with("Filler")).collect::<Vec<_>>()
    };
    let mut machine = fresh();
    assert_eq!(timers(&mut machine, with_tools(&["a", "b"])), ["arm Filler"]);
    assert_eq!(timers(&mut machine, vec![result("a")]), Vec::<String>::new());
    assert_eq!(timers(&mut machine, vec![result("b")]), ["disarm Filler"]);
}

#[test]
fn end_call_with_a_goodbye_ends_when_it_was_heard() {
    let goodbye = vec![said("bye"), text(1, "See you. "), tool(1, "end"), done(1)];
    check_after(goodbye, vec![ends("end", EndKind::HangUp), spoken(1), spoken(1)], &["result end", "end HangUp"]);
    let heard_first = vec![said("bye"), text(1, "See you. "), tool(1, "end"), done(1), spoken(1)];
    check_after(heard_first, vec![ends("end", EndKind::HangUp)], &["result end", "end HangUp"]);
}

#[test]
fn end_call_without_a_goodbye_gets_one() {
    check_after(
        with_tools(&["end"]),
        vec![ends("end", EndKind::HangUp), spoken(1)],
        &["result end", "say 1/1: GOODBYE", "finish 1", "otto 1: GOODBYE", "end HangUp"],
    );
    check_after(
        with_tools(&["human"]),
        vec![ends("human", EndKind::Transfer), spoken(1)],
        &["result human", "say 1/1: TRANSFER", "finish 1", "otto 1: TRANSFER", "end Transfer"],
    );
}

#[test]
fn the_call_ends_when_the_other_tools_are_back_too() {
    check_after(
        with_tools(&["end", "a"]),
        vec![ends("end", EndKind::HangUp), result("a"), spoken(1)],
        &["result end", "result a", "say 1/1: GOODBYE", "finish 1", "otto 1: GOODBYE", "end HangUp"],
    );
}
