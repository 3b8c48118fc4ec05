//! A receptionist by rule: books over the phone like a model would, and always the same way. It is stateless: it decides
//! from the messages of the request alone.

mod dates;
mod memory;
mod times;

use serde_json::{Value, json};

use super::{Brain, Reply, Request, Role};
use dates::{day_mentioned, next_weekday, spoken_date};
use memory::{Memory, Offer, Outcome};
use times::{choose, spoken_list, spoken_time, times_in};

/// Times offered in one sentence.
const OFFERED: usize = 3;

/// Asks for the name; the next answer is taken as one.
const ASK_NAME: &str = "Sure. What name should I put that under?";

/// How the question for the name is known again, although the caller may have cut it short.
const NAME_MARK: &str = "What name";

/// Ends every success; a "no" after it is a goodbye.
const ANYTHING_ELSE: &str = "Is there anything else I can do for you?";

/// The rule-based brain.
#[derive(Clone, Copy, Debug, Default)]
pub struct Receptionist;

impl Brain for Receptionist {
    fn reply(&self, request: &Request) -> Reply {
        let memory = Memory::read(request);
        let last_is_tool = request.messages.last().is_some_and(|message| message.role == Role::Tool);
        let reply = if last_is_tool { after_tools(&memory) } else { None };
        offer_only(request, reply.unwrap_or_else(|| answer(&memory)))
    }
}

/// Leaves out calls of tools that the request does not offer.
fn offer_only(request: &Request, mut reply: Reply) -> Reply {
    reply.tool_calls.retain(|(name, _)| request.has_tool(name));
    if reply.tool_calls.is_empty() && reply.text.is_none() {
        reply.text = Some("I'm sorry, I can't do that right now.".to_owned());
    }
    reply
}

/// What to say about the results that just came; `None` to plan anew from the caller's words.
fn after_tools(memory: &Memory) -> Option<Reply> {
    let fresh = memory.fresh();
    let find = |name: &str| fresh.iter().find(|outcome| outcome.name == name);
    if fresh.iter().any(|outcome| outcome.interrupted()) {
        return None;
    }
    if let Some(booking) = find("book_appointment") {
        return Some(after_booking(booking));
    }
    if let Some(slots) = find("get_available_slots") {
        return Some(after_slots(memory, slots));
    }
    if let Some(list) = find("get_upcoming_appointments") {
        return Some(Reply::say(list.message_or("I could not find your appointments.")));
    }
    if let Some(check) = find("verify_identity") {
        return Some(Reply::say(check.message_or("Thank you.")));
    }
    find("end_call").map(|_| Reply::say(""))
}

fn after_booking(booking: &Outcome) -> Reply {
    let service = booking.argument("service_type").to_lowercase();
    if booking.success() {
        let day = booking.date("date").map(spoken_date).unwrap_or_default();
        let time = spoken_time(booking.argument("time"));
        return Reply::say(format!("You're booked for {} on {day} at {time}. {ANYTHING_ELSE}", with_article(&service)));
    }
    if booking.error() != "just_taken" {
        return Reply::say("I'm sorry, I could not book that. Would another time work for you?");
    }
    let taken = booking.argument("time");
    let next: Vec<String> = booking.next_free().into_iter().filter(|time| time != taken).take(OFFERED).collect();
    if next.is_empty() {
        let arguments = json!({"service_type": booking.argument("service_type"), "date": booking.argument("date")});
        return Reply {
            text: Some("I'm sorry, that time was just taken. Let me look again.".into()),
            ..Reply::default()
        }
        .and_call("get_available_slots", &arguments);
    }
    Reply::say(format!("I'm sorry, that time was just taken. I still have {}. Which one works?", spoken_list(&next)))
}

fn after_slots(memory: &Memory, slots: &Outcome) -> Reply {
    if !slots.success() {
        return Reply::say("I'm sorry, I can't see our calendar right now. Could you try another day?");
    }
    let Some(offer) = memory.offer() else {
        let day = slots.date("date").map_or_else(|| "that day".to_owned(), spoken_date);
        return Reply::say(format!("I'm sorry, we have nothing free on {day}. Would another day work for you?"));
    };
    match choose(memory.last_user(), &offer.slots, false) {
        Some(time) => book(memory, &offer, &time),
        None => propose(memory, &offer),
    }
}

fn propose(memory: &Memory, offer: &Offer) -> Reply {
    let afternoon = memory.last_user().to_lowercase().contains("afternoon");
    let wanted = offer.slots.iter().filter(|slot| !afternoon || slot.as_str() >= "12:00");
    let mut times: Vec<String> = wanted.take(OFFERED).cloned().collect();
    if times.is_empty() {
        times = offer.slots.iter().take(OFFERED).cloned().collect();
    }
    let day = spoken_date(offer.date);
    Reply::say(format!(
        "For {} I have {} on {day}. Which works for you?",
        with_article(&offer.service.to_lowercase()),
        spoken_list(&times)
    ))
}

