//! What is PostgreSQL's own: migrations by several nodes, conflicts that are tried again, the replica, errors.

use std::sync::Arc;

use bytes::Bytes;
use otto_actors::domain::{CallSid, PhoneNumber, TurnId};
use otto_actors::ports::{
    BookingStore as _, CallClaim, CustomerStore as _, JournalRow, JournalStore as _, ReminderStore as _, Store as _,
};

use super::*;
use crate::breaker::BREAKER_FAILURES;
use crate::store::Records;
use crate::store::tests::{Database, at, bays, book, by_new};

async fn open(database: &Database) -> PostgresStore {
    PostgresStore::open(&database.url, None, 8).await.unwrap()
}

async fn run(store: &PostgresStore, sql: &'static str) {
    sqlx::raw_sql(sql).execute(&store.primary).await.unwrap();
}

async fn tables(store: &PostgresStore) -> i64 {
    let sql = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_sqlx%'";
    sqlx::query_scalar(sql).fetch_one(&store.primary).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_at_once_migrate_once() {
    let database = Database::create().await;
    let opened = futures_util::future::join_all((0..8).map(|_| open(&database))).await;
    assert_eq!(tables(&opened[0]).await, 15);
    let done: i64 =
        sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(&opened[0].primary).await.unwrap();
    assert_eq!(done, MIGRATIONS.iter().filter(|m| m.migration_type.is_up_migration()).count() as i64);
}

#[tokio::test]
async fn migrations_go_up_and_down_and_up() {
    let database = Database::create().await;
    let store = open(&database).await;
    let mut connection = store.primary.acquire().await.unwrap();
    MIGRATIONS.undo(&mut *connection, 0).await.unwrap();
    assert_eq!(tables(&store).await, 0);
    assert!(store.ping().await.is_err());
    MIGRATIONS.run(&mut *connection).await.unwrap();
    assert_eq!((tables(&store).await, store.bay_count().await), (15, Ok(0)));
}

#[tokio::test]
async fn a_claim_does_not_wait_for_a_row_that_is_being_settled() {
    let database = Database::create().await;
    let store = open(&database).await;
    run(
        &store,
        "INSERT INTO reminders (kind, phone, due_at, until, next_at) SELECT 'call_back', '+1555555010' || n, \
         '2026-11-24T00:00:00Z', '2026-11-24T02:00:00Z', '2026-11-24T00:00:00Z' FROM generate_series(1, 2) AS n",
    )
    .await;
    let mut held = store.primary.begin().await.unwrap();
    let first: i64 = sqlx::query_scalar("SELECT id FROM reminders ORDER BY id LIMIT 1 FOR UPDATE")
        .fetch_one(&mut *held)
        .await
        .unwrap();
    let claim = CallClaim { worker: "a", limit: 9, per_second: 9, lease: Duration::from_secs(60), now: at(0, 0) };
    let claimed = store.claim_calls(&claim).await.unwrap();
    assert!(claimed.len() == 1 && claimed[0].reminder.id.0 != first, "{claimed:?}");
    held.rollback().await.unwrap();
    assert_eq!(store.claim_calls(&claim).await.unwrap()[0].reminder.id.0, first);
}

/// A table that says "serialization failure" or "deadlock" a few times; a sequence counts through rollbacks.
#[tokio::test]
async fn a_conflict_is_tried_again() {
    let database = Database::create().await;
    let store: Arc<dyn Records> = Arc::new(open(&database).await);
    let by_hand = open(&database).await;
    store.sync_bays(&bays(1)).await.unwrap();
    run(
        &by_hand,
        "CREATE SEQUENCE attempts;
         CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$
         DECLARE attempt bigint := nextval('attempts');
         BEGIN
             IF attempt = 1 THEN RAISE EXCEPTION USING ERRCODE = '40001'; END IF;
             IF attempt = 2 THEN RAISE EXCEPTION USING ERRCODE = '40P01'; END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER conflict BEFORE INSERT ON appointments FOR EACH ROW EXECUTE FUNCTION conflict();",
    )
    .await;
    book(&store, 1, by_new(1, at(15, 0), 30)).await.unwrap();
    let attempts: i64 =
        sqlx::query_scalar("SELECT last_value FROM attempts").fetch_one(&by_hand.primary).await.unwrap();
    assert_eq!((attempts, store.undelivered().await), (3, Ok(1)));
}

/// Every statement is a round trip, and the journal is most of what is written.
#[tokio::test]
async fn a_batch_of_events_is_one_statement() {
    let database = Database::create().await;
    let store = open(&database).await;
    run(
        &store,
        "CREATE SEQUENCE statements;
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN PERFORM nextval('statements'); RETURN NULL; END $$;
         CREATE TRIGGER note AFTER INSERT ON call_events FOR EACH STATEMENT EXECUTE FUNCTION note();",
    )
    .await;
    let event = |seq| JournalRow {
        call: CallSid::parse("CA1").unwrap(),
        seq,
        at: at(15, 0),
        turn: TurnId(1),
        kind: "heard",
        payload: Bytes::from_static(b"payload"),
    };
    let batch: Vec<_> = (1..=256).map(event).collect();
    store.append_events(&batch).await.unwrap();
    let count = async |sql| sqlx::query_scalar::<_, i64>(sql).fetch_one(&store.primary).await.unwrap();
    assert_eq!(count("SELECT count(*) FROM call_events").await, 256);
    assert_eq!(count("SELECT last_value FROM statements").await, 1);
}

#[tokio::test]
async fn a_replica_takes_look_ups_and_the_primary_stands_in_for_it() {
    let (primary, replica) = (Database::create().await, Database::create().await);
    drop(open(&replica).await);
    let store = PostgresStore::open(&primary.url, Some(&replica.url), 4).await.unwrap();
    let phone = PhoneNumber::parse("+15555550101").unwrap();
    run(&store, "INSERT INTO customers (name, phone) VALUES ('Primary', '+15555550101')").await;
    let other = open(&replica).await;
    run(&other, "INSERT INTO customers (name, phone) VALUES ('Replica', '+15555550101')").await;
    other.close().await;
    let name = async || store.customer_by_phone(&phone).await.unwrap().map(|c| c.name);
    assert_eq!(name().await.as_deref(), Some("Replica"));
    assert_eq!(store.ping_replica().await, Ok(()));
    store.replica.as_ref().unwrap().pool().close().await;
    for _ in 0..=BREAKER_FAILURES {
        assert_eq!(name().await.as_deref(), Some("Primary"));
    }
    assert!(store.ping_replica().await.is_err());
}

#[tokio::test]
async fn a_session_has_limits_and_a_slow_statement_is_unavailable() {
    let database = Database::create().await;
    let store = open(&database).await;
    let mut tx = store.begin().await.unwrap();
    let limit: String = sqlx::query_scalar("SHOW statement_timeout").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(limit, "5s");
    sqlx::query("SET LOCAL statement_timeout = 20").execute(&mut *tx).await.unwrap();
    let slow = sqlx::query("SELECT pg_sleep(5)").execute(&mut *tx).await.map_err(store_error);
    assert!(matches!(slow, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn addresses_that_cannot_be_opened_show_no_password() {
    crate::vendors::crypto::install();
    for url in ["postgres://otto:hunter2@127.0.0.1:1/otto", "postgres://otto:hunter2@localhost/x?host=/nowhere"] {
        let error = PostgresStore::open(url, None, 1).await.unwrap_err().to_string();
        assert!(error.contains("cannot open the database") && !error.contains("hunter2"), "{url}: {error}");
    }
}
