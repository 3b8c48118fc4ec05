//! What SQLite says differently: types of the driver, locks, errors.

use otto_actors::effects::EffectId;
use otto_actors::ports::StoreError;

pub(super) use super::SqliteStore as Database;

pub(super) type Db = sqlx::Sqlite;
pub(super) type Connection = sqlx::SqliteConnection;
pub(super) type Pool = sqlx::SqlitePool;

/// Every writing transaction holds the write lock from its start: nobody else writes meanwhile.
pub(super) async fn lock_effect(_tx: &mut Connection, _effect: &EffectId) -> Result<(), StoreError> {
    Ok(())
}

/// As above.
pub(super) async fn lock_bays(_tx: &mut Connection) -> Result<(), StoreError> {
    Ok(())
}

/// As above.
pub(super) async fn lock_calls(_tx: &mut Connection) -> Result<(), StoreError> {
    Ok(())
}

/// What the triggers on `appointments` say.
const SLOT_TAKEN: &str = "slot taken";

// SQLite's primary result codes, https://www.sqlite.org/rescode.html.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const IOERR: i32 = 10;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;

/// Translates an error of the driver. Texts that could quote a value are left out.
pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    let sqlx::Error::Database(error) = error else { return crate::store::driver_error(error) };
    let code = error.code().and_then(|c| c.parse::<i32>().ok()).unwrap_or_default();
    let text = format!("SQLite error {code}: {}", error.message());
    match (error.message(), code & 0xff) {
        (SLOT_TAKEN, _) => StoreError::JustTaken,
        ("UNIQUE constraint failed: customers.phone", _) => StoreError::OnFile("phone"),
        ("UNIQUE constraint failed: vehicles.customer_id, vehicles.vin", _) => StoreError::OnFile("vehicle"),
        (_, BUSY | LOCKED | IOERR | FULL | CANTOPEN) => StoreError::Unavailable(text),
        _ => StoreError::Refused(text),
    }
}
