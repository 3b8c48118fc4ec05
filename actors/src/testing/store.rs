//! Records, cache and telephony in memory, with the rules of the real ones: one booking a bay and time, one effect an
//! identity, nothing behind a closed fence.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::log::Log;
use crate::domain::{
    Appointment, AppointmentId, AppointmentStatus, BayId, BookedTime, CallSid, Customer, CustomerId, PhoneNumber,
    Vehicle, VehicleId,
};
use crate::effects::{EffectId, Fence};
use crate::ports::{
    Booking, BookingCustomer, Cache, CallEnd, CallRecord, JournalRow, Render, Store, StoreError, StreamEnd, Telephony,
    VendorError,
};

/// How the store behaves.
#[derive(Default)]
pub(crate) struct Records {
    pub(crate) customers: Vec<Customer>,
    pub(crate) vehicles: Vec<Vehicle>,
    pub(crate) appointments: Vec<Appointment>,
    pub(crate) effects: HashMap<EffectId, Value>,
    pub(crate) bays: i64,
    /// Each booking takes this long before it is committed.
    pub(crate) booking_takes: Duration,
    /// Each look-up of a customer takes this long.
    pub(crate) lookup_takes: Duration,
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
}

pub(crate) const KNOWN_PHONE: &str = "+15555550101";

/// A customer on file.
pub(crate) fn maria() -> Customer {
    Customer {
        id: CustomerId(1),
        name: "Maria Lopez".into(),
        phone: PhoneNumber::parse(KNOWN_PHONE).unwrap(),
        email: None,
        birth_date: chrono::NaiveDate::from_ymd_opt(1985, 4, 12),
        street: Some("12 Oak Street".into()),
    }
}

/// Her vehicle.
pub(crate) fn accord() -> Vehicle {
    let (make, model) = (Some("Honda".into()), Some("Accord".into()));
    let (vin, plate) = (Some("1HGCM82633A004352".into()), Some("AB 123".into()));
    Vehicle { id: VehicleId(1), customer: CustomerId(1), vin, plate, year: Some(2003), make, model }
}

impl Default for FakeStore {
    fn default() -> Self {
        let records = Records { customers: vec![maria()], vehicles: vec![accord()], bays: 1, ..Records::default() };
        let (bookings, batches, started, ended) = Default::default();
        Self { records: Mutex::new(records), bookings, batches, started, ended }
    }
}

impl FakeStore {
    pub(crate) fn change(&self, change: impl FnOnce(&mut Records)) {
        change(&mut self.records.lock().unwrap());
    }

    pub(crate) fn appointments(&self) -> Vec<Appointment> {
        self.records.lock().unwrap().appointments.clone()
    }
}

impl Records {
    fn customer(&mut self, who: BookingCustomer) -> Result<Customer, StoreError> {
        let on_file =
            |records: &Self, wanted: &dyn Fn(&Customer) -> bool| records.customers.iter().find(|c| wanted(c)).cloned();
        match who {
            BookingCustomer::OnFile(id) => on_file(self, &|c| c.id == id).ok_or(StoreError::NotFound("customer")),
            BookingCustomer::New(new) => Ok(on_file(self, &|c| c.phone == new.phone).unwrap_or_else(|| {
                let id = CustomerId(i64::try_from(self.customers.len()).unwrap() + 1);
                let (name, phone) = (new.name, new.phone);
                let customer = Customer { id, name, phone, email: None, birth_date: None, street: None };
                self.customers.push(customer.clone());
                customer
            })),
        }
    }

