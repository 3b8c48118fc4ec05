//! An evening in order: who is called, when, how fast, and what is noted.

use super::*;
use crate::domain::{NewReminder, ReminderOutcome};

const BEFORE: &str = "2026-11-23T23:59:30Z";

#[tokio::test(start_paused = true)]
async fn the_evening_before_everybody_is_called_once_at_the_accounts_pace() {
    let bench = Bench::new(BEFORE, 5);
    let actor = bench.start().await;
    // The looks are every 15 s: the one at 18:00 makes the round.
    assert_eq!(bench.dialled(5).await, [30, 31, 32, 33, 34]);
    let dial = bench.telephony.dialled.all().remove(0).0;
    assert_eq!((dial.to, dial.reminder, dial.attempt), (phone(1), ReminderId(1), 1));
    assert_eq!(dial.appointment, Some(AppointmentId(1)));
    for n in 1..=5 {
        actor.cast(word(n, 1, n as u32, CallStatus::Completed)).unwrap();
    }
    bench.pass(secs(3 * 60 * 60)).await;
    assert_eq!(bench.times().len(), 5, "nobody is called twice");
    assert!(bench.rows().iter().all(|row| row.outcome == Some(ReminderOutcome::Answered)));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_is_called_twice_more_and_then_missed() {
    let bench = Bench::new(BEFORE, 1);
    let actor = bench.start().await;
    for attempt in 1..=3 {
        bench.telephony.dialled.until("a call", |all| all.len() == attempt as usize).await;
        actor.cast(word(1, attempt, attempt, CallStatus::Ringing)).unwrap();
        actor.cast(word(1, attempt, attempt, CallStatus::NoAnswer)).unwrap();
        // The same word again, and one of an earlier attempt.
        actor.cast(word(1, attempt, attempt, CallStatus::NoAnswer)).unwrap();
        actor.cast(word(1, attempt - 1, attempt, CallStatus::Completed)).unwrap();
        bench.pass(secs(29 * 60)).await;
    }
    // Each half an hour after the one before, at the next look.
    let times = bench.times();
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(times.len() == 3 && pauses.iter().all(|pause| (1_800..=1_815).contains(pause)), "{times:?}");
    let row = bench.row();
    assert_eq!((row.status, row.reason.as_deref()), (ReminderStatus::Missed, Some("no-answer")));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_down_catches_up_while_calls_are_allowed() {
    for (started, dialled, status, reason) in [
        ("2026-11-24T00:40:00Z", 1, ReminderStatus::Calling, None),
        ("2026-11-24T01:59:59Z", 1, ReminderStatus::Calling, None),
        ("2026-11-24T02:00:00Z", 0, ReminderStatus::Missed, Some("window_over")),
        ("2026-11-24T14:00:00Z", 0, ReminderStatus::Missed, Some("window_over")),
    ] {
        let bench = Bench::new(started, 1);
        let _actor = bench.start().await;
        bench.pass(secs(1)).await;
        bench.telephony.set_status(CallStatus::Ringing);
        bench.pass(secs(59)).await;
        assert_eq!(bench.times().len(), dialled, "started at {started}");
        let row = bench.row();
        assert_eq!((row.status, row.reason.as_deref()), (status, reason), "started at {started}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_is_added_is_called_at_once() {
    let bench = Bench::new("2026-11-23T20:00:00Z", 0);
    let actor = bench.start().await;
    bench.pass(secs(1)).await;
    let call_back = |n, for_staff| NewReminder {
        kind: ReminderKind::CallBack,
        appointment: None,
        customer: None,
        phone: phone(n),
        about: Some("the brakes".into()),
        due_at: utc("2026-11-23T20:00:00Z"),
        until: utc("2026-11-24T02:00:00Z"),
        for_staff,
    };
    let store = &bench.args.store;
    for (n, for_staff) in [(1, false), (2, true), (3, false)] {
        store.add_reminder(&call_back(n, for_staff), bench.args.clock.now()).await.unwrap();
        actor.cast(RemindersMsg::Added).unwrap();
    }
    bench.dialled(2).await;
    let called: Vec<_> = bench.telephony.dialled.all().iter().map(|(dial, at)| (dial.to.clone(), *at)).collect();
    assert_eq!(called[0].0, phone(1));
    assert_eq!(called[1].0, phone(3), "a person of the shop calls the other one");
    assert!(called[0].1 - bench.began < secs(2), "at once");
    assert_eq!((called[1].1 - called[0].1).as_millis(), 1_000, "at the account's pace");
}

#[tokio::test(start_paused = true)]
async fn without_a_number_to_call_from_or_with_reminders_off_nobody_is_called() {
    let off = {
        let mut shop = Shop::default();
        shop.reminders.enabled = false;
        shop
    };
    for (telephony, shop) in [(FakeTelephony::default(), Shop::default()), (FakeTelephony::dialling(), off)] {
        let bench = Bench::with(BEFORE, 2, telephony, shop);
        let _actor = bench.start().await;
        bench.pass(secs(600)).await;
        assert_eq!((bench.times().len(), bench.rows().len()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn reminders_wait_for_free_lines() {
    let bench = Bench::new(BEFORE, 3);
    *bench.lines.0.lock().unwrap() = OpenLines { free: 1, all: 3 };
    let _actor = bench.start().await;
    bench.pass(secs(120)).await;
    assert_eq!(bench.times(), Vec::<u64>::new(), "the last line is for calls that come in");
    *bench.lines.0.lock().unwrap() = OpenLines { free: 3, all: 3 };
    bench.pass(secs(30)).await;
    assert_eq!(bench.times().len(), 2, "one line stays free while two ring");
}

#[tokio::test(start_paused = true)]
async fn the_dry_run_says_who_is_called_when() {
    let bench = Bench::new(BEFORE, 3);
    let tell = async |now| {
        let planned = plan(bench.args.store.as_ref(), &bench.args.shop, utc(now)).await.unwrap();
        planned.iter().map(|call| format!("{} {:?}", call.customer.id, call.due_at)).collect::<Vec<_>>()
    };
    let expected = ["1 2026-11-24T00:00:00Z", "2 2026-11-24T00:00:01Z", "3 2026-11-24T00:00:02Z"];
    assert_eq!(tell(BEFORE).await, expected);
    assert!(bench.rows().is_empty(), "nothing is made");
    assert_eq!(tell("2026-11-24T00:40:00Z").await[0], "1 2026-11-24T00:40:00Z", "late, and not made yet");

    let actor = bench.start().await;
    bench.dialled(1).await;
    actor.cast(word(1, 1, 1, CallStatus::Completed)).unwrap();
    bench.lines.0.lock().unwrap().free = 0;
    bench.pass(secs(5)).await;
    assert_eq!(tell("2026-11-24T00:30:00Z").await.len(), 3 - bench.times().len(), "who was called is left out");
}
