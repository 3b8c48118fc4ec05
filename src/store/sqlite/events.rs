//! The journal's events on SQLite: a prepared statement a row, since no row is a round trip here.

use otto_actors::ports::{JournalRow, StoreError};

use super::dialect::{Connection, store_error};
use crate::store::rows::integer;
use crate::store::stamp::StampMs;

/// Adds events; those that are there already stay as they are.
pub(super) async fn append(tx: &mut Connection, events: &[JournalRow]) -> Result<(), StoreError> {
    let sql = "INSERT INTO call_events (call_sid, seq, at, turn, kind, payload) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (call_sid, seq) DO NOTHING";
    for event in events {
        sqlx::query(sql)
            .bind(event.call.as_str())
            .bind(integer(event.seq))
            .bind(StampMs::new(event.at))
            .bind(integer(event.turn.0))
            .bind(event.kind)
            .bind(event.payload.as_ref())
            .execute(&mut *tx)
            .await
            .map_err(store_error)?;
    }
    Ok(())
}
