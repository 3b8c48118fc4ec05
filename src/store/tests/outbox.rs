//! Orders to the outside: written with the change, delivered in order, held by one worker at a time.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use otto_actors::domain::TurnId;
use otto_actors::effects::{Fence, TurnClock};
use otto_actors::ports::{Claim, Order, OutboxRow};

use super::changes::{Booked, cancel, move_to};
use super::lab::{Opening, at, by_new, effect, render};
use crate::store::Records;

const LEASE: Duration = Duration::from_secs(60);

async fn claim(store: &Arc<dyn Records>, worker: &str, limit: u32, now: DateTime<Utc>) -> Vec<OutboxRow> {
    store.claim_due(&Claim { kind: "calendar", worker, limit, lease: LEASE, now }).await.unwrap()
}

/// Delivers everything, one order after the other.
async fn drain(store: &Arc<dyn Records>) -> Vec<Order> {
    let mut orders = Vec::new();
    loop {
        let claimed = claim(store, "drain", 10, at(12, 0)).await;
        if claimed.is_empty() {
            return orders;
        }
        for row in claimed {
            assert!(store.delivered(&row, at(12, 0)).await.unwrap());
            orders.push(row.order);
        }
    }
}

fn words(orders: &[Order]) -> Vec<String> {
    let word = |order: &Order| match order {
        Order::CalendarUpsert(about) | Order::CalendarDelete(about) => {
            format!("{} {} bay {} v{}", order.kind(), about.appointment, about.bay, about.version)
        }
        Order::Text(about) => format!("{:?} {} v{}", about.about, about.appointment, about.version),
    };
    orders.iter().map(word).collect()
}

pub(in crate::store) async fn each_change_leaves_its_orders(open: fn(usize) -> Opening) {
    let lab = open(2).await;
    let booked = Booked::new(&lab.one, 1, at(15, 0)).await;
    let (id, bay) = (booked.id, booked.now(&lab.one).await.bay);
    assert_eq!(words(&drain(&lab.two).await), [format!("calendar_upsert {id} bay {bay} v1")]);
    booked.change(&lab.one, 1, otto_actors::ports::AppointmentStep::Confirm).await.unwrap();
    assert_eq!(words(&drain(&lab.two).await), [format!("calendar_upsert {id} bay {bay} v2")]);
    booked.change(&lab.one, 2, move_to(at(17, 0))).await.unwrap();
    assert_eq!(words(&drain(&lab.two).await), [format!("calendar_upsert {id} bay {bay} v3")]);
    Booked::new(&lab.one, 2, at(19, 0)).await;
    drain(&lab.two).await;
    booked.change(&lab.one, 3, move_to(at(19, 0))).await.unwrap();
    let other = booked.now(&lab.one).await.bay;
    assert_ne!(other, bay);
    let moved = [format!("calendar_delete {id} bay {bay} v4"), format!("calendar_upsert {id} bay {other} v4")];
    assert_eq!(words(&drain(&lab.two).await), moved);
    booked.change(&lab.one, 4, cancel()).await.unwrap();
    assert_eq!(words(&drain(&lab.two).await), [format!("calendar_delete {id} bay {other} v5")]);
    assert_eq!(lab.one.undelivered().await, Ok(0));
}

pub(in crate::store) async fn orders_of_one_appointment_keep_their_order(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let first = Booked::new(&lab.one, 1, at(15, 0)).await;
    first.change(&lab.one, 1, move_to(at(17, 0))).await.unwrap();
    first.change(&lab.one, 2, cancel()).await.unwrap();
    let second = Booked::new(&lab.one, 2, at(15, 0)).await;
    let claimed = claim(&lab.one, "a", 10, at(12, 0)).await;
    let about: Vec<_> = claimed.iter().map(|row| row.order.subject()).collect();
    assert_eq!(about, [format!("appointment:{}", first.id), format!("appointment:{}", second.id)]);
    assert_eq!(claim(&lab.two, "b", 10, at(12, 0)).await, [], "the rest waits for the first");
    lab.one.delivered(&claimed[0], at(12, 0)).await.unwrap();
    let next = claim(&lab.two, "b", 10, at(12, 0)).await;
    assert_eq!(next.len(), 1);
    assert!(words(&[next[0].order.clone()])[0].ends_with("v2"));
    assert_eq!(lab.one.undelivered().await, Ok(3));
}

