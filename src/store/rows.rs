//! Rows as both databases hold them, and their translation into the domain's types. SQL types stop here.

use chrono::NaiveDate;
use otto_actors::domain::{
    Appointment, AppointmentId, AppointmentStatus, Bay, BayId, BookedTime, CallSid, Customer, CustomerId, CustomerKind,
    Money, PhoneNumber, Reminder, ReminderId, ReminderKind, ReminderOutcome, ReminderStatus, ServiceRecord, Vehicle,
    VehicleId,
};
use otto_actors::ports::{NewMessage, StoreError, TakenMessage};
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};

use super::driver_error;
use super::stamp::Stamp;

/// A count as the databases hold it.
pub(super) fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A small count (minutes, attempts) as the databases hold it. What does not fit breaks a CHECK.
pub(super) fn small(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// What a search by name looks through, and for: the words in lower case, each after a space.
pub(super) fn search_name(name: &str) -> String {
    let word = |word: &str| word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let words = name.split(|c: char| c.is_whitespace() || c == '-').map(word).filter(|word: &String| !word.is_empty());
    words.map(|word| format!(" {word}")).collect()
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
    city: Option<String>,
    postal_code: Option<String>,
    customer_since: Option<NaiveDate>,
    kind: String,
    preferences: Option<String>,
    reminder_consent: Option<bool>,
    notes: Option<String>,
}

impl TryFrom<CustomerRow> for Customer {
    type Error = StoreError;

    fn try_from(row: CustomerRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: CustomerId(row.id),
            name: row.name,
            phone: PhoneNumber::from_e164(&row.phone).map_err(|_| unexpected("customers.phone", "E.164"))?,
            email: row.email,
            birth_date: row.birth_date,
            street: row.street,
            city: row.city,
            postal_code: row.postal_code,
            since: row.customer_since,
            kind: CustomerKind::parse(&row.kind).ok_or_else(|| unexpected("customers.kind", "a known kind"))?,
            preferences: row.preferences,
            reminder_consent: row.reminder_consent,
            notes: row.notes,
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
    trim: Option<String>,
    mileage: Option<i64>,
    next_service_on: Option<NaiveDate>,
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
            trim: row.trim,
            mileage: row.mileage,
            next_service_on: row.next_service_on,
        }
    }
}

#[derive(FromRow)]
pub(super) struct ServiceRow {
    vehicle_id: i64,
    done_on: NaiveDate,
    mileage: Option<i64>,
    work: String,
    parts: Option<String>,
    cost_cents: Option<i64>,
    next_due_on: Option<NaiveDate>,
}

impl From<ServiceRow> for ServiceRecord {
    fn from(row: ServiceRow) -> Self {
        Self {
            vehicle: VehicleId(row.vehicle_id),
            done_on: row.done_on,
            mileage: row.mileage,
            work: row.work,
            parts: row.parts,
            cost: row.cost_cents.map(Money::from_cents),
            next_due_on: row.next_due_on,
        }
    }
}

#[derive(FromRow)]
pub(super) struct AppointmentRow {
    id: i64,
    customer_id: i64,
    vehicle_id: Option<i64>,
    service: String,
    starts_at: Stamp,
    minutes: i32,
    bay_id: i64,
    status: String,
    concerns: Option<String>,
    estimate_cents: Option<i64>,
    booked_by: String,
    cancel_reason: Option<String>,
    version: i64,
}

impl TryFrom<AppointmentRow> for Appointment {
    type Error = StoreError;

    fn try_from(row: AppointmentRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: AppointmentId(row.id),
            customer: CustomerId(row.customer_id),
            vehicle: row.vehicle_id.map(VehicleId),
            service: row.service,
            starts_at: row.starts_at.utc(),
            minutes: u32::try_from(row.minutes).map_err(|_| unexpected("appointments.minutes", "minutes"))?,
            bay: BayId(row.bay_id),
            status: AppointmentStatus::parse(&row.status)
                .ok_or_else(|| unexpected("appointments.status", "a known status"))?,
            concerns: row.concerns,
            estimate: row.estimate_cents.map(Money::from_cents),
            booked_by: row.booked_by,
            cancel_reason: row.cancel_reason,
            version: row.version,
        })
    }
}

