//! Vehicle identification numbers: their rules (49 CFR 565), what is repaired of what was heard, and what a number says by
//! itself.

use super::wmi;

/// Characters of a VIN.
pub const VIN_CHARS: usize = 17;
/// Where the check digit is, from 0.
const CHECK_AT: usize = 8;
/// What a character counts at each place.
const WEIGHTS: [u32; VIN_CHARS] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

/// Where the model year is, from 0.
const YEAR_AT: usize = 9;
/// Where the cycle of the model year is, from 0.
const CYCLE_AT: usize = 6;
/// The characters of the model years from 1980 on.
const YEARS: &str = "ABCDEFGHJKLMNPRSTVWXY123456789";
const YEARS_FROM: i32 = 1980;
/// After so many years the characters come again.
const YEARS_CYCLE: i32 = 30;
/// No model year is written like this.
const UNUSED_YEARS: &str = "IOQUZ0";
/// Characters that sound alike over a telephone.
const SOUND_ALIKE: [&str; 5] = ["BDEPTVZ", "MN", "SF", "A8", "59"];
/// Numbers that are suggested at most.
const SUGGESTIONS: usize = 3;

/// A vehicle identification number of the right length and letters. Whether its check digit is right is another
/// question: outside North America it need not be.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Vin(String);

/// Text that is not a VIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VinError {
    /// Not 17 characters.
    #[error("expected 17 letters and digits, found {0}")]
    Length(usize),
    /// Something that is neither a letter nor a digit.
    #[error("a VIN has letters and digits only")]
    Characters,
}

impl Vin {
    /// Reads a VIN as it was written or heard: spaces and dashes do not count, and the letters that no VIN has are the
    /// digits that they are taken for (O and Q are 0, I is 1).
    ///
    /// # Errors
    /// When it has another length or other characters.
    pub fn parse(text: &str) -> Result<Self, VinError> {
        let plain = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let vin: String = plain.map(|c| repaired(c.to_ascii_uppercase())).collect();
        if !vin.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()) {
            return Err(VinError::Characters);
        }
        if vin.len() == VIN_CHARS { Ok(Self(vin)) } else { Err(VinError::Length(vin.len())) }
    }

    /// The 17 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the ninth character is what the others demand; required in North America.
    #[must_use]
    pub fn check_digit_is_right(&self) -> bool {
        self.at(CHECK_AT) == self.check_digit()
    }

    /// The same number with the ninth character that the others demand.
    #[must_use]
    pub fn with_check_digit(&self) -> Self {
        let digit = self.check_digit();
        Self(self.0.chars().enumerate().map(|(at, c)| if at == CHECK_AT { digit } else { c }).collect())
    }

    fn check_digit(&self) -> char {
        let sum: u32 = self.0.chars().zip(WEIGHTS).map(|(c, weight)| value(c) * weight).sum();
        match sum % 11 {
            10 => 'X',
            digit => char::from_digit(digit, 10).unwrap_or('0'),
        }
    }

    /// Whether this cannot be the number: the check digit is wrong on a vehicle built where it must be right. Elsewhere
    /// the ninth character may mean something else.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.0.starts_with(['1', '2', '3', '4', '5', '7']) && !self.check_digit_is_right()
    }

    /// What was probably said when the check digit is wrong: numbers with one character replaced by one that sounds like
    /// it, so that the check digit is right. Those of known makers come first. To be read back, never taken as they are.
    #[must_use]
    pub fn likely_meant(&self) -> Vec<Self> {
        if self.check_digit_is_right() {
            return Vec::new();
        }
        let mut found: Vec<Self> = (0..VIN_CHARS).flat_map(|at| self.sounding_like(at)).collect();
        found.retain(|vin| vin.check_digit_is_right() && !UNUSED_YEARS.contains(vin.at(YEAR_AT)));
        found.sort_by_key(|vin| wmi::maker(vin.as_str()).is_none());
        found.truncate(SUGGESTIONS);
        found
    }

    fn sounding_like(&self, at: usize) -> impl Iterator<Item = Self> + '_ {
        let heard = self.at(at);
        let alike = SOUND_ALIKE.iter().filter(move |group| group.contains(heard)).flat_map(|group| group.chars());
        alike.filter(move |c| *c != heard).map(move |c| {
            let replaced = self.0.char_indices().map(|(i, old)| if i == at { c } else { old });
            Self(replaced.collect())
        })
    }

    /// The model year, by the tenth character. It comes again every 30 years: on light vehicles for the American market
    /// the seventh character says which cycle (a letter from 2010 on), elsewhere the latest possible year is taken.
    #[must_use]
    pub fn model_year(&self, this_year: i32) -> Option<i32> {
        let place = YEARS.find(self.at(YEAR_AT))?;
        let first = YEARS_FROM + i32::try_from(place).ok()?;
        let by_the_rule = self.0.starts_with(['1', '2', '3', '4', '5', '7', 'J', 'K']);
        let first_cycle = by_the_rule && self.at(CYCLE_AT).is_ascii_digit();
        let year = if first_cycle { first } else { first + YEARS_CYCLE };
        // A model year begins in the year before.
        Some(if year > this_year + 1 { first } else { year })
    }

    /// What the number itself says, without asking anybody: maker and model year.
    #[must_use]
    pub fn decode_offline(&self, this_year: i32) -> DecodedVin {
        let make = wmi::maker(&self.0).map(str::to_owned);
        let certainty = match (&make, self.is_wrong()) {
            (_, true) => Certainty::Doubtful,
            (None, false) => Certainty::Unknown,
            (Some(_), false) => Certainty::Likely,
        };
        let suggestions = if self.is_wrong() { self.likely_meant() } else { Vec::new() };
        let year = self.model_year(this_year);
        DecodedVin { make, year, certainty, suggestions, source: VinSource::Offline, ..DecodedVin::default() }
    }

    fn at(&self, place: usize) -> char {
        self.0.chars().nth(place).unwrap_or('0')
    }
}