pub(in crate::store) async fn an_order_is_held_by_one_worker(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    for n in 0..20 {
        Booked::new(&lab.one, n, at(n as i64, 0)).await;
    }
    let mut tasks = Vec::new();
    for n in 0..10 {
        let store = Arc::clone(if n % 2 == 0 { &lab.one } else { &lab.two });
        tasks.push(tokio::spawn(async move { claim(&store, &format!("worker {n}"), 3, at(12, 0)).await }));
    }
    let mut claimed = Vec::new();
    for task in tasks {
        let rows = task.await.unwrap();
        assert!(rows.len() <= 3 && rows.is_sorted_by_key(|row| row.id));
        claimed.extend(rows.iter().map(|row| row.id));
    }
    let before = claimed.len();
    claimed.sort();
    claimed.dedup();
    assert_eq!(claimed.len(), before, "none is claimed twice");
    let rest = claim(&lab.one, "last", 100, at(12, 0)).await;
    assert_eq!(rest.len() + before, 20, "and none is left out");
}

pub(in crate::store) async fn a_lease_that_runs_out_opens_the_order_again(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    Booked::new(&lab.one, 1, at(15, 0)).await;
    let lost = claim(&lab.one, "a", 1, at(12, 0)).await.remove(0);
    assert_eq!(claim(&lab.two, "b", 1, at(12, 0) + LEASE - Duration::from_secs(1)).await, []);
    let held = claim(&lab.two, "a", 1, at(12, 0) + LEASE).await.remove(0);
    assert_eq!((lost.attempts, held.attempts), (1, 2));
    assert_eq!(lab.one.delivered(&lost, at(12, 2)).await, Ok(false), "even under the same name");
    assert_eq!(lab.one.failed(&lost, at(13, 0), "late").await, Ok(false));
    assert_eq!(lab.two.delivered(&held, at(12, 2)).await, Ok(true));
    assert_eq!(lab.two.delivered(&held, at(12, 2)).await, Ok(false));
    assert_eq!(claim(&lab.one, "a", 1, at(23, 0)).await, []);
}

pub(in crate::store) async fn a_failed_order_waits_for_its_time(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    Booked::new(&lab.one, 1, at(15, 0)).await;
    let row = claim(&lab.one, "a", 1, at(12, 0)).await.remove(0);
    assert_eq!(lab.one.failed(&row, at(12, 5), "503").await, Ok(true));
    assert_eq!(claim(&lab.two, "b", 1, at(12, 4)).await, []);
    assert_eq!(claim(&lab.two, "b", 1, at(12, 5)).await[0].attempts, 2);
    assert_eq!(lab.count("SELECT count(*) FROM outbox WHERE last_error = '503'").await, 1);
    let others = Claim { kind: "sms", worker: "c", limit: 9, lease: LEASE, now: at(23, 0) };
    assert_eq!(lab.one.claim_due(&others).await.unwrap(), [], "orders of another kind");
}

pub(in crate::store) async fn what_failed_leaves_no_order(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let clock = TurnClock::at(TurnId(1));
    let fence = clock.fence(TurnId(1));
    clock.advance_to(TurnId(2));
    lab.one.book(&effect(1, "a"), &fence, by_new(1, at(15, 0), 30), render()).await.unwrap_err();
    lab.one.book(&effect(1, "b"), &Fence::open(), by_new(1, at(15, 0), 30), render()).await.unwrap();
    lab.one.book(&effect(1, "c"), &Fence::open(), by_new(2, at(15, 0), 30), render()).await.unwrap_err();
    lab.one.book(&effect(1, "b"), &Fence::open(), by_new(1, at(15, 0), 30), render()).await.unwrap();
    assert_eq!(lab.one.undelivered().await, Ok(1));
}
