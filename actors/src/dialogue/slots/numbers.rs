//! Numbers as they are spoken: counts, ordinals, years, phone numbers.

use crate::dialogue::words::Words;
use crate::domain::PhoneNumber;

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const ORDINALS: [&str; 20] = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];
const ROUND_ORDINALS: [(&str, u32); 2] = [("twentieth", 20), ("thirtieth", 30)];

/// A number and how many words it takes.
pub(in crate::dialogue) type Counted = (u32, usize);

fn index_of(list: &[&str], word: &str) -> Option<u32> {
    list.iter().position(|name| *name == word).and_then(|at| u32::try_from(at).ok())
}

/// A number from 0 to 99 in words, or any number in digits.
pub(in crate::dialogue) fn cardinal(words: &Words, at: usize) -> Option<Counted> {
    let word = words.at(at);
    if let Some(number) = index_of(&SMALL, word) {
        return Some((number, 1));
    }
    if let Some(tens) = index_of(&TENS, word) {
        let ones = index_of(&SMALL, words.at(at + 1)).filter(|ones| (1..10).contains(ones));
        return Some(ones.map_or((tens * 10 + 20, 1), |ones| (tens * 10 + 20 + ones, 2)));
    }
    (word.len() <= 9).then(|| word.parse().ok()).flatten().map(|number| (number, 1))
}

/// The place in a row: `third`, `3rd`, `twenty first`.
pub(in crate::dialogue) fn ordinal(words: &Words, at: usize) -> Option<Counted> {
    let word = words.at(at);
    if let Some(number) = single_ordinal(word) {
        return Some((number, 1));
    }
    let tens = index_of(&TENS, word)?;
    let ones = single_ordinal(words.at(at + 1)).filter(|ones| (1..10).contains(ones))?;
    Some((tens * 10 + 20 + ones, 2))
}

fn single_ordinal(word: &str) -> Option<u32> {
    let round = || ROUND_ORDINALS.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    let digits = || ["st", "nd", "rd", "th"].iter().find_map(|end| word.strip_suffix(end)?.parse().ok());
    index_of(&ORDINALS, word).filter(|n| *n > 0).or_else(round).or_else(digits)
}

/// A year from 1900 to 2099: `1985`, `nineteen eighty five`, `two thousand and three`, `twenty fifteen`.
pub(in crate::dialogue) fn year(words: &Words, at: usize) -> Option<(i32, usize)> {
    let (first, len) = cardinal(words, at)?;
    let in_range = |year: u32, len| (1900..2100).contains(&year).then(|| (year.cast_signed(), len));
    if let Some(found) = in_range(first, len) {
        return Some(found);
    }
    if words.is_at(at, "two thousand") {
        let skip = if words.at(at + 2) == "and" { 3 } else { 2 };
        return match cardinal(words, at + skip) {
            Some((rest, more)) if rest < 100 => in_range(2_000 + rest, skip + more),
            _ => in_range(2_000, 2),
        };
    }
    if !(first == 19 || first == 20) || len != 1 {
        return None;
    }
    if words.at(at + 1) == "oh" {
        let (rest, more) = cardinal(words, at + 2).filter(|(rest, _)| *rest < 10)?;
        return in_range(first * 100 + rest, 2 + more);
    }
    let (rest, more) = cardinal(words, at + 1).filter(|(rest, _)| (10..100).contains(rest))?;
    in_range(first * 100 + rest, 1 + more)
}

/// A phone number said digit by digit or in groups: ten digits, or eleven with a leading one.
pub(in crate::dialogue) fn phone(words: &Words) -> Option<PhoneNumber> {
    let mut run = String::new();
    let mut at = 0;
    while at <= words.len() {
        match digits_at(words, at) {
            Some((digits, len)) => {
                run.push_str(&digits);
                at += len;
            }
            None => {
                if run.len() == 10 || (run.len() == 11 && run.starts_with('1')) {
                    return PhoneNumber::parse(&run).ok();
                }
                run.clear();
                at += 1;
            }
        }
    }
    None
}

/// The digits that begin at a word: `five`, `oh`, `double five`, `0123`.
pub(in crate::dialogue) fn digits_at(words: &Words, at: usize) -> Option<(String, usize)> {
    let word = words.at(at);
    if let Some(times) = [("double", 2), ("triple", 3)].iter().find(|(name, _)| *name == word).map(|(_, n)| *n) {
        let (digit, len) = digits_at(words, at + 1).filter(|(digit, len)| digit.len() == 1 && *len == 1)?;
        return Some((digit.repeat(times), len + 1));
    }
    if word == "oh" || word == "o" {
        return Some(("0".into(), 1));
    }
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_digit()) {
        return Some((word.to_owned(), 1));
    }
    cardinal(words, at).map(|(number, len)| (number.to_string(), len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_ordinals_and_years() {
        let words = Words::new;
        for (said, expected) in [("seven", Some(7)), ("forty two", Some(42)), ("thirty", Some(30)), ("12", Some(12))] {
            assert_eq!(cardinal(&words(said), 0).map(|(n, _)| n), expected, "{said}");
        }
        for (said, expected) in
            [("third", Some(3)), ("twenty first", Some(21)), ("22nd", Some(22)), ("thirtieth", Some(30)), ("ten", None)]
        {
            assert_eq!(ordinal(&words(said), 0).map(|(n, _)| n), expected, "{said}");
        }
        for (said, expected) in [
            ("1985", Some(1985)),
            ("nineteen eighty five", Some(1985)),
            ("two thousand and three", Some(2003)),
            ("two thousand", Some(2000)),
            ("twenty fifteen", Some(2015)),
            ("nineteen oh five", Some(1905)),
            ("ten", None),
            ("85", None),
        ] {
            assert_eq!(year(&words(said), 0).map(|(n, _)| n), expected, "{said}");
        }
    }

    #[test]
    fn phone_numbers() {
        for (said, expected) in [
            ("five five five, five five five, oh one two three", Some("+15555550123")),
            ("it's 555 555 0123", Some("+15555550123")),
            ("one triple five double five five oh one two three please", Some("+15555550123")),
            ("555-0123", None),
            ("no number here", None),
        ] {
            assert_eq!(phone(&words_without_dash(said)).map(|n| n.as_e164().to_owned()).as_deref(), expected, "{said}");
        }
    }

    fn words_without_dash(said: &str) -> Words {
        Words::new(&said.replace('-', " "))
    }
}
