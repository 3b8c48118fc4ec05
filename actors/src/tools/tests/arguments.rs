//! Whatever the model writes as arguments, it gets a result that helps it on.

use proptest::prelude::*;
use serde_json::json;

use super::*;

async fn check(bench: &mut Bench, tool: &str, arguments: &str, expected: &str) {
    let error = bench.error(tool, arguments).await;
    assert_eq!(error, expected, "{tool} {arguments:.200}");
}

/// Somebody who may use that tool.
fn allowed(tool: Tool) -> Identity {
    if matches!(tool, Tool::CreateCustomer | Tool::SearchCustomersByName) {
        return unknown();
    }
    let mut identity = known();
    identity.verified = true;
    let reminds = Errand { appointment: crate::domain::AppointmentId(1), party: Party::Unknown };
    identity.errand = (tool == Tool::AnswerReminder).then_some(reminds);
    identity
}

#[tokio::test(start_paused = true)]
async fn bad_arguments_of_every_tool_are_results() {
    let mut bench = Bench::known().await;
    let huge = format!("{{\"reason\":\"{}\"}}", "x".repeat(100_000));
    for tool in Tool::ALL.into_iter().filter(|tool| !matches!(tool, Tool::EndCall | Tool::TransferToHuman)) {
        for bad in ["{", "null", "[1]", "7", "\"x\"", "{\"nonsense\":1}", "\u{0}", "{}{}", huge.as_str()] {
            bench.identity = allowed(tool);
            check(&mut bench, tool.name(), bad, "bad_arguments").await;
        }
    }
    let long_key = format!("{{\"{}\":1}}", "k".repeat(10_000));
    assert!(bench.run("lookup_customer", &long_key).await.content.len() < 500, "what was written is not sent back");
    bench.unchanged();
}

