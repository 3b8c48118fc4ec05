//! Text messages, the call log as Twilio sees it, and the messages that callers leave.

use std::sync::Arc;

use otto_actors::domain::{AnsweredBy, AppointmentStatus, CallStatus, OutboxId};
use otto_actors::effects::Fence;
use otto_actors::ports::{
    Action, AppointmentChange, AppointmentStep, Booking, CallEnd, CallFacts, CallProgress, CallRecord, Claim,
    NewMessage, Order, OutboxRow, StoreError, TextKind, TextOrder, TextProgress,
};
use serde_json::json;

use super::changes::{Booked, cancel, move_to};
use super::lab::{Lab, Opening, at, book, by_new, customer, effect, phone, render};
use super::reminders::{LEASE, with_rows};

pub(super) async fn ordered(lab: &Lab) -> Vec<(OutboxId, TextOrder)> {
    let claim = Claim { kind: "text", worker: "a", limit: 9, lease: LEASE, now: at(0, 0) };
    let mut orders = Vec::new();
    for row in lab.two.claim_due(&claim).await.unwrap() {
        assert!(lab.one.delivered(&row, at(0, 0)).await.unwrap());
        let Order::Text(about) = row.order else { panic!("{row:?}") };
        orders.push((row.id, about));
    }
    orders
}

pub(in crate::store) async fn a_text_is_ordered_with_what_it_is_about(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let silent = Booked::new(&lab.one, 1, at(15, 0)).await;
    silent.change(&lab.one, 1, cancel()).await.unwrap();
    assert_eq!(ordered(&lab).await, []);
    let wanted = |n| Booking { text: true, ..by_new(n, at(17, 0), 60) };
    let booked = book(&lab.one, 2, wanted(2)).await.unwrap();
    assert_eq!(book(&lab.two, 2, wanted(2)).await, Ok(booked.clone()), "the same again");
    assert_eq!(book(&lab.two, 3, wanted(3)).await, Err(StoreError::JustTaken));
    let id = otto_actors::domain::AppointmentId(booked["appointment"].as_i64().unwrap());
    let owner = customer(&lab.one, 2).await;
    let orders = async || ordered(&lab).await.into_iter().map(|(_, order)| order).collect::<Vec<_>>();
    let about = |about, version| vec![TextOrder { about, appointment: id, version }];
    assert_eq!(orders().await, about(TextKind::Booked, 1));
    for (n, step, expected) in [
        (4, AppointmentStep::Confirm, vec![]),
        (5, move_to(at(19, 0)), about(TextKind::Moved, 3)),
        (6, cancel(), about(TextKind::Cancelled, 4)),
    ] {
        let change = AppointmentChange { appointment: id, customer: owner, step, text: true };
        let action = Action::ChangeAppointment { change, render: render() };
        lab.one.act(&effect(n, "change"), &Fence::open(), action).await.unwrap();
        assert_eq!(orders().await, expected);
    }
}

pub(in crate::store) async fn a_reminder_that_waits_holds_up_no_confirmation(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let (booked, _) = with_rows(&lab, 1).await;
    lab.one.miss_overdue(at(2, 0), true).await.unwrap();
    let claim = async |now| {
        let claim = Claim { kind: "text", worker: "a", limit: 9, lease: LEASE, now };
        lab.two.claim_due(&claim).await.unwrap()
    };
    let about = |row: &OutboxRow| match &row.order {
        Order::Text(text) => text.about,
        other => panic!("{other:?}"),
    };
    let reminder = claim(at(3, 0)).await.remove(0);
    assert_eq!(about(&reminder), TextKind::Reminder);
    assert!(lab.one.failed(&reminder, at(15, 0), "customers are not texted at this hour").await.unwrap());
    let Booked { id, owner } = booked[0];
    let change = AppointmentChange { appointment: id, customer: owner, step: move_to(at(19, 0)), text: true };
    let action = Action::ChangeAppointment { change, render: render() };
    lab.one.act(&effect(1, "change"), &Fence::open(), action).await.unwrap();
    assert_eq!(claim(at(4, 0)).await.iter().map(about).collect::<Vec<_>>(), [TextKind::Moved]);
    assert_eq!(claim(at(15, 0)).await.iter().map(about).collect::<Vec<_>>(), [TextKind::Reminder, TextKind::Moved]);
}

