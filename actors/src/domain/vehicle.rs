//! Vehicles on file, and the rules of vehicle identification numbers (49 CFR 565).

use chrono::NaiveDate;

use super::{CustomerId, VehicleId};

/// A customer's vehicle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vehicle {
    /// The row.
    pub id: VehicleId,
    /// Its owner.
    pub customer: CustomerId,
    /// Vehicle identification number, 17 characters for vehicles since 1981.
    pub vin: Option<String>,
    /// Licence plate as written.
    pub plate: Option<String>,
    /// Model year.
    pub year: Option<i32>,
    /// Maker.
    pub make: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Trim level, such as EX.
    pub trim: Option<String>,
    /// What the odometer showed last, in the country's unit.
    pub mileage: Option<i64>,
    /// When it is due.
    pub next_service_on: Option<NaiveDate>,
}

impl Vehicle {
    /// A vehicle of which nothing else is known.
    #[must_use]
    pub fn new(id: VehicleId, customer: CustomerId) -> Self {
        Self {
            id,
            customer,
            vin: None,
            plate: None,
            year: None,
            make: None,
            model: None,
            trim: None,
            mileage: None,
            next_service_on: None,
        }
    }
}

/// A vehicle to be put on file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewVehicle {
    /// Vehicle identification number; a customer has it once.
    pub vin: Option<Vin>,
    /// Licence plate as written.
    pub plate: Option<String>,
    /// Model year.
    pub year: Option<i32>,
    /// Maker.
    pub make: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Trim level, such as EX.
    pub trim: Option<String>,
    /// What the odometer shows, in the country's unit.
    pub mileage: Option<i64>,
}

/// Characters of a VIN.
pub const VIN_CHARS: usize = 17;
/// Where the check digit is, from 0.
const CHECK_AT: usize = 8;
/// What a character counts at each place.
const WEIGHTS: [u32; VIN_CHARS] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

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
        self.0.chars().nth(CHECK_AT) == Some(self.check_digit())
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
