//! What happened in calls: the journal's events and one line a call. Writes that may be repeated without harm.

use otto_actors::domain::CallSid;
use otto_actors::ports::{CallEnd, CallRecord, JournalRow, StoreError};
use sqlx::{Sqlite, SqlitePool, Transaction};

use super::rows::{instant, instant_ms, integer, store_error};

/// Adds events in one transaction; those that are there already stay as they are.
pub(super) async fn append_events(
    mut tx: Transaction<'static, Sqlite>,
    events: &[JournalRow],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO call_events (call_sid, seq, at, turn, kind, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
               ON CONFLICT (call_sid, seq) DO NOTHING";
    for event in events {
        sqlx::query(sql)
            .bind(event.call.as_str())
            .bind(integer(event.seq))
            .bind(instant_ms(event.at))
            .bind(integer(event.turn.0))
            .bind(event.kind)
            .bind(event.payload.as_ref())
            .execute(&mut *tx)
            .await
            .map_err(store_error)?;
    }
    tx.commit().await.map_err(store_error)
}

/// Notes the start. A repeat, or a start that arrives after the end, fills only what is not known yet.
pub(super) async fn call_started(writer: &SqlitePool, call: &CallRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO call_logs (call_sid, direction, status, caller, customer_id, started_at) \
               VALUES (?1, ?2, 'in_progress', ?3, ?4, ?5) \
               ON CONFLICT (call_sid) DO UPDATE SET \
                   direction = coalesce(call_logs.direction, excluded.direction), \
                   caller = coalesce(call_logs.caller, excluded.caller), \
                   customer_id = coalesce(call_logs.customer_id, excluded.customer_id), \
                   started_at = coalesce(call_logs.started_at, excluded.started_at)";
    sqlx::query(sql)
        .bind(call.call.as_str())
        .bind(call.direction)
        .bind(call.caller.as_ref().map(|number| number.as_e164()))
        .bind(call.customer.map(|id| id.0))
        .bind(instant(call.started_at))
        .execute(writer)
        .await
        .map(|_| ())
        .map_err(store_error)
}

/// Notes the end, also of a call whose start was never noted: a transcript is not thrown away.
pub(super) async fn call_ended(writer: &SqlitePool, call: &CallSid, end: &CallEnd) -> Result<(), StoreError> {
    let sql = "INSERT INTO call_logs (call_sid, status, ended_at, outcome, turns, transcript) \
               VALUES (?1, 'ended', ?2, ?3, ?4, ?5) \
               ON CONFLICT (call_sid) DO UPDATE SET status = excluded.status, ended_at = excluded.ended_at, \
                   outcome = excluded.outcome, turns = excluded.turns, transcript = excluded.transcript";
    sqlx::query(sql)
        .bind(call.as_str())
        .bind(instant(end.ended_at))
        .bind(end.outcome)
        .bind(integer(end.turns))
        .bind(&end.transcript)
        .execute(writer)
        .await
        .map(|_| ())
        .map_err(store_error)
}
