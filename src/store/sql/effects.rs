//! What a tool call does, with its stored result, in one transaction: never lost, never twice.

use chrono::Utc;
use otto_actors::effects::{EffectId, Fence};
use otto_actors::ports::{Action, StoreError};
use serde_json::Value;
use sqlx::Transaction;
use sqlx::types::Json;

use super::dialect::{self, Connection, Db, store_error};
use super::{appointments, customers, opt_outs, reminders};
use crate::store::rows::integer;

/// Does the work, asks the fence last, and commits or leaves nothing.
pub(super) async fn act(
    mut tx: Transaction<'static, Db>,
    effect: &EffectId,
    fence: &Fence,
    action: Action,
) -> Result<Value, StoreError> {
    dialect::lock_effect(&mut tx, effect).await?;
    // What has happened is told even to a turn that is over: the caller of an interrupted turn may ask again.
    if let Some(stored) = stored(&mut tx, effect).await? {
        return Ok(stored);
    }
    let outcome = act_in(&mut tx, effect, action).await;
    let outcome = outcome.and_then(|result| if fence.is_open() { Ok(result) } else { Err(StoreError::Fenced) });
    match outcome {
        Ok(_) => tx.commit().await.map_err(store_error)?,
        // The reason for the failure is worth more than that of the rollback, which the database does in the end.
        Err(_) => drop(tx.rollback().await),
    }
    outcome
}

async fn act_in(tx: &mut Connection, effect: &EffectId, action: Action) -> Result<Value, StoreError> {
    let kind = action.kind();
    let result = match action {
        Action::Book { booking, render } => {
            let (appointment, customer) = appointments::book(tx, effect, booking).await?;
            render(&appointment, &customer)
        }
        Action::ChangeAppointment { change, render } => {
            let (appointment, customer) = appointments::change(tx, change).await?;
            render(&appointment, &customer)
        }
        Action::CreateCustomer { new, facts, render } => render(&customers::create(tx, &new, &facts).await?),
        Action::UpdateCustomer { customer, facts, caller, render } => {
            render(&customers::update(tx, customer, &facts, caller.as_ref()).await?)
        }
        Action::AddVehicle { customer, vehicle, render } => {
            render(&customers::add_vehicle(tx, customer, &vehicle).await?)
        }
        Action::TakeMessage { message, render } => {
            customers::take_message(tx, effect, &message).await?;
            render()
        }
        Action::RequestCallBack { new, render } => {
            reminders::add(tx, &new, Utc::now()).await?;
            render()
        }
        Action::StopReminders { opt_out, customer, render } => {
            opt_outs::stop_reminders(tx, &opt_out, customer, Utc::now()).await?;
            render()
        }
    };
    insert(tx, effect, kind, &result).await?;
    Ok(result)
}

/// The result of a tool call that has taken effect.
pub(super) async fn stored(db: &mut Connection, effect: &EffectId) -> Result<Option<Value>, StoreError> {
    let sql = "SELECT result FROM effects WHERE call_sid = $1 AND turn = $2 AND tool_call_id = $3";
    let stored: Option<Json<Value>> = sqlx::query_scalar(sql)
        .bind(effect.call.as_str())
        .bind(integer(effect.turn.0))
        .bind(&effect.tool_call_id)
        .fetch_optional(db)
        .await
        .map_err(store_error)?;
    Ok(stored.map(|Json(result)| result))
}

async fn insert(tx: &mut Connection, effect: &EffectId, kind: &str, result: &Value) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO effects (call_sid, turn, tool_call_id, kind, result) VALUES ($1, $2, $3, $4, $5)")
        .bind(effect.call.as_str())
        .bind(integer(effect.turn.0))
        .bind(&effect.tool_call_id)
        .bind(kind)
        .bind(Json(result))
        .execute(tx)
        .await
        .map(|_| ())
        .map_err(store_error)
}
