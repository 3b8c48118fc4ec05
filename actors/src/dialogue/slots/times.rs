//! Times of day as callers name them, and how they choose among those that are offered.

use chrono::{NaiveTime, Timelike as _};

use super::numbers::{cardinal, ordinal};
use crate::dialogue::words::Words;
use crate::domain::Shop;

/// When in the day the caller wants to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialogue) enum TimeWish {
    /// At this time.
    At(NaiveTime),
    /// From the first to before the second.
    Between(NaiveTime, NaiveTime),
}

/// One of the times that are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialogue) enum Choice {
    /// Counted from 0.
    Nth(usize),
    /// The last of them.
    Last,
    /// None of them: others, please.
    Others,
}

fn at(hour: u32, minute: u32) -> Option<NaiveTime> {
    NaiveTime::from_hms_opt(hour, minute, 0)
}

/// The wish in these words; the last one that is not refused counts. `bare`: a lone number is an hour.
pub(in crate::dialogue) fn find(words: &Words, shop: &Shop, bare: bool) -> Option<TimeWish> {
    let mut found = None;
    let mut place = 0;
    while place < words.len() {
        match clock_at(words, place, shop, bare) {
            Some((time, len)) => {
                if !matches!(words.before(place, 1), "not" | "than") && words.before(place, 2) != "instead" {
                    found = Some(bounded(words, place, time));
                }
                place += len;
            }
            None => place += 1,
        }
    }
    found.or_else(|| part_of_day(words, shop))
}

/// Every time of day in these words, in their order; a lone number is an hour.
pub(in crate::dialogue) fn all(words: &Words, shop: &Shop) -> Vec<NaiveTime> {
    let (mut found, mut place) = (Vec::new(), 0);
    while place < words.len() {
        let clock = clock_at(words, place, shop, true);
        found.extend(clock.map(|(time, _)| time));
        place += clock.map_or(1, |(_, len)| len);
    }
    found
}

/// "after three" and "before ten" are ranges.
fn bounded(words: &Words, place: usize, time: NaiveTime) -> TimeWish {
    let end = at(23, 59).unwrap_or(time);
    match words.before(place, 1) {
        "after" | "past" | "from" => TimeWish::Between(time, end),
        "before" | "until" | "by" => TimeWish::Between(NaiveTime::MIN, time),
        "than" if words.before(place, 2) == "later" => TimeWish::Between(time, end),
        _ => TimeWish::At(time),
    }
}

fn part_of_day(words: &Words, shop: &Shop) -> Option<TimeWish> {
    let noon = at(12, 0)?;
    let (lunch, after_lunch) = shop.lunch.map_or((noon, at(13, 0)?), |lunch| (lunch.from, lunch.to));
    let end = at(23, 59)?;
    let parts: [(&[&str], NaiveTime, NaiveTime); 6] = [
        (&["after lunch"], after_lunch, end),
        (&["before lunch"], NaiveTime::MIN, lunch),
        (&["early morning", "first thing", "early in the morning", "early"], NaiveTime::MIN, at(10, 30)?),
        (&["morning", "mornings"], NaiveTime::MIN, noon),
        (&["late afternoon", "evening", "end of the day", "after work", "late in the day"], at(15, 0)?, end),
        (&["afternoon", "afternoons", "afternoon's"], noon, end),
    ];
    // "Good morning" is no wish.
    let is_greeting = |phrase: &str| words.find(phrase).is_some_and(|at| words.before(at, 1) == "good");
    let said = |phrases: &[&str]| phrases.iter().any(|p| words.find(p).is_some() && !is_greeting(p));
    parts.into_iter().find(|(phrases, ..)| said(phrases)).map(|(_, from, to)| TimeWish::Between(from, to))
}

/// A time that begins at a word, and how many words it takes.
fn clock_at(words: &Words, place: usize, shop: &Shop, bare: bool) -> Option<(NaiveTime, usize)> {
    if matches!(words.at(place), "noon" | "midday") {
        return Some((at(12, 0)?, 1));
    }
    relative_to_hour(words, place, shop).or_else(|| plain(words, place, shop, bare))
}

