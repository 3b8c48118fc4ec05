//! The calendar outside and the records: what an order asks for now, and what a change in the calendar does.

use chrono::{DateTime, Duration, Utc};
use otto_actors::domain::{AppointmentStatus, BayId};
use otto_actors::effects::Fence;
use otto_actors::ports::{
    Applied, Backlog, Booking, CalendarChange, CalendarJob, CalendarWork, EventNow, Settled, StoreError,
};

use super::changes::{Booked, cancel, move_to};
use super::lab::{Lab, Opening, at, by_new, effect, render};

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

pub(in crate::store) async fn people_move_and_cancel_in_the_calendar(open: fn(usize) -> Opening) {
    let lab = open(2).await;
    let booked = Booked::new(&lab.one, 1, at(15, 0)).await;
    let bay = booked.now(&lab.one).await.bay;
    let other = BayId(if bay.0 == 1 { 2 } else { 1 });
    let apply = async |change: CalendarChange| lab.two.apply_calendar_change(&change).await.unwrap();
    let moved = change(&booked, bay, 1, planned(at(17, 0), 90));
    assert_eq!(apply(moved.clone()).await, Applied::Waiting, "Otto's own order is on its way");
    deliver_all(&lab).await;
    assert_eq!(apply(change(&booked, bay, 1, planned(at(15, 0), 60))).await, Applied::Unchanged, "it is so already");
    assert_eq!(apply(change(&booked, other, 1, EventNow::Cancelled)).await, Applied::Unchanged, "another bay");
    assert_eq!(apply(moved.clone()).await, Applied::Moved);
    let now = booked.now(&lab.one).await;
    assert_eq!((now.starts_at, now.minutes, now.version, now.bay), (at(17, 0), 90, 2, bay));
    assert_eq!(apply(moved).await, Applied::Unchanged, "the same again is no change");
    deliver_all(&lab).await;
    let unknown = CalendarChange { version: None, updated: None, ..change(&booked, bay, 2, EventNow::Cancelled) };
    assert_eq!(apply(unknown).await, Applied::Unchanged, "which one was deleted is not known");
    assert_eq!(apply(change(&booked, bay, 2, EventNow::Cancelled)).await, Applied::Cancelled);
    assert_eq!(booked.now(&lab.one).await.status, AppointmentStatus::Cancelled);
    assert_eq!(apply(change(&booked, bay, 3, planned(at(18, 0), 30))).await, Applied::Unchanged, "it is over");
    assert_eq!(deliver_all(&lab).await, [CalendarWork::Remove]);
}

pub(in crate::store) async fn what_is_not_possible_is_put_back(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let booked = Booked::new(&lab.one, 1, at(15, 0)).await;
    Booked::new(&lab.one, 2, at(17, 0)).await;
    let bay = booked.now(&lab.one).await.bay;
    for (version, now) in [(1, planned(at(16, 45), 30)), (2, planned(at(9, 0), 0)), (3, planned(at(9, 0), 1_441))] {
        deliver_all(&lab).await;
        let change = change(&booked, bay, version, now);
        assert_eq!(lab.one.apply_calendar_change(&change).await, Ok(Applied::PutBack), "{now:?}");
        assert_eq!(lab.one.apply_calendar_change(&change).await, Ok(Applied::Unchanged), "counted once");
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
}

pub(in crate::store) async fn how_far_a_calendar_was_read_is_kept(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let bay = lab.one.bays().await.unwrap()[0].id;
    assert_eq!(lab.one.sync_token(bay).await, Ok(None));
    for token in ["s1", "s2"] {
        lab.one.keep_sync_token(bay, token).await.unwrap();
        assert_eq!(lab.two.sync_token(bay).await, Ok(Some(token.into())));
    }
}
