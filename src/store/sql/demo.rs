//! Writes the small workshop of the demonstration.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeZone as _, Utc, Weekday};
use chrono_tz::Tz;
use otto_actors::domain::{CustomerId, Money, NewAppointment, VehicleId};
use otto_actors::ports::StoreError;

use super::appointments::{free_bay, insert};
use super::dialect::{Connection, store_error};
use crate::store::people::{Car, PEOPLE, Person, Visit, Work};
use crate::store::rows::search_name;
use crate::store::stamp::Stamp;

/// Marks rows of the demonstration in `appointments.booked_by`.
const BOOKED_BY: &str = "demo";

/// Adds the people, their vehicles, what was done on them and when they come.
pub(super) async fn add(tx: &mut Connection, today: NaiveDate, zone: Tz) -> Result<(), StoreError> {
    for person in PEOPLE {
        let customer = add_person(tx, person).await?;
        let mut cars = Vec::new();
        for car in person.cars {
            cars.push(add_car(tx, customer, car, today).await?);
        }
        if let Some(visit) = &person.visit {
            add_visit(tx, customer, cars.first().copied(), visit, today, zone).await?;
        }
    }
    Ok(())
}

/// A date as it stands in the list of people.
fn date(text: &str) -> Option<NaiveDate> {
    text.parse().ok()
}

async fn add_person(tx: &mut Connection, person: &Person) -> Result<CustomerId, StoreError> {
    let sql = "INSERT INTO customers (name, phone, email, birth_date, street, city, postal_code, customer_since, kind, \
               preferences, reminder_consent, search_name) \
               VALUES ($1, $2, $3, $4, $5, 'Springfield', $6, $7, $8, $9, TRUE, $10) \
               ON CONFLICT (phone) DO NOTHING";
    sqlx::query(sql)
        .bind(person.name)
        .bind(person.phone)
        .bind(person.email)
        .bind(person.birth_date.and_then(date))
        .bind(person.street)
        .bind(person.postal_code)
        .bind(date(person.since))
        .bind(person.kind)
        .bind(person.preferences)
        .bind(search_name(person.name))
        .execute(&mut *tx)
        .await
        .map_err(store_error)?;
    let sql = "SELECT id FROM customers WHERE phone = $1";
    sqlx::query_scalar(sql).bind(person.phone).fetch_one(tx).await.map(CustomerId).map_err(store_error)
}

async fn add_car(
    tx: &mut Connection,
    customer: CustomerId,
    car: &Car,
    today: NaiveDate,
) -> Result<VehicleId, StoreError> {
    let sql = "INSERT INTO vehicles (customer_id, vin, plate, year, make, model, trim, mileage, next_service_on) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (customer_id, vin) DO NOTHING RETURNING id";
    let added: Option<i64> = sqlx::query_scalar(sql)
        .bind(customer.0)
        .bind(car.vin)
        .bind(car.plate)
        .bind(car.year)
        .bind(car.make)
        .bind(car.model)
        .bind(car.trim)
        .bind(car.mileage)
        .bind(today + Days::new(30))
        .fetch_optional(&mut *tx)
        .await
        .map_err(store_error)?;
    if let Some(id) = added {
        add_history(tx, id, car.done, today).await?;
        return Ok(VehicleId(id));
    }
    let sql = "SELECT id FROM vehicles WHERE customer_id = $1 AND vin = $2";
    sqlx::query_scalar(sql).bind(customer.0).bind(car.vin).fetch_one(tx).await.map(VehicleId).map_err(store_error)
}

async fn add_history(tx: &mut Connection, car: i64, done: &[Work], today: NaiveDate) -> Result<(), StoreError> {
    let sql = "INSERT INTO service_history (vehicle_id, done_on, mileage, work, parts, cost_cents, next_due_on) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    for Work(days_ago, mileage, work, parts, cost) in done {
        let done_on = today - Days::new(*days_ago);
        sqlx::query(sql)
            .bind(car)
            .bind(done_on)
            .bind(mileage)
            .bind(work)
            .bind(parts)
            .bind(Money::parse(cost).ok().map(Money::cents))
            .bind(done_on + Days::new(180))
            .execute(&mut *tx)
            .await
            .map_err(store_error)?;
    }
    Ok(())
}

async fn add_visit(
    tx: &mut Connection,
    customer: CustomerId,
    vehicle: Option<VehicleId>,
    visit: &Visit,
    today: NaiveDate,
    zone: Tz,
) -> Result<(), StoreError> {
    let Visit(working_days, hour, minute, service, minutes) = *visit;
    let date = working_day(today, working_days);
    let Some(starts_at) = local(date, hour, minute, zone) else { return Ok(()) };
    if has_demo_visit(tx, customer, today, zone).await? {
        return Ok(());
    }
    let bay = match free_bay(tx, starts_at, minutes, &[]).await {
        Err(StoreError::JustTaken) => return Ok(()),
        found => found?,
    };
    let service = service.to_owned();
    let new = NewAppointment {
        customer,
        vehicle,
        service,
        starts_at,
        minutes,
        concerns: None,
        estimate: None,
        booked_by: BOOKED_BY,
    };
    insert(tx, &new, bay, None).await.map(|_| ())
}

async fn has_demo_visit(
    tx: &mut Connection,
    customer: CustomerId,
    today: NaiveDate,
    zone: Tz,
) -> Result<bool, StoreError> {
    let sql =
        "SELECT EXISTS (SELECT 1 FROM appointments WHERE customer_id = $1 AND booked_by = $2 AND starts_at >= $3)";
    let from = local(today, 0, 0, zone).unwrap_or_else(|| today.and_time(NaiveTime::MIN).and_utc());
    sqlx::query_scalar(sql)
        .bind(customer.0)
        .bind(BOOKED_BY)
        .bind(Stamp::new(from))
        .fetch_one(tx)
        .await
        .map_err(store_error)
}

/// The n-th day from Monday to Friday after `today`.
fn working_day(today: NaiveDate, n: u32) -> NaiveDate {
    let working = |date: &NaiveDate| !matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
    today.iter_days().skip(1).filter(working).nth(n.saturating_sub(1) as usize).unwrap_or(today)
}

fn local(date: NaiveDate, hour: u32, minute: u32, zone: Tz) -> Option<DateTime<Utc>> {
    let at = date.and_hms_opt(hour, minute, 0)?;
    zone.from_local_datetime(&at).earliest().map(|at| at.with_timezone(&Utc))
}
