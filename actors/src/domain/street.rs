//! Street addresses as people say them: two that mean the same house are the same, however they are abbreviated. Apart from the
//! customer, because of its tables.

/// Words for kinds of streets and what abbreviates them, the form that stands for all of them first. Source: USPS
/// Publication 28, appendix C1. `St` is also a saint and `Dr` a doctor: who says one means the other.
const KINDS: &[&[&str]] = &[
    &["st", "street", "str", "saint"],
    &["dr", "drive", "drv", "doctor"],
    &["ave", "avenue", "av"],
    &["blvd", "boulevard", "boul"],
    &["rd", "road"],
    &["ln", "lane"],
    &["ct", "court"],
    &["pl", "place"],
    &["sq", "square"],
    &["ter", "terrace", "terr"],
    &["trl", "trail"],
    &["pkwy", "parkway", "pky"],
    &["hwy", "highway"],
    &["cir", "circle"],
    &["plz", "plaza"],
    &["aly", "alley"],
    &["way", "wy"],
    &["apt", "apartment"],
    &["ste", "suite"],
];
/// Directions, in the same form.
const DIRECTIONS: &[&[&str]] = &[
    &["n", "north"],
    &["e", "east"],
    &["s", "south"],
    &["w", "west"],
    &["ne", "northeast"],
    &["nw", "northwest"],
    &["se", "southeast"],
    &["sw", "southwest"],
];
/// Streets with numbers for names, in the same form.
const ORDINALS: &[&[&str]] = &[
    &["1st", "first"],
    &["2nd", "second"],
    &["3rd", "third"],
    &["4th", "fourth"],
    &["5th", "fifth"],
    &["6th", "sixth"],
    &["7th", "seventh"],
    &["8th", "eighth"],
    &["9th", "ninth"],
    &["10th", "tenth"],
    &["11th", "eleventh"],
    &["12th", "twelfth"],
];

/// Whether two addresses are the same house in the same street. Case, punctuation and the usual abbreviations do not count,
/// nor whether a name is written as one word or two; everything else does.
pub(super) fn is_same_street(one: &str, other: &str) -> bool {
    normal(one) == normal(other)
}

/// A word of an address.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    /// A house number, a kind of street, a direction, an ordinal: it stands for itself.
    Fixed(String),
    /// A name, whose words are written together.
    Name(String),
}

fn normal(address: &str) -> Vec<Word> {
    let words = words(address);
    let kinds: Vec<Option<&str>> = words.iter().map(|word| known(KINDS, word).or(known(ORDINALS, word))).collect();
    let is_name = |at: usize| kinds[at].is_none() && !words[at].contains(|c: char| c.is_ascii_digit());
    let names = (0..words.len()).filter(|at| is_name(*at)).count();
    let ordinals = words.iter().filter(|word| known(ORDINALS, word).is_some() || is_ordinal(word)).count();
    let mut normal: Vec<Word> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        // A street may be called East, which is another one than E: a direction goes with a name.
        let direction = known(DIRECTIONS, word).filter(|_| names + ordinals > 1);
        match (kinds[at].or(direction), normal.last_mut()) {
            (Some(known), _) => normal.push(Word::Fixed(known.to_owned())),
            (None, _) if !is_name(at) => normal.push(Word::Fixed(word.clone())),
            (None, Some(Word::Name(name))) => name.push_str(word),
            (None, _) => normal.push(Word::Name(word.clone())),
        }
    }
    normal
}

/// The words in lower case; dots and apostrophes are inside of words, and nothing else is.
fn words(address: &str) -> Vec<String> {
    let plain = address.chars().filter(|c| !matches!(c, '.' | '\'' | '’')).flat_map(char::to_lowercase);
    let plain: String = plain.collect();
    plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn known<'a>(forms: &[&[&'a str]], word: &str) -> Option<&'a str> {
    forms.iter().find(|forms| forms.contains(&word)).map(|forms| forms[0])
}

/// `42nd`
fn is_ordinal(word: &str) -> bool {
    let suffix = word.trim_start_matches(|c: char| c.is_ascii_digit());
    suffix.len() < word.len() && ["st", "nd", "rd", "th"].contains(&suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_house_is_the_same() {
        for (on_file, said) in [
            ("12 Oak Street", "12 oak street."),
            ("12 Oak Street", "12 Oak St"),
            ("12 Oak St.", "12, Oak Street"),
            ("12 N. Oak Ave", "12 north oak avenue"),
            ("12 Oak Blvd NW", "12 Oak Boulevard Northwest"),
            ("12 N.W. 42nd St", "12 northwest 42nd street"),
            ("350 5th Ave", "350 Fifth Avenue"),
            ("350 West Third St", "350 W 3rd Street"),
            ("7 St James Ct", "7 Saint James Court"),
            ("7 Dr Martin Luther King Jr Dr", "7 Doctor Martin Luther King Jr. Drive"),
            ("9 MacArthur Pkwy", "9 mac arthur parkway"),
            ("9 O'Hara Ln, Apt 4", "9 OHara Lane apartment 4"),
            ("12 East Street", "12 east st"),
            ("1 Straße", "1 straße"),
        ] {
            assert!(is_same_street(on_file, said), "{on_file} {said}");
            assert!(is_same_street(said, on_file), "{said} {on_file}");
        }
    }

    #[test]
    fn another_house_or_street_is_another() {
        for (on_file, said) in [
            ("12 Oak Street", "13 Oak Street"),
            ("12 Oak Street", "112 Oak Street"),
            ("12 Oak Street", "Oak Street"),
            ("12 Oak Street", "12 Oak Avenue"),
            ("12 Oak Street", "12 Oak"),
            ("12 Oak Street", "12 Elm Street"),
            ("12 Oak Street", "12 Oaks Street"),
            ("12 Oak Street", "12 N Oak Street"),
            ("12 N Oak St", "12 S Oak St"),
            ("12 N Ash St", "12 Nash St"),
            ("12 East Street", "12 E Street"),
            ("1 23rd St", "12 3rd St"),
            ("12 5th St", "12 15th St"),
            ("12 5th St", "12 5 St"),
            ("9 Oak Ln, Apt 4", "9 Oak Ln, Apt 14"),
            ("9 Oak Ln, Apt 4", "9 Oak Ln"),
        ] {
            assert!(!is_same_street(on_file, said), "{on_file} {said}");
            assert!(!is_same_street(said, on_file), "{said} {on_file}");
        }
    }
}
