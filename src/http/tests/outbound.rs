//! What Twilio's webhooks about calls that Otto placed, and about text messages, are answered, and who is told.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use otto_actors::domain::{
    Appointment, AppointmentStatus, CallSid, NewReminder, OutboxId, PhoneNumber, ReminderId, ReminderKind,
};
use otto_actors::ports::{CallClaim, CallSettled, Claim, DueTask, Store};
use otto_actors::registry::Admission;

use crate::http::testing::{ACCOUNT, BASE, Edge, Nothing, Script, form_request};
use crate::http::urls::{AMD, CALL_STATUS, OUTBOUND_REMINDER, SMS_STATUS};
use crate::store::Records;

/// Customers of the demonstration, who have an appointment each.
const CALLED: &str = "+15555550101";
const OTHER: &str = "+15555550102";
const SHOP: &str = "+15555550100";
const GOODBYE: &str = "<Hangup/></Response>";
const BUSY: &str = "all our lines are busy";
const CONNECT: &str = "<Connect ";

/// An edge on a database with a call that has just been claimed for an appointment, in its first attempt.
struct Placed {
    edge: Edge,
    reminder: ReminderId,
    appointment: Appointment,
}

fn now() -> DateTime<Utc> {
    Utc::now()
}

async fn appointment_of(records: &dyn Records, phone: &str) -> Appointment {
    let customer = records.customer_by_phone(&PhoneNumber::parse(phone).unwrap()).await.unwrap().unwrap();
    records.upcoming(customer.id, now()).await.unwrap().remove(0)
}

async fn at_the_edge(script: Script) -> Edge {
    let edge =
        Edge::with(script, true, |parts| parts.store = Arc::clone(&parts.outbound.records) as Arc<dyn Store>).await;
    let bays = otto_actors::domain::ShopBay::list(&["Bay 1".to_owned()], &[]);
    edge.records.sync_bays(&bays).await.unwrap();
    edge.records.seed_demo(now().date_naive(), chrono_tz::America::Chicago).await.unwrap();
    edge
}

fn new_reminder(appointment: &Appointment, kind: ReminderKind) -> NewReminder {
    NewReminder {
        kind,
        appointment: (kind == ReminderKind::Requested).then_some(appointment.id),
        customer: Some(appointment.customer),
        phone: PhoneNumber::parse(CALLED).unwrap(),
        about: None,
        due_at: now() - TimeDelta::minutes(1),
        until: now() + TimeDelta::hours(1),
        for_staff: false,
    }
}

async fn placed(script: Script, kind: ReminderKind) -> Placed {
    let edge = at_the_edge(script).await;
    let appointment = appointment_of(&*edge.records, CALLED).await;
    let reminder = edge.records.add_reminder(&new_reminder(&appointment, kind), now()).await.unwrap();
    let claim = CallClaim { worker: "w", limit: 9, per_second: 9, lease: Duration::from_secs(60), now: now() };
    let due = edge.records.claim_calls(&claim).await.unwrap();
    assert_eq!(due.iter().map(|due| (due.reminder.id, due.task)).collect::<Vec<_>>(), [(reminder, DueTask::Dial)]);
    Placed { edge, reminder, appointment }
}

impl Placed {
    fn path(&self) -> String {
        let (appointment, reminder) = (self.appointment.id, self.reminder);
        format!("{OUTBOUND_REMINDER}?appointment_id={appointment}&reminder={reminder}&attempt=1")
    }
}

fn form<'a>(call: &'a str, to: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![("CallSid", call), ("AccountSid", ACCOUNT), ("From", SHOP), ("To", to)];
    form.push(("Direction", "outbound-api"));
    form.extend_from_slice(more);
    form
}

#[tokio::test]
async fn a_call_that_was_placed_is_connected_and_adopted() {
    let mut placed = placed(Script::default(), ReminderKind::Requested).await;
    let (path, reminder, appointment) = (placed.path(), placed.reminder, placed.appointment.id);
    let (status, document) = placed.edge.post(&path, &form("CA1", CALLED, &[])).await;
    assert_eq!(status, StatusCode::OK);
    assert!(document.contains(CONNECT) && document.contains("name=\"token\" value=\"t1\""), "{document}");
    let why = format!("Reminder {{ reminder: Some({reminder:?}), appointment: {appointment:?} }}");
    assert_eq!(placed.edge.heard.recv().await.unwrap(), format!("admit CA1 from {CALLED} to {SHOP}: {why}"));
    let told = format!("{reminder}/1 CA1 Some(InProgress) None None");
    assert_eq!(placed.edge.reminded.recv().await.unwrap(), told);
}

