//! Calls to be placed: who gets a row, who is not called after all, and what operators see.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use otto_actors::domain::{
    AppointmentId, NewReminder, Reminder, ReminderId, ReminderKind, ReminderStatus, Round, reasons,
};
use otto_actors::effects::Fence;
use otto_actors::ports::{Action, AppointmentStep, CallClaim, DueCall, RenderMessage};
use serde_json::json;

use super::changes::{Booked, cancel, move_to};
use super::consent::opt_out;
use super::lab::{Lab, Opening, at, effect, phone};
use crate::store::Records;

pub(super) const LEASE: Duration = Duration::from_secs(60);

/// The round of the laboratory's day, whose midnight is at six.
pub(super) fn round() -> Round {
    let of = "2026-11-24".parse().unwrap();
    Round { of, from: at(6, 0), to: at(30, 0), day_from: at(-18, 0), due_at: at(0, 0), until: at(2, 0) }
}

pub(super) async fn claim(store: &Arc<dyn Records>, worker: &str, limit: u32, now: DateTime<Utc>) -> Vec<DueCall> {
    store.claim_calls(&CallClaim { worker, limit, per_second: u32::MAX, lease: LEASE, now }).await.unwrap()
}

pub(super) async fn now(lab: &Lab, id: ReminderId) -> Reminder {
    lab.two.reminder(id).await.unwrap().unwrap()
}

pub(super) fn requested(booked: &Booked, n: usize) -> NewReminder {
    NewReminder {
        kind: ReminderKind::Requested,
        appointment: Some(booked.id),
        customer: Some(booked.owner),
        phone: phone(n),
        about: None,
        due_at: at(0, 0),
        until: at(2, 0),
        for_staff: false,
    }
}

pub(super) fn call_back(n: usize) -> NewReminder {
    NewReminder {
        kind: ReminderKind::CallBack,
        appointment: None,
        customer: None,
        phone: phone(n),
        about: Some("the brakes".into()),
        due_at: at(0, 0),
        until: at(2, 0),
        for_staff: false,
    }
}

/// Appointments of customers who agree to be called, an hour each from nine in the morning.
pub(super) async fn agreed(lab: &Lab, count: usize) -> Vec<Booked> {
    let mut all = Vec::new();
    for n in 0..count {
        all.push(Booked::new(&lab.one, n, at(15 + n as i64, 0)).await);
    }
    lab.run("UPDATE customers SET reminder_consent = TRUE").await.unwrap();
    all
}

/// As [`agreed`], with their rows.
pub(super) async fn with_rows(lab: &Lab, count: usize) -> (Vec<Booked>, Vec<ReminderId>) {
    let booked = agreed(lab, count).await;
    assert_eq!(lab.one.make_round(&round(), at(0, 0)).await, Ok(Some(count as u64)));
    let mut rows = lab.two.reminders_between(at(0, 0), at(0, 1), 100).await.unwrap();
    rows.sort_by_key(|row| row.appointment);
    assert_eq!(rows.iter().filter_map(|row| row.appointment).collect::<Vec<_>>(), ids(&booked));
    (booked, rows.iter().map(|row| row.id).collect())
}

fn ids(booked: &[Booked]) -> Vec<AppointmentId> {
    booked.iter().map(|booked| booked.id).collect()
}

pub(in crate::store) async fn no_second_has_more_calls_than_the_account(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    with_rows(&lab, 8).await;
    let claim = async |store: &Arc<dyn Records>, worker, seconds| {
        let now = at(0, 0) + chrono::TimeDelta::seconds(seconds);
        store.claim_calls(&CallClaim { worker, limit: 9, per_second: 3, lease: LEASE, now }).await.unwrap().len()
    };
    assert_eq!((claim(&lab.one, "a", 0).await, claim(&lab.two, "b", 0).await), (3, 0));
    assert_eq!((claim(&lab.two, "b", 1).await, claim(&lab.one, "a", 1).await), (3, 0));
    assert_eq!(claim(&lab.one, "a", 2).await, 2);
}

