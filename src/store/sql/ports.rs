//! The ports, as a table of contents: which statement runs where. Reads run on the readers' connections, look-ups on the
//! replica where there is one, every write in a transaction.

use async_trait::async_trait;
use backon::Retryable as _;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use otto_actors::domain::{
    Appointment, AppointmentId, Bay, BayId, BookedTime, CallSid, Customer, CustomerId, PhoneNumber, ServiceRecord,
    ShopBay, Vehicle,
};
use otto_actors::effects::{EffectId, Fence};
use otto_actors::ports::{
    Action, Applied, Backlog, BookingStore, CalendarChange, CalendarJob, CalendarRecords, CallEnd, CallProgress,
    CallRecord, Claim, CustomerStore, JournalRow, JournalStore, OutboxRow, OutboxStore, Settled, Store, StoreError,
    Tell,
};
use serde_json::Value;

use super::dialect::{Database, store_error};
use super::{bays, bulk, calendar, demo, effects, events, journal, outbox, reads};
use crate::store::{Records, SeedPlan, Seeded, contention};

/// A read on the replica, and on the primary when there is no replica, or when it is away.
macro_rules! look_up {
    ($database:expr, $read:ident($($argument:expr),*)) => {{
        let stale = match $database.replica() {
            Some(replica) => replica.ask(reads::$read(replica.pool(), $($argument),*)).await,
            None => Err(StoreError::Contended),
        };
        match stale {
            Err(StoreError::Unavailable(_) | StoreError::Contended) => {
                reads::$read($database.reader(), $($argument),*).await
            }
            answer => answer,
        }
    }};
}

#[async_trait]
impl CustomerStore for Database {
    async fn customer_by_phone(&self, phone: &PhoneNumber) -> Result<Option<Customer>, StoreError> {
        look_up!(self, customer_by_phone(phone))
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        look_up!(self, customer(id))
    }

    async fn customers_by_name(&self, name: &str, limit: u32) -> Result<Vec<Customer>, StoreError> {
        look_up!(self, customers_by_name(name, limit))
    }

    async fn vehicles_of(&self, customer: CustomerId) -> Result<Vec<Vehicle>, StoreError> {
        look_up!(self, vehicles_of(customer))
    }

    async fn service_history(&self, customer: CustomerId, limit: u32) -> Result<Vec<ServiceRecord>, StoreError> {
        look_up!(self, service_history(customer, limit))
    }
}

#[async_trait]
impl BookingStore for Database {
    async fn appointment(&self, id: AppointmentId) -> Result<Option<Appointment>, StoreError> {
        reads::appointment(self.reader(), id).await
    }

    async fn upcoming(&self, customer: CustomerId, from: DateTime<Utc>) -> Result<Vec<Appointment>, StoreError> {
        reads::upcoming(self.reader(), customer, from).await
    }

    async fn booked_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<BookedTime>, StoreError> {
        reads::booked_between(self.reader(), from, to).await
    }

    async fn bays(&self) -> Result<Vec<Bay>, StoreError> {
        reads::bays(self.reader()).await
    }

    async fn bay_count(&self) -> Result<usize, StoreError> {
        reads::bay_count(self.reader()).await
    }
}

#[async_trait]
impl JournalStore for Database {
    async fn append_events(&self, events: &[JournalRow]) -> Result<(), StoreError> {
        write!(self, |tx| events::append(tx, events))
    }

    async fn call_started(&self, call: &CallRecord) -> Result<(), StoreError> {
        write!(self, |tx| journal::call_started(tx, call))
    }

    async fn call_ended(&self, call: &CallSid, end: &CallEnd) -> Result<(), StoreError> {
        write!(self, |tx| journal::call_ended(tx, call, end))
    }

    async fn call_progress(&self, progress: &CallProgress) -> Result<(), StoreError> {
        write!(self, |tx| journal::call_progress(tx, progress))
    }
}