/// "half past nine", "quarter to ten", "ten past two", "twenty to four".
fn relative_to_hour(words: &Words, place: usize, shop: &Shop) -> Option<(NaiveTime, usize)> {
    let skip = usize::from(words.at(place) == "a");
    let (minutes, len) = match words.at(place + skip) {
        "half" => (30, 1),
        "quarter" => (15, 1),
        _ => cardinal(words, place + skip).filter(|(n, _)| matches!(n, 5 | 10 | 20 | 25))?,
    };
    let word = words.at(place + skip + len);
    let (hour, more) = hour_at(words, place + skip + len + 1)?;
    let half = half_of_day(words, place + skip + len + 1 + more);
    let total = skip + len + 1 + more + usize::from(half.is_some());
    match word {
        "past" | "after" => Some((resolve(hour, minutes, half, shop)?, total)),
        "to" | "before" | "till" if minutes != 30 => {
            let earlier = if hour == 1 { 12 } else { hour.checked_sub(1)? };
            Some((resolve(earlier, 60 - minutes, half, shop)?, total))
        }
        _ => None,
    }
}

fn hour_at(words: &Words, place: usize) -> Option<(u32, usize)> {
    cardinal(words, place).filter(|(hour, len)| (1..=12).contains(hour) && *len == 1)
}

/// Whether am or pm follows, or a part of the day that says it.
fn half_of_day(words: &Words, place: usize) -> Option<bool> {
    match words.at(place) {
        "am" => Some(false),
        "pm" => Some(true),
        _ => None,
    }
}

/// "9:30", "ten thirty", "2 pm", "nine o'clock", "at ten".
fn plain(words: &Words, place: usize, shop: &Shop, bare: bool) -> Option<(NaiveTime, usize)> {
    let word = words.at(place);
    let (digits, mut half) = split_half(word);
    if let Some((hour, minute)) = digits.split_once(':') {
        let more = usize::from(half.is_none() && half_of_day(words, place + 1).is_some());
        half = half.or_else(|| half_of_day(words, place + 1));
        return Some((resolve(hour.parse().ok()?, minute.parse().ok()?, half, shop)?, 1 + more));
    }
    if half.is_some() {
        return Some((resolve(digits.parse().ok()?, 0, half, shop)?, 1));
    }
    let (hour, len) = cardinal(words, place).filter(|(hour, len)| (1..=23).contains(hour) && *len == 1)?;
    let (minute, minute_len) = minutes_at(words, place + len).unwrap_or((0, 0));
    let mut total = len + minute_len;
    let clock = words.at(place + total) == "o'clock";
    total += usize::from(clock);
    let half = half_of_day(words, place + total).or_else(|| spoken_half(words, place + total));
    total += usize::from(half_of_day(words, place + total).is_some());
    let introduced = matches!(words.before(place, 1), "at" | "around" | "about" | "before" | "after" | "by" | "it")
        || words.is_at(place.saturating_sub(2), "later than");
    let counts = matches!(
        words.at(place + total),
        "day"
            | "days"
            | "week"
            | "weeks"
            | "hour"
            | "hours"
            | "minutes"
            | "tires"
            | "cars"
            | "miles"
            | "dollars"
            | "of"
            | "more"
            | "thing"
            | "things"
            | "question"
            | "questions"
    );
    let is_one_of = hour == 1 && (words.before(place, 1) == "the" || is_pointed_at(words.before(place, 1)));
    let sure = minute_len > 0 || clock || half.is_some() || introduced || bare;
    (sure && !counts && !is_one_of).then(|| resolve(hour, minute, half, shop)).flatten().map(|time| (time, total))
}

/// "this one", "that one", "the later one": no one o'clock.
fn is_pointed_at(word: &str) -> bool {
    const POINTERS: [&str; 14] = [
        "this", "that", "first", "second", "third", "last", "later", "earlier", "earliest", "latest", "which", "any",
        "middle", "either",
    ];
    POINTERS.contains(&word)
}

/// "two in the afternoon".
fn spoken_half(words: &Words, place: usize) -> Option<bool> {
    if words.is_at(place, "in the morning") {
        return Some(false);
    }
    (words.is_at(place, "in the afternoon") || words.is_at(place, "in the evening")).then_some(true)
}

/// Splits `2pm`.
fn split_half(word: &str) -> (&str, Option<bool>) {
    for (mark, pm) in [("am", false), ("pm", true)] {
        if let Some(digits) = word.strip_suffix(mark).filter(|d| d.starts_with(|c: char| c.is_ascii_digit())) {
            return (digits, Some(pm));
        }
    }
    (word, None)
}

fn minutes_at(words: &Words, place: usize) -> Option<(u32, usize)> {
    if matches!(words.at(place), "oh" | "o") {
        return cardinal(words, place + 1).filter(|(minute, _)| *minute < 10).map(|(minute, len)| (minute, len + 1));
    }
    cardinal(words, place).filter(|(minute, _)| (10..60).contains(minute) && minute % 5 == 0)
}

