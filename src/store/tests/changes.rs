//! Moving, confirming and calling off.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use otto_actors::domain::{Appointment, AppointmentId, AppointmentStatus, CustomerId, TurnId};
use otto_actors::effects::{Fence, TurnClock};
use otto_actors::ports::{Action, AppointmentChange, AppointmentStep, StoreError};
use serde_json::Value;

use super::lab::{Lab, Opening, at, at_once, book, bookings, by_new, customer, effect, render};
use crate::store::Records;

pub(super) fn cancel() -> AppointmentStep {
    AppointmentStep::Cancel { reason: Some("sold the car".into()) }
}

pub(super) fn move_to(starts_at: DateTime<Utc>) -> AppointmentStep {
    AppointmentStep::Move { starts_at, avoid: Vec::new() }
}

/// An appointment with its owner.
#[derive(Clone, Copy)]
pub(super) struct Booked {
    pub(super) id: AppointmentId,
    pub(super) owner: CustomerId,
}

impl Booked {
    pub(super) async fn new(store: &Arc<dyn Records>, n: usize, starts_at: DateTime<Utc>) -> Self {
        let result = book(store, n, by_new(n, starts_at, 60)).await.unwrap();
        let id = AppointmentId(result["appointment"].as_i64().unwrap());
        Self { id, owner: customer(store, n).await }
    }

    pub(super) async fn now(self, store: &Arc<dyn Records>) -> Appointment {
        store.appointment(self.id).await.unwrap().unwrap()
    }

    /// A change by the n-th call.
    pub(super) async fn change(
        self,
        store: &Arc<dyn Records>,
        call: usize,
        step: AppointmentStep,
    ) -> Result<Value, StoreError> {
        self.change_behind(store, call, step, &Fence::open()).await
    }

    async fn change_behind(
        self,
        store: &Arc<dyn Records>,
        call: usize,
        step: AppointmentStep,
        fence: &Fence,
    ) -> Result<Value, StoreError> {
        let change = AppointmentChange { appointment: self.id, customer: self.owner, step, text: false };
        let action = Action::ChangeAppointment { change, render: render() };
        store.act(&effect(call, "change"), fence, action).await
    }
}

pub(in crate::store) async fn a_cancelled_slot_is_free_again(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let booked = Booked::new(&lab.one, 1, at(15, 0)).await;
    booked.change(&lab.two, 1, cancel()).await.unwrap();
    let after = booked.now(&lab.one).await;
    assert_eq!((after.status, after.version), (AppointmentStatus::Cancelled, 2));
    assert_eq!(after.cancel_reason.as_deref(), Some("sold the car"));
    assert_eq!(bookings(&lab.one).await, 0);
    assert!(lab.one.upcoming(booked.owner, at(0, 0)).await.unwrap().is_empty());
    book(&lab.two, 2, by_new(2, at(15, 30), 30)).await.unwrap();
}

pub(in crate::store) async fn a_moved_appointment_keeps_its_bay_or_takes_another(open: fn(usize) -> Opening) {
    let lab = open(2).await;
    let first = Booked::new(&lab.one, 1, at(15, 0)).await;
    let second = Booked::new(&lab.one, 2, at(15, 0)).await;
    let bay = second.now(&lab.one).await.bay;
    assert_ne!(bay, first.now(&lab.one).await.bay);
    second.change(&lab.two, 1, AppointmentStep::Confirm).await.unwrap();
    assert_eq!(second.now(&lab.one).await.status, AppointmentStatus::Confirmed);
    // Half an hour later overlaps only itself.
    second.change(&lab.two, 2, move_to(at(15, 30))).await.unwrap();
    let moved = second.now(&lab.one).await;
    assert_eq!((moved.starts_at, moved.bay, moved.status), (at(15, 30), bay, AppointmentStatus::Scheduled));
    Booked::new(&lab.one, 3, at(17, 0)).await;
    second.change(&lab.two, 3, move_to(at(17, 0))).await.unwrap();
    assert_eq!(second.now(&lab.one).await.bay, bay, "its own bay is free");
    let fourth = Booked::new(&lab.one, 4, at(19, 0)).await;
    let fifth = Booked::new(&lab.one, 5, at(19, 0)).await;
    assert_eq!(fifth.now(&lab.one).await.bay, bay);
    fourth.change(&lab.two, 4, cancel()).await.unwrap();
    second.change(&lab.two, 5, move_to(at(19, 0))).await.unwrap();
    assert_ne!(second.now(&lab.one).await.bay, bay, "its own bay is taken, the other is not");
}

pub(in crate::store) async fn a_time_that_is_taken_leaves_the_appointment_where_it_is(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let booked = Booked::new(&lab.one, 1, at(15, 0)).await;
    Booked::new(&lab.one, 2, at(17, 0)).await;
    let before = booked.now(&lab.one).await;
    assert_eq!(booked.change(&lab.two, 1, move_to(at(16, 30))).await, Err(StoreError::JustTaken));
    assert_eq!(booked.now(&lab.one).await, before);
}

