//! What must be true after an evening, from the telephone company's log and the rows alone: it knows nothing of the
//! workload and of how the scheduler works.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use otto_actors::domain::{CallStatus, Reminder, ReminderStatus, Shop};

use super::telephone::Placed;

/// What came of an evening.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Evening {
    pub(super) done: usize,
    pub(super) missed: usize,
    pub(super) calls: usize,
}

/// Checks that nobody was called twice at once, again after they had answered, too often or outside the time for it, and
/// that every row has ended as the log says.
pub(super) fn check(shop: &Shop, rows: &[Reminder], log: &[Placed]) -> Evening {
    let mut by_number: BTreeMap<&str, Vec<&Placed>> = BTreeMap::new();
    for placed in log {
        by_number.entry(&placed.to).or_default().push(placed);
    }
    let mut evening = Evening { calls: log.len(), ..Evening::default() };
    for row in rows {
        let own = by_number.remove(row.phone.as_e164()).unwrap_or_default();
        check_calls(shop, row, &own);
        let answered = own.iter().any(|placed| placed.end == CallStatus::Completed);
        match row.status {
            ReminderStatus::Done => {
                evening.done += 1;
                assert!(answered, "{row:?} is done, and nobody answered: {own:?}");
            }
            ReminderStatus::Missed => {
                evening.missed += 1;
                assert!(!answered && row.reason.is_some(), "{row:?}: {own:?}");
            }
            _ => panic!("not at its end: {row:?}, calls {own:?}"),
        }
    }
    assert!(by_number.is_empty(), "numbers that nobody asked to be called: {by_number:?}");
    evening
}

fn check_calls(shop: &Shop, row: &Reminder, own: &[&Placed]) {
    assert!(own.len() <= shop.reminders.attempts as usize, "called too often: {own:?}");
    let mut free_at: Option<DateTime<Utc>> = None;
    for placed in own {
        assert!(free_at.is_none_or(|at| at <= placed.at), "two calls at once, or one after an answer: {row:?} {own:?}");
        let answered = placed.end == CallStatus::Completed;
        free_at = Some(if answered { DateTime::<Utc>::MAX_UTC } else { placed.ends_at });
        assert!(row.due_at <= placed.at && placed.at < row.until, "called at another time: {placed:?}");
    }
}

/// The checks can fail.
#[test]
fn the_checker_sees_a_second_call() {
    use otto_actors::domain::{PhoneNumber, ReminderId, ReminderKind, ReminderOutcome};
    let due_at: DateTime<Utc> = "2026-11-24T00:00:00Z".parse().expect("a time");
    let phone = PhoneNumber::parse("+15555550001").expect("a number");
    let row = Reminder {
        id: ReminderId(1),
        kind: ReminderKind::Evening,
        appointment: None,
        customer: None,
        phone: phone.clone(),
        about: None,
        due_at,
        until: due_at + chrono::TimeDelta::hours(2),
        status: ReminderStatus::Done,
        attempts: 1,
        failures: 0,
        next_at: due_at,
        dialled_at: Some(due_at),
        call: None,
        outcome: Some(ReminderOutcome::Answered),
        reason: None,
    };
    let rows = [row];
    let call = |after, end| Placed::test(&phone, due_at + chrono::TimeDelta::seconds(after), end);
    let (busy, answered) = (CallStatus::Busy, CallStatus::Completed);
    let fails = |log: Vec<Placed>| std::panic::catch_unwind(|| check(&Shop::default(), &rows, &log)).is_err();
    assert!(!fails(vec![call(0, busy), call(1_800, answered)]));
    assert!(fails(vec![call(0, answered), call(1_800, busy)]), "after an answer");
    assert!(fails(vec![call(0, busy), call(1, answered)]), "at once");
    assert!(fails(vec![call(0, busy)]), "done without an answer");
    assert!(fails(vec![call(8_000, answered)]), "too late");
}
