//! The write that must never be lost and never happen twice: a booking with its effect, in one transaction.

use chrono::{DateTime, Duration, Utc};
use otto_actors::domain::{Appointment, BayId, Customer, CustomerId, NewAppointment, NewCustomer, VehicleId};
use otto_actors::effects::{EffectId, Fence};
use otto_actors::ports::{Booking, BookingCustomer, Render, StoreError};
use serde_json::Value;
use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::rows::{AppointmentRow, CustomerRow, instant, integer, store_error};

/// Name of a booking in `effects.kind`.
const BOOK: &str = "book_appointment";

/// Does the work, asks the fence last, and commits or leaves nothing.
pub(super) async fn book(
    mut tx: Transaction<'static, Sqlite>,
    effect: &EffectId,
    fence: &Fence,
    booking: Booking,
    render: Render,
) -> Result<Value, StoreError> {
    // What has happened is told even to a turn that is over: the caller of an interrupted turn may ask again.
    if let Some(stored) = stored_effect(&mut tx, effect).await? {
        return Ok(stored);
    }
    let outcome = book_in(&mut tx, effect, booking, render).await;
    let outcome = outcome.and_then(|result| if fence.is_open() { Ok(result) } else { Err(StoreError::Fenced) });
    match outcome {
        Ok(_) => tx.commit().await.map_err(store_error)?,
        // The reason for the failure is worth more than that of the rollback, which SQLite does by itself in the end.
        Err(_) => drop(tx.rollback().await),
    }
    outcome
}

async fn book_in(
    tx: &mut SqliteConnection,
    effect: &EffectId,
    booking: Booking,
    render: Render,
) -> Result<Value, StoreError> {
    let customer = match booking.customer {
        BookingCustomer::OnFile(id) => customer_by_id(tx, id).await?,
        BookingCustomer::New(new) => find_or_add(tx, new).await?,
    };
    let mut wanted = NewAppointment { customer: customer.id, ..booking.appointment };
    wanted.vehicle = vehicle_for(tx, customer.id, wanted.vehicle).await?;
    let bay = free_bay(tx, wanted.starts_at, wanted.minutes).await?;
    let appointment = insert_appointment(tx, &wanted, bay, Some(effect.call.as_str())).await?;
    let result = render(&appointment, &customer);
    insert_effect(tx, effect, &result).await?;
    Ok(result)
}

/// The result of a tool call that has taken effect.
pub(super) async fn stored_effect(db: &mut SqliteConnection, effect: &EffectId) -> Result<Option<Value>, StoreError> {
    let sql = "SELECT result FROM effects WHERE call_sid = ?1 AND turn = ?2 AND tool_call_id = ?3";
    let stored: Option<String> = sqlx::query_scalar(sql)
        .bind(effect.call.as_str())
        .bind(integer(effect.turn.0))
        .bind(&effect.tool_call_id)
        .fetch_optional(db)
        .await
        .map_err(store_error)?;
    let parse = |text: String| serde_json::from_str(&text);
    stored.map(parse).transpose().map_err(|_| StoreError::Refused("effects.result is not JSON".into()))
}

async fn insert_effect(tx: &mut SqliteConnection, effect: &EffectId, result: &Value) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO effects (call_sid, turn, tool_call_id, kind, result) VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(effect.call.as_str())
        .bind(integer(effect.turn.0))
        .bind(&effect.tool_call_id)
        .bind(BOOK)
        .bind(result.to_string())
        .execute(tx)
        .await
        .map(|_| ())
        .map_err(store_error)
}

async fn customer_by_id(tx: &mut SqliteConnection, id: CustomerId) -> Result<Customer, StoreError> {
    let sql = "SELECT id, name, phone, email, birth_date, street FROM customers WHERE id = ?1";
    let row: Option<CustomerRow> = sqlx::query_as(sql).bind(id.0).fetch_optional(tx).await.map_err(store_error)?;
    row.ok_or(StoreError::NotFound("customer"))?.try_into()
}

