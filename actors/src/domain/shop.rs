//! The shop: who it is, when it is open, what it does, and the words it uses. Read from `otto.toml`; the defaults are
//! Otto's Auto.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use super::listening::Listening;

/// Everything that `otto.toml` can say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shop {
    /// The name Otto answers with.
    pub name: String,
    /// Spoken when a caller asks where the shop is.
    pub address: String,
    /// IANA zone: hours and spoken times are in it.
    pub time_zone: Tz,
    /// Opening hours by weekday.
    pub hours: Hours,
    /// A break in which no work starts or goes on, if there is one.
    pub lunch: Option<Span>,
    /// Days on which the shop is closed.
    pub holidays: BTreeSet<NaiveDate>,
    /// What can be booked.
    pub services: Vec<Service>,
    /// Names of the service bays; each holds one vehicle at a time.
    pub bays: Vec<String>,
    /// Appointments start on this grid, in minutes from the opening.
    pub grid_minutes: u32,
    /// How far ahead may be booked, in days.
    pub booking_horizon_days: u32,
    /// The languages that callers speak, as ISO 639-1 codes; the first is Otto's own. Each has its words in `listening`.
    pub languages: Vec<String>,
    /// What counts as listening, for each language.
    pub listening: BTreeMap<String, Listening>,
    /// When and how customers are called before their appointments.
    pub reminders: Reminders,
    /// What Otto says in fixed situations.
    pub wording: Wording,
}

/// When and how customers are called before their appointments, and called back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reminders {
    /// Customers are called at all.
    pub enabled: bool,
    /// When the calls begin, as `"18:00"`.
    #[serde(with = "wall_clock")]
    pub time: NaiveTime,
    /// How many days before the appointment; a closed day counts as the last open one before it.
    pub lead_days: u32,
    /// When customers may be called, on any day.
    pub window: Span,
    /// Attempts to reach somebody, the first one included.
    pub attempts: u32,
    /// Between two attempts, in minutes.
    pub retry_minutes: u32,
    /// Calls that Twilio starts for the account in a second.
    pub calls_per_second: u32,
}

impl Default for Reminders {
    fn default() -> Self {
        let (time, window) = (span(18, 18).from, span(9, 20));
        Self { enabled: true, time, lead_days: 1, window, attempts: 3, retry_minutes: 30, calls_per_second: 1 }
    }
}

/// From one wall-clock time to another, the end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// First minute, as `"09:00"`.
    #[serde(with = "wall_clock")]
    pub from: NaiveTime,
    /// First minute that is no longer in it.
    #[serde(with = "wall_clock")]
    pub to: NaiveTime,
}

/// Opening hours; a day that is left out is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Hours {
    pub monday: Option<Span>,
    pub tuesday: Option<Span>,
    pub wednesday: Option<Span>,
    pub thursday: Option<Span>,
    pub friday: Option<Span>,
    pub saturday: Option<Span>,
    pub sunday: Option<Span>,
}

impl Hours {
    /// The hours of a weekday.
    #[must_use]
    pub fn on(&self, day: Weekday) -> Option<Span> {
        match day {
            Weekday::Mon => self.monday,
            Weekday::Tue => self.tuesday,
            Weekday::Wed => self.wednesday,
            Weekday::Thu => self.thursday,
            Weekday::Fri => self.friday,
            Weekday::Sat => self.saturday,
            Weekday::Sun => self.sunday,
        }
    }
}

/// Something that can be booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// As Otto says it.
    pub name: String,
    /// How long it holds a bay.
    pub minutes: u32,
    /// Lowest price in whole units of the shop's currency.
    pub price_from: u32,
    /// Highest price in whole units of the shop's currency.
    pub price_to: u32,
}

/// What Otto says in fixed situations. `{name}` is the caller's first name, `{shop}` the shop's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wording {
    /// To a caller whose number is on file.
    pub greeting_known: String,
    /// To anybody else.
    pub greeting_unknown: String,
    /// When a tool or the model takes longer than a moment.
    pub filler: String,
    /// When it takes longer still.
    pub filler_again: String,
    /// When Otto cannot hear for a while, for a technical reason.
    pub deaf: String,
    /// When the caller says nothing after Otto has spoken.
    pub still_there: String,
    /// When the caller has said nothing after that either.
    pub still_there_again: String,
    /// Before Otto hangs up on a silent line.
    pub silent_goodbye: String,
    /// When Otto could not come up with an answer.
    pub trouble: String,
    /// When Otto ends the call and the model said no goodbye.
    pub goodbye: String,
    /// When a part of the call failed for good.
    pub apology: String,
    /// When a human takes over.
    pub transfer: String,
    /// When all lines are taken.
    pub busy: String,
    /// To whoever answers a reminder call; says nothing yet of what it is about.
    pub reminder_greeting: String,
    /// To whoever answers a call-back.
    pub call_back_greeting: String,
    /// When a call that Otto placed ends and the model said no goodbye.
    pub outbound_goodbye: String,
    /// On an answering machine; `{when}` is the day and time of the appointment.
    pub voicemail: String,
    /// On an answering machine, when the call is no reminder.
    pub call_back_voicemail: String,
    /// Text message after a booking; `{service}` and `{when}` are the appointment's.
    pub text_booked: String,
    /// Text message after a change of the time.
    pub text_moved: String,
    /// Text message after an appointment was called off.
    pub text_cancelled: String,
    /// Text message when reminder calls went unanswered.
    pub text_reminder: String,
    /// The answer to a text message that confirms; `{when}` is the appointment's.
    pub text_confirmed: String,
    /// The answer to any other text message.
    pub text_help: String,
}

