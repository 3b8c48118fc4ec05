//! A small workshop for demonstrations: invented people with fictional numbers (555-01xx), so that a first start has
//! somebody to call.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeZone as _, Utc, Weekday};
use chrono_tz::Tz;
use otto_actors::domain::{CustomerId, NewAppointment, VehicleId};
use otto_actors::ports::StoreError;
use sqlx::SqliteConnection;

use super::SqliteStore;
use super::booking::{free_bay, insert_appointment};
use super::rows::{instant, store_error};

/// Marks rows of the demonstration in `appointments.booked_by`.
const BOOKED_BY: &str = "demo";

struct Person {
    name: &'static str,
    phone: &'static str,
    email: Option<&'static str>,
    birth_date: Option<&'static str>,
    street: &'static str,
    postal_code: &'static str,
    since: &'static str,
    kind: &'static str,
    preferences: Option<&'static str>,
    cars: &'static [Car],
    visit: Option<Visit>,
}

struct Car {
    vin: &'static str,
    plate: &'static str,
    year: i32,
    make: &'static str,
    model: &'static str,
    trim: Option<&'static str>,
    mileage: i64,
    done: &'static [Work],
}

/// Work that was done that many days ago, at that mileage, for that price.
struct Work(u64, i64, &'static str, Option<&'static str>, &'static str);

/// An appointment on the n-th working day from today, at that hour and minute, of the first car.
struct Visit(u32, u32, u32, &'static str, u32);

const PEOPLE: &[Person] = &[
    Person {
        name: "Maria Lopez",
        phone: "+15555550101",
        email: Some("maria.lopez@example.com"),
        birth_date: Some("1985-04-12"),
        street: "12 Oak Street",
        postal_code: "62701",
        since: "2019-03-04",
        kind: "private",
        preferences: Some("Prefers mornings"),
        cars: &[Car {
            vin: "1HGCM82633A004352",
            plate: "AB 1234",
            year: 2003,
            make: "Honda",
            model: "Accord",
            trim: Some("EX"),
            mileage: 148_200,
            done: &[
                Work(170, 145_100, "Oil change", Some("Oil filter, 4 l of 5W-20"), "64.90"),
                Work(400, 139_800, "Brake service", Some("Front pads and discs"), "389.00"),
            ],
        }],
        visit: Some(Visit(2, 9, 0, "Oil change", 30)),
    },
    Person {
        name: "James Carter",
        phone: "+15555550102",
        email: Some("james.carter@example.com"),
        birth_date: Some("1972-09-30"),
        street: "48 Maple Avenue",
        postal_code: "62702",
        since: "2016-11-21",
        kind: "private",
        preferences: None,
        cars: &[
            Car {
                vin: "1FTFW1ET5DFC10312",
                plate: "JC 4821",
                year: 2013,
                make: "Ford",
                model: "F-150",
                trim: Some("XLT"),
                mileage: 96_400,
                done: &[Work(95, 93_000, "Tire rotation", None, "39.95")],
            },
            Car {
                vin: "5YJ3E1EA7KF317000",
                plate: "EV 77",
                year: 2019,
                make: "Tesla",
                model: "Model 3",
                trim: None,
                mileage: 41_050,
                done: &[],
            },
        ],
        visit: Some(Visit(3, 13, 30, "Brake inspection", 60)),
    },
    Person {
        name: "Aisha Khan",
        phone: "+15555550103",
        email: None,
        birth_date: Some("1991-01-17"),
        street: "7 Birch Lane",
        postal_code: "62703",
        since: "2023-06-15",
        kind: "private",
        preferences: Some("Waits in the shop"),
        cars: &[Car {
            vin: "4T1BF1FK5CU618749",
            plate: "AK 909",
            year: 2012,
            make: "Toyota",
            model: "Camry",
            trim: Some("LE"),
            mileage: 118_730,
            done: &[Work(210, 112_000, "Battery replacement", Some("Battery, 60 Ah"), "189.50")],
        }],
        visit: None,
    },
    Person {
        name: "Robert Miller",
        phone: "+15555550104",
        email: Some("office@miller-plumbing.example"),
        birth_date: None,
        street: "230 Industrial Road",
        postal_code: "62704",
        since: "2014-02-03",
        kind: "business",
        preferences: Some("Invoices by e-mail"),
        cars: &[Car {
            vin: "1FTBR1Y83LKA12345",
            plate: "MP 100",
            year: 2020,
            make: "Ford",
            model: "Transit",
            trim: None,
            mileage: 71_900,
            done: &[Work(60, 69_300, "Engine diagnostics", None, "120.00")],
        }],
        visit: Some(Visit(4, 15, 0, "State inspection", 60)),
    },
    Person {
        name: "Linh Nguyen",
        phone: "+15555550105",
        email: Some("linh.nguyen@example.com"),
        birth_date: Some("1999-12-08"),
        street: "5 Elm Court",
        postal_code: "62701",
        since: "2025-09-01",
        kind: "private",
        preferences: None,
        cars: &[],
        visit: None,
    },
    Person {
        name: "Peter O'Brien",
        phone: "+15555550106",
        email: None,
        birth_date: Some("1958-07-22"),
        street: "91 Cedar Drive",
        postal_code: "62705",
        since: "2012-05-30",
        kind: "private",
        preferences: Some("Please call, no messages"),
        cars: &[Car {
            vin: "JF1GPAA61F8246813",
            plate: "OBR 5",
            year: 2015,
            make: "Subaru",
            model: "Impreza",
            trim: None,
            mileage: 83_310,
            done: &[Work(330, 77_450, "Oil change", Some("Oil filter, 5 l of 0W-20"), "72.40")],
        }],
        visit: None,
    },
];

impl SqliteStore {
    /// Adds the demonstration's customers, vehicles, history, and appointments in the days after `today` (a date in
    /// `zone`). What is there already stays; where the time is taken, the appointment is left out.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn seed_demo(&self, today: NaiveDate, zone: Tz) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for person in PEOPLE {
            let customer = add_person(&mut tx, person).await?;
            let mut cars = Vec::new();
            for car in person.cars {
                cars.push(add_car(&mut tx, customer, car, today).await?);
            }
            if let Some(visit) = &person.visit {
                add_visit(&mut tx, customer, cars.first().copied(), visit, today, zone).await?;
            }
        }
        tx.commit().await.map_err(store_error)
    }
}

