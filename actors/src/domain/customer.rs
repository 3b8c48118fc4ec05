//! Customers and how a caller proves to be one.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::street::is_same_street;
use super::{CustomerId, PhoneNumber, Vehicle, Vin};

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
    /// Where the street is.
    pub city: Option<String>,
    /// As the post writes it.
    pub postal_code: Option<String>,
    /// The day of the first contact, in the shop's zone.
    pub since: Option<NaiveDate>,
    /// A person or a business.
    pub kind: CustomerKind,
    /// What they like, in words.
    pub preferences: Option<String>,
    /// Whether they may be called back before an appointment; none when they were never asked.
    pub reminder_consent: Option<bool>,
    /// What the shop noted.
    pub notes: Option<String>,
}

/// Whom a customer's car belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CustomerKind {
    /// A person.
    #[default]
    Private,
    /// A firm.
    Business,
}

impl CustomerKind {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Business => "business",
        }
    }

    /// Reads the word in the database.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Private, Self::Business].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Facts about a customer that are to be written; none leaves what is on file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerFacts {
    /// Full name, first name first.
    pub name: Option<String>,
    /// The number that caller id finds the customer by.
    pub phone: Option<PhoneNumber>,
    /// Where invitations go.
    pub email: Option<String>,
    /// One of the facts that prove identity.
    pub birth_date: Option<NaiveDate>,
    /// Street and house number.
    pub street: Option<String>,
    /// Where the street is.
    pub city: Option<String>,
    /// As the post writes it.
    pub postal_code: Option<String>,
    /// A person or a business.
    pub kind: Option<CustomerKind>,
    /// What they like, in words.
    pub preferences: Option<String>,
    /// Whether they may be called back before an appointment.
    pub reminder_consent: Option<bool>,
    /// What the shop noted.
    pub notes: Option<String>,
}

/// What is known of a caller who is not on file yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomer {
    /// Full name as the caller gave it.
    pub name: String,
    /// The caller id.
    pub phone: PhoneNumber,
    /// The day of the first contact, in the shop's zone.
    pub since: NaiveDate,
}

impl Customer {
    /// A customer of whom nothing else is known.
    #[must_use]
    pub fn new(id: CustomerId, name: impl Into<String>, phone: PhoneNumber) -> Self {
        Self {
            id,
            name: name.into(),
            phone,
            email: None,
            birth_date: None,
            street: None,
            city: None,
            postal_code: None,
            since: None,
            kind: CustomerKind::default(),
            preferences: None,
            reminder_consent: None,
            notes: None,
        }
    }

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

/// Whether what the caller said is what is on file. Case, spaces and punctuation do not count, nor how a street is abbreviated
/// or which letter of a VIN was taken for a digit.
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
        IdentityFact::Street => customer.street.as_deref().is_some_and(|on_file| is_same_street(on_file, said)),
        IdentityFact::Vin => Vin::parse(&said_plain).is_ok_and(|said| vehicles.iter().any(|v| has_vin(v, &said))),
        IdentityFact::Plate => vehicles.iter().any(|v| v.plate.as_deref().is_some_and(equals)),
    }
}

fn has_vin(vehicle: &Vehicle, vin: &Vin) -> bool {
    vehicle.vin.as_deref().is_some_and(|on_file| Vin::parse(on_file).as_ref() == Ok(vin))
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
        let phone = PhoneNumber::parse("+15555550101").unwrap();
        let customer = Customer {
            birth_date: NaiveDate::from_ymd_opt(1985, 4, 12),
            street: Some("12 Oak Street".into()),
            ..Customer::new(CustomerId(1), "Maria Lopez", phone)
        };
        let vehicle = Vehicle {
            vin: Some("1HGCM82633A004352".into()),
            plate: Some("AB 123".into()),
            ..Vehicle::new(VehicleId(1), CustomerId(1))
        };
        let vehicles = [vehicle];
        let matches = |fact, said| fact_matches(fact, said, &customer, &vehicles);
        assert!(matches(IdentityFact::DateOfBirth, "1985-04-12"));
        assert!(matches(IdentityFact::Street, "12 oak street."));
        assert!(matches(IdentityFact::Street, "12 Oak St"));
        assert!(matches(IdentityFact::Vin, "1hgcm82633a004352"));
        assert!(matches(IdentityFact::Vin, "IHG CM826 33A-OO4352"));
        assert!(matches(IdentityFact::Plate, "ab-123"));
        assert!(matches(IdentityFact::Plate, "A B 1 2 3"));
        assert!(!matches(IdentityFact::DateOfBirth, "1985-04-13"));
        assert!(!matches(IdentityFact::Street, "12"));
        assert!(!matches(IdentityFact::Street, "21 Oak St"));
        assert!(!matches(IdentityFact::Vin, "1HGCM82633A004353"));
        assert!(!matches(IdentityFact::Street, ""));
        assert!(!matches(IdentityFact::Plate, "AB"));
    }
}
