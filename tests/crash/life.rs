//! One life of the process that is killed: callers who book, move, confirm and cancel at the same time, and the
//! CalendarActor that delivers. What the next life needs is told to the parent, line by line.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use otto::store::{Address, Records, open_store};
use otto::vendors::google::{GoogleAccess, GoogleCalendar, GoogleShop};
use otto_actors::actor;
use otto_actors::calendar::{CalendarActor, CalendarArgs, CalendarMsg, CalendarOutside};
use otto_actors::domain::{
    Appointment, AppointmentId, CallSid, Customer, CustomerId, NewAppointment, NewCustomer, PhoneNumber, Shop, TurnId,
};
use otto_actors::effects::{EffectId, Fence};
use otto_actors::limits;
use otto_actors::ports::{
    Action, AppointmentChange, AppointmentStep, Booking, BookingCustomer, Clock, StoreError, Tell,
};
use otto_sim::Seed;
use otto_sim::google_calendar::{CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Tells the process what to do.
pub(super) const PLAN_VARIABLE: &str = "OTTO_TEST_CRASH_PLAN";
/// Times that are fought for, half an hour each.
pub(super) const SLOTS: i64 = 14;
/// Longest pause of a caller between two requests.
const PAUSE_MAX_MS: u64 = 400;

/// What a life is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) database: String,
    pub(super) api: String,
    pub(super) token: String,
    pub(super) seed: u64,
    /// Which life it is.
    pub(super) number: u32,
    /// In the last life every caller finishes what they began, and everything is delivered.
    pub(super) last: bool,
    pub(super) callers: Vec<CallerState>,
}

/// How far a caller has come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct CallerState {
    /// The request that was not answered yet.
    pub(super) next: u64,
    /// Their appointment.
    pub(super) holds: Option<Held>,
}

/// An appointment as its last change left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) appointment: i64,
    pub(super) customer: i64,
    pub(super) bay: i64,
    pub(super) starts_at: DateTime<Utc>,
    pub(super) version: i64,
    pub(super) status: String,
}

/// A request was answered; without a result when the time was taken.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) caller: usize,
    pub(super) request: u64,
    pub(super) result: Option<Held>,
}

/// So far ahead that whatever an earlier life held is free, and what was put off is due.
struct LaterClock(TimeDelta);

impl Clock for LaterClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.0
    }
}

pub(super) async fn open(url: &str) -> Arc<dyn Records> {
    let address = Address { url: url.into(), read_url: None, pool: 20 };
    open_store(&address).await.expect("a database")
}

/// The identity of a request.
pub(super) fn identity(caller: usize, request: u64) -> EffectId {
    let call = CallSid::parse(&format!("CA{caller:032}")).expect("a SID");
    EffectId { call, turn: TurnId(request), tool_call_id: "call_1".into() }
}

pub(super) fn slot(n: i64) -> DateTime<Utc> {
    let first: DateTime<Utc> = "2127-03-09T15:00:00Z".parse().expect("a time");
    first + TimeDelta::minutes(30 * n)
}

fn held(appointment: &Appointment, customer: &Customer) -> Held {
    Held {
        appointment: appointment.id.0,
        customer: customer.id.0,
        bay: appointment.bay.0,
        starts_at: appointment.starts_at,
        version: appointment.version,
        status: appointment.status.as_str().into(),
    }
}

/// What a caller asks for: the same whenever the same request is made again.
fn request(seed: u64, caller: usize, state: &CallerState) -> Action {
    let mut rng = Seed(seed).rng(&format!("caller {caller} request {}", state.next));
    let render = Arc::new(|a: &Appointment, c: &Customer| json!(held(a, c)));
    let starts_at = slot(rng.random_range(0..SLOTS));
    let Some(has) = &state.holds else {
        let phone = PhoneNumber::parse(&format!("+1555555{caller:04}")).expect("a number");
        let since = slot(0).date_naive();
        let customer = BookingCustomer::New(NewCustomer { name: format!("Customer {caller}"), phone, since });
        let appointment = NewAppointment {
            customer: CustomerId(0),
            vehicle: None,
            service: "Oil change".into(),
            starts_at,
            minutes: 30,
            concerns: None,
            estimate: None,
            booked_by: "phone",
        };
        return Action::Book { booking: Booking { customer, appointment, avoid: Vec::new(), text: false }, render };
    };
    let step = match rng.random_range(0..10) {
        0..6 => AppointmentStep::Move { starts_at, avoid: Vec::new() },
        6..8 => AppointmentStep::Confirm,
        _ => AppointmentStep::Cancel { reason: None },
    };
    let (appointment, customer) = (AppointmentId(has.appointment), CustomerId(has.customer));
    Action::ChangeAppointment { change: AppointmentChange { appointment, customer, step, text: false }, render }
}

