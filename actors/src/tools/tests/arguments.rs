//! Whatever the model writes as arguments, it gets a result that helps it on.

use proptest::prelude::*;
use serde_json::json;

use super::*;

async fn check(bench: &mut Bench, tool: &str, arguments: &str, expected: &str) {
    let error = bench.error(tool, arguments).await;
    assert_eq!(error, expected, "{tool} {arguments:.200}");
}

#[tokio::test(start_paused = true)]
async fn bad_arguments_of_every_tool_are_results() {
    let mut bench = Bench::known().await;
    bench.identity.verified = true;
    let huge = format!("{{\"reason\":\"{}\"}}", "x".repeat(20_000));
    for tool in Tool::ALL.into_iter().filter(|tool| !matches!(tool, Tool::EndCall | Tool::TransferToHuman)) {
        for bad in ["{", "null", "[1]", "7", "\"x\"", "{\"nonsense\":1}", "\u{0}", "{}{}", huge.as_str()] {
            check(&mut bench, tool.name(), bad, "bad_arguments").await;
        }
    }
    assert!(bench.world.store.appointments().is_empty());
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
        ("service", json!("Wash"), "unknown_service"),
        ("service", json!(null), "bad_arguments"),
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
    let mut bench = Bench::known().await;
    for date in ["262142-12-31", "+262142-12-31", "9999-12-31", "-0001-01-01", "0000-01-01", "1970-01-01"] {
        let slots = json!({ "service": "Oil change", "date": date }).to_string();
        assert_ne!(bench.error("get_available_slots", &slots).await, "ok", "{date}");
        assert_ne!(bench.error("book_appointment", &book("date", date.into())).await, "ok", "{date}");
    }
    check(&mut bench, "book_appointment", BOOK, "ok").await;
}

#[tokio::test(start_paused = true)]
async fn days_without_free_times_say_why() {
    let mut bench = Bench::known().await;
    for (date, why) in [("2026-11-29", "closed"), ("2026-11-20", "in the past"), ("2028-11-28", "too far ahead")] {
        let ask = json!({ "service": "Oil change", "date": date }).to_string();
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
            bench.result("get_available_slots", &json!({ "service": "Oil change", "date": date }).to_string()).await;
        });
    }
}