pub(in crate::store) async fn how_a_text_stands_never_goes_back(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let booking = Booking { text: true, ..by_new(1, at(15, 0), 60) };
    book(&lab.one, 1, booking).await.unwrap();
    let order = ordered(&lab).await[0].0;
    let note = async |order, sid: &str, status: &str, error_code| {
        let progress = TextProgress { order, sid: sid.into(), status: status.into(), error_code };
        lab.one.text_progress(&progress, at(0, 0)).await.unwrap();
    };
    let stands = async |sql| lab.count(sql).await == 1;
    assert_eq!(lab.two.text_of(order).await, Ok(None));
    note(order, "SM1", "queued", None).await;
    assert_eq!(lab.two.text_of(order).await, Ok(Some("SM1".into())));
    note(order, "SM1", "on its way", None).await;
    assert!(stands("SELECT count(*) FROM texts WHERE status = 'on its way'").await, "a word that nobody knows");
    note(order, "SM1", "sent", None).await;
    note(order, "SM1", "queued", None).await;
    note(order, "SM1", "on its way", None).await;
    note(order, "SM2", "delivered", None).await;
    assert!(stands("SELECT count(*) FROM texts WHERE status = 'sent' AND message_sid = 'SM1'").await);
    note(order, "SM1", "undelivered", Some(30_003)).await;
    note(order, "SM1", "delivered", None).await;
    assert!(stands("SELECT count(*) FROM texts WHERE status = 'undelivered' AND error_code = 30003").await);
    // What is no order for a text message is nobody's.
    note(OutboxId(4_711), "SM9", "sent", None).await;
    note(OutboxId(lab.count("SELECT id FROM outbox WHERE kind = 'calendar_upsert'").await), "SM9", "sent", None).await;
    assert!(stands("SELECT count(*) FROM texts").await);
}

pub(in crate::store) async fn without_a_text_the_earliest_that_is_scheduled_is_confirmed(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let past = Booked::new(&lab.one, 1, at(9, 0)).await;
    for (n, hour) in [(2, 17), (3, 15), (4, 13)] {
        book(&lab.one, n, by_new(1, at(hour, 0), 60)).await.unwrap();
    }
    lab.run("UPDATE appointments SET status = 'cancelled' WHERE starts_at = '2026-11-24T13:00:00Z'").await.unwrap();
    lab.run("DELETE FROM outbox").await.unwrap();
    for (store, hour) in [(&lab.one, 15), (&lab.two, 17), (&lab.one, 15)] {
        let (confirmed, who) = store.confirm_by_text(&phone(1), at(12, 0)).await.unwrap().unwrap();
        assert_eq!((confirmed.starts_at, confirmed.version, who.id), (at(hour, 0), 2, past.owner));
        assert_eq!(confirmed.status, AppointmentStatus::Confirmed);
    }
    assert_eq!(lab.count("SELECT count(*) FROM outbox WHERE kind = 'calendar_upsert'").await, 2);
    assert_eq!(lab.one.confirm_by_text(&phone(1), at(20, 0)).await, Ok(None), "nothing is coming");
    assert_eq!(lab.one.confirm_by_text(&phone(2), at(12, 0)).await, Ok(None), "nobody has that number");
}

pub(in crate::store) async fn a_text_message_confirms_what_the_latest_one_was_about(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    for (n, hour) in [(1, 15), (2, 17), (3, 19), (4, 21)] {
        book(&lab.one, n, Booking { text: true, ..by_new(1, at(hour, 0), 60) }).await.unwrap();
    }
    book(&lab.one, 5, Booking { text: true, ..by_new(2, at(23, 0), 60) }).await.unwrap();
    let orders = ordered(&lab).await;
    // There is none about the first one, and that about the last one failed; the others went in this order.
    for ((order, _), (minute, status)) in
        orders[1..].iter().zip([(2, "delivered"), (1, "sent"), (3, "undelivered"), (4, "delivered")])
    {
        let sid = format!("SM{minute}");
        let progress = TextProgress { order: *order, sid, status: status.into(), error_code: None };
        lab.one.text_progress(&progress, at(0, minute)).await.unwrap();
    }
    lab.run("UPDATE outbox SET delivered_at = NULL").await.unwrap();
    let confirmed = async |now| {
        let found = lab.two.confirm_by_text(&phone(1), now).await.unwrap();
        found.map(|(confirmed, _)| (confirmed.starts_at, confirmed.version))
    };
    assert_eq!(confirmed(at(12, 0)).await, Some((at(17, 0), 2)));
    assert_eq!(confirmed(at(12, 0)).await, Some((at(17, 0), 2)), "the same word again");
    assert_eq!(confirmed(at(18, 0)).await, Some((at(19, 0), 2)), "the latest that is still to come");
    assert_eq!(confirmed(at(20, 0)).await, Some((at(21, 0), 2)), "without one, what is scheduled");
}

/// What arrives about a call that Otto placed.
#[derive(Clone)]
enum Word {
    Twilio(CallProgress),
    Started(CallRecord),
    Ended(CallEnd),
}

/// Every order of some words.
fn orders(words: &[Word]) -> Vec<Vec<Word>> {
    if words.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for n in 0..words.len() {
        let mut rest = words.to_vec();
        let first = rest.remove(n);
        all.extend(orders(&rest).into_iter().map(|tail| [vec![first.clone()], tail].concat()));
    }
    all
}

