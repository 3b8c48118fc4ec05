//! Which times are free, in the shop's zone, seen from a Monday at 8 AM.

use super::*;
use crate::actor;
use crate::domain::{Appointment, AppointmentId, BayId, CustomerId};
use crate::testing::store::FakeStore;
use crate::testing::{FakeClock, ms};

async fn calendar(booked: &[(&str, i64)]) -> Mailbox<CalendarMsg> {
    let store = FakeStore::default();
    let appointment = |(at, bay): &(&str, i64)| {
        Appointment::new(AppointmentId(1), CustomerId(1), "Oil change", at.parse().unwrap(), 60, BayId(*bay))
    };
    store.change(|records| records.appointments = booked.iter().map(appointment).collect());
    let (store, clock) = (Arc::new(store), Arc::new(FakeClock::monday_morning()));
    actor::spawn(CalendarActor, CalendarArgs { store, shop: Arc::new(Shop::default()), clock, outside: None }, None)
        .await
        .unwrap()
}

async fn free_on(calendar: &Mailbox<CalendarMsg>, date: &str, minutes: u32) -> Vec<String> {
    let date = date.parse().unwrap();
    let ask = |reply_to| CalendarMsg::FreeOn { date, minutes, but_for: None, reply_to };
    let free = calendar.ask(ms(100), ask).await.unwrap().unwrap();
    free.iter().map(|at| at.format("%H:%M").to_string()).collect()
}

async fn next_free(calendar: &Mailbox<CalendarMsg>, from: &str, minutes: u32, count: usize) -> Vec<String> {
    let from = from.parse().unwrap();
    let ask = |reply_to| CalendarMsg::NextFree { from, minutes, count, but_for: None, reply_to };
    let free = calendar.ask(ms(100), ask).await.unwrap().unwrap();
    free.iter().map(|at| at.format("%d %H:%M").to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn free_times_keep_to_hours_lunch_and_bookings() {
    let calendar = calendar(&[("2026-11-24T15:00:00Z", 1), ("2026-11-24T21:30:00Z", 1)]).await;
    // Booked from 9 to 10 and from 15:30 to 16:30.
    assert_eq!(
        free_on(&calendar, "2026-11-24", 60).await,
        ["10:00", "10:30", "11:00", "13:00", "13:30", "14:00", "14:30"]
    );
    assert_eq!(free_on(&calendar, "2026-11-28", 120).await, ["09:00", "09:30", "10:00", "13:00"], "a Saturday");
    assert_eq!(free_on(&calendar, "2026-11-29", 30).await, Vec::<String>::new(), "a Sunday");
    assert_eq!(free_on(&calendar, "2026-11-20", 30).await, Vec::<String>::new(), "the past");
    assert_eq!(free_on(&calendar, "2026-11-23", 30).await.len(), 14, "today");
}

#[tokio::test(start_paused = true)]
async fn the_next_free_times_skip_full_and_closed_days() {
    let full: Vec<_> = [15, 16, 17, 19, 20, 21, 22].iter().map(|hour| format!("2026-11-28T{hour}:00:00Z")).collect();
    let full: Vec<_> = full.iter().map(|at| (at.as_str(), 1)).collect();
    let calendar = calendar(&full).await;
    assert_eq!(next_free(&calendar, "2026-11-28", 60, 3).await, ["30 09:00", "30 09:30", "30 10:00"]);
    assert_eq!(
        next_free(&calendar, "2026-11-27", 60, 100).await.len(),
        100.min(next_free(&calendar, "2026-11-27", 60, 1_000).await.len())
    );
    assert_eq!(next_free(&calendar, "2028-01-01", 60, 3).await, Vec::<String>::new(), "beyond the horizon");
}

mod decisions;
mod outside;
