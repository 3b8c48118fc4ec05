//! Calls to be placed: made in rounds or one by one, claimed, and brought on with each word of an attempt. How a row
//! changes is the domain's rule; here it is held while it does.

use chrono::{DateTime, Utc};
use otto_actors::domain::{
    AppointmentId, CallSid, NewReminder, PhoneNumber, Reminder, ReminderId, ReminderKind, ReminderOutcome,
    ReminderStatus, Round, reasons,
};
use otto_actors::ports::{CallClaim, CallSettled, DueCall, DueTask, StoreError};

use super::dialect::{self, Connection, store_error};
use super::texts;
use crate::store::rows::{ReadReminder, ReminderRow, small};
use crate::store::stamp::Stamp;

/// Makes the round of a date, if nobody has: of those that try at once the others wait, and find it made.
pub(super) async fn make_round(
    tx: &mut Connection,
    round: &Round,
    now: DateTime<Utc>,
) -> Result<Option<u64>, StoreError> {
    let sql = "INSERT INTO reminder_rounds (due_on, from_at, to_at, made_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (due_on) DO NOTHING";
    let won = sqlx::query(sql)
        .bind(round.of)
        .bind(Stamp::new(round.from))
        .bind(Stamp::new(round.to))
        .bind(Stamp::new(now))
        .execute(&mut *tx)
        .await
        .map_err(store_error)?;
    if won.rows_affected() == 0 {
        return Ok(None);
    }
    let sql = concat!(
        "INSERT INTO reminders (kind, appointment_id, due_on, customer_id, phone, due_at, until, next_at) \
         SELECT 'evening', a.id, $4, c.id, c.phone, $5, $6, $5 \
         FROM appointments AS a JOIN customers AS c ON c.id = a.customer_id WHERE ",
        may_be_reminded!(),
        " ORDER BY a.starts_at, a.id ON CONFLICT (appointment_id, due_on) DO NOTHING"
    );
    let made = sqlx::query(sql)
        .bind(Stamp::new(round.from))
        .bind(Stamp::new(round.to))
        .bind(Stamp::new(round.day_from))
        .bind(round.of)
        .bind(Stamp::new(round.due_at))
        .bind(Stamp::new(round.until))
        .execute(tx)
        .await
        .map_err(store_error)?;
    Ok(Some(made.rows_affected()))
}

/// Adds a call. Of those that ask for one about the same appointment at once, the later ones get the first one's; a call-back
/// takes the place of those to the same number that wait.
pub(super) async fn add(tx: &mut Connection, new: &NewReminder, now: DateTime<Utc>) -> Result<ReminderId, StoreError> {
    if new.kind == ReminderKind::CallBack {
        replace_call_backs(tx, &new.phone, now).await?;
    }
    let asks_once = new.kind == ReminderKind::Requested && !new.for_staff;
    if let (true, Some(appointment)) = (asks_once, new.appointment)
        && let Some(open) = open_for(tx, appointment).await?
    {
        return Ok(open);
    }
    let status = if new.for_staff { ReminderStatus::ForStaff } else { ReminderStatus::Pending };
    let sql = "INSERT INTO reminders (kind, appointment_id, customer_id, phone, about, due_at, until, status, next_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $6) \
               ON CONFLICT (appointment_id) \
                   WHERE kind = 'requested' AND status IN ('pending', 'dialling', 'calling') DO NOTHING RETURNING id";
    let added: Option<i64> = sqlx::query_scalar(sql)
        .bind(new.kind.as_str())
        .bind(new.appointment.map(|id| id.0))
        .bind(new.customer.map(|id| id.0))
        .bind(new.phone.as_e164())
        .bind(&new.about)
        .bind(Stamp::new(new.due_at))
        .bind(Stamp::new(new.until))
        .bind(status.as_str())
        .fetch_optional(tx)
        .await
        .map_err(store_error)?;
    // Somebody else's has come in between: the same again finds it.
    added.map(ReminderId).ok_or(StoreError::Contended)
}

