//! What the tools have answered, read into the state. A result that says "interrupted" is as if it had never been
//! asked for: what it was for is planned anew.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use serde_json::Value;

use super::offer::{Offer, Substitute};
use super::{Caller, Existing, News, State, Trouble, Why};
use crate::dialogue::slots::times::TimeWish;
use crate::dialogue::wording;
use crate::domain::Shop;

/// A tool's result.
pub(super) struct Answer {
    pub(super) success: bool,
    pub(super) data: Value,
    pub(super) error: String,
    pub(super) message: String,
}

impl Answer {
    fn read(content: &str) -> Self {
        let value: Value = serde_json::from_str(content).unwrap_or(Value::Null);
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        Self {
            success: value["success"].as_bool().unwrap_or(false),
            data: value["data"].clone(),
            error: text("error"),
            message: text("message"),
        }
    }
}

impl State {
    pub(super) fn learn(&mut self, tool: &str, arguments: &Value, content: &str, shop: &Shop) {
        let answer = Answer::read(content);
        if answer.error == "interrupted" {
            return;
        }
        if answer.success {
            self.failures = 0;
            self.learn_consent(arguments);
        }
        match tool {
            "lookup_customer" => self.customer(&answer),
            "get_available_slots" => self.slots(arguments, &answer, shop),
            "book_appointment" => self.booking(arguments, &answer, shop),
            "cancel_appointment" => self.cancelled(arguments, &answer),
            "reschedule_appointment" => self.moved(arguments, &answer),
            "confirm_appointment" => self.confirmed(&answer),
            "answer_reminder" => self.reminder_answered(arguments, &answer),
            "request_call_back" => self.call_noted(&answer),
            "stop_reminders" => self.calls_stopped(&answer),
            "take_message" => self.message_taken(&answer),
            "get_upcoming_appointments" => self.upcoming(&answer),
            "verify_identity" => self.verification(&answer),
            "transfer_to_human" if !answer.success => self.nobody_there = true,
            _ => {}
        }
        self.resolve();
    }

    /// Whether the caller may be reminded was written, whoever has asked for it.
    fn learn_consent(&mut self, arguments: &Value) {
        let Some(consent) = arguments["reminder_consent"].as_bool() else { return };
        (self.reminder_consent, self.asked_to_remind) = (Some(consent), true);
    }

    fn customer(&mut self, answer: &Answer) {
        self.looked_up = true;
        match answer.data["known"].as_bool() {
            Some(true) => {
                self.caller = Caller::Known;
                self.verified |= answer.data["verified"].as_bool().unwrap_or(false);
            }
            Some(false) if self.caller == Caller::Known => self.caller = Caller::New,
            _ => {}
        }
    }

    fn slots(&mut self, arguments: &Value, answer: &Answer, shop: &Shop) {
        let date = arguments["date"].as_str().and_then(|text| text.parse::<NaiveDate>().ok());
        let named = arguments["service_type"].as_str().or(arguments["service"].as_str());
        let service = named.and_then(|name| shop.service(name)).map(|service| service.name.clone());
        let (Some(date), Some(service)) = (date, service.or_else(|| named.map(str::to_owned))) else { return };
        self.adopt(&service, date, shop);
        let instead = match (answer.success, answer.error.as_str()) {
            (true, _) => None,
            (false, "nothing_free") => Some(why_nothing(&answer.message)),
            (false, "unknown_service") => {
                self.service = None;
                return;
            }
            (false, "bad_date") => {
                self.date = None;
                return;
            }
            (false, error) => return self.failed(error),
        };
        let listed = answer.data["slots"].as_array();
        let time = |slot: &Value| slot.as_str().and_then(|text| text.parse::<NaiveTime>().ok());
        let times = match instead {
            None => listed.into_iter().flatten().filter_map(time).map(|time| date.and_time(time)).collect(),
            Some(_) => date_times(&answer.message),
        };
        (self.page, self.narrow) = (0, false);
        self.offer = Some(Offer { service, date, times, instead });
    }

    /// What another model has looked up is what the conversation is about.
    fn adopt(&mut self, service: &str, date: NaiveDate, shop: &Shop) {
        if shop.service(service).is_some() && self.service.as_deref() != Some(service) {
            self.reopen();
            self.service = Some(service.to_owned());
            self.service_choices.clear();
        }
        if self.date != Some(date) {
            self.reopen();
            self.date = Some(date);
        }
    }