/// Plans from the caller's last words.
fn answer(memory: &Memory) -> Reply {
    let said = memory.last_user().to_lowercase();
    let asked_anything_else = memory.last_assistant().contains("anything else");
    if is_farewell(&said, asked_anything_else) {
        return Reply::say("Thanks for calling. Goodbye!").and_call("end_call", &json!({"reason": "caller is done"}));
    }
    if ["hours", "what time do you", "when do you", "when are you", "open on", "are you open"]
        .iter()
        .any(|key| said.contains(key))
    {
        return Reply::say(opening_hours(memory));
    }
    if said.contains("my appointment") || said.contains("upcoming") {
        return Reply::call("get_upcoming_appointments", &json!({}));
    }
    within_offer(memory, &said).or_else(|| new_enquiry(memory, &said)).unwrap_or_else(|| small_talk(memory, &said))
}

/// Answers within an offer that is on the table.
fn within_offer(memory: &Memory, said: &str) -> Option<Reply> {
    let offer = memory.offer()?;
    if memory.last_assistant().contains(NAME_MARK) {
        let time = memory.chosen_time(&offer)?;
        return Some(book_as(&offer, &time, Some(name_in(memory.last_user()))));
    }
    let other_day = day_mentioned(said, memory.today).is_some_and(|day| day != offer.date);
    let other_service = memory.service_in(said).is_some_and(|service| service != offer.service);
    if other_day || other_service {
        return None;
    }
    let times = times_in(said);
    match choose(said, &offer.slots, true) {
        Some(time) => Some(book(memory, &offer, &time)),
        None if !times.is_empty() => {
            let near: Vec<String> = offer.slots.iter().take(OFFERED).cloned().collect();
            Some(Reply::say(format!("I'm sorry, that time is not free. I have {}.", spoken_list(&near))))
        }
        None => None,
    }
}

/// A service or a day was named: looks for times.
fn new_enquiry(memory: &Memory, said: &str) -> Option<Reply> {
    let day = day_mentioned(said, memory.today);
    let named = memory.service_in(said);
    let service = match (named, day) {
        (Some(service), _) => service,
        (None, Some(_)) => memory.service_of_call()?,
        (None, None) => return None,
    };
    let date = day.or_else(|| memory.day_of_call()).unwrap_or_else(|| next_weekday(memory.today));
    let arguments = json!({"date": date.format("%Y-%m-%d").to_string(), "service_type": service});
    let lookup = if memory.known().is_none() { Reply::call("lookup_customer", &json!({})) } else { Reply::default() };
    Some(lookup.and_call("get_available_slots", &arguments))
}

fn small_talk(memory: &Memory, said: &str) -> Reply {
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if says(&["appointment", "book", "schedule", "come in", "bring"]) {
        return Reply::say("Happy to help. Which service do you need?");
    }
    if memory.offer().is_some() {
        return Reply::say("Sorry, which of those times would you like?");
    }
    if says(&["hello", "hi ", "hi,", "hi.", "hey", "good morning", "good afternoon"]) || said == "hi" {
        return Reply::say("Hello! How can I help?");
    }
    Reply::say("Sorry, I did not quite get that. Would you like to book a service?")
}

/// Books, or asks for the name first when the caller is unknown.
fn book(memory: &Memory, offer: &Offer, time: &str) -> Reply {
    match (memory.known(), memory.name()) {
        (Some(false), None) => Reply::say(ASK_NAME),
        (Some(false), name) => book_as(offer, time, name),
        _ => book_as(offer, time, None),
    }
}

fn book_as(offer: &Offer, time: &str, name: Option<String>) -> Reply {
    let date = offer.date.format("%Y-%m-%d").to_string();
    let arguments = json!({"service_type": offer.service, "date": date, "time": time, "customer_name": name, "concerns": Value::Null});
    Reply::call("book_appointment", &arguments)
}

fn is_farewell(said: &str, asked_anything_else: bool) -> bool {
    let ends = [
        "no thanks",
        "no, thanks",
        "no thank you",
        "no, thank you",
        "that's all",
        "that is all",
        "that's it",
        "goodbye",
        "good bye",
        "bye",
    ];
    let words = said.trim_matches(|c: char| !c.is_alphabetic());
    let plain_no = words == "no" || words == "nope";
    ends.iter().any(|end| said.contains(end)) || (asked_anything_else && plain_no)
}

fn opening_hours(memory: &Memory) -> String {
    let line = memory.instructions.lines().find(|line| {
        let line = line.to_lowercase();
        line.contains("hours") || line.contains("open ") || line.contains("monday")
    });
    match line {
        Some(line) => format!("Our hours are: {}", line.trim_start_matches(['-', ' ']).trim()),
        None => "We are open Monday to Friday from nine to five.".to_owned(),
    }
}

/// The name in an answer such as "It's John Smith."
fn name_in(said: &str) -> String {
    let said = said.trim().trim_end_matches(['.', '!', ',']);
    let lower = said.to_lowercase();
    let prefixes =
        ["my name is ", "the name is ", "the name's ", "it's ", "it is ", "this is ", "i'm ", "i am ", "under "];
    let begin = prefixes.iter().filter_map(|prefix| lower.find(prefix).map(|at| at + prefix.len())).max().unwrap_or(0);
    said.get(begin..).unwrap_or(said).trim().to_owned()
}

fn with_article(service: &str) -> String {
    let article = if service.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {service}")
}

#[cfg(test)]
mod tests;
