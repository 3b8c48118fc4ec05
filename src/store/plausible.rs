//! A workshop's customers by the thousand for trials: names put together from lists, numbers of the range that is set
//! aside for fiction (555-01xx) in every area code, vehicles with valid VINs, what was done on them. Pure: the same seed
//! makes the same people.

use chrono::{Days, NaiveDate};
use otto_actors::domain::{CustomerKind, Money, Vin};
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

/// Area codes are 201 to 999, without the one of the demonstration's people.
const AREA_CODES: std::ops::RangeInclusive<u32> = 201..=999;
const NO_AREA_CODE: u32 = 555;
/// Numbers from 555-0100 to 555-0199.
const NUMBERS_PER_AREA: u32 = 100;
/// As many people as there are such numbers.
pub const PEOPLE_MAX: u32 = 79_800;

const FIRST: [&str; 40] = [
    "Ada", "Ahmed", "Alice", "Amara", "Ben", "Carla", "Chen", "Clara", "Daniel", "Diego", "Elena", "Emma", "Farid",
    "Fiona", "George", "Grace", "Hana", "Henry", "Ines", "Ivan", "Jack", "Jana", "Karim", "Laura", "Leo", "Lucia",
    "Marcus", "Mei", "Nadia", "Noah", "Olga", "Omar", "Paul", "Priya", "Rosa", "Sam", "Sofia", "Tom", "Vera", "Yusuf",
];
const LAST: [&str; 40] = [
    "Adams", "Baker", "Bauer", "Brown", "Carter", "Castro", "Clark", "Cohen", "Costa", "Diaz", "Evans", "Fischer",
    "Garcia", "Green", "Hall", "Hassan", "Hughes", "Ivanov", "Jackson", "Jensen", "Khan", "Kim", "Kowalski", "Lee",
    "Lopez", "Martin", "Meyer", "Moore", "Nguyen", "Novak", "Okafor", "Patel", "Perez", "Reed", "Rossi", "Silva",
    "Smith", "Turner", "Walker", "Young",
];
const STREETS: [&str; 10] = [
    "Oak Street",
    "Maple Avenue",
    "Birch Lane",
    "Elm Court",
    "Cedar Drive",
    "Lake Road",
    "Hill Street",
    "Park Avenue",
    "Mill Lane",
    "River Road",
];
const PREFERENCES: [&str; 4] = ["Prefers mornings", "Waits in the shop", "Needs a ride home", "Invoices by e-mail"];
/// Maker's part of the VIN, maker, model, trim.
const MODELS: [(&str, &str, &str, &str); 10] = [
    ("1HGCM826", "Honda", "Accord", "EX"),
    ("2HGFC2F5", "Honda", "Civic", "LX"),
    ("4T1BF1FK", "Toyota", "Camry", "LE"),
    ("2T3RFREV", "Toyota", "RAV4", "XLE"),
    ("1FTFW1ET", "Ford", "F-150", "XLT"),
    ("1FADP3F2", "Ford", "Focus", "SE"),
    ("1G1ZD5ST", "Chevrolet", "Malibu", "LT"),
    ("JF1GPAA6", "Subaru", "Impreza", "Base"),
    ("5NPE24AF", "Hyundai", "Sonata", "SEL"),
    ("3VWC57BU", "Volkswagen", "Jetta", "S"),
];
/// Model year as the tenth character of a VIN (49 CFR 565), from [`FIRST_YEAR`] on.
const YEARS: &[u8] = b"ABCDEFGHJKLMNPRS";
const FIRST_YEAR: i32 = 2010;
/// Work, parts, least and most price in cents.
const WORKS: [(&str, Option<&str>, i64, i64); 5] = [
    ("Oil change", Some("Oil filter"), 4_990, 7_990),
    ("Tire rotation", None, 2_990, 4_990),
    ("Brake service", Some("Front pads and discs"), 24_900, 44_900),
    ("Battery replacement", Some("Battery"), 14_900, 24_900),
    ("State inspection", None, 3_990, 5_990),
];

/// A customer with vehicles and their history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) phone: String,
    pub(super) email: Option<String>,
    pub(super) birth_date: NaiveDate,
    pub(super) street: String,
    pub(super) postal_code: String,
    pub(super) since: NaiveDate,
    pub(super) kind: CustomerKind,
    pub(super) preferences: Option<&'static str>,
    pub(super) reminder_consent: Option<bool>,
    pub(super) cars: Vec<Car>,
}

/// A vehicle with its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Car {
    pub(super) vin: String,
    pub(super) plate: String,
    pub(super) year: i32,
    pub(super) make: &'static str,
    pub(super) model: &'static str,
    pub(super) trim: &'static str,
    pub(super) mileage: i64,
    pub(super) next_service_on: NaiveDate,
    pub(super) works: Vec<Work>,
}

/// Work that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) done_on: NaiveDate,
    pub(super) mileage: i64,
    pub(super) work: &'static str,
    pub(super) parts: Option<&'static str>,
    pub(super) cost: Money,
}