#[tokio::test]
async fn a_call_back_has_no_appointment() {
    let mut placed = placed(Script::default(), ReminderKind::CallBack).await;
    let path = format!("{OUTBOUND_REMINDER}?reminder={}&attempt=1", placed.reminder);
    let (_, document) = placed.edge.post(&path, &form("CA1", CALLED, &[])).await;
    assert!(document.contains(CONNECT), "{document}");
    let why = format!("CallBack {{ reminder: {:?} }}", placed.reminder);
    assert!(placed.edge.heard.recv().await.unwrap().ends_with(&why));
}

#[tokio::test]
async fn calls_that_otto_did_not_place_or_has_given_up_are_ended() {
    let mut placed = placed(Script::default(), ReminderKind::Requested).await;
    let others = appointment_of(&*placed.edge.records, OTHER).await.id;
    let (reminder, appointment) = (placed.reminder, placed.appointment.id);
    let at = |appointment, reminder, attempt| {
        format!("{OUTBOUND_REMINDER}?appointment_id={appointment}&reminder={reminder}&attempt={attempt}")
    };
    for (path, to, why) in [
        (at(appointment.0, reminder.0, 1), OTHER, "somebody else's number"),
        (at(others.0, reminder.0, 1), CALLED, "somebody else's appointment"),
        (at(appointment.0, reminder.0 + 99, 1), CALLED, "no such row"),
        (at(appointment.0, reminder.0, 2), CALLED, "no such attempt"),
        (at(appointment.0, -1, 1), CALLED, "no such row"),
        (format!("{OUTBOUND_REMINDER}?reminder={reminder}&attempt=1"), CALLED, "the appointment is missing"),
        (format!("{OUTBOUND_REMINDER}?appointment_id={}", others.0), CALLED, "somebody else's appointment"),
        (format!("{OUTBOUND_REMINDER}?appointment_id=999"), CALLED, "no such appointment"),
    ] {
        let (status, document) = placed.edge.post(&path, &form("CA1", to, &[])).await;
        assert_eq!(status, StatusCode::OK, "{why}");
        assert!(document.ends_with(GOODBYE) && !document.contains(CONNECT), "{why}: {document}");
    }
    let look_at = now() + TimeDelta::minutes(5);
    let accepted = CallSettled::Accepted { call: CallSid::parse("CA1").unwrap(), look_at };
    assert!(placed.edge.records.settle_call(reminder, 1, &accepted, now()).await.unwrap());
    let path = placed.path();
    assert!(!placed.edge.post(&path, &form("CA2", CALLED, &[])).await.1.contains(CONNECT), "the row has another call");
    assert!(placed.edge.post(&path, &form("CA1", CALLED, &[])).await.1.contains(CONNECT));
    let skipped = CallSettled::Skipped { reason: "a test".into() };
    assert!(placed.edge.records.settle_call(reminder, 1, &skipped, now()).await.unwrap());
    assert!(!placed.edge.post(&path, &form("CA1", CALLED, &[])).await.1.contains(CONNECT), "the row is closed");
    assert!(placed.edge.heard.recv().await.unwrap().starts_with("admit CA1"));
    assert!(placed.edge.heard.try_recv().is_err(), "the others are not admitted");
}

#[tokio::test]
async fn without_a_row_the_customer_of_the_appointment_is_reached() {
    let mut edge = at_the_edge(Script::default()).await;
    let appointment = appointment_of(&*edge.records, CALLED).await;
    assert_eq!(appointment.status, AppointmentStatus::Scheduled);
    let path = format!("{OUTBOUND_REMINDER}?appointment_id={}", appointment.id);
    assert!(edge.post(&path, &form("CA1", CALLED, &[])).await.1.contains(CONNECT));
    let why = format!("Reminder {{ reminder: None, appointment: {:?} }}", appointment.id);
    assert!(edge.heard.recv().await.unwrap().ends_with(&why));
    let row = edge.records.add_reminder(&new_reminder(&appointment, ReminderKind::Requested), now()).await.unwrap();
    assert!(edge.post(&path, &form("CA2", CALLED, &[])).await.1.contains(CONNECT));
    let why = format!("Reminder {{ reminder: Some({row:?}), appointment: {:?} }}", appointment.id);
    assert!(edge.heard.recv().await.unwrap().ends_with(&why), "what comes of it closes the open row");
    assert!(edge.reminded.try_recv().is_err(), "it is not the row's attempt");
}