pub(in crate::store) async fn a_round_is_made_once_whoever_asks(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let booked = agreed(&lab, 7).await;
    booked[1].change(&lab.one, 1, AppointmentStep::Confirm).await.unwrap();
    booked[2].change(&lab.one, 2, cancel()).await.unwrap();
    booked[3].change(&lab.one, 3, move_to(at(31, 0))).await.unwrap();
    lab.run("UPDATE customers SET reminder_consent = FALSE WHERE phone = '+15555550004'").await.unwrap();
    lab.run("UPDATE customers SET reminder_consent = NULL WHERE phone = '+15555550005'").await.unwrap();
    opt_out(&lab, 6).await;
    let called = ids(&booked[..2]);
    let planned = lab.two.round_of(&round()).await.unwrap();
    assert_eq!(planned.iter().map(|(appointment, _)| appointment.id).collect::<Vec<_>>(), called);
    assert!(planned.iter().all(|(appointment, customer)| appointment.customer == customer.id));
    let mut tasks = Vec::new();
    for n in 0..20 {
        let store = Arc::clone(if n % 2 == 0 { &lab.one } else { &lab.two });
        tasks.push(tokio::spawn(async move { store.make_round(&round(), at(0, 0)).await.unwrap() }));
    }
    let mut made = Vec::new();
    for task in tasks {
        made.extend(task.await.unwrap());
    }
    assert_eq!(made, [2], "one of twenty made it");
    Booked::new(&lab.one, 8, at(25, 0)).await;
    assert_eq!(lab.one.make_round(&round(), at(0, 5)).await, Ok(None), "who books later has just been spoken to");
    let rows = lab.two.reminders_between(at(0, 0), at(1, 0), 10).await.unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert!(row.appointment.is_some_and(|id| called.contains(&id)));
        assert_eq!((row.kind, row.status, row.attempts), (ReminderKind::Evening, ReminderStatus::Pending, 0));
        assert_eq!((row.due_at, row.next_at, row.until), (at(0, 0), at(0, 0), at(2, 0)));
    }
}

pub(in crate::store) async fn who_is_not_to_be_called_is_skipped_with_a_reason(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let (booked, rows) = with_rows(&lab, 8).await;
    booked[1].change(&lab.one, 1, cancel()).await.unwrap();
    booked[2].change(&lab.one, 2, move_to(at(31, 0))).await.unwrap();
    booked[3].change(&lab.one, 3, move_to(at(9, 0))).await.unwrap();
    lab.run("UPDATE customers SET reminder_consent = FALSE WHERE phone = '+15555550004'").await.unwrap();
    opt_out(&lab, 5).await;
    let begun = "UPDATE appointments SET starts_at = '2026-11-24T00:30:00Z', ends_at = '2026-11-24T01:30:00Z' \
                 WHERE customer_id = (SELECT id FROM customers WHERE phone = '+15555550006')";
    lab.run(begun).await.unwrap();
    lab.run("UPDATE appointments SET status = 'in_progress' WHERE starts_at = '2026-11-24T22:00:00Z'").await.unwrap();
    // Nothing is decided before it is due.
    assert_eq!(claim(&lab.one, "a", 100, at(0, 0) - chrono::Duration::seconds(1)).await, []);
    assert_eq!(now(&lab, rows[1]).await.status, ReminderStatus::Pending);
    let claimed: Vec<_> = claim(&lab.one, "a", 100, at(1, 0)).await.iter().map(|due| due.reminder.id).collect();
    assert_eq!(claimed, [rows[3], rows[0]], "one moved to an earlier hour of the same day");
    for (row, reason) in [
        (1, reasons::APPOINTMENT_CLOSED),
        (2, reasons::APPOINTMENT_MOVED),
        (4, reasons::NO_CONSENT),
        (5, reasons::OPTED_OUT),
        (6, reasons::APPOINTMENT_BEGUN),
        (7, reasons::APPOINTMENT_CLOSED),
    ] {
        let row = now(&lab, rows[row]).await;
        assert_eq!((row.status, row.reason.as_deref(), row.attempts), (ReminderStatus::Skipped, Some(reason), 0));
    }
    // Who asks for a call need not have been asked for consent; who does not want any is not called all the same.
    lab.run("UPDATE customers SET reminder_consent = NULL").await.unwrap();
    let asked = lab.one.add_reminder(&requested(&booked[4], 4), at(1, 0)).await.unwrap();
    let back = lab.one.add_reminder(&call_back(70), at(1, 0)).await.unwrap();
    lab.one.add_reminder(&call_back(5), at(1, 0)).await.unwrap();
    let claimed: Vec<_> = claim(&lab.two, "b", 100, at(1, 0)).await.iter().map(|due| due.reminder.id).collect();
    assert_eq!(claimed, [back, asked]);
}

pub(in crate::store) async fn the_number_on_file_is_called(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let (booked, rows) = with_rows(&lab, 1).await;
    lab.run("UPDATE customers SET phone = '+15555550077'").await.unwrap();
    assert_eq!(claim(&lab.one, "a", 1, at(0, 0)).await[0].reminder.phone, phone(77));
    let back = NewReminder { customer: Some(booked[0].owner), ..call_back(1) };
    let back = lab.one.add_reminder(&back, at(0, 0)).await.unwrap();
    let promised = claim(&lab.one, "a", 1, at(0, 0)).await.remove(0).reminder;
    assert_eq!((promised.id, promised.phone), (back, phone(1)), "a call-back goes to the number of the call");
    lab.run("UPDATE customers SET phone = '+15555550078'").await.unwrap();
    let again = claim(&lab.two, "b", 1, at(0, 1)).await;
    assert_eq!(again[0].reminder.phone, phone(77), "an attempt in doubt is asked for by the number that was dialled");
    assert_eq!(now(&lab, rows[0]).await, again[0].reminder);
}

