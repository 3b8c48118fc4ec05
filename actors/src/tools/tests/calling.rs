//! Calls that Otto has placed: who hears what; and who is called, or not called any more.

use serde_json::json;

use super::*;
use crate::domain::{
    Appointment, AppointmentId, AppointmentStatus, BayId, CustomerId, ReminderKind, ReminderStatus, VehicleId,
};
use crate::ports::OptOut;
use crate::testing::store::Records;

const OWN: AppointmentId = AppointmentId(1);
const ANOTHERS: AppointmentId = AppointmentId(2);
const YES: &str = r#"{"is_customer":true}"#;
const NO: &str = r#"{"is_customer":false}"#;

/// Maria's brakes on Tuesday at ten, and somebody else's on Wednesday.
fn store() -> FakeStore {
    let store = FakeStore::default();
    store.change(|records| {
        let appointment = |id, customer, at: &str| {
            Appointment::new(id, CustomerId(customer), "Brake inspection", at.parse().unwrap(), 60, BayId(1))
        };
        let vehicle = Some(VehicleId(1));
        records.appointments.push(Appointment { vehicle, ..appointment(OWN, 1, "2026-11-24T16:00:00Z") });
        records.appointments.push(appointment(ANOTHERS, 99, "2026-11-25T16:00:00Z"));
    });
    store
}

fn placed(errand: Option<Errand>) -> Identity {
    let mut identity = known();
    identity.errand = errand;
    identity
}

/// A call that Otto has placed about an appointment.
async fn reminder(appointment: AppointmentId) -> Bench {
    let errand = Some(Errand { appointment, party: Party::Unknown });
    Bench::with(placed(errand), store()).await
}

fn records(bench: &Bench) -> Records {
    bench.world.store.records.lock().unwrap().clone()
}

fn about(id: AppointmentId) -> String {
    json!({ "appointment_id": id, "reason": null }).to_string()
}

