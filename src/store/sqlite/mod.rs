//! The embedded default: SQLite in one file (or in memory), opened by one or more processes at a time.
//!
//! Writes go through one connection and take the write lock at once (`BEGIN IMMEDIATE`), so that a transaction never
//! fails half-way because another one was faster. Reads have connections of their own, which WAL lets run beside the
//! writer. `synchronous = NORMAL` with WAL: what was committed survives a kill of the process at any point; a power
//! cut may take the last commits but never tears one.

mod booking;
mod journal;
mod reads;
mod rows;
mod seed;
#[cfg(test)]
mod tests;

use std::str::FromStr as _;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use otto_actors::domain::{Appointment, BookedTime, CallSid, Customer, CustomerId, PhoneNumber, Vehicle};
use otto_actors::effects::{EffectId, Fence};
use otto_actors::ports::{Booking, CallEnd, CallRecord, JournalRow, Render, Store, StoreError};
use serde_json::Value;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, Transaction};

use self::rows::store_error;
use super::OpenError;

/// Connections that read.
const READERS: u32 = 4;
/// How long a statement waits for another process's write lock.
const BUSY_TIMEOUT_MS: Duration = Duration::from_millis(5_000);
/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT_MS: Duration = Duration::from_millis(5_000);
/// Attempts to open: two processes that start together may get into each other's way while one switches to WAL.
const OPEN_ATTEMPTS: u32 = 10;
/// Between these attempts.
const OPEN_PAUSE_MS: Duration = Duration::from_millis(100);

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The store on SQLite. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    reader: SqlitePool,
}

/// Reads an address such as `sqlite://otto.db`.
pub(super) fn options(url: &str) -> Result<SqliteConnectOptions, OpenError> {
    let (scheme, rest) = url.split_once(':').ok_or(OpenError::Malformed)?;
    if scheme != "sqlite" {
        return Err(OpenError::Unsupported(scheme.chars().take(32).collect()));
    }
    let path = rest.trim_start_matches("//");
    if path.is_empty() || path.starts_with('?') {
        return Err(OpenError::Malformed);
    }
    SqliteConnectOptions::from_str(url).map_err(|_| OpenError::Malformed)
}

fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

fn pool(connections: u32) -> SqlitePoolOptions {
    // Connections to a file cost a thread each and never go stale; one to memory is the database itself.
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT_MS)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

impl SqliteStore {
    /// Opens a database, creates it if it is missing and brings its tables up to date.
    ///
    /// # Errors
    /// [`OpenError`] says what was found and what is expected.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let options = options(url)?
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT_MS)
            .synchronous(SqliteSynchronous::Normal);
        let store = if is_in_memory(url) {
            // One connection for all: it is the database, and shared-cache mode would add lock errors of its own.
            let only = pool(1).min_connections(1).connect_with(options).await.map_err(store_error)?;
            Self { writer: only.clone(), reader: only }
        } else {
            let options = options.journal_mode(SqliteJournalMode::Wal);
            let writer = connect(options.clone()).await?;
            Self { writer, reader: pool(READERS).connect_lazy_with(options.pragma("query_only", "ON")) }
        };
        store.migrate().await?;
        Ok(store)
    }

    /// Brings the tables up to date. All of it happens under the write lock in one transaction, so that of two
    /// processes that start together one does the work and the other finds it done.
    ///
    /// # Errors
    /// When the database is newer than this version of Otto or was changed by hand.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        let mut tx = self.begin().await?;
        MIGRATIONS.run_direct(None, &mut *tx, false).await.map_err(migration_error)?;
        tx.commit().await.map_err(|e| store_error(e).into())
    }

    /// Takes every migration back, and with it all data.
    ///
    /// # Errors
    /// When the database is not available or does not hold these tables.
    pub async fn revert_all(&self) -> Result<(), OpenError> {
        let mut tx = self.begin().await?;
        MIGRATIONS.undo(&mut *tx, 0).await.map_err(migration_error)?;
        tx.commit().await.map_err(|e| store_error(e).into())
    }

    /// Makes the bays follow the shop's settings: new names are added; a bay that is gone from the settings is removed,
    /// or takes no new appointments where old ones refer to it.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn sync_bays(&self, names: &[String]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        booking::sync_bays(&mut tx, names).await?;
        tx.commit().await.map_err(store_error)
    }

    /// What a tool call did, if it did anything.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn effect(&self, effect: &EffectId) -> Result<Option<Value>, StoreError> {
        let mut connection = self.reader.acquire().await.map_err(store_error)?;
        booking::stored_effect(&mut connection, effect).await
    }

    /// All appointments of a customer, whatever became of them, earliest first.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn appointments_of(&self, customer: CustomerId) -> Result<Vec<Appointment>, StoreError> {
        reads::appointments_of(&self.reader, customer).await
    }

    /// Waits for what is running and closes the files.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// A transaction that holds the write lock from its start.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)
    }
}

/// Opens the writing connection, patiently.
async fn connect(options: SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let mut attempt = 1;
    loop {
        match pool(1).connect_with(options.clone()).await.map_err(store_error) {
            Err(StoreError::Unavailable(_)) if attempt < OPEN_ATTEMPTS => attempt += 1,
            outcome => return outcome,
        }
        tokio::time::sleep(OPEN_PAUSE_MS).await;
    }
}

fn migration_error(error: MigrateError) -> OpenError {
    match error {
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => store_error(e).into(),
        MigrateError::VersionMissing(version) => OpenError::Migration(format!(
            "found migration {version}, which this version of Otto does not have; expected a database of this version \
             or an older one"
        )),
        other => OpenError::Migration(other.to_string()),
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn customer_by_phone(&self, phone: &PhoneNumber) -> Result<Option<Customer>, StoreError> {
        reads::customer_by_phone(&self.reader, phone).await
    }

    async fn vehicles_of(&self, customer: CustomerId) -> Result<Vec<Vehicle>, StoreError> {
        reads::vehicles_of(&self.reader, customer).await
    }

    async fn upcoming(&self, customer: CustomerId, from: DateTime<Utc>) -> Result<Vec<Appointment>, StoreError> {
        reads::upcoming(&self.reader, customer, from).await
    }

    async fn booked_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<BookedTime>, StoreError> {
        reads::booked_between(&self.reader, from, to).await
    }

    async fn bay_count(&self) -> Result<usize, StoreError> {
        reads::bay_count(&self.reader).await
    }

    async fn book(
        &self,
        effect: &EffectId,
        fence: &Fence,
        booking: Booking,
        render: Render,
    ) -> Result<Value, StoreError> {
        let tx = self.begin().await?;
        booking::book(tx, effect, fence, booking, render).await
    }

    async fn append_events(&self, events: &[JournalRow]) -> Result<(), StoreError> {
        let tx = self.begin().await?;
        journal::append_events(tx, events).await
    }

    async fn call_started(&self, call: &CallRecord) -> Result<(), StoreError> {
        journal::call_started(&self.writer, call).await
    }

    async fn call_ended(&self, call: &CallSid, end: &CallEnd) -> Result<(), StoreError> {
        journal::call_ended(&self.writer, call, end).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        reads::bay_count(&self.reader).await.map(|_| ())
    }
}
