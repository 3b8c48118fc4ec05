//! PostgreSQL, for more than one node: one primary, and a replica for look-ups where there is one.
//!
//! Transactions run at READ COMMITTED. What must happen one after the other takes a lock first (see `dialect.rs`), so
//! that each statement sees what the one before it has committed; an exclusion constraint on bay and time range is the
//! last word on a booking, whoever writes it.
#![allow(
    clippy::duplicate_mod,
    reason = "src/store/sql holds the statements of both databases and is compiled for each"
)]

/// Nobody else changes the row before the transaction ends.
macro_rules! for_update {
    () => {
        " FOR UPDATE"
    };
}
/// Rows that another worker is just claiming are not waited for.
macro_rules! skip_locked {
    () => {
        " FOR UPDATE OF o SKIP LOCKED"
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
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Postgres, Transaction};

use self::dialect::store_error;
use super::replica::Replica;
use super::{OpenError, migration_error};

/// How long a request waits for a connection to the primary.
const ACQUIRE_TIMEOUT_MS: Duration = Duration::from_millis(5_000);
/// How long a look-up waits for a connection to the replica before it asks the primary.
const REPLICA_ACQUIRE_TIMEOUT_MS: Duration = Duration::from_millis(500);
/// What the server itself enforces in a session: no statement, no wait for a lock and no idle transaction holds others
/// up for longer. In milliseconds, as PostgreSQL takes them.
const SESSION_LIMITS: [(&str, &str); 3] =
    [("statement_timeout", "5000"), ("lock_timeout", "4000"), ("idle_in_transaction_session_timeout", "30000")];
/// Opening the first connection.
const CONNECT_TIMEOUT_MS: Duration = Duration::from_millis(10_000);
/// Migrating, waiting for another node that does it included.
const MIGRATE_TIMEOUT_MS: Duration = Duration::from_millis(120_000);

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// The store on PostgreSQL. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct PostgresStore {
    primary: PgPool,
    replica: Option<Replica<PgPool>>,
}

/// Reads an address such as `postgres://otto@db/otto`.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
    let options = PgConnectOptions::from_str(url).map_err(|_| OpenError::Malformed)?;
    Ok(options.application_name("otto").disable_statement_logging())
}

fn pool(options: PgConnectOptions, connections: u32, acquire_timeout: Duration) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(acquire_timeout)
        .connect_lazy_with(options.options(SESSION_LIMITS))
}

impl PostgresStore {
    pub(super) const KIND: &'static str = "PostgreSQL";

    /// Opens a database that exists, with at most so many connections, and brings its tables up to date. `read_url` is
    /// a replica of it.
    ///
    /// # Errors
    /// [`OpenError`] says what was found and what is expected.
    pub async fn open(url: &str, read_url: Option<&str>, connections: u32) -> Result<Self, OpenError> {
        let primary = options(url)?;
        let replica = read_url.map(options).transpose()?;
        migrate(&primary).await?;
        Ok(Self {
            primary: pool(primary, connections, ACQUIRE_TIMEOUT_MS),
            replica: replica.map(|options| Replica::new(pool(options, connections, REPLICA_ACQUIRE_TIMEOUT_MS))),
        })
    }

    fn reader(&self) -> &PgPool {
        &self.primary
    }

    fn replica(&self) -> Option<&Replica<PgPool>> {
        self.replica.as_ref()
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.primary.begin().await.map_err(store_error)
    }

    /// Waits for what is running and closes the connections.
    async fn close_pools(&self) {
        if let Some(replica) = &self.replica {
            replica.pool().close().await;
        }
        self.primary.close().await;
    }
}

/// Brings the tables up to date, on a connection of its own, which may take longer than others. The migrator holds an
/// advisory lock, so that of two nodes that start together one does the work and the other finds it done.
async fn migrate(options: &PgConnectOptions) -> Result<(), OpenError> {
    let connect = tokio::time::timeout(CONNECT_TIMEOUT_MS, PgConnection::connect_with(options));
    let mut connection =
        connect.await.map_err(|_| StoreError::Unavailable("no answer".into()))?.map_err(store_error)?;
    let work = MIGRATIONS.run_direct(None, &mut connection, false);
    match tokio::time::timeout(MIGRATE_TIMEOUT_MS, work).await {
        Ok(outcome) => outcome.map_err(|e| migration_error(e, store_error))?,
        Err(_) => return Err(OpenError::Migration("it took too long; does another node hold the lock?".into())),
    }
    connection.close().await.map_err(|e| store_error(e).into())
}
