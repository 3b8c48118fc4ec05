//! The calendar outside and the records: what an order asks for now, and what a change in the calendar does.

use chrono::{DateTime, Duration, Utc};
use otto_actors::domain::{AppointmentStatus, BayId, ShopBay};
use otto_actors::effects::Fence;
use otto_actors::ports::{
    Applied, AppointmentStep, Backlog, Booking, CalendarChange, CalendarJob, CalendarWork, EventNow, Settled,
    StoreError, Tell, TextKind, TextOrder,
};

use super::changes::{Booked, cancel, move_to};
use super::lab::{Lab, Opening, at, bays, by_new, effect, render};

async fn claim(lab: &Lab, now: DateTime<Utc>) -> Vec<CalendarJob> {
    lab.one.claim(now, now + Duration::seconds(60), 10).await.unwrap()
}

async fn deliver_all(lab: &Lab) -> Vec<CalendarWork> {
    let mut done = Vec::new();
    loop {
        let jobs = claim(lab, at(12, 0)).await;
        if jobs.is_empty() {
            return done;
        }
        for job in jobs {
            lab.one.settle(&job, &Settled::Delivered).await.unwrap();
            done.push(job.work);
        }
    }
}

fn change(booked: &Booked, bay: BayId, version: i64, now: EventNow) -> CalendarChange {
    let updated = Some(Utc::now() + Duration::seconds(5));
    CalendarChange { appointment: booked.id, bay, version: Some(version), etag: "1".into(), updated, now }
}

fn planned(from: DateTime<Utc>, minutes: i64) -> EventNow {
    EventNow::Planned { starts_at: from, ends_at: from + Duration::minutes(minutes) }
}

pub(in crate::store) async fn an_order_asks_for_what_the_appointment_is_now(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let booked = Booked::new(&lab.one, 1, at(15, 0)).await;
    booked.change(&lab.one, 1, move_to(at(17, 0))).await.unwrap();
    let jobs = claim(&lab, at(12, 0)).await;
    let [CalendarJob { work: CalendarWork::Put(event), attempts: 0, version: 2, .. }] = &jobs[..] else {
        panic!("{jobs:?}")
    };
    assert_eq!((event.starts_at, event.ends_at, event.version), (at(17, 0), at(18, 0), 2));
    assert_eq!((event.service.as_str(), event.customer.as_str()), ("Oil change", "Customer 1"));
    lab.two.settle(&jobs[0], &Settled::RetryAt(at(12, 5), "503".into())).await.unwrap();
    assert_eq!(claim(&lab, at(12, 4)).await, []);
    booked.change(&lab.one, 2, cancel()).await.unwrap();
    let works = deliver_all(&lab).await;
    assert!(works.is_empty(), "the first of the appointment's orders is not due: {works:?}");
    let again = claim(&lab, at(12, 5)).await;
    assert_eq!((again[0].attempts, &again[0].work), (1, &CalendarWork::Remove));
    let outdated = &jobs[0];
    lab.one.settle(outdated, &Settled::Delivered).await.unwrap();
    assert_eq!(lab.one.backlog().await, Ok(Backlog { waiting: 3, parked: 0 }), "whoever has it now settles it");
}

pub(in crate::store) async fn a_refused_order_is_kept_and_in_nobodys_way(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let booked = Booked::new(&lab.one, 1, at(15, 0)).await;
    let job = claim(&lab, at(12, 0)).await.remove(0);
    lab.one.settle(&job, &Settled::Parked("HTTP 400 invalid".into())).await.unwrap();
    assert_eq!(lab.one.backlog().await, Ok(Backlog { waiting: 0, parked: 1 }));
    assert_eq!(lab.two.given_up().await, Ok(1));
    assert_eq!(claim(&lab, at(23, 0)).await, []);
    booked.change(&lab.one, 1, cancel()).await.unwrap();
    assert_eq!(deliver_all(&lab).await, [CalendarWork::Remove]);
}

async fn apply(lab: &Lab, change: &CalendarChange) -> Applied {
    lab.two.apply_calendar_change(change, Tell::Nothing).await.unwrap()
}

/// An appointment on file, its bay and the other one of a lab with two. The calendar shows it.
async fn shown(lab: &Lab) -> (Booked, BayId, BayId) {
    let booked = Booked::new(&lab.one, 1, at(15, 0)).await;
    deliver_all(lab).await;
    let bay = booked.now(&lab.one).await.bay;
    (booked, bay, BayId(if bay.0 == 1 { 2 } else { 1 }))
}