async fn add_person(tx: &mut SqliteConnection, person: &Person) -> Result<CustomerId, StoreError> {
    let sql = "INSERT INTO customers (name, phone, email, birth_date, street, city, postal_code, customer_since, kind, \
               preferences, reminder_consent) VALUES (?1, ?2, ?3, ?4, ?5, 'Springfield', ?6, ?7, ?8, ?9, 1) \
               ON CONFLICT (phone) DO NOTHING";
    sqlx::query(sql)
        .bind(person.name)
        .bind(person.phone)
        .bind(person.email)
        .bind(person.birth_date)
        .bind(person.street)
        .bind(person.postal_code)
        .bind(person.since)
        .bind(person.kind)
        .bind(person.preferences)
        .execute(&mut *tx)
        .await
        .map_err(store_error)?;
    let sql = "SELECT id FROM customers WHERE phone = ?1";
    sqlx::query_scalar(sql).bind(person.phone).fetch_one(tx).await.map(CustomerId).map_err(store_error)
}

async fn add_car(
    tx: &mut SqliteConnection,
    customer: CustomerId,
    car: &Car,
    today: NaiveDate,
) -> Result<VehicleId, StoreError> {
    let sql = "INSERT INTO vehicles (customer_id, vin, plate, year, make, model, trim, mileage, next_service_on) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (customer_id, vin) DO NOTHING RETURNING id";
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
    let sql = "SELECT id FROM vehicles WHERE customer_id = ?1 AND vin = ?2";
    sqlx::query_scalar(sql).bind(customer.0).bind(car.vin).fetch_one(tx).await.map(VehicleId).map_err(store_error)
}

async fn add_history(tx: &mut SqliteConnection, car: i64, done: &[Work], today: NaiveDate) -> Result<(), StoreError> {
    let sql = "INSERT INTO service_history (vehicle_id, done_on, mileage, work, parts, cost, next_due_on) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    for Work(days_ago, mileage, work, parts, cost) in done {
        let done_on = today - Days::new(*days_ago);
        sqlx::query(sql)
            .bind(car)
            .bind(done_on)
            .bind(mileage)
            .bind(work)
            .bind(parts)
            .bind(cost)
            .bind(done_on + Days::new(180))
            .execute(&mut *tx)
            .await
            .map_err(store_error)?;
    }
    Ok(())
}

async fn add_visit(
    tx: &mut SqliteConnection,
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
    let bay = match free_bay(tx, starts_at, minutes).await {
        Err(StoreError::JustTaken) => return Ok(()),
        found => found?,
    };
    let service = service.to_owned();
    let new = NewAppointment { customer, vehicle, service, starts_at, minutes, concerns: None, booked_by: BOOKED_BY };
    insert_appointment(tx, &new, bay, None).await.map(|_| ())
}

async fn has_demo_visit(
    tx: &mut SqliteConnection,
    customer: CustomerId,
    today: NaiveDate,
    zone: Tz,
) -> Result<bool, StoreError> {
    let sql =
        "SELECT EXISTS (SELECT 1 FROM appointments WHERE customer_id = ?1 AND booked_by = ?2 AND starts_at >= ?3)";
    let from = local(today, 0, 0, zone).unwrap_or_else(|| today.and_time(NaiveTime::MIN).and_utc());
    sqlx::query_scalar(sql)
        .bind(customer.0)
        .bind(BOOKED_BY)
        .bind(instant(from))
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
