//! The calendar outside and the records: what a waiting order means now, how far each calendar has been read, and what a
//! change in it does to an appointment.

use chrono::{DateTime, Utc};
use otto_actors::domain::{Appointment, AppointmentId, AppointmentStatus, BayId};
use otto_actors::ports::{
    Applied, CalendarChange, CalendarEvent, CalendarJob, CalendarOrder, CalendarRow, CalendarWork, Claim, EventNow,
    Order, OutboxRow, Settled, StoreError, Tell, TextKind,
};
use sqlx::FromRow;

use super::dialect::{self, Connection, store_error};
use super::outbox::Held;
use super::{appointments, outbox, texts};
use crate::store::rows::AppointmentRow;
use crate::store::stamp::Stamp;

/// What claims of this process are named. The number of attempts tells them from those of others with the same name.
fn worker() -> String {
    format!("calendar {}", std::process::id())
}

/// Claims orders and says what the calendar must become. An appointment's state is read here and not taken from the
/// order: so the calendar never goes back, in whatever order and however often orders are carried out.
pub(super) async fn claim(
    tx: &mut Connection,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<CalendarJob>, StoreError> {
    let (worker, lease) = (worker(), (lease_until - now).to_std().unwrap_or_default());
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let claim = Claim { kind: "calendar", worker: &worker, limit, lease, now };
    let mut jobs = Vec::new();
    for row in outbox::claim_due(tx, &claim).await? {
        // No other order has a kind that begins like this.
        let (Order::CalendarUpsert(about) | Order::CalendarDelete(about)) = row.order else { continue };
        jobs.push(job(tx, &row, about, now).await?);
    }
    Ok(jobs)
}

async fn job(
    tx: &mut Connection,
    row: &OutboxRow,
    about: CalendarOrder,
    now: DateTime<Utc>,
) -> Result<CalendarJob, StoreError> {
    let (version, work) = match planned(tx, about.appointment).await? {
        Some(event) if event.ends_at.utc() <= now => (event.version, CalendarWork::Leave),
        Some(event) => (event.version, CalendarWork::Put(Box::new(event.into()))),
        None => (about.version, CalendarWork::Remove),
    };
    let (row, attempts) = (CalendarRow(row.id.0), row.attempts.saturating_sub(1));
    Ok(CalendarJob { row, appointment: about.appointment, version, attempts, work })
}

#[derive(FromRow)]
struct EventRow {
    id: i64,
    version: i64,
    bay_id: i64,
    starts_at: Stamp,
    ends_at: Stamp,
    service: String,
    concerns: Option<String>,
    name: String,
    email: Option<String>,
    year: Option<i32>,
    make: Option<String>,
    model: Option<String>,
}

impl From<EventRow> for CalendarEvent {
    fn from(row: EventRow) -> Self {
        let year = row.year.map(|year| year.to_string());
        let vehicle: Vec<String> = [year, row.make, row.model].into_iter().flatten().collect();
        Self {
            appointment: AppointmentId(row.id),
            version: row.version,
            bay: BayId(row.bay_id),
            starts_at: row.starts_at.utc(),
            ends_at: row.ends_at.utc(),
            service: row.service,
            customer: row.name,
            vehicle: Some(vehicle.join(" ")).filter(|vehicle| !vehicle.is_empty()),
            concerns: row.concerns,
            email: row.email,
        }
    }
}

/// The appointment as its bay's calendar must show it; none when no calendar must.
async fn planned(tx: &mut Connection, id: AppointmentId) -> Result<Option<EventRow>, StoreError> {
    let sql = "SELECT a.id, a.version, a.bay_id, a.starts_at, a.ends_at, a.service, a.concerns, c.name, c.email, \
               v.year, v.make, v.model FROM appointments AS a JOIN customers AS c ON c.id = a.customer_id \
               JOIN bays AS b ON b.id = a.bay_id LEFT JOIN vehicles AS v ON v.id = a.vehicle_id \
               WHERE a.id = $1 AND a.status NOT IN ('cancelled', 'no_show') AND b.calendar_id IS NOT NULL";
    sqlx::query_as(sql).bind(id.0).fetch_optional(tx).await.map_err(store_error)
}

/// Notes what came of an order. One that was claimed again meanwhile belongs to whoever has it now.
pub(super) async fn settle(tx: &mut Connection, job: &CalendarJob, outcome: &Settled) -> Result<(), StoreError> {
    let worker = worker();
    let held = Held { id: job.row.0, worker: &worker, attempts: job.attempts.saturating_add(1) };
    match outcome {
        Settled::Delivered => outbox::delivered(tx, held, Utc::now()).await,
        Settled::RetryAt(at, reason) => outbox::failed(tx, held, *at, reason).await,
        Settled::Parked(reason) => outbox::parked(tx, held, Utc::now(), reason).await,
    }
    .map(|_| ())
}

pub(super) async fn keep_sync_token(tx: &mut Connection, bay: BayId, token: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO calendar_syncs (bay_id, sync_token) VALUES ($1, $2) \
               ON CONFLICT (bay_id) DO UPDATE SET sync_token = excluded.sync_token, updated_at = $3";
    let done = sqlx::query(sql).bind(bay.0).bind(token).bind(Stamp::new(Utc::now())).execute(tx).await;
    done.map(|_| ()).map_err(store_error)
}

/// A token is good for the calendar that it came from.
pub(super) async fn forget_sync_token(tx: &mut Connection, bay: BayId) -> Result<(), StoreError> {
    let sql = "DELETE FROM calendar_syncs WHERE bay_id = $1";
    sqlx::query(sql).bind(bay.0).execute(tx).await.map(|_| ()).map_err(store_error)
}

/// Makes an appointment as people made it in the calendar.
pub(super) async fn apply(tx: &mut Connection, change: &CalendarChange, tell: Tell) -> Result<Applied, StoreError> {
    dialect::lock_bays(tx).await?;
    let Some((before, changed_at)) = locked(tx, change.appointment).await? else { return Ok(Applied::Unchanged) };
    let Some(wanted) = wanted(&before, changed_at, change) else { return Ok(Applied::Unchanged) };
    if outbox::waits(tx, &format!("appointment:{}", before.id)).await? {
        return Ok(Applied::Waiting);
    }
    let (wanted, applied) = match wanted {
        Wanted::Cancelled => {
            let cancel_reason = Some("cancelled in the calendar".to_owned());
            let status = AppointmentStatus::Cancelled;
            (Appointment { status, cancel_reason, ..before.clone() }, Applied::Cancelled)
        }
        Wanted::At { bay, starts_at, minutes } if is_free(tx, before.id, bay, (starts_at, minutes)).await? => {
            // Who has confirmed a time comes to another bay, too.
            let same = starts_at == before.starts_at;
            let status = if same { before.status } else { AppointmentStatus::Scheduled };
            (Appointment { bay, starts_at, minutes, status, ..before.clone() }, Applied::Moved)
        }
        // A new version of what it was makes the calendar show that again.
        Wanted::At { .. } | Wanted::Impossible => (before.clone(), Applied::PutBack),
    };
    let after = appointments::update(tx, &wanted).await?;
    appointments::write_orders(tx, &after, before.bay).await?;
    if let Some(about) = news(&before, &after).filter(|_| tell == Tell::ByText) {
        texts::order(tx, about, &after).await?;
    }
    Ok(applied)
}

/// What the customer must hear. The bay and the end are the shop's own business.
fn news(before: &Appointment, after: &Appointment) -> Option<TextKind> {
    if after.status == AppointmentStatus::Cancelled {
        return Some(TextKind::Cancelled);
    }
    (after.starts_at != before.starts_at).then_some(TextKind::Moved)
}

/// What people want of an appointment.
enum Wanted {
    Cancelled,
    At { bay: BayId, starts_at: DateTime<Utc>, minutes: u32 },
    Impossible,
}

/// What a change asks for; none when it asks for nothing, or is about what the appointment is no more.
fn wanted(before: &Appointment, changed_at: DateTime<Utc>, change: &CalendarChange) -> Option<Wanted> {
    // Of a deleted event the calendar need not know the version: then the times must do.
    let old = match change.version {
        Some(version) => version < before.version,
        None => change.updated.is_some_and(|at| at <= changed_at),
    };
    if old || !before.status.is_open() {
        return None;
    }
    match change.now {
        // Otto deletes events, too: in the calendars of the bays that an appointment has left.
        EventNow::Cancelled if change.version.is_none() && change.bay != before.bay => None,
        EventNow::Cancelled => Some(Wanted::Cancelled),
        EventNow::Planned { starts_at, ends_at } => {
            if (change.bay, starts_at, ends_at) == (before.bay, before.starts_at, before.ends_at()) {
                return None;
            }
            let long = ends_at - starts_at;
            let whole = [starts_at, ends_at].iter().all(|at| at.timestamp() % 60 == 0);
            let minutes = u32::try_from(long.num_minutes()).ok().filter(|minutes| whole && (1..=DAY).contains(minutes));
            let at = |minutes| Wanted::At { bay: change.bay, starts_at, minutes };
            Some(minutes.map_or(Wanted::Impossible, at))
        }
    }
}

/// Longest appointment, in minutes.
const DAY: u32 = 1_440;

/// The appointment and when it was changed last; nobody else changes it before this transaction ends.
async fn locked(tx: &mut Connection, id: AppointmentId) -> Result<Option<(Appointment, DateTime<Utc>)>, StoreError> {
    let sql = concat!("SELECT ", appointment_columns!(), " FROM appointments WHERE id = $1", for_update!());
    let row: Option<AppointmentRow> =
        sqlx::query_as(sql).bind(id.0).fetch_optional(&mut *tx).await.map_err(store_error)?;
    let Some(row) = row else { return Ok(None) };
    let sql = "SELECT updated_at FROM appointments WHERE id = $1";
    let at: Stamp = sqlx::query_scalar(sql).bind(id.0).fetch_one(tx).await.map_err(store_error)?;
    Ok(Some((row.try_into()?, at.utc())))
}

/// Whether a bay is free for a time, but for the appointment itself.
async fn is_free(
    tx: &mut Connection,
    but_for: AppointmentId,
    bay: BayId,
    (starts_at, minutes): (DateTime<Utc>, u32),
) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM appointments WHERE bay_id = $1 AND id <> $2 \
               AND status NOT IN ('cancelled', 'no_show') AND starts_at < $4 AND ends_at > $3";
    let taken: i64 = sqlx::query_scalar(sql)
        .bind(bay.0)
        .bind(but_for.0)
        .bind(Stamp::new(starts_at))
        .bind(Stamp::new(starts_at + chrono::Duration::minutes(i64::from(minutes))))
        .fetch_one(tx)
        .await
        .map_err(store_error)?;
    Ok(taken == 0)
}
