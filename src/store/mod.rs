//! Where the workshop's records and the caches live: adapters of the ports `Store` and `Cache`. The statements are in
//! `sql/`, once for both databases: each file there is compiled for SQLite and for PostgreSQL, whose own ways are in
//! their `dialect.rs`. One contract suite (`tests/`) holds for both.

#[macro_use]
mod columns;
pub mod cache;
pub mod cached;
mod contention;
mod people;
mod plausible;
pub mod postgres;
pub mod redis;
#[cfg(test)]
mod redis_server;
mod replica;
mod rows;
pub mod sqlite;
mod stamp;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::NaiveDate;
use chrono_tz::Tz;
use otto_actors::domain::{Appointment, CustomerId, Shop, ShopBay};
use otto_actors::effects::EffectId;
use otto_actors::ports::{CalendarRecords, ReminderStore, Store, StoreError, TextStore};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sqlx::migrate::MigrateError;

pub use self::cache::MemoryCache;
pub use self::cached::{CachedStore, customer_key};
pub use self::plausible::{PEOPLE_MAX, invented_phone};
pub use self::postgres::PostgresStore;
pub use self::redis::RedisCache;
pub use self::sqlite::SqliteStore;

/// The workshop's records with what only the program around the actors does to them: starting, filling, ending.
#[async_trait]
pub trait Records: Store + CalendarRecords + ReminderStore + TextStore {
    /// The kind of database, for people.
    fn kind(&self) -> &'static str;

    /// Makes the bays follow the shop's settings: new names are added; a bay that is gone from the settings is removed,
    /// or takes no new appointments where old ones refer to it.
    ///
    /// # Errors
    /// When the database is not available.
    async fn sync_bays(&self, bays: &[ShopBay]) -> Result<(), StoreError>;

    /// Adds the demonstration's customers, vehicles, history, and appointments in the days after `today` (a date in
    /// `zone`). What is there already stays; where the time is taken, the appointment is left out.
    ///
    /// # Errors
    /// When the database is not available.
    async fn seed_demo(&self, today: NaiveDate, zone: Tz) -> Result<(), StoreError>;

    /// Adds invented customers for trials, with vehicles, history and appointments. Who is there already stays.
    ///
    /// # Errors
    /// When the database is not available.
    async fn seed(&self, plan: &SeedPlan) -> Result<Seeded, StoreError>;

    /// What a tool call did, if it did anything.
    ///
    /// # Errors
    /// When the database is not available.
    async fn effect(&self, effect: &EffectId) -> Result<Option<Value>, StoreError>;

    /// All appointments of a customer, whatever became of them, earliest first.
    ///
    /// # Errors
    /// When the database is not available.
    async fn appointments_of(&self, customer: CustomerId) -> Result<Vec<Appointment>, StoreError>;

    /// Whether the replica answers; fine when there is none.
    ///
    /// # Errors
    /// When it does not.
    async fn ping_replica(&self) -> Result<(), StoreError>;

    /// Waits for what is running and closes the database.
    async fn close(&self);
}

/// Which invented customers to add.
#[derive(Debug, Clone)]
pub struct SeedPlan {
    /// How many, at most [`PEOPLE_MAX`].
    pub customers: u32,
    /// Every random choice comes from it.
    pub seed: u64,
    /// The date in the shop's zone: history is before it, coming appointments after it.
    pub today: NaiveDate,
    /// Hours and services.
    pub shop: Shop,
}

/// How many rows were added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seeded {
    /// Customers.
    pub customers: usize,
    /// Vehicles.
    pub vehicles: usize,
    /// Appointments.
    pub appointments: usize,
    /// Visits in the service history.
    pub works: usize,
}

/// Where the records are. `Debug` shows no address, which may hold a password.
#[derive(Debug, Clone)]
pub struct Address {
    /// The database.
    pub url: SecretString,
    /// A replica of it that takes look-ups; PostgreSQL only.
    pub read_url: Option<SecretString>,
    /// Connections of one process; PostgreSQL only.
    pub pool: u32,
}

/// Which adapter an address belongs to.
enum Kind {
    Sqlite,
    Postgres,
}

/// Why the database could not be opened. The text is free of the address, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An address of another kind of database.
    #[error("found an address that begins with {0:?}, expected sqlite:// or postgres://")]
    Unsupported(String),
    /// No address of a database at all, or one that its driver does not understand.
    #[error(
        "found no address of a database, expected one such as sqlite://otto.db, sqlite::memory: or \
         postgres://user:password@host/name"
    )]
    Malformed,
    /// The address is fine and the database is not.
    #[error(
        "cannot open the database ({0}); expected a file in a folder that exists and is writable, or a server that \
         answers and knows the user and the database"
    )]
    Database(#[from] StoreError),
    /// The tables in it are not the ones that this version of Otto knows.
    #[error("cannot bring the tables up to date: {0}")]
    Migration(String),
}

/// Opens the database that the settings name and brings its tables up to date. An SQLite file that is missing is made.
///
/// # Errors
/// [`OpenError`] says what was found and what is expected.
pub async fn open_store(address: &Address) -> Result<Arc<dyn Records>, OpenError> {
    let url = address.url.expose_secret();
    Ok(match kind_of(url)? {
        Kind::Sqlite => Arc::new(SqliteStore::open(url).await?),
        Kind::Postgres => {
            let read_url = address.read_url.as_ref().map(|url| url.expose_secret());
            Arc::new(PostgresStore::open(url, read_url, address.pool).await?)
        }
    })
}

/// Checks the address of a database without opening it.
///
/// # Errors
/// When there is no adapter for it, or when it is no address.
pub fn check_url(url: &str) -> Result<(), OpenError> {
    match kind_of(url)? {
        Kind::Sqlite => sqlite::options(url).map(|_| ()),
        Kind::Postgres => postgres::options(url).map(|_| ()),
    }
}

/// Whether an address is one of PostgreSQL, which alone can have replicas.
#[must_use]
pub fn is_postgres(url: &str) -> bool {
    matches!(kind_of(url), Ok(Kind::Postgres))
}

fn kind_of(url: &str) -> Result<Kind, OpenError> {
    match url.split_once(':').ok_or(OpenError::Malformed)?.0 {
        "sqlite" => Ok(Kind::Sqlite),
        "postgres" | "postgresql" => Ok(Kind::Postgres),
        other => Err(OpenError::Unsupported(other.chars().take(32).collect())),
    }
}

/// Translates an error of the driver that did not come from the database.
fn driver_error(error: sqlx::Error) -> StoreError {
    use sqlx::Error::{ColumnDecode, Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
    match error {
        PoolTimedOut => StoreError::Unavailable("no connection in time".into()),
        PoolClosed => StoreError::Unavailable("it is closed".into()),
        WorkerCrashed => StoreError::Unavailable("a connection broke".into()),
        Io(e) => StoreError::Unavailable(e.kind().to_string()),
        Protocol(_) | Tls(_) => StoreError::Unavailable("the server is not understood".into()),
        ColumnDecode { index, .. } => StoreError::Refused(format!("column {index} holds an unexpected value")),
        _ => StoreError::Refused("the statement does not fit the tables".into()),
    }
}

fn migration_error(error: MigrateError, store_error: fn(sqlx::Error) -> StoreError) -> OpenError {
    match error {
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => store_error(e).into(),
        MigrateError::VersionMissing(version) => OpenError::Migration(format!(
            "found migration {version}, which this version of Otto does not have; expected a database of this version \
             or an older one"
        )),
        other => OpenError::Migration(other.to_string()),
    }
}
