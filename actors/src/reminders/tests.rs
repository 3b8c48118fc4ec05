//! The ReminderSchedulerActor: what it decides, and what it does with the records, Twilio and the lines.

mod decisions;
mod evening;
mod trouble;

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep};

use super::*;
use crate::actor;
use crate::domain::{
    Appointment, AppointmentId, BayId, CallSid, Customer, CustomerId, PhoneNumber, Reminder, ReminderKind,
    ReminderStatus,
};
use crate::testing::FakeClock;
use crate::testing::store::FakeStore;
use crate::testing::telephony::FakeTelephony;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn phone(n: i64) -> PhoneNumber {
    PhoneNumber::parse(&format!("+1555555{n:04}")).unwrap()
}

fn sid(n: u32) -> CallSid {
    CallSid::parse(&format!("CA{n:032}")).unwrap()
}

/// A row as it is after its first attempt began, on the evening of a Monday.
fn row(status: ReminderStatus) -> Reminder {
    let begun = utc("2026-11-24T00:00:00Z");
    Reminder {
        id: ReminderId(1),
        kind: ReminderKind::Evening,
        appointment: Some(AppointmentId(1)),
        customer: Some(CustomerId(1)),
        phone: phone(1),
        about: None,
        due_at: begun,
        until: utc("2026-11-24T02:00:00Z"),
        status,
        attempts: 1,
        failures: 0,
        next_at: begun,
        dialled_at: Some(begun),
        call: None,
        outcome: None,
        reason: None,
    }
}

/// Lines that a test frees and takes.
struct FakeLines(Mutex<OpenLines>);

#[async_trait]
impl Lines for FakeLines {
    async fn open(&self) -> OpenLines {
        *self.0.lock().unwrap()
    }
}

/// A scheduler, its records and the telephone company.
struct Bench {
    store: Arc<FakeStore>,
    telephony: Arc<FakeTelephony>,
    lines: Arc<FakeLines>,
    args: RemindersArgs,
    began: Instant,
}

impl Bench {
    /// A shop with so many customers who agreed to be called, each with an appointment on Tuesday at nine.
    fn new(now: &str, customers: i64) -> Self {
        Self::with(now, customers, FakeTelephony::dialling(), Shop::default())
    }

    fn with(now: &str, customers: i64, telephony: FakeTelephony, shop: Shop) -> Self {
        let (store, telephony) = (Arc::<FakeStore>::default(), Arc::new(telephony));
        let who = |n| Customer { reminder_consent: Some(true), ..Customer::new(CustomerId(n), "A customer", phone(n)) };
        let when = utc("2026-11-24T15:00:00Z");
        let appointment = |n| Appointment::new(AppointmentId(n), CustomerId(n), "Oil change", when, 60, BayId(n));
        store.change(|records| {
            records.customers = (1..=customers).map(who).collect();
            records.appointments = (1..=customers).map(appointment).collect();
        });
        let lines = Arc::new(FakeLines(Mutex::new(OpenLines { free: 10, all: 10 })));
        let args = RemindersArgs {
            store: store.clone(),
            telephony: Some(telephony.clone()),
            lines: lines.clone(),
            shop: Arc::new(shop),
            clock: Arc::new(FakeClock::at(now)),
        };
        Self { store, telephony, lines, args, began: Instant::now() }
    }

    async fn start(&self) -> Mailbox<RemindersMsg> {
        actor::spawn(ReminderSchedulerActor, self.args.clone(), None).await.unwrap()
    }

    /// Waits until so many calls were to be placed, and says when each was, in seconds from the start.
    async fn dialled(&self, count: usize) -> Vec<u64> {
        self.telephony.dialled.until("calls", |all| all.len() >= count).await;
        self.times()
    }

    fn times(&self) -> Vec<u64> {
        self.telephony.dialled.all().iter().map(|(_, at)| (*at - self.began).as_secs()).collect()
    }

    fn rows(&self) -> Vec<Reminder> {
        self.store.reminders()
    }

    fn row(&self) -> Reminder {
        self.rows().remove(0)
    }

    /// Lets so much time pass, in which the actor does what is due.
    async fn pass(&self, time: Duration) {
        sleep(time).await;
    }
}

fn progress(call: u32, status: CallStatus) -> CallProgress {
    let at = utc("2026-11-24T00:00:30Z");
    CallProgress { call: sid(call), status: Some(status), answered_by: None, duration_s: None, outbound: true, at }
}

/// Twilio's word of a row's call.
fn word(reminder: i64, attempt: u32, call: u32, status: CallStatus) -> RemindersMsg {
    RemindersMsg::CallStatus { reminder: ReminderId(reminder), attempt, progress: progress(call, status) }
}
