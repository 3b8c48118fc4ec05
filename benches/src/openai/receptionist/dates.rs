//! Days as callers name them and as a receptionist says them.

use chrono::{Datelike, Days, NaiveDate, Weekday};

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The day that these words name, seen from `today`.
pub(super) fn day_mentioned(said: &str, today: NaiveDate) -> Option<NaiveDate> {
    let said = said.to_lowercase();
    if said.contains("day after tomorrow") {
        return Some(today + Days::new(2));
    }
    if said.contains("tomorrow") {
        return Some(today + Days::new(1));
    }
    if said.contains("today") {
        return Some(today);
    }
    weekday(&said, today).or_else(|| month_and_day(&said, today))
}

/// The next day from Monday to Friday after `today`.
pub(super) fn next_weekday(today: NaiveDate) -> NaiveDate {
    let days = today.iter_days().skip(1);
    days.into_iter().find(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)).unwrap_or(today)
}

/// `Tuesday, March 3`.
pub(super) fn spoken_date(date: NaiveDate) -> String {
    date.format("%A, %B %-d").to_string()
}

fn weekday(said: &str, today: NaiveDate) -> Option<NaiveDate> {
    let (_, weekday) = WEEKDAYS.iter().find(|(name, _)| said.contains(name))?;
    today.iter_days().skip(1).find(|day| day.weekday() == *weekday)
}

/// "March 3", "march 3rd": the next one that lies ahead.
fn month_and_day(said: &str, today: NaiveDate) -> Option<NaiveDate> {
    let words: Vec<&str> = said.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let (at, month) = words
        .iter()
        .enumerate()
        .find_map(|(at, word)| MONTHS.iter().position(|name| name == word).map(|month| (at, month as u32 + 1)))?;
    let digits: String = words.get(at + 1)?.chars().take_while(char::is_ascii_digit).collect();
    let day = digits.parse().ok()?;
    let years = [today.year(), today.year() + 1];
    years.into_iter().filter_map(|year| NaiveDate::from_ymd_opt(year, month, day)).find(|date| *date >= today)
}
