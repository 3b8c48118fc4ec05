//! What the receptionist remembers of a call: read anew from the messages of every request.

use chrono::{Datelike, NaiveDate};
use serde_json::Value;

use super::dates::day_mentioned;
use super::times::{choose, clock_times};
use super::{NAME_MARK, Request, Role};

/// Services when the prompt lists none.
const DEFAULT_SERVICES: [&str; 3] = ["Oil change", "Brake service", "Tire rotation"];

/// Words that say nothing about which service is meant.
const GENERIC: [&str; 8] = ["service", "repair", "check", "change", "and", "general", "the", "inspection"];

/// A tool's result, with the call that it answers.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) name: String,
    arguments: Value,
    result: Value,
    text: String,
    index: usize,
}

impl Outcome {
    pub(super) fn argument(&self, name: &str) -> &str {
        self.arguments[name].as_str().unwrap_or_default()
    }

    pub(super) fn date(&self, name: &str) -> Option<NaiveDate> {
        self.argument(name).parse().ok()
    }

    pub(super) fn success(&self) -> bool {
        self.result["success"].as_bool().unwrap_or(false)
    }

    pub(super) fn error(&self) -> &str {
        self.result["error"].as_str().unwrap_or_default()
    }

    /// The action was cut off by the caller: it is as if it had never been asked for.
    pub(super) fn interrupted(&self) -> bool {
        !self.success() && self.text.to_lowercase().contains("interrupted")
    }

    pub(super) fn message_or(&self, otherwise: &str) -> String {
        self.result["message"].as_str().unwrap_or(otherwise).to_owned()
    }

    /// Free times that a refused booking names, in its data or in its message.
    pub(super) fn next_free(&self) -> Vec<String> {
        let listed = slots_of(&self.result);
        if listed.is_empty() { clock_times(&self.message_or("")) } else { listed }
    }
}

/// Free times that are on the table.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) service: String,
    pub(super) date: NaiveDate,
    pub(super) slots: Vec<String>,
    index: usize,
}

/// A request, read.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) today: NaiveDate,
    pub(super) instructions: String,
    services: Vec<String>,
    outcomes: Vec<Outcome>,
    /// Index, role and text of everything said.
    said: Vec<(usize, Role, String)>,
    last_call: usize,
}

impl Memory {
    pub(super) fn read(request: &Request) -> Self {
        let instructions = request.instructions();
        let said = request.messages.iter().enumerate().filter_map(|(index, message)| {
            let text = message.content.clone().filter(|text| !text.is_empty())?;
            matches!(message.role, Role::User | Role::Assistant).then_some((index, message.role, text))
        });
        Memory {
            today: today(&instructions),
            services: services(&instructions),
            outcomes: outcomes(request),
            said: said.collect(),
            last_call: request.messages.iter().rposition(|message| !message.tool_calls.is_empty()).unwrap_or(0),
            instructions,
        }
    }

    /// Results of the last message with calls.
    pub(super) fn fresh(&self) -> Vec<&Outcome> {
        self.outcomes.iter().filter(|outcome| outcome.index > self.last_call).collect()
    }

    pub(super) fn last_user(&self) -> &str {
        self.last_said(Role::User)
    }

    pub(super) fn last_assistant(&self) -> &str {
        self.last_said(Role::Assistant)
    }

    fn last_said(&self, role: Role) -> &str {
        self.said.iter().rev().find(|(_, by, _)| *by == role).map_or("", |(_, _, text)| text)
    }

    /// Whether the caller is a known customer; `None` before it was looked up.
    pub(super) fn known(&self) -> Option<bool> {
        let lookups = self.outcomes.iter().rev().filter(|outcome| outcome.name == "lookup_customer");
        let result = &lookups.into_iter().find(|outcome| !outcome.interrupted())?.result;
        Some(result["data"]["known"].as_bool().unwrap_or(false))
    }

    /// The name that an unknown caller gave when asked.
    pub(super) fn name(&self) -> Option<String> {
        let asked =
            self.said.iter().position(|(_, role, text)| *role == Role::Assistant && text.contains(NAME_MARK))?;
        let answer = self.said[asked..].iter().find(|(_, role, _)| *role == Role::User)?;
        Some(super::name_in(&answer.2))
    }

