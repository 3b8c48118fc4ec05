//! The journal's events on PostgreSQL: one statement a batch, since every statement is a round trip. A list a column,
//! so that the statement is the same for any number of rows and is prepared once.

use otto_actors::ports::{JournalRow, StoreError};

use super::dialect::{Connection, store_error};
use crate::store::rows::integer;
use crate::store::stamp::StampMs;

/// Adds events; those that are there already stay as they are.
pub(super) async fn append(tx: &mut Connection, events: &[JournalRow]) -> Result<(), StoreError> {
    let sql = "INSERT INTO call_events (call_sid, seq, at, turn, kind, payload) \
               SELECT * FROM unnest($1::TEXT[], $2::BIGINT[], $3::TIMESTAMPTZ[], $4::BIGINT[], $5::TEXT[], \
               $6::BYTEA[]) ON CONFLICT (call_sid, seq) DO NOTHING";
    sqlx::query(sql)
        .bind(column(events, |event| event.call.as_str()))
        .bind(column(events, |event| integer(event.seq)))
        .bind(column(events, |event| StampMs::new(event.at).utc()))
        .bind(column(events, |event| integer(event.turn.0)))
        .bind(column(events, |event| event.kind))
        .bind(column(events, |event| event.payload.as_ref()))
        .execute(tx)
        .await
        .map(|_| ())
        .map_err(store_error)
}

fn column<'a, T>(events: &'a [JournalRow], value: impl Fn(&'a JournalRow) -> T) -> Vec<T> {
    events.iter().map(value).collect()
}
