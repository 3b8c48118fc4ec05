//! What happened in calls: the journal's events and one line a call. Writes that may be repeated without harm.

use otto_actors::domain::CallSid;
use otto_actors::ports::{CallEnd, CallRecord, JournalRow, StoreError};
use sqlx::types::Json;

use super::dialect::{Connection, store_error};
use crate::store::rows::integer;
use crate::store::stamp::{Stamp, StampMs};

/// Adds events; those that are there already stay as they are.
pub(super) async fn append_events(tx: &mut Connection, events: &[JournalRow]) -> Result<(), StoreError> {
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

/// Notes the start. A repeat, or a start that arrives after the end, fills only what is not known yet.
pub(super) async fn call_started(tx: &mut Connection, call: &CallRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO call_logs (call_sid, direction, status, caller, customer_id, started_at) \
               VALUES ($1, $2, 'in_progress', $3, $4, $5) \
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
        .bind(Stamp::new(call.started_at))
        .execute(tx)
        .await
        .map(|_| ())
        .map_err(store_error)
}

/// Notes the end, also of a call whose start was never noted: a transcript is not thrown away.
pub(super) async fn call_ended(tx: &mut Connection, call: &CallSid, end: &CallEnd) -> Result<(), StoreError> {
    let sql = "INSERT INTO call_logs (call_sid, status, ended_at, outcome, turns, transcript, summary, intent, \
                   tools_used, prompt_tokens, completion_tokens, latencies_ms, transferred_to) \
               VALUES ($1, 'ended', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
               ON CONFLICT (call_sid) DO UPDATE SET status = excluded.status, ended_at = excluded.ended_at, \
                   outcome = excluded.outcome, turns = excluded.turns, transcript = excluded.transcript, \
                   summary = excluded.summary, intent = excluded.intent, tools_used = excluded.tools_used, \
                   prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens, \
                   latencies_ms = excluded.latencies_ms, transferred_to = excluded.transferred_to";
    let facts = &end.facts;
    sqlx::query(sql)
        .bind(call.as_str())
        .bind(Stamp::new(end.ended_at))
        .bind(end.outcome)
        .bind(integer(end.turns))
        .bind(&end.transcript)
        .bind(&facts.summary)
        .bind(&facts.intent)
        .bind(Json(&facts.tools_used))
        .bind(facts.prompt_tokens.map(integer))
        .bind(facts.completion_tokens.map(integer))
        .bind(Json(&facts.latencies_ms))
        .bind(facts.transferred_to.as_ref().map(|number| number.as_e164()))
        .execute(tx)
        .await
        .map(|_| ())
        .map_err(store_error)
}
