//! Booking: one bay, one time, one effect.

use std::sync::Arc;

use otto_actors::domain::{CustomerId, NewCustomer, TurnId, VehicleId};
use otto_actors::effects::{Fence, TurnClock};
use otto_actors::ports::{Booking, BookingCustomer, Render, StoreError};
use serde_json::json;

use super::lab::{Opening, appointment, at, at_once, book, bookings, by_new, customer, effect, phone, render, today};

pub(in crate::store) async fn of_fifty_bookings_of_one_slot_one_wins(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let outcomes = at_once(&lab, 50, |store, n| async move { book(&store, n, by_new(n, at(15, 0), 30)).await }).await;
    let won = outcomes.iter().filter(|o| o.is_ok()).count();
    let lost = outcomes.iter().filter(|o| **o == Err(StoreError::JustTaken)).count();
    assert_eq!((won, lost), (1, 49), "{outcomes:?}");
    assert_eq!(bookings(&lab.two).await, 1);
    let mut on_file = 0;
    for n in 0..50 {
        on_file += usize::from(lab.one.customer_by_phone(&phone(n)).await.unwrap().is_some());
    }
    assert_eq!(on_file, 1, "who lost was not put on file either");
}

pub(in crate::store) async fn the_same_effect_again_returns_the_stored_result(open: fn(usize) -> Opening) {
    let lab = open(2).await;
    let first = book(&lab.one, 1, by_new(1, at(15, 0), 30)).await.unwrap();
    let again = book(&lab.two, 1, by_new(1, at(15, 0), 30)).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(bookings(&lab.one).await, 1);
    let other = effect(1, "call_2");
    lab.one.book(&other, &Fence::open(), by_new(1, at(15, 0), 30), render()).await.unwrap();
    assert_eq!(bookings(&lab.one).await, 2, "another tool call is another effect");
}

pub(in crate::store) async fn of_twenty_identical_effects_one_happens(open: fn(usize) -> Opening) {
    let lab = open(5).await;
    let outcomes = at_once(&lab, 20, |store, _| async move { book(&store, 1, by_new(1, at(15, 0), 30)).await }).await;
    assert!(outcomes.iter().all(|o| o.is_ok() && *o == outcomes[0]), "{outcomes:?}");
    assert_eq!(bookings(&lab.one).await, 1);
}

pub(in crate::store) async fn a_closed_fence_leaves_nothing(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let clock = TurnClock::at(TurnId(1));
    let fence = clock.fence(TurnId(1));
    clock.advance_to(TurnId(2));
    let outcome = lab.one.book(&effect(1, "call_1"), &fence, by_new(1, at(15, 0), 30), render()).await;
    assert_eq!(outcome, Err(StoreError::Fenced));
    assert_eq!(bookings(&lab.two).await, 0);
    assert_eq!(lab.two.customer_by_phone(&phone(1)).await, Ok(None));
    // No effect is left, or this would return its result instead of booking.
    book(&lab.two, 1, by_new(1, at(15, 0), 30)).await.unwrap();
    assert_eq!(bookings(&lab.one).await, 1);
}

pub(in crate::store) async fn a_turn_that_ends_during_the_write_leaves_nothing(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let clock = TurnClock::at(TurnId(1));
    let fence = clock.fence(TurnId(1));
    let interrupt: Render = Arc::new(move |_, _| {
        clock.advance_to(TurnId(2));
        json!({})
    });
    let outcome = lab.one.book(&effect(1, "call_1"), &fence, by_new(1, at(15, 0), 30), interrupt).await;
    assert_eq!(outcome, Err(StoreError::Fenced));
    assert_eq!(bookings(&lab.one).await, 0);
}

pub(in crate::store) async fn what_has_happened_is_told_through_a_closed_fence(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let booked = book(&lab.one, 1, by_new(1, at(15, 0), 30)).await.unwrap();
    let clock = TurnClock::at(TurnId(2));
    let closed = clock.fence(TurnId(1));
    let again = lab.two.book(&effect(1, "call_1"), &closed, by_new(1, at(15, 0), 30), render()).await;
    assert_eq!(again, Ok(booked));
}