#[tokio::test]
async fn a_call_that_was_given_up_too_early_is_taken() {
    let mut placed = placed(Script::default(), ReminderKind::Requested).await;
    let at = now() + TimeDelta::minutes(1);
    let again = CallSettled::Again { at, counts: false, reason: "a test".into() };
    assert!(placed.edge.records.settle_call(placed.reminder, 1, &again, now()).await.unwrap());
    let path = placed.path();
    assert!(placed.edge.post(&path, &form("CA1", CALLED, &[])).await.1.contains(CONNECT));
    let told = format!("{}/1 CA1 Some(InProgress) None None", placed.reminder);
    assert_eq!(placed.edge.reminded.recv().await.unwrap(), told);
    let never = path.replace("attempt=1", "attempt=0");
    assert!(!placed.edge.post(&never, &form("CA1", CALLED, &[])).await.1.contains(CONNECT));
}

#[tokio::test]
async fn what_has_answered_before_the_document_is_asked_for_is_passed_on() {
    for (word, heard) in [
        ("human", Some("Human took CA1")),
        ("unknown", Some("Unknown took CA1")),
        ("machine_end_beep", Some("Machine took CA1")),
        ("machine_end_silence", Some("Machine took CA1")),
        ("machine_end_other", Some("Machine took CA1")),
        ("machine_start", None),
        ("brand-new", None),
    ] {
        let mut placed = placed(Script::default(), ReminderKind::Requested).await;
        let path = placed.path();
        let (_, document) = placed.edge.post(&path, &form("CA1", CALLED, &[("AnsweredBy", word)])).await;
        assert!(document.contains(CONNECT), "{word}: {document}");
        assert!(placed.edge.heard.recv().await.unwrap().starts_with("admit CA1"));
        placed.edge.post(CALL_STATUS, &[("CallSid", "CA9"), ("CallStatus", "ringing")]).await;
        let next = placed.edge.heard.recv().await.unwrap();
        assert_eq!(next, heard.unwrap_or("status CA9 Live"), "{word}");
    }
    let mut placed = placed(Script::default(), ReminderKind::Requested).await;
    let path = placed.path();
    let (_, document) = placed.edge.post(&path, &form("CA1", CALLED, &[("AnsweredBy", "fax")])).await;
    assert_eq!(document, "<Response><Hangup/></Response>");
    let told = format!("{}/1 CA1 Some(InProgress) Some(Fax) None", placed.reminder);
    assert_eq!(placed.edge.reminded.recv().await.unwrap(), told);
    assert!(placed.edge.heard.try_recv().is_err(), "a fax needs no line");
}

#[tokio::test]
async fn a_call_without_a_line_has_failed() {
    for admission in [Admission::Full, Admission::Draining] {
        let script = Script { admission, ..Script::default() };
        let mut placed = placed(script, ReminderKind::Requested).await;
        let path = placed.path();
        let (status, document) = placed.edge.post(&path, &form("CA1", CALLED, &[])).await;
        assert_eq!(status, StatusCode::OK);
        assert!(document.contains(BUSY) && document.ends_with(GOODBYE) && !document.contains("<Dial>"), "{document}");
        let told = format!("{}/1 CA1 Some(Failed) None None", placed.reminder);
        assert_eq!(placed.edge.reminded.recv().await.unwrap(), told);
    }
    let mut placed = placed(Script::default(), ReminderKind::Requested).await;
    placed.edge.registry.set(None);
    let path = placed.path();
    let (_, document) = placed.edge.post(&path, &form("CA1", CALLED, &[])).await;
    assert!(document.contains("technical trouble") && document.ends_with(GOODBYE), "{document}");
    assert!(placed.edge.reminded.recv().await.unwrap().contains("Some(Failed)"));
}