impl Default for Wording {
    fn default() -> Self {
        Self {
            greeting_known: "Hi {name}, this is Otto from {shop}. How can I help you today?".into(),
            greeting_unknown: "Thanks for calling {shop}, this is Otto. How can I help you today?".into(),
            filler: "One moment, please.".into(),
            filler_again: "Thanks for your patience, I am still on it.".into(),
            deaf: "I can hardly hear you right now. One moment, please.".into(),
            still_there: "Are you still there?".into(),
            still_there_again: "I can't hear you. Is there anything I can do for you?".into(),
            silent_goodbye: "I can't hear anybody, so I will hang up now. Please call again any time. Goodbye!".into(),
            trouble: "Sorry, I lost my train of thought. Could you say that again?".into(),
            goodbye: "Thank you for calling {shop}. Goodbye!".into(),
            apology: "I'm sorry, we are having technical trouble. Please call again in a few minutes.".into(),
            transfer: "One moment, I am connecting you with a colleague.".into(),
            busy: "I'm sorry, all our lines are busy right now. Please call again in a few minutes.".into(),
            reminder_greeting: "Hello, this is Otto from {shop}. Am I speaking with {name}?".into(),
            call_back_greeting: "Hello {name}, this is Otto from {shop}. You asked us to call you back. How can I \
                                 help you?"
                .into(),
            outbound_goodbye: "Thank you for your time. Goodbye!".into(),
            voicemail: "Hello {name}, this is Otto from {shop}. A reminder of your appointment {when}. If you cannot \
                        come, please call us. Goodbye!"
                .into(),
            call_back_voicemail: "Hello {name}, this is Otto from {shop}. You asked us to call you back. Please call \
                                  us again any time. Goodbye!"
                .into(),
            text_booked: "{shop}: your appointment ({service}) is {when}. Reply C to confirm, STOP for no more \
                          messages."
                .into(),
            text_moved: "{shop}: your appointment ({service}) is now {when}. Reply C to confirm.".into(),
            text_cancelled: "{shop}: your appointment ({service}) {when} is cancelled.".into(),
            text_reminder: "{shop}: we could not reach you. Your appointment ({service}) is {when}. Reply C to \
                            confirm, or call us to change it."
                .into(),
            text_confirmed: "{shop}: thank you, we expect you {when}.".into(),
            text_help: "{shop}: reply C to confirm your appointment, STOP for no more messages. For anything else \
                        please call us."
                .into(),
        }
    }
}

impl Default for Shop {
    fn default() -> Self {
        let weekday = Some(span(9, 17));
        let service =
            |name: &str, minutes, price_from, price_to| Service { name: name.into(), minutes, price_from, price_to };
        Self {
            name: "Otto's Auto".into(),
            address: "123 Main Street, Springfield".into(),
            time_zone: chrono_tz::America::Chicago,
            hours: Hours {
                monday: weekday,
                tuesday: weekday,
                wednesday: weekday,
                thursday: weekday,
                friday: weekday,
                saturday: Some(span(9, 15)),
                sunday: None,
            },
            lunch: Some(span(12, 13)),
            holidays: BTreeSet::new(),
            services: vec![
                service("Oil change", 30, 50, 80),
                service("Tire rotation", 30, 30, 50),
                service("Brake inspection", 60, 60, 100),
                service("Brake service", 120, 250, 450),
                service("Battery replacement", 30, 150, 250),
                service("Engine diagnostics", 60, 100, 150),
                service("State inspection", 60, 40, 60),
            ],
            bays: vec!["Bay 1".into()],
            grid_minutes: 30,
            booking_horizon_days: 90,
            languages: vec!["en".into()],
            listening: BTreeMap::from([("en".into(), Listening::english())]),
            reminders: Reminders::default(),
            wording: Wording::default(),
        }
    }
}

fn span(from: u32, to: u32) -> Span {
    let hour = |h| NaiveTime::from_hms_opt(h, 0, 0).unwrap_or_default();
    Span { from: hour(from), to: hour(to) }
}