/// Ends the call-backs to a number that nobody has claimed. Of those that ask for one at once the others wait.
async fn replace_call_backs(tx: &mut Connection, phone: &PhoneNumber, now: DateTime<Utc>) -> Result<(), StoreError> {
    dialect::lock_calls(tx).await?;
    let sql = "UPDATE reminders SET status = 'skipped', reason = $2, updated_at = $3 \
               WHERE phone = $1 AND kind = 'call_back' AND status = 'pending'";
    sqlx::query(sql)
        .bind(phone.as_e164())
        .bind(reasons::REPLACED)
        .bind(Stamp::new(now))
        .execute(tx)
        .await
        .map(|_| ())
        .map_err(store_error)
}

pub(super) async fn open_for(
    tx: &mut Connection,
    appointment: AppointmentId,
) -> Result<Option<ReminderId>, StoreError> {
    let sql = "SELECT id FROM reminders WHERE appointment_id = $1 AND kind IN ('evening', 'requested') \
               AND status IN ('pending', 'dialling', 'calling') ORDER BY id LIMIT 1";
    let open: Option<i64> =
        sqlx::query_scalar(sql).bind(appointment.0).fetch_optional(tx).await.map_err(store_error)?;
    Ok(open.map(ReminderId))
}

pub(super) async fn miss_overdue(
    tx: &mut Connection,
    now: DateTime<Utc>,
    texts: bool,
) -> Result<Vec<ReminderId>, StoreError> {
    dialect::lock_calls(tx).await?;
    skip_unwanted(tx, now).await?;
    let sql = "UPDATE reminders SET status = 'missed', reason = coalesce(reason, $2), updated_at = $1 \
               WHERE status = 'pending' AND until <= $1 RETURNING id, appointment_id";
    let missed: Vec<(i64, Option<i64>)> = sqlx::query_as(sql)
        .bind(Stamp::new(now))
        .bind(reasons::WINDOW_OVER)
        .fetch_all(&mut *tx)
        .await
        .map_err(store_error)?;
    for appointment in missed.iter().filter(|_| texts).filter_map(|(_, appointment)| *appointment) {
        texts::order_reminder(tx, AppointmentId(appointment), now).await?;
    }
    let mut missed: Vec<ReminderId> = missed.into_iter().map(|(id, _)| ReminderId(id)).collect();
    missed.sort();
    Ok(missed)
}

/// Claims what is in doubt, and then fresh calls.
pub(super) async fn claim(tx: &mut Connection, claim: &CallClaim<'_>) -> Result<Vec<DueCall>, StoreError> {
    let now = Stamp::new(claim.now).utc();
    let until = Stamp::new(now + claim.lease).utc();
    dialect::lock_calls(tx).await?;
    skip_unwanted(tx, now).await?;
    let mut claimed = Vec::new();
    for mut reminder in doubtful(tx, now).await? {
        reminder.next_at = until;
        let calling = reminder.status == ReminderStatus::Calling;
        claimed.push(DueCall { reminder, task: if calling { DueTask::Look } else { DueTask::Reconcile } });
    }
    let this_second = dialled_at(tx, now).await?;
    for mut reminder in fresh(tx, now, claim.limit.min(claim.per_second.saturating_sub(this_second))).await? {
        // Of a number's calls the first one goes; the others find it under way next time.
        if claimed.iter().all(|other: &DueCall| other.reminder.phone != reminder.phone) {
            reminder.begin(now, until);
            claimed.push(DueCall { reminder, task: DueTask::Dial });
        }
    }
    for due in &claimed {
        write(tx, &due.reminder, Some((claim.worker, until)), now).await?;
    }
    Ok(claimed)
}

