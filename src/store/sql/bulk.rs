//! Writes a workshop for trials, many rows a statement.

use std::collections::HashMap;

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveTime, Utc};
use otto_actors::domain::{BookedTime, CustomerId, Money, Service, Shop, slots};
use otto_actors::ports::StoreError;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sqlx::QueryBuilder;

use super::dialect::{Connection, Db, store_error};
use crate::store::plausible::{self, Car, Person, Work};
use crate::store::rows::{BookedRow, search_name, small};
use crate::store::stamp::Stamp;
use crate::store::{SeedPlan, Seeded};

/// Rows of one statement: SQLite takes 32,766 values in one, PostgreSQL 65,535.
const ROWS: usize = 500;
/// Appointments in the past are looked for so far back.
const PAST_DAYS: u64 = 3_650;
/// How `appointments.booked_by` names these.
const BOOKED_BY: &str = "trial";

/// A vehicle on file with its owner.
type OnFile = (i64, i64);

/// Adds what is not there yet.
pub(super) async fn add(tx: &mut Connection, plan: &SeedPlan) -> Result<Seeded, StoreError> {
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let people: Vec<Person> = (0..plan.customers).map(|n| plausible::person(n, &mut rng, plan.today)).collect();
    let mut seeded = Seeded::default();
    let mut cars = Vec::new();
    for chunk in people.chunks(ROWS) {
        let ids = add_people(tx, chunk).await?;
        seeded.customers += ids.len();
        let with_id = chunk.iter().filter_map(|person| Some((*ids.get(&person.phone)?, person)));
        cars.extend(with_id.flat_map(|(id, person)| person.cars.iter().map(move |car| (id, car))));
    }
    let mut on_file = Vec::new();
    let mut works = Vec::new();
    for chunk in cars.chunks(ROWS) {
        let ids = add_cars(tx, chunk).await?;
        for (owner, car) in chunk {
            let Some(id) = ids.get(&car.vin) else { continue };
            on_file.push((*owner, *id));
            works.extend(car.works.iter().map(|work| (*id, work)));
        }
    }
    for chunk in works.chunks(ROWS) {
        add_works(tx, chunk).await?;
    }
    (seeded.vehicles, seeded.works) = (on_file.len(), works.len());
    let visits = visits(tx, plan, seeded.customers / 2, &on_file, &mut rng).await?;
    for chunk in visits.chunks(ROWS) {
        add_visits(tx, chunk).await?;
    }
    seeded.appointments = visits.len();
    Ok(seeded)
}

/// The rows that were added, by number.
async fn add_people(tx: &mut Connection, people: &[Person]) -> Result<HashMap<String, i64>, StoreError> {
    let mut sql = QueryBuilder::<Db>::new(
        "INSERT INTO customers (name, search_name, phone, email, birth_date, street, city, postal_code, \
         customer_since, kind, preferences, reminder_consent) ",
    );
    sql.push_values(people, |mut row, person| {
        row.push_bind(&person.name)
            .push_bind(search_name(&person.name))
            .push_bind(&person.phone)
            .push_bind(&person.email)
            .push_bind(person.birth_date)
            .push_bind(&person.street)
            .push_bind("Springfield")
            .push_bind(&person.postal_code)
            .push_bind(person.since)
            .push_bind(person.kind.as_str())
            .push_bind(person.preferences)
            .push_bind(person.reminder_consent);
    });
    sql.push(" ON CONFLICT (phone) DO NOTHING RETURNING phone, id");
    let rows: Vec<(String, i64)> = sql.build_query_as().fetch_all(tx).await.map_err(store_error)?;
    Ok(rows.into_iter().collect())
}

/// The rows that were added, by VIN.
async fn add_cars(tx: &mut Connection, cars: &[(i64, &Car)]) -> Result<HashMap<String, i64>, StoreError> {
    let mut sql = QueryBuilder::<Db>::new(
        "INSERT INTO vehicles (customer_id, vin, plate, year, make, model, trim, mileage, next_service_on) ",
    );
    sql.push_values(cars, |mut row, (owner, car)| {
        row.push_bind(*owner)
            .push_bind(&car.vin)
            .push_bind(&car.plate)
            .push_bind(car.year)
            .push_bind(car.make)
            .push_bind(car.model)
            .push_bind(car.trim)
            .push_bind(car.mileage)
            .push_bind(car.next_service_on);
    });
    sql.push(" ON CONFLICT (customer_id, vin) DO NOTHING RETURNING vin, id");
    let rows: Vec<(String, i64)> = sql.build_query_as().fetch_all(tx).await.map_err(store_error)?;
    Ok(rows.into_iter().collect())
}

async fn add_works(tx: &mut Connection, works: &[(i64, &Work)]) -> Result<(), StoreError> {
    let mut sql = QueryBuilder::<Db>::new(
        "INSERT INTO service_history (vehicle_id, done_on, mileage, work, parts, cost_cents, next_due_on) ",
    );
    sql.push_values(works, |mut row, (car, work)| {
        row.push_bind(*car)
            .push_bind(work.done_on)
            .push_bind(work.mileage)
            .push_bind(work.work)
            .push_bind(work.parts)
            .push_bind(work.cost.cents())
            .push_bind(work.done_on + Days::new(180));
    });
    sql.build().execute(tx).await.map(|_| ()).map_err(store_error)
}