#[tokio::test]
async fn while_the_database_is_away_nobody_is_told_anything() {
    let mut edge = at_the_edge(Script::default()).await;
    edge.records.close().await;
    let path = format!("{OUTBOUND_REMINDER}?appointment_id=1&reminder=7&attempt=2");
    let (status, document) = edge.post(&path, &form("CA1", CALLED, &[])).await;
    assert_eq!(status, StatusCode::OK);
    assert!(document.contains("technical trouble") && document.ends_with(GOODBYE), "{document}");
    assert_eq!(edge.reminded.recv().await.unwrap(), "7/2 CA1 Some(Failed) None None");
    assert!(edge.heard.try_recv().is_err());
}

#[tokio::test]
async fn forged_and_hostile_requests_are_refused() {
    let mut placed = placed(Script::default(), ReminderKind::Requested).await;
    let fine = form("CA1", CALLED, &[("CallStatus", "completed"), ("AnsweredBy", "human"), ("MessageSid", "SM1")]);
    let signed_for = placed.edge.check.sign(&format!("{BASE}{}", placed.path()), fine.iter().copied());
    let other_row = placed.path().replace("attempt=1", "attempt=2");
    for path in [&other_row, OUTBOUND_REMINDER, AMD, CALL_STATUS, SMS_STATUS] {
        for signature in ["", "L/OH5YylLD5NRKLltdqwSvS0BnU=", &signed_for] {
            let request = form_request(path, &fine).header("x-twilio-signature", signature);
            assert_eq!(placed.edge.send(request, &fine).await.0, StatusCode::FORBIDDEN, "{path}");
        }
    }
    let long = "x".repeat(70);
    let status = |name, value| form("CA1", CALLED, &[("CallStatus", "completed"), (name, value)]);
    let text = |sid, status, code| vec![("MessageSid", sid), ("MessageStatus", status), ("ErrorCode", code)];
    let path = placed.path();
    let (no_row, no_attempt) = (format!("{CALL_STATUS}?attempt=1"), format!("{CALL_STATUS}?reminder=1"));
    for (path, form, words) in [
        (OUTBOUND_REMINDER, form("CA1", CALLED, &[]), "appointment_id: found nothing"),
        (&format!("{OUTBOUND_REMINDER}?appointment_id=1x"), form("CA1", CALLED, &[]), "appointment_id: found text"),
        (&format!("{OUTBOUND_REMINDER}?appointment_id=99999999999999999999"), form("CA1", CALLED, &[]), "found text"),
        (&path, form("CA1", "client:x", &[]), "To: found no number"),
        (&path, form("junk", CALLED, &[]), "CallSid: found text"),
        (&path.replace("attempt=1", "attempt=-1"), form("CA1", CALLED, &[]), "attempt: found text"),
        (&no_row, status("x", "y"), "reminder: found nothing"),
        (&no_attempt, status("x", "y"), "attempt: found nothing"),
        (CALL_STATUS, status("CallDuration", "-3"), "CallDuration: found text"),
        (CALL_STATUS, status("CallDuration", "99999999999"), "CallDuration: found text"),
        (AMD, form("CA1", CALLED, &[]), "AnsweredBy: found nothing"),
        (&format!("{AMD}?reminder=x"), form("CA1", CALLED, &[("AnsweredBy", "human")]), "reminder: found text"),
        (SMS_STATUS, text("SM1", "sent", ""), "order: found nothing"),
        (&format!("{SMS_STATUS}?order=3'"), text("SM1", "sent", ""), "order: found text"),
        (&format!("{SMS_STATUS}?order=3"), text("CA1", "sent", ""), "MessageSid: found text"),
        (&format!("{SMS_STATUS}?order=3"), text("", "sent", ""), "MessageSid: found nothing"),
        (&format!("{SMS_STATUS}?order=3"), text("SM1", "", ""), "MessageStatus: found nothing"),
        (&format!("{SMS_STATUS}?order=3"), text("SM1", "<sent>", ""), "MessageStatus: found text"),
        (&format!("{SMS_STATUS}?order=3"), text("SM1", &long, ""), "MessageStatus: found text"),
        (&format!("{SMS_STATUS}?order=3"), text("SM1", "failed", "3e4"), "ErrorCode: found text"),
    ] {
        let (status, body) = placed.edge.post(path, &form).await;
        assert_eq!((status, body.contains(words)), (StatusCode::BAD_REQUEST, true), "{words}: {body}");
    }
    assert!(placed.edge.heard.try_recv().is_err() && placed.edge.reminded.try_recv().is_err());
}

