//! Dates, times and words as Otto says them.

use chrono::{NaiveDateTime, NaiveTime, Timelike as _};

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
        assert_eq!(time(NaiveTime::from_hms_opt(12, 0, 0).unwrap()), "12 PM");
    }
}
