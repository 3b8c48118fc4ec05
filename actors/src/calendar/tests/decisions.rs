//! The pure decisions: waits, windows, whose answer is believed, which errand runs.

use std::sync::Arc;

use tokio::time::Instant;

use crate::backoff;
use crate::calendar::machine::{BusyBook, Errand, Errands, Window, Wish, settle};
use crate::limits;
use crate::ports::{BusyTimes, Settled};
use crate::testing::calendar::{away, locked_out, refused};

#[test]
fn waits_double_up_to_a_limit_and_are_spread() {
    for (attempts, seconds) in [(0, 1), (1, 2), (5, 32), (9, 512), (10, 600), (1_000, 600)] {
        assert_eq!(backoff::after(attempts, 0.0).as_secs(), seconds, "{attempts}");
        assert_eq!(
            backoff::after(attempts, 1.0),
            backoff::after(attempts, 0.0).mul_f64(1.0 + limits::OUTBOX_BACKOFF_JITTER)
        );
    }
}

#[test]
fn only_what_is_refused_is_put_aside_and_the_vendors_wish_counts() {
    let now = chrono::DateTime::UNIX_EPOCH;
    let wait = |error, attempts| match settle(&Err(error), attempts, now, 0.0) {
        Settled::RetryAt(at, _) => Some((at - now).num_seconds()),
        Settled::Parked(_) | Settled::Delivered => None,
    };
    assert_eq!((wait(away(), 3), wait(locked_out(), 0), wait(refused(), 0)), (Some(8), Some(1), None));
    let mut slow_down = away();
    if let crate::ports::CalendarError::Away(error) = &mut slow_down {
        error.retry_after = Some(std::time::Duration::from_secs(30));
    }
    assert_eq!((wait(slow_down.clone(), 3), wait(slow_down, 6)), (Some(30), Some(64)));
}

#[test]
fn windows_cover_every_time_once() {
    let at = |text: &str| text.parse().unwrap();
    let (from, to) = (at("2026-11-20T06:00:00Z"), at("2026-12-05T06:00:00Z"));
    let windows: Vec<Window> = Window::covering(from, to).collect();
    assert!(windows[0].bounds().0 <= from && windows.last().unwrap().bounds().1 >= to);
    assert!(windows.windows(2).all(|pair| pair[0].bounds().1 == pair[1].bounds().0));
    assert_eq!(Window::covering(windows[0].bounds().0, windows[0].bounds().1).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_before_a_change_is_for_those_who_asked_before_it() {
    let (mut book, now) = (BusyBook::default(), Instant::now());
    let window = Window::of(chrono::DateTime::UNIX_EPOCH);
    let Wish::Fetch(first) = book.wish(window, "early", now) else { panic!("nothing is known") };
    assert_eq!(book.wish(window, "same time", now), Wish::Wait);
    book.forget();
    let Wish::Fetch(second) = book.wish(window, "late", now) else { panic!("the question on its way is too old") };
    let times = Arc::new(BusyTimes::default());
    assert_eq!(book.came(first, Some(&times), now), Vec::<&str>::new());
    assert_eq!(book.came(second, Some(&times), now), ["early", "same time", "late"]);
    assert_eq!(book.wish(window, "later", now), Wish::Answer("later", times));
    assert!(matches!(book.wish(window, "much later", now + limits::BUSY_KEPT_MS), Wish::Fetch(_)));
}

#[test]
fn one_errand_runs_at_a_time_and_none_is_forgotten() {
    let mut errands = Errands::default();
    assert_eq!(errands.want(Errand::Outbox), Some(Errand::Outbox));
    assert_eq!(errands.want(Errand::Sync), None);
    assert_eq!(errands.want(Errand::Outbox), None, "what is filled meanwhile is looked at afterwards");
    assert_eq!(errands.want(Errand::Outbox), None);
    let rest: Vec<_> = std::iter::from_fn(|| errands.over()).collect();
    assert_eq!(rest, [Errand::Sync, Errand::Outbox]);
}
