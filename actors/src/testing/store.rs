//! Records and cache in memory, with the rules of the real ones: one booking a bay and time, one effect an
//! identity, nothing behind a closed fence.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

mod actions;
mod outbound;
mod reminders;
#[cfg(test)]
mod tests;

use super::log::Log;
use crate::domain::{
    Appointment, AppointmentId, Bay, BayId, BookedTime, CallSid, Customer, CustomerId, OutboxId, PhoneNumber, Reminder,
    ReminderId, Round, ServiceRecord, Vehicle, VehicleId,
};
use crate::effects::{EffectId, Fence};
use crate::ports::{
    Action, BookingStore, Cache, CallEnd, CallProgress, CallRecord, Claim, CustomerStore, JournalRow, JournalStore,
    NewMessage, OptOut, Order, OutboxRow, OutboxStore, Store, StoreError, TextProgress,
};

/// How the store behaves.
#[derive(Clone, Default)]
pub(crate) struct Records {
    pub(crate) customers: Vec<Customer>,
    pub(crate) vehicles: Vec<Vehicle>,
    pub(crate) appointments: Vec<Appointment>,
    pub(crate) history: Vec<ServiceRecord>,
    pub(crate) messages: Vec<NewMessage>,
    /// Orders that wait, oldest first.
    pub(crate) outbox: Vec<(OutboxId, Order)>,
    /// Attempts at an order, and before when it is not tried again.
    tries: HashMap<OutboxId, (u32, DateTime<Utc>)>,
    pub(crate) effects: HashMap<EffectId, Value>,
    pub(crate) bays: i64,
    pub(crate) reminders: Vec<Reminder>,
    /// The rounds that were made, by the date of their appointments.
    pub(crate) rounds: HashMap<NaiveDate, Round>,
    /// Which date's appointments those of the evening are about.
    pub(crate) evenings: HashMap<ReminderId, NaiveDate>,
    pub(crate) opt_outs: Vec<OptOut>,
    pub(crate) texts: Vec<TextProgress>,
    /// What they were about, in the order in which they were sent.
    pub(crate) texted: Vec<(OutboxId, AppointmentId)>,
    /// Calls that are due cannot be read.
    pub(crate) claims_fail: Option<StoreError>,
    /// Each booking takes this long before it is committed.
    pub(crate) booking_takes: Duration,
    /// Each look-up of a customer takes this long.
    pub(crate) lookup_takes: Duration,
    /// Each batch of the journal takes this long before it is written.
    pub(crate) journal_takes: Duration,
    /// Writes of the journal fail with this.
    pub(crate) journal_fails: Option<StoreError>,
}

/// The workshop's records.
pub(crate) struct FakeStore {
    pub(crate) records: Mutex<Records>,
    /// Bookings that began, by the name of their tool call.
    pub(crate) bookings: Log<String>,
    /// Batches of the journal.
    pub(crate) batches: Log<Vec<JournalRow>>,
    pub(crate) started: Log<CallRecord>,
    pub(crate) ended: Log<(CallSid, CallEnd)>,
    /// How Twilio saw calls, as it was noted.
    pub(crate) progress: Log<CallProgress>,
    pub(crate) gate: Option<Arc<dyn Gate>>,
}

pub(crate) const KNOWN_PHONE: &str = "+15555550101";

/// A customer on file.
pub(crate) fn maria() -> Customer {
    Customer {
        birth_date: chrono::NaiveDate::from_ymd_opt(1985, 4, 12),
        street: Some("12 Oak Street".into()),
        ..Customer::new(CustomerId(1), "Maria Lopez", PhoneNumber::parse(KNOWN_PHONE).unwrap())
    }
}

/// Her vehicle.
pub(crate) fn accord() -> Vehicle {
    let (make, model) = (Some("Honda".into()), Some("Accord".into()));
    let (vin, plate) = (Some("1HGCM82633A004352".into()), Some("AB 123".into()));
    Vehicle { vin, plate, year: Some(2003), make, model, ..Vehicle::new(VehicleId(1), CustomerId(1)) }
}

