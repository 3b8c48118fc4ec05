//! Everything that only reads. Apart from the writes, because it needs no transaction and may run on a replica.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use otto_actors::domain::{
    Appointment, AppointmentId, Bay, BayId, BookedTime, CallSid, Customer, CustomerId, OutboxId, PhoneNumber, Reminder,
    ReminderId, Round, ServiceRecord, Vehicle,
};
use otto_actors::ports::{Channel, StoreError, TakenMessage};

use super::dialect::{Pool, store_error};
use crate::store::rows::{
    AppointmentRow, BayRow, BookedRow, CustomerRow, MessageRow, ReadReminder, ReminderRow, ServiceRow, VehicleRow,
    search_name,
};
use crate::store::stamp::Stamp;

pub(super) async fn customer_by_phone(pool: &Pool, phone: &PhoneNumber) -> Result<Option<Customer>, StoreError> {
    let sql = concat!("SELECT ", customer_columns!(), " FROM customers WHERE phone = $1");
    let row: Option<CustomerRow> =
        sqlx::query_as(sql).bind(phone.as_e164()).fetch_optional(pool).await.map_err(store_error)?;
    row.map(Customer::try_from).transpose()
}

pub(super) async fn customer(pool: &Pool, id: CustomerId) -> Result<Option<Customer>, StoreError> {
    let sql = concat!("SELECT ", customer_columns!(), " FROM customers WHERE id = $1");
    let row: Option<CustomerRow> = sqlx::query_as(sql).bind(id.0).fetch_optional(pool).await.map_err(store_error)?;
    row.map(Customer::try_from).transpose()
}

pub(super) async fn customers_by_name(pool: &Pool, name: &str, limit: u32) -> Result<Vec<Customer>, StoreError> {
    let words = search_name(name);
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let sql = concat!(
        "SELECT ",
        customer_columns!(),
        " FROM customers WHERE search_name LIKE $1 ORDER BY search_name, id LIMIT $2"
    );
    // Letters and digits only: nothing in the words is a wildcard.
    let pattern = format!("%{}%", words.replace(' ', "% ").trim_start_matches('%'));
    let rows: Vec<CustomerRow> =
        sqlx::query_as(sql).bind(pattern).bind(i64::from(limit)).fetch_all(pool).await.map_err(store_error)?;
    rows.into_iter().map(Customer::try_from).collect()
}

pub(super) async fn vehicles_of(pool: &Pool, customer: CustomerId) -> Result<Vec<Vehicle>, StoreError> {
    let sql = concat!("SELECT ", vehicle_columns!(), " FROM vehicles WHERE customer_id = $1 ORDER BY id");
    let rows: Vec<VehicleRow> = sqlx::query_as(sql).bind(customer.0).fetch_all(pool).await.map_err(store_error)?;
    Ok(rows.into_iter().map(Vehicle::from).collect())
}

pub(super) async fn service_history(
    pool: &Pool,
    customer: CustomerId,
    limit: u32,
) -> Result<Vec<ServiceRecord>, StoreError> {
    let sql = "SELECT s.vehicle_id, s.done_on, s.mileage, s.work, s.parts, s.cost_cents, s.next_due_on \
               FROM service_history AS s JOIN vehicles AS v ON v.id = s.vehicle_id \
               WHERE v.customer_id = $1 ORDER BY s.done_on DESC, s.id DESC LIMIT $2";
    let rows: Vec<ServiceRow> =
        sqlx::query_as(sql).bind(customer.0).bind(i64::from(limit)).fetch_all(pool).await.map_err(store_error)?;
    Ok(rows.into_iter().map(ServiceRecord::from).collect())
}

pub(super) async fn appointment(pool: &Pool, id: AppointmentId) -> Result<Option<Appointment>, StoreError> {
    let sql = concat!("SELECT ", appointment_columns!(), " FROM appointments WHERE id = $1");
    let row: Option<AppointmentRow> = sqlx::query_as(sql).bind(id.0).fetch_optional(pool).await.map_err(store_error)?;
    row.map(Appointment::try_from).transpose()
}

