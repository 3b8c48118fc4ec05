//! Attempts: claimed by one node, found in doubt by the next, and brought on by each word of them once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Duration, Utc};
use otto_actors::domain::{CallSid, Reminder, ReminderId, ReminderOutcome, ReminderStatus};
use otto_actors::ports::{CallEnd, CallFacts, CallSettled, DueTask};

use super::lab::{Lab, Opening, at, effect};
use super::reminders::{LEASE, call_back, claim, now, requested, with_rows};

fn call(n: usize) -> CallSid {
    effect(n, "").call
}

fn accepted(n: usize) -> CallSettled {
    CallSettled::Accepted { call: call(n), look_at: at(0, 10) }
}

fn again(at: DateTime<Utc>, counts: bool) -> CallSettled {
    CallSettled::Again { at, counts, reason: "busy".into() }
}

async fn settle(lab: &Lab, id: ReminderId, attempt: u32, settled: &CallSettled) -> bool {
    lab.two.settle_call(id, attempt, settled, at(0, 1)).await.unwrap()
}

/// Where a row stands before a word comes, as it is written by hand.
const STATES: [(&str, &str, u32); 10] = [
    ("never dialled", "UPDATE reminders SET status = 'pending', attempts = 0, call_sid = NULL, outcome = NULL", 0),
    ("dialling", "UPDATE reminders SET status = 'dialling', attempts = 1, call_sid = NULL, outcome = NULL", 1),
    (
        "calling",
        "UPDATE reminders SET status = 'calling', attempts = 1, call_sid = 'CA00000000000000000000000000000001', \
         outcome = NULL",
        1,
    ),
    ("not found", "UPDATE reminders SET status = 'pending', attempts = 1, call_sid = NULL, outcome = NULL", 1),
    (
        "was busy",
        "UPDATE reminders SET status = 'pending', attempts = 1, call_sid = 'CA00000000000000000000000000000001', \
         outcome = NULL",
        1,
    ),
    ("answered", "UPDATE reminders SET status = 'done', attempts = 1, outcome = 'answered'", 1),
    ("confirmed", "UPDATE reminders SET status = 'done', attempts = 1, outcome = 'confirmed'", 1),
    ("missed", "UPDATE reminders SET status = 'missed', attempts = 1, outcome = NULL", 1),
    ("skipped", "UPDATE reminders SET status = 'skipped', attempts = 1, outcome = NULL", 1),
    ("for staff", "UPDATE reminders SET status = 'for_staff', attempts = 1, outcome = NULL", 1),
];

/// What each word makes of each state, in the order of the words below; a dot: nothing changes.
const AFTER: [&str; 10] = [
    ". . . . . . . . . .",
    "calling calling dialling pending pending missed done done missed skipped",
    "calling . . pending . missed done done missed skipped",
    "calling calling . . . . done done . .",
    ". . . . . . . . . .",
    ". . . . . . . done . .",
    ". . . . . . . . . .",
    ". . . . . . . . . .",
    ". . . . . . . . . .",
    ". . . . . . . . . .",
];

pub(in crate::store) async fn each_word_of_an_attempt_by_where_it_stands(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let id = lab.one.add_reminder(&call_back(1), at(0, 0)).await.unwrap();
    let words = [
        accepted(1),
        accepted(2),
        CallSettled::Unknown { look_at: at(0, 5), reason: "http 503".into() },
        again(at(1, 0), true),
        again(at(1, 0), false),
        again(at(2, 0), true),
        CallSettled::Done(ReminderOutcome::Answered),
        CallSettled::Done(ReminderOutcome::Confirmed),
        CallSettled::Missed { reason: "refused".into(), text: true },
        CallSettled::Skipped { reason: "fax".into() },
    ];
    for ((name, sql, attempt), after) in STATES.into_iter().zip(AFTER) {
        for (word, expected) in words.iter().zip(after.split(' ')) {
            lab.run("UPDATE reminders SET failures = 0").await.unwrap();
            lab.run(sql).await.unwrap();
            let before = now(&lab, id).await;
            assert!(!settle(&lab, id, attempt + 1, word).await, "{name}: {word:?} of another attempt");
            assert_eq!(now(&lab, id).await, before);
            let changed = settle(&lab, id, attempt, word).await;
            let row = now(&lab, id).await;
            let shown = if changed { row.status.as_str() } else { "." };
            assert_eq!(shown, expected, "{name}: {word:?}");
            assert!(changed || row == before, "{name}: {word:?}");
        }
    }
    assert!(!settle(&lab, ReminderId(4_711), 1, &words[0]).await);
    assert_eq!(lab.count("SELECT count(*) FROM outbox").await, 0, "it is about no appointment");
}