/// Attempts whose time to be looked at has come, or whose lease has run out, which is the same time.
async fn doubtful(tx: &mut Connection, now: DateTime<Utc>) -> Result<Vec<Reminder>, StoreError> {
    let sql = concat!(
        "SELECT ",
        reminder_columns!(),
        " FROM reminders AS o WHERE o.status IN ('dialling', 'calling') AND o.next_at <= $1 \
         ORDER BY o.next_at, o.id LIMIT $2",
        skip_locked!()
    );
    let looks = i64::from(CallClaim::LOOKS);
    let found = sqlx::query_as(sql).bind(Stamp::new(now)).bind(looks).fetch_all(&mut *tx).await.map_err(store_error)?;
    readable(tx, found, now).await
}

/// How many were dialled in this very second, by whichever node.
async fn dialled_at(tx: &mut Connection, now: DateTime<Utc>) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM reminders WHERE dialled_at = $1 AND status IN ('dialling', 'calling')";
    let count: i64 = sqlx::query_scalar(sql).bind(Stamp::new(now)).fetch_one(tx).await.map_err(store_error)?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Those that may be dialled now, the earliest appointment first.
async fn fresh(tx: &mut Connection, now: DateTime<Utc>, limit: u32) -> Result<Vec<Reminder>, StoreError> {
    let sql = concat!(
        "SELECT ",
        reminder_columns!(),
        " FROM reminders AS o WHERE o.status = 'pending' AND o.next_at <= $1 AND o.until > $1 \
         AND NOT EXISTS (SELECT 1 FROM reminders AS other WHERE other.phone = o.phone \
         AND other.status IN ('dialling', 'calling')) \
         ORDER BY coalesce((SELECT a.starts_at FROM appointments AS a WHERE a.id = o.appointment_id), o.due_at), o.id \
         LIMIT $2",
        skip_locked!()
    );
    let limit = i64::from(limit);
    let found = sqlx::query_as(sql).bind(Stamp::new(now)).bind(limit).fetch_all(&mut *tx).await.map_err(store_error)?;
    readable(tx, found, now).await
}

/// The rows that can be read. One that cannot is missed, so that it is in nobody's way.
async fn readable(
    tx: &mut Connection,
    found: Vec<ReadReminder>,
    now: DateTime<Utc>,
) -> Result<Vec<Reminder>, StoreError> {
    let mut rows = Vec::with_capacity(found.len());
    for ReadReminder { id, read } in found {
        match read {
            Ok(row) => rows.push(row),
            Err(error) => {
                tracing::warn!(row = id.0, %error, "a call to be placed is not understood, and is missed");
                miss_unreadable(tx, id, now).await?;
            }
        }
    }
    Ok(rows)
}

async fn miss_unreadable(tx: &mut Connection, id: ReminderId, now: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "UPDATE reminders SET status = 'missed', reason = $2, lease_owner = NULL, lease_until = NULL, \
               updated_at = $3 WHERE id = $1";
    let done = sqlx::query(sql).bind(id.0).bind(reasons::UNREADABLE).bind(Stamp::new(now)).execute(tx).await;
    done.map(|_| ()).map_err(store_error)
}

