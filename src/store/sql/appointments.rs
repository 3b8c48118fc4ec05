//! Appointments: booking, moving, confirming, calling off. Each change writes its orders to the calendar with it.

use chrono::{DateTime, Duration, Utc};
use otto_actors::domain::{
    Appointment, AppointmentId, AppointmentStatus, BayId, Customer, CustomerId, NewAppointment, VehicleId,
};
use otto_actors::effects::EffectId;
use otto_actors::ports::{
    AppointmentChange, AppointmentStep, Booking, BookingCustomer, CalendarOrder, Order, StoreError, TextKind,
};

use super::dialect::{self, Connection, store_error};
use super::{bays, customers, outbox, texts};
use crate::store::rows::{AppointmentRow, small};
use crate::store::stamp::Stamp;

/// An appointment that is not there yet, where one is left out of a search.
const NONE: AppointmentId = AppointmentId(0);

/// Books the first free bay.
pub(super) async fn book(
    tx: &mut Connection,
    effect: &EffectId,
    booking: Booking,
) -> Result<(Appointment, Customer), StoreError> {
    // A look before the lock: most of those who come too late wait for nobody.
    free_bay(tx, booking.appointment.starts_at, booking.appointment.minutes, &booking.avoid).await?;
    let customer = match booking.customer {
        BookingCustomer::OnFile(id) => customers::by_id(tx, id).await?,
        BookingCustomer::New(new) => customers::find_or_add(tx, &new).await?,
    };
    let mut wanted = NewAppointment { customer: customer.id, ..booking.appointment };
    wanted.vehicle = vehicle_for(tx, customer.id, wanted.vehicle).await?;
    dialect::lock_bays(tx).await?;
    let bay = free_bay(tx, wanted.starts_at, wanted.minutes, &booking.avoid).await?;
    let appointment = insert(tx, &wanted, bay, Some(effect.call.as_str())).await?;
    write_orders(tx, &appointment, bay).await?;
    if booking.text {
        texts::order(tx, TextKind::Booked, &appointment).await?;
    }
    Ok((appointment, customer))
}

/// Changes an appointment of that customer that may still be changed.
pub(super) async fn change(
    tx: &mut Connection,
    change: AppointmentChange,
) -> Result<(Appointment, Customer), StoreError> {
    if matches!(change.step, AppointmentStep::Move { .. }) {
        // Before the appointment itself, as a booking does: nobody waits for the other in a circle.
        dialect::lock_bays(tx).await?;
    }
    let before = locked(tx, change.appointment, change.customer).await?;
    if !before.status.is_open() {
        return Err(StoreError::NotOpen(before.status));
    }
    let old_bay = before.bay;
    let text = change.step.text().filter(|_| change.text);
    let wanted = match change.step {
        AppointmentStep::Confirm => Appointment { status: AppointmentStatus::Confirmed, ..before },
        AppointmentStep::Cancel { reason } => {
            Appointment { status: AppointmentStatus::Cancelled, cancel_reason: reason, ..before }
        }
        AppointmentStep::Move { starts_at, avoid } => {
            let (but_for, preferred) = (before.id, before.bay);
            let bay = free_bay_for(tx, (starts_at, before.minutes), &avoid, but_for, preferred).await?;
            Appointment { status: AppointmentStatus::Scheduled, starts_at, bay, ..before }
        }
    };
    let after = update(tx, &wanted).await?;
    write_orders(tx, &after, old_bay).await?;
    if let Some(about) = text {
        texts::order(tx, about, &after).await?;
    }
    let customer = customers::by_id(tx, after.customer).await?;
    Ok((after, customer))
}

/// What must follow in the calendar from a change of an appointment. Without a calendar nobody would ever deliver it: one
/// that comes later gets its orders then ([`renew`]).
pub(super) async fn write_orders(tx: &mut Connection, after: &Appointment, old_bay: BayId) -> Result<(), StoreError> {
    if !bays::have_calendars(tx).await? {
        return Ok(());
    }
    let cancelled = after.status == AppointmentStatus::Cancelled;
    if cancelled || after.bay != old_bay {
        outbox::insert(tx, &Order::CalendarDelete(order(after, old_bay))).await?;
    }
    if !cancelled {
        outbox::insert(tx, &Order::CalendarUpsert(order(after, after.bay))).await?;
    }
    Ok(())
}

/// Makes a bay's calendar show what is on file and not over yet, also that it is called off. A new version of each
/// appointment makes what any calendar has had of it out of date.
pub(super) async fn renew(tx: &mut Connection, bay: BayId, now: DateTime<Utc>) -> Result<(), StoreError> {
    dialect::lock_bays(tx).await?;
    let sql = concat!(
        "SELECT ",
        appointment_columns!(),
        " FROM appointments WHERE bay_id = $1 AND ends_at > $2 ORDER BY id",
        for_update!()
    );
    let rows: Vec<AppointmentRow> =
        sqlx::query_as(sql).bind(bay.0).bind(Stamp::new(now)).fetch_all(&mut *tx).await.map_err(store_error)?;
    for row in rows {
        let after = update(tx, &row.try_into()?).await?;
        write_orders(tx, &after, bay).await?;
    }
    Ok(())
}