/// The n-th person, from 0. Numbers and VINs are different for each.
pub(super) fn person(n: u32, rng: &mut StdRng, today: NaiveDate) -> Person {
    let (first, last) = (one_of(&FIRST, rng), one_of(&LAST, rng));
    let business = rng.random_ratio(1, 12);
    let cars = match rng.random_range(0..10) {
        0 => 0,
        1..=6 => 1,
        7 | 8 => 2,
        _ => 3,
    };
    Person {
        name: if business { format!("{last} & {first} Services") } else { format!("{first} {last}") },
        phone: invented_phone(n),
        email: rng.random_ratio(3, 4).then(|| format!("{first}.{last}.{n}@example.com").to_lowercase()),
        birth_date: today - Days::new(rng.random_range(19 * 365..80 * 365)),
        street: format!("{} {}", rng.random_range(1..400), one_of(&STREETS, rng)),
        postal_code: format!("627{:02}", rng.random_range(1..13)),
        since: today - Days::new(rng.random_range(1..4_000)),
        kind: if business { CustomerKind::Business } else { CustomerKind::Private },
        preferences: rng.random_ratio(1, 4).then(|| one_of(&PREFERENCES, rng)),
        reminder_consent: [None, Some(true), Some(true), Some(false)].choose(rng).copied().flatten(),
        cars: (0..cars).map(|nth| car(n * 3 + nth, rng, today)).collect(),
    }
}

fn one_of<const N: usize>(list: &[&'static str; N], rng: &mut StdRng) -> &'static str {
    list[rng.random_range(0..N)]
}

/// The number of the n-th person, from 0.
#[must_use]
pub fn invented_phone(n: u32) -> String {
    let area =
        AREA_CODES.filter(|code| *code != NO_AREA_CODE).nth((n / NUMBERS_PER_AREA) as usize).unwrap_or(NO_AREA_CODE);
    format!("+1{area}55501{:02}", n % NUMBERS_PER_AREA)
}

fn car(serial: u32, rng: &mut StdRng, today: NaiveDate) -> Car {
    let (maker, make, model, trim) = MODELS[rng.random_range(0..MODELS.len())];
    let age = rng.random_range(0..YEARS.len());
    let text = format!("{maker}0{}A{serial:06}", char::from(YEARS[age]));
    let vin = Vin::parse(&text).map(|vin| vin.with_check_digit().as_str().to_owned()).unwrap_or(text);
    let mileage = rng.random_range(4_000..180_000);
    let plate_letters: String = (0..3).map(|_| char::from(rng.random_range(b'A'..=b'Z'))).collect();
    Car {
        vin,
        plate: format!("{plate_letters} {:04}", rng.random_range(0..10_000)),
        year: FIRST_YEAR + i32::try_from(age).unwrap_or_default(),
        make,
        model,
        trim,
        mileage,
        next_service_on: today + Days::new(rng.random_range(1..300)),
        works: works(mileage, rng, today),
    }
}

fn works(mut mileage: i64, rng: &mut StdRng, today: NaiveDate) -> Vec<Work> {
    let mut done_on = today;
    let mut works = Vec::new();
    for _ in 0..rng.random_range(0..5) {
        done_on = done_on - Days::new(rng.random_range(60..300));
        mileage -= rng.random_range(200..2_000_i64).min(mileage);
        let (work, parts, least, most) = WORKS[rng.random_range(0..WORKS.len())];
        works.push(Work { done_on, mileage, work, parts, cost: Money::from_cents(rng.random_range(least..=most)) });
    }
    works
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use otto_actors::domain::PhoneNumber;
    use rand::SeedableRng as _;

    use super::*;

    fn people(seed: u64) -> Vec<Person> {
        let mut rng = StdRng::seed_from_u64(seed);
        (0..3_000).map(|n| person(n, &mut rng, "2026-11-22".parse().unwrap())).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_people_and_all_are_different() {
        let all = people(1);
        assert_eq!(all, people(1));
        assert_ne!(all, people(2));
        let phones: HashSet<_> = all.iter().map(|p| &p.phone).collect();
        assert_eq!(phones.len(), all.len());
        let vins: Vec<_> = all.iter().flat_map(|p| &p.cars).map(|c| &c.vin).collect();
        assert_eq!(vins.iter().collect::<HashSet<_>>().len(), vins.len());
        for vin in vins {
            assert!(Vin::parse(vin).unwrap().check_digit_is_right(), "{vin}");
        }
    }

    #[test]
    fn numbers_are_fictional_and_valid_to_the_last() {
        assert_eq!((invented_phone(0), invented_phone(35_399)), ("+12015550100".into(), "+15545550199".into()));
        assert_eq!(
            (invented_phone(35_400), invented_phone(PEOPLE_MAX - 1)),
            ("+15565550100".into(), "+19995550199".into())
        );
        for n in (0..PEOPLE_MAX).step_by(997) {
            assert_eq!(PhoneNumber::parse(&invented_phone(n)).unwrap().as_e164(), invented_phone(n));
        }
    }
}