#[tokio::test(start_paused = true)]
async fn the_customer_hears_of_the_appointment_and_may_confirm_it_and_no_more() {
    let mut bench = reminder(OWN).await;
    let confirm = json!({ "appointment_id": OWN }).to_string();
    assert_eq!(bench.error("confirm_appointment", &confirm).await, "not_verified");
    let told = bench.result("answer_reminder", YES).await;
    assert_eq!(told["data"]["coming"], "tomorrow, Tuesday, November 24 at 10 AM");
    assert_eq!(
        (&told["data"]["vehicle"], &told["data"]["service"]),
        (&json!("2003 Honda Accord"), &json!("Brake inspection"))
    );
    let moved = json!({ "appointment_id": OWN, "new_date": "2026-11-25", "new_time": "14:00" }).to_string();
    for (tool, arguments) in [
        ("cancel_appointment", about(OWN)),
        ("reschedule_appointment", moved.clone()),
        ("confirm_appointment", json!({ "appointment_id": ANOTHERS }).to_string()),
        ("get_upcoming_appointments", "{}".into()),
    ] {
        assert_eq!(bench.error(tool, &arguments).await, "not_verified", "{tool}");
    }
    assert_eq!(bench.error("confirm_appointment", &confirm).await, "ok");
    assert_eq!(records(&bench).appointments[0].status, AppointmentStatus::Confirmed);
    let mut bench = bench.verified().await;
    assert_eq!(bench.error("reschedule_appointment", &moved).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn somebody_else_hears_nothing_whatever_is_tried() {
    let mut bench = reminder(OWN).await;
    let before = records(&bench).appointments;
    let moved = json!({ "appointment_id": OWN, "new_date": "2026-11-25", "new_time": "14:00" }).to_string();
    let tries = [
        ("answer_reminder", NO.to_owned(), "ok"),
        ("answer_reminder", YES.into(), "not_the_customer"),
        ("confirm_appointment", json!({ "appointment_id": OWN }).to_string(), "not_verified"),
        ("cancel_appointment", about(OWN), "not_verified"),
        ("reschedule_appointment", moved, "not_verified"),
        ("get_upcoming_appointments", "{}".into(), "not_verified"),
        ("get_service_history", "{}".into(), "not_verified"),
        ("book_appointment", BOOK.into(), "not_the_customer"),
        ("lookup_customer", "{}".into(), "ok"),
        ("answer_reminder", YES.into(), "not_the_customer"),
    ];
    for (tool, arguments, expected) in tries {
        let result = bench.result(tool, &arguments).await;
        assert_eq!(result["error"].as_str().unwrap_or("ok"), expected, "{tool}");
        for secret in ["Brake", "Tuesday", "10 AM", "10:00", "Accord", "Lopez"] {
            assert!(!result.to_string().contains(secret), "{tool} told {secret}: {result}");
        }
    }
    assert_eq!(records(&bench).appointments, before);
    // The customer has come to the telephone and proves it.
    let mut bench = bench.verified().await;
    assert_eq!(bench.error("answer_reminder", YES).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_is_asked_along_with_is_decided_as_it_is_asked() {
    let mut bench = reminder(OWN).await;
    let no = bench.job("answer_reminder", NO);
    let yes = bench.job("answer_reminder", YES);
    // Both are admitted before either has run.
    let admitted = [&no, &yes].map(|job| ToolRouter::admit(&job.call, &mut bench.identity));
    let denied = |at: usize| matches!(admitted[at], Some((_, Access::Denied { .. })));
    assert_eq!((denied(0), denied(1)), (false, true));
    bench.identity.learn(Learned::IsCustomer);
    assert!(bench.identity.is_another(), "a late yes does not take the no back");
}

#[tokio::test(start_paused = true)]
async fn a_call_reminds_of_what_stands_and_is_theirs() {
    let mut inbound = Bench::with(known(), store()).await;
    assert_eq!(inbound.error("answer_reminder", YES).await, "not_a_reminder");
    for id in [ANOTHERS, AppointmentId(77)] {
        let mut bench = reminder(id).await;
        let told = bench.result("answer_reminder", YES).await;
        assert_eq!((told["error"].as_str(), told.to_string().contains("Brake")), (Some("not_open"), false));
        assert_eq!(
            bench.error("confirm_appointment", &json!({ "appointment_id": id }).to_string()).await,
            "not_verified"
        );
    }
    let mut bench = reminder(OWN).await;
    bench.world.store.change(|records| records.appointments[0].status = AppointmentStatus::Cancelled);
    assert_eq!(bench.error("answer_reminder", YES).await, "not_open");
    let mut bench = reminder(OWN).await;
    bench.router.crm.set(None);
    assert_eq!(bench.error("answer_reminder", YES).await, "unavailable");
}

#[tokio::test(start_paused = true)]
async fn a_call_back_is_a_row_in_the_time_in_which_people_are_called() {
    // It is Monday, eight in the morning.
    for (date, time, by, expected) in [
        ("2026-11-24", "09:00", "otto", "ok"),
        ("2026-11-23", "19:59", "otto", "ok"),
        ("2026-12-07", "08:00", "person", "ok"),
        ("2026-11-23", "07:58", "person", "ok"),
        ("2026-11-24", "20:00", "person", "ok"),
        ("2026-11-24", "08:59", "otto", "outside_calling_hours"),
        ("2026-11-24", "20:00", "otto", "outside_calling_hours"),
        ("2026-11-23", "07:54", "person", "in_the_past"),
        ("2026-12-07", "09:00", "otto", "too_far"),
        ("tomorrow", "09:00", "otto", "bad_date"),
        ("2026-11-24", "nine", "otto", "bad_time"),
        ("2026-11-24", "09:00", "nobody", "bad_arguments"),
    ] {
        let mut bench = Bench::with(known(), store()).await;
        let arguments = json!({ "date": date, "time": time, "about": " the brakes ", "by": by }).to_string();
        assert_eq!(bench.error("request_call_back", &arguments).await, expected, "{date} {time} {by}");
        let rows = records(&bench).reminders;
        assert_eq!(rows.len(), usize::from(expected == "ok"), "{date} {time}");
        for row in rows {
            let status = if by == "otto" { ReminderStatus::Pending } else { ReminderStatus::ForStaff };
            let about = row.about.as_deref();
            assert_eq!(
                (row.kind, row.status, row.appointment, about),
                (ReminderKind::CallBack, status, None, Some("the brakes"))
            );
            assert_eq!((row.phone.as_e164(), row.customer), (KNOWN_PHONE, Some(CustomerId(1))));
            assert!(row.until > row.due_at, "{row:?}");
        }
    }
}

const NINE: &str = r#"{"date":"2026-11-23","time":"19:00","about":null,"by":"otto"}"#;

#[tokio::test(start_paused = true)]
async fn a_call_back_is_a_colleagues_where_nobody_can_dial_and_there_are_few_of_them() {
    let mut bench = Bench::with(known(), store()).await;
    bench.router.can_dial = false;
    for expected in ["ok", "ok", "ok", "too_often"] {
        assert_eq!(bench.error("request_call_back", NINE).await, expected);
    }
    let rows = records(&bench).reminders;
    assert!(rows.iter().all(|row| row.status == ReminderStatus::ForStaff), "{rows:?}");
    let mut withheld = Bench::for_caller(Identity::of(None)).await;
    assert_eq!(withheld.error("request_call_back", NINE).await, "no_caller_id");
    assert_eq!(withheld.error("stop_reminders", r#"{"reason":"asked"}"#).await, "no_caller_id");
}

#[tokio::test(start_paused = true)]
async fn a_reminder_that_is_put_off_stays_one_while_there_is_something_to_remind_of() {
    for (date, expected) in [("2026-11-23", Some(OWN)), ("2026-11-24", None)] {
        let mut bench = reminder(OWN).await;
        let arguments = NINE.replace("2026-11-23", date);
        assert_eq!(bench.error("request_call_back", &arguments).await, "ok");
        assert_eq!(records(&bench).reminders[0].appointment, expected, "{date}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_want_calls_is_not_called() {
    let reasons = [("asked", OptOut::ASKED), ("wrong_number", "wrong_number")];
    for (party, takes_back) in
        [(None, true), (Some(Party::Customer), true), (Some(Party::Another), false), (Some(Party::Unknown), false)]
    {
        for (said, reason) in reasons {
            let errand = party.map(|party| Errand { appointment: OWN, party });
            let mut bench = Bench::with(placed(errand), store()).await;
            bench.world.store.change(|records| records.customers[0].reminder_consent = Some(true));
            let told = bench.result("stop_reminders", &json!({ "reason": said }).to_string()).await;
            assert_eq!(told["data"]["reason"], reason);
            let after = records(&bench);
            let noted: Vec<_> = after.opt_outs.iter().map(|o| (o.phone.as_e164(), o.reason)).collect();
            assert_eq!(noted, [(KNOWN_PHONE, reason)]);
            let consent = Some(!(takes_back && said == "asked"));
            assert_eq!(after.customers[0].reminder_consent, consent, "{party:?} {said}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_agrees_to_be_called_again_is_called_again() {
    const AGREES: &str = r#"{"reminder_consent":true}"#;
    let mut book: Value = serde_json::from_str(BOOK).unwrap();
    book["reminder_consent"] = true.into();
    for (tool, arguments) in [("book_appointment", book.to_string()), ("update_customer", AGREES.into())] {
        for reason in [OptOut::ASKED, OptOut::WRONG_NUMBER] {
            let mut bench = Bench::for_caller(known()).await.verified().await;
            bench.world.store.change(|records| records.customers[0].reminder_consent = Some(true));
            let stop = json!({ "reason": reason }).to_string();
            assert_eq!(bench.error("stop_reminders", &stop).await, "ok");
            assert_eq!(records(&bench).opt_outs.len(), 1);
            assert_eq!(bench.error(tool, &arguments).await, "ok");
            let after = records(&bench);
            assert_eq!((after.opt_outs, after.customers[0].reminder_consent), (vec![], Some(true)), "{tool} {reason}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn consent_to_be_called_is_written_with_the_booking() {
    for (identity, name) in [(known(), Value::Null), (unknown(), "Ann Lee".into())] {
        for consent in [Some(true), Some(false), None] {
            let mut bench = Bench::for_caller(identity.clone()).await;
            let mut arguments: Value = serde_json::from_str(BOOK).unwrap();
            (arguments["customer_name"], arguments["reminder_consent"]) = (name.clone(), consent.into());
            let first = bench.run("book_appointment", &arguments.to_string()).await;
            assert!(first.success, "{}", first.content);
            let after = records(&bench);
            let customer = after.customers.last().unwrap();
            assert_eq!(customer.reminder_consent, consent, "{name}");
            assert_eq!(bench.identity.customer.as_ref().map(|c| c.reminder_consent), Some(consent), "{name}");
            assert!(!bench.identity.verified, "to agree proves nothing");
            // Asked again as it was, it is the same booking.
            bench.calls -= 1;
            let again = bench.run("book_appointment", &arguments.to_string()).await;
            assert_eq!((again.content, records(&bench).appointments.len()), (first.content, 1));
        }
    }
}