pub(in crate::store) async fn people_move_and_cancel_in_the_calendar(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let booked = Booked::new(&lab.one, 1, at(15, 0)).await;
    let bay = booked.now(&lab.one).await.bay;
    let moved = change(&booked, bay, 1, planned(at(17, 0), 90));
    assert_eq!(apply(&lab, &moved).await, Applied::Waiting, "Otto's own order is on its way");
    deliver_all(&lab).await;
    let same = change(&booked, bay, 1, planned(at(15, 0), 60));
    assert_eq!(apply(&lab, &same).await, Applied::Unchanged, "it is so already");
    assert_eq!(apply(&lab, &moved).await, Applied::Moved);
    let now = booked.now(&lab.one).await;
    assert_eq!((now.starts_at, now.minutes, now.version, now.bay), (at(17, 0), 90, 2, bay));
    assert_eq!(apply(&lab, &moved).await, Applied::Unchanged, "the same again is no change");
    deliver_all(&lab).await;
    assert_eq!(apply(&lab, &change(&booked, bay, 2, EventNow::Cancelled)).await, Applied::Cancelled);
    assert_eq!(booked.now(&lab.one).await.status, AppointmentStatus::Cancelled);
    let later = change(&booked, bay, 3, planned(at(18, 0), 30));
    assert_eq!(apply(&lab, &later).await, Applied::Unchanged, "it is over");
    assert_eq!(deliver_all(&lab).await, [CalendarWork::Remove]);
}

pub(in crate::store) async fn a_deletion_counts_with_and_without_its_version(open: fn(usize) -> Opening) {
    for (version, updated_s, elsewhere, expected) in [
        (Some(1), Some(5), false, Applied::Cancelled),
        (Some(1), None, true, Applied::Cancelled),
        (None, Some(5), false, Applied::Cancelled),
        (None, None, false, Applied::Cancelled),
        // From before Otto's own change.
        (Some(0), Some(5), false, Applied::Unchanged),
        (None, Some(-3_600), false, Applied::Unchanged),
        // Otto itself may have taken the event out of a bay's calendar that the appointment has left.
        (None, Some(5), true, Applied::Unchanged),
        (None, None, true, Applied::Unchanged),
    ] {
        let lab = open(2).await;
        let (booked, bay, other) = shown(&lab).await;
        let updated = updated_s.map(|seconds| Utc::now() + Duration::seconds(seconds));
        let bay = if elsewhere { other } else { bay };
        let gone = CalendarChange { version, updated, ..change(&booked, bay, 1, EventNow::Cancelled) };
        assert_eq!(apply(&lab, &gone).await, expected, "{gone:?}");
    }
}

pub(in crate::store) async fn people_move_to_another_bay_in_the_calendar(open: fn(usize) -> Opening) {
    let lab = open(2).await;
    let (booked, bay, other) = shown(&lab).await;
    booked.change(&lab.one, 1, AppointmentStep::Confirm).await.unwrap();
    deliver_all(&lab).await;
    let dragged = change(&booked, other, 2, planned(at(15, 0), 60));
    assert_eq!(apply(&lab, &dragged).await, Applied::Moved);
    let now = booked.now(&lab.one).await;
    assert_eq!((now.bay, now.starts_at, now.version), (other, at(15, 0), 3));
    assert_eq!(now.status, AppointmentStatus::Confirmed, "the time is what was confirmed");
    // Both calendars tell of it, in either order.
    assert_eq!(apply(&lab, &dragged).await, Applied::Unchanged, "the same again");
    let gone = change(&booked, bay, 2, EventNow::Cancelled);
    assert_eq!(apply(&lab, &gone).await, Applied::Unchanged, "the copy that it has left");
    let works = deliver_all(&lab).await;
    let in_other = |work: &CalendarWork| matches!(work, CalendarWork::Put(e) if (e.bay, e.version) == (other, 3));
    assert!(works.len() == 2 && works.iter().all(in_other), "{works:?}");
    // Otto's own copy in a bay that the appointment has left is older than the appointment.
    let stale = change(&booked, bay, 2, planned(at(15, 0), 60));
    assert_eq!(apply(&lab, &stale).await, Applied::Unchanged);
    // An event that has lost its version is judged by its time.
    let unversioned = |updated| CalendarChange {
        version: None,
        updated: Some(updated),
        ..change(&booked, bay, 0, planned(at(17, 0), 60))
    };
    assert_eq!(apply(&lab, &unversioned(Utc::now() - Duration::hours(1))).await, Applied::Unchanged);
    assert_eq!(apply(&lab, &unversioned(Utc::now() + Duration::seconds(5))).await, Applied::Moved);
    let now = booked.now(&lab.one).await;
    assert_eq!((now.bay, now.starts_at, now.status), (bay, at(17, 0), AppointmentStatus::Scheduled));
}

