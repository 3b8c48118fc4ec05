//! Which effect a tool call means: the same change asked for again in a call is the same effect, whatever the model calls
//! it. Pure.
//!
//! A model asks again when it got no answer in time, or when its own answer was lost; the first change may have been made
//! all the same, and nothing but its identity tells the store so.

use serde_json::Value;

use crate::domain::{CallSid, TurnId};
use crate::effects::EffectId;
use crate::ports::ToolCall;
use crate::tools::Tool;

/// Different changes of one call that are told apart, more than the tries that its tools have; later ones have their own
/// identities.
const CHANGES: usize = 160;

/// The changes that a call has asked for.
#[derive(Debug, Default)]
pub(super) struct Identities(Vec<Change>);

/// What was asked for, and the effect that stands for it.
#[derive(Debug)]
struct Change {
    tool: Tool,
    arguments: Value,
    effect: EffectId,
}

impl Identities {
    /// The identity of what a tool call is to do.
    pub(super) fn of(&mut self, call: &CallSid, turn: TurnId, asked: &ToolCall) -> EffectId {
        let effect = EffectId { call: call.clone(), turn, tool_call_id: asked.id.clone() };
        let Some(tool) = Tool::named(&asked.name).filter(|tool| tool.changes_records()) else { return effect };
        let Ok(arguments) = serde_json::from_str::<Value>(&asked.arguments) else { return effect };
        let same = |change: &&Change| change.tool == tool && change.arguments == arguments;
        if let Some(first) = self.0.iter().find(same) {
            return first.effect.clone();
        }
        if self.0.len() < CHANGES {
            self.0.push(Change { tool, arguments, effect: effect.clone() });
        }
        effect
    }

    /// A tool did what was asked, under that identity: what it has undone may be asked for anew.
    pub(super) fn done(&mut self, tool: &str, effect: &EffectId) {
        if let Some(done) = Tool::named(tool).filter(|tool| tool.changes_records()) {
            self.0.retain(|change| change.effect == *effect || !undoes(done, change.tool));
        }
    }
}

/// Whether one change may undo another, so that the same again is a new one. A booking is undone when an appointment is
/// cancelled or moved, and what is put down stays; of wishes the latest one holds.
const fn undoes(done: Tool, earlier: Tool) -> bool {
    match earlier {
        Tool::BookAppointment => matches!(done, Tool::CancelAppointment | Tool::RescheduleAppointment),
        Tool::CreateCustomer | Tool::AddVehicle | Tool::TakeMessage => false,
        _ => !matches!(done, Tool::AddVehicle | Tool::TakeMessage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a tool call of the table.
    #[derive(Clone, Copy, PartialEq)]
    enum Then {
        Done,
        /// Nobody knows.
        Unknown,
    }
    use Then::{Done, Unknown};

    /// The tool calls that those in turns 1, 2, 3 … mean, by their turns.
    fn check(calls: &[(&str, &str, Then)], expected: &[u64]) {
        let (mut identities, call) = (Identities::default(), CallSid::parse("CA1").unwrap());
        let mut means = |turn: u64, (name, arguments, then): &(&str, &str, Then)| {
            let tool = ToolCall { id: format!("call_{turn}"), name: (*name).into(), arguments: (*arguments).into() };
            let effect = identities.of(&call, TurnId(turn), &tool);
            if *then == Done {
                identities.done(name, &effect);
            }
            assert_eq!(effect.tool_call_id, format!("call_{}", effect.turn));
            effect.turn.0
        };
        let effects: Vec<u64> = calls.iter().zip(1..).map(|(call, turn)| means(turn, call)).collect();
        assert_eq!(effects, expected, "{:?}", calls.iter().map(|(name, ..)| name).collect::<Vec<_>>());
    }

    #[test]
    fn the_same_change_is_the_same_effect() {
        for tool in Tool::ALL.into_iter().filter(|tool| tool.changes_records()) {
            let again = [
                (tool.name(), r#"{"date":"2026-11-24","time":"09:30"}"#, Unknown),
                (tool.name(), r#"{ "time": "09:30", "date": "2026-11-24" }"#, Unknown),
                (tool.name(), r#"{"date":"2026-11-24","time":"10:00"}"#, Unknown),
                (tool.name(), r#"{"date":"2026-11-24","time":"09:30"}"#, Done),
                (tool.name(), r#"{"date":"2026-11-24","time":"09:30"}"#, Done),
                (tool.name(), "{", Done),
            ];
            check(&again, &[1, 1, 3, 1, 1, 6]);
        }
        check(&[("end_call", "{}", Done), ("end_call", "{}", Done), ("no_tool", "{}", Done)], &[1, 2, 3]);
    }

    #[test]
    fn what_was_cancelled_may_be_booked_again() {
        let (book, other) = (("book_appointment", "{}", Done), ("update_customer", "{}", Done));
        check(&[book, other, book, ("cancel_appointment", "{}", Unknown), book], &[1, 2, 1, 4, 1]);
        for undoing in ["cancel_appointment", "reschedule_appointment"] {
            check(&[book, (undoing, "{}", Done), book], &[1, 2, 3]);
        }
    }

    #[test]
    fn of_wishes_the_latest_holds_and_what_is_put_down_stays() {
        for tool in ["request_call_back", "update_customer", "reschedule_appointment"] {
            let (nine, ten) = ((tool, r#"{"time":"09:00"}"#, Done), (tool, r#"{"time":"10:00"}"#, Done));
            check(&[nine, ten, nine, nine], &[1, 2, 3, 3]);
        }
        let stop = ("stop_reminders", r#"{"reason":"asked"}"#, Done);
        for taken_back in ["update_customer", "book_appointment", "create_customer"] {
            check(&[stop, (taken_back, "{}", Done), stop], &[1, 2, 3]);
        }
        check(&[stop, ("take_message", "{}", Done), ("add_vehicle", "{}", Done), stop], &[1, 2, 3, 1]);
        for tool in ["take_message", "add_vehicle", "create_customer"] {
            let (one, other) = ((tool, r#"{"a":1}"#, Done), (tool, r#"{"a":2}"#, Done));
            check(&[one, other, ("cancel_appointment", "{}", Done), one], &[1, 2, 3, 1]);
        }
    }
}
