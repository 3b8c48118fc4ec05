//! The pure decisions as tables: the pace, the lines, and what follows from what Twilio says.

use chrono::TimeDelta;

use super::super::machine::{Rules, accepted, after_dial, after_look, after_status, holds, in_window, not_found};
use super::*;
use crate::limits;
use crate::ports::{CallSettled, DialError, PlacedCall, VendorError, VendorErrorKind};
use crate::testing::{fatal, passing};

const NOW: &str = "2026-11-24T00:01:00Z";

fn again(at: &str, counts: bool) -> String {
    format!("again at {at} {counts}")
}

/// A settlement in short, without its reason.
fn short(settled: &CallSettled) -> String {
    match settled {
        CallSettled::Accepted { call, look_at } => format!("accepted {} look {look_at:?}", &call.as_str()[32..]),
        CallSettled::Unknown { look_at, .. } => format!("unknown look {look_at:?}"),
        CallSettled::Again { at, counts, .. } => again(&format!("{at:?}"), *counts),
        CallSettled::Done(outcome) => format!("done {}", outcome.as_str()),
        CallSettled::Missed { text, .. } => format!("missed {text}"),
        CallSettled::Skipped { .. } => "skipped".into(),
    }
}

#[test]
fn what_follows_from_a_status() {
    let shop = Shop::default();
    let rules = Rules { shop: &shop, texts: true };
    for (status, tried, now, expected) in [
        (CallStatus::Ringing, 1, NOW, None),
        (CallStatus::InProgress, 1, NOW, None),
        (CallStatus::Completed, 1, NOW, Some("done answered".to_owned())),
        (CallStatus::Completed, 3, NOW, Some("done answered".to_owned())),
        (CallStatus::Busy, 1, NOW, Some(again("2026-11-24T00:31:00Z", true))),
        (CallStatus::NoAnswer, 2, NOW, Some(again("2026-11-24T00:31:00Z", true))),
        (CallStatus::Failed, 3, NOW, Some("missed true".to_owned())),
        (CallStatus::Canceled, 1, "2026-11-24T01:29:59Z", Some(again("2026-11-24T01:59:59Z", true))),
        (CallStatus::Busy, 1, "2026-11-24T01:30:00Z", Some("missed true".to_owned())),
    ] {
        // An attempt that did not count takes nothing from those that are left.
        let reminder = Reminder { attempts: tried + 1, failures: 1, ..row(ReminderStatus::Calling) };
        let settled = after_status(&reminder, status, rules, utc(now));
        assert_eq!(settled.as_ref().map(short), expected, "{status:?} {tried} {now}");
    }
}

#[test]
fn a_retry_waits_for_the_morning_where_its_time_goes_on() {
    let shop = Shop::default();
    let reminder = Reminder { until: utc("2026-11-26T02:00:00Z"), ..row(ReminderStatus::Calling) };
    let rules = Rules { shop: &shop, texts: false };
    let settled = after_status(&reminder, CallStatus::Busy, rules, utc("2026-11-24T01:45:00Z")).unwrap();
    assert_eq!(short(&settled), again("2026-11-24T15:00:00Z", true));
}

#[test]
fn what_follows_from_dialling() {
    let shop = Shop::default();
    let rules = Rules { shop: &shop, texts: false };
    let asked = VendorError { retry_after: Some(secs(30)), ..passing() };
    let broke = VendorError::new("fake", VendorErrorKind::QuotaExhausted, "scripted");
    let late = "2026-11-24T01:59:59Z";
    for (dialled, now, expected, hold) in [
        (Ok(sid(7)), NOW, "accepted 07 look 2026-11-24T00:04:00Z".to_owned(), None),
        (Err(DialError::Unknown(passing())), NOW, "unknown look 2026-11-24T00:02:30Z".into(), Some(8)),
        (Err(DialError::NotNow(passing())), NOW, again("2026-11-24T00:01:08Z", false), Some(8)),
        (Err(DialError::NotNow(asked)), NOW, again("2026-11-24T00:01:30Z", false), Some(30)),
        (Err(DialError::NotNow(passing())), late, "missed false".into(), Some(8)),
        (Err(DialError::Refused(fatal())), NOW, "missed false".into(), None),
        (Err(DialError::Refused(broke)), NOW, again("2026-11-24T00:06:00Z", false), Some(300)),
    ] {
        let settled = after_dial(&row(ReminderStatus::Dialling), &dialled, rules, secs(8), utc(now));
        assert_eq!(short(&settled), expected, "{dialled:?}");
        let held = dialled.as_ref().err().and_then(|error| holds(error, secs(8)));
        assert_eq!(held.map(|pause| pause.as_secs()), hold, "{dialled:?}");
    }
}

