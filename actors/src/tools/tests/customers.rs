//! Putting callers on file, finding them, and what is then known of them.

use serde_json::json;

use super::*;
use crate::domain::vin::{Certainty, DecodedVin};
use crate::domain::{Customer, Vin};
use crate::ports::VinDecoder;

#[tokio::test(start_paused = true)]
async fn a_new_caller_goes_from_nothing_to_a_booked_appointment() {
    for first in [None, Some(json!({ "name": "Ann Lee", "email": "ann@example.com" }))] {
        let mut bench = Bench::for_caller(unknown()).await;
        assert_eq!(bench.result("lookup_customer", "{}").await["data"]["known"], false);
        if let Some(arguments) = &first {
            assert_eq!(bench.error("create_customer", &arguments.to_string()).await, "ok");
        }
        let name = if first.is_none() { json!("Ann Lee") } else { json!(null) };
        let booked = bench.result("book_appointment", &book("customer_name", name)).await;
        assert_eq!((&booked["success"], &booked["data"]["first_name"]), (&json!(true), &json!("Ann")));
        assert_eq!(bench.result("lookup_customer", "{}").await["data"]["first_name"], "Ann");
        bench.world.store.change(|r| assert_eq!((r.customers.len(), r.appointments.len()), (2, 1)));
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_put_themselves_on_file_in_this_call_needs_no_further_fact() {
    let mut bench = Bench::for_caller(unknown()).await;
    let ann = json!({ "name": "Ann Lee", "birth_date": "1990-02-03", "street": "1 Elm Street" }).to_string();
    assert_eq!(bench.error("create_customer", &ann).await, "ok");
    assert_eq!(bench.error("create_customer", &ann).await, "on_file");
    assert_eq!(bench.error("add_vehicle", &json!({ "vin": "1M8GDM9AXKP042788" }).to_string()).await, "ok");
    assert_eq!(bench.error("update_customer", &json!({ "city": "Springfield" }).to_string()).await, "ok");
    let seen = bench.result("lookup_customer", "{}").await;
    assert_eq!(seen["data"]["contact"]["city"], "Springfield");
    assert_eq!(seen["data"]["vehicles"][0]["vin"], "1M8GDM9AXKP042788");
    assert!(!seen.to_string().contains("1990"), "what proves who they are is not told: {seen}");
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_finds_somebody_verifies_nobody() {
    // The look-up at the beginning of the call had failed: the caller seems to be new and is not.
    let mut bench = Bench::for_caller(Identity::of(PhoneNumber::parse(KNOWN_PHONE).ok())).await;
    assert_eq!(bench.error("create_customer", &json!({ "name": "Eve Hall" }).to_string()).await, "on_file");
    let booked = bench.result("book_appointment", &book("customer_name", "Eve Hall".into())).await;
    assert_eq!(booked["data"]["first_name"], "Maria");
    assert!(!bench.identity.verified);
    assert_eq!(bench.error("get_upcoming_appointments", "{}").await, "not_verified");
}

#[tokio::test(start_paused = true)]
async fn what_is_changed_is_what_the_call_knows() {
    let mut bench = Bench::known().await.verified().await;
    let new = json!({ "name": "Maria Lopez-Reed", "phone": "(555) 555-0177", "street": "9 Elm Street" }).to_string();
    let changed = bench.result("update_customer", &new).await;
    assert_eq!(changed["data"]["contact"]["phone"], "+15555550177");
    let known = bench.identity.customer.clone().unwrap();
    assert_eq!((known.name.as_str(), known.street.as_deref()), ("Maria Lopez-Reed", Some("9 Elm Street")));
    assert!(bench.identity.verified);
    bench.world.store.change(|r| {
        assert_eq!(r.customers[0], known);
        assert_eq!(known.birth_date, super::maria().birth_date, "what was not given stays");
    });
}

#[tokio::test(start_paused = true)]
async fn a_new_customer_is_one_since_the_day_on_the_shops_calendar() {
    let mut book: Value = serde_json::from_str(BOOK).unwrap();
    book["customer_name"] = "Ann Lee".into();
    for (tool, arguments) in [("book_appointment", book), ("create_customer", json!({ "name": "Ann Lee" }))] {
        let mut bench = Bench::for_caller(unknown()).await;
        // Half past six on Monday evening.
        bench.router.clock = Arc::new(FakeClock::at("2026-11-24T00:30:00Z"));
        assert_eq!(bench.error(tool, &arguments.to_string()).await, "ok");
        let since = bench.world.store.records.lock().unwrap().customers.last().unwrap().since;
        assert_eq!(since, "2026-11-23".parse().ok(), "{tool}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_vin_is_decoded_without_asking_anybody() {
    let mut bench = Bench::for_caller(Identity::default()).await;
    let decoded = bench.result("decode_vin", r#"{"vin":"ihg cm8 2633 a oo4 352"}"#).await;
    assert_eq!((&decoded["data"]["make"], &decoded["data"]["year"]), (&json!("Honda"), &json!(2003)));
    let doubtful = bench.result("decode_vin", r#"{"vin":"1HGCN82633A004352"}"#).await;
    assert!(doubtful["data"]["suggestions"].to_string().contains("1HGCM82633A004352"), "{doubtful}");
    assert!(doubtful["message"].as_str().unwrap().contains("misheard"), "{doubtful}");
}

/// A register that knows one vehicle, and never answers about another.
struct Register;

#[async_trait::async_trait]
impl VinDecoder for Register {
    async fn decode(&self, vin: &Vin) -> DecodedVin {
        if vin.as_str() != "1M8GDM9AXKP042788" {
            std::future::pending::<()>().await;
        }
        DecodedVin { model: Some("MC-9".into()), certainty: Certainty::Sure, ..DecodedVin::default() }
    }
}

#[tokio::test(start_paused = true)]
async fn a_register_is_asked_and_not_waited_for_without_end() {
    let mut bench = Bench::known().await;
    bench.router.vins = Some(Arc::new(Register));
    let known = bench.result("decode_vin", r#"{"vin":"1M8GDM9AXKP042788"}"#).await;
    assert_eq!(known["data"]["model"], "MC-9");
    let other = bench.result("decode_vin", r#"{"vin":"1HGCM82633A004352"}"#).await;
    assert_eq!(other["data"]["make"], "Honda", "what the number itself says");
}

/// A register that falls over whatever it is asked.
struct Broken;

#[async_trait::async_trait]
impl VinDecoder for Broken {
    async fn decode(&self, _: &Vin) -> DecodedVin {
        panic!("on purpose")
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_panics_has_a_result_and_the_next_one_too() {
    let mut bench = Bench::known().await;
    bench.router.vins = Some(Arc::new(Broken));
    assert_eq!(bench.error("decode_vin", r#"{"vin":"1M8GDM9AXKP042788"}"#).await, "unknown_outcome");
    assert_eq!(bench.error("book_appointment", BOOK).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn the_history_of_the_callers_vehicles_is_told_to_whoever_is_verified() {
    let store = FakeStore::default();
    store.change(|r| {
        r.history.push(crate::domain::ServiceRecord {
            vehicle: accord().id,
            done_on: "2026-03-02".parse().unwrap(),
            mileage: Some(88_000),
            work: "Brake pads".into(),
            parts: None,
            cost: Some(crate::domain::Money::from_cents(18_950)),
            next_due_on: None,
        });
    });
    let mut bench = Bench::with(known(), store).await;
    assert_eq!(bench.error("get_service_history", "{}").await, "not_verified");
    let mut bench = bench.verified().await;
    let told = bench.result("get_service_history", "{}").await;
    let visit = &told["data"]["visits"][0];
    assert_eq!((&visit["vehicle"], &visit["cost"]), (&json!("2003 Honda Accord"), &json!("189.50")));
}

fn search(name: &str, digits: &str) -> String {
    json!({ "name": name, "phone_last_four": digits }).to_string()
}

#[tokio::test(start_paused = true)]
async fn a_customer_with_another_phone_finds_their_record_and_proves_to_be_it() {
    for phone in [Some("+15555550102"), None] {
        let mut bench = Bench::for_caller(Identity::of(phone.and_then(|p| PhoneNumber::parse(p).ok()))).await;
        let found = bench.result("search_customers_by_name", &search("maria lopez", "0101")).await;
        let only = json!([{ "first_name": "maria", "last_initial": "l", "phone_last_four": "0101" }]);
        assert_eq!(found["data"]["matches"], only);
        assert_eq!(bench.error("get_upcoming_appointments", "{}").await, "not_verified");
        let fact = |fact: &str, value: &str| json!({ "fact": fact, "value": value }).to_string();
        for weak in [fact("street", "12 Oak Street"), fact("plate", "AB 123")] {
            assert_eq!(bench.error("verify_identity", &weak).await, "weak_fact");
        }
        assert_eq!(bench.error("verify_identity", &fact("date_of_birth", "1985-04-12")).await, "ok");
        assert_eq!(bench.error("book_appointment", BOOK).await, "ok");
        let seen = bench.result("get_upcoming_appointments", "{}").await;
        assert_eq!(seen["data"]["appointments"].as_array().unwrap().len(), 1);
        bench.world.store.change(|r| assert_eq!(r.appointments[0].customer, maria().id));
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_finds_the_whole_name_with_the_right_digits_and_nobody_else() {
    let store = FakeStore::default();
    let namesake =
        Customer::new(crate::domain::CustomerId(2), "Maria Lopez", PhoneNumber::parse("+15555560101").unwrap());
    store.change(|r| r.customers.push(namesake));
    let mut bench = Bench::with(unknown(), store).await;
    for (name, digits, found) in
        [("Maria Lopez", "0101", 2), ("Maria Lop", "0101", 0), ("Maria Lopez", "0102", 0), ("M L", "0101", 0)]
    {
        bench.identity = unknown();
        let result = bench.result("search_customers_by_name", &search(name, digits)).await;
        assert_eq!(result["data"]["matches"].as_array().unwrap().len(), found, "{name} {digits}");
        assert_eq!(bench.error("verify_identity", r#"{"fact":"vin","value":"x"}"#).await, "not_on_file", "{name}");
    }
}
