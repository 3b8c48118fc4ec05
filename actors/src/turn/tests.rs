//! Tests of a turn's decisions: inputs as data, effects as one line of text.

mod doubts;
mod guesses;
mod interruptions;
mod random;
mod resuming;
mod silence;
mod tools;
mod turns;

use super::answer::Step;
use super::machine::{
    Effect, EndKind, Guessed, Input, Question, Resume, Rules, Standing, Texts, TurnMachine, TurnTimer,
};
use super::words::Listening;
use crate::domain::{Shop, TurnId, UtteranceId};
use crate::history::{Entry, History, HistoryOp};
use crate::ports::{ModelEnd, ModelEvent, ToolCall};
use crate::testing::passing;

fn rules() -> Rules {
    let texts = Texts {
        filler: "FILLER".into(),
        filler_again: "FILLER AGAIN".into(),
        deaf: "DEAF".into(),
        still_there: "STILL THERE?".into(),
        still_there_again: "STILL THERE AGAIN?".into(),
        silent_goodbye: "SILENT GOODBYE".into(),
        trouble: "TROUBLE".into(),
        apology: "APOLOGY".into(),
        goodbye: "GOODBYE".into(),
        transfer: "TRANSFER".into(),
    };
    Rules { texts, listening: Listening::of(&Shop::default()), speculates: true, can_transfer: true }
}

fn fresh() -> TurnMachine {
    TurnMachine::new(rules(), Standing::default())
}

fn standing(history: Vec<Entry>, turn: u64, last_utterance: u64) -> TurnMachine {
    let history = History::from_entries(history);
    let (turn, last_utterance) = (TurnId(turn), UtteranceId(last_utterance));
    TurnMachine::new(rules(), Standing { history, turn, last_utterance, wasted: 0 })
}

// Inputs --------------------------------------------------------------------------------------------------------------

fn words(text: &str, is_final: bool, speech_final: bool) -> Input {
    Input::Words { text: text.into(), is_final, speech_final, until: None }
}

/// Words whose last one ends so many milliseconds after the beginning of the stream.
fn placed(text: &str, is_final: bool, end_ms: u64) -> Input {
    let until = Some(end_ms * crate::limits::SAMPLES_PER_MS);
    Input::Words { text: text.into(), is_final, speech_final: false, until }
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

fn event(step: u32, event: ModelEvent) -> Input {
    Input::Model { step: Step(step), event: Ok(event) }
}

fn text(step: u32, text: &str) -> Input {
    event(step, ModelEvent::Text(text.into()))
}

fn tool(step: u32, id: &str) -> Input {
    event(step, ModelEvent::ToolCall(call(id)))
}

fn call(id: &str) -> ToolCall {
    ToolCall { id: id.into(), name: "some_tool".into(), arguments: "{}".into() }
}

fn done(step: u32) -> Input {
    event(step, ModelEvent::Done(ModelEnd::default()))
}

fn truncated(step: u32) -> Input {
    event(step, ModelEvent::Done(ModelEnd { truncated: true, ..ModelEnd::default() }))
}

fn fails(step: u32) -> Input {
    Input::Model { step: Step(step), event: Err(passing()) }
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
        Effect::GoesOn => "goes on".into(),
        Effect::Ignored => "ignored".into(),
        Effect::AskModel(Question { step, guess: None }) => format!("ask {}", step.0),
        Effect::AskModel(Question { step, guess: Some(words) }) => format!("guess {}: {words}", step.0),
        Effect::StopModel(step) => format!("stop {}", step.0),
        Effect::RetryAfter(pause) => format!("retry after {} ms", pause.as_millis()),
        Effect::FirstWord => "first word".into(),
        Effect::Guessed(guessed) => format!("{guessed:?}").to_lowercase(),
        Effect::Ending(kind) => format!("ending {kind:?}"),
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

/// Everything that happens, but for timers and measurements.
fn run(machine: &mut TurnMachine, inputs: Vec<Input>) -> String {
    let effects = inputs.into_iter().flat_map(|input| machine.step(input));
    let measures = |e: &Effect| matches!(e, Effect::Arm(_) | Effect::Disarm(_) | Effect::FirstWord);
    let lines = effects.filter(|e| !measures(e)).map(|e| line(&e));
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
    inputs.extend(ids.iter().map(|id| tool(1, id)));
    inputs.push(done(1));
    inputs
}

/// The caller has asked, Otto speaks and has not been heard to the end.
fn speaking() -> Vec<Input> {
    vec![said("go"), text(1, "A long answer. "), text(1, "With an end."), done(1)]
}
