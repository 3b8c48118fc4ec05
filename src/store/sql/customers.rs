//! Putting customers, vehicles and messages on file.

use chrono::Utc;
use otto_actors::domain::{Customer, CustomerFacts, CustomerId, NewCustomer, NewVehicle, PhoneNumber, Vehicle, Vin};
use otto_actors::effects::EffectId;
use otto_actors::ports::{NewMessage, StoreError};

use super::dialect::{Connection, store_error};
use super::opt_outs;
use crate::store::rows::{CustomerRow, VehicleRow, search_name};
use crate::store::stamp::Stamp;

pub(super) async fn by_id(tx: &mut Connection, id: CustomerId) -> Result<Customer, StoreError> {
    let sql = concat!("SELECT ", customer_columns!(), " FROM customers WHERE id = $1");
    let row: Option<CustomerRow> = sqlx::query_as(sql).bind(id.0).fetch_optional(tx).await.map_err(store_error)?;
    row.ok_or(StoreError::NotFound("customer"))?.try_into()
}

/// Puts a customer on file, or finds the one with that number: two calls of one new customer make one row.
pub(super) async fn find_or_add(tx: &mut Connection, new: &NewCustomer) -> Result<Customer, StoreError> {
    let sql = "INSERT INTO customers (name, search_name, phone, customer_since) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (phone) DO NOTHING";
    sqlx::query(sql)
        .bind(new.name.trim())
        .bind(search_name(&new.name))
        .bind(new.phone.as_e164())
        .bind(new.since)
        .execute(&mut *tx)
        .await
        .map_err(store_error)?;
    let sql = concat!("SELECT ", customer_columns!(), " FROM customers WHERE phone = $1");
    let row: CustomerRow = sqlx::query_as(sql).bind(new.phone.as_e164()).fetch_one(tx).await.map_err(store_error)?;
    row.try_into()
}

/// Puts a customer on file whose number is not there yet.
pub(super) async fn create(
    tx: &mut Connection,
    new: &NewCustomer,
    facts: &CustomerFacts,
) -> Result<Customer, StoreError> {
    let sql = "INSERT INTO customers (name, phone, customer_since) VALUES ($1, $2, $3) RETURNING id";
    let id: i64 = sqlx::query_scalar(sql)
        .bind(new.name.trim())
        .bind(new.phone.as_e164())
        .bind(new.since)
        .fetch_one(&mut *tx)
        .await
        .map_err(store_error)?;
    let facts = CustomerFacts { name: facts.name.clone().or_else(|| Some(new.name.clone())), ..facts.clone() };
    update(tx, CustomerId(id), &facts, Some(&new.phone)).await
}

/// Writes the facts that are there, as a caller from that number says them.
pub(super) async fn update(
    tx: &mut Connection,
    customer: CustomerId,
    facts: &CustomerFacts,
    caller: Option<&PhoneNumber>,
) -> Result<Customer, StoreError> {
    let sql = concat!(
        "UPDATE customers SET name = coalesce($2, name), search_name = coalesce($3, search_name), \
         phone = coalesce($4, phone), email = coalesce($5, email), birth_date = coalesce($6, birth_date), \
         street = coalesce($7, street), city = coalesce($8, city), postal_code = coalesce($9, postal_code), \
         kind = coalesce($10, kind), preferences = coalesce($11, preferences), \
         reminder_consent = coalesce($12, reminder_consent), notes = coalesce($13, notes), updated_at = $14 \
         WHERE id = $1 RETURNING ",
        customer_columns!()
    );
    let row: Option<CustomerRow> = sqlx::query_as(sql)
        .bind(customer.0)
        .bind(facts.name.as_deref().map(str::trim))
        .bind(facts.name.as_deref().map(search_name))
        .bind(facts.phone.as_ref().map(|phone| phone.as_e164()))
        .bind(&facts.email)
        .bind(facts.birth_date)
        .bind(&facts.street)
        .bind(&facts.city)
        .bind(&facts.postal_code)
        .bind(facts.kind.map(|kind| kind.as_str()))
        .bind(&facts.preferences)
        .bind(facts.reminder_consent)
        .bind(&facts.notes)
        .bind(Stamp::new(Utc::now()))
        .fetch_optional(&mut *tx)
        .await
        .map_err(store_error)?;
    let customer: Customer = row.ok_or(StoreError::NotFound("customer"))?.try_into()?;
    if facts.reminder_consent == Some(true) {
        opt_outs::lift(tx, &customer.phone, caller).await?;
    }
    Ok(customer)
}

pub(super) async fn add_vehicle(
    tx: &mut Connection,
    customer: CustomerId,
    new: &NewVehicle,
) -> Result<Vehicle, StoreError> {
    by_id(tx, customer).await?;
    let sql = concat!(
        "INSERT INTO vehicles (customer_id, vin, plate, year, make, model, trim, mileage) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ",
        vehicle_columns!()
    );
    let row: VehicleRow = sqlx::query_as(sql)
        .bind(customer.0)
        .bind(new.vin.as_ref().map(Vin::as_str))
        .bind(&new.plate)
        .bind(new.year)
        .bind(&new.make)
        .bind(&new.model)
        .bind(&new.trim)
        .bind(new.mileage)
        .fetch_one(tx)
        .await
        .map_err(store_error)?;
    Ok(row.into())
}

pub(super) async fn take_message(
    tx: &mut Connection,
    effect: &EffectId,
    message: &NewMessage,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO messages (call_sid, caller, customer_id, name, body) VALUES ($1, $2, $3, $4, $5)")
        .bind(effect.call.as_str())
        .bind(message.caller.as_ref().map(|caller| caller.as_e164()))
        .bind(message.customer.map(|id| id.0))
        .bind(&message.name)
        .bind(message.text.trim())
        .execute(tx)
        .await
        .map(|_| ())
        .map_err(store_error)
}
