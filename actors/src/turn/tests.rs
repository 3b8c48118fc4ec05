//! Tests of a turn's decisions: inputs as data, effects as one line of text.

mod interruptions;
mod random;
mod resuming;
mod tools;
mod turns;

use super::answer::Step;
use super::machine::{Effect, EndKind, Input, Resume, Texts, TurnMachine, TurnTimer};
use crate::domain::{TurnId, UtteranceId};
use crate::history::{Entry, History, HistoryOp};
use crate::ports::{ModelEnd, ModelEvent, ToolCall};
use crate::testing::passing;

fn texts() -> Texts {
    let [filler, trouble, goodbye, transfer] = ["FILLER", "TROUBLE", "GOODBYE", "TRANSFER"].map(String::from);
    Texts { filler, trouble, goodbye, transfer }
}

fn fresh() -> TurnMachine {
    TurnMachine::new(texts(), History::default(), TurnId(0), UtteranceId(0))
}

// Inputs --------------------------------------------------------------------------------------------------------------

fn words(text: &str, is_final: bool, speech_final: bool) -> Input {
    Input::Words { text: text.into(), is_final, speech_final }
}

fn interim(text: &str) -> Input {
    words(text, false, false)
}

/// A final piece of an utterance that goes on.
fn part(text: &str) -> Input {
    words(text, true, false)
}

/// A whole utterance, or its end.
fn said(text: &str) -> Input {
    words(text, true, true)
}

/// Otto's own silence timer.
fn silence() -> Input {
    Input::Due(TurnTimer::Silence)
}

fn event(step: (u64, u32), event: ModelEvent) -> Input {
    Input::Model { step: Step { turn: TurnId(step.0), request: step.1 }, event: Ok(event) }
}

fn text(step: (u64, u32), text: &str) -> Input {
    event(step, ModelEvent::Text(text.into()))
}

fn tool(step: (u64, u32), id: &str) -> Input {
    event(step, ModelEvent::ToolCall(call(id)))
}

fn call(id: &str) -> ToolCall {
    ToolCall { id: id.into(), name: "some_tool".into(), arguments: "{}".into() }
}

fn done(step: (u64, u32)) -> Input {
    event(step, ModelEvent::Done(ModelEnd::default()))
}

fn truncated(step: (u64, u32)) -> Input {
    event(step, ModelEvent::Done(ModelEnd { truncated: true, ..ModelEnd::default() }))
}

fn fails(step: (u64, u32)) -> Input {
    Input::Model { step: Step { turn: TurnId(step.0), request: step.1 }, event: Err(passing()) }
}

fn result(id: &str) -> Input {
    Input::ToolDone { tool_call_id: id.into(), content: "{}".into(), end: None }
}

fn ends(id: &str, end: EndKind) -> Input {
    Input::ToolDone { tool_call_id: id.into(), content: "{}".into(), end: Some(end) }
}

fn spoken(utterance: u64) -> Input {
    Input::Spoken(UtteranceId(utterance))
}

fn cut(turn: u64, heard: &[(u64, &str)]) -> Input {
    Input::Cut(heard.iter().map(|(id, text)| (UtteranceId(*id), TurnId(turn), (*text).into())).collect())
}

// Effects -------------------------------------------------------------------------------------------------------------

fn entry(entry: &Entry) -> String {
    match entry {
        Entry::User(text) => format!("user: {text}"),
        Entry::Assistant { utterance, text, tool_calls, .. } => {
            let calls: Vec<_> = tool_calls.iter().map(|c| c.id.as_str()).collect();
            format!("otto {utterance}: {}{calls:?}", text.trim_end()).replace("[]", "").replace('"', "")
        }
        Entry::Tool { tool_call_id, .. } => format!("result {tool_call_id}"),
    }
}

fn line(effect: &Effect) -> String {
    match effect {
        Effect::Begin(turn) => format!("begin {turn}"),
        Effect::History(HistoryOp::Add(added)) => entry(added),
        Effect::History(HistoryOp::Cut { utterance, heard }) => format!("cut {utterance}: {heard}"),
        Effect::AskModel(step) => format!("ask {}.{}", step.turn, step.request),
        Effect::StopModel => "stop model".into(),
        Effect::Say { turn, utterance, text } => format!("say {turn}/{utterance}: {}", text.trim_end()),
        Effect::Finish(utterance) => format!("finish {utterance}"),
        Effect::Hush => "hush".into(),
        Effect::BargeIn(text) => format!("barge-in: {text}"),
        Effect::RunTool { turn, call } => format!("run {turn}/{}", call.id),
        Effect::Arm(timer) => format!("arm {timer:?}"),
        Effect::Disarm(timer) => format!("disarm {timer:?}"),
        Effect::End(kind) => format!("end {kind:?}"),
    }
}

/// Everything that happens, but for timers.
fn run(machine: &mut TurnMachine, inputs: Vec<Input>) -> String {
    let effects = inputs.into_iter().flat_map(|input| machine.step(input));
    let lines = effects.filter(|e| !matches!(e, Effect::Arm(_) | Effect::Disarm(_))).map(|e| line(&e));
    lines.collect::<Vec<_>>().join(" | ")
}

#[track_caller]
fn check(inputs: Vec<Input>, expected: &[&str]) {
    assert_eq!(run(&mut fresh(), inputs), expected.join(" | "));
}

/// After `before`, `inputs` have these effects.
#[track_caller]
fn check_after(before: Vec<Input>, inputs: Vec<Input>, expected: &[&str]) {
    let mut machine = fresh();
    run(&mut machine, before);
    assert_eq!(run(&mut machine, inputs), expected.join(" | "));
}

/// The caller has asked, the model has answered with these tools.
fn with_tools(ids: &[&str]) -> Vec<Input> {
    let mut inputs = vec![said("go")];
    inputs.extend(ids.iter().map(|id| tool((1, 1), id)));
    inputs.push(done((1, 1)));
    inputs
}

/// The caller has asked, Otto speaks and has not been heard to the end.
fn speaking() -> Vec<Input> {
    vec![said("go"), text((1, 1), "A long answer. "), text((1, 1), "With an end."), done((1, 1))]
}