/// Stands between a question and the records: may let it wait, or fail.
#[async_trait]
pub(crate) trait Gate: Send + Sync {
    /// Before a question is answered.
    async fn before(&self, asked: Asked<'_>) -> Result<(), StoreError>;

    /// After a booking is made, before anybody hears of it.
    async fn booked(&self, done: bool);
}

/// What the records are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked<'a> {
    Caller,
    Times,
    /// With the name of the tool call.
    Booking(&'a str),
}

impl Default for FakeStore {
    fn default() -> Self {
        let records = Records { customers: vec![maria()], vehicles: vec![accord()], bays: 1, ..Records::default() };
        let (bookings, batches, started, ended, progress) = Default::default();
        Self { records: Mutex::new(records), bookings, batches, started, ended, progress, gate: None }
    }
}

impl FakeStore {
    async fn passes(&self, asked: Asked<'_>) -> Result<(), StoreError> {
        match &self.gate {
            Some(gate) => gate.before(asked).await,
            None => Ok(()),
        }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Records)) {
        change(&mut self.records.lock().unwrap());
    }

    pub(crate) fn appointments(&self) -> Vec<Appointment> {
        self.records.lock().unwrap().appointments.clone()
    }
}

#[async_trait]
impl CustomerStore for FakeStore {
    async fn customer_by_phone(&self, phone: &PhoneNumber) -> Result<Option<Customer>, StoreError> {
        self.passes(Asked::Caller).await?;
        let takes = self.records.lock().unwrap().lookup_takes;
        tokio::time::sleep(takes).await;
        Ok(self.records.lock().unwrap().customers.iter().find(|c| c.phone == *phone).cloned())
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        Ok(self.records.lock().unwrap().customers.iter().find(|c| c.id == id).cloned())
    }

    async fn customers_by_name(&self, name: &str, limit: u32) -> Result<Vec<Customer>, StoreError> {
        let wanted = name.trim().to_lowercase();
        let fits = |c: &&Customer| !wanted.is_empty() && c.name.to_lowercase().contains(&wanted);
        Ok(self.records.lock().unwrap().customers.iter().filter(fits).take(limit as usize).cloned().collect())
    }

    async fn vehicles_of(&self, customer: CustomerId) -> Result<Vec<Vehicle>, StoreError> {
        let records = self.records.lock().unwrap();
        Ok(records.vehicles.iter().filter(|v| v.customer == customer).cloned().collect())
    }

    async fn service_history(&self, customer: CustomerId, limit: u32) -> Result<Vec<ServiceRecord>, StoreError> {
        let records = self.records.lock().unwrap();
        let own = |r: &&ServiceRecord| records.vehicles.iter().any(|v| v.id == r.vehicle && v.customer == customer);
        Ok(records.history.iter().filter(own).take(limit as usize).cloned().collect())
    }
}

#[async_trait]
impl BookingStore for FakeStore {
    async fn appointment(&self, id: AppointmentId) -> Result<Option<Appointment>, StoreError> {
        Ok(self.appointments().into_iter().find(|a| a.id == id))
    }

    async fn upcoming(&self, customer: CustomerId, from: DateTime<Utc>) -> Result<Vec<Appointment>, StoreError> {
        let coming = |a: &Appointment| a.customer == customer && a.starts_at >= from && a.status.is_open();
        Ok(self.appointments().into_iter().filter(coming).collect())
    }

    async fn booked_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<BookedTime>, StoreError> {
        self.passes(Asked::Times).await?;
        Ok(self.records.lock().unwrap().taken(from, to, None))
    }

    async fn bays(&self) -> Result<Vec<Bay>, StoreError> {
        let bay = |n| Bay { id: BayId(n), name: format!("Bay {n}"), calendar: Some(format!("calendar-{n}")) };
        Ok((1..=self.records.lock().unwrap().bays).map(bay).collect())
    }

    async fn bay_count(&self) -> Result<usize, StoreError> {
        Ok(usize::try_from(self.records.lock().unwrap().bays).unwrap())
    }
}

#[async_trait]
impl JournalStore for FakeStore {
    async fn append_events(&self, events: &[JournalRow]) -> Result<(), StoreError> {
        let Records { journal_takes, journal_fails, .. } = self.records.lock().unwrap().clone();
        tokio::time::sleep(journal_takes).await;
        if let Some(error) = journal_fails {
            return Err(error);
        }
        self.batches.push(events.to_vec());
        Ok(())
    }

    async fn call_started(&self, call: &CallRecord) -> Result<(), StoreError> {
        self.started.push(call.clone());
        Ok(())
    }