#[test]
fn a_call_that_is_not_shown_is_believed_after_a_while() {
    let dialling = row(ReminderStatus::Dialling);
    for (now, expected) in [
        ("2026-11-24T00:00:10Z", "unknown look 2026-11-24T00:01:30Z".to_owned()),
        ("2026-11-24T00:01:29Z", "unknown look 2026-11-24T00:01:30Z".to_owned()),
        ("2026-11-24T00:01:30Z", again("2026-11-24T00:01:30Z", false)),
    ] {
        assert_eq!(short(&not_found(&dialling, utc(now))), expected, "{now}");
    }
}

#[test]
fn what_follows_from_a_look() {
    let shop = Shop::default();
    let rules = Rules { shop: &shop, texts: true };
    let placed = |status| PlacedCall { call: sid(7), status, created_at: None, answered_by: None, duration_s: None };
    let (live, over, away) = (placed(CallStatus::InProgress), placed(CallStatus::Completed), passing());
    let later = "2026-11-24T06:00:00Z";
    for (seen, now, expected) in [
        (Ok(Some(&live)), NOW, "accepted 07 look 2026-11-24T00:04:00Z"),
        (Ok(Some(&over)), NOW, "done answered"),
        (Ok(None), NOW, "accepted 07 look 2026-11-24T00:04:00Z"),
        (Err(&away), NOW, "accepted 07 look 2026-11-24T00:04:00Z"),
        (Ok(Some(&live)), later, "accepted 07 look 2026-11-24T06:03:00Z"),
        (Ok(None), later, "missed false"),
        (Err(&away), later, "missed false"),
    ] {
        let settled = after_look(&row(ReminderStatus::Calling), &sid(7), seen, rules, utc(now));
        assert_eq!(short(&settled), expected, "{seen:?} {now}");
    }
}

#[test]
fn a_call_is_looked_at_when_its_time_is_over() {
    for (now, look_at) in [
        ("2026-11-24T01:56:59Z", "2026-11-24T01:59:59Z"),
        ("2026-11-24T01:58:00Z", "2026-11-24T02:00:00Z"),
        ("2026-11-24T02:00:00Z", "2026-11-24T02:03:00Z"),
    ] {
        let settled = accepted(&row(ReminderStatus::Dialling), sid(7), utc(now));
        assert_eq!(short(&settled), format!("accepted 07 look {look_at}"), "{now}");
    }
}

#[test]
fn no_word_that_no_call_was_found_ends_a_call_that_has_turned_up() {
    let unknown = CallSettled::Unknown { look_at: utc(NOW), reason: "lost".into() };
    let again = |counts| CallSettled::Again { at: utc(NOW), counts, reason: "lost".into() };
    let mut calling = Reminder { call: Some(sid(7)), ..row(ReminderStatus::Calling) };
    assert!(!unknown.apply(&mut calling, 1) && !again(false).apply(&mut calling, 1));
    assert_eq!(calling.status, ReminderStatus::Calling);
    assert!(again(true).apply(&mut calling, 1), "it was busy");
}

