//! What happened in calls, one line a call. Writes that may be repeated without harm. The journal's events are in `events.rs`
//! of each database.

use otto_actors::domain::{AnsweredBy, CallSid, CallStatus};
use otto_actors::ports::{CallEnd, CallProgress, CallRecord, StoreError};
use sqlx::types::Json;

use super::dialect::{Connection, store_error};
use super::reminders;
use crate::store::rows::integer;
use crate::store::stamp::Stamp;

/// Notes the start. A repeat, or a start that arrives after the end, fills only what is not known yet; a call began when
/// it was first heard of.
pub(super) async fn call_started(tx: &mut Connection, call: &CallRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO call_logs (call_sid, direction, status, caller, customer_id, started_at) \
               VALUES ($1, $2, 'in_progress', $3, $4, $5) \
               ON CONFLICT (call_sid) DO UPDATE SET \
                   direction = coalesce(call_logs.direction, excluded.direction), \
                   caller = coalesce(call_logs.caller, excluded.caller), \
                   customer_id = coalesce(call_logs.customer_id, excluded.customer_id), \
                   started_at = CASE WHEN call_logs.started_at < excluded.started_at THEN call_logs.started_at \
                                ELSE excluded.started_at END";
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

/// Notes the end, also of a call whose start was never noted: a transcript is not thrown away. What came of a call that Otto
/// placed is noted with it.
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
        .execute(&mut *tx)
        .await
        .map_err(store_error)?;
    match end.reminder {
        Some(reminder) => reminders::talked(tx, call, reminder, end.ended_at).await,
        None => Ok(()),
    }
}

/// How far on the status in a column is, as [`otto_actors::domain::CallStatus::rank`] says. None is before all.
macro_rules! rank {
    ($column:literal) => {
        concat!(
            "CASE coalesce(",
            $column,
            ", '') WHEN '' THEN -1 WHEN 'queued' THEN 0 WHEN 'initiated' THEN 1 WHEN 'ringing' THEN 2 \
             WHEN 'in-progress' THEN 3 ELSE 4 END"
        )
    };
}

/// Notes how Twilio sees a call, also one that never got as far as a conversation. Whatever the order of the reports, the line
/// is the same in the end; what the conversation itself has noted stays.
pub(super) async fn call_progress(tx: &mut Connection, progress: &CallProgress) -> Result<(), StoreError> {
    let sql = concat!(
        "INSERT INTO call_logs (call_sid, direction, status, started_at, ended_at, call_status, answered_by, duration_s) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (call_sid) DO UPDATE SET \
         direction = coalesce(call_logs.direction, excluded.direction), \
         status = CASE WHEN excluded.status = 'ended' THEN 'ended' ELSE call_logs.status END, \
         started_at = CASE WHEN call_logs.started_at < excluded.started_at THEN call_logs.started_at \
             ELSE excluded.started_at END, \
         ended_at = coalesce(call_logs.ended_at, excluded.ended_at), \
         call_status = CASE WHEN ",
        rank!("excluded.call_status"),
        " > ",
        rank!("call_logs.call_status"),
        " THEN excluded.call_status ELSE call_logs.call_status END, \
         answered_by = CASE WHEN coalesce(call_logs.answered_by, 'unknown') = 'unknown' \
             THEN coalesce(excluded.answered_by, call_logs.answered_by) ELSE call_logs.answered_by END, \
         duration_s = coalesce(call_logs.duration_s, excluded.duration_s)"
    );
    let over = progress.status.is_some_and(CallStatus::is_final);
    sqlx::query(sql)
        .bind(progress.call.as_str())
        .bind(if progress.outbound { "outbound" } else { "inbound" })
        .bind(if over { "ended" } else { "in_progress" })
        .bind(Stamp::new(progress.at))
        .bind(over.then(|| Stamp::new(progress.at)))
        .bind(progress.status.map(CallStatus::as_str))
        .bind(progress.answered_by.map(AnsweredBy::as_str))
        .bind(progress.duration_s.map(|seconds| integer(seconds.into())))
        .execute(tx)
        .await
        .map(|_| ())
        .map_err(store_error)
}
