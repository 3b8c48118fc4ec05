//! Every sentence of the built-in dialogue, and how its questions are known again in a history.

mod info;
mod questions;

use chrono::NaiveDateTime;

pub(super) use info::{address, hours, price, services};
pub(super) use questions::{Question, ask, question_in};

use super::understand::{Substitute, Why};
use crate::domain::{Shop, spoken};

/// `an oil change`.
pub(super) fn with_article(service: &str) -> String {
    let service = service.to_lowercase();
    let article = if service.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {service}")
}

/// `an oil change on Tuesday, November 24 at 9 AM`.
pub(super) fn service_at(service: &str, at: NaiveDateTime) -> String {
    format!("{} on {}", with_article(service), spoken::date_time(at))
}

/// `Tuesday, November 24`.
pub(super) fn day(date: chrono::NaiveDate) -> String {
    date.format("%A, %B %-d").to_string()
}

/// `one, two and three`, or with another last word.
pub(super) fn list(parts: &[String], last_word: &str) -> String {
    match parts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {last_word} {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

/// Times of one day as times, of several days with their days.
fn times(at: &[NaiveDateTime]) -> String {
    let one_day = at.windows(2).all(|pair| pair[0].date() == pair[1].date());
    let first = at.first().map(|first| day(first.date())).unwrap_or_default();
    if one_day {
        let clock: Vec<String> = at.iter().map(|t| spoken::time(t.time())).collect();
        return format!("{first} at {}", list(&clock, "or"));
    }
    list(&at.iter().map(|t| spoken::date_time(*t)).collect::<Vec<_>>(), "or")
}

/// Reads times out and asks which.
pub(super) fn offer(service: &str, at: &[NaiveDateTime]) -> String {
    match at {
        [] => ask(&Question::Day, 0),
        [only] => {
            format!("I have {} for {}. Would that time work for you?", spoken::date_time(*only), with_article(service))
        }
        _ => format!("For {} I have {}. Which time works best for you?", with_article(service), times(at)),
    }
}

/// Why the times that follow are other ones.
pub(super) fn instead(why: Substitute, date: chrono::NaiveDate) -> String {
    match why {
        Substitute::Closed => format!("I'm sorry, we are closed on {}.", day(date)),
        Substitute::Past => "That day has already passed.".into(),
        Substitute::TooFar => "I'm sorry, that is further ahead than I can book.".into(),
        Substitute::Full => format!("I'm sorry, nothing is free on {}.", day(date)),
        Substitute::JustTaken => "I'm sorry, that time has just been taken.".into(),
    }
}

pub(super) fn not_free(time: chrono::NaiveTime) -> String {
    format!("I'm sorry, {} is not free.", spoken::time(time))
}

pub(super) const NOTHING_IN_THAT_PART: &str = "I'm sorry, nothing is free in that part of the day.";
pub(super) const NOT_BOOKABLE: &str = "I'm sorry, that time can't be booked.";

pub(super) fn confirm(what: &str, name: Option<&str>) -> String {
    let under = name.map(|name| format!(" under the name {name}")).unwrap_or_default();
    format!("Shall I book {what}{under}?")
}

pub(super) fn booked(what: &str) -> String {
    format!("You're booked for {what}.")
}

pub(super) fn appointments(list_of: &[String], confirming: bool) -> String {
    match list_of {
        [] => "I don't see any coming appointments for you.".into(),
        all if confirming => format!("You have {}. We look forward to seeing you.", list(all, "and")),
        all => format!("You have {}.", list(all, "and")),
    }
}

pub(super) fn cancelled(what: Option<&str>) -> String {
    what.map_or_else(|| "That appointment is cancelled.".into(), |what| format!("Your {what} is cancelled."))
}

pub(super) fn moved(to: Option<NaiveDateTime>) -> String {
    let to = to.map(|at| format!(" to {}", spoken::date_time(at))).unwrap_or_default();
    format!("Your appointment is moved{to}.")
}

pub(super) fn confirmed(what: Option<&str>) -> String {
    let what = what.unwrap_or("appointment");
    format!("Thank you, your {what} is confirmed. We look forward to seeing you.")
}

/// Asks who is there, again.
pub(super) fn ask_is_it(shop: &Shop, name: Option<&str>) -> String {
    format!("This is Otto from {}. Am I speaking with {}?", shop.name, name.unwrap_or("our customer"))
}

/// What may be said to anybody.
pub(super) fn ask_to_call_back(shop: &Shop, name: Option<&str>) -> String {
    format!("Please ask {} to call us back at {}.", name.unwrap_or("our customer"), shop.name)
}

pub(super) fn reminded(service: &str, vehicle: Option<&str>, coming: &str) -> String {
    let vehicle = vehicle.map(|vehicle| format!(" for your {vehicle}")).unwrap_or_default();
    format!("You have {}{vehicle} {coming}. Will you be there?", with_article(service))
}

pub(super) fn will_call(when: Option<&str>) -> String {
    when.map_or_else(
        || "All right, we will call you then.".into(),
        |when| format!("All right, we will call you on {when}."),
    )
}

pub(super) fn calls_stopped(wrong_number: bool) -> String {
    let sorry = if wrong_number { "I'm sorry to have bothered you." } else { "All right." };
    format!("{sorry} We won't call this number any more.")
}

pub(super) fn calling_hours(shop: &Shop) -> String {
    let window = shop.reminders.window;
    format!("I can call you in the next two weeks, from {} to {}.", spoken::time(window.from), spoken::time(window.to))
}

pub(super) fn ask_cancel(what: &str) -> String {
    format!("Shall I cancel your {what}?")
}

pub(super) fn ask_move(to: NaiveDateTime) -> String {
    format!("Shall I move it to {}?", spoken::date_time(to))
}

pub(super) const NOT_NOTED: &str = "I'm sorry, I couldn't note that. Please call again during our opening hours.";
pub(super) const KEPT: &str = "All right, it stays as it is.";

/// Why a colleague is needed, before one is offered.
pub(super) const fn why_colleague(why: Why) -> &'static str {
    match why {
        Why::Asked => "Of course.",
        Why::Anger => "I'm sorry about the trouble, and I understand that you're upset.",
        Why::Complaint => "I'm very sorry to hear that. A colleague should look into this.",
        Why::Warranty => "Questions about warranty and insurance are best answered by a colleague.",
        Why::Discount => "I can't give discounts myself, but a colleague can tell you more.",
        Why::Cancel => "I can't cancel appointments myself yet, a colleague has to do that.",
        Why::Reschedule => "I can't move appointments myself yet, a colleague has to do that.",
        Why::NotUnderstood => "I'm sorry, I'm having trouble understanding you.",
        Why::Failing => "I'm sorry, I still can't reach our records.",
        Why::Withheld => "I'm sorry, your number is withheld, so I can't book for you in this call.",
        Why::NotOnFile => "I'm sorry, I can't find an account for the number you're calling from.",
        Why::NotVerified => "I'm sorry, I can't give out details without checking who you are.",
    }
}

pub(super) const NOBODY_THERE: &str = "I'm sorry, nobody is free to take your call right now.";
pub(super) const WILL_CALL_BACK: &str = "All right, I have noted that a colleague is to call you.";
pub(super) const NOTHING_TO_REMIND: &str = "I'm sorry, there is nothing to remind you of any more.";
pub(super) const ALL_RIGHT: &str = "All right.";
pub(super) const TAKE_YOUR_TIME: &str = "Of course, take your time.";
pub(super) const HELLO: &str = "Hello!";
pub(super) const SURE: &str = "Sure.";
pub(super) const NO_MATCH: &str = "I'm sorry, that doesn't match what we have.";
pub(super) const DOUBTFUL_VIN: &str = "I may have misheard that VIN, so please check it when you come in.";
pub(super) const UNAVAILABLE: &str = "I'm sorry, I can't reach our records right now.";
pub(super) const UNKNOWN_OUTCOME: &str =
    "I'm sorry, I got no answer in time, so I don't know whether that went through.";
pub(super) const FIRST_MISS: &str = "Sorry, I didn't catch that.";
pub(super) const SECOND_MISS: &str = "I'm afraid I still didn't get that.";