/// Puts a customer on file, or finds the one with that number: two calls of one new customer make one row.
async fn find_or_add(tx: &mut SqliteConnection, new: NewCustomer) -> Result<Customer, StoreError> {
    let insert = "INSERT INTO customers (name, phone, customer_since) VALUES (?1, ?2, date('now')) \
                  ON CONFLICT (phone) DO NOTHING";
    sqlx::query(insert).bind(new.name.trim()).bind(new.phone.as_e164()).execute(&mut *tx).await.map_err(store_error)?;
    let select = "SELECT id, name, phone, email, birth_date, street FROM customers WHERE phone = ?1";
    let row: CustomerRow = sqlx::query_as(select).bind(new.phone.as_e164()).fetch_one(tx).await.map_err(store_error)?;
    row.try_into()
}

/// The vehicle, which must be the customer's; where none is named, the only one there is.
async fn vehicle_for(
    tx: &mut SqliteConnection,
    customer: CustomerId,
    named: Option<VehicleId>,
) -> Result<Option<VehicleId>, StoreError> {
    let sql = "SELECT id FROM vehicles WHERE customer_id = ?1 ORDER BY id";
    let own: Vec<i64> = sqlx::query_scalar(sql).bind(customer.0).fetch_all(tx).await.map_err(store_error)?;
    match (named, own.as_slice()) {
        (Some(vehicle), own) if own.contains(&vehicle.0) => Ok(Some(vehicle)),
        (Some(_), _) => Err(StoreError::NotFound("vehicle")),
        (None, [only]) => Ok(Some(VehicleId(*only))),
        (None, _) => Ok(None),
    }
}

/// The first bay, by age, that is free from `starts_at` for that long.
pub(super) async fn free_bay(
    tx: &mut SqliteConnection,
    starts_at: DateTime<Utc>,
    minutes: u32,
) -> Result<BayId, StoreError> {
    let sql = "SELECT id FROM bays WHERE active = 1 AND NOT EXISTS (\
                   SELECT 1 FROM appointments AS a WHERE a.bay_id = bays.id \
                   AND a.status NOT IN ('cancelled', 'no_show') AND a.starts_at < ?2 AND a.ends_at > ?1) \
               ORDER BY id LIMIT 1";
    let free: Option<i64> = sqlx::query_scalar(sql)
        .bind(instant(starts_at))
        .bind(instant(end_of(starts_at, minutes)))
        .fetch_optional(tx)
        .await
        .map_err(store_error)?;
    free.map(BayId).ok_or(StoreError::JustTaken)
}

fn end_of(starts_at: DateTime<Utc>, minutes: u32) -> DateTime<Utc> {
    starts_at + Duration::minutes(i64::from(minutes))
}

/// Adds an appointment. The trigger on the table refuses one that overlaps, whatever was found to be free before.
pub(super) async fn insert_appointment(
    tx: &mut SqliteConnection,
    new: &NewAppointment,
    bay: BayId,
    call: Option<&str>,
) -> Result<Appointment, StoreError> {
    let sql = "INSERT INTO appointments \
               (customer_id, vehicle_id, service, starts_at, ends_at, minutes, bay_id, concerns, booked_by, call_sid) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
               RETURNING id, customer_id, vehicle_id, service, starts_at, minutes, bay_id, status";
    let row: AppointmentRow = sqlx::query_as(sql)
        .bind(new.customer.0)
        .bind(new.vehicle.map(|v| v.0))
        .bind(&new.service)
        .bind(instant(new.starts_at))
        .bind(instant(end_of(new.starts_at, new.minutes)))
        .bind(new.minutes)
        .bind(bay.0)
        .bind(&new.concerns)
        .bind(new.booked_by)
        .bind(call)
        .fetch_one(tx)
        .await
        .map_err(store_error)?;
    row.try_into()
}

/// Makes `bays` follow the shop's settings.
pub(super) async fn sync_bays(tx: &mut SqliteConnection, names: &[String]) -> Result<(), StoreError> {
    let retire = "UPDATE bays SET active = 0";
    sqlx::query(retire).execute(&mut *tx).await.map_err(store_error)?;
    for name in names {
        let keep = "INSERT INTO bays (name) VALUES (?1) ON CONFLICT (name) DO UPDATE SET active = 1";
        sqlx::query(keep).bind(name).execute(&mut *tx).await.map_err(store_error)?;
    }
    let remove = "DELETE FROM bays WHERE active = 0 AND id NOT IN (SELECT bay_id FROM appointments)";
    sqlx::query(remove).execute(tx).await.map(|_| ()).map_err(store_error)
}