/// What a vehicle is, as far as its number tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DecodedVin {
    /// Maker, as it is written on the vehicle.
    pub make: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Model year.
    pub year: Option<i32>,
    /// Trim line.
    pub trim: Option<String>,
    /// Shape of the body.
    pub body: Option<String>,
    /// What it burns, or `Electric`.
    pub fuel: Option<String>,
    /// How far this is to be believed.
    pub certainty: Certainty,
    /// Numbers that may have been meant instead. To be read back to the caller, never taken as they are.
    pub suggestions: Vec<Vin>,
    /// Who says so.
    pub source: VinSource,
}

/// How far a decoded number is to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Certainty {
    /// The number is right and known.
    Sure,
    /// Nothing speaks against it, and not everything could be checked.
    Likely,
    /// A character was probably misheard: the number is to be read back.
    Doubtful,
    /// The number says nothing about the vehicle, or is no number of a vehicle at all: ask again.
    #[default]
    Unknown,
}

/// Who has decoded a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VinSource {
    /// The authority's register.
    Register,
    /// The rules alone, because the register did not answer.
    #[default]
    Offline,
}

/// A VIN names a vehicle and thereby its owner: `Debug` shows the maker's part only.
impl std::fmt::Debug for Vin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vin({}…)", &self.0[..3])
    }
}

const fn repaired(c: char) -> char {
    match c {
        'O' | 'Q' => '0',
        'I' => '1',
        other => other,
    }
}

