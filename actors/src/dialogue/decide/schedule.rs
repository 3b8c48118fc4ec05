//! A new appointment: service, day, time, name, whether reminders are welcome, consent, booking; whatever is missing is asked for, in this order.

use chrono::NaiveDateTime;
use serde_json::{Value, json};

use super::Draft;
use crate::dialogue::understand::{Caller, Trouble, Why};
use crate::dialogue::wording::{self, Question};

impl Draft<'_> {
    pub(super) fn schedule(&mut self) {
        let state = self.state;
        if state.caller == Caller::Withheld {
            return self.colleague(Why::Withheld);
        }
        if matches!(state.turn.trouble, Some(Trouble::Unavailable | Trouble::UnknownOutcome)) {
            return self.trouble();
        }
        let Some(service) = &state.service else { return self.which_service() };
        let Some(date) = state.date else { return self.ask(Question::Day) };
        if state.valid_offer().is_none() {
            return self.look_up_times(service, &date.to_string());
        }
        if state.turn.change {
            return self.ask(Question::Change);
        }
        let Some(chosen) = state.chosen else { return self.offer(service) };
        let name = state.name.as_deref().filter(|_| state.caller == Caller::New);
        if state.caller == Caller::New && name.is_none() {
            return self.ask(Question::Name);
        }
        if state.turn.consent {
            return self.run("book_appointment", self.booking(service, chosen, name));
        }
        if self.may_ask_to_remind(chosen) {
            return self.ask(Question::MayRemind);
        }
        self.say(wording::confirm(&wording::service_at(service, chosen), name));
    }

    /// Asked before the booking, with which the answer is written: afterwards it would take a verified caller. There is
    /// no evening before an appointment of today.
    fn may_ask_to_remind(&self, chosen: NaiveDateTime) -> bool {
        self.shop.reminders.enabled && !self.state.asked_to_remind && chosen.date() > self.state.now.date()
    }

    fn which_service(&mut self) {
        let choices = &self.state.service_choices;
        if choices.is_empty() {
            return self.ask(Question::Service);
        }
        let names: Vec<String> = choices.iter().map(|name| wording::with_article(name)).collect();
        self.say(format!("Would that be {}?", wording::list(&names, "or")));
    }

    fn look_up_times(&mut self, service: &str, date: &str) {
        if !self.state.looked_up && self.state.can("lookup_customer") {
            self.call("lookup_customer", json!({}));
        }
        self.run(
            "get_available_slots",
            json!({ "date": date, "duration_minutes": null, "service_type": service, "appointment_id": null }),
        );
    }

    pub(super) fn offer(&mut self, service: &str) {
        let state = self.state;
        let instead = state.valid_offer().and_then(|offer| offer.instead);
        if let (Some(why), Some(date)) = (instead, state.date) {
            self.say(wording::instead(why, date));
        } else if let Some(time) = state.turn.not_free {
            self.say(wording::not_free(time));
        } else if state.turn.trouble == Some(Trouble::NotBookable) {
            self.say(wording::NOT_BOOKABLE);
        } else if state.preference_fails() {
            self.say(wording::NOTHING_IN_THAT_PART);
        }
        self.say(wording::offer(service, &state.listed()));
    }

    /// What the workshop should know: what is wrong, with which car, and another number if one was given.
    fn concerns(&self) -> Option<String> {
        let state = self.state;
        let vehicle = state.vehicle.as_ref().map(|vehicle| format!("Vehicle: {vehicle}."));
        let vin = state.vin.as_ref().map(|vin| format!("VIN {vin}."));
        let phone = state.phone.as_ref().map(|phone| format!("Call back at {phone}."));
        let notes: Vec<String> = [state.symptom.clone(), vehicle, vin, phone].into_iter().flatten().collect();
        (!notes.is_empty()).then(|| notes.join(" "))
    }

    fn booking(&self, service: &str, at: NaiveDateTime, name: Option<&str>) -> Value {
        json!({
            "service_type": service,
            "date": at.date().to_string(),
            "time": at.format("%H:%M").to_string(),
            "customer_name": name,
            "vehicle_id": null,
            "concerns": self.concerns(),
            "reminder_consent": self.state.reminder_consent,
        })
    }
}
