//! The records in memory follow the same rules as the databases, on which the contract is tested at length.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{FakeStore, maria};
use crate::domain::{
    Appointment, AppointmentId, AppointmentStatus, BayId, NewReminder, OutboxId, PhoneNumber, ReminderKind,
    ReminderOutcome, ReminderStatus, Round, reasons,
};
use crate::ports::{
    CallClaim, CallSettled, Channel, DueCall, DueTask, OptOut, Order, ReminderStore as _, TextKind, TextOrder,
    TextProgress, TextStore as _,
};

const LEASE: Duration = Duration::from_secs(60);

fn at(hour: i64, minute: i64) -> DateTime<Utc> {
    let midnight: DateTime<Utc> = "2026-11-24T00:00:00Z".parse().unwrap();
    midnight + chrono::Duration::hours(hour) + chrono::Duration::minutes(minute)
}

fn round() -> Round {
    let of = "2026-11-24".parse().unwrap();
    Round { of, from: at(6, 0), to: at(30, 0), day_from: at(-18, 0), due_at: at(0, 0), until: at(2, 0) }
}

/// Maria, who agrees, has an appointment at nine in the morning and one at ten.
fn store() -> FakeStore {
    let store = FakeStore::default();
    store.change(|records| {
        records.customers[0].reminder_consent = Some(true);
        for (id, hour) in [(1, 15), (2, 16)] {
            let id = AppointmentId(id);
            let new = Appointment::new(id, maria().id, "Oil change", at(hour, 0), 60, BayId(1));
            records.appointments.push(new);
        }
    });
    store
}

async fn claim(store: &FakeStore, now: DateTime<Utc>) -> Vec<DueCall> {
    store.claim_calls(&CallClaim { worker: "a", limit: 9, per_second: 9, lease: LEASE, now }).await.unwrap()
}

