//! Everything that only reads. Apart from the writes, because it runs on the readers' connections, beside them.

use chrono::{DateTime, Utc};
use otto_actors::domain::{Appointment, BookedTime, Customer, CustomerId, PhoneNumber, Vehicle};
use otto_actors::ports::StoreError;
use sqlx::SqlitePool;

use super::rows::{AppointmentRow, BookedRow, CustomerRow, VehicleRow, instant, store_error};

pub(super) async fn customer_by_phone(pool: &SqlitePool, phone: &PhoneNumber) -> Result<Option<Customer>, StoreError> {
    let sql = "SELECT id, name, phone, email, birth_date, street FROM customers WHERE phone = ?1";
    let row: Option<CustomerRow> =
        sqlx::query_as(sql).bind(phone.as_e164()).fetch_optional(pool).await.map_err(store_error)?;
    row.map(Customer::try_from).transpose()
}

pub(super) async fn vehicles_of(pool: &SqlitePool, customer: CustomerId) -> Result<Vec<Vehicle>, StoreError> {
    let sql = "SELECT id, customer_id, vin, plate, year, make, model FROM vehicles WHERE customer_id = ?1 ORDER BY id";
    let rows: Vec<VehicleRow> = sqlx::query_as(sql).bind(customer.0).fetch_all(pool).await.map_err(store_error)?;
    Ok(rows.into_iter().map(Vehicle::from).collect())
}

pub(super) async fn upcoming(
    pool: &SqlitePool,
    customer: CustomerId,
    from: DateTime<Utc>,
) -> Result<Vec<Appointment>, StoreError> {
    let sql = "SELECT id, customer_id, vehicle_id, service, starts_at, minutes, bay_id, status FROM appointments \
               WHERE customer_id = ?1 AND starts_at >= ?2 AND status IN ('scheduled', 'confirmed') \
               ORDER BY starts_at, id";
    let rows: Vec<AppointmentRow> =
        sqlx::query_as(sql).bind(customer.0).bind(instant(from)).fetch_all(pool).await.map_err(store_error)?;
    rows.into_iter().map(Appointment::try_from).collect()
}

pub(super) async fn appointments_of(pool: &SqlitePool, customer: CustomerId) -> Result<Vec<Appointment>, StoreError> {
    let sql = "SELECT id, customer_id, vehicle_id, service, starts_at, minutes, bay_id, status FROM appointments \
               WHERE customer_id = ?1 ORDER BY starts_at, id";
    let rows: Vec<AppointmentRow> = sqlx::query_as(sql).bind(customer.0).fetch_all(pool).await.map_err(store_error)?;
    rows.into_iter().map(Appointment::try_from).collect()
}

/// Bays that are gone from the settings do not count: their appointments take nothing from the others.
pub(super) async fn booked_between(
    pool: &SqlitePool,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<BookedTime>, StoreError> {
    let sql = "SELECT a.bay_id, a.starts_at, a.ends_at FROM appointments AS a JOIN bays AS b ON b.id = a.bay_id \
               WHERE b.active = 1 AND a.status NOT IN ('cancelled', 'no_show') \
               AND a.starts_at < ?2 AND a.ends_at > ?1 AND a.starts_at >= ?3 ORDER BY a.starts_at, a.bay_id";
    let rows: Vec<BookedRow> = sqlx::query_as(sql)
        .bind(instant(from))
        .bind(instant(to))
        // No appointment is longer than a day (a CHECK says so), which lets the index bound the search on both sides.
        .bind(instant(from - chrono::Duration::days(1)))
        .fetch_all(pool)
        .await
        .map_err(store_error)?;
    Ok(rows.into_iter().map(BookedTime::from).collect())
}

pub(super) async fn bay_count(pool: &SqlitePool) -> Result<usize, StoreError> {
    let sql = "SELECT count(*) FROM bays WHERE active = 1";
    let count: i64 = sqlx::query_scalar(sql).fetch_one(pool).await.map_err(store_error)?;
    Ok(usize::try_from(count).unwrap_or_default())
}
