//! Amounts of money, exact. Apart, because they are the one number that must never pass through a binary fraction.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// An amount in the shop's currency, to the cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Money(i64);

/// Text that is no amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an amount of money: expected a decimal number with at most two places, such as 89.50")]
pub struct MoneyError;

impl Money {
    /// So many cents.
    #[must_use]
    pub const fn from_cents(cents: i64) -> Self {
        Self(cents)
    }

    /// How many cents.
    #[must_use]
    pub const fn cents(self) -> i64 {
        self.0
    }

    /// Reads a decimal number with at most two places.
    ///
    /// # Errors
    /// When it is something else, such as `1,50` or a third of a cent.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(places) || places.len() > 2 {
            return Err(MoneyError);
        }
        let number = |part: &str| part.parse::<i64>().map_err(|_| MoneyError);
        let cents = if places.len() == 1 { number(places)? * 10 } else { number(places)? };
        number(whole)?.checked_mul(100).and_then(|whole| whole.checked_add(cents)).map(Self).ok_or(MoneyError)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

/// As text: a JSON number is a binary fraction to most readers.
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_both_ways() {
        for (text, cents, shown) in
            [("89.50", 8_950, "89.50"), ("89.5", 8_950, "89.50"), ("0.07", 7, "0.07"), ("120", 12_000, "120.00")]
        {
            let money = Money::parse(text).unwrap();
            assert_eq!((money.cents(), money.to_string().as_str()), (cents, shown), "{text}");
        }
        assert_eq!(Money::from_cents(-5).to_string(), "-0.05");
    }

    #[test]
    fn other_text_is_no_amount() {
        for text in ["", ".", "1.", ".5", "1,50", "1.005", "-1", "+1", "1e3", "99999999999999999999"] {
            assert_eq!(Money::parse(text), Err(MoneyError), "{text}");
        }
    }
}