pub(in crate::store) async fn an_attempt_is_held_and_found_in_doubt(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let (_, rows) = with_rows(&lab, 2).await;
    let first = claim(&lab.one, "a", 1, at(0, 0)).await.remove(0);
    assert_eq!((first.reminder.id, first.task), (rows[0], DueTask::Dial), "the earliest appointment");
    assert_eq!(first.reminder, now(&lab, rows[0]).await);
    let Reminder { status, attempts, dialled_at, .. } = first.reminder;
    assert_eq!((status, attempts, dialled_at), (ReminderStatus::Dialling, 1, Some(at(0, 0))));
    let second = claim(&lab.two, "b", 9, at(0, 0) + LEASE - Duration::seconds(1)).await;
    assert_eq!(second.iter().map(|due| due.reminder.id).collect::<Vec<_>>(), [rows[1]], "the first is held");
    // The node has died: whoever comes next asks, and holds it in turn.
    let doubt = claim(&lab.two, "b", 0, at(0, 0) + LEASE).await;
    assert_eq!((doubt.len(), doubt[0].reminder.id, doubt[0].task), (1, rows[0], DueTask::Reconcile));
    assert_eq!((doubt[0].reminder.attempts, doubt[0].reminder.dialled_at), (1, Some(at(0, 0))), "as it began");
    assert_eq!(claim(&lab.one, "c", 0, at(0, 1)).await, []);
    assert!(settle(&lab, rows[0], 1, &accepted(1)).await);
    assert_eq!(lab.one.reminder_of_call(&call(1)).await.unwrap().unwrap().id, rows[0]);
    let held = "SELECT count(*) FROM reminders WHERE lease_owner IS NOT NULL";
    assert_eq!(lab.count(held).await, 1, "the other one");
    assert!(settle(&lab, rows[1], 1, &CallSettled::Unknown { look_at: at(0, 3), reason: "http 500".into() }).await);
    assert_eq!(claim(&lab.one, "c", 9, at(0, 2)).await, []);
    assert_eq!(claim(&lab.one, "c", 9, at(0, 3)).await[0].task, DueTask::Reconcile);
    let look = claim(&lab.one, "c", 9, at(0, 10)).await;
    let tasks: Vec<_> = look.iter().map(|due| (due.reminder.id, due.task)).collect();
    assert_eq!(tasks, [(rows[1], DueTask::Reconcile), (rows[0], DueTask::Look)]);
    assert!(settle(&lab, rows[0], 1, &again(at(0, 30), true)).await);
    assert_eq!(claim(&lab.one, "c", 9, at(0, 10)).await, []);
    let retry = claim(&lab.one, "c", 9, at(0, 30)).await;
    let retry = retry.iter().find(|due| due.reminder.id == rows[0]).unwrap();
    assert_eq!((retry.task, retry.reminder.attempts, &retry.reminder.call), (DueTask::Dial, 2, &None));
    assert!(!settle(&lab, rows[0], 1, &CallSettled::Done(ReminderOutcome::Answered)).await, "an earlier attempt");
    let missed = CallSettled::Missed { reason: "no-answer".into(), text: true };
    assert!(settle(&lab, rows[0], 2, &missed).await);
    assert!(!settle(&lab, rows[0], 2, &missed).await);
    assert_eq!(lab.count("SELECT count(*) FROM outbox WHERE kind = 'text'").await, 1);
    assert_eq!(now(&lab, rows[0]).await.reason.as_deref(), Some("no-answer"));
}

pub(in crate::store) async fn attempts_that_do_not_count_are_told_apart(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let id = lab.one.add_reminder(&call_back(1), at(0, 0)).await.unwrap();
    for attempt in 1..=3 {
        assert_eq!(claim(&lab.one, "a", 1, at(0, 0)).await[0].reminder.attempts, attempt);
        assert!(settle(&lab, id, attempt, &again(at(0, 0), false)).await);
        let row = now(&lab, id).await;
        assert_eq!((row.failures, row.tried()), (attempt, 0));
    }
    claim(&lab.one, "a", 1, at(0, 0)).await;
    assert!(!settle(&lab, id, 3, &again(at(0, 0), false)).await, "the same word again is not about this attempt");
    assert!(settle(&lab, id, 4, &again(at(1, 0), true)).await);
    let row = now(&lab, id).await;
    assert_eq!((row.attempts, row.failures, row.tried(), row.next_at), (4, 3, 1, at(1, 0)));
}

pub(in crate::store) async fn a_number_is_called_once_at_a_time(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let (booked, rows) = with_rows(&lab, 2).await;
    // Somebody asks to be called back at the number of one who is to be reminded.
    let back = lab.one.add_reminder(&call_back(0), at(0, 0)).await.unwrap();
    let claimed = |due: Vec<otto_actors::ports::DueCall>| due.iter().map(|due| due.reminder.id).collect::<Vec<_>>();
    assert_eq!(claimed(claim(&lab.one, "a", 9, at(0, 0)).await), [back, rows[1]]);
    assert_eq!(claimed(claim(&lab.two, "b", 9, at(0, 0)).await), [], "while it is being dialled");
    assert!(settle(&lab, back, 1, &accepted(1)).await);
    assert_eq!(claimed(claim(&lab.two, "b", 9, at(0, 0)).await), [], "and while it is called");
    assert!(settle(&lab, back, 1, &CallSettled::Done(ReminderOutcome::Answered)).await);
    assert_eq!(claimed(claim(&lab.two, "b", 9, at(0, 0)).await), [rows[0]]);
    let same = lab.one.add_reminder(&requested(&booked[0], 0), at(0, 0)).await;
    assert_eq!(same, Ok(rows[0]), "a reminder of it is open");
}

