//! Numbers that do not want to be called or texted.

use chrono::{DateTime, Utc};
use otto_actors::domain::{CustomerId, PhoneNumber, reasons};
use otto_actors::ports::{Channel, OptOut, StoreError};

use super::dialect::{Connection, store_error};
use crate::store::stamp::Stamp;

/// Notes a wish; the first one's reason stays.
pub(super) async fn add(tx: &mut Connection, opt_out: &OptOut, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO opt_outs (phone, channel, reason, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (phone, channel) DO NOTHING",
    )
    .bind(opt_out.phone.as_e164())
    .bind(opt_out.channel.as_str())
    .bind(opt_out.reason)
    .bind(Stamp::new(now))
    .execute(tx)
    .await
    .map(|_| ())
    .map_err(store_error)
}

pub(super) async fn remove(tx: &mut Connection, phone: &PhoneNumber, channel: Channel) -> Result<(), StoreError> {
    let sql = "DELETE FROM opt_outs WHERE phone = $1 AND channel = $2";
    let done = sqlx::query(sql).bind(phone.as_e164()).bind(channel.as_str()).execute(tx).await;
    done.map(|_| ()).map_err(store_error)
}

/// The customer with that number agrees to be called. That strangers have the number is taken back by nobody but a caller from
/// there.
pub(super) async fn lift(
    tx: &mut Connection,
    phone: &PhoneNumber,
    caller: Option<&PhoneNumber>,
) -> Result<(), StoreError> {
    if caller == Some(phone) {
        return remove(tx, phone, Channel::Voice).await;
    }
    let sql = "DELETE FROM opt_outs WHERE phone = $1 AND channel = 'voice' AND reason <> $2";
    let done = sqlx::query(sql).bind(phone.as_e164()).bind(OptOut::WRONG_NUMBER).execute(tx).await;
    done.map(|_| ()).map_err(store_error)
}

/// Notes the wish, and what follows from it for the customer: calls that wait are not placed, and the consent goes when
/// they said so themselves.
pub(super) async fn stop_reminders(
    tx: &mut Connection,
    opt_out: &OptOut,
    customer: Option<CustomerId>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    add(tx, opt_out, now).await?;
    let Some(customer) = customer else { return Ok(()) };
    if opt_out.reason == OptOut::ASKED {
        let sql = "UPDATE customers SET reminder_consent = FALSE, updated_at = $2 WHERE id = $1";
        let done = sqlx::query(sql).bind(customer.0).bind(Stamp::new(now)).execute(&mut *tx).await;
        done.map_err(store_error)?;
    }
    let sql = "UPDATE reminders SET status = 'skipped', reason = $2, updated_at = $3 \
               WHERE customer_id = $1 AND status = 'pending'";
    let done = sqlx::query(sql).bind(customer.0).bind(reasons::OPTED_OUT).bind(Stamp::new(now)).execute(tx).await;
    done.map(|_| ()).map_err(store_error)
}
