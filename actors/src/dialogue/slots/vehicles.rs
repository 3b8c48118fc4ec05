//! Cars as callers name them: year, make and model.

use std::ops::Range;

use super::numbers::year;
use crate::dialogue::words::Words;
use crate::domain::spoken::capital;

const MAKES: [&str; 38] = [
    "acura",
    "audi",
    "bmw",
    "buick",
    "cadillac",
    "chevrolet",
    "chevy",
    "chrysler",
    "dodge",
    "fiat",
    "ford",
    "gmc",
    "honda",
    "hyundai",
    "infiniti",
    "jaguar",
    "jeep",
    "kia",
    "lexus",
    "lincoln",
    "mazda",
    "mercedes",
    "mini",
    "mitsubishi",
    "nissan",
    "pontiac",
    "porsche",
    "ram",
    "saab",
    "saturn",
    "subaru",
    "suzuki",
    "tesla",
    "toyota",
    "volkswagen",
    "vw",
    "volvo",
    "scion",
];
/// Words after a make that are no model.
const NOT_MODELS: [&str; 22] = [
    "", "_", "and", "that", "which", "is", "has", "needs", "for", "with", "it", "it's", "please", "on", "my", "the",
    "in", "car", "i", "but", "to", "makes",
];
const UPPER: [&str; 3] = ["bmw", "gmc", "vw"];

/// The car in these words, such as `2015 Honda Civic`, and where it was named.
pub(in crate::dialogue) fn find(words: &Words) -> Option<(String, Range<usize>)> {
    let at = (0..words.len()).find(|at| MAKES.contains(&words.at(*at)))?;
    let year = (1..=4).filter_map(|back| at.checked_sub(back)).find_map(|from| {
        let (year, len) = year(words, from)?;
        (from + len == at).then_some((year, from))
    });
    let begin = year.map_or(at, |(_, from)| from);
    let mut end = at + 1;
    let mut parts: Vec<String> = year.map(|(year, _)| year.to_string()).into_iter().collect();
    let make = words.at(at);
    parts.push(if UPPER.contains(&make) { make.to_uppercase() } else { capital(make) });
    let model = words.at(at + 1);
    if !NOT_MODELS.contains(&model) && super::dates::find(&Words::new(model), chrono::NaiveDate::MIN, false).is_none() {
        parts.push(capital(model));
        end += 1;
    }
    // A make alone may be a name or a street: only with more it is a car.
    (parts.len() > 1).then(|| (parts.join(" "), begin..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cars_as_callers_name_them() {
        for (said, expected) in [
            ("a 2015 Honda Civic", Some("2015 Honda Civic")),
            ("it's a twenty fifteen honda civic and it rattles", Some("2015 Honda Civic")),
            ("my two thousand three Toyota Camry", Some("2003 Toyota Camry")),
            ("a BMW x5", Some("BMW X5")),
            ("a 2019 Tesla", Some("2019 Tesla")),
            ("a Ford", None),
            ("a red car", None),
        ] {
            assert_eq!(find(&Words::new(said)).map(|(car, _)| car).as_deref(), expected, "{said}");
        }
    }
}