pub(in crate::store) async fn what_is_overdue_is_missed_and_texted(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let (booked, rows) = with_rows(&lab, 3).await;
    booked[1].change(&lab.one, 1, cancel()).await.unwrap();
    let back = lab.one.add_reminder(&call_back(70), at(0, 0)).await.unwrap();
    let tried = claim(&lab.one, "a", 2, at(0, 0)).await;
    assert_eq!(tried[0].reminder.id, back, "what has no appointment goes by its own time");
    assert_eq!(lab.one.miss_overdue(at(1, 59), true).await, Ok(vec![]));
    assert_eq!(lab.one.miss_overdue(at(2, 0), true).await, Ok(vec![rows[2]]), "attempts under way go on");
    assert_eq!(lab.two.miss_overdue(at(2, 0), true).await, Ok(vec![]));
    let row = now(&lab, rows[2]).await;
    assert_eq!((row.status, row.reason.as_deref()), (ReminderStatus::Missed, Some(reasons::WINDOW_OVER)));
    assert_eq!(now(&lab, rows[1]).await.status, ReminderStatus::Skipped);
    assert_eq!(lab.count("SELECT count(*) FROM outbox WHERE kind = 'text'").await, 1);
    assert_eq!(claim(&lab.one, "a", 9, at(3, 0)).await.len(), 2, "what is in doubt is asked for, however late");
}

