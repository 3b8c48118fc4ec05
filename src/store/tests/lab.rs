//! One database of each kind for a test, opened twice as two processes would; and the words that the contract is
//! written in.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use otto_actors::domain::{CallSid, CustomerId, NewAppointment, NewCustomer, PhoneNumber, ShopBay, TurnId};
use otto_actors::effects::{EffectId, Fence};
use otto_actors::ports::{Booking, BookingCustomer, Render, StoreError};
use serde_json::{Value, json};
use sqlx::{PgPool, SqlitePool};

use super::postgres::Database;
use crate::store::{PostgresStore, Records, SqliteStore};

/// One database, opened twice.
pub(in crate::store) struct Lab {
    pub(in crate::store) one: Arc<dyn Records>,
    pub(in crate::store) two: Arc<dyn Records>,
    by_hand: ByHand,
    /// What goes with the test: a folder, a database.
    _rest: Box<dyn Send + Sync>,
}

/// Statements beside the store.
enum ByHand {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

pub(in crate::store) type Opening = Pin<Box<dyn Future<Output = Lab> + Send>>;

pub(in crate::store) fn bays(count: usize) -> Vec<ShopBay> {
    (1..=count).map(|n| ShopBay { name: format!("Bay {n}"), calendar: Some(format!("calendar-{n}")) }).collect()
}

pub(in crate::store) fn sqlite(count: usize) -> Opening {
    Box::pin(async move {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("otto.db").display());
        // Together, because that is how two processes of a deployment start.
        let (one, two) = tokio::join!(SqliteStore::open(&url), SqliteStore::open(&url));
        let (one, two) = (Arc::new(one.unwrap()), Arc::new(two.unwrap()));
        one.sync_bays(&bays(count)).await.unwrap();
        let by_hand = ByHand::Sqlite(SqlitePool::connect(&url).await.unwrap());
        Lab { one, two, by_hand, _rest: Box::new(folder) }
    })
}

pub(in crate::store) fn sqlite_in_memory(count: usize) -> Opening {
    Box::pin(async move {
        let one = Arc::new(SqliteStore::open("sqlite::memory:").await.unwrap());
        one.sync_bays(&bays(count)).await.unwrap();
        let by_hand = ByHand::Sqlite(one.reader().clone());
        Lab { two: Arc::clone(&one) as Arc<dyn Records>, one, by_hand, _rest: Box::new(()) }
    })
}

pub(in crate::store) fn postgres(count: usize) -> Opening {
    Box::pin(async move {
        let database = Database::create().await;
        let url = &database.url;
        let (one, two) = tokio::join!(PostgresStore::open(url, None, 8), PostgresStore::open(url, None, 8));
        let (one, two) = (Arc::new(one.unwrap()), Arc::new(two.unwrap()));
        one.sync_bays(&bays(count)).await.unwrap();
        let by_hand = ByHand::Postgres(PgPool::connect(&database.url).await.unwrap());
        Lab { one, two, by_hand, _rest: Box::new(database) }
    })
}

impl Lab {
    /// Runs a statement by hand; what it returns is the number of rows, or of the one row's only column.
    pub(in crate::store) async fn count(&self, sql: &'static str) -> i64 {
        match &self.by_hand {
            ByHand::Sqlite(pool) => sqlx::query_scalar(sql).fetch_one(pool).await.unwrap(),
            ByHand::Postgres(pool) => sqlx::query_scalar(sql).fetch_one(pool).await.unwrap(),
        }
    }

    /// Runs a statement by hand.
    pub(in crate::store) async fn run(&self, sql: &'static str) -> Result<(), sqlx::Error> {
        match &self.by_hand {
            ByHand::Sqlite(pool) => sqlx::query(sql).execute(pool).await.map(|_| ()),
            ByHand::Postgres(pool) => sqlx::query(sql).execute(pool).await.map(|_| ()),
        }
    }
}

pub(in crate::store) fn at(hour: i64, minute: i64) -> DateTime<Utc> {
    let midnight: DateTime<Utc> = "2026-11-24T00:00:00Z".parse().unwrap();
    midnight + Duration::hours(hour) + Duration::minutes(minute)
}

/// The day in the shop's zone, which is not that of its midnight.
pub(in crate::store) fn today() -> NaiveDate {
    "2026-11-23".parse().unwrap()
}

pub(in crate::store) fn phone(n: usize) -> PhoneNumber {
    PhoneNumber::parse(&format!("+1555555{n:04}")).unwrap()
}

pub(in crate::store) fn effect(call: usize, tool_call_id: &str) -> EffectId {
    let call = CallSid::parse(&format!("CA{call:032}")).unwrap();
    EffectId { call, turn: TurnId(1), tool_call_id: tool_call_id.into() }
}

pub(in crate::store) fn appointment(starts_at: DateTime<Utc>, minutes: u32) -> NewAppointment {
    NewAppointment {
        customer: CustomerId(0),
        vehicle: None,
        service: "Oil change".into(),
        starts_at,
        minutes,
        concerns: None,
        estimate: None,
        booked_by: "phone",
    }
}

/// A booking by the n-th new customer.
pub(in crate::store) fn by_new(n: usize, starts_at: DateTime<Utc>, minutes: u32) -> Booking {
    let customer = NewCustomer { name: format!("Customer {n}"), phone: phone(n), since: today() };
    Booking {
        customer: BookingCustomer::New(customer),
        appointment: appointment(starts_at, minutes),
        avoid: Vec::new(),
        text: false,
    }
}

pub(in crate::store) fn render() -> Render {
    Arc::new(
        |appointment, customer| json!({ "appointment": appointment.id.0, "bay": appointment.bay.0, "customer": customer.id.0 }),
    )
}

pub(in crate::store) async fn book(
    store: &Arc<dyn Records>,
    call: usize,
    booking: Booking,
) -> Result<Value, StoreError> {
    store.book(&effect(call, "call_1"), &Fence::open(), booking, render()).await
}

pub(in crate::store) async fn bookings(store: &Arc<dyn Records>) -> usize {
    store.booked_between(at(0, 0), at(24, 0)).await.unwrap().len()
}

pub(in crate::store) async fn customer(store: &Arc<dyn Records>, n: usize) -> CustomerId {
    store.customer_by_phone(&phone(n)).await.unwrap().unwrap().id
}

/// Runs `count` requests at the same time, turn about on both handles.
pub(in crate::store) async fn at_once<F>(
    lab: &Lab,
    count: usize,
    request: impl Fn(Arc<dyn Records>, usize) -> F,
) -> Vec<Result<Value, StoreError>>
where
    F: Future<Output = Result<Value, StoreError>> + Send + 'static,
{
    let handle = |n: usize| Arc::clone(if n.is_multiple_of(2) { &lab.one } else { &lab.two });
    let tasks: Vec<_> = (0..count).map(|n| tokio::spawn(request(handle(n), n))).collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}
