//! Reads what the model wrote: JSON into arguments, texts into dates, times, numbers and names. What does not fit is a
//! result that says what was expected.

use std::ops::RangeInclusive;

use chrono::{Datelike as _, NaiveDate, NaiveTime};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::results::failure;
use crate::domain::{PhoneNumber, Vin};

/// Longest arguments that are read, in bytes.
const ARGUMENTS_MAX_BYTES: usize = 16 * 1024;
/// Longest part of a parser's words that goes back to the model, in characters: they quote what it wrote.
const WHY_MAX_CHARS: usize = 200;
/// Longest name of a person, in characters.
pub(super) const NAME_MAX_CHARS: usize = 100;
/// Years that anything in a workshop can be about: births of customers, and appointments.
const YEARS: RangeInclusive<i32> = 1900..=2199;
/// Longest e-mail address (RFC 5321, 4.5.3.1.3), in characters.
const EMAIL_MAX_CHARS: usize = 254;

/// The arguments of a tool; none at all are those of a tool that needs nothing.
pub(super) fn parse<T: DeserializeOwned>(arguments: &str) -> Result<T, Value> {
    if arguments.len() > ARGUMENTS_MAX_BYTES {
        return Err(failure("bad_arguments", format!("Too long: at most {ARGUMENTS_MAX_BYTES} bytes.")));
    }
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    // The parser would take a list for an object, place by place.
    if !arguments.trim_start().starts_with('{') {
        return Err(failure("bad_arguments", "The arguments do not fit the schema: expected a JSON object."));
    }
    serde_json::from_str(arguments).map_err(|error| {
        let why: String = error.to_string().chars().filter(|c| !c.is_control()).take(WHY_MAX_CHARS).collect();
        failure("bad_arguments", format!("The arguments do not fit the schema: {why}."))
    })
}

/// A text without what is around it, none when nothing is left. What is in it stays data: no control characters, none
/// that turn the direction of writing or cannot be seen.
pub(super) fn text(text: Option<String>, what: &str, max_chars: usize) -> Result<Option<String>, Value> {
    let text = text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    match &text {
        Some(t) if t.chars().count() > max_chars => {
            Err(failure("too_long", format!("{what} is too long: at most {max_chars} characters.")))
        }
        Some(t) if t.chars().any(is_hidden) => Err(failure("bad_text", format!("{what} has control characters."))),
        _ => Ok(text),
    }
}

/// Control and format characters: zero-width ones, marks and overrides of direction, separators of lines.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// A person's name: letters of any script and what joins them, so that it can hold no markup and no address.
pub(super) fn name(name: Option<String>, what: &str) -> Result<Option<String>, Value> {
    let name = text(name, what, NAME_MAX_CHARS)?;
    let fits = |c: char| c.is_alphabetic() || !c.is_ascii() || matches!(c, ' ' | '-' | '\'' | '.' | ',');
    match &name {
        Some(n) if !n.chars().all(fits) || !n.chars().any(char::is_alphabetic) => {
            Err(failure("bad_name", format!("{what} is no name of a person: letters only. Ask for it again.")))
        }
        _ => Ok(name),
    }
}

pub(super) fn date(text: &str) -> Result<NaiveDate, Value> {
    let date = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok().filter(|date| YEARS.contains(&date.year()));
    date.ok_or_else(|| failure("bad_date", "The date is not understood. Expected YYYY-MM-DD, such as 2027-03-09."))
}

pub(super) fn time(text: &str) -> Result<NaiveTime, Value> {
    NaiveTime::parse_from_str(text.trim(), "%H:%M").map_err(|_| {
        failure("bad_time", "The time is not understood. Expected HH:MM on the 24-hour clock, such as 14:30.")
    })
}

/// A date of birth of somebody who can drive a car to a workshop or be asked to.
pub(super) fn birth_date(text: Option<String>, today: NaiveDate) -> Result<Option<NaiveDate>, Value> {
    let Some(text) = text.filter(|t| !t.trim().is_empty()) else { return Ok(None) };
    let date = date(&text)?;
    let possible = NaiveDate::from_ymd_opt(1900, 1, 1).is_some_and(|first| date >= first) && date < today;
    if possible { Ok(Some(date)) } else { Err(failure("bad_date", "That is no date of birth. Ask for it again.")) }
}

pub(super) fn phone(text: Option<String>) -> Result<Option<PhoneNumber>, Value> {
    let Some(text) = text.filter(|t| !t.trim().is_empty()) else { return Ok(None) };
    let message = "The phone number is not understood. Ask for it digit by digit: expected ten digits with the area code, or a \
                   plus sign and the country code first.";
    PhoneNumber::parse(&text).map(Some).map_err(|_| failure("bad_phone", message))
}

pub(super) fn email(email: Option<String>) -> Result<Option<String>, Value> {
    let email = text(email, "email", EMAIL_MAX_CHARS)?;
    let fits = |e: &str| {
        e.split_once('@').is_some_and(|(who, host)| {
            let parts = [who, host];
            let plain = parts.iter().all(|part| !part.is_empty() && !part.contains(['@', ',', ';', '<', '>', '"']));
            plain && host.contains('.') && !e.contains(char::is_whitespace)
        })
    };
    match email {
        Some(e) if !fits(&e) => {
            Err(failure("bad_email", "That is no e-mail address. Ask for it letter by letter, or leave it out."))
        }
        email => Ok(email),
    }
}

pub(super) fn vin(text: &str) -> Result<Vin, Value> {
    Vin::parse(text).map_err(|why| failure("bad_vin", format!("Not a VIN: {why}. Ask for it character by character.")))
}

/// A number within bounds.
pub(super) fn number(number: Option<i64>, what: &str, bounds: RangeInclusive<i64>) -> Result<Option<i64>, Value> {
    match number {
        Some(n) if !bounds.contains(&n) => {
            let (from, to) = (bounds.start(), bounds.end());
            Err(failure(&format!("bad_{what}"), format!("{what} must be from {from} to {to}. Ask again.")))
        }
        number => Ok(number),
    }
}