/// Every rule of every tool, and the error that says which.
#[tokio::test(start_paused = true)]
async fn each_rule_of_each_tool_has_its_own_error() {
    let long = |n: usize| "x".repeat(n);
    let slots = |field: &str, value: Value| {
        let mut arguments = json!({ "date": "2026-11-24", "duration_minutes": null, "service_type": "Oil change" });
        arguments[field] = value;
        arguments
    };
    let verify = |value: &str| json!({ "fact": "vin", "value": value });
    let mv = |date: &str, time: &str| json!({ "appointment_id": 1, "new_date": date, "new_time": time });
    let message = |text: String| json!({ "message": text });
    let table: Vec<(&str, Value, &str)> = vec![
        ("get_available_slots", slots("date", json!("next week")), "bad_date"),
        ("get_available_slots", slots("date", json!(20_261_124)), "bad_arguments"),
        ("get_available_slots", slots("service_type", json!("Wash")), "unknown_service"),
        ("get_available_slots", slots("service_type", json!(null)), "service_needed"),
        ("get_available_slots", slots("service_type", json!(" ")), "service_needed"),
        ("get_available_slots", slots("duration_minutes", json!(0)), "bad_duration_minutes"),
        ("get_available_slots", slots("duration_minutes", json!(-30)), "bad_duration_minutes"),
        ("get_available_slots", slots("duration_minutes", json!(10_000)), "bad_duration_minutes"),
        ("get_available_slots", slots("duration_minutes", json!("an hour")), "bad_arguments"),
        ("get_available_slots", slots("duration_minutes", json!(1e30)), "bad_arguments"),
        ("book_appointment", serde_json::from_str(&book("vehicle_id", json!(99))).unwrap(), "not_found"),
        ("book_appointment", serde_json::from_str(&book("vehicle_id", json!("1"))).unwrap(), "bad_arguments"),
        ("cancel_appointment", json!({ "appointment_id": 77, "reason": null }), "not_found"),
        ("cancel_appointment", json!({ "appointment_id": -1, "reason": null }), "not_found"),
        ("cancel_appointment", json!({ "appointment_id": "1; DROP TABLE", "reason": null }), "bad_arguments"),
        ("cancel_appointment", json!({ "appointment_id": 1, "reason": long(501) }), "too_long"),
        ("cancel_appointment", json!({ "appointment_id": 1, "reason": "a\u{1b}[31m" }), "bad_text"),
        ("reschedule_appointment", mv("soon", "10:00"), "bad_date"),
        ("reschedule_appointment", mv("2026-11-24", "ten"), "bad_time"),
        ("reschedule_appointment", mv("2026-11-24", "11:00"), "not_found"),
        ("confirm_appointment", json!({ "appointment_id": 1 }), "not_found"),
        ("verify_identity", json!({ "fact": "shoe_size", "value": "44" }), "bad_arguments"),
        ("verify_identity", verify(&long(4_000)), "no_match"),
        ("create_customer", json!({ "name": "  " }), "name_needed"),
        ("create_customer", json!({ "name": "<system>" }), "bad_name"),
        ("create_customer", json!({ "name": "12345" }), "bad_name"),
        ("create_customer", json!({ "name": long(101) }), "too_long"),
        ("create_customer", json!({ "name": "Ann\u{202e}Lee" }), "bad_text"),
        ("create_customer", json!({ "name": "Ann Lee", "email": "ann at home" }), "bad_email"),
        ("create_customer", json!({ "name": "Ann Lee", "birth_date": "12 April" }), "bad_date"),
        ("create_customer", json!({ "name": "Ann Lee", "birth_date": "2030-01-01" }), "bad_date"),
        ("create_customer", json!({ "name": "Ann Lee", "street": long(121) }), "too_long"),
        ("create_customer", json!({ "name": "Ann Lee", "phone": "+15555550101" }), "bad_arguments"),
        ("update_customer", json!({}), "nothing_to_change"),
        ("update_customer", json!({ "phone": "call me" }), "bad_phone"),
        ("update_customer", json!({ "phone": "555 0123" }), "bad_phone"),
        ("update_customer", json!({ "notes": "x" }), "bad_arguments"),
        ("update_customer", json!({ "birth_date": "1890-01-01" }), "bad_date"),
        ("decode_vin", json!({ "vin": "1HGCM" }), "bad_vin"),
        ("decode_vin", json!({ "vin": "" }), "bad_vin"),
        ("decode_vin", json!({ "vin": long(10_000) }), "bad_vin"),
        ("decode_vin", json!({ "vin": "1HGCM82633A00435é" }), "bad_vin"),
        ("add_vehicle", json!({}), "vehicle_needed"),
        ("add_vehicle", json!({ "vin": "1HGCM82633A004353" }), "bad_vin"),
        ("add_vehicle", json!({ "vin": "1HGCM82633A004352" }), "on_file"),
        ("add_vehicle", json!({ "make": "Honda", "year": 1850 }), "bad_year"),
        ("add_vehicle", json!({ "make": "Honda", "year": 99_999 }), "bad_year"),
        ("add_vehicle", json!({ "make": "Honda", "mileage": -1 }), "bad_mileage"),
        ("add_vehicle", json!({ "make": long(41) }), "too_long"),
        ("search_customers_by_name", json!({ "name": "Maria", "phone_last_four": "0101" }), "name_needed"),
        ("search_customers_by_name", json!({ "name": "%", "phone_last_four": "0101" }), "bad_name"),
        ("search_customers_by_name", json!({ "name": "Maria Lopez", "phone_last_four": null }), "digits_needed"),
        ("search_customers_by_name", json!({ "name": "Maria Lopez", "phone_last_four": "1" }), "digits_needed"),
        ("take_message", message(String::new()), "message_needed"),
        ("take_message", message(long(2_001)), "too_long"),
        ("take_message", message("a\u{0}b".into()), "bad_text"),
        ("take_message", json!({ "message": "Hi", "call_back_number": "later" }), "bad_phone"),
        ("take_message", json!({ "message": "Hi", "call_back_number": "+1 555-0123" }), "bad_phone"),
        ("take_message", json!({ "message": "Hi", "caller_name": "{{x}}" }), "bad_name"),
    ];
    let mut bench = Bench::known().await;
    for (name, arguments, expected) in table {
        bench.identity = allowed(Tool::named(name).unwrap());
        check(&mut bench, name, &arguments.to_string(), expected).await;
        bench.unchanged();
    }
}

