//! The pure part, as tables.

use chrono::{DateTime, Utc};

use crate::domain::{Appointment, AppointmentId, AppointmentStatus, BayId, CustomerId, Shop};
use crate::limits;
use crate::notifier::machine::{Next, Rounds, after, body, is_true, sent_before, waits_until};
use crate::ports::{DialError, SentText, TextKind, TextOrder};
use crate::testing::store::maria;
use crate::testing::{fatal, passing};

fn now() -> DateTime<Utc> {
    "2026-11-23T14:00:00Z".parse().unwrap()
}

fn order(about: TextKind) -> TextOrder {
    TextOrder { about, appointment: AppointmentId(1), version: 1 }
}

fn appointment(status: AppointmentStatus, starts_at: &str) -> Appointment {
    let starts_at = starts_at.parse().unwrap();
    Appointment { status, ..Appointment::new(AppointmentId(1), CustomerId(1), "Oil change", starts_at, 30, BayId(1)) }
}

const TOMORROW: &str = "2026-11-24T16:00:00Z";

#[test]
fn only_what_is_still_true_is_said() {
    use AppointmentStatus::{Cancelled, Completed, Confirmed, Scheduled};
    use TextKind::{Booked, Moved, Reminder};
    for (about, status, starts_at, expected) in [
        (Booked, Scheduled, TOMORROW, true),
        (Booked, Confirmed, TOMORROW, true),
        (Moved, Scheduled, TOMORROW, true),
        (Reminder, Scheduled, TOMORROW, true),
        (Booked, Cancelled, TOMORROW, false),
        (Moved, Completed, TOMORROW, false),
        (Reminder, Scheduled, "2026-11-23T13:00:00Z", false),
        (TextKind::Cancelled, Cancelled, TOMORROW, true),
        (TextKind::Cancelled, Scheduled, TOMORROW, false),
        (TextKind::Cancelled, Cancelled, "2026-11-23T13:00:00Z", false),
    ] {
        assert_eq!(is_true(&order(about), &appointment(status, starts_at), now()), expected, "{about:?} {status:?}");
    }
}

#[test]
fn a_reminder_comes_at_an_hour_at_which_customers_are_called() {
    for (now, expected) in [
        ("2026-11-24T14:59:59Z", Some("2026-11-24T15:00:00Z")),
        ("2026-11-24T15:00:00Z", None),
        ("2026-11-25T01:59:59Z", None),
        // It is ordered when these hours end.
        ("2026-11-25T02:00:05Z", None),
        ("2026-11-25T02:15:00Z", Some("2026-11-25T15:00:00Z")),
        ("2026-11-25T09:00:00Z", Some("2026-11-25T15:00:00Z")),
    ] {
        let until = |about| waits_until(&order(about), &Shop::default(), now.parse().unwrap());
        assert_eq!(until(TextKind::Reminder), expected.map(|at| at.parse().unwrap()), "{now}");
        assert_eq!(until(TextKind::Cancelled), None, "{now}");
    }
}

#[test]
fn a_text_names_the_shop_the_service_and_the_time_in_its_zone() {
    let appointment = appointment(AppointmentStatus::Scheduled, TOMORROW);
    for about in [TextKind::Booked, TextKind::Moved, TextKind::Cancelled, TextKind::Reminder] {
        let text = body(&order(about), &appointment, &maria(), &Shop::default());
        assert!(text.starts_with("Otto's Auto: ") && text.contains("Oil change"), "{text}");
        assert!(text.contains("Tuesday, November 24") && text.contains("10"), "{text}");
        assert!(!text.contains('{') && text.chars().count() <= limits::TEXT_MAX_CHARS, "{text}");
    }
}

#[test]
fn what_follows_from_an_attempt() {
    assert_eq!(after(Ok("SM1".into()), 1, now(), 0.0), Next::Sent("SM1".into()));
    assert_eq!(after(Err(DialError::Refused(fatal())), 1, now(), 0.0), Next::Parked(fatal().to_string()));
    let wait = |error, attempts| match after(Err(error), attempts, now(), 0.0) {
        Next::Later(at, _) => (at - now()).to_std().unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(wait(DialError::NotNow(passing()), 1), limits::OUTBOX_BACKOFF_FIRST_MS * 2);
    assert_eq!(wait(DialError::Unknown(passing()), 1), limits::TEXT_SETTLE_MS, "the list has the time to show it");
    assert_eq!(wait(DialError::Unknown(passing()), 30), limits::OUTBOX_BACKOFF_MAX_MS);
}

#[test]
fn a_text_that_was_sent_before_is_found_by_what_it_says() {
    let text = |sid: &str, body: &str| SentText {
        sid: sid.into(),
        status: "sent".into(),
        body: body.into(),
        created_at: None,
    };
    let sent = [text("SM1", "another"), text("SM2", "this")];
    assert_eq!(sent_before(&sent, "this").map(|text| text.sid.as_str()), Some("SM2"));
    assert_eq!(sent_before(&sent, "neither"), None);
}

#[test]
fn rounds_do_not_overlap_and_no_wish_is_lost() {
    let mut rounds = Rounds::default();
    assert!(rounds.want(), "the first wish starts a round");
    assert!(!rounds.want() && !rounds.want(), "wishes meanwhile wait");
    assert!(rounds.over(), "one more round for all of them");
    assert!(!rounds.over());
    assert!(rounds.want());
}