    fn booking(&mut self, arguments: &Value, answer: &Answer, shop: &Shop) {
        self.turn.consent = false;
        if answer.success {
            return self.booked(arguments, answer, shop);
        }
        if self.time_refused(answer) {
            return;
        }
        match answer.error.as_str() {
            "name_needed" => (self.caller, self.name) = (Caller::New, None),
            "no_caller_id" => {
                self.caller = Caller::Withheld;
                self.hand_over(Why::Withheld);
            }
            "unknown_service" => (self.service, self.chosen) = (None, None),
            error => self.failed(error),
        }
    }

    /// The time that was chosen cannot be had; others are offered.
    pub(super) fn time_refused(&mut self, answer: &Answer) -> bool {
        match answer.error.as_str() {
            "just_taken" => {
                self.chosen = None;
                let times = date_times(&answer.message);
                if let (Some(service), Some(date)) = (self.service.clone(), self.date) {
                    self.offer = Some(Offer { service, date, times, instead: Some(Substitute::JustTaken) });
                }
            }
            "not_bookable" => {
                let chosen = self.chosen.take();
                if let Some(offer) = &mut self.offer {
                    offer.times.retain(|t| Some(*t) != chosen);
                }
                self.turn.trouble = Some(Trouble::NotBookable);
            }
            _ => return false,
        }
        true
    }

    fn booked(&mut self, arguments: &Value, answer: &Answer, shop: &Shop) {
        let text = |key: &str| answer.data[key].as_str().or(arguments[key].as_str()).unwrap_or_default().to_owned();
        let named = answer.data["service"].as_str().or(arguments["service_type"].as_str());
        let named = named.or(arguments["service"].as_str()).unwrap_or_default();
        let service = shop.service(named).map_or_else(|| named.to_owned(), |s| s.name.clone());
        let when = date_times(&format!("{} {}", text("date"), text("time"))).first().copied();
        let what = match when {
            Some(at) => wording::service_at(&service, at),
            None => wording::with_article(&service),
        };
        let id = &answer.data["appointment_id"];
        self.latest = when.filter(|_| !id.is_null()).map(|at| Existing::booked(id, &service, at));
        self.own.extend(self.latest.as_ref().map(|latest| latest.id.clone()));
        self.news.push(News::Booked(what));
        self.caller = Caller::Known;
        self.appointments = None;
        self.forget_booking();
    }

    fn message_taken(&mut self, answer: &Answer) {
        self.turn.message = None;
        if answer.success { self.turn.call_back = true } else { self.turn.not_noted = true }
    }

    fn verification(&mut self, answer: &Answer) {
        self.turn.fact = None;
        match answer.error.as_str() {
            _ if answer.success => self.verified = true,
            "no_match" => self.turn.no_match = true,
            "locked" => self.hand_over(Why::NotVerified),
            "not_on_file" => self.hand_over(Why::NotOnFile),
            error => self.failed(error),
        }
    }

    pub(super) fn failed(&mut self, error: &str) {
        self.failures += 1;
        if self.failures > 1 {
            return self.hand_over(Why::Failing);
        }
        let trouble = if error == "unknown_outcome" { Trouble::UnknownOutcome } else { Trouble::Unavailable };
        self.turn.trouble = Some(trouble);
    }

    /// A time of day that was wished for survives a day that is full.
    pub(super) fn wish_for(&mut self, wish: TimeWish) {
        (self.page, self.narrow, self.chosen) = (0, false, None);
        self.wish = Some(wish);
    }
}

fn why_nothing(message: &str) -> Substitute {
    let message = message.to_lowercase();
    match () {
        () if message.contains("closed") => Substitute::Closed,
        () if message.contains("in the past") => Substitute::Past,
        () if message.contains("too far") => Substitute::TooFar,
        () => Substitute::Full,
    }
}

/// Every `2026-11-24 09:00` in a message.
pub(super) fn date_times(message: &str) -> Vec<NaiveDateTime> {
    let words: Vec<&str> = message.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty()).collect();
    let read = |pair: &[&str]| {
        let time = pair[1].trim_end_matches('.');
        NaiveDateTime::parse_from_str(&format!("{} {time}", pair[0]), "%Y-%m-%d %H:%M").ok()
    };
    words.windows(2).filter_map(read).collect()
}
