//! Days as callers name them.

use std::ops::Range;

use chrono::{Datelike as _, Days, Months, NaiveDate, Weekday};

use super::numbers::{cardinal, ordinal, year};
use crate::dialogue::words::Words;

const MONTHS: [(&str, u32); 21] = [
    ("january", 1),
    ("february", 2),
    ("march", 3),
    ("april", 4),
    ("may", 5),
    ("june", 6),
    ("july", 7),
    ("august", 8),
    ("september", 9),
    ("october", 10),
    ("november", 11),
    ("december", 12),
    ("jan", 1),
    ("feb", 2),
    ("apr", 4),
    ("aug", 8),
    ("sep", 9),
    ("sept", 9),
    ("oct", 10),
    ("nov", 11),
    ("dec", 12),
];

/// Words that say "the earliest day that there is".
const SOONEST: [&str; 9] = [
    "as soon as possible",
    "asap",
    "soonest",
    "earliest",
    "next available",
    "first available",
    "right away",
    "any day",
    "whenever",
];

/// How far from today a day can be that somebody wants to come on, in months.
const MONTHS_MAX: u32 = 24;

/// The day that these words name and where, seen from `today`. Of several the last counts, unless it is one that the
/// caller does not want. `bare_ordinal`: "the third" is a day of the month.
pub(in crate::dialogue) fn find(
    words: &Words,
    today: NaiveDate,
    bare_ordinal: bool,
) -> Option<(NaiveDate, Range<usize>)> {
    let mut found = None;
    let mut at = 0;
    while at < words.len() {
        match day_at(words, at, today, bare_ordinal) {
            Some((date, len)) => {
                if !is_refused(words, at) && is_near(date, today) {
                    found = Some((date, at..at + len));
                }
                at += len;
            }
            None => at += 1,
        }
    }
    found
}

/// Whether a workshop's calendar may have this day.
fn is_near(date: NaiveDate, today: NaiveDate) -> bool {
    let far = Months::new(MONTHS_MAX);
    today.checked_add_months(far).is_none_or(|last| date <= last)
        && today.checked_sub_months(far).is_none_or(|first| date >= first)
}

/// "not Tuesday", "instead of Tuesday", "rather than Tuesday".
fn is_refused(words: &Words, at: usize) -> bool {
    let near: Vec<&str> = (1..=3).map(|back| words.before(at, back)).collect();
    matches!(near[0], "not" | "than" | "can't" | "isn't")
        || (near[0] == "on" && near[1] == "not")
        || (near[0] == "of" && near[1] == "instead")
}

fn day_at(words: &Words, at: usize, today: NaiveDate, bare_ordinal: bool) -> Option<(NaiveDate, usize)> {
    relative(words, at, today)
        .or_else(|| weekday(words, at, today))
        .or_else(|| month_and_day(words, at, today))
        .or_else(|| in_digits(words.at(at), today).map(|date| (date, 1)))
        .or_else(|| day_of_month(words, at, today, bare_ordinal))
        .or_else(|| SOONEST.iter().find(|p| words.is_at(at, p)).map(|p| (today, p.split(' ').count())))
}

fn plus(today: NaiveDate, days: u32) -> Option<NaiveDate> {
    today.checked_add_days(Days::new(u64::from(days)))
}

fn relative(words: &Words, at: usize, today: NaiveDate) -> Option<(NaiveDate, usize)> {
    if words.is_at(at, "the day after tomorrow") {
        return Some((plus(today, 2)?, 4));
    }
    if words.is_at(at, "day after tomorrow") {
        return Some((plus(today, 2)?, 3));
    }
    if words.is_at(at, "next week") && weekday_named(words.at(at + 2)).is_none() && words.at(at + 2) != "on" {
        return Some((monday_after(today)?, 2));
    }
    match words.at(at) {
        "today" | "tonight" => return Some((today, 1)),
        "tomorrow" => return Some((plus(today, 1)?, 1)),
        "weekend" => return Some((next_on(today, Weekday::Sat, true)?, 1)),
        _ => {}
    }
    let (count, len) = match words.at(at) {
        "a" | "an" => (1, 1),
        _ => cardinal(words, at)?,
    };
    let days = match words.at(at + len) {
        "day" | "days" => 1,
        "week" | "weeks" => 7,
        _ => return None,
    };
    let count = count.min(1_000) * days;
    if words.at(at + len + 1) == "from" {
        let (from, more) = day_at(words, at + len + 2, today, false)?;
        return Some((plus(from, count)?, len + 2 + more));
    }
    let is_ahead = words.before(at, 1) == "in" || words.is_at(at + len + 1, "from") || words.at(at + len + 1) == "out";
    if is_ahead { Some((plus(today, count)?, len + 1)) } else { None }
}