    fn taken(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<BookedTime> {
        let time = |a: &Appointment| BookedTime {
            bay: a.bay,
            starts_at: a.starts_at,
            ends_at: a.starts_at + chrono::Duration::minutes(i64::from(a.minutes)),
        };
        self.appointments.iter().map(time).filter(|t| t.starts_at < to && from < t.ends_at).collect()
    }

    fn commit(
        &mut self,
        effect: &EffectId,
        fence: &Fence,
        booking: Booking,
        render: &Render,
    ) -> Result<Value, StoreError> {
        if let Some(stored) = self.effects.get(effect) {
            return Ok(stored.clone());
        }
        let new = booking.appointment;
        let ends_at = new.starts_at + chrono::Duration::minutes(i64::from(new.minutes));
        let taken = self.taken(new.starts_at, ends_at);
        let free = (1..=self.bays).map(BayId).find(|bay| taken.iter().all(|t| t.bay != *bay));
        let bay = free.ok_or(StoreError::JustTaken)?;
        if !fence.is_open() {
            return Err(StoreError::Fenced);
        }
        let customer = self.customer(booking.customer)?;
        let appointment = Appointment {
            id: AppointmentId(i64::try_from(self.appointments.len()).unwrap() + 1),
            customer: customer.id,
            vehicle: new.vehicle,
            service: new.service,
            starts_at: new.starts_at,
            minutes: new.minutes,
            bay,
            status: AppointmentStatus::Scheduled,
        };
        let result = render(&appointment, &customer);
        self.appointments.push(appointment);
        self.effects.insert(effect.clone(), result.clone());
        Ok(result)
    }
}

#[async_trait]
impl Store for FakeStore {
    async fn customer_by_phone(&self, phone: &PhoneNumber) -> Result<Option<Customer>, StoreError> {
        let takes = self.records.lock().unwrap().lookup_takes;
        tokio::time::sleep(takes).await;
        Ok(self.records.lock().unwrap().customers.iter().find(|c| c.phone == *phone).cloned())
    }

    async fn vehicles_of(&self, customer: CustomerId) -> Result<Vec<Vehicle>, StoreError> {
        let records = self.records.lock().unwrap();
        Ok(records.vehicles.iter().filter(|v| v.customer == customer).cloned().collect())
    }

    async fn upcoming(&self, customer: CustomerId, from: DateTime<Utc>) -> Result<Vec<Appointment>, StoreError> {
        let coming = |a: &&Appointment| a.customer == customer && a.starts_at >= from;
        Ok(self.records.lock().unwrap().appointments.iter().filter(coming).cloned().collect())
    }

    async fn booked_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<BookedTime>, StoreError> {
        Ok(self.records.lock().unwrap().taken(from, to))
    }

    async fn bay_count(&self) -> Result<usize, StoreError> {
        Ok(usize::try_from(self.records.lock().unwrap().bays).unwrap())
    }

    async fn book(
        &self,
        effect: &EffectId,
        fence: &Fence,
        booking: Booking,
        render: Render,
    ) -> Result<Value, StoreError> {
        self.bookings.push(effect.tool_call_id.clone());
        let takes = self.records.lock().unwrap().booking_takes;
        tokio::time::sleep(takes).await;
        self.records.lock().unwrap().commit(effect, fence, booking, &render)
    }

    async fn append_events(&self, events: &[JournalRow]) -> Result<(), StoreError> {
        if let Some(error) = &self.records.lock().unwrap().journal_fails {
            return Err(error.clone());
        }
        self.batches.push(events.to_vec());
        Ok(())
    }

    async fn call_started(&self, call: &CallRecord) -> Result<(), StoreError> {
        self.started.push(call.clone());
        Ok(())
    }

    async fn call_ended(&self, call: &CallSid, end: &CallEnd) -> Result<(), StoreError> {
        self.ended.push((call.clone(), end.clone()));
        Ok(())
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

    async fn remove(&self, key: &str) {
        self.values.lock().unwrap().remove(key);
        self.done.push(format!("remove {key}"));
    }

    async fn ping(&self) -> bool {
        true
    }
}

/// Notes what it is told.
#[derive(Default)]
pub(crate) struct FakeTelephony {
    pub(crate) told: Log<String>,
    /// What every command is answered, if it is not done.
    pub(crate) refusal: Mutex<Option<VendorError>>,
}

#[async_trait]
impl Telephony for FakeTelephony {
    async fn proceed(&self, call: &CallSid, with: &StreamEnd) -> Result<(), VendorError> {
        self.told.push(format!("{call}: {with:?}"));
        self.refusal.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}
