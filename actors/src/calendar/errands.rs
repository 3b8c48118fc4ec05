//! What the CalendarActor does in the background: it delivers the outbox to the calendar outside, and brings back what
//! people changed there.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::{StreamExt as _, stream};
use rand::Rng as _;
use tokio::time::timeout;

use super::events::{CalendarChanged, CalendarSyncFailed, OutboxLeft, OutboxSettled, OutboxStuck};
use super::machine::{self, Errand};
use super::{CalendarArgs, CalendarMsg, CalendarOutside, Step};
use crate::actor::Mailbox;
use crate::domain::BayId;
use crate::events::emit;
use crate::limits;
use crate::ports::{
    Applied, Calendar, CalendarChange, CalendarError, CalendarJob, CalendarRecords, CalendarWork, Clock, EventNow, Put,
    Settled, Store, StoreError, VendorError, VendorErrorKind,
};

/// Tells the actor that an errand is over, also when it panicked.
struct Over {
    actor: Mailbox<CalendarMsg>,
    errand: Errand,
    changed: bool,
}

impl Drop for Over {
    fn drop(&mut self) {
        // The actor may be gone; so is the need.
        let _ = self.actor.cast(Step::ErrandOver { errand: self.errand, changed: self.changed }.into());
    }
}

/// Runs an errand.
pub(super) async fn run(source: Arc<CalendarArgs>, actor: Mailbox<CalendarMsg>, errand: Errand) {
    let mut over = Over { actor, errand, changed: false };
    let Some(outside) = &source.outside else { return };
    let records = &outside.records;
    over.changed = match errand {
        Errand::Outbox => {
            let changed = deliver_all(outside, records.as_ref(), source.clock.as_ref()).await;
            if let Ok(backlog) = records.backlog().await {
                emit(OutboxLeft(backlog));
            }
            changed
        }
        Errand::Sync => sync_all(&source, outside).await,
    };
}

/// Delivers until nothing is due. Says whether the calendar has changed.
async fn deliver_all(outside: &CalendarOutside, records: &dyn CalendarRecords, clock: &dyn Clock) -> bool {
    let mut changed = false;
    loop {
        let now = clock.now();
        let lease = now + TimeDelta::from_std(limits::OUTBOX_LEASE_MS).unwrap_or_default();
        let jobs = match records.claim(now, lease, limits::OUTBOX_BATCH_ROWS).await {
            Ok(jobs) if jobs.is_empty() => return changed,
            Ok(jobs) => jobs,
            Err(error) => {
                emit(OutboxStuck { error: &error });
                return changed;
            }
        };
        let (newest, overtaken) = machine::newest(jobs);
        for job in overtaken {
            note(records, &job, &Settled::Delivered).await;
        }
        let deliveries = stream::iter(newest).map(|job| deliver(outside, records, clock, job));
        let written: Vec<bool> = deliveries.buffer_unordered(limits::OUTBOX_CONCURRENCY).collect().await;
        changed |= written.contains(&true);
    }
}

/// Delivers one row. Says whether the calendar has changed.
async fn deliver(
    outside: &CalendarOutside,
    records: &dyn CalendarRecords,
    clock: &dyn Clock,
    job: CalendarJob,
) -> bool {
    let work = async {
        match &job.work {
            CalendarWork::Put(event) => outside.calendar.put(event).await,
            CalendarWork::Remove => outside.calendar.remove(job.appointment).await.map(|()| Put::Written),
            CalendarWork::Leave => Ok(Put::Written),
        }
    };
    let delivered = timeout(limits::OUTBOX_DELIVERY_TIMEOUT_MS, work).await.unwrap_or_else(|_| Err(slow()));
    let settled = machine::settle(&delivered, job.attempts, clock.now(), rand::rng().random());
    emit(OutboxSettled { appointment: job.appointment, settled: &settled });
    note(records, &job, &settled).await;
    delivered.is_ok()
}

/// A row that cannot be settled is given out again when its lease ends, which does no harm.
async fn note(records: &dyn CalendarRecords, job: &CalendarJob, settled: &Settled) {
    if let Err(error) = records.settle(job, settled).await {
        emit(OutboxStuck { error: &error });
    }
}

/// Reads the changes of every bay. Says whether there were any.
async fn sync_all(source: &CalendarArgs, outside: &CalendarOutside) -> bool {
    let mut changed = false;
    for bay in outside.calendar.bays() {
        match timeout(limits::CALENDAR_SYNC_TIMEOUT_MS, sync(source, outside, bay)).await {
            Ok(Ok(some)) => changed |= some,
            Ok(Err(error)) => emit(CalendarSyncFailed { bay, error: &error }),
            Err(_) => emit(CalendarSyncFailed { bay, error: &SyncError::Calendar(slow()) }),
        }
    }
    changed
}

/// Why changes could not be read or applied. The token stays as it was, so they come again.
#[derive(Debug, thiserror::Error)]
pub(super) enum SyncError {
    /// The calendar outside.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// The database.
    #[error(transparent)]
    Records(#[from] StoreError),
}

async fn sync(source: &CalendarArgs, outside: &CalendarOutside, bay: BayId) -> Result<bool, SyncError> {
    let (calendar, records) = (&outside.calendar, &outside.records);
    let token = records.sync_token(bay).await?;
    let changes = calendar.changes(bay, token.as_deref()).await?;
    let (mut waiting, some) = (false, !changes.events.is_empty());
    for change in changes.events {
        let change = whereabouts(source.store.as_ref(), calendar.as_ref(), change).await?;
        let applied = records.apply_calendar_change(&change, outside.tell).await?;
        waiting |= applied == Applied::Waiting;
        if applied != Applied::Unchanged {
            emit(CalendarChanged { appointment: change.appointment, applied });
        }
    }
    if !waiting {
        records.keep_sync_token(bay, &changes.token).await?;
    }
    Ok(some)
}

/// A change as it is true of all calendars: an event that is gone from one of them may be in another. Asked only of
/// appointments that may still be changed, since a calendar that is read from its beginning has all that was ever deleted.
async fn whereabouts(
    store: &dyn Store,
    calendar: &dyn Calendar,
    change: CalendarChange,
) -> Result<CalendarChange, SyncError> {
    if change.now != EventNow::Cancelled {
        return Ok(change);
    }
    let found = match store.appointment(change.appointment).await? {
        Some(appointment) if appointment.status.is_open() => calendar.find(change.appointment).await?,
        _ => None,
    };
    Ok(found.unwrap_or(change))
}

fn slow() -> CalendarError {
    CalendarError::Away(VendorError::new("calendar", VendorErrorKind::TimedOut, "no answer in time"))
}