fn monday_after(today: NaiveDate) -> Option<NaiveDate> {
    plus(today, 7 - today.weekday().num_days_from_monday())
}

fn weekday_named(word: &str) -> Option<Weekday> {
    let word = word.strip_suffix("'s").unwrap_or(word);
    match word {
        "monday" | "mondays" | "mon" => Some(Weekday::Mon),
        "tuesday" | "tuesdays" | "tues" | "tue" => Some(Weekday::Tue),
        "wednesday" | "wednesdays" | "wed" => Some(Weekday::Wed),
        "thursday" | "thursdays" | "thurs" | "thu" => Some(Weekday::Thu),
        "friday" | "fridays" | "fri" => Some(Weekday::Fri),
        "saturday" | "saturdays" => Some(Weekday::Sat),
        "sunday" | "sundays" => Some(Weekday::Sun),
        _ => None,
    }
}

fn next_on(today: NaiveDate, day: Weekday, or_today: bool) -> Option<NaiveDate> {
    today.iter_days().skip(usize::from(!or_today)).take(8).find(|date| date.weekday() == day)
}

/// "Tuesday" is the coming one, "next Tuesday" the one of the week after; what Otto understood is read back anyway.
fn weekday(words: &Words, at: usize, today: NaiveDate) -> Option<(NaiveDate, usize)> {
    let (skip, of_next_week, or_today) = match words.at(at) {
        "next" if words.is_at(at, "next week on") => (3, true, false),
        "next" if words.at(at + 1) == "week" => (2, true, false),
        "next" => (1, true, false),
        "this" => (1, false, true),
        "coming" => (1, false, false),
        _ => (0, false, false),
    };
    let day = weekday_named(words.at(at + skip))?;
    // "Tuesday the 8th": the number says it better.
    if skip == 0
        && let Some((date, len)) = numbered(words, at + 1, today)
    {
        return Some((date, len + 1));
    }
    if skip == 0 && (words.is_at(at + 1, "next week") || words.is_at(at + 1, "of next week")) {
        let len = if words.at(at + 1) == "of" { 4 } else { 3 };
        return Some((plus(monday_after(today)?, day.num_days_from_monday())?, len));
    }
    let date = if of_next_week {
        plus(monday_after(today)?, day.num_days_from_monday())?
    } else {
        next_on(today, day, or_today)?
    };
    Some((date, skip + 1))
}

fn numbered(words: &Words, at: usize, today: NaiveDate) -> Option<(NaiveDate, usize)> {
    month_and_day(words, at, today).or_else(|| day_of_month(words, at, today, true))
}

fn month_named(word: &str) -> Option<u32> {
    MONTHS.iter().find(|(name, _)| *name == word).map(|(_, month)| *month)
}

fn number_of_day(words: &Words, at: usize) -> Option<(u32, usize)> {
    ordinal(words, at).or_else(|| cardinal(words, at)).filter(|(day, _)| (1..=31).contains(day))
}

/// "March 3rd", "the 3rd of March", with or without a year.
fn month_and_day(words: &Words, at: usize, today: NaiveDate) -> Option<(NaiveDate, usize)> {
    let (month, day, len) = if let Some(month) = month_named(words.at(at)) {
        let skip = if words.at(at + 1) == "the" { 2 } else { 1 };
        let (day, len) = number_of_day(words, at + skip)?;
        (month, day, skip + len)
    } else {
        let skip = usize::from(words.at(at) == "the");
        let (day, len) = ordinal(words, at + skip).filter(|(day, _)| (1..=31).contains(day))?;
        let of = usize::from(words.at(at + skip + len) == "of");
        (month_named(words.at(at + skip + len + of))?, day, skip + len + of + 1)
    };
    if let Some((year, more)) = year(words, at + len)
        && let Some(date) = NaiveDate::from_ymd_opt(year, month, day)
    {
        return Some((date, len + more));
    }
    Some((coming(today, month, day)?, len))
}

fn coming(today: NaiveDate, month: u32, day: u32) -> Option<NaiveDate> {
    (0..=4).filter_map(|add| NaiveDate::from_ymd_opt(today.year() + add, month, day)).find(|date| *date >= today)
}

