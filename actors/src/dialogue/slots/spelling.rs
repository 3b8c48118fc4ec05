//! Letters and digits said one by one: VINs and licence plates.

use super::numbers::digits_at;
use crate::dialogue::words::Words;
use crate::domain::Vin;
use crate::domain::vin::VIN_CHARS;

const NATO: [&str; 26] = [
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo", "lima",
    "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor", "whiskey", "xray",
    "yankee", "zulu",
];

/// A VIN that was heard, with whether its check digit is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dialogue) struct HeardVin {
    pub(in crate::dialogue) vin: Vin,
    pub(in crate::dialogue) sure: bool,
}

/// The VIN in these words; the one whose check digit is right, if there is one.
pub(in crate::dialogue) fn vin(words: &Words) -> Option<HeardVin> {
    let mut unsure = None;
    for run in runs(words) {
        for at in 0..=run.len().saturating_sub(VIN_CHARS) {
            let Some(Ok(vin)) = run.get(at..at + VIN_CHARS).map(Vin::parse) else { continue };
            if vin.check_digit_is_right() {
                return Some(HeardVin { vin, sure: true });
            }
            // Longer runs hold words around the VIN: only a run of the right length is one by itself.
            if run.len() == VIN_CHARS {
                unsure = Some(HeardVin { vin, sure: false });
            }
        }
    }
    unsure
}

/// A licence plate: letters and digits, four to eight of them, with at least one digit.
pub(in crate::dialogue) fn plate(words: &Words) -> Option<String> {
    let fits = |run: &String| (4..=8).contains(&run.len()) && run.chars().any(|c| c.is_ascii_digit());
    runs(words).into_iter().filter(fits).max_by_key(String::len).map(|run| run.to_uppercase())
}

/// Unbroken rows of spelled letters and digits, joined.
fn runs(words: &Words) -> Vec<String> {
    let mut runs = vec![String::new()];
    let mut at = 0;
    while at < words.len() {
        match spelled_at(words, at) {
            Some((text, len)) => {
                if let Some(run) = runs.last_mut() {
                    run.push_str(&text);
                }
                at += len;
            }
            None => {
                runs.push(String::new());
                at += 1;
            }
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn spelled_at(words: &Words, at: usize) -> Option<(String, usize)> {
    let word = words.at(at);
    if word == "dash" || word == "hyphen" {
        return Some((String::new(), 1));
    }
    if words.at(at + 1) == "as" && words.at(at + 2) == "in" && word.len() == 1 {
        return Some((word.to_owned(), 4));
    }
    if let Some(index) = NATO.iter().position(|name| *name == word) {
        let letter = u8::try_from(index).ok().map(|index| char::from(b'a' + index))?;
        return Some((letter.to_string(), 1));
    }
    if word.len() == 1 && word != "a" && word.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Some((word.to_owned(), 1));
    }
    // "a" is a letter only among other spelled ones.
    if word == "a" && is_spelled(words.at(at + 1)) && (at == 0 || is_spelled(words.before(at, 1))) {
        return Some(("a".into(), 1));
    }
    let mixed = word.len() > 1 && word.is_ascii() && word.chars().any(|c| c.is_ascii_digit());
    if mixed && word.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Some((word.to_owned(), 1));
    }
    let short = !matches!(word, "is" | "it" | "its" | "the" | "my" | "at" | "and")
        && word.len() <= 3
        && words.len() <= 4
        && word.chars().all(|c| c.is_ascii_alphabetic());
    if short && words.at(at + 1).chars().any(|c| c.is_ascii_digit()) {
        return Some((word.to_owned(), 1));
    }
    digits_at(words, at)
}

fn is_spelled(word: &str) -> bool {
    word.len() == 1 || word.chars().any(|c| c.is_ascii_digit()) || digits_at(&Words::new(word), 0).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vins_as_they_are_said() {
        for (said, expected) in [
            ("1HGCM82633A004352", Some(("1HGCM82633A004352", true))),
            ("one H G C M eight two six three three A oh oh four three five two", Some(("1HGCM82633A004352", true))),
            ("it's I H G C M 8 2 6 double 3 alpha O O 4 3 5 2", Some(("1HGCM82633A004352", true))),
            ("the VIN is 1HG CM82633A004352 thanks", Some(("1HGCM82633A004352", true))),
            ("1HGCM82633A004353", Some(("1HGCM82633A004353", false))),
            ("my car is red", None),
        ] {
            let heard = vin(&Words::new(said));
            assert_eq!(heard.as_ref().map(|h| (h.vin.as_str(), h.sure)), expected, "{said}");
        }
    }

    #[test]
    fn plates_as_they_are_said() {
        for (said, expected) in [
            ("A B one two three four", Some("AB1234")),
            ("my plate is AB1234", Some("AB1234")),
            ("AB 1234", Some("AB1234")),
            ("it's echo victor dash 77", Some("EV77")),
            ("I don't know", None),
        ] {
            assert_eq!(plate(&Words::new(said)).as_deref(), expected, "{said}");
        }
    }
}