#[test]
fn the_pace_is_kept_in_any_second() {
    let shop = |rate| {
        let mut shop = Shop::default();
        shop.reminders.calls_per_second = rate;
        shop
    };
    let start = utc(NOW);
    for (rate, at_ms, expected) in
        [(1, 0, Err(1_000)), (1, 999, Err(1)), (1, 1_000, Ok(1)), (3, 500, Ok(2)), (3, 1_000, Ok(3)), (100, 0, Ok(16))]
    {
        let mut pace = Pace::default();
        pace.dialling(ReminderId(1), start);
        let allowed = pace.allowance(&shop(rate), start + TimeDelta::milliseconds(at_ms));
        assert_eq!(allowed.map_err(|wait| wait.as_millis()), expected, "{rate} calls a second, {at_ms} ms after one");
    }
    let mut pace = Pace::default();
    pace.dialling(ReminderId(1), start);
    assert_eq!(pace.allowance(&shop(1), start - TimeDelta::hours(1)), Ok(1), "the clock was set back");
}

#[test]
fn calls_that_come_in_go_first() {
    for (free, all, ringing, expected) in
        [(10, 10, 0, 8), (10, 10, 3, 5), (2, 10, 0, 0), (3, 3, 0, 2), (1, 1, 0, 1), (0, 0, 0, 0), (100, 100, 0, 80)]
    {
        let mut pace = Pace::default();
        (0..ringing).for_each(|n| pace.dialling(ReminderId(n), utc(NOW)));
        let usable = pace.usable(OpenLines { free, all }, utc(NOW));
        assert_eq!(usable, expected, "{free} of {all} free, {ringing} ringing");
        pace.answered(ReminderId(0));
        let fewer = usize::from(ringing > 0);
        assert_eq!(pace.usable(OpenLines { free, all }, utc(NOW)), expected + fewer, "one is answered");
    }
    let mut pace = Pace::default();
    pace.dialling(ReminderId(1), utc(NOW));
    let later = utc(NOW) + TimeDelta::from_std(limits::REMINDER_RING_MS).unwrap();
    assert_eq!(pace.usable(OpenLines { free: 2, all: 2 }, later), 1, "nothing rings for ever");
}

#[test]
fn twilio_is_left_alone_for_longer_and_longer() {
    let (shop, mut now, mut pace) = (Shop::default(), utc(NOW), Pace::default());
    for expected in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        let pause = pace.backoff();
        assert_eq!(pause.as_secs(), expected);
        pace.hold(pause, now);
        assert_eq!(pace.allowance(&shop, now + pause - secs(1)), Err(secs(1)));
        now += pause;
        assert_eq!(pace.allowance(&shop, now), Ok(1));
    }
    pace.taken();
    assert_eq!(pace.backoff(), secs(2));
}

#[test]
fn when_to_look_again() {
    let mut shop = Shop::default();
    shop.reminders.calls_per_second = 4;
    let step = Duration::from_millis(250);
    for (room, dials, doubts, expected) in [
        (Ok(2), 2, 0, step),
        (Ok(2), 1, 0, secs(15)),
        (Ok(4), 4, 0, secs(1)),
        (Ok(2), 0, 15, secs(15)),
        (Ok(2), 0, 16, step),
        (Err(secs(2)), 0, 0, secs(2)),
        (Err(secs(2)), 0, 16, step),
    ] {
        let mut pace = Pace::default();
        (0..dials).for_each(|_| pace.dialling(ReminderId(1), utc(NOW)));
        let again = pace.look_again(&shop, room, (dials, doubts), utc(NOW));
        assert_eq!(again, expected, "{room:?} {dials} {doubts}");
    }
    let mut pace = Pace::default();
    let pauses: Vec<_> = (0..6).map(|_| pace.store_failed().as_secs()).collect();
    assert_eq!(pauses, [1, 2, 4, 8, 15, 15]);
    pace.store_answers();
    assert_eq!(pace.store_failed(), secs(1));
}

#[test]
fn nobody_is_called_at_night() {
    let shop = Shop::default();
    for (now, expected) in [
        ("2026-11-24T14:59:59Z", false),
        ("2026-11-24T15:00:00Z", true),
        ("2026-11-25T01:59:59Z", true),
        ("2026-11-25T02:00:00Z", false),
    ] {
        assert_eq!(in_window(&shop, utc(now)), expected, "{now}");
    }
}