pub(super) async fn upcoming(
    pool: &Pool,
    customer: CustomerId,
    from: DateTime<Utc>,
) -> Result<Vec<Appointment>, StoreError> {
    let sql = concat!(
        "SELECT ",
        appointment_columns!(),
        " FROM appointments WHERE customer_id = $1 AND starts_at >= $2 AND status IN ('scheduled', 'confirmed') \
         ORDER BY starts_at, id"
    );
    let rows: Vec<AppointmentRow> =
        sqlx::query_as(sql).bind(customer.0).bind(Stamp::new(from)).fetch_all(pool).await.map_err(store_error)?;
    rows.into_iter().map(Appointment::try_from).collect()
}

pub(super) async fn appointments_of(pool: &Pool, customer: CustomerId) -> Result<Vec<Appointment>, StoreError> {
    let sql =
        concat!("SELECT ", appointment_columns!(), " FROM appointments WHERE customer_id = $1 ORDER BY starts_at, id");
    let rows: Vec<AppointmentRow> = sqlx::query_as(sql).bind(customer.0).fetch_all(pool).await.map_err(store_error)?;
    rows.into_iter().map(Appointment::try_from).collect()
}

/// Bays that are gone from the settings do not count: their appointments take nothing from the others.
pub(super) async fn booked_between(
    pool: &Pool,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<BookedTime>, StoreError> {
    let sql = "SELECT a.bay_id, a.starts_at, a.ends_at FROM appointments AS a JOIN bays AS b ON b.id = a.bay_id \
               WHERE b.active AND a.status NOT IN ('cancelled', 'no_show') \
               AND a.starts_at < $2 AND a.ends_at > $1 AND a.starts_at >= $3 ORDER BY a.starts_at, a.bay_id";
    let rows: Vec<BookedRow> = sqlx::query_as(sql)
        .bind(Stamp::new(from))
        .bind(Stamp::new(to))
        // No appointment is longer than a day (a CHECK says so), which lets the index bound the search on both sides.
        .bind(Stamp::new(from - Duration::days(1)))
        .fetch_all(pool)
        .await
        .map_err(store_error)?;
    Ok(rows.into_iter().map(BookedTime::from).collect())
}

pub(super) async fn bays(pool: &Pool) -> Result<Vec<Bay>, StoreError> {
    let sql = "SELECT id, name, calendar_id FROM bays WHERE active ORDER BY id";
    let rows: Vec<BayRow> = sqlx::query_as(sql).fetch_all(pool).await.map_err(store_error)?;
    Ok(rows.into_iter().map(Bay::from).collect())
}

pub(super) async fn bay_count(pool: &Pool) -> Result<usize, StoreError> {
    let sql = "SELECT count(*) FROM bays WHERE active";
    let count: i64 = sqlx::query_scalar(sql).fetch_one(pool).await.map_err(store_error)?;
    Ok(usize::try_from(count).unwrap_or_default())
}

pub(super) async fn undelivered(pool: &Pool) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM outbox WHERE delivered_at IS NULL AND parked_at IS NULL";
    let count: i64 = sqlx::query_scalar(sql).fetch_one(pool).await.map_err(store_error)?;
    Ok(u64::try_from(count).unwrap_or_default())
}

pub(super) async fn parked(pool: &Pool) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM outbox WHERE parked_at IS NOT NULL";
    let count: i64 = sqlx::query_scalar(sql).fetch_one(pool).await.map_err(store_error)?;
    Ok(u64::try_from(count).unwrap_or_default())
}

pub(super) async fn sync_token(pool: &Pool, bay: BayId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT sync_token FROM calendar_syncs WHERE bay_id = $1";
    sqlx::query_scalar(sql).bind(bay.0).fetch_optional(pool).await.map_err(store_error)
}