pub(in crate::store) async fn overlaps_of_any_shape_are_refused_and_neighbours_are_not(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    book(&lab.one, 0, by_new(0, at(15, 0), 60)).await.unwrap();
    for (n, (starts_at, minutes, free)) in [
        (at(14, 30), 60, false),
        (at(15, 15), 15, false),
        (at(15, 30), 120, false),
        (at(14, 0), 240, false),
        (at(15, 0), 60, false),
        (at(14, 0), 60, true),
        (at(16, 0), 30, true),
    ]
    .into_iter()
    .enumerate()
    {
        let outcome = book(&lab.two, n + 1, by_new(n + 1, starts_at, minutes)).await;
        assert_eq!(outcome.is_ok(), free, "{starts_at} for {minutes}: {outcome:?}");
        assert!(free || outcome == Err(StoreError::JustTaken));
    }
}

pub(in crate::store) async fn each_bay_takes_one_in_order(open: fn(usize) -> Opening) {
    let lab = open(2).await;
    assert_eq!(lab.two.bay_count().await, Ok(2));
    let first = book(&lab.one, 1, by_new(1, at(15, 0), 30)).await.unwrap();
    let second = book(&lab.two, 2, by_new(2, at(15, 0), 30)).await.unwrap();
    assert_ne!(first["bay"], second["bay"]);
    assert_eq!(book(&lab.one, 3, by_new(3, at(15, 0), 30)).await, Err(StoreError::JustTaken));
    let later = book(&lab.one, 4, by_new(4, at(16, 0), 30)).await.unwrap();
    assert_eq!(later["bay"], first["bay"], "the first free bay");
}

pub(in crate::store) async fn a_new_customer_is_put_on_file_once(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let first = book(&lab.one, 1, by_new(1, at(15, 0), 30)).await.unwrap();
    let on_file = lab.two.customer_by_phone(&phone(1)).await.unwrap().unwrap();
    assert_eq!((on_file.name.as_str(), on_file.phone.clone(), on_file.since), ("Customer 1", phone(1), Some(today())));
    let mut renamed = by_new(1, at(16, 0), 30);
    renamed.customer = BookingCustomer::New(NewCustomer { name: "Somebody".into(), phone: phone(1), since: today() });
    let second = book(&lab.two, 2, renamed).await.unwrap();
    assert_eq!(first["customer"], second["customer"], "the number finds who is there already");
    assert_eq!(customer(&lab.one, 1).await, on_file.id);
}

pub(in crate::store) async fn who_is_not_on_file_is_not_found(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let unknown = Booking {
        customer: BookingCustomer::OnFile(CustomerId(4_711)),
        appointment: appointment(at(15, 0), 30),
        avoid: Vec::new(),
        text: false,
    };
    assert_eq!(book(&lab.one, 1, unknown).await, Err(StoreError::NotFound("customer")));
    let mut strange = by_new(1, at(15, 0), 30);
    strange.appointment.vehicle = Some(VehicleId(4_711));
    assert_eq!(book(&lab.one, 2, strange).await, Err(StoreError::NotFound("vehicle")));
    assert_eq!(lab.one.customer_by_phone(&phone(1)).await, Ok(None), "nothing is left of it");
}

pub(in crate::store) async fn upcoming_is_in_order_and_begins_at_the_given_time(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    for (n, hour) in [17, 15, 19, 13].into_iter().enumerate() {
        book(&lab.one, n, by_new(1, at(hour, 0), 30)).await.unwrap();
    }
    book(&lab.one, 9, by_new(2, at(21, 0), 30)).await.unwrap();
    let id = customer(&lab.one, 1).await;
    let starts = |from| {
        let store = Arc::clone(&lab.two);
        async move { store.upcoming(id, from).await.unwrap().iter().map(|a| a.starts_at).collect::<Vec<_>>() }
    };
    assert_eq!(starts(at(15, 0)).await, [at(15, 0), at(17, 0), at(19, 0)]);
    assert_eq!(starts(at(15, 1)).await, [at(17, 0), at(19, 0)]);
    assert!(starts(at(20, 0)).await.is_empty());
}

pub(in crate::store) async fn booked_times_are_those_that_overlap(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    book(&lab.one, 1, by_new(1, at(15, 0), 60)).await.unwrap();
    for (from, to, count) in
        [(at(14, 0), at(15, 0), 0), (at(14, 0), at(15, 1), 1), (at(15, 30), at(15, 31), 1), (at(16, 0), at(17, 0), 0)]
    {
        let booked = lab.two.booked_between(from, to).await.unwrap();
        assert_eq!(booked.len(), count, "{from} to {to}");
        assert!(booked.iter().all(|b| (b.starts_at, b.ends_at) == (at(15, 0), at(16, 0))));
    }
}

pub(in crate::store) async fn it_answers(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    assert_eq!((lab.one.ping().await, lab.two.ping().await), (Ok(()), Ok(())));
}