pub(in crate::store) async fn a_bay_that_is_taken_takes_no_event(open: fn(usize) -> Opening) {
    let lab = open(2).await;
    let (booked, bay, other) = shown(&lab).await;
    Booked::new(&lab.one, 2, at(15, 30)).await;
    let taken_by = lab.one.booked_between(at(15, 30), at(15, 31)).await.unwrap();
    assert_eq!(taken_by.iter().map(|taken| taken.bay).collect::<Vec<_>>(), [bay, other]);
    let dragged = change(&booked, other, 1, planned(at(15, 0), 60));
    assert_eq!(apply(&lab, &dragged).await, Applied::PutBack);
    assert_eq!(apply(&lab, &dragged).await, Applied::Unchanged, "counted once");
    let now = booked.now(&lab.one).await;
    assert_eq!((now.bay, now.starts_at, now.version), (bay, at(15, 0), 2));
    let back = |work: &CalendarWork| matches!(work, CalendarWork::Put(e) if (e.bay, e.version) == (bay, 2));
    assert!(deliver_all(&lab).await.iter().any(back));
}

pub(in crate::store) async fn a_change_in_the_calendar_is_told_as_one_by_telephone(open: fn(usize) -> Opening) {
    let moved = || planned(at(17, 0), 60);
    for (now, tell, expected) in [
        (moved(), Tell::ByText, Some(TextKind::Moved)),
        (EventNow::Cancelled, Tell::ByText, Some(TextKind::Cancelled)),
        (planned(at(15, 0), 90), Tell::ByText, None),
        (planned(at(9, 0), 0), Tell::ByText, None),
        (moved(), Tell::Nothing, None),
        (EventNow::Cancelled, Tell::Nothing, None),
    ] {
        let lab = open(1).await;
        let (booked, bay, _) = shown(&lab).await;
        lab.one.apply_calendar_change(&change(&booked, bay, 1, now), tell).await.unwrap();
        let orders: Vec<_> = super::texts::ordered(&lab).await.into_iter().map(|(_, order)| order).collect();
        let text = |about| TextOrder { about, appointment: booked.id, version: 2 };
        assert_eq!(orders, expected.map(text).into_iter().collect::<Vec<_>>(), "{now:?} {tell:?}");
    }
}

pub(in crate::store) async fn what_is_not_possible_is_put_back(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let booked = Booked::new(&lab.one, 1, at(15, 0)).await;
    Booked::new(&lab.one, 2, at(17, 0)).await;
    let bay = booked.now(&lab.one).await.bay;
    for (version, now) in [(1, planned(at(16, 45), 30)), (2, planned(at(9, 0), 0)), (3, planned(at(9, 0), 1_441))] {
        deliver_all(&lab).await;
        let change = change(&booked, bay, version, now);
        assert_eq!(apply(&lab, &change).await, Applied::PutBack, "{now:?}");
        assert_eq!(apply(&lab, &change).await, Applied::Unchanged, "counted once");
        let now = booked.now(&lab.one).await;
        assert_eq!((now.starts_at, now.minutes, now.version), (at(15, 0), 60, version + 1));
    }
    assert!(matches!(&deliver_all(&lab).await[..], [CalendarWork::Put(event)] if event.starts_at == at(15, 0)));
}