/// Gives pending reminders whose time has come the number that is on file now, and ends calls that are not to be placed. A
/// call-back goes to the number that it was asked for at.
async fn skip_unwanted(tx: &mut Connection, now: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "UPDATE reminders SET phone = c.phone FROM customers AS c \
               WHERE c.id = reminders.customer_id AND c.phone <> reminders.phone AND reminders.status = 'pending' \
               AND reminders.kind <> 'call_back' \
               AND (reminders.next_at <= $1 OR reminders.until <= $1)";
    sqlx::query(sql).bind(Stamp::new(now)).execute(&mut *tx).await.map_err(store_error)?;
    let sql = "WITH due AS (SELECT o.id, CASE \
                   WHEN a.status NOT IN ('scheduled', 'confirmed') THEN $2 \
                   WHEN a.starts_at <= $1 THEN $3 \
                   WHEN a.starts_at < r.from_at OR a.starts_at >= r.to_at THEN $4 \
                   WHEN o.kind = 'evening' AND c.reminder_consent IS NOT TRUE THEN $5 \
                   WHEN o.kind = 'requested' AND c.reminder_consent IS FALSE THEN $5 \
                   WHEN EXISTS (SELECT 1 FROM opt_outs AS n WHERE n.phone = o.phone AND n.channel = 'voice') THEN $6 \
                   END AS reason \
               FROM reminders AS o LEFT JOIN appointments AS a ON a.id = o.appointment_id \
               LEFT JOIN customers AS c ON c.id = o.customer_id \
               LEFT JOIN reminder_rounds AS r ON r.due_on = o.due_on \
               WHERE o.status = 'pending' AND (o.next_at <= $1 OR o.until <= $1)) \
               UPDATE reminders SET status = 'skipped', reason = due.reason, updated_at = $1 FROM due \
               WHERE due.id = reminders.id AND due.reason IS NOT NULL AND reminders.status = 'pending'";
    sqlx::query(sql)
        .bind(Stamp::new(now))
        .bind(reasons::APPOINTMENT_CLOSED)
        .bind(reasons::APPOINTMENT_BEGUN)
        .bind(reasons::APPOINTMENT_MOVED)
        .bind(reasons::NO_CONSENT)
        .bind(reasons::OPTED_OUT)
        .execute(tx)
        .await
        .map(|_| ())
        .map_err(store_error)
}

/// Notes what became of an attempt, which ends the claim.
pub(super) async fn settle(
    tx: &mut Connection,
    (id, attempt): (ReminderId, u32),
    settled: &CallSettled,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let Some(mut reminder) = locked(tx, id).await? else { return Ok(false) };
    if !settled.apply(&mut reminder, attempt) {
        return Ok(false);
    }
    write(tx, &reminder, None, now).await?;
    if let (CallSettled::Missed { text: true, .. }, Some(appointment)) = (settled, reminder.appointment) {
        texts::order_reminder(tx, appointment, now).await?;
    }
    Ok(true)
}

/// Notes what came of a conversation that was held in a call.
pub(super) async fn talked(
    tx: &mut Connection,
    call: &CallSid,
    (id, outcome): (ReminderId, ReminderOutcome),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(mut reminder) = locked(tx, id).await? else { return Ok(()) };
    if reminder.talked(call, outcome) { write(tx, &reminder, None, now).await } else { Ok(()) }
}

/// The row, which nobody else changes before this transaction ends.
async fn locked(tx: &mut Connection, id: ReminderId) -> Result<Option<Reminder>, StoreError> {
    let sql = concat!("SELECT ", reminder_columns!(), " FROM reminders WHERE id = $1", for_update!());
    let row: Option<ReminderRow> = sqlx::query_as(sql).bind(id.0).fetch_optional(tx).await.map_err(store_error)?;
    row.map(Reminder::try_from).transpose()
}

/// Writes what changes in a row's life, with who has it until when.
async fn write(
    tx: &mut Connection,
    row: &Reminder,
    lease: Option<(&str, DateTime<Utc>)>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "UPDATE reminders SET status = $2, attempts = $3, failures = $4, next_at = $5, dialled_at = $6, \
               call_sid = $7, outcome = $8, reason = $9, lease_owner = $10, lease_until = $11, updated_at = $12 \
               WHERE id = $1";
    sqlx::query(sql)
        .bind(row.id.0)
        .bind(row.status.as_str())
        .bind(small(row.attempts))
        .bind(small(row.failures))
        .bind(Stamp::new(row.next_at))
        .bind(row.dialled_at.map(Stamp::new))
        .bind(row.call.as_ref().map(CallSid::as_str))
        .bind(row.outcome.map(ReminderOutcome::as_str))
        .bind(&row.reason)
        .bind(lease.map(|(worker, _)| worker))
        .bind(lease.map(|(_, until)| Stamp::new(until)))
        .bind(Stamp::new(now))
        .execute(tx)
        .await
        .map(|_| ())
        .map_err(store_error)
}