    async fn call_ended(&self, call: &CallSid, end: &CallEnd) -> Result<(), StoreError> {
        if let Some(reminder) = end.reminder {
            self.change(|records| records.talked(call, reminder));
        }
        self.ended.push((call.clone(), end.clone()));
        Ok(())
    }

    async fn call_progress(&self, progress: &CallProgress) -> Result<(), StoreError> {
        self.progress.push(progress.clone());
        Ok(())
    }
}

/// Claims last until they are confirmed or given back.
#[async_trait]
impl OutboxStore for FakeStore {
    async fn claim_due(&self, claim: &Claim<'_>) -> Result<Vec<OutboxRow>, StoreError> {
        let mut records = self.records.lock().unwrap();
        let Records { outbox, tries, .. } = &mut *records;
        let due = outbox.iter().filter(|(id, order)| {
            order.kind().starts_with(claim.kind) && tries.get(id).is_none_or(|(_, at)| *at <= claim.now)
        });
        let row = |(id, order): &(OutboxId, Order)| OutboxRow {
            id: *id,
            order: order.clone(),
            attempts: tries.get(id).map_or(1, |(attempts, _)| attempts + 1),
            worker: claim.worker.into(),
        };
        let rows: Vec<OutboxRow> = due.take(claim.limit as usize).map(row).collect();
        tries.extend(rows.iter().map(|row| (row.id, (row.attempts, claim.now + claim.lease))));
        Ok(rows)
    }

    async fn delivered(&self, row: &OutboxRow, _now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut records = self.records.lock().unwrap();
        let before = records.outbox.len();
        records.outbox.retain(|(id, _)| *id != row.id);
        Ok(records.outbox.len() < before)
    }

    async fn failed(&self, row: &OutboxRow, next: DateTime<Utc>, _reason: &str) -> Result<bool, StoreError> {
        let mut records = self.records.lock().unwrap();
        records.tries.insert(row.id, (row.attempts, next));
        Ok(records.outbox.iter().any(|(id, _)| *id == row.id))
    }

    async fn parked(&self, row: &OutboxRow, now: DateTime<Utc>, _reason: &str) -> Result<bool, StoreError> {
        self.delivered(row, now).await
    }

    async fn given_up(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn undelivered(&self) -> Result<u64, StoreError> {
        Ok(self.records.lock().unwrap().outbox.len() as u64)
    }
}

#[async_trait]
impl Store for FakeStore {
    async fn act(&self, effect: &EffectId, fence: &Fence, action: Action) -> Result<Value, StoreError> {
        let books = matches!(action, Action::Book { .. });
        if books {
            self.bookings.push(effect.tool_call_id.clone());
            self.passes(Asked::Booking(&effect.tool_call_id)).await?;
            let takes = self.records.lock().unwrap().booking_takes;
            tokio::time::sleep(takes).await;
        }
        let done = self.records.lock().unwrap().act(effect, fence, action);
        if let Some(gate) = self.gate.as_ref().filter(|_| books) {
            gate.booked(done.is_ok()).await;
        }
        done
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A cache that forgets nothing by itself.
#[derive(Default)]
pub(crate) struct FakeCache {
    pub(crate) values: Mutex<HashMap<String, Bytes>>,
    /// What was done, such as `put otto:session:CA1`.
    pub(crate) done: Log<String>,
}

#[async_trait]
impl Cache for FakeCache {
    async fn get(&self, key: &str) -> Option<Bytes> {
        self.values.lock().unwrap().get(key).cloned()
    }

    async fn put(&self, key: &str, value: Bytes, _ttl: Duration) -> bool {
        self.values.lock().unwrap().insert(key.into(), value);
        self.done.push(format!("put {key}"));
        true
    }

    async fn put_new(&self, key: &str, value: Bytes, ttl: Duration) -> bool {
        let is_new = self.get(key).await.is_none();
        is_new && self.put(key, value, ttl).await
    }

    async fn put_all(&self, keys: &[String], value: Bytes, ttl: Duration) -> bool {
        for key in keys {
            self.put(key, value.clone(), ttl).await;
        }
        true
    }

    async fn remove(&self, key: &str) {
        self.values.lock().unwrap().remove(key);
        self.done.push(format!("remove {key}"));
    }

    async fn ping(&self) -> bool {
        true
    }
}