/// The time that an hour means: without a half of the day, the one at which the shop may be open.
fn resolve(hour: u32, minute: u32, half: Option<bool>, shop: &Shop) -> Option<NaiveTime> {
    let hour = match half {
        _ if hour == 0 || hour > 12 => hour,
        Some(false) => hour % 12,
        Some(true) => hour % 12 + 12,
        None => [hour, hour % 12 + 12].into_iter().find(|hour| is_working_hour(*hour, shop)).unwrap_or(hour),
    };
    at(hour, minute)
}

fn is_working_hour(hour: u32, shop: &Shop) -> bool {
    use chrono::Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let spans = [Mon, Tue, Wed, Thu, Fri, Sat, Sun].into_iter().filter_map(|day| shop.hours.on(day));
    spans.into_iter().any(|span| (span.from.hour()..span.to.hour()).contains(&hour))
}

/// Which of the offered times is meant.
pub(in crate::dialogue) fn choice(words: &Words) -> Option<Choice> {
    const OTHERS: [&str; 12] = [
        "anything else",
        "something else",
        "any other",
        "other times",
        "another time",
        "anything later",
        "something later",
        "anything earlier",
        "something earlier",
        "none of",
        "neither",
        "what else",
    ];
    const LAST: [&str; 5] = ["last one", "later one", "latest", "the last", "the later"];
    const FIRST: [&str; 9] = [
        "earlier one",
        "earliest",
        "soonest",
        "the earlier",
        "either one",
        "either",
        "any of",
        "whichever",
        "any time",
    ];
    if words.any(&OTHERS) {
        return Some(Choice::Others);
    }
    if words.any(&LAST) {
        return Some(Choice::Last);
    }
    if words.any(&FIRST) {
        return Some(Choice::Nth(0));
    }
    if words.any(&["middle one", "the middle"]) {
        return Some(Choice::Nth(1));
    }
    let place = (0..words.len()).find_map(|place| ordinal(words, place).filter(|(n, _)| (1..=6).contains(n)));
    place.map(|(n, _)| Choice::Nth(n as usize - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_callers_name_them() {
        let shop = Shop::default();
        for (said, expected) in [
            ("half past nine", "09:30"),
            ("quarter to ten", "09:45"),
            ("a quarter past two", "14:15"),
            ("ten to three", "14:50"),
            ("ten thirty", "10:30"),
            ("at ten", "10:00"),
            ("9:30", "09:30"),
            ("2 pm", "14:00"),
            ("2pm", "14:00"),
            ("10 a.m. please", "10:00"),
            ("two o'clock", "14:00"),
            ("nine o clock", "09:00"),
            ("two thirty pm", "14:30"),
            ("noon", "12:00"),
            ("actually make it ten", "10:00"),
            ("four in the afternoon", "16:00"),
            ("14:30", "14:30"),
            ("quarter to one", "12:45"),
            ("eleven forty five", "11:45"),
            ("not ten, at eleven", "11:00"),
            ("one fifteen", "13:15"),
        ] {
            let time = expected.parse::<NaiveTime>().unwrap();
            assert_eq!(find(&Words::new(said), &shop, false), Some(TimeWish::At(time)), "{said}");
        }
        for said in
            ["the first one", "that one", "I have two cars", "four tires", "hello", "good morning", "one of them"]
        {
            assert_eq!(find(&Words::new(said), &shop, false), None, "{said}");
        }
        assert_eq!(find(&Words::new("ten"), &shop, true), Some(TimeWish::At(at(10, 0).unwrap())));
        assert_eq!(find(&Words::new("the later one"), &shop, true), None);
    }

    #[test]
    fn parts_of_the_day() {
        let shop = Shop::default();
        for (said, from, to) in [
            ("in the morning", "00:00", "12:00"),
            ("after lunch", "13:00", "23:59"),
            ("some time in the afternoon", "12:00", "23:59"),
            ("after three", "15:00", "23:59"),
            ("before ten", "00:00", "10:00"),
            ("late afternoon", "15:00", "23:59"),
        ] {
            let expected = TimeWish::Between(from.parse().unwrap(), to.parse().unwrap());
            assert_eq!(find(&Words::new(said), &shop, false), Some(expected), "{said}");
        }
    }

    #[test]
    fn choices() {
        for (said, expected) in [
            ("the first one", Some(Choice::Nth(0))),
            ("the second", Some(Choice::Nth(1))),
            ("the later one", Some(Choice::Last)),
            ("the last one please", Some(Choice::Last)),
            ("do you have anything else", Some(Choice::Others)),
            ("whichever", Some(Choice::Nth(0))),
            ("banana", None),
        ] {
            assert_eq!(choice(&Words::new(said)), expected, "{said}");
        }
    }
}