impl Shop {
    /// The hours of a date; none on closed weekdays and holidays.
    #[must_use]
    pub fn open_on(&self, date: NaiveDate) -> Option<Span> {
        use chrono::Datelike as _;
        if self.holidays.contains(&date) { None } else { self.hours.on(date.weekday()) }
    }

    /// The service of that name, however it is written in upper and lower case.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        let name = name.trim();
        self.services.iter().find(|s| s.name.eq_ignore_ascii_case(name))
    }

    /// A text of the wording with the shop's name and the caller's first name put in.
    #[must_use]
    pub fn say(&self, text: &str, first_name: Option<&str>) -> String {
        text.replace("{shop}", &self.name).replace("{name}", first_name.unwrap_or("there"))
    }

    /// Everything that is wrong with the settings, each with what was found and what is expected.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |fine: bool, problem: String| {
            if !fine {
                problems.push(problem);
            }
        };
        check(!self.name.trim().is_empty(), "name: found nothing, expected the shop's name".into());
        check(!self.languages.is_empty(), "languages: found none, expected at least one, such as \"en\"".into());
        for language in &self.languages {
            let known: Vec<_> = self.listening.keys().collect();
            check(
                self.listening.contains_key(language),
                format!(
                    "languages: found {language:?}, for which there is no list of words, expected a section \
                     [listening.{language}] or only languages that have one ({known:?})"
                ),
            );
        }
        check(!self.services.is_empty(), "services: found none, expected at least one".into());
        check(!self.bays.is_empty(), "bays: found none, expected at least one".into());
        let bays: BTreeSet<_> = self.bays.iter().collect();
        check(bays.len() == self.bays.len(), "bays: a name appears twice, expected different names".into());
        let services: BTreeSet<_> = self.services.iter().map(|s| s.name.to_lowercase()).collect();
        check(services.len() == self.services.len(), "services: a name appears twice, expected different names".into());
        let grid = self.grid_minutes;
        check((5..=240).contains(&grid), format!("grid_minutes: found {grid}, expected 5 to 240"));
        let horizon = self.booking_horizon_days;
        check((1..=730).contains(&horizon), format!("booking_horizon_days: found {horizon}, expected 1 to 730"));
        let reminders = &self.reminders;
        let window = reminders.window;
        check(window.from < window.to, "reminders.window: `from` is not before `to`".into());
        let inside = window.from <= reminders.time && reminders.time < window.to;
        check(inside, "reminders.time: found a time outside reminders.window, expected one in it".into());
        let (attempts, pause) = (reminders.attempts, reminders.retry_minutes);
        check((1..=10).contains(&attempts), format!("reminders.attempts: found {attempts}, expected 1 to 10"));
        check((1..=600).contains(&pause), format!("reminders.retry_minutes: found {pause}, expected 1 to 600"));
        let lead = reminders.lead_days;
        check((1..=14).contains(&lead), format!("reminders.lead_days: found {lead}, expected 1 to 14"));
        let rate = reminders.calls_per_second;
        check((1..=100).contains(&rate), format!("reminders.calls_per_second: found {rate}, expected 1 to 100"));
        for s in &self.services {
            let (name, minutes) = (&s.name, s.minutes);
            check((5..=480).contains(&minutes), format!("service {name}: found {minutes} minutes, expected 5 to 480"));
            check(s.price_from <= s.price_to, format!("service {name}: price_from is above price_to"));
        }
        let days = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
        for (what, span) in
            days.iter().map(|d| (d.to_string(), self.hours.on(*d))).chain([("lunch".into(), self.lunch)])
        {
            check(span.is_none_or(|s| s.from < s.to), format!("{what}: `from` is not before `to`"));
        }
        problems
    }
}

mod wall_clock {
    //! Times of day as `"09:00"`.
    use chrono::NaiveTime;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.format("%H:%M"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        NaiveTime::parse_from_str(&text, "%H:%M")
            .map_err(|_| serde::de::Error::custom(format!("found {text:?}, expected a time such as \"09:00\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_problems() {
        assert_eq!(Shop::default().problems(), Vec::<String>::new());
    }

    #[test]
    fn problems_are_all_reported() {
        let shop = Shop { bays: vec![], grid_minutes: 0, lunch: Some(span(13, 12)), ..Shop::default() };
        assert_eq!(shop.problems().len(), 3, "{:?}", shop.problems());
    }

    #[test]
    fn a_language_without_its_words_is_a_problem() {
        let shop = |languages: &[&str]| Shop {
            languages: languages.iter().map(|l| (*l).to_owned()).collect(),
            ..Shop::default()
        };
        assert_eq!(
            shop(&["en", "fr"]).problems(),
            [
                "languages: found \"fr\", for which there is no list of words, expected a section [listening.fr] or only \
              languages that have one ([\"en\"])"
            ]
        );
        assert_eq!(shop(&[]).problems(), ["languages: found none, expected at least one, such as \"en\""]);
    }
}