#[tokio::test(start_paused = true)]
async fn tools_without_arguments_take_nothing_for_an_empty_object() {
    let mut bench = Bench::known().await;
    check(&mut bench, "lookup_customer", "", "ok").await;
    check(&mut bench, "lookup_customer", "  ", "ok").await;
    check(&mut bench, "get_available_slots", "", "bad_arguments").await;
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_is_not_said_again_for_a_reason_that_cannot_be_read() {
    let mut bench = Bench::known().await;
    for arguments in ["", "{", r#"{"reason":"do"#, "{}"] {
        check(&mut bench, "end_call", arguments, "ok").await;
        check(&mut bench, "transfer_to_human", arguments, "ok").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_does_not_exist_is_a_result() {
    let mut bench = Bench::known().await;
    for name in ["", "drop_tables", "Book_Appointment", "book_appointment "] {
        check(&mut bench, name, "{}", "unknown_tool").await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_rule_of_a_booking_has_its_own_error() {
    let mut bench = Bench::known().await;
    for (field, value, expected) in [
        ("service_type", json!("Wash"), "unknown_service"),
        ("service_type", json!(null), "bad_arguments"),
        ("date", json!("tomorrow"), "bad_date"),
        ("date", json!("2026-02-30"), "bad_date"),
        ("date", json!("2026-11-22"), "not_bookable"),
        ("date", json!("2026-11-29"), "not_bookable"),
        ("date", json!("2028-11-28"), "not_bookable"),
        ("time", json!("ten"), "bad_time"),
        ("time", json!("25:00"), "bad_time"),
        ("time", json!("08:30"), "not_bookable"),
        ("time", json!("12:00"), "not_bookable"),
        ("time", json!("10:05"), "not_bookable"),
        ("time", json!("17:00"), "not_bookable"),
        ("concerns", json!("x".repeat(1_001)), "too_long"),
        ("concerns", json!("a\u{7}b"), "bad_text"),
        ("extra", json!(1), "bad_arguments"),
        ("concerns", json!("It squeaks."), "ok"),
    ] {
        check(&mut bench, "book_appointment", &book(field, value), expected).await;
    }
    assert_eq!(bench.world.store.appointments().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn extreme_dates_are_results_and_no_panics() {
    for (date, refusals) in [
        ("262142-12-31", ["bad_date"; 3]),
        ("+262142-12-31", ["bad_date"; 3]),
        ("9999-12-31", ["bad_date"; 3]),
        ("-0001-01-01", ["bad_date"; 3]),
        ("0000-01-01", ["bad_date"; 3]),
        ("2199-12-31", ["nothing_free", "not_bookable", "too_far"]),
        ("1970-01-01", ["nothing_free", "not_bookable", "in_the_past"]),
    ] {
        let mut bench = Bench::known().await;
        let slots = json!({ "service_type": "Oil change", "date": date }).to_string();
        let later = json!({ "date": date, "time": "19:00", "by": "otto", "about": "the bill" }).to_string();
        let found = [
            bench.error("get_available_slots", &slots).await,
            bench.error("book_appointment", &book("date", date.into())).await,
            bench.error("request_call_back", &later).await,
        ];
        assert_eq!(found, refusals, "{date}");
        check(&mut bench, "book_appointment", BOOK, "ok").await;
    }
}

#[tokio::test(start_paused = true)]
async fn days_without_free_times_say_why() {
    let mut bench = Bench::known().await;
    for (date, why) in [("2026-11-29", "closed"), ("2026-11-20", "in the past"), ("2028-11-28", "too far ahead")] {
        let ask = json!({ "service_type": "Oil change", "date": date }).to_string();
        let result = bench.result("get_available_slots", &ask).await;
        assert_eq!(result["error"], "nothing_free");
        assert!(result["message"].as_str().unwrap().contains(why), "{date}: {result}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_is_not_on_file_is_asked_for_a_name() {
    let mut bench = Bench::for_caller(unknown()).await;
    check(&mut bench, "book_appointment", BOOK, "name_needed").await;
    check(&mut bench, "book_appointment", &book("customer_name", "  ".into()), "name_needed").await;
    check(&mut bench, "book_appointment", &book("customer_name", "x".repeat(101).into()), "too_long").await;
    check(&mut bench, "book_appointment", &book("customer_name", "Ann Lee".into()), "ok").await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_arguments_of_any_tool_are_one_result(tool in 0..Tool::ALL.len(), arguments in ".{0,80}", date in ".{0,12}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::known().await;
            bench.result(Tool::ALL[tool].name(), &arguments).await;
            bench.result("book_appointment", &book("date", date.as_str().into())).await;
            bench.result("get_available_slots", &json!({ "service_type": "Oil change", "date": date }).to_string()).await;
        });
    }
}
