//! What PostgreSQL says differently: types of the driver, locks, errors.

use otto_actors::effects::EffectId;
use otto_actors::ports::StoreError;

pub(super) use super::PostgresStore as Database;

pub(super) type Db = sqlx::Postgres;
pub(super) type Connection = sqlx::PgConnection;
pub(super) type Pool = sqlx::PgPool;

/// The same effect waits for itself: the second attempt finds what the first has stored.
pub(super) async fn lock_effect(tx: &mut Connection, effect: &EffectId) -> Result<(), StoreError> {
    let identity = format!("{} {} {}", effect.call, effect.turn, effect.tool_call_id);
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(identity)
        .execute(tx)
        .await
        .map(|_| ())
        .map_err(store_error)
}

/// Whoever takes a bay does so one after the other. Without it two that insert at once wait for each other inside the
/// exclusion constraint, and PostgreSQL takes a second to see that as a deadlock; and the loser would have to search
/// the other bays again. A workshop books a few times a minute; this allows hundreds a second.
pub(super) async fn lock_bays(tx: &mut Connection) -> Result<(), StoreError> {
    let sql = "SELECT id FROM bays WHERE active ORDER BY id FOR NO KEY UPDATE";
    sqlx::query(sql).execute(tx).await.map(|_| ()).map_err(store_error)
}

/// The number of the lock below: any that nothing else uses.
const CALLS: i64 = 0x0770_ca11;

/// Whoever claims calls does so one after the other, so that of two rows with one number one is claimed.
pub(super) async fn lock_calls(tx: &mut Connection) -> Result<(), StoreError> {
    let sql = "SELECT pg_advisory_xact_lock($1)";
    sqlx::query(sql).bind(CALLS).execute(tx).await.map(|_| ()).map_err(store_error)
}

/// Translates an error of the driver. Messages and details are left out: they quote values.
/// Codes: <https://www.postgresql.org/docs/15/errcodes-appendix.html>.
pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    let sqlx::Error::Database(error) = error else { return crate::store::driver_error(error) };
    let code = error.code().unwrap_or_default();
    let constraint = error.constraint().unwrap_or_default();
    let text =
        format!("PostgreSQL error {code} {}{constraint}", error.table().map_or(String::new(), |t| format!("{t} ")));
    match (&*code, constraint) {
        ("23P01", "appointments_hold_their_bay") => StoreError::JustTaken,
        ("23505", "customers_phone_key") => StoreError::OnFile("phone"),
        ("23505", "vehicles_customer_id_vin_key") => StoreError::OnFile("vehicle"),
        // Serialization failure, deadlock; and an effect that another attempt has stored in this moment.
        ("40001" | "40P01", _) | ("23505", "effects_pkey") => StoreError::Contended,
        // A lock or a statement took too long.
        ("55P03" | "57014", _) => StoreError::Unavailable(text),
        // Connection, resources, operator's intervention, system.
        _ if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => StoreError::Unavailable(text),
        _ => StoreError::Refused(text),
    }
}
