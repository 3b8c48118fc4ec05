//! Phone numbers in E.164, the form in which they are stored, compared and dialled.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// A valid phone number in E.164, such as `+15555550123`. `Debug` shows the last two digits only, so that a number does
/// not reach a log by accident.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PhoneNumber(String);

/// Digits of E.164, the country code among them.
const DIGITS: RangeInclusive<usize> = 7..=15;
/// The country code of the United States and their neighbours.
const NANP_CODE: u16 = 1;
/// Digits of a number there, the country code among them: seven alone are a local number, which nobody else can dial.
const NANP_DIGITS: usize = 11;

/// Text that is not a phone number.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "not a phone number: expected E.164, such as +15555550123, or the ten digits of a US number with its area code"
)]
pub struct PhoneError;

impl PhoneNumber {
    /// Reads a number in international form, or in the national form of the United States.
    ///
    /// # Errors
    /// When the text is no number, such as the `anonymous` that Twilio sends for a withheld caller id, or a US number without
    /// its area code.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let number = phonenumber::parse(Some(phonenumber::country::US), text.trim()).map_err(|_| PhoneError)?;
        let text = number.format().mode(phonenumber::Mode::E164).to_string();
        // Length only: numbers set aside for fiction and tests (555-01xx) are in no numbering plan and stay usable.
        let digits = text.len() - 1;
        let whole = number.code().value() != NANP_CODE || digits == NANP_DIGITS;
        if whole && DIGITS.contains(&digits) { Ok(Self(text)) } else { Err(PhoneError) }
    }

    /// Reads a number in the one form in which numbers are kept. Whether it can be dialled was asked when it was put there.
    ///
    /// # Errors
    /// When the text is not a plus sign with 7 to 15 digits.
    pub fn from_e164(text: &str) -> Result<Self, PhoneError> {
        let digits = text.strip_prefix('+').filter(|digits| digits.chars().all(|c| c.is_ascii_digit()));
        let fits = digits.is_some_and(|digits| DIGITS.contains(&digits.len()));
        if fits { Ok(Self(text.to_owned())) } else { Err(PhoneError) }
    }

    /// The number as it is dialled.
    #[must_use]
    pub fn as_e164(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber(…{})", &self.0[self.0.len() - 2..])
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_e164() {
        for (text, expected) in [
            ("+15555550123", "+15555550123"),
            ("(555) 555-0123", "+15555550123"),
            ("1 555 555 0123", "+15555550123"),
            ("+44 20 7946 0958", "+442079460958"),
        ] {
            assert_eq!(PhoneNumber::parse(text).map(|n| n.as_e164().to_owned()), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn withheld_numbers_are_no_numbers() {
        for text in ["anonymous", "unknown", "", "client:jane", "+1"] {
            assert_eq!(PhoneNumber::parse(text), Err(PhoneError), "{text}");
        }
    }

    #[test]
    fn an_american_number_has_ten_digits() {
        for text in ["555 0123", "555-0123", "+1 555 0123", "1 555 0123", "555 555 012", "+1 555 555 01234"] {
            assert_eq!(PhoneNumber::parse(text), Err(PhoneError), "{text}");
        }
    }

    #[test]
    fn what_is_kept_is_read_as_it_is() {
        for (text, fits) in [
            ("+15555550123", true),
            ("+442079460958", true),
            ("+15550123", true),
            ("15555550123", false),
            ("+1 555 555 0123", false),
            ("+123456", false),
            ("+1234567890123456", false),
            ("+", false),
            ("unknown", false),
        ] {
            assert_eq!(PhoneNumber::from_e164(text).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn debug_hides_the_number() {
        let number = PhoneNumber::parse("+15555550123").unwrap();
        assert_eq!(format!("{number:?}"), "PhoneNumber(…23)");
    }
}
