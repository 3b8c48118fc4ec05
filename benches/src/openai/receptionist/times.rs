//! Times of day as callers name them and as a receptionist says them. A time is text, `HH:MM` on a 24-hour clock.

const HOURS: [&str; 12] =
    ["twelve", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"];

const ORDINALS: [(&str, usize); 8] = [
    ("first", 0),
    ("earliest", 0),
    ("second", 1),
    ("middle", 1),
    ("third", 2),
    ("fourth", 3),
    ("fifth", 4),
    ("sixth", 5),
];

/// The slot that these words choose. With `in_offer`, words such as "the first one" choose too.
pub(super) fn choose(said: &str, slots: &[String], in_offer: bool) -> Option<String> {
    let candidates = times_in(said);
    if let Some(slot) = candidates.iter().find_map(|time| slots.iter().find(|slot| *slot == time)) {
        return Some(slot.clone());
    }
    if !in_offer || !candidates.is_empty() {
        return None;
    }
    let said = said.to_lowercase();
    let words: Vec<&str> = said.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    if let Some((_, index)) = ORDINALS.iter().find(|(name, _)| words.contains(name)) {
        return slots.get(*index).cloned();
    }
    let agrees = ["yes", "yeah", "sure", "okay", "perfect", "fine", "works"].iter().any(|word| words.contains(word));
    if agrees || words.contains(&"last") { slots.get(if agrees { 0 } else { slots.len() - 1 }).cloned() } else { None }
}

/// Every time that these words may mean, the likelier one first: an hour without a half of the day is given twice.
pub(super) fn times_in(said: &str) -> Vec<String> {
    let lower = said.to_lowercase().replace("a.m", "am").replace("p.m", "pm").replace("o clock", "o'clock");
    let words: Vec<&str> = lower
        .split(|c: char| c.is_whitespace() || c == ',' || c == ';')
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .collect();
    (0..words.len()).flat_map(|at| time_at(&words, at)).collect()
}

/// Every `HH:MM` in a machine's text, taken as it stands.
pub(super) fn clock_times(text: &str) -> Vec<String> {
    let tokens = text.split(|c: char| !c.is_ascii_digit() && c != ':');
    let times = tokens.filter(|token| token.len() == 5 && token.as_bytes()[2] == b':');
    times.map(str::to_owned).collect()
}

/// The time that begins at a word.
fn time_at(words: &[&str], at: usize) -> Vec<String> {
    let next = |offset: usize| words.get(at + offset).copied().unwrap_or_default();
    let before = |offset: usize| at.checked_sub(offset).map_or("", |at| words[at]);
    let word = words[at];
    if word == "noon" {
        return vec!["12:00".to_owned()];
    }
    if let Some((hour, minute)) = word.split_once(':') {
        let (minute, half) = split_half(minute, next(1));
        return match (hour.parse(), minute.parse()) {
            (Ok(hour), Ok(minute)) => both_halves(hour, minute, half),
            _ => Vec::new(),
        };
    }
    let (digits, half) = split_half(word, next(1));
    let Some(hour) = hour_of(digits) else { return Vec::new() };
    if before(1) == "past" && before(2) == "half" {
        return both_halves(hour, 30, half);
    }
    if let Some(minute) = minute_of(next(1), next(2)) {
        let after = if next(1) == "forty" || next(1) == "oh" { next(3) } else { next(2) };
        return both_halves(hour, minute, split_half("", after).1);
    }
    let marked = next(1) == "o'clock" || half.is_some() || ["at", "around", "the"].contains(&before(1));
    let alone = words.len() <= 3 && word != "one" && next(1) != "minutes";
    if (marked && !(before(1) == "the" && word == "one")) || alone { both_halves(hour, 0, half) } else { Vec::new() }
}

/// Splits `30pm`, or takes am or pm from the word that follows.
fn split_half<'a>(word: &'a str, next: &str) -> (&'a str, Option<bool>) {
    for (mark, is_pm) in [("am", false), ("pm", true)] {
        if let Some(digits) = word.strip_suffix(mark) {
            return (digits, Some(is_pm));
        }
        if next == mark {
            return (word, Some(is_pm));
        }
    }
    (word, None)
}

fn hour_of(word: &str) -> Option<u32> {
    let named = HOURS.iter().position(|name| *name == word).map(|hour| if hour == 0 { 12 } else { hour as u32 });
    named.or_else(|| word.parse().ok().filter(|hour| (1..=23).contains(hour)))
}

fn minute_of(word: &str, next: &str) -> Option<u32> {
    match (word, next) {
        ("thirty", _) => Some(30),
        ("fifteen", _) => Some(15),
        ("forty", "five") | ("forty-five", _) => Some(45),
        ("15" | "30" | "45", _) => word.parse().ok(),
        _ => None,
    }
}

/// A workshop's hours are likelier: 7 to 12 is the morning, 1 to 6 the afternoon.
fn both_halves(hour: u32, minute: u32, half: Option<bool>) -> Vec<String> {
    if hour > 23 || minute > 59 {
        return Vec::new();
    }
    let hours = match half {
        _ if hour > 12 => vec![hour],
        Some(false) => vec![hour % 12],
        Some(true) => vec![hour % 12 + 12],
        None if hour == 12 => vec![12],
        None if hour < 7 => vec![hour + 12, hour],
        None => vec![hour, hour + 12],
    };
    hours.into_iter().map(|hour| format!("{hour:02}:{minute:02}")).collect()
}

/// `nine thirty`, `nine o'clock`.
pub(super) fn spoken_time(time: &str) -> String {
    let (hour, minute) = time.split_once(':').unwrap_or((time, "00"));
    let name = HOURS[hour.parse::<usize>().unwrap_or(0) % 12];
    match minute {
        "00" => format!("{name} o'clock"),
        "15" => format!("{name} fifteen"),
        "30" => format!("{name} thirty"),
        "45" => format!("{name} forty five"),
        other => format!("{name} {other}"),
    }
}

/// `nine o'clock, nine thirty and ten o'clock`.
pub(super) fn spoken_list(times: &[String]) -> String {
    let spoken: Vec<String> = times.iter().map(|time| spoken_time(time)).collect();
    match spoken.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "nothing".to_owned(),
    }
}