pub(in crate::store) async fn a_call_is_asked_for_once(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let booked = agreed(&lab, 1).await.remove(0);
    let mut tasks = Vec::new();
    for n in 0..20 {
        let store = Arc::clone(if n % 2 == 0 { &lab.one } else { &lab.two });
        tasks.push(tokio::spawn(async move { store.add_reminder(&requested(&booked, 0), at(0, 0)).await.unwrap() }));
    }
    let mut ids = Vec::new();
    for task in tasks {
        ids.push(task.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    lab.run("UPDATE reminders SET status = 'missed'").await.unwrap();
    assert_eq!(lab.two.open_reminder_of(booked.id).await, Ok(None));
    let again = lab.one.add_reminder(&requested(&booked, 0), at(0, 0)).await.unwrap();
    assert_ne!(again, ids[0], "the first one is over");
    assert_eq!(lab.two.open_reminder_of(booked.id).await, Ok(Some(again)));
    let staff = NewReminder { for_staff: true, ..call_back(1) };
    let staff = lab.one.add_reminder(&staff, at(0, 0)).await.unwrap();
    assert_eq!(now(&lab, staff).await.status, ReminderStatus::ForStaff);
    let claimed = claim(&lab.two, "a", 9, at(0, 0)).await;
    assert_eq!(claimed.iter().map(|due| due.reminder.id).collect::<Vec<_>>(), [again]);
    assert_eq!(lab.one.miss_overdue(at(3, 0), true).await, Ok(vec![]), "nor are the staff's ever missed");
    let about = now(&lab, staff).await;
    assert_eq!((about.kind, about.about.as_deref()), (ReminderKind::CallBack, Some("the brakes")));
}

pub(in crate::store) async fn a_call_back_takes_the_place_of_those_that_wait(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let asked = async |new: NewReminder| lab.one.add_reminder(&new, at(0, 0)).await.unwrap();
    let nine = asked(call_back(1)).await;
    let anothers = asked(call_back(2)).await;
    let by_a_person = asked(NewReminder { for_staff: true, ..call_back(1) }).await;
    let ten = NewReminder { due_at: at(1, 0), ..call_back(1) };
    let render: RenderMessage = Arc::new(|| json!("noted"));
    let action = Action::RequestCallBack { new: ten, render };
    lab.two.act(&effect(1, "tool"), &Fence::open(), action).await.unwrap();
    let replaced = now(&lab, nine).await;
    assert_eq!((replaced.status, replaced.reason.as_deref()), (ReminderStatus::Skipped, Some(reasons::REPLACED)));
    let claimed = claim(&lab.one, "a", 9, at(1, 0)).await;
    let phones: Vec<_> = claimed.iter().map(|due| due.reminder.phone.clone()).collect();
    assert_eq!(phones, [phone(2), phone(1)], "each number once");
    assert_eq!(now(&lab, by_a_person).await.status, ReminderStatus::ForStaff, "nobody notes what a person has done");
    // What is being dialled is not taken back.
    let later = asked(NewReminder { due_at: at(1, 30), ..call_back(2) }).await;
    assert_eq!(now(&lab, anothers).await.status, ReminderStatus::Dialling);
    assert_eq!(now(&lab, later).await.status, ReminderStatus::Pending);
}

pub(in crate::store) async fn of_call_backs_at_once_one_waits(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let mut tasks = Vec::new();
    for n in 0..20 {
        let store = Arc::clone(if n % 2 == 0 { &lab.one } else { &lab.two });
        tasks.push(tokio::spawn(async move { store.add_reminder(&call_back(1), at(0, 0)).await.unwrap() }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(lab.count("SELECT count(*) FROM reminders WHERE status = 'pending'").await, 1);
    assert_eq!(claim(&lab.one, "a", 9, at(0, 0)).await.len(), 1);
}

pub(in crate::store) async fn who_has_been_reminded_on_the_day_is_left_out(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    for (n, (after, made)) in [
        ("UPDATE reminders SET status = 'pending'", 0),
        ("UPDATE reminders SET status = 'dialling'", 0),
        ("UPDATE reminders SET status = 'calling'", 0),
        ("UPDATE reminders SET status = 'done', outcome = 'confirmed'", 0),
        ("UPDATE reminders SET status = 'done', outcome = 'call_later'", 0),
        ("UPDATE reminders SET status = 'done', outcome = 'voicemail'", 0),
        ("UPDATE reminders SET status = 'done', outcome = 'screened'", 1),
        ("UPDATE reminders SET status = 'done', outcome = 'wrong_number'", 1),
        ("UPDATE reminders SET status = 'missed'", 1),
        ("UPDATE reminders SET status = 'skipped'", 1),
        // The day before, in the shop's zone.
        ("UPDATE reminders SET status = 'done', outcome = 'confirmed', dialled_at = '2026-11-23T05:59:59Z'", 1),
    ]
    .into_iter()
    .enumerate()
    {
        lab.run("DELETE FROM reminder_rounds").await.unwrap();
        lab.run("UPDATE appointments SET status = 'cancelled'").await.unwrap();
        let booked = Booked::new(&lab.one, n, at(15, 0)).await;
        lab.run("UPDATE customers SET reminder_consent = TRUE").await.unwrap();
        lab.run("DELETE FROM reminders").await.unwrap();
        lab.one.add_reminder(&requested(&booked, n), at(0, 0)).await.unwrap();
        lab.run("UPDATE reminders SET attempts = 1, dialled_at = '2026-11-23T23:00:00Z'").await.unwrap();
        lab.run(after).await.unwrap();
        assert_eq!(lab.two.round_of(&round()).await.unwrap().len() as u64, made, "{after}");
        assert_eq!(lab.one.make_round(&round(), at(0, 0)).await, Ok(Some(made)), "{after}");
    }
}

pub(in crate::store) async fn a_row_that_cannot_be_read_is_missed_and_the_others_are_called(
    open: fn(usize) -> Opening,
) {
    let lab = open(1).await;
    let (_, rows) = with_rows(&lab, 2).await;
    for _ in 0..2 {
        lab.one.add_reminder(&call_back(70), at(0, 0)).await.unwrap();
    }
    lab.run("UPDATE reminders SET phone = 'unknown' WHERE kind = 'call_back' AND status = 'pending'").await.unwrap();
    lab.run(
        "UPDATE reminders SET status = 'calling', attempts = 1, call_sid = 'lost' WHERE kind = 'call_back' \
         AND status = 'skipped'",
    )
    .await
    .unwrap();
    let claimed: Vec<_> = claim(&lab.one, "a", 9, at(0, 0)).await.iter().map(|due| due.reminder.id).collect();
    assert_eq!(claimed, rows);
    let missed =
        "SELECT count(*) FROM reminders WHERE status = 'missed' AND reason = 'unreadable' AND lease_owner IS NULL";
    assert_eq!(lab.count(missed).await, 2);
    let listed = lab.two.reminders_between(at(0, 0), at(0, 1), 9).await.unwrap();
    assert_eq!(listed.len(), rows.len(), "operators see the others");
}

pub(in crate::store) async fn those_of_a_time_are_listed_latest_first(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let mut added = Vec::new();
    for n in 0..4 {
        let due_at = at(n as i64, 0);
        let new = NewReminder { due_at, until: at(20, 0), ..call_back(n) };
        added.push(lab.one.add_reminder(&new, at(0, 0)).await.unwrap());
    }
    let listed = async |from, to, limit| {
        let rows = lab.two.reminders_between(from, to, limit).await.unwrap();
        rows.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(at(1, 0), at(3, 0), 9).await, [added[2], added[1]]);
    assert_eq!(listed(at(0, 0), at(9, 0), 1).await, [added[3]]);
    assert_eq!(lab.one.reminder(ReminderId(4_711)).await, Ok(None));
}