pub(in crate::store) async fn bays_that_are_taken_outside_are_avoided(open: fn(usize) -> Opening) {
    let lab = open(2).await;
    let bays: Vec<BayId> = lab.one.bays().await.unwrap().into_iter().map(|bay| bay.id).collect();
    let book = async |n: usize, avoid: &[BayId]| {
        let booking = Booking { avoid: avoid.to_vec(), ..by_new(n, at(15, 0), 30) };
        lab.one.book(&effect(n, "call_1"), &Fence::open(), booking, render()).await
    };
    assert_eq!(book(1, &bays).await, Err(StoreError::JustTaken));
    assert_eq!(book(2, &bays[..1]).await.unwrap()["bay"], bays[1].0);
    assert_eq!(book(3, &bays[..1]).await, Err(StoreError::JustTaken));
    assert_eq!(book(4, &[]).await.unwrap()["bay"], bays[0].0);
    let moved = Booked::new(&lab.one, 5, at(17, 0)).await;
    let earlier = |avoid: &[BayId]| AppointmentStep::Move { starts_at: at(16, 45), avoid: avoid.to_vec() };
    assert_eq!(moved.change(&lab.one, 1, earlier(&bays)).await, Err(StoreError::JustTaken), "also of its own bay");
    assert_eq!(moved.change(&lab.one, 2, earlier(&bays[..1])).await.unwrap()["bay"], bays[1].0);
}

pub(in crate::store) async fn how_far_a_calendar_was_read_is_kept(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let bay = lab.one.bays().await.unwrap()[0].id;
    assert_eq!(lab.one.sync_token(bay).await, Ok(None));
    for token in ["s1", "s2"] {
        lab.one.keep_sync_token(bay, token).await.unwrap();
        assert_eq!(lab.two.sync_token(bay).await, Ok(Some(token.into())));
    }
    lab.one.sync_bays(&with_calendar(Some("calendar-1"))).await.unwrap();
    assert_eq!(lab.two.sync_token(bay).await, Ok(Some("s2".into())), "the same calendar");
    lab.one.sync_bays(&with_calendar(Some("another"))).await.unwrap();
    assert_eq!(lab.two.sync_token(bay).await, Ok(None), "no other calendar understands it");
}

/// The lab's bay, with that calendar.
fn with_calendar(id: Option<&str>) -> Vec<ShopBay> {
    let calendar = id.map(str::to_owned);
    bays(1).into_iter().map(|bay| ShopBay { calendar: calendar.clone(), ..bay }).collect()
}

/// Whenever this runs, that is over.
const LONG_AGO: i64 = -24 * 365 * 100;
/// Whenever this runs, that is coming.
const SOME_DAY: i64 = 24 * 365 * 100;

pub(in crate::store) async fn orders_are_written_for_a_calendar_that_is_there(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    Booked::new(&lab.one, 1, at(LONG_AGO, 0)).await;
    lab.one.sync_bays(&with_calendar(None)).await.unwrap();
    assert_eq!(lab.two.undelivered().await, Ok(0), "nobody delivers what was ordered before");
    let coming = Booked::new(&lab.one, 2, at(SOME_DAY, 0)).await;
    let called_off = Booked::new(&lab.one, 3, at(SOME_DAY + 1, 0)).await;
    coming.change(&lab.one, 2, move_to(at(SOME_DAY + 2, 0))).await.unwrap();
    called_off.change(&lab.one, 3, cancel()).await.unwrap();
    assert_eq!(lab.two.undelivered().await, Ok(0), "nor what is ordered now");
    for (calendar, version) in [("calendar-1", 3), ("another", 4)] {
        lab.one.sync_bays(&with_calendar(Some(calendar))).await.unwrap();
        let mut works = deliver_all(&lab).await;
        works.sort_by_key(|work| *work == CalendarWork::Remove);
        let [CalendarWork::Put(event), CalendarWork::Remove] = &works[..] else { panic!("{works:?}") };
        let found = (event.appointment, event.version, event.starts_at);
        assert_eq!(found, (coming.id, version, at(SOME_DAY + 2, 0)), "what is coming, as it is now");
        lab.one.sync_bays(&with_calendar(Some(calendar))).await.unwrap();
        assert_eq!(deliver_all(&lab).await, [], "the same settings again change nothing");
    }
}

pub(in crate::store) async fn what_is_over_is_left_as_the_calendar_has_it(open: fn(usize) -> Opening) {
    for (hour, cancelled, expected) in
        [(11, false, CalendarWork::Leave), (11, true, CalendarWork::Remove), (10, true, CalendarWork::Remove)]
    {
        let lab = open(1).await;
        let booked = Booked::new(&lab.one, 1, at(10, 0)).await;
        if cancelled {
            booked.change(&lab.one, 1, cancel()).await.unwrap();
        }
        assert_eq!(claim(&lab, at(hour, 0)).await[0].work, expected, "at {hour}");
    }
}
