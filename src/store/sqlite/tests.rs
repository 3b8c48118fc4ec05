//! What is SQLite's own: the trigger, the migrations, the file, the bays, the journal's rows and the demonstration.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use otto_actors::domain::{BayId, NewCustomer, TurnId, VehicleId};
use otto_actors::ports::BookingCustomer;
use serde_json::json;

use super::*;

const BAY: &str = "Bay 1";

async fn memory() -> SqliteStore {
    let store = SqliteStore::open("sqlite::memory:").await.unwrap();
    store.sync_bays(&[BAY.into()]).await.unwrap();
    store
}

fn today() -> NaiveDate {
    "2026-11-22".parse().unwrap()
}

async fn with_demo() -> SqliteStore {
    let store = memory().await;
    store.seed_demo(today(), chrono_tz::America::Chicago).await.unwrap();
    store
}

async fn count(store: &SqliteStore, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&store.reader).await.unwrap()
}

async fn run(store: &SqliteStore, sql: &'static str) -> Result<(), StoreError> {
    sqlx::query(sql).execute(&store.writer).await.map(|_| ()).map_err(store_error)
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn call(n: u8) -> CallSid {
    CallSid::parse(&format!("CA{n:032}")).unwrap()
}

fn phone(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap()
}

async fn book(store: &SqliteStore, who: &str, vehicle: Option<VehicleId>, n: u8) -> Result<Option<i64>, StoreError> {
    let appointment = otto_actors::domain::NewAppointment {
        customer: CustomerId(0),
        vehicle,
        service: "Oil change".into(),
        starts_at: time("2026-12-24T15:00:00Z") + chrono::Duration::hours(n.into()),
        minutes: 30,
        concerns: Some("squeaks".into()),
        booked_by: "phone",
    };
    let customer = BookingCustomer::New(NewCustomer { name: "Somebody".into(), phone: phone(who) });
    let effect = EffectId { call: call(n), turn: TurnId(1), tool_call_id: "call_1".into() };
    let render: Render = Arc::new(|a, _| json!({ "vehicle": a.vehicle.map(|v| v.0) }));
    let result = store.book(&effect, &Fence::open(), Booking { customer, appointment }, render).await?;
    assert_eq!(store.effect(&effect).await.unwrap(), Some(result.clone()));
    Ok(result["vehicle"].as_i64())
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
    assert_eq!(count(&store, tables).await, 10);
    store.migrate().await.unwrap();
    store.revert_all().await.unwrap();
    let left = "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE '%sqlite%' AND name NOT LIKE '_sqlx%'";
    assert_eq!(count(&store, left).await, 0);
    assert!(store.ping().await.is_err());
    store.migrate().await.unwrap();
    assert_eq!(count(&store, tables).await, 10);
    assert_eq!(store.bay_count().await, Ok(0));
}

#[tokio::test]
async fn a_file_keeps_its_data_and_runs_in_wal() {
    let files = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", files.path().join("otto.db").display());
    let store = SqliteStore::open(&url).await.unwrap();
    store.sync_bays(&[BAY.into()]).await.unwrap();
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
        ("postgres://otto:hunter2@db/otto", "sqlite://"),
        ("mysql://db/otto", "sqlite://"),
        ("otto.db", "such as sqlite://otto.db"),
        ("sqlite://", "such as sqlite://otto.db"),
        ("sqlite:///nowhere/at/all/otto.db", "a folder that exists"),
    ] {
        let error = SqliteStore::open(url).await.unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("hunter2"), "{url}: {error}");
    }
}

#[tokio::test]
async fn bays_follow_the_settings() {
    let store = with_demo().await;
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let booked = |store| async move {
        let store: &SqliteStore = store;
        store.booked_between(time("2026-11-01T00:00:00Z"), time("2026-12-20T00:00:00Z")).await.unwrap().len()
    };
    assert_eq!(booked(&store).await, 3);
    store.sync_bays(&names(&["Lift", "Pit"])).await.unwrap();
    assert_eq!(store.bay_count().await, Ok(2), "the old bay takes no more");
    assert_eq!(count(&store, "SELECT count(*) FROM bays").await, 3, "and is kept for its appointments");
    assert_eq!(booked(&store).await, 0, "they take nothing from the other bays");
    store.sync_bays(&names(&[BAY, "Pit"])).await.unwrap();
    assert_eq!(count(&store, "SELECT count(*) FROM bays").await, 2, "what nothing refers to goes");
    assert_eq!(booked(&store).await, 3);
}

#[tokio::test]
async fn the_only_vehicle_is_taken_and_a_foreign_one_is_refused() {
    let store = with_demo().await;
    let maria = store.customer_by_phone(&phone("+15555550101")).await.unwrap().unwrap().id;
    let james = store.customer_by_phone(&phone("+15555550102")).await.unwrap().unwrap().id;
    let hers = store.vehicles_of(maria).await.unwrap()[0].id;
    let his = store.vehicles_of(james).await.unwrap()[1].id;
    assert_eq!(book(&store, "+15555550101", None, 1).await, Ok(Some(hers.0)));
    assert_eq!(book(&store, "+15555550102", None, 2).await, Ok(None), "he has two");
    assert_eq!(book(&store, "+15555550102", Some(his), 3).await, Ok(Some(his.0)));
    assert_eq!(book(&store, "+15555550102", Some(hers), 4).await, Err(StoreError::NotFound("vehicle")));
    let all = store.appointments_of(james).await.unwrap();
    assert_eq!(all.len(), 3, "the demonstration's and two");
    assert!(all.is_sorted_by_key(|a| a.starts_at) && all.iter().all(|a| a.bay == BayId(1)));
}