fn order(about: &Appointment, bay: BayId) -> CalendarOrder {
    CalendarOrder { appointment: about.id, bay, version: about.version }
}

/// The appointment, which nobody else changes before this transaction ends.
async fn locked(tx: &mut Connection, id: AppointmentId, customer: CustomerId) -> Result<Appointment, StoreError> {
    let sql = concat!(
        "SELECT ",
        appointment_columns!(),
        " FROM appointments WHERE id = $1 AND customer_id = $2",
        for_update!()
    );
    let row: Option<AppointmentRow> =
        sqlx::query_as(sql).bind(id.0).bind(customer.0).fetch_optional(tx).await.map_err(store_error)?;
    row.ok_or(StoreError::NotFound("appointment"))?.try_into()
}

pub(super) async fn update(tx: &mut Connection, wanted: &Appointment) -> Result<Appointment, StoreError> {
    let sql = concat!(
        "UPDATE appointments SET status = $2, starts_at = $3, ends_at = $4, minutes = $8, bay_id = $5, \
         cancel_reason = $6, version = version + 1, updated_at = $7 WHERE id = $1 RETURNING ",
        appointment_columns!()
    );
    let row: AppointmentRow = sqlx::query_as(sql)
        .bind(wanted.id.0)
        .bind(wanted.status.as_str())
        .bind(Stamp::new(wanted.starts_at))
        .bind(Stamp::new(wanted.ends_at()))
        .bind(wanted.bay.0)
        .bind(&wanted.cancel_reason)
        .bind(Stamp::new(Utc::now()))
        .bind(small(wanted.minutes))
        .fetch_one(tx)
        .await
        .map_err(store_error)?;
    row.try_into()
}

/// The vehicle, which must be the customer's; where none is named, the only one there is.
async fn vehicle_for(
    tx: &mut Connection,
    customer: CustomerId,
    named: Option<VehicleId>,
) -> Result<Option<VehicleId>, StoreError> {
    let sql = "SELECT id FROM vehicles WHERE customer_id = $1 ORDER BY id";
    let own: Vec<i64> = sqlx::query_scalar(sql).bind(customer.0).fetch_all(tx).await.map_err(store_error)?;
    match (named, own.as_slice()) {
        (Some(vehicle), own) if own.contains(&vehicle.0) => Ok(Some(vehicle)),
        (Some(_), _) => Err(StoreError::NotFound("vehicle")),
        (None, [only]) => Ok(Some(VehicleId(*only))),
        (None, _) => Ok(None),
    }
}

/// The first bay, by age, that is free from `starts_at` for that long and not to be avoided.
pub(super) async fn free_bay(
    tx: &mut Connection,
    starts_at: DateTime<Utc>,
    long: u32,
    avoid: &[BayId],
) -> Result<BayId, StoreError> {
    free_bay_for(tx, (starts_at, long), avoid, NONE, BayId(0)).await
}

/// The preferred bay or else the first, by age, that is free but for that appointment and not to be avoided.
async fn free_bay_for(
    tx: &mut Connection,
    (starts_at, long): (DateTime<Utc>, u32),
    avoid: &[BayId],
    but_for: AppointmentId,
    preferred: BayId,
) -> Result<BayId, StoreError> {
    let sql = "SELECT id FROM bays WHERE active AND NOT EXISTS (\
                   SELECT 1 FROM appointments AS a WHERE a.bay_id = bays.id AND a.id <> $3 \
                   AND a.status NOT IN ('cancelled', 'no_show') AND a.starts_at < $2 AND a.ends_at > $1) \
               ORDER BY (id = $4) DESC, id";
    let free: Vec<i64> = sqlx::query_scalar(sql)
        .bind(Stamp::new(starts_at))
        .bind(Stamp::new(end_of(starts_at, long)))
        .bind(but_for.0)
        .bind(preferred.0)
        .fetch_all(tx)
        .await
        .map_err(store_error)?;
    free.into_iter().map(BayId).find(|bay| !avoid.contains(bay)).ok_or(StoreError::JustTaken)
}

fn end_of(starts_at: DateTime<Utc>, long: u32) -> DateTime<Utc> {
    starts_at + Duration::minutes(i64::from(long))
}

/// Adds an appointment. The table itself refuses one that overlaps, whatever was found to be free before.
pub(super) async fn insert(
    tx: &mut Connection,
    new: &NewAppointment,
    bay: BayId,
    call: Option<&str>,
) -> Result<Appointment, StoreError> {
    let sql = concat!(
        "INSERT INTO appointments (customer_id, vehicle_id, service, starts_at, ends_at, minutes, bay_id, concerns, \
         estimate_cents, booked_by, call_sid) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING ",
        appointment_columns!()
    );
    let row: AppointmentRow = sqlx::query_as(sql)
        .bind(new.customer.0)
        .bind(new.vehicle.map(|v| v.0))
        .bind(&new.service)
        .bind(Stamp::new(new.starts_at))
        .bind(Stamp::new(end_of(new.starts_at, new.minutes)))
        .bind(small(new.minutes))
        .bind(bay.0)
        .bind(&new.concerns)
        .bind(new.estimate.map(|estimate| estimate.cents()))
        .bind(new.booked_by)
        .bind(call)
        .fetch_one(tx)
        .await
        .map_err(store_error)?;
    row.try_into()
}
