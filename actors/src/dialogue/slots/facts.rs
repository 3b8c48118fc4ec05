//! The facts by which a caller proves who they are.

use chrono::NaiveDate;

use super::{dates, numbers, spelling};
use crate::dialogue::words::Words;
use crate::domain::IdentityFact;
use crate::domain::spoken::capital;

const STREETS: [&str; 20] = [
    "street",
    "st",
    "avenue",
    "ave",
    "road",
    "rd",
    "lane",
    "ln",
    "drive",
    "dr",
    "boulevard",
    "blvd",
    "way",
    "court",
    "ct",
    "place",
    "pl",
    "circle",
    "terrace",
    "parkway",
];

/// A fact that the caller said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dialogue) struct SaidFact {
    pub(in crate::dialogue) fact: IdentityFact,
    pub(in crate::dialogue) value: String,
}

/// The fact in these words: a date of birth, a VIN, a street or a plate, in this order.
pub(in crate::dialogue) fn find(words: &Words, today: NaiveDate) -> Option<SaidFact> {
    if let Some(date) = dates::birth(words, today) {
        return Some(SaidFact { fact: IdentityFact::DateOfBirth, value: date.to_string() });
    }
    if let Some(heard) = spelling::vin(words) {
        return Some(SaidFact { fact: IdentityFact::Vin, value: heard.vin.as_str().to_owned() });
    }
    if let Some(street) = street(words) {
        return Some(SaidFact { fact: IdentityFact::Street, value: street });
    }
    spelling::plate(words).map(|plate| SaidFact { fact: IdentityFact::Plate, value: plate })
}

/// "twelve Oak Street" as `12 Oak Street`.
fn street(words: &Words) -> Option<String> {
    let end = (0..words.len()).find(|at| STREETS.contains(&words.at(*at)))?;
    let begin = (0..end).find(|at| numbers::digits_at(words, *at).is_some())?;
    let mut number = String::new();
    let mut at = begin;
    while let Some((digits, len)) = numbers::digits_at(words, at).filter(|_| at < end) {
        number.push_str(&digits);
        at += len;
    }
    let name: Vec<String> = (at..=end).map(|at| capital(words.at(at))).collect();
    (name.len() > 1).then(|| format!("{number} {}", name.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_as_callers_say_them() {
        let today = "2026-11-23".parse().unwrap();
        for (said, expected) in [
            ("April 12th 1985", Some((IdentityFact::DateOfBirth, "1985-04-12"))),
            ("I live at twelve Oak Street", Some((IdentityFact::Street, "12 Oak Street"))),
            ("two thirty Industrial Road", Some((IdentityFact::Street, "230 Industrial Road"))),
            ("1HGCM82633A004352", Some((IdentityFact::Vin, "1HGCM82633A004352"))),
            ("the plate is AB 1234", Some((IdentityFact::Plate, "1234"))),
            ("A B one two three four", Some((IdentityFact::Plate, "AB1234"))),
            ("I don't know", None),
        ] {
            let found = find(&Words::new(said), today).map(|f| (f.fact, f.value));
            assert_eq!(found, expected.map(|(fact, value)| (fact, value.to_owned())), "{said}");
        }
    }
}