impl CallerState {
    /// What follows from an answer.
    pub(super) fn hear(&mut self, result: Option<&Held>) {
        self.next += 1;
        if let Some(held) = result {
            self.holds = Some(held.clone()).filter(|held| held.status != "cancelled");
        }
    }
}

async fn call(store: Arc<dyn Records>, plan: Arc<Plan>, caller: usize, wrote: impl Fn()) {
    let mut state = plan.callers[caller].clone();
    let mut rng = Seed(plan.seed).rng(&format!("pauses {caller} {}", plan.number));
    loop {
        let action = request(plan.seed, caller, &state);
        let result = match store.act(&identity(caller, state.next), &Fence::open(), action).await {
            Ok(result) => Some(serde_json::from_value(result).expect("an appointment")),
            Err(StoreError::JustTaken) => None,
            // The same request again, which is harmless.
            Err(StoreError::Unavailable(_) | StoreError::Contended) => continue,
            Err(error) => panic!("caller {caller}: {error}"),
        };
        wrote();
        state.hear(result.as_ref());
        let answered = Answered { caller, request: state.next - 1, result };
        println!("\nanswered {}", serde_json::to_string(&answered).expect("JSON"));
        if plan.last {
            return;
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..PAUSE_MAX_MS))).await;
    }
}

fn google(plan: &Plan, bays: Vec<(otto_actors::domain::BayId, String)>) -> GoogleCalendar {
    let access = GoogleAccess {
        client_id: CLIENT_ID.into(),
        client_secret: CLIENT_SECRET.into(),
        refresh_token: REFRESH_TOKEN.into(),
        api_url: plan.api.parse().expect("a URL"),
        token_url: plan.token.parse().expect("a URL"),
    };
    let shop = GoogleShop { bays, zone: chrono_tz::America::Chicago, address: "123 Main Street, Springfield".into() };
    GoogleCalendar::new(access, shop, None).expect("TLS")
}

/// Not a test of its own: what the process does that the tests kill.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the process that is killed, which the tests start"]
async fn one_life() {
    let Ok(plan) = std::env::var(PLAN_VARIABLE) else { return };
    let plan: Arc<Plan> = Arc::new(serde_json::from_str(&plan).expect("a plan"));
    let store = open(&plan.database).await;
    let bays = store.bays().await.expect("the bays");
    let bays = bays.into_iter().filter_map(|bay| Some((bay.id, bay.calendar?))).collect();
    let lives = plan.number + if plan.last { 100 } else { 1 };
    let lease = TimeDelta::from_std(limits::OUTBOX_LEASE_MS).expect("a time") + TimeDelta::seconds(1);
    let args = CalendarArgs {
        store: store.clone(),
        shop: Arc::new(Shop::default()),
        clock: Arc::new(LaterClock(lease * i32::try_from(lives).expect("few"))),
        outside: Some(CalendarOutside {
            calendar: Arc::new(google(&plan, bays)),
            records: store.clone(),
            tell: Tell::Nothing,
        }),
    };
    let calendar = actor::spawn(CalendarActor, args, None).await.expect("the actor");
    let callers = (0..plan.callers.len()).map(|caller| {
        let calendar = calendar.clone();
        let wrote = move || calendar.cast(CalendarMsg::OutboxFilled).expect("the actor lives");
        tokio::spawn(call(store.clone(), plan.clone(), caller, wrote))
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("no panic");
    }
    while store.undelivered().await != Ok(0) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("\ndelivered");
}
