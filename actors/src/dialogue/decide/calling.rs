//! Calls that Otto has placed, and calls that people want or do not want.

use serde_json::json;

use super::Draft;
use crate::dialogue::understand::Trouble;
use crate::dialogue::wording::{self, Question};

impl Draft<'_> {
    /// Nothing of the appointment is said before the customer has answered, and nothing at all to anybody else.
    pub(super) fn remind(&mut self) {
        let state = self.state;
        let Some(reminder) = &state.reminder else { return };
        if self.is_in_trouble() {
            return self.trouble();
        }
        match (reminder.answered, reminder.said, &reminder.appointment) {
            (None, Some(is_customer), _) => self.run("answer_reminder", json!({ "is_customer": is_customer })),
            (None, None, _) => self.say(wording::ask_is_it(self.shop, state.first_name.as_deref())),
            (Some(false), ..) => {
                self.say(wording::ask_to_call_back(self.shop, state.first_name.as_deref()));
                self.take_leave("somebody else has answered");
            }
            (Some(true), _, None) => {
                self.say(wording::NOTHING_TO_REMIND);
                self.take_leave("nothing to remind of");
            }
            (Some(true), _, Some(appointment)) if state.turn.comes => {
                self.run("confirm_appointment", json!({ "appointment_id": appointment.id }));
            }
            (Some(true), ..) if reminder.cannot => self.ask(Question::MoveOrCancel),
            (Some(true), _, Some(appointment)) => {
                self.say(wording::reminded(&appointment.service, reminder.vehicle.as_deref(), &reminder.coming));
            }
        }
    }

    pub(super) fn call_later(&mut self) {
        let state = self.state;
        if self.is_in_trouble() {
            return self.trouble();
        }
        if state.turn.call_refused {
            self.say(wording::calling_hours(self.shop));
        }
        let Some((date, time)) = state.call_at() else { return self.ask(Question::WhenCall) };
        let (date, time) = (date.to_string(), time.format("%H:%M").to_string());
        self.run("request_call_back", json!({ "date": date, "time": time, "about": null, "by": "otto" }));
    }

    pub(super) fn stop_calls(&mut self, wrong_number: bool) {
        if self.is_in_trouble() {
            return self.trouble();
        }
        let reason = if wrong_number { "wrong_number" } else { "asked" };
        self.run("stop_reminders", json!({ "reason": reason }));
    }

    /// The end of a call that Otto has placed.
    pub(super) fn take_leave(&mut self, reason: &str) {
        self.say(self.shop.say(&self.shop.wording.outbound_goodbye, None));
        self.end(reason);
    }

    fn is_in_trouble(&self) -> bool {
        matches!(self.state.turn.trouble, Some(Trouble::Unavailable | Trouble::UnknownOutcome))
    }
}
