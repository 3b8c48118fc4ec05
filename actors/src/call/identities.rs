//! Which effect a tool call means: the same booking asked for again in a call is the same effect, whatever the model
//! calls it. Pure.
//!
//! A model asks again when it got no answer in time, or when its own answer was lost; the first booking may have been
//! made all the same, and nothing but its identity tells the store so.

use serde_json::Value;

use crate::domain::{CallSid, TurnId};
use crate::effects::EffectId;
use crate::ports::ToolCall;
use crate::tools::Tool;

/// Different bookings of one call that are told apart; later ones have their own identities.
const BOOKINGS: usize = 64;

/// The bookings that a call has asked for.
#[derive(Debug, Default)]
pub(super) struct Identities(Vec<(Value, EffectId)>);

impl Identities {
    /// The identity of what a tool call is to do.
    pub(super) fn of(&mut self, call: &CallSid, turn: TurnId, tool: &ToolCall) -> EffectId {
        let own = EffectId { call: call.clone(), turn, tool_call_id: tool.id.clone() };
        if tool.name != Tool::BookAppointment.name() {
            return own;
        }
        let Ok(wanted) = serde_json::from_str::<Value>(&tool.arguments) else { return own };
        if let Some((_, first)) = self.0.iter().find(|(asked, _)| *asked == wanted) {
            return first.clone();
        }
        if self.0.len() < BOOKINGS {
            self.0.push((wanted, own.clone()));
        }
        own
    }

    /// This tool did what was asked. After an appointment was cancelled or moved the same booking is a new one.
    pub(super) fn done(&mut self, tool: &str) {
        if matches!(Tool::named(tool), Some(Tool::CancelAppointment | Tool::RescheduleAppointment)) {
            self.0.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names that tool calls in turns 1, 2, 3 … take effect under.
    fn check(calls: &[(&str, &str, &str)], expected: &[&str]) {
        let (mut identities, call) = (Identities::default(), CallSid::parse("CA1").unwrap());
        let effects: Vec<String> = calls
            .iter()
            .zip(1..)
            .map(|((id, name, arguments), turn)| {
                let tool = ToolCall { id: (*id).into(), name: (*name).into(), arguments: (*arguments).into() };
                let effect = identities.of(&call, TurnId(turn), &tool);
                format!("{}:{}", effect.turn, effect.tool_call_id)
            })
            .collect();
        assert_eq!(effects, expected);
    }

    #[test]
    fn the_same_booking_is_the_same_effect() {
        check(
            &[
                ("a", "book_appointment", r#"{"date":"2026-11-24","time":"09:30"}"#),
                ("b", "book_appointment", r#"{ "time": "09:30", "date": "2026-11-24" }"#),
                ("c", "book_appointment", r#"{"date":"2026-11-24","time":"10:00"}"#),
                ("d", "book_appointment", "{"),
                ("e", "end_call", "{}"),
                ("f", "end_call", "{}"),
            ],
            &["1:a", "1:a", "3:c", "4:d", "5:e", "6:f"],
        );
    }

    #[test]
    fn what_was_cancelled_may_be_booked_again() {
        let (mut identities, call) = (Identities::default(), CallSid::parse("CA1").unwrap());
        let mut effect = |id: &str, done: &str| {
            identities.done(done);
            let tool = ToolCall { id: id.into(), name: "book_appointment".into(), arguments: "{}".into() };
            identities.of(&call, TurnId(1), &tool).tool_call_id
        };
        assert_eq!([effect("a", ""), effect("b", "end_call"), effect("c", "cancel_appointment")], ["a", "a", "c"]);
    }
}
