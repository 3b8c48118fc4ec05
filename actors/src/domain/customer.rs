//! Customers and how a caller proves to be one.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{CustomerId, PhoneNumber, Vehicle};

/// A customer on file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// The row.
    pub id: CustomerId,
    /// Full name, first name first.
    pub name: String,
    /// Unique: caller id finds the customer by it.
    pub phone: PhoneNumber,
    /// Where invitations go.
    pub email: Option<String>,
    /// One of the facts that prove identity.
    pub birth_date: Option<NaiveDate>,
    /// Street and house number; one of the facts that prove identity.
    pub street: Option<String>,
}

/// What is known of a caller who is not on file yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomer {
    /// Full name as the caller gave it.
    pub name: String,
    /// The caller id.
    pub phone: PhoneNumber,
}

impl Customer {
    /// What a greeting may use on the strength of caller id alone.
    #[must_use]
    pub fn first_name(&self) -> &str {
        self.name.split_whitespace().next().unwrap_or(&self.name)
    }
}

/// A fact that only the customer is likely to know; one that matches verifies the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentityFact {
    /// As YYYY-MM-DD.
    DateOfBirth,
    /// Street and house number.
    Street,
    /// Vehicle identification number of a vehicle on file.
    Vin,
    /// Licence plate of a vehicle on file.
    Plate,
}

/// Shortest answer that can match, in letters and digits: a house number alone proves nothing.
const FACT_MIN_CHARS: usize = 4;

/// Whether what the caller said is what is on file. Case, spaces and punctuation do not count.
#[must_use]
pub fn fact_matches(fact: IdentityFact, said: &str, customer: &Customer, vehicles: &[Vehicle]) -> bool {
    let said_plain = plain(said);
    if said_plain.len() < FACT_MIN_CHARS {
        return false;
    }
    let equals = |on_file: &str| plain(on_file) == said_plain;
    match fact {
        IdentityFact::DateOfBirth => {
            customer.birth_date.is_some_and(|date| said.trim().parse::<NaiveDate>() == Ok(date))
        }
        IdentityFact::Street => customer.street.as_deref().is_some_and(equals),
        IdentityFact::Vin => vehicles.iter().any(|v| v.vin.as_deref().is_some_and(equals)),
        IdentityFact::Plate => vehicles.iter().any(|v| v.plate.as_deref().is_some_and(equals)),
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::VehicleId;

    #[test]
    fn one_fact_matches_and_near_misses_do_not() {
        let customer = Customer {
            id: CustomerId(1),
            name: "Maria Lopez".into(),
            phone: PhoneNumber::parse("+15555550101").unwrap(),
            email: None,
            birth_date: NaiveDate::from_ymd_opt(1985, 4, 12),
            street: Some("12 Oak Street".into()),
        };
        let vehicle = Vehicle {
            id: VehicleId(1),
            customer: CustomerId(1),
            vin: Some("1HGCM82633A004352".into()),
            plate: Some("AB 123".into()),
            year: Some(2003),
            make: Some("Honda".into()),
            model: Some("Accord".into()),
        };
        let vehicles = [vehicle];
        let matches = |fact, said| fact_matches(fact, said, &customer, &vehicles);
        assert!(matches(IdentityFact::DateOfBirth, "1985-04-12"));
        assert!(matches(IdentityFact::Street, "12 oak street."));
        assert!(matches(IdentityFact::Vin, "1hgcm82633a004352"));
        assert!(matches(IdentityFact::Plate, "ab-123"));
        assert!(!matches(IdentityFact::DateOfBirth, "1985-04-13"));
        assert!(!matches(IdentityFact::Street, "12"));
        assert!(!matches(IdentityFact::Street, ""));
        assert!(!matches(IdentityFact::Plate, "AB"));
    }
}
