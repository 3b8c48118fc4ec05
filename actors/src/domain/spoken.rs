//! Dates, times and words as Otto says them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};

/// A time of day for the ear: `9 AM`, `2:30 PM`.
#[must_use]
pub fn time(at: NaiveTime) -> String {
    let (pm, hour) = at.hour12();
    let half = if pm { "PM" } else { "AM" };
    if at.minute() == 0 { format!("{hour} {half}") } else { format!("{hour}:{:02} {half}", at.minute()) }
}

/// A date and time for the ear: `Tuesday, November 24 at 9 AM`.
#[must_use]
pub fn date_time(at: NaiveDateTime) -> String {
    format!("{} at {}", at.format("%A, %B %-d"), time(at.time()))
}

/// The same in the middle of a sentence, as seen from a day: `tomorrow, Tuesday, November 24 at 9 AM`, or `on Friday …`.
#[must_use]
pub fn coming(at: NaiveDateTime, today: NaiveDate) -> String {
    let before = match (at.date() - today).num_days() {
        0 => "today,",
        1 => "tomorrow,",
        _ => "on",
    };
    format!("{before} {}", date_time(at))
}

/// A text with its first letter made a capital one; the others stay as they are.
#[must_use]
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_the_ear() {
        let at = NaiveDateTime::parse_from_str("2026-11-24 14:30", "%Y-%m-%d %H:%M").unwrap();
        assert_eq!(date_time(at), "Tuesday, November 24 at 2:30 PM");
        for (today, expected) in
            [("2026-11-23", "tomorrow, Tuesday"), ("2026-11-24", "today, T"), ("2026-11-20", "on T")]
        {
            assert!(coming(at, today.parse().unwrap()).starts_with(expected), "{today}");
        }
        assert_eq!(time(NaiveTime::from_hms_opt(12, 0, 0).unwrap()), "12 PM");
    }
}