#[tokio::test]
async fn what_has_answered_meanwhile_is_passed_on() {
    let mut edge = Edge::new(Script::default()).await;
    for (word, heard) in [
        ("human", "Human took CA1"),
        ("fax", "Fax took CA1"),
        ("machine_end_other", "Machine took CA1"),
        ("unknown", "Unknown took CA1"),
    ] {
        let path = format!("{AMD}?reminder=7&attempt=1");
        for noise in ["machine_start", "brand-new", word] {
            let answer = edge.post(&path, &[("CallSid", "CA1"), ("AnsweredBy", noise)]).await;
            assert_eq!(answer, (StatusCode::NO_CONTENT, String::new()), "also while the database is away");
        }
        assert_eq!(edge.heard.recv().await.unwrap(), heard);
    }
    assert!(edge.heard.try_recv().is_err());
}

#[tokio::test]
async fn how_a_call_stands_is_told_with_its_row_and_attempt() {
    let mut edge = Edge::new(Script::default()).await;
    let path = format!("{CALL_STATUS}?reminder=7&attempt=2");
    // In any order, as they come.
    for (status, more, told) in [
        ("completed", vec![("CallDuration", "41"), ("SequenceNumber", "3")], "Some(Completed) None Some(41)"),
        ("ringing", vec![("SequenceNumber", "1")], "Some(Ringing) None None"),
        ("in-progress", vec![("AnsweredBy", "machine_end_beep")], "Some(InProgress) Some(Machine) None"),
        ("no-answer", vec![("CallDuration", "0")], "Some(NoAnswer) None Some(0)"),
        ("brand-new", vec![], "None None None"),
    ] {
        let mut form = form("CA1", CALLED, &[("CallStatus", status)]);
        form.extend(more);
        assert_eq!(edge.post(&path, &form).await, (StatusCode::NO_CONTENT, String::new()));
        assert_eq!(edge.reminded.recv().await.unwrap(), format!("7/2 CA1 {told}"));
        let is_over = ["completed", "no-answer"].contains(&status);
        let line = if is_over { "Over" } else { "Live" };
        assert_eq!(edge.heard.recv().await.unwrap(), format!("status CA1 {line}"));
    }
    edge.post(CALL_STATUS, &[("CallSid", "CA2"), ("CallStatus", "completed")]).await;
    assert_eq!(edge.heard.recv().await.unwrap(), "status CA2 Over");
    assert!(edge.reminded.try_recv().is_err(), "a customer's own call has no row");
}

#[tokio::test]
async fn word_of_a_call_is_taken_while_the_database_is_away() {
    let edge = Edge::with(Script::default(), true, |parts| parts.store = Arc::new(Nothing { answers: false })).await;
    for path in [CALL_STATUS.to_owned(), AMD.to_owned()] {
        let form = form("CA1", CALLED, &[("CallStatus", "ringing"), ("AnsweredBy", "human")]);
        assert_eq!(edge.post(&path, &form).await.0, StatusCode::NO_CONTENT);
    }
    edge.records.close().await;
    let form = [("MessageSid", "SM1"), ("MessageStatus", "sent")];
    assert_eq!(edge.post(&format!("{SMS_STATUS}?order=1"), &form).await.0, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn how_a_text_stands_is_noted_by_its_order() {
    let placed = placed(Script::default(), ReminderKind::Requested).await;
    let records = &placed.edge.records;
    let missed = CallSettled::Missed { reason: "a test".into(), text: true };
    assert!(records.settle_call(placed.reminder, 1, &missed, now()).await.unwrap());
    let order = ordered_text(&**records).await;
    for (path, status, noted) in [
        (format!("{SMS_STATUS}?order={}", order.0 + 99), "sent", None),
        (format!("{SMS_STATUS}?order={order}"), "delivered", Some("SM1")),
        (format!("{SMS_STATUS}?order={order}"), "queued", Some("SM1")),
    ] {
        let form = [("MessageSid", "SM1"), ("MessageStatus", status), ("ErrorCode", ""), ("AccountSid", ACCOUNT)];
        assert_eq!(placed.edge.post(&path, &form).await.0, StatusCode::NO_CONTENT);
        assert_eq!(records.text_of(order).await.unwrap().as_deref(), noted, "{status}");
    }
}

async fn ordered_text(records: &dyn Records) -> OutboxId {
    let claim = Claim { kind: "text", worker: "w", limit: 1, lease: Duration::from_secs(60), now: now() };
    records.claim_due(&claim).await.unwrap().remove(0).id
}
