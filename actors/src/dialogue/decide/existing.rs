//! Appointments that there are: who asks is verified first, then they are read out, cancelled, moved or confirmed.

use serde_json::json;

use super::Draft;
use crate::dialogue::understand::{Caller, Existing, Goal, Trouble, Why};
use crate::dialogue::wording::{self, Question};

/// The reason that is noted with a cancellation.
const CANCELLED_BECAUSE: &str = "the caller asked for it on the phone";

impl Draft<'_> {
    pub(super) fn existing(&mut self, goal: Goal) {
        let state = self.state;
        if state.caller != Caller::Known {
            return self.colleague(Why::NotOnFile);
        }
        if matches!(state.turn.trouble, Some(Trouble::Unavailable | Trouble::UnknownOutcome)) {
            return self.trouble();
        }
        if !state.verified && !state.changes_own() {
            return self.verify();
        }
        let Some(list) = state.appointments.as_ref().filter(|_| state.changes_existing(goal)) else {
            return self.run("get_upcoming_appointments", json!({}));
        };
        match (&state.picked, goal) {
            (None, _) => self.which(list),
            (Some(picked), Goal::Cancel) => self.cancel(picked),
            (Some(picked), Goal::Move) => self.move_to(picked),
            (Some(picked), _) => self.run("confirm_appointment", json!({ "appointment_id": picked.id })),
        }
    }

    fn verify(&mut self) {
        let turn = &self.state.turn;
        if let Some(said) = &turn.fact {
            return self.run("verify_identity", json!({ "fact": said.fact, "value": said.value }));
        }
        if turn.no_match {
            self.say(wording::NO_MATCH);
        }
        self.ask(Question::Fact);
    }

    fn which(&mut self, list: &[Existing]) {
        let all: Vec<String> = list.iter().map(Existing::listed).collect();
        self.say(wording::appointments(&all, false));
        self.ask(Question::WhichAppointment);
    }

    fn cancel(&mut self, picked: &Existing) {
        if self.state.turn.consent {
            let arguments = json!({ "appointment_id": picked.id, "reason": CANCELLED_BECAUSE });
            return self.run("cancel_appointment", arguments);
        }
        self.say(wording::ask_cancel(&picked.what()));
    }

    fn move_to(&mut self, picked: &Existing) {
        let state = self.state;
        let Some(date) = state.date else { return self.ask(Question::Day) };
        if state.valid_offer().is_none() {
            let arguments = json!({
                "date": date.to_string(),
                "duration_minutes": null,
                "service_type": picked.service,
                "appointment_id": picked.id,
            });
            return self.run("get_available_slots", arguments);
        }
        let Some(chosen) = state.chosen else { return self.offer(&picked.service) };
        if state.turn.consent {
            let (date, time) = (chosen.date().to_string(), chosen.format("%H:%M").to_string());
            let arguments = json!({ "appointment_id": picked.id, "new_date": date, "new_time": time });
            return self.run("reschedule_appointment", arguments);
        }
        self.say(wording::ask_move(chosen));
    }
}