pub(in crate::store) async fn a_stranger_changes_nothing(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let booked = Booked::new(&lab.one, 1, at(15, 0)).await;
    let stranger = Booked::new(&lab.one, 2, at(17, 0)).await;
    let before = booked.now(&lab.one).await;
    for (n, step) in [cancel(), AppointmentStep::Confirm, move_to(at(19, 0))].into_iter().enumerate() {
        let foreign = Booked { id: booked.id, owner: stranger.owner };
        let nobody = Booked { id: AppointmentId(4_711), owner: stranger.owner };
        let not_found = Err(StoreError::NotFound("appointment"));
        assert_eq!(foreign.change(&lab.two, n, step.clone()).await, not_found);
        assert_eq!(nobody.change(&lab.two, 10 + n, step).await, not_found);
    }
    assert_eq!(booked.now(&lab.one).await, before);
}

pub(in crate::store) async fn what_is_over_cannot_be_changed(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let booked = Booked::new(&lab.one, 1, at(15, 0)).await;
    for (n, (sql, status)) in [
        ("UPDATE appointments SET status = 'cancelled'", AppointmentStatus::Cancelled),
        ("UPDATE appointments SET status = 'in_progress'", AppointmentStatus::InProgress),
        ("UPDATE appointments SET status = 'completed'", AppointmentStatus::Completed),
        ("UPDATE appointments SET status = 'no_show'", AppointmentStatus::NoShow),
    ]
    .into_iter()
    .enumerate()
    {
        lab.run(sql).await.unwrap();
        for (m, step) in [cancel(), AppointmentStep::Confirm, move_to(at(19, 0))].into_iter().enumerate() {
            assert_eq!(booked.change(&lab.two, 10 * n + m, step).await, Err(StoreError::NotOpen(status)));
        }
    }
}

pub(in crate::store) async fn a_change_happens_once_and_not_behind_a_closed_fence(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let booked = Booked::new(&lab.one, 1, at(15, 0)).await;
    let clock = TurnClock::at(TurnId(1));
    let fence = clock.fence(TurnId(1));
    clock.advance_to(TurnId(2));
    for (n, step) in [cancel(), AppointmentStep::Confirm, move_to(at(19, 0))].into_iter().enumerate() {
        assert_eq!(booked.change_behind(&lab.one, n, step, &fence).await, Err(StoreError::Fenced));
    }
    assert_eq!(booked.now(&lab.one).await.version, 1);
    let first = booked.change(&lab.one, 1, move_to(at(19, 0))).await.unwrap();
    let again = booked.change_behind(&lab.two, 1, move_to(at(19, 0)), &fence).await;
    assert_eq!(again, Ok(first), "what has happened is told");
    assert_eq!(booked.now(&lab.one).await.version, 2);
    let orders = lab.count("SELECT count(*) FROM outbox").await;
    assert_eq!(orders, 2, "one of the booking, one of the move");
}

pub(in crate::store) async fn of_twenty_moves_into_one_slot_one_wins(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let mut all = Vec::new();
    for n in 0..20 {
        all.push(Booked::new(&lab.one, n, at(0, 0) + chrono::Duration::hours(n as i64)).await);
    }
    let contested = at(30, 0);
    let outcomes = at_once(&lab, 20, |store, n| {
        let booked = all[n];
        async move { booked.change(&store, n, move_to(contested)).await }
    })
    .await;
    let won = outcomes.iter().filter(|o| o.is_ok()).count();
    let lost = outcomes.iter().filter(|o| **o == Err(StoreError::JustTaken)).count();
    assert_eq!((won, lost), (1, 19), "{outcomes:?}");
}

/// The constraint of the table itself, without Otto's own searching and locking.
pub(in crate::store) async fn statements_by_hand_cannot_double_a_bay(open: fn(usize) -> Opening) {
    let lab: Lab = open(1).await;
    let insert = "INSERT INTO appointments (customer_id, service, starts_at, ends_at, minutes, bay_id, booked_by) \
                  SELECT c.id, 'x', '2026-11-24T15:00:00Z', '2026-11-24T16:00:00Z', 60, b.id, 'hand' \
                  FROM customers AS c, bays AS b";
    lab.run("INSERT INTO customers (name, phone) VALUES ('A', '+15555550199')").await.unwrap();
    lab.run(insert).await.unwrap();
    assert!(lab.run(insert).await.is_err());
    lab.run("UPDATE appointments SET status = 'cancelled'").await.unwrap();
    lab.run(insert).await.unwrap();
    let revive = "UPDATE appointments SET status = 'scheduled' WHERE status = 'cancelled'";
    assert!(lab.run(revive).await.is_err());
    let odd = "UPDATE appointments SET minutes = 30";
    assert!(lab.run(odd).await.is_err(), "the end is not where the minutes say");
    assert!(lab.run("INSERT INTO customers (name, phone) VALUES ('B', '555-0100')").await.is_err());
}
