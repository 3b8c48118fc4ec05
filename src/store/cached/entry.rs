//! What stands in the cache about a phone number, and its translation to and from the bytes that the nodes share.

use bytes::Bytes;
use chrono::NaiveDate;
use otto_actors::domain::{Customer, CustomerId, CustomerKind, PhoneNumber};
use otto_proto::v1::customer_entry::Body;
use otto_proto::v1::{CustomerEntry, CustomerOnFile, JustChanged, NotOnFile};
use prost::Message as _;

/// What stands in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "one at a time, on its way between bytes and a customer")]
pub(super) enum Entry {
    /// Who has the number; none when nobody has.
    Known(Option<Customer>),
    /// A mark: the database alone knows.
    JustChanged,
}

impl Entry {
    pub(super) fn encode(self) -> Bytes {
        let body = match self {
            Self::Known(Some(customer)) => Body::OnFile(Box::new(on_file(customer))),
            Self::Known(None) => Body::NotOnFile(NotOnFile {}),
            Self::JustChanged => Body::JustChanged(JustChanged {}),
        };
        CustomerEntry { body: Some(body) }.encode_to_vec().into()
    }

    /// None for bytes that this version does not understand, which is a miss.
    pub(super) fn decode(bytes: &[u8], phone: &PhoneNumber) -> Option<Self> {
        Some(match CustomerEntry::decode(bytes).ok()?.body? {
            Body::OnFile(on_file) => Self::Known(Some(customer(*on_file, phone)?)),
            Body::NotOnFile(_) => Self::Known(None),
            Body::JustChanged(_) => Self::JustChanged,
        })
    }
}

fn on_file(customer: Customer) -> CustomerOnFile {
    CustomerOnFile {
        id: customer.id.0,
        name: customer.name,
        email: customer.email,
        birth_date: customer.birth_date.map(|date| date.to_string()),
        street: customer.street,
        city: customer.city,
        postal_code: customer.postal_code,
        since: customer.since.map(|date| date.to_string()),
        kind: customer.kind.as_str().to_owned(),
        preferences: customer.preferences,
        reminder_consent: customer.reminder_consent,
        notes: customer.notes,
    }
}

fn customer(on_file: CustomerOnFile, phone: &PhoneNumber) -> Option<Customer> {
    let date = |text: Option<String>| text.map(|text| text.parse::<NaiveDate>()).transpose().ok();
    Some(Customer {
        id: CustomerId(on_file.id),
        name: on_file.name,
        phone: phone.clone(),
        email: on_file.email,
        birth_date: date(on_file.birth_date)?,
        street: on_file.street,
        city: on_file.city,
        postal_code: on_file.postal_code,
        since: date(on_file.since)?,
        kind: CustomerKind::parse(&on_file.kind)?,
        preferences: on_file.preferences,
        reminder_consent: on_file.reminder_consent,
        notes: on_file.notes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_comes_back() {
        let phone = PhoneNumber::parse("+15555550101").unwrap();
        let bare = Customer::new(CustomerId(7), "Maria Lopez", phone.clone());
        let text = |text: &str| Some(text.to_owned());
        let full = Customer {
            email: text("maria@example.com"),
            birth_date: NaiveDate::from_ymd_opt(1985, 4, 12),
            street: text("12 Oak Street"),
            city: text("Springfield"),
            postal_code: text("62701"),
            since: NaiveDate::from_ymd_opt(2020, 2, 29),
            kind: CustomerKind::Business,
            preferences: text("Prefers mornings"),
            reminder_consent: Some(false),
            notes: text(""),
            ..bare.clone()
        };
        for entry in [Entry::Known(Some(bare)), Entry::Known(Some(full)), Entry::Known(None), Entry::JustChanged] {
            assert_eq!(Entry::decode(&entry.clone().encode(), &phone), Some(entry));
        }
    }

    #[test]
    fn what_is_not_understood_is_a_miss() {
        let phone = PhoneNumber::parse("+15555550101").unwrap();
        let of_another_kind = CustomerOnFile { kind: "club".into(), ..CustomerOnFile::default() };
        let unknown = CustomerEntry { body: Some(Body::OnFile(Box::new(of_another_kind))) }.encode_to_vec();
        for bytes in [&unknown[..], b"", b"\xff\xff", b"\xfa\x01\x00"] {
            assert_eq!(Entry::decode(bytes, &phone), None, "{bytes:?}");
        }
    }
}
