//! Appointments that there are: moved, cancelled, confirmed, and what nobody may do to them.

use chrono::Duration;
use serde_json::json;

use super::*;
use crate::domain::{Appointment, AppointmentId, AppointmentStatus, BayId, CustomerId};

const OWN: i64 = 1;

/// Maria, verified, with an oil change on Tuesday at 10.
async fn booked() -> Bench {
    let mut bench = Bench::known().await.verified().await;
    assert_eq!(bench.error("book_appointment", BOOK).await, "ok");
    // As if it had been booked long ago, in another call.
    let mut identity = known();
    identity.verified = true;
    bench.identity = identity;
    bench
}

fn to(date: &str, time: &str) -> String {
    json!({ "appointment_id": OWN, "new_date": date, "new_time": time }).to_string()
}

fn about(id: i64) -> String {
    json!({ "appointment_id": id }).to_string()
}

#[tokio::test(start_paused = true)]
async fn an_appointment_is_moved_confirmed_and_cancelled() {
    let mut bench = booked().await;
    let moved = bench.result("reschedule_appointment", &to("2026-11-25", "14:30")).await;
    assert_eq!(moved["message"], "Moved: Oil change on Wednesday, November 25 at 2:30 PM.");
    assert_eq!((&moved["data"]["date"], &moved["data"]["time"]), (&json!("2026-11-25"), &json!("14:30")));
    let confirmed = bench.result("confirm_appointment", &about(OWN)).await;
    assert_eq!(confirmed["data"]["status"], "confirmed");
    let cancelled = bench.result("cancel_appointment", &about(OWN)).await;
    assert_eq!(cancelled["data"]["status"], "cancelled");
    for (tool, arguments) in [
        ("cancel_appointment", about(OWN)),
        ("confirm_appointment", about(OWN)),
        ("reschedule_appointment", to("2026-11-26", "09:00")),
    ] {
        assert_eq!(bench.error(tool, &arguments).await, "not_open", "{tool}");
    }
    let left = bench.result("get_upcoming_appointments", "{}").await;
    assert_eq!(left["data"]["appointments"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_move_follows_the_rules_of_a_booking() {
    let mut bench = booked().await;
    let other = book("time", "11:00".into());
    bench.run("book_appointment", &other).await;
    let before = bench.world.store.appointments();
    for (date, time, expected) in [
        ("2026-11-24", "11:00", "just_taken"),
        ("2026-11-24", "12:00", "not_bookable"),
        ("2026-11-24", "10:10", "not_bookable"),
        ("2026-11-24", "08:00", "not_bookable"),
        ("2026-11-29", "10:00", "not_bookable"),
        ("2026-11-20", "10:00", "not_bookable"),
    ] {
        assert_eq!(bench.error("reschedule_appointment", &to(date, time)).await, expected, "{date} {time}");
    }
    assert_eq!(bench.world.store.appointments(), before);
    let taken = bench.result("reschedule_appointment", &to("2026-11-24", "11:00")).await;
    assert!(taken["message"].as_str().unwrap().contains("2026-11-24 09:00"), "{taken}");
}

#[tokio::test(start_paused = true)]
async fn what_is_over_stays_as_it_is() {
    let mut bench = booked().await;
    bench.world.store.change(|r| r.appointments[0].starts_at -= Duration::days(30));
    for tool in ["cancel_appointment", "confirm_appointment"] {
        assert_eq!(bench.error(tool, &about(OWN)).await, "in_the_past", "{tool}");
    }
    assert_eq!(bench.error("reschedule_appointment", &to("2026-11-25", "10:00")).await, "in_the_past");
    assert_eq!(bench.world.store.appointments()[0].status, AppointmentStatus::Scheduled);
}

#[tokio::test(start_paused = true)]
async fn what_was_booked_in_this_call_may_be_changed_without_a_fact() {
    let mut bench = Bench::for_caller(unknown()).await;
    assert_eq!(bench.error("cancel_appointment", &about(OWN)).await, "not_on_file");
    bench.run("book_appointment", &book("customer_name", "Ann Lee".into())).await;
    assert_eq!(bench.error("get_upcoming_appointments", "{}").await, "not_verified");
    assert_eq!(bench.error("cancel_appointment", &about(OWN + 1)).await, "not_verified");
    assert_eq!(bench.error("reschedule_appointment", &to("2026-11-25", "10:00")).await, "ok");
    assert_eq!(bench.error("cancel_appointment", &about(OWN)).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn a_reminder_call_may_confirm_what_it_reminds_of_and_no_more() {
    let mut bench = booked().await;
    bench.identity = known();
    bench.identity.errand = Some(Errand { appointment: AppointmentId(OWN), party: Party::Customer });
    assert_eq!(bench.error("confirm_appointment", &about(OWN + 1)).await, "not_verified");
    assert_eq!(bench.error("cancel_appointment", &about(OWN)).await, "not_verified");
    assert_eq!(bench.error("confirm_appointment", &about(OWN)).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn a_change_is_told_again_to_a_turn_that_is_started_again_and_not_made_by_one_that_is_over() {
    let changes = [
        ("cancel_appointment", about(OWN)),
        ("confirm_appointment", about(OWN)),
        ("reschedule_appointment", to("2026-11-25", "10:00")),
        ("update_customer", json!({ "city": "Shelbyville" }).to_string()),
        ("add_vehicle", json!({ "make": "Ford" }).to_string()),
        ("take_message", json!({ "message": "Hi" }).to_string()),
    ];
    for (tool, arguments) in changes {
        let mut bench = booked().await;
        let late = bench.job(tool, &arguments);
        bench.turns.advance_to(TurnId(2));
        assert!(bench.run_job(late).await.content.contains("interrupted"), "{tool}");
        bench.calls = 20;
        let first = bench.run(tool, &arguments).await;
        assert!(first.success, "{tool}: {}", first.content);
        bench.calls = 20;
        let again = bench.job(tool, &arguments);
        bench.turns.advance_to(TurnId(3));
        assert_eq!(bench.run_job(again).await.content, first.content, "{tool}");
        bench.world.store.change(|r| {
            assert!(r.vehicles.len() <= 2 && r.messages.len() <= 1 && r.appointments[0].version <= 2, "{tool}");
        });
    }
}

#[tokio::test(start_paused = true)]
async fn an_appointment_may_overlap_itself() {
    let mut bench = Bench::known().await.verified().await;
    let mut brakes: Value = serde_json::from_str(&book("service_type", "Brake service".into())).unwrap();
    brakes["time"] = "09:00".into();
    assert_eq!(bench.error("book_appointment", &brakes.to_string()).await, "ok");
    let ask =
        |id: Value| json!({ "service_type": "Brake service", "date": "2026-11-24", "appointment_id": id }).to_string();
    let slots = async |bench: &mut Bench, id: Value| {
        bench.result("get_available_slots", &ask(id)).await["data"]["slots"].clone()
    };
    let afternoon = ["13:00", "13:30", "14:00", "14:30", "15:00"];
    assert_eq!(slots(&mut bench, json!(null)).await, json!(afternoon), "somebody else's");
    let all_day = [&["09:00", "09:30", "10:00"][..], &afternoon].concat();
    assert_eq!(slots(&mut bench, json!(OWN)).await, json!(all_day));
    assert_eq!(bench.error("reschedule_appointment", &to("2026-11-24", "09:30")).await, "ok");
    // Whoever loses a time hears of those that overlap the appointment, too.
    let other =
        Appointment::new(AppointmentId(9), CustomerId(2), "Oil change", at("2026-11-24T19:00:00Z"), 360, BayId(1));
    bench.world.store.change(|records| records.appointments.push(other));
    let lost = bench.result("reschedule_appointment", &to("2026-11-24", "14:00")).await;
    assert_eq!(lost["error"], "just_taken");
    assert!(lost["message"].as_str().unwrap().contains("2026-11-24 10:00"), "{lost}");
}

#[tokio::test(start_paused = true)]
async fn free_times_tell_nothing_of_appointments_that_are_not_the_callers() {
    let mut bench = booked().await;
    let strangers =
        Appointment::new(AppointmentId(9), CustomerId(2), "Oil change", at("2026-11-24T19:00:00Z"), 30, BayId(1));
    bench.world.store.change(|records| records.appointments.push(strangers));
    let ask = |id: i64| json!({ "service_type": "Oil change", "date": "2026-11-24", "appointment_id": id }).to_string();
    let answers =
        [bench.result("get_available_slots", &ask(9)).await, bench.result("get_available_slots", &ask(99)).await];
    assert_eq!(answers[0], answers[1], "a stranger's is answered like none");
    assert_eq!(answers[0]["error"], "not_found");
    bench.identity = known();
    for id in [OWN, 9, 99] {
        assert_eq!(bench.error("get_available_slots", &ask(id)).await, "not_verified", "{id}");
    }
    let mut bench = Bench::known().await;
    bench.run("book_appointment", BOOK).await;
    assert_eq!(bench.error("get_available_slots", &ask(OWN)).await, "ok", "booked in this call");
}

fn at(text: &str) -> chrono::DateTime<chrono::Utc> {
    text.parse().unwrap()
}