pub(in crate::store) async fn what_came_of_the_conversation_wins(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let (confirmed, answered) = (ReminderOutcome::Confirmed, ReminderOutcome::Answered);
    for (n, before, reminder_outcome, after, expected) in [
        (1, Some(accepted(1)), confirmed, None, confirmed),
        (2, Some(accepted(2)), confirmed, Some(CallSettled::Done(answered)), confirmed),
        (3, Some(CallSettled::Done(answered)), confirmed, None, confirmed),
        (4, Some(CallSettled::Done(confirmed)), answered, None, confirmed),
        (5, None, confirmed, Some(accepted(5)), confirmed),
        (6, Some(again(at(1, 0), false)), ReminderOutcome::Voicemail, None, ReminderOutcome::Voicemail),
        (7, Some(again(at(9, 0), true)), ReminderOutcome::CallLater, None, ReminderOutcome::CallLater),
    ] {
        let id = lab.one.add_reminder(&call_back(n), at(0, 0)).await.unwrap();
        assert_eq!(claim(&lab.one, "a", 1, at(0, 0)).await[0].reminder.id, id);
        if let Some(word) = &before {
            assert!(settle(&lab, id, 1, word).await, "{n}");
        }
        let end = ended((id, reminder_outcome));
        lab.one.call_ended(&call(n), &end).await.unwrap();
        lab.two.call_ended(&call(n), &end).await.unwrap();
        if let Some(word) = &after {
            assert!(!settle(&lab, id, 1, word).await, "{n}");
        }
        let row = now(&lab, id).await;
        assert_eq!((row.status, row.outcome), (ReminderStatus::Done, Some(expected)), "{n}");
    }
    // Word of another call than the one that is going on is not about it; nor is what never was a row.
    let id = lab.one.add_reminder(&call_back(9), at(0, 0)).await.unwrap();
    claim(&lab.one, "a", 1, at(0, 0)).await;
    assert!(settle(&lab, id, 1, &accepted(9)).await);
    lab.one.call_ended(&call(10), &ended((id, confirmed))).await.unwrap();
    assert_eq!(now(&lab, id).await.status, ReminderStatus::Calling);
    lab.one.call_ended(&call(11), &ended((ReminderId(4_711), confirmed))).await.unwrap();
    assert_eq!(lab.count("SELECT count(*) FROM call_logs WHERE status = 'ended'").await, 9, "the log has them all");
}

fn ended(reminder: (ReminderId, ReminderOutcome)) -> CallEnd {
    CallEnd {
        ended_at: at(0, 2),
        outcome: "hangup_by_caller",
        turns: 1,
        transcript: String::new(),
        facts: CallFacts::default(),
        reminder: Some(reminder),
    }
}

/// Rows of the crowd, two a number.
const CROWD: usize = 500;

pub(in crate::store) async fn of_many_that_claim_at_once_each_row_goes_to_one(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    lab.run(
        "INSERT INTO reminders (kind, phone, due_at, until, next_at) \
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 499) \
         SELECT 'call_back', '+1555' || (5550000 + i / 2), '2026-11-24T00:00:00Z', '2026-11-24T02:00:00Z', \
         '2026-11-24T00:00:00Z' FROM n",
    )
    .await
    .unwrap();
    let claims: Arc<Mutex<HashMap<ReminderId, usize>>> = Arc::default();
    let busy = Arc::new(Mutex::new(HashSet::new()));
    let mut tasks = Vec::new();
    for n in 0..6 {
        let store = Arc::clone(if n % 2 == 0 { &lab.one } else { &lab.two });
        let (claims, busy) = (Arc::clone(&claims), Arc::clone(&busy));
        tasks.push(tokio::spawn(async move {
            while claims.lock().unwrap().len() < CROWD {
                let due = claim(&store, &format!("node {n}"), 25, at(0, 0)).await;
                for due in &due {
                    *claims.lock().unwrap().entry(due.reminder.id).or_default() += 1;
                    assert!(busy.lock().unwrap().insert(due.reminder.phone.clone()), "two calls to one number");
                }
                for due in &due {
                    busy.lock().unwrap().remove(&due.reminder.phone);
                    let done = CallSettled::Done(ReminderOutcome::Answered);
                    assert_eq!(store.settle_call(due.reminder.id, 1, &done, at(0, 0)).await, Ok(true));
                }
                tokio::task::yield_now().await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let claims = claims.lock().unwrap().clone();
    assert_eq!(claims.len(), CROWD);
    assert!(claims.values().all(|times| *times == 1), "each once");
    assert_eq!(lab.count("SELECT count(*) FROM reminders WHERE status = 'done' AND attempts = 1").await, CROWD as i64);
}