#[tokio::test]
async fn the_demonstration_is_added_once() {
    let store = with_demo().await;
    let totals = "SELECT (SELECT count(*) FROM customers) * 10000 + (SELECT count(*) FROM vehicles) * 1000 \
                  + (SELECT count(*) FROM appointments) * 100 + (SELECT count(*) FROM service_history)";
    let before = count(&store, totals).await;
    assert_eq!(before, 66_306, "6 customers, 6 vehicles, 3 appointments, 6 works");
    store.seed_demo(today(), chrono_tz::America::Chicago).await.unwrap();
    assert_eq!(count(&store, totals).await, before);
    let local = "SELECT count(*) FROM appointments WHERE starts_at = '2026-11-24T15:00:00Z'";
    assert_eq!(count(&store, local).await, 1, "nine in the morning in Chicago");
}

#[tokio::test]
async fn the_journal_takes_an_event_once() {
    let store = memory().await;
    let event = |seq, payload: &'static [u8]| JournalRow {
        call: call(1),
        seq,
        at: time("2026-11-24T15:00:00.250Z"),
        turn: TurnId(1),
        kind: "heard",
        payload: Bytes::from_static(payload),
    };
    store.append_events(&[event(1, b"a"), event(2, b"b")]).await.unwrap();
    store.append_events(&[event(2, b"other"), event(3, b"c")]).await.unwrap();
    store.append_events(&[]).await.unwrap();
    let rows: Vec<(i64, Vec<u8>, String)> =
        sqlx::query_as("SELECT seq, payload, at FROM call_events ORDER BY seq").fetch_all(&store.reader).await.unwrap();
    let payloads: Vec<_> = rows.iter().map(|r| (r.0, r.1.as_slice())).collect();
    assert_eq!(payloads, [(1, b"a".as_slice()), (2, b"b"), (3, b"c")]);
    assert_eq!(rows[0].2, "2026-11-24T15:00:00.250Z");
}

#[tokio::test]
async fn a_call_is_one_line_whatever_arrives_first() {
    let store = with_demo().await;
    let start = |n| CallRecord {
        call: call(n),
        direction: "inbound",
        caller: Some(phone("+15555550101")),
        customer: Some(CustomerId(1)),
        started_at: time("2026-11-24T15:00:00Z"),
    };
    let end = CallEnd {
        ended_at: time("2026-11-24T15:02:00Z"),
        outcome: "hangup_by_caller",
        turns: 4,
        transcript: "Caller: hello".into(),
    };
    store.call_started(&start(1)).await.unwrap();
    store.call_started(&start(1)).await.unwrap();
    store.call_ended(&call(1), &end).await.unwrap();
    store.call_ended(&call(2), &end).await.unwrap();
    store.call_started(&start(2)).await.unwrap();
    let whole = "SELECT count(*) FROM call_logs WHERE status = 'ended' AND direction = 'inbound' AND turns = 4 \
                 AND caller = '+15555550101' AND customer_id = 1 AND transcript = 'Caller: hello' \
                 AND started_at = '2026-11-24T15:00:00Z' AND ended_at = '2026-11-24T15:02:00Z'";
    assert_eq!(count(&store, whole).await, 2);
}

#[tokio::test]
async fn a_locked_database_is_unavailable_and_a_broken_rule_is_refused() {
    let files = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", files.path().join("otto.db").display());
    let (one, two) = (SqliteStore::open(&url).await.unwrap(), SqliteStore::open(&url).await.unwrap());
    run(&two, "PRAGMA busy_timeout = 0").await.unwrap();
    let held = one.begin().await.unwrap();
    assert!(matches!(two.sync_bays(&[BAY.into()]).await, Err(StoreError::Unavailable(_))));
    assert_eq!(two.bay_count().await, Ok(0), "reads go on beside the writer");
    held.rollback().await.unwrap();
    two.sync_bays(&[BAY.into()]).await.unwrap();
    let orphan = "INSERT INTO vehicles (customer_id) VALUES (4711)";
    assert!(matches!(run(&two, orphan).await, Err(StoreError::Refused(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_are_given_up_leave_a_booking_with_its_effect_or_nothing() {
    let files = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", files.path().join("otto.db").display());
    let store = Arc::new(SqliteStore::open(&url).await.unwrap());
    store.sync_bays(&[BAY.into()]).await.unwrap();
    let mut tasks = Vec::new();
    for n in 0..60 {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move { book(&store, "+15555550101", None, n).await }));
        for _ in 0..n {
            tokio::task::yield_now().await;
        }
        // An earlier one, wherever it stands.
        tasks[usize::from(n / 2)].abort();
    }
    for task in tasks {
        let _ = task.await;
    }
    book(&store, "+15555550101", None, 100).await.unwrap();
    let whole = "SELECT (SELECT count(*) FROM effects) - (SELECT count(*) FROM appointments)";
    assert_eq!(count(&store, whole).await, 0);
    assert!(count(&store, "SELECT count(*) FROM appointments").await >= 30, "the later half was not given up");
}