#[async_trait]
impl OutboxStore for Database {
    async fn claim_due(&self, claim: &Claim<'_>) -> Result<Vec<OutboxRow>, StoreError> {
        write!(self, |tx| outbox::claim_due(tx, claim))
    }

    async fn delivered(&self, row: &OutboxRow, now: DateTime<Utc>) -> Result<bool, StoreError> {
        write!(self, |tx| outbox::delivered(tx, row.into(), now))
    }

    async fn failed(&self, row: &OutboxRow, next_attempt_at: DateTime<Utc>, reason: &str) -> Result<bool, StoreError> {
        write!(self, |tx| outbox::failed(tx, row.into(), next_attempt_at, reason))
    }

    async fn parked(&self, row: &OutboxRow, now: DateTime<Utc>, reason: &str) -> Result<bool, StoreError> {
        write!(self, |tx| outbox::parked(tx, row.into(), now, reason))
    }

    async fn given_up(&self) -> Result<u64, StoreError> {
        reads::parked(self.reader()).await
    }

    async fn undelivered(&self) -> Result<u64, StoreError> {
        reads::undelivered(self.reader()).await
    }
}

#[async_trait]
impl CalendarRecords for Database {
    async fn claim(
        &self,
        now: DateTime<Utc>,
        lease_until: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<CalendarJob>, StoreError> {
        write!(self, |tx| calendar::claim(tx, now, lease_until, limit))
    }

    async fn settle(&self, job: &CalendarJob, outcome: &Settled) -> Result<(), StoreError> {
        write!(self, |tx| calendar::settle(tx, job, outcome))
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        let reader = self.reader();
        Ok(Backlog { waiting: reads::undelivered(reader).await?, parked: reads::parked(reader).await? })
    }

    async fn sync_token(&self, bay: BayId) -> Result<Option<String>, StoreError> {
        reads::sync_token(self.reader(), bay).await
    }

    async fn keep_sync_token(&self, bay: BayId, token: &str) -> Result<(), StoreError> {
        write!(self, |tx| calendar::keep_sync_token(tx, bay, token))
    }

    async fn apply_calendar_change(&self, change: &CalendarChange, tell: Tell) -> Result<Applied, StoreError> {
        write!(self, |tx| calendar::apply(tx, change, tell))
    }
}

#[async_trait]
impl Store for Database {
    async fn act(&self, effect: &EffectId, fence: &Fence, action: Action) -> Result<Value, StoreError> {
        let attempt = || async { effects::act(self.begin().await?, effect, fence, action.clone()).await };
        attempt.retry(contention::patience()).when(contention::again).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        reads::bay_count(self.reader()).await.map(|_| ())
    }
}

#[async_trait]
impl Records for Database {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    async fn sync_bays(&self, bays: &[ShopBay]) -> Result<(), StoreError> {
        write!(self, |tx| bays::sync(tx, bays))
    }

    async fn seed_demo(&self, today: NaiveDate, zone: Tz) -> Result<(), StoreError> {
        write!(self, |tx| demo::add(tx, today, zone))
    }

    async fn seed(&self, plan: &SeedPlan) -> Result<Seeded, StoreError> {
        write!(self, |tx| bulk::add(tx, plan))
    }

    async fn effect(&self, effect: &EffectId) -> Result<Option<Value>, StoreError> {
        let mut connection = self.reader().acquire().await.map_err(store_error)?;
        effects::stored(&mut connection, effect).await
    }

    async fn appointments_of(&self, customer: CustomerId) -> Result<Vec<Appointment>, StoreError> {
        reads::appointments_of(self.reader(), customer).await
    }

    async fn ping_replica(&self) -> Result<(), StoreError> {
        match self.replica() {
            Some(replica) => reads::bay_count(replica.pool()).await.map(|_| ()),
            None => Ok(()),
        }
    }

    async fn close(&self) {
        self.close_pools().await;
    }
}