/// "the 3rd": the next one that there is.
fn day_of_month(words: &Words, at: usize, today: NaiveDate, bare_ordinal: bool) -> Option<(NaiveDate, usize)> {
    let skip = usize::from(words.at(at) == "the");
    let (day, len) = ordinal(words, at + skip).filter(|(day, _)| (1..=31).contains(day))?;
    let in_digits = words.at(at + skip).starts_with(|c: char| c.is_ascii_digit());
    if !(in_digits || len == 2 || day > 12 || (bare_ordinal && skip == 1)) {
        return None;
    }
    if matches!(words.at(at + skip + len), "one" | "time" | "slot" | "option" | "available") {
        return None;
    }
    let months = today.iter_days().take(62).find(|date| date.day() == day)?;
    Some((months, skip + len))
}

/// `2026-11-24`, `11/24`, `11/24/2026`.
fn in_digits(word: &str, today: NaiveDate) -> Option<NaiveDate> {
    if let Ok(date) = word.parse::<NaiveDate>() {
        return Some(date);
    }
    let mut parts = word.split('/');
    let (month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    match parts.next() {
        Some(year) => NaiveDate::from_ymd_opt(year.parse().ok()?, month, day),
        None => coming(today, month, day),
    }
}

/// A date of birth: a date that names its year.
pub(in crate::dialogue) fn birth(words: &Words, today: NaiveDate) -> Option<NaiveDate> {
    (0..words.len()).find_map(|at| {
        let month_first = month_and_day(words, at, today).or_else(|| in_digits(words.at(at), today).map(|d| (d, 1)));
        month_first.map(|(date, _)| date).filter(|date| date.year() >= 1900 && *date < today)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_as_callers_name_them() {
        // A Monday.
        let today: NaiveDate = "2026-11-23".parse().unwrap();
        for (said, expected) in [
            ("tomorrow", "2026-11-24"),
            ("today please", "2026-11-23"),
            ("the day after tomorrow", "2026-11-25"),
            ("Tuesday", "2026-11-24"),
            ("on Monday", "2026-11-30"),
            ("this Friday", "2026-11-27"),
            ("next Tuesday", "2026-12-01"),
            ("next Friday", "2026-12-04"),
            ("Friday next week", "2026-12-04"),
            ("next week on Thursday", "2026-12-03"),
            ("next week", "2026-11-30"),
            ("in two weeks", "2026-12-07"),
            ("in a week", "2026-11-30"),
            ("in three days", "2026-11-26"),
            ("a week from tomorrow", "2026-12-01"),
            ("two weeks from Tuesday", "2026-12-08"),
            ("the 3rd", "2026-12-03"),
            ("the twenty seventh", "2026-11-27"),
            ("March 3rd", "2027-03-03"),
            ("march the third", "2027-03-03"),
            ("the third of December", "2026-12-03"),
            ("December twenty first", "2026-12-21"),
            ("December 21", "2026-12-21"),
            ("Tuesday the 8th", "2026-12-08"),
            ("Thursday, December 3rd", "2026-12-03"),
            ("12/4", "2026-12-04"),
            ("2026-12-01", "2026-12-01"),
            ("as soon as possible", "2026-11-23"),
            ("on the weekend", "2026-11-28"),
            ("not Tuesday, Wednesday", "2026-11-25"),
            ("Wednesday instead of Tuesday", "2026-11-25"),
            ("Tuesday, no, Thursday", "2026-11-26"),
        ] {
            let found = find(&Words::new(said), today, false).map(|(date, _)| date.to_string());
            assert_eq!(found.as_deref(), Some(expected), "{said}");
        }
        for said in ["the first one", "the third one", "ten thirty", "may I ask", "I have two weeks off", "", "a week"]
        {
            assert_eq!(find(&Words::new(said), today, false), None, "{said}");
        }
        for said in ["12/31/262142", "March 3rd 2090", "12/25/2028", "in five hundred weeks", "3/4/1998", "0001-01-01"]
        {
            assert_eq!(find(&Words::new(said), today, false), None, "{said}");
        }
        assert_eq!(
            find(&Words::new("the third"), today, true).map(|(d, _)| d.to_string()).as_deref(),
            Some("2026-12-03")
        );
    }

    #[test]
    fn dates_of_birth() {
        let today: NaiveDate = "2026-11-23".parse().unwrap();
        for (said, expected) in [
            ("April 12th 1985", Some("1985-04-12")),
            ("it's april twelve nineteen eighty five", Some("1985-04-12")),
            ("the twelfth of April nineteen eighty five", Some("1985-04-12")),
            ("4/12/1985", Some("1985-04-12")),
            ("1985-04-12", Some("1985-04-12")),
            ("April 12th", None),
            ("12 Oak Street", None),
        ] {
            assert_eq!(birth(&Words::new(said), today).map(|d| d.to_string()).as_deref(), expected, "{said}");
        }
    }
}
