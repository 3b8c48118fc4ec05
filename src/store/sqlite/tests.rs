//! What is SQLite's own: the trigger, the migrations, the file and its lock.

use chrono::NaiveDate;
use otto_actors::domain::{PhoneNumber, ShopBay};
use otto_actors::ports::{BookingStore as _, CustomerStore as _, Store as _};

use super::*;
use crate::store::Records as _;

fn bay() -> ShopBay {
    ShopBay { name: "Bay 1".into(), calendar: None }
}

async fn memory() -> SqliteStore {
    let store = SqliteStore::open("sqlite::memory:").await.unwrap();
    store.sync_bays(&[bay()]).await.unwrap();
    store
}

fn today() -> NaiveDate {
    "2026-11-22".parse().unwrap()
}

async fn count(store: &SqliteStore, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&store.reader).await.unwrap()
}

async fn run(store: &SqliteStore, sql: &'static str) -> Result<(), StoreError> {
    sqlx::query(sql).execute(&store.writer).await.map(|_| ()).map_err(store_error)
}

fn phone(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap()
}

#[tokio::test]
async fn no_statement_gets_around_the_trigger() {
    let store = memory().await;
    run(&store, "INSERT INTO customers (id, name, phone) VALUES (1, 'A', '+15555550199')").await.unwrap();
    let insert = "INSERT INTO appointments (customer_id, service, starts_at, ends_at, minutes, bay_id, booked_by) \
                  SELECT 1, 'x', '2026-11-24T15:00:00Z', '2026-11-24T16:00:00Z', 60, id, 'hand' FROM bays";
    run(&store, insert).await.unwrap();
    assert_eq!(run(&store, insert).await, Err(StoreError::JustTaken));
    let replace = "INSERT OR REPLACE INTO appointments (customer_id, service, starts_at, ends_at, minutes, bay_id, \
                   booked_by) SELECT 1, 'x', '2026-11-24T15:30:00Z', '2026-11-24T16:00:00Z', 30, id, 'hand' FROM bays";
    assert_eq!(run(&store, replace).await, Err(StoreError::JustTaken));
    run(&store, "UPDATE appointments SET status = 'cancelled'").await.unwrap();
    run(&store, insert).await.unwrap();
    let revive = "UPDATE appointments SET status = 'scheduled' WHERE status = 'cancelled'";
    assert_eq!(run(&store, revive).await, Err(StoreError::JustTaken));
    run(
        &store,
        "UPDATE appointments SET starts_at = '2026-11-24T17:00:00Z', ends_at = '2026-11-24T18:00:00Z' \
                 WHERE status = 'cancelled'",
    )
    .await
    .unwrap();
    run(&store, revive).await.unwrap();
    let shift = "UPDATE appointments SET starts_at = '2026-11-24T15:30:00Z', ends_at = '2026-11-24T16:30:00Z'";
    assert_eq!(run(&store, shift).await, Err(StoreError::JustTaken));
}

#[tokio::test]
async fn times_that_do_not_sort_or_do_not_add_up_are_refused() {
    let store = memory().await;
    run(&store, "INSERT INTO customers (id, name, phone) VALUES (1, 'A', '+15555550199')").await.unwrap();
    for sql in [
        "INSERT INTO appointments (customer_id, service, starts_at, ends_at, minutes, bay_id, booked_by) \
         SELECT 1, 'x', '2026-11-24 15:00:00', '2026-11-24 16:00:00', 60, id, 'hand' FROM bays",
        "INSERT INTO appointments (customer_id, service, starts_at, ends_at, minutes, bay_id, booked_by) \
         SELECT 1, 'x', '2026-11-24T15:00:00Z', '2026-11-24T16:00:00Z', 30, id, 'hand' FROM bays",
        "INSERT INTO customers (name, phone) VALUES ('B', '555-0100')",
    ] {
        assert!(matches!(run(&store, sql).await, Err(StoreError::Refused(_))), "{sql}");
    }
}

#[tokio::test]
async fn migrations_go_up_and_down_and_up() {
    let store = memory().await;
    let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' \
                  AND name NOT LIKE '_sqlx%'";
    assert_eq!(count(&store, tables).await, 15);
    store.migrate().await.unwrap();
    store.revert_all().await.unwrap();
    let left = "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE '%sqlite%' AND name NOT LIKE '_sqlx%'";
    assert_eq!(count(&store, left).await, 0);
    assert!(store.ping().await.is_err());
    store.migrate().await.unwrap();
    assert_eq!(count(&store, tables).await, 15);
    assert_eq!(store.bay_count().await, Ok(0));
}

#[tokio::test]
async fn a_file_keeps_its_data_and_runs_in_wal() {
    let files = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", files.path().join("otto.db").display());
    let store = SqliteStore::open(&url).await.unwrap();
    store.sync_bays(&[bay()]).await.unwrap();
    store.seed_demo(today(), chrono_tz::America::Chicago).await.unwrap();
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&store.reader).await.unwrap();
    assert_eq!(mode, "wal");
    assert!(sqlx::query("DELETE FROM customers").execute(&store.reader).await.is_err(), "readers cannot write");
    store.close().await;
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));

    let store = SqliteStore::open(&url).await.unwrap();
    let maria = store.customer_by_phone(&phone("+15555550101")).await.unwrap().unwrap();
    assert_eq!((maria.name.as_str(), maria.street.as_deref()), ("Maria Lopez", Some("12 Oak Street")));
    assert_eq!(maria.birth_date, Some("1985-04-12".parse().unwrap()));
    assert_eq!(store.vehicles_of(maria.id).await.unwrap()[0].vin.as_deref(), Some("1HGCM82633A004352"));
}

#[tokio::test]
async fn addresses_that_cannot_be_opened_say_what_is_expected() {
    for (url, expected) in [
        ("postgres://otto:hunter2@db/otto", "such as sqlite://otto.db"),
        ("otto.db", "such as sqlite://otto.db"),
        ("sqlite://", "such as sqlite://otto.db"),
        ("sqlite:///nowhere/at/all/otto.db", "a folder that exists"),
    ] {
        let error = SqliteStore::open(url).await.unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("hunter2"), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_locked_database_is_unavailable_and_a_broken_rule_is_refused() {
    let files = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", files.path().join("otto.db").display());
    let (one, two) = (SqliteStore::open(&url).await.unwrap(), SqliteStore::open(&url).await.unwrap());
    run(&two, "PRAGMA busy_timeout = 0").await.unwrap();
    let held = one.begin().await.unwrap();
    assert!(matches!(two.sync_bays(&[bay()]).await, Err(StoreError::Unavailable(_))));
    assert_eq!(two.bay_count().await, Ok(0), "reads go on beside the writer");
    held.rollback().await.unwrap();
    two.sync_bays(&[bay()]).await.unwrap();
    let orphan = "INSERT INTO vehicles (customer_id) VALUES (4711)";
    assert!(matches!(run(&two, orphan).await, Err(StoreError::Refused(_))));
}
