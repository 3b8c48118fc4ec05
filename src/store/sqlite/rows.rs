//! Rows as they lie in SQLite, and their translation into the domain's types and errors. SQL types stop here.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use otto_actors::domain::{
    Appointment, AppointmentId, AppointmentStatus, BayId, BookedTime, Customer, CustomerId, PhoneNumber, Vehicle,
    VehicleId,
};
use otto_actors::ports::StoreError;
use sqlx::FromRow;

/// An instant as the tables hold it, to the second.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// An instant as the journal holds it, to the millisecond.
pub(super) fn instant_ms(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A count as SQLite holds it.
pub(super) fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A value in the tables that Otto would not have written.
fn unexpected(column: &'static str, expected: &'static str) -> StoreError {
    StoreError::Refused(format!("{column} holds an unexpected value, expected {expected}"))
}

#[derive(FromRow)]
pub(super) struct CustomerRow {
    id: i64,
    name: String,
    phone: String,
    email: Option<String>,
    birth_date: Option<NaiveDate>,
    street: Option<String>,
}

impl TryFrom<CustomerRow> for Customer {
    type Error = StoreError;

    fn try_from(row: CustomerRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: CustomerId(row.id),
            name: row.name,
            phone: PhoneNumber::parse(&row.phone).map_err(|_| unexpected("customers.phone", "E.164"))?,
            email: row.email,
            birth_date: row.birth_date,
            street: row.street,
        })
    }
}

#[derive(FromRow)]
pub(super) struct VehicleRow {
    id: i64,
    customer_id: i64,
    vin: Option<String>,
    plate: Option<String>,
    year: Option<i32>,
    make: Option<String>,
    model: Option<String>,
}

impl From<VehicleRow> for Vehicle {
    fn from(row: VehicleRow) -> Self {
        Self {
            id: VehicleId(row.id),
            customer: CustomerId(row.customer_id),
            vin: row.vin,
            plate: row.plate,
            year: row.year,
            make: row.make,
            model: row.model,
        }
    }
}

#[derive(FromRow)]
pub(super) struct AppointmentRow {
    id: i64,
    customer_id: i64,
    vehicle_id: Option<i64>,
    service: String,
    starts_at: DateTime<Utc>,
    minutes: u32,
    bay_id: i64,
    status: String,
}

impl TryFrom<AppointmentRow> for Appointment {
    type Error = StoreError;

    fn try_from(row: AppointmentRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: AppointmentId(row.id),
            customer: CustomerId(row.customer_id),
            vehicle: row.vehicle_id.map(VehicleId),
            service: row.service,
            starts_at: row.starts_at,
            minutes: row.minutes,
            bay: BayId(row.bay_id),
            status: AppointmentStatus::parse(&row.status)
                .ok_or_else(|| unexpected("appointments.status", "a known status"))?,
        })
    }
}

#[derive(FromRow)]
pub(super) struct BookedRow {
    bay_id: i64,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
}

impl From<BookedRow> for BookedTime {
    fn from(row: BookedRow) -> Self {
        Self { bay: BayId(row.bay_id), starts_at: row.starts_at, ends_at: row.ends_at }
    }
}

/// What the trigger on `appointments` says.
const SLOT_TAKEN: &str = "slot taken";

// SQLite's primary result codes, https://www.sqlite.org/rescode.html.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const IOERR: i32 = 10;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;

/// Translates an error of the driver. Texts that could quote a value are left out.
pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    use sqlx::Error::{ColumnDecode, Database, Io, PoolClosed, PoolTimedOut, WorkerCrashed};
    match error {
        Database(e) if e.message() == SLOT_TAKEN => StoreError::JustTaken,
        Database(e) => {
            let code = e.code().and_then(|c| c.parse::<i32>().ok()).unwrap_or_default();
            let text = format!("SQLite error {code}: {}", e.message());
            match code & 0xff {
                BUSY | LOCKED | IOERR | FULL | CANTOPEN => StoreError::Unavailable(text),
                _ => StoreError::Refused(text),
            }
        }
        PoolTimedOut => StoreError::Unavailable("all connections are busy".into()),
        PoolClosed => StoreError::Unavailable("it is closed".into()),
        WorkerCrashed => StoreError::Unavailable("a connection broke".into()),
        Io(e) => StoreError::Unavailable(e.kind().to_string()),
        ColumnDecode { index, .. } => StoreError::Refused(format!("column {index} holds an unexpected value")),
        _ => StoreError::Refused("the statement does not fit the tables".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_one_length_and_sort_as_text() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(instant(at("2026-11-24T15:00:00.999Z")), "2026-11-24T15:00:00Z");
        assert_eq!(instant_ms(at("2026-11-24T15:00:00Z")), "2026-11-24T15:00:00.000Z");
        assert_eq!(instant(at("2026-11-24T09:00:00-06:00")), "2026-11-24T15:00:00Z");
    }

    #[test]
    fn driver_errors_say_whether_to_try_again() {
        assert!(matches!(store_error(sqlx::Error::PoolTimedOut), StoreError::Unavailable(_)));
        assert!(matches!(store_error(sqlx::Error::RowNotFound), StoreError::Refused(_)));
    }
}