/// Whom the round of a date calls, earliest appointment first.
pub(super) async fn round_of(pool: &Pool, round: &Round) -> Result<Vec<(Appointment, Customer)>, StoreError> {
    let (from, to, day_from) = (Stamp::new(round.from), Stamp::new(round.to), Stamp::new(round.day_from));
    let sql = concat!(
        "SELECT ",
        appointment_columns!(),
        " FROM appointments AS a WHERE ",
        may_be_reminded!(),
        " ORDER BY starts_at, id"
    );
    let rows: Vec<AppointmentRow> =
        sqlx::query_as(sql).bind(from).bind(to).bind(day_from).fetch_all(pool).await.map_err(store_error)?;
    let sql = concat!(
        "SELECT ",
        customer_columns!(),
        " FROM customers WHERE id IN (SELECT a.customer_id FROM appointments AS a WHERE ",
        may_be_reminded!(),
        ")"
    );
    let people: Vec<CustomerRow> =
        sqlx::query_as(sql).bind(from).bind(to).bind(day_from).fetch_all(pool).await.map_err(store_error)?;
    let people: Vec<Customer> = people.into_iter().map(Customer::try_from).collect::<Result<_, _>>()?;
    let by_id: HashMap<CustomerId, Customer> = people.into_iter().map(|customer| (customer.id, customer)).collect();
    let appointments = rows.into_iter().map(Appointment::try_from).collect::<Result<Vec<_>, _>>()?;
    // Whoever changed their mind between the two statements is left out.
    let pair = |a: Appointment| by_id.get(&a.customer).cloned().map(|customer| (a, customer));
    Ok(appointments.into_iter().filter_map(pair).collect())
}

pub(super) async fn reminder(pool: &Pool, id: ReminderId) -> Result<Option<Reminder>, StoreError> {
    let sql = concat!("SELECT ", reminder_columns!(), " FROM reminders WHERE id = $1");
    let row: Option<ReminderRow> = sqlx::query_as(sql).bind(id.0).fetch_optional(pool).await.map_err(store_error)?;
    row.map(Reminder::try_from).transpose()
}

pub(super) async fn reminder_of_call(pool: &Pool, call: &CallSid) -> Result<Option<Reminder>, StoreError> {
    let sql = concat!("SELECT ", reminder_columns!(), " FROM reminders WHERE call_sid = $1 ORDER BY id DESC LIMIT 1");
    let row: Option<ReminderRow> =
        sqlx::query_as(sql).bind(call.as_str()).fetch_optional(pool).await.map_err(store_error)?;
    row.map(Reminder::try_from).transpose()
}

pub(super) async fn reminders_between(
    pool: &Pool,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Reminder>, StoreError> {
    let sql = concat!(
        "SELECT ",
        reminder_columns!(),
        " FROM reminders WHERE due_at >= $1 AND due_at < $2 ORDER BY due_at DESC, id DESC LIMIT $3"
    );
    let rows: Vec<ReadReminder> = sqlx::query_as(sql)
        .bind(Stamp::new(from))
        .bind(Stamp::new(to))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await
        .map_err(store_error)?;
    // What cannot be shown is missed, with its number in the log, when its time comes.
    Ok(rows.into_iter().filter_map(|row| row.read.ok()).collect())
}

pub(super) async fn has_opted_out(pool: &Pool, phone: &PhoneNumber, channel: Channel) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM opt_outs WHERE phone = $1 AND channel = $2";
    let count: i64 = sqlx::query_scalar(sql)
        .bind(phone.as_e164())
        .bind(channel.as_str())
        .fetch_one(pool)
        .await
        .map_err(store_error)?;
    Ok(count > 0)
}

pub(super) async fn text_of(pool: &Pool, order: OutboxId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT message_sid FROM texts WHERE outbox_id = $1";
    sqlx::query_scalar(sql).bind(order.0).fetch_optional(pool).await.map_err(store_error)
}

pub(super) async fn messages_since(
    pool: &Pool,
    since: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<TakenMessage>, StoreError> {
    let sql = "SELECT created_at, call_sid, caller, customer_id, name, body FROM messages WHERE created_at >= $1 \
               ORDER BY created_at DESC, id DESC LIMIT $2";
    let rows: Vec<MessageRow> = sqlx::query_as(sql)
        .bind(Stamp::new(since))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await
        .map_err(store_error)?;
    rows.into_iter().map(TakenMessage::try_from).collect()
}