/// An appointment of the trial.
struct Visit<'a> {
    customer: CustomerId,
    vehicle: i64,
    bay: i64,
    service: &'a Service,
    starts_at: DateTime<Utc>,
    status: &'static str,
    estimate: Money,
}

/// Half of them in the days that can be booked, the rest in the past, in free times only.
async fn visits<'a>(
    tx: &mut Connection,
    plan: &'a SeedPlan,
    count: usize,
    cars: &[OnFile],
    rng: &mut StdRng,
) -> Result<Vec<Visit<'a>>, StoreError> {
    let bays: Vec<i64> = sqlx::query_scalar("SELECT id FROM bays WHERE active ORDER BY id")
        .fetch_all(&mut *tx)
        .await
        .map_err(store_error)?;
    let sql = "SELECT bay_id, starts_at, ends_at FROM appointments WHERE status NOT IN ('cancelled', 'no_show')";
    let taken: Vec<BookedRow> = sqlx::query_as(sql).fetch_all(tx).await.map_err(store_error)?;
    let taken: Vec<BookedTime> = taken.into_iter().map(BookedTime::from).collect();
    let horizon = u64::from(plan.shop.booking_horizon_days);
    let coming = (1..=horizon).map(|days| plan.today + Days::new(days));
    let past = (1..=PAST_DAYS).map(|days| plan.today - Days::new(days));
    let mut visits = Vec::new();
    for (days, enough) in [(coming.collect::<Vec<_>>(), count / 2), (past.collect(), count)] {
        for date in days {
            for bay in &bays {
                if visits.len() < enough && !cars.is_empty() {
                    visits.extend(day(plan, date, *bay, &taken, cars, rng));
                }
            }
        }
    }
    visits.truncate(count);
    Ok(visits)
}

/// About every second time of a bay's day.
fn day<'a>(
    plan: &'a SeedPlan,
    date: NaiveDate,
    bay: i64,
    taken: &[BookedTime],
    cars: &[OnFile],
    rng: &mut StdRng,
) -> Vec<Visit<'a>> {
    let shop: &Shop = &plan.shop;
    let long_before = (date - Days::new(2)).and_time(NaiveTime::MIN).and_utc();
    let shortest = shop.services.iter().map(|s| s.minutes).min().unwrap_or_default();
    let mut free_from = long_before;
    let mut visits = Vec::new();
    for at in slots::free_on(shop, date, shortest, &[], 1, long_before) {
        let service = &shop.services[rng.random_range(0..shop.services.len())];
        let Ok(starts_at) = slots::check_start(shop, at, service.minutes, long_before) else { continue };
        let ends_at = starts_at + Duration::minutes(i64::from(service.minutes));
        let is_taken = taken.iter().any(|t| t.bay.0 == bay && t.starts_at < ends_at && starts_at < t.ends_at);
        if starts_at < free_from || is_taken || rng.random_ratio(1, 2) {
            continue;
        }
        free_from = ends_at;
        let (customer, vehicle) = cars[rng.random_range(0..cars.len())];
        let status = status(date > plan.today, rng);
        let whole = rng.random_range(service.price_from..=service.price_to);
        let estimate = Money::from_cents(i64::from(whole) * 100);
        visits.push(Visit { customer: CustomerId(customer), vehicle, bay, service, starts_at, status, estimate });
    }
    visits
}

fn status(coming: bool, rng: &mut StdRng) -> &'static str {
    match (coming, rng.random_range(0..20)) {
        (true, 0..6) => "confirmed",
        (true, _) => "scheduled",
        (false, 0) => "no_show",
        (false, 1) => "cancelled",
        (false, _) => "completed",
    }
}

async fn add_visits(tx: &mut Connection, visits: &[Visit<'_>]) -> Result<(), StoreError> {
    let mut sql = QueryBuilder::<Db>::new(
        "INSERT INTO appointments (customer_id, vehicle_id, service, starts_at, ends_at, minutes, bay_id, status, \
         estimate_cents, booked_by) ",
    );
    sql.push_values(visits, |mut row, visit| {
        let minutes = visit.service.minutes;
        row.push_bind(visit.customer.0)
            .push_bind(visit.vehicle)
            .push_bind(&visit.service.name)
            .push_bind(Stamp::new(visit.starts_at))
            .push_bind(Stamp::new(visit.starts_at + Duration::minutes(i64::from(minutes))))
            .push_bind(small(minutes))
            .push_bind(visit.bay)
            .push_bind(visit.status)
            .push_bind(visit.estimate.cents())
            .push_bind(BOOKED_BY);
    });
    sql.build().execute(tx).await.map(|_| ()).map_err(store_error)
}