    /// The free times on the table: looked up, and not booked since.
    pub(super) fn offer(&self) -> Option<Offer> {
        let useful = |outcome: &&Outcome| !outcome.interrupted();
        let latest = |name: &str| self.outcomes.iter().rev().filter(useful).find(|outcome| outcome.name == name);
        let slots = latest("get_available_slots").filter(|slots| slots.success())?;
        let mut free = slots_of(&slots.result);
        let mut index = slots.index;
        if let Some(booking) = latest("book_appointment").filter(|booking| booking.index > slots.index) {
            if booking.success() {
                return None;
            }
            index = booking.index;
            let next = booking.next_free();
            free.retain(|slot| slot != booking.argument("time"));
            free = if next.is_empty() { free } else { next };
        }
        let date = slots.date("date")?;
        (!free.is_empty()).then(|| Offer {
            service: slots.argument("service_type").to_owned(),
            date,
            slots: free,
            index,
        })
    }

    /// The time that the caller chose out of the offer, before being asked for the name.
    pub(super) fn chosen_time(&self, offer: &Offer) -> Option<String> {
        let users = self.said.iter().rev().filter(|(_, role, _)| *role == Role::User);
        let since = users.clone().take_while(|(index, ..)| *index > offer.index);
        let chosen = since.into_iter().find_map(|(_, _, text)| choose(text, &offer.slots, true));
        chosen.or_else(|| users.into_iter().find_map(|(_, _, text)| choose(text, &offer.slots, false)))
    }

    /// The service that these words mean.
    pub(super) fn service_in(&self, said: &str) -> Option<String> {
        let words: Vec<String> = words(said);
        let score = |service: &String| {
            let names = self::words(service);
            names.iter().filter(|name| !GENERIC.contains(&name.as_str()) && words.contains(name)).count()
        };
        let best = self.services.iter().max_by_key(|service| score(service)).filter(|service| score(service) > 0);
        best.cloned()
    }

    /// The service that was spoken of last in this call.
    pub(super) fn service_of_call(&self) -> Option<String> {
        self.user_texts().find_map(|text| self.service_in(text))
    }

    /// The day that was spoken of last in this call.
    pub(super) fn day_of_call(&self) -> Option<NaiveDate> {
        self.user_texts().find_map(|text| day_mentioned(text, self.today))
    }

    fn user_texts(&self) -> impl Iterator<Item = &str> {
        self.said.iter().rev().filter(|(_, role, _)| *role == Role::User).map(|(_, _, text)| text.as_str())
    }
}

/// Lower-case words without a plural's s.
fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.strip_suffix('s').filter(|stem| stem.len() > 2).unwrap_or(word).to_owned()).collect()
}

fn today(instructions: &str) -> NaiveDate {
    let after = instructions.find("Now:").map_or("", |at| &instructions[at..]);
    let dates =
        after.split(|c: char| !c.is_ascii_digit() && c != '-').filter_map(|text| text.parse::<NaiveDate>().ok());
    let fallback = chrono::Utc::now().date_naive();
    dates.into_iter().find(|date| date.year() > 2000).unwrap_or(fallback)
}

/// Lines such as `- Oil change (30 minutes, ...)`.
fn services(instructions: &str) -> Vec<String> {
    let lines = instructions.lines().filter_map(|line| line.trim().strip_prefix("- "));
    let named = lines.filter_map(|line| line.split_once(" (").filter(|(_, rest)| rest.contains("minute")));
    let found: Vec<String> = named.map(|(name, _)| name.trim().to_owned()).collect();
    if found.is_empty() { DEFAULT_SERVICES.map(str::to_owned).to_vec() } else { found }
}

fn outcomes(request: &Request) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for (index, message) in request.messages.iter().enumerate() {
        let Some(id) = message.tool_call_id.as_deref() else { continue };
        let calls = request.messages[..index].iter().rev().flat_map(|earlier| &earlier.tool_calls);
        let Some(call) = calls.into_iter().find(|call| call.id == id) else { continue };
        let text = message.content.clone().unwrap_or_default();
        outcomes.push(Outcome {
            name: call.name.clone(),
            arguments: serde_json::from_str(&call.arguments).unwrap_or(Value::Null),
            result: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
            index,
        });
    }
    outcomes
}

fn slots_of(result: &Value) -> Vec<String> {
    let slots = ["slots", "next_free"].iter().find_map(|key| result["data"][*key].as_array());
    let texts = slots.into_iter().flatten().filter_map(Value::as_str);
    texts.flat_map(clock_times).collect()
}
