//! The outbox: orders to the outside, written with the change that decided them, claimed with a lease.

use chrono::{DateTime, Utc};
use otto_actors::domain::OutboxId;
use otto_actors::ports::{Claim, Order, OutboxRow, StoreError};
use sqlx::types::Json;

use super::dialect::{Connection, store_error};
use crate::store::rows::small;
use crate::store::stamp::Stamp;

/// Writes an order, due at once.
pub(super) async fn insert(tx: &mut Connection, order: &Order) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO outbox (kind, subject, payload) VALUES ($1, $2, $3)")
        .bind(order.kind())
        .bind(order.subject())
        .bind(Json(order))
        .execute(tx)
        .await
        .map(|_| ())
        .map_err(store_error)
}

/// Forgets the orders that nobody can deliver, because no bay has a calendar.
pub(super) async fn forget_calendar_orders(tx: &mut Connection) -> Result<(), StoreError> {
    let sql = "DELETE FROM outbox WHERE kind IN ('calendar_upsert', 'calendar_delete') \
               AND delivered_at IS NULL AND parked_at IS NULL";
    sqlx::query(sql).execute(tx).await.map(|_| ()).map_err(store_error)
}

/// The oldest open order of each subject that is due and free. Materialised, so that the limit holds once.
pub(super) async fn claim_due(tx: &mut Connection, claim: &Claim<'_>) -> Result<Vec<OutboxRow>, StoreError> {
    let sql = concat!(
        "WITH due AS MATERIALIZED (SELECT o.id FROM outbox AS o WHERE o.delivered_at IS NULL AND o.parked_at IS NULL \
         AND o.kind LIKE $3 \
         AND (o.next_attempt_at IS NULL OR o.next_attempt_at <= $4) \
         AND (o.claimed_until IS NULL OR o.claimed_until <= $4) \
         AND NOT EXISTS (SELECT 1 FROM outbox AS older WHERE older.subject = o.subject AND older.id < o.id \
         AND older.delivered_at IS NULL AND older.parked_at IS NULL) ORDER BY o.id LIMIT $5",
        skip_locked!(),
        ") UPDATE outbox SET claimed_by = $1, claimed_until = $2, attempts = attempts + 1 \
         WHERE id IN (SELECT id FROM due) RETURNING id, payload, attempts"
    );
    let rows: Vec<(i64, Json<serde_json::Value>, i32)> = sqlx::query_as(sql)
        .bind(claim.worker)
        .bind(Stamp::new(claim.now + claim.lease))
        .bind(format!("{}%", claim.kind))
        .bind(Stamp::new(claim.now))
        .bind(i64::from(claim.limit))
        .fetch_all(tx)
        .await
        .map_err(store_error)?;
    let mut claimed: Vec<OutboxRow> = rows.into_iter().filter_map(|row| claimed_row(claim.worker, row)).collect();
    claimed.sort_by_key(|row| row.id);
    Ok(claimed)
}

/// An order that this version does not know stays for one that does.
fn claimed_row(worker: &str, (id, payload, attempts): (i64, Json<serde_json::Value>, i32)) -> Option<OutboxRow> {
    let Ok(order) = serde_json::from_value::<Order>(payload.0) else {
        tracing::warn!(row = id, "an order in the outbox is not understood");
        return None;
    };
    let attempts = u32::try_from(attempts).unwrap_or_default();
    Some(OutboxRow { id: OutboxId(id), order, attempts, worker: worker.to_owned() })
}

/// A claim: the number of attempts tells it from later ones of the same worker.
#[derive(Clone, Copy)]
pub(super) struct Held<'a> {
    pub(super) id: i64,
    pub(super) worker: &'a str,
    pub(super) attempts: u32,
}

impl<'a> From<&'a OutboxRow> for Held<'a> {
    fn from(row: &'a OutboxRow) -> Self {
        Self { id: row.id.0, worker: &row.worker, attempts: row.attempts }
    }
}

/// Ends a claim, only the one that is meant: the column says how, with when and why.
macro_rules! end_claim {
    ($tx:expr, $held:expr, $column:literal, $at:expr, $reason:expr) => {{
        let sql = concat!(
            "UPDATE outbox SET ",
            $column,
            " = $4, last_error = $5, claimed_by = NULL, claimed_until = NULL ",
            "WHERE id = $1 AND claimed_by = $2 AND attempts = $3 AND delivered_at IS NULL"
        );
        let (held, reason): (Held<'_>, Option<&str>) = ($held, $reason);
        let query = sqlx::query(sql).bind(held.id).bind(held.worker).bind(small(held.attempts));
        let done = query.bind(Stamp::new($at)).bind(reason).execute($tx).await.map_err(store_error)?;
        Ok(done.rows_affected() == 1)
    }};
}

pub(super) async fn delivered(tx: &mut Connection, held: Held<'_>, now: DateTime<Utc>) -> Result<bool, StoreError> {
    end_claim!(tx, held, "delivered_at", now, None)
}

pub(super) async fn failed(
    tx: &mut Connection,
    held: Held<'_>,
    next_attempt_at: DateTime<Utc>,
    reason: &str,
) -> Result<bool, StoreError> {
    end_claim!(tx, held, "next_attempt_at", next_attempt_at, Some(reason))
}

pub(super) async fn parked(
    tx: &mut Connection,
    held: Held<'_>,
    now: DateTime<Utc>,
    reason: &str,
) -> Result<bool, StoreError> {
    end_claim!(tx, held, "parked_at", now, Some(reason))
}

/// Whether an order about a subject waits.
pub(super) async fn waits(tx: &mut Connection, subject: &str) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM outbox WHERE subject = $1 AND delivered_at IS NULL AND parked_at IS NULL";
    let count: i64 = sqlx::query_scalar(sql).bind(subject).fetch_one(tx).await.map_err(store_error)?;
    Ok(count > 0)
}