#[derive(FromRow)]
pub(super) struct ReminderRow {
    id: i64,
    kind: String,
    appointment_id: Option<i64>,
    customer_id: Option<i64>,
    phone: String,
    about: Option<String>,
    due_at: Stamp,
    until: Stamp,
    status: String,
    attempts: i32,
    failures: i32,
    next_at: Stamp,
    dialled_at: Option<Stamp>,
    call_sid: Option<String>,
    outcome: Option<String>,
    reason: Option<String>,
}

impl TryFrom<ReminderRow> for Reminder {
    type Error = StoreError;

    fn try_from(row: ReminderRow) -> Result<Self, StoreError> {
        let count = |count: i32| u32::try_from(count).map_err(|_| unexpected("reminders.attempts", "a count"));
        let call = row.call_sid.map(|call| CallSid::parse(&call)).transpose();
        let known = |word: String| ReminderOutcome::parse(&word).ok_or_else(|| unexpected("reminders.outcome", WORD));
        Ok(Self {
            id: ReminderId(row.id),
            kind: ReminderKind::parse(&row.kind).ok_or_else(|| unexpected("reminders.kind", WORD))?,
            appointment: row.appointment_id.map(AppointmentId),
            customer: row.customer_id.map(CustomerId),
            phone: PhoneNumber::from_e164(&row.phone).map_err(|_| unexpected("reminders.phone", "E.164"))?,
            about: row.about,
            due_at: row.due_at.utc(),
            until: row.until.utc(),
            status: ReminderStatus::parse(&row.status).ok_or_else(|| unexpected("reminders.status", WORD))?,
            attempts: count(row.attempts)?,
            failures: count(row.failures)?,
            next_at: row.next_at.utc(),
            dialled_at: row.dialled_at.map(Stamp::utc),
            call: call.map_err(|_| unexpected("reminders.call_sid", "a call's SID"))?,
            outcome: row.outcome.map(known).transpose()?,
            reason: row.reason,
        })
    }
}

/// A call to be placed, as far as it can be read: a row that cannot takes nothing from the others.
pub(super) struct ReadReminder {
    pub(super) id: ReminderId,
    pub(super) read: Result<Reminder, StoreError>,
}

impl<'r, R: Row> FromRow<'r, R> for ReadReminder
where
    ReminderRow: FromRow<'r, R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    &'static str: ColumnIndex<R>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let read = ReminderRow::from_row(row).map_err(driver_error).and_then(Reminder::try_from);
        Ok(Self { id: ReminderId(row.try_get("id")?), read })
    }
}

#[derive(FromRow)]
pub(super) struct MessageRow {
    created_at: Stamp,
    call_sid: String,
    caller: Option<String>,
    customer_id: Option<i64>,
    name: Option<String>,
    body: String,
}

impl TryFrom<MessageRow> for TakenMessage {
    type Error = StoreError;

    fn try_from(row: MessageRow) -> Result<Self, StoreError> {
        let caller = row.caller.map(|number| PhoneNumber::from_e164(&number)).transpose();
        let message = NewMessage {
            caller: caller.map_err(|_| unexpected("messages.caller", "E.164"))?,
            customer: row.customer_id.map(CustomerId),
            name: row.name,
            text: row.body,
        };
        let call = CallSid::parse(&row.call_sid).map_err(|_| unexpected("messages.call_sid", "a call's SID"))?;
        Ok(Self { at: row.created_at.utc(), call, message })
    }
}

/// What is expected of a column that holds words.
const WORD: &str = "a word that this version knows";

#[derive(FromRow)]
pub(super) struct BookedRow {
    bay_id: i64,
    starts_at: Stamp,
    ends_at: Stamp,
}

impl From<BookedRow> for BookedTime {
    fn from(row: BookedRow) -> Self {
        Self { bay: BayId(row.bay_id), starts_at: row.starts_at.utc(), ends_at: row.ends_at.utc() }
    }
}

#[derive(FromRow)]
pub(super) struct BayRow {
    id: i64,
    name: String,
    calendar_id: Option<String>,
}

impl From<BayRow> for Bay {
    fn from(row: BayRow) -> Self {
        Self { id: BayId(row.id), name: row.name, calendar: row.calendar_id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_searched_by_their_words() {
        assert_eq!(search_name("Peter  O'Brien-Smith"), " peter obrien smith");
        assert_eq!(search_name("JOSÉ 100% _"), " josé 100");
        assert_eq!(search_name(" - ."), "");
    }
}