fn report(minute: i64, status: Option<CallStatus>) -> CallProgress {
    let call = effect(1, "").call;
    CallProgress { call, status, answered_by: None, duration_s: None, outbound: true, at: at(0, minute) }
}

pub(in crate::store) async fn the_call_log_is_the_same_in_any_order(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let call = effect(1, "").call;
    let over = report(5, Some(CallStatus::Completed));
    let completed = CallProgress { duration_s: Some(42), answered_by: Some(AnsweredBy::Unknown), ..over };
    let human = CallProgress { answered_by: Some(AnsweredBy::Human), ..report(3, None) };
    let started = CallRecord {
        call: call.clone(),
        direction: "outbound",
        caller: Some(phone(1)),
        customer: None,
        started_at: at(0, 2),
    };
    let facts = CallFacts::default();
    let transcript = "Otto: hello".to_owned();
    let end = CallEnd { ended_at: at(0, 4), outcome: "goodbye", turns: 1, transcript, facts, reminder: None };
    let talked = [
        Word::Twilio(report(1, Some(CallStatus::Ringing))),
        Word::Twilio(human),
        Word::Twilio(completed),
        Word::Started(started),
        Word::Ended(end),
    ];
    let busy = [
        Word::Twilio(report(1, Some(CallStatus::Initiated))),
        Word::Twilio(report(2, Some(CallStatus::Ringing))),
        Word::Twilio(report(3, Some(CallStatus::Busy))),
        Word::Twilio(report(3, Some(CallStatus::Busy))),
    ];
    let whole = "SELECT count(*) FROM call_logs WHERE status = 'ended' AND direction = 'outbound' \
                 AND call_status = 'completed' AND answered_by = 'human' AND duration_s = 42 \
                 AND caller = '+15555550001' AND outcome = 'goodbye' AND transcript = 'Otto: hello' \
                 AND started_at = '2026-11-24T00:01:00Z' AND ended_at = '2026-11-24T00:04:00Z'";
    let never_began = "SELECT count(*) FROM call_logs WHERE status = 'ended' AND direction = 'outbound' \
                       AND call_status = 'busy' AND answered_by IS NULL AND duration_s IS NULL AND outcome IS NULL \
                       AND started_at = '2026-11-24T00:01:00Z' AND ended_at = '2026-11-24T00:03:00Z'";
    for (words, expected) in [(&talked[..], whole), (&busy[..], never_began)] {
        for (n, order) in orders(words).into_iter().enumerate() {
            lab.run("DELETE FROM call_logs").await.unwrap();
            for word in order {
                match word {
                    Word::Twilio(progress) => lab.one.call_progress(&progress).await.unwrap(),
                    Word::Started(record) => lab.two.call_started(&record).await.unwrap(),
                    Word::Ended(end) => lab.one.call_ended(&call, &end).await.unwrap(),
                }
            }
            assert_eq!(lab.count(expected).await, 1, "order {n}");
        }
    }
    lab.one.call_progress(&report(9, Some(CallStatus::Completed))).await.unwrap();
    assert_eq!(lab.count(never_began).await, 1, "the first end stays");
}

pub(in crate::store) async fn messages_are_listed_latest_first(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let owner = Booked::new(&lab.one, 1, at(15, 0)).await.owner;
    let message = |n: usize, caller| NewMessage {
        caller,
        customer: (n == 1).then_some(owner),
        name: Some(format!("Caller {n}")),
        text: format!("call me {n}"),
    };
    let messages = [message(1, Some(phone(1))), message(2, None)];
    for (n, message) in messages.iter().enumerate() {
        let action = Action::TakeMessage { message: message.clone(), render: Arc::new(|| json!("noted")) };
        lab.one.act(&effect(n, "message"), &Fence::open(), action).await.unwrap();
    }
    lab.run("UPDATE messages SET created_at = '2026-11-24T10:00:00Z' WHERE body = 'call me 1'").await.unwrap();
    lab.run("UPDATE messages SET created_at = '2026-11-24T11:00:00Z' WHERE body = 'call me 2'").await.unwrap();
    let listed = async |since, limit| {
        let rows = lab.two.messages_since(since, limit).await.unwrap();
        rows.into_iter().map(|row| (row.at, row.call, row.message)).collect::<Vec<_>>()
    };
    let first = (at(10, 0), effect(0, "").call, messages[0].clone());
    let second = (at(11, 0), effect(1, "").call, messages[1].clone());
    assert_eq!(listed(at(10, 0), 9).await, [second.clone(), first]);
    assert_eq!(listed(at(10, 0), 1).await, [second]);
    assert_eq!(listed(at(11, 1), 9).await, []);
}
