//! The embedded default: SQLite in one file (or in memory), opened by one or more processes at a time.
//!
//! Writes go through one connection and take the write lock at once (`BEGIN IMMEDIATE`), so that a transaction never
//! fails half-way because another one was faster. Reads have connections of their own, which WAL lets run beside the
//! writer. `synchronous = NORMAL` with WAL: what was committed survives a kill of the process at any point; a power
//! cut may take the last commits but never tears one.
#![allow(
    clippy::duplicate_mod,
    reason = "src/store/sql holds the statements of both databases and is compiled for each"
)]

/// The write lock is held already.
macro_rules! for_update {
    () => {
        ""
    };
}
/// As above.
macro_rules! skip_locked {
    () => {
        ""
    };
}

#[macro_use]
#[path = "../sql/transaction.rs"]
mod transaction;

#[path = "../sql/appointments.rs"]
mod appointments;
#[path = "../sql/bays.rs"]
mod bays;
#[path = "../sql/bulk.rs"]
mod bulk;
#[path = "../sql/calendar.rs"]
mod calendar;
#[path = "../sql/customers.rs"]
mod customers;
#[path = "../sql/demo.rs"]
mod demo;
mod dialect;
#[path = "../sql/effects.rs"]
mod effects;
mod events;
#[path = "../sql/journal.rs"]
mod journal;
#[path = "../sql/opt_outs.rs"]
mod opt_outs;
#[path = "../sql/outbound.rs"]
mod outbound;
#[path = "../sql/outbox.rs"]
mod outbox;
#[path = "../sql/ports.rs"]
mod ports;
#[path = "../sql/reads.rs"]
mod reads;
#[path = "../sql/reminders.rs"]
mod reminders;
#[cfg(test)]
mod tests;
#[path = "../sql/texts.rs"]
mod texts;

use std::str::FromStr as _;
use std::time::Duration;

use otto_actors::ports::StoreError;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, Transaction};

use self::dialect::store_error;
use super::replica::Replica;
use super::{OpenError, migration_error};

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

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The store on SQLite. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    reader: SqlitePool,
}

/// Reads an address such as `sqlite://otto.db`.
pub(super) fn options(url: &str) -> Result<SqliteConnectOptions, OpenError> {
    let rest = url.strip_prefix("sqlite:").ok_or(OpenError::Malformed)?;
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
        MIGRATIONS.run_direct(None, &mut *tx, false).await.map_err(|e| migration_error(e, store_error))?;
        tx.commit().await.map_err(|e| store_error(e).into())
    }

    /// Takes every migration back, and with it all data.
    ///
    /// # Errors
    /// When the database is not available or does not hold these tables.
    pub async fn revert_all(&self) -> Result<(), OpenError> {
        let mut tx = self.begin().await?;
        MIGRATIONS.undo(&mut *tx, 0).await.map_err(|e| migration_error(e, store_error))?;
        tx.commit().await.map_err(|e| store_error(e).into())
    }

    pub(super) const KIND: &'static str = "SQLite";

    pub(super) fn reader(&self) -> &SqlitePool {
        &self.reader
    }

    /// There is none: the file is the only copy.
    #[allow(clippy::unused_self, reason = "the other database has one")]
    fn replica(&self) -> Option<&Replica<SqlitePool>> {
        None
    }

    /// Waits for what is running and closes the files.
    async fn close_pools(&self) {
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
