//! Where the workshop's records and the caches live: adapters of the ports `Store` and `Cache`. One folder per database,
//! one contract suite (`tests.rs`) for all of them.

pub mod cache;
pub mod redis;
pub mod sqlite;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use otto_actors::ports::StoreError;
use secrecy::{ExposeSecret as _, SecretString};

pub use self::cache::MemoryCache;
pub use self::redis::RedisCache;
pub use self::sqlite::SqliteStore;

/// Why the database could not be opened. The text is free of the address, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An address of another kind of database.
    #[error(
        "found an address that begins with {0:?}, expected sqlite://: this version keeps its records in SQLite only"
    )]
    Unsupported(String),
    /// No address of a database at all, or one that SQLite does not understand.
    #[error("found no address of a database, expected one such as sqlite://otto.db or sqlite::memory:")]
    Malformed,
    /// The address is fine and the database is not.
    #[error("cannot open the database ({0}); expected a file in a folder that exists and is writable")]
    Database(#[from] StoreError),
    /// The tables in it are not the ones that this version of Otto knows.
    #[error("cannot bring the tables up to date: {0}")]
    Migration(String),
}

/// Opens the database that the settings name, creates it if it is missing and brings its tables up to date.
///
/// # Errors
/// [`OpenError`] says what was found and what is expected.
pub async fn open_store(url: &SecretString) -> Result<Arc<SqliteStore>, OpenError> {
    SqliteStore::open(url.expose_secret()).await.map(Arc::new)
}

/// Checks the address of a database without opening it.
///
/// # Errors
/// When this version has no adapter for it, or when it is no address.
pub fn check_url(url: &str) -> Result<(), OpenError> {
    sqlite::options(url).map(|_| ())
}
