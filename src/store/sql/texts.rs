//! Text messages: their orders, what became of them, and the answer that confirms.

use chrono::{DateTime, Utc};
use otto_actors::domain::{Appointment, AppointmentId, AppointmentStatus, Customer, CustomerId, PhoneNumber};
use otto_actors::ports::{AppointmentChange, AppointmentStep, Order, StoreError, TextKind, TextOrder, TextProgress};

use super::dialect::{Connection, store_error};
use super::{appointments, customers, outbox};
use crate::store::rows::AppointmentRow;
use crate::store::stamp::Stamp;

/// Orders a text message about an appointment as it is now.
pub(super) async fn order(tx: &mut Connection, about: TextKind, of: &Appointment) -> Result<(), StoreError> {
    outbox::insert(tx, &Order::Text(TextOrder { about, appointment: of.id, version: of.version })).await
}

/// Orders the text message that stands for reminder calls, while there is something to remind of.
pub(super) async fn order_reminder(
    tx: &mut Connection,
    appointment: AppointmentId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "SELECT version FROM appointments WHERE id = $1 AND status IN ('scheduled', 'confirmed') \
               AND starts_at > $2";
    let version: Option<i64> = sqlx::query_scalar(sql)
        .bind(appointment.0)
        .bind(Stamp::new(now))
        .fetch_optional(&mut *tx)
        .await
        .map_err(store_error)?;
    let Some(version) = version else { return Ok(()) };
    outbox::insert(tx, &Order::Text(TextOrder { about: TextKind::Reminder, appointment, version })).await
}

/// Notes how a message stands, if its order is one for a text message: webhooks name any number they like.
pub(super) async fn progress(
    tx: &mut Connection,
    progress: &TextProgress,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = concat!("SELECT id FROM outbox WHERE id = $1 AND kind = 'text'", for_update!());
    let order: Option<i64> =
        sqlx::query_scalar(sql).bind(progress.order.0).fetch_optional(&mut *tx).await.map_err(store_error)?;
    if order.is_none() {
        return Ok(());
    }
    let sql = "SELECT message_sid, status FROM texts WHERE outbox_id = $1";
    let known: Option<(String, String)> =
        sqlx::query_as(sql).bind(progress.order.0).fetch_optional(&mut *tx).await.map_err(store_error)?;
    if known.is_some_and(|(sid, status)| sid != progress.sid || !progress.follows(&status)) {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO texts (outbox_id, message_sid, status, error_code, updated_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (outbox_id) DO UPDATE SET status = excluded.status, error_code = excluded.error_code, \
         updated_at = excluded.updated_at",
    )
    .bind(progress.order.0)
    .bind(&progress.sid)
    .bind(&progress.status)
    .bind(progress.error_code.map(crate::store::rows::small))
    .bind(Stamp::new(now))
    .execute(tx)
    .await
    .map(|_| ())
    .map_err(store_error)
}

/// Confirms the coming appointment that the latest text message to whoever has that number was about, unless it is confirmed;
/// without one, the earliest that is not.
pub(super) async fn confirm(
    tx: &mut Connection,
    phone: &PhoneNumber,
    now: DateTime<Utc>,
) -> Result<Option<(Appointment, Customer)>, StoreError> {
    let sql = concat!(
        "SELECT ",
        appointment_columns!(),
        " FROM appointments WHERE customer_id = (SELECT c.id FROM customers AS c WHERE c.phone = $1) \
         AND status IN ('scheduled', 'confirmed') AND starts_at > $2 \
         ORDER BY (id = (SELECT a.id FROM appointments AS a JOIN outbox AS o ON o.subject IN ('text:' || a.id, 'reminder:' || a.id) \
                         JOIN texts AS t ON t.outbox_id = o.id JOIN customers AS c ON c.id = a.customer_id \
                         WHERE c.phone = $1 AND a.status IN ('scheduled', 'confirmed') AND a.starts_at > $2 \
                         AND t.status NOT IN ('failed', 'undelivered', 'canceled') \
                         ORDER BY coalesce(o.delivered_at, t.updated_at) DESC, o.id DESC LIMIT 1)) DESC, \
                  (status = 'confirmed'), starts_at, id LIMIT 1",
        for_update!()
    );
    let row: Option<AppointmentRow> = sqlx::query_as(sql)
        .bind(phone.as_e164())
        .bind(Stamp::new(now))
        .fetch_optional(&mut *tx)
        .await
        .map_err(store_error)?;
    let Some(appointment) = row.map(Appointment::try_from).transpose()? else { return Ok(None) };
    let (id, owner): (_, CustomerId) = (appointment.id, appointment.customer);
    if appointment.status == AppointmentStatus::Confirmed {
        return Ok(Some((appointment, customers::by_id(tx, owner).await?)));
    }
    let step = AppointmentStep::Confirm;
    let change = AppointmentChange { appointment: id, customer: owner, step, text: false };
    appointments::change(tx, change).await.map(Some)
}