#[tokio::test]
async fn a_round_leads_to_calls_one_after_the_other() {
    let store = store();
    assert_eq!(store.make_round(&round(), at(0, 0)).await, Ok(Some(2)));
    assert_eq!(store.make_round(&round(), at(0, 0)).await, Ok(None));
    let first = claim(&store, at(0, 0)).await;
    let [DueCall { reminder, task: DueTask::Dial }] = &first[..] else { panic!("one number, one call: {first:?}") };
    assert_eq!((reminder.appointment, reminder.attempts), (Some(AppointmentId(1)), 1));
    assert_eq!(claim(&store, at(0, 0)).await, []);
    assert_eq!(claim(&store, at(0, 1)).await[0].task, DueTask::Reconcile);
    let again = CallSettled::Again { at: at(0, 30), counts: false, reason: "http 429".into() };
    assert_eq!(store.settle_call(reminder.id, 1, &again, at(0, 1)).await, Ok(true));
    assert_eq!(store.settle_call(reminder.id, 1, &again, at(0, 1)).await, Ok(false));
    let second = claim(&store, at(0, 1)).await.remove(0).reminder;
    assert_eq!(second.appointment, Some(AppointmentId(2)));
    let done = CallSettled::Done(ReminderOutcome::Answered);
    assert_eq!(store.settle_call(second.id, 1, &done, at(0, 2)).await, Ok(true));
    store.change(|records| records.appointments[0].starts_at = at(40, 0));
    assert_eq!(claim(&store, at(0, 30)).await, []);
    let skipped = store.reminder(reminder.id).await.unwrap().unwrap();
    assert_eq!((skipped.status, skipped.tried()), (ReminderStatus::Skipped, 0));
    assert_eq!(skipped.reason.as_deref(), Some(reasons::APPOINTMENT_MOVED));
    assert_eq!(store.reminders_between(at(0, 0), at(1, 0), 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_round_leaves_out_who_was_reminded_on_the_day() {
    let store = store();
    let asked = NewReminder {
        kind: ReminderKind::Requested,
        appointment: Some(AppointmentId(1)),
        customer: Some(maria().id),
        phone: maria().phone,
        about: None,
        due_at: at(-1, 0),
        until: at(2, 0),
        for_staff: false,
    };
    let asked = store.add_reminder(&asked, at(-1, 0)).await.unwrap();
    let left = async || store.round_of(&round()).await.unwrap().iter().map(|(a, _)| a.id.0).collect::<Vec<_>>();
    assert_eq!(left().await, [2], "while it waits");
    claim(&store, at(-1, 0)).await;
    store.settle_call(asked, 1, &CallSettled::Done(ReminderOutcome::Confirmed), at(-1, 1)).await.unwrap();
    assert_eq!(left().await, [2], "and when it has reached her");
    assert_eq!(store.make_round(&round(), at(0, 0)).await, Ok(Some(1)));
}

#[tokio::test]
async fn what_is_overdue_is_texted_and_opt_outs_are_obeyed() {
    let store = store();
    store.make_round(&round(), at(0, 0)).await.unwrap();
    store.change(|records| records.appointments[1].status = AppointmentStatus::Cancelled);
    assert_eq!(store.miss_overdue(at(2, 0), true).await.unwrap().len(), 1);
    let texts = store.records.lock().unwrap().outbox.iter().filter(|(_, o)| matches!(o, Order::Text(_))).count();
    assert_eq!(texts, 1);
    let phone = PhoneNumber::parse(super::KNOWN_PHONE).unwrap();
    let wish = OptOut { phone: phone.clone(), channel: Channel::Voice, reason: OptOut::ASKED };
    store.opt_out(&wish, at(0, 0)).await.unwrap();
    let new = NewReminder {
        kind: ReminderKind::CallBack,
        appointment: None,
        customer: None,
        phone: phone.clone(),
        about: None,
        due_at: at(3, 0),
        until: at(5, 0),
        for_staff: false,
    };
    let refused = store.add_reminder(&new, at(0, 0)).await.unwrap();
    assert_eq!(claim(&store, at(3, 0)).await, []);
    assert_eq!(store.reminder(refused).await.unwrap().unwrap().reason.as_deref(), Some(reasons::OPTED_OUT));
    store.opt_in(&phone, Channel::Voice).await.unwrap();
    let replaced = store.add_reminder(&new, at(0, 0)).await.unwrap();
    let wanted = store.add_reminder(&new, at(0, 0)).await.unwrap();
    assert_eq!(store.reminder(replaced).await.unwrap().unwrap().reason.as_deref(), Some(reasons::REPLACED));
    assert_eq!(claim(&store, at(3, 0)).await[0].reminder.id, wanted);
    let confirm = async || store.confirm_by_text(&phone, at(0, 0)).await.unwrap().unwrap().0;
    let confirmed = confirm().await;
    assert_eq!((confirmed.id, confirmed.version), (AppointmentId(1), 2));
    assert_eq!(confirm().await, confirmed);
    // The one about the second appointment is the latest, until it turns out not to have come.
    store.change(|records| {
        records.appointments[1].status = AppointmentStatus::Scheduled;
        let about = TextOrder { about: TextKind::Booked, appointment: AppointmentId(2), version: 1 };
        records.outbox = vec![(OutboxId(9), Order::Text(about))];
    });
    let word =
        |status: &str| TextProgress { order: OutboxId(9), sid: "SM9".into(), status: status.into(), error_code: None };
    store.text_progress(&word("sent"), at(0, 0)).await.unwrap();
    assert_eq!(confirm().await.id, AppointmentId(2));
    store.text_progress(&word("undelivered"), at(0, 0)).await.unwrap();
    assert_eq!(confirm().await.id, AppointmentId(1));
}

#[test]
fn reports_of_a_text_message_never_go_back() {
    let follows = |known: &str, status: &str| {
        let (order, sid) = (crate::domain::OutboxId(1), "SM1".to_owned());
        TextProgress { order, sid, status: status.into(), error_code: None }.follows(known)
    };
    for (known, status, expected) in [
        ("queued", "sending", true),
        ("sending", "queued", false),
        ("sent", "sent", true),
        ("sent", "delivered", true),
        ("delivered", "sent", false),
        ("failed", "delivered", false),
        ("delivered", "read", false),
        ("new word", "sent", true),
        ("sent", "new word", false),
    ] {
        assert_eq!(follows(known, status), expected, "{known} {status}");
    }
}