/// What a character counts: a digit as itself, a letter by the table of 49 CFR 565.
const fn value(c: char) -> u32 {
    match c {
        '1' | 'A' | 'J' => 1,
        '2' | 'B' | 'K' | 'S' => 2,
        '3' | 'C' | 'L' | 'T' => 3,
        '4' | 'D' | 'M' | 'U' => 4,
        '5' | 'E' | 'N' | 'V' => 5,
        '6' | 'F' | 'W' => 6,
        '7' | 'G' | 'P' | 'X' => 7,
        '8' | 'H' | 'Y' => 8,
        '9' | 'R' | 'Z' => 9,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_of_published_vins() {
        for (text, right) in [
            ("1M8GDM9AXKP042788", true),
            ("11111111111111111", true),
            ("1HGCM82633A004352", true),
            ("JH4DA9350LS000016", true),
            ("1FTFW1CT5DFC10312", true),
            ("WAULDAF87PN012340", true),
            ("7XJBB3236TS001714", true),
            ("1C6RR7FT0KS643289", true),
            ("5UXWX7C5XBA000000", false),
            ("1HGCM82633A004353", false),
        ] {
            assert_eq!(Vin::parse(text).map(|vin| vin.check_digit_is_right()), Ok(right), "{text}");
        }
    }

    #[test]
    fn a_check_digit_can_be_put_in() {
        let vin = Vin::parse("1HGCM82603A004352").unwrap();
        assert!(!vin.check_digit_is_right());
        assert_eq!(vin.with_check_digit().as_str(), "1HGCM82633A004352");
    }

    #[test]
    fn one_misheard_letter_is_found_by_the_check_digit() {
        let vin = |text| Vin::parse(text).unwrap();
        assert_eq!(vin("1HGCM82633A004352").likely_meant(), [], "nothing to repair");
        // F was heard for S, N for M, 8 for A.
        for (said, heard) in [
            ("WAULDAF87PN012340", "WAULDAS87PN012340"),
            ("1HGCM82633A004352", "1HGCN82633A004352"),
            ("1HGCM82633A004352", "1HGCM826338004352"),
        ] {
            let meant = vin(heard).likely_meant();
            assert!(meant.contains(&vin(said)) && meant.len() <= SUGGESTIONS, "{heard}");
            assert!(meant.iter().all(Vin::check_digit_is_right));
        }
    }

    #[test]
    fn the_check_digit_counts_where_the_law_demands_it() {
        for (text, expected) in
            [("1HGCM82633A004353", true), ("WAULDAF87PN012341", false), ("JH4DA9350LS000016", false)]
        {
            assert_eq!(Vin::parse(text).unwrap().is_wrong(), expected, "{text}");
        }
    }

    #[test]
    fn the_model_year_knows_its_cycle() {
        for (text, year) in [
            ("1HGCM82633A004352", Some(2003)),
            ("1FTFW1CT5DFC10312", Some(2013)),
            ("JH4DA9350LS000016", Some(1990)),
            ("1M8GDM9AXKP042788", Some(1989)),
            ("WAULDAF87PN012340", Some(2023)),
            // Not before it is built.
            ("1FTFW1CT5YFC10312", Some(2000)),
            ("1FTFW1CT5UFC10312", None),
        ] {
            assert_eq!(Vin::parse(text).unwrap().model_year(2026), year, "{text}");
        }
    }

    #[test]
    fn without_the_decoder_the_maker_is_known_and_how_sure_that_is() {
        let offline = |text| Vin::parse(text).unwrap().decode_offline(2026);
        let accord = offline("1HGCM82633A004352");
        assert_eq!((accord.make.as_deref(), accord.year), (Some("Honda"), Some(2003)));
        assert_eq!((accord.certainty, accord.source), (Certainty::Likely, VinSource::Offline));
        assert_eq!(offline("1HGCM82633A004353").certainty, Certainty::Doubtful);
        let unknown = offline("11111111111111111");
        assert_eq!((unknown.make, unknown.certainty), (None, Certainty::Unknown));
    }

    #[test]
    fn what_is_heard_is_repaired() {
        let vin = Vin::parse("ihg cm8 2633 a oo4 352").unwrap();
        assert_eq!(vin.as_str(), "1HGCM82633A004352");
        assert_eq!(format!("{vin:?}"), "Vin(1HG…)");
    }

    #[test]
    fn other_text_is_no_vin() {
        assert_eq!(Vin::parse("1HGCM"), Err(VinError::Length(5)));
        assert_eq!(Vin::parse(""), Err(VinError::Length(0)));
        assert_eq!(Vin::parse("1HGCM82633A00435é"), Err(VinError::Characters));
    }
}
