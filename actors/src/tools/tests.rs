//! What the model may ask for: schemas, arguments, and who may do what.

mod access;
mod arguments;
mod calling;
mod changes;
mod customers;
mod hostile;
mod schemas;

use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::address::Address;
use crate::domain::{PhoneNumber, TurnId};
use crate::effects::{EffectId, TurnClock};
use crate::ports::{Clock, ToolCall};
use crate::testing::FakeClock;
use crate::testing::model::FakeModel;
use crate::testing::store::{FakeStore, KNOWN_PHONE, accord, maria};
use crate::testing::world::{World, sid};
use crate::turn::EndKind;

/// A call's tools under a running root.
struct Bench {
    world: World,
    router: ToolRouter,
    turns: TurnClock,
    identity: Identity,
    calls: u32,
}

impl Bench {
    async fn for_caller(identity: Identity) -> Self {
        Self::with(identity, FakeStore::default()).await
    }

    async fn with(identity: Identity, store: FakeStore) -> Self {
        let world = World::with(FakeModel::receptionist(), store).await;
        let clock: Arc<dyn Clock> = Arc::new(FakeClock::monday_morning());
        let (crm, calendar) = (world.addresses.crm.clone(), world.addresses.calendar.clone());
        let shop = Arc::new(crate::domain::Shop::default());
        let router = ToolRouter {
            crm,
            calendar,
            notifier: Address::default(),
            vins: None,
            shop,
            clock,
            can_transfer: true,
            can_dial: true,
            sends_texts: false,
        };
        Self { world, router, turns: TurnClock::at(TurnId(1)), identity, calls: 0 }
    }

    async fn known() -> Self {
        Self::for_caller(known()).await
    }

    /// Nothing on file has changed since the beginning.
    fn unchanged(&self) {
        self.world.store.change(|now| {
            let begun = FakeStore::default();
            begun.change(|then| {
                assert_eq!((&now.customers, &now.vehicles), (&then.customers, &then.vehicles));
                assert_eq!((now.appointments.len(), now.messages.len(), now.outbox.len()), (0, 0, 0));
            });
        });
    }

    /// Verifies the caller, who is Maria.
    async fn verified(mut self) -> Self {
        let right = r#"{"fact":"date_of_birth","value":"1985-04-12"}"#;
        assert_eq!(self.error("verify_identity", right).await, "ok");
        self
    }

    fn job(&mut self, name: &str, arguments: &str) -> ToolJob {
        self.calls += 1;
        let (name, arguments) = (name.to_owned(), arguments.to_owned());
        let call = ToolCall { id: format!("call_{}", self.calls), name, arguments };
        let turn = self.turns.current();
        let effect = EffectId { call: sid(1), turn, tool_call_id: call.id.clone() };
        ToolJob { effect, fence: self.turns.fence(turn), call }
    }

    async fn run(&mut self, name: &str, arguments: &str) -> ToolOutcome {
        let job = self.job(name, arguments);
        self.run_job(job).await
    }

    /// As the call does it.
    async fn run_job(&mut self, job: ToolJob) -> ToolOutcome {
        let admitted = ToolRouter::admit(&job.call, &mut self.identity);
        let outcome = self.router.run(job, admitted).await;
        if let Some(learned) = outcome.learned.clone() {
            self.identity.learn(learned);
        }
        outcome
    }

    /// The result, which has one of two shapes.
    async fn result(&mut self, name: &str, arguments: &str) -> Value {
        let outcome = self.run(name, arguments).await;
        let result: Value = serde_json::from_str(&outcome.content).unwrap();
        let fields = result.as_object().unwrap();
        let has = |field: &str| fields.get(field).is_some_and(|f| !f.is_null());
        assert!(fields["message"].is_string() && fields.len() == 3, "{result}");
        assert!(if fields["success"] == true { has("data") } else { has("error") }, "{result}");
        result
    }

    /// The error by its name, or `ok`.
    async fn error(&mut self, name: &str, arguments: &str) -> String {
        let result = self.result(name, arguments).await;
        result["error"].as_str().unwrap_or("ok").to_owned()
    }
}

fn known() -> Identity {
    let mut identity = Identity::of(PhoneNumber::parse(KNOWN_PHONE).ok());
    identity.customer = Some(maria());
    identity
}

fn unknown() -> Identity {
    Identity::of(PhoneNumber::parse("+15555550102").ok())
}

const BOOK: &str =
    r#"{"service_type":"Oil change","date":"2026-11-24","time":"10:00","customer_name":null,"concerns":null}"#;

fn book(field: &str, value: Value) -> String {
    let mut arguments: Value = serde_json::from_str(BOOK).unwrap();
    arguments[field] = value;
    arguments.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_booking_happens_once_and_says_what_was_booked() {
    let mut bench = Bench::known().await;
    let job = || bench.turns.fence(TurnId(1));
    let fence = job();
    let effect = EffectId { call: sid(1), turn: TurnId(1), tool_call_id: "same".into() };
    let mut results = Vec::new();
    for _ in 0..3 {
        let call = ToolCall { id: "same".into(), name: "book_appointment".into(), arguments: BOOK.into() };
        let job = ToolJob { effect: effect.clone(), fence: fence.clone(), call };
        results.push(bench.run_job(job).await.content);
    }
    assert_eq!(results.iter().collect::<std::collections::HashSet<_>>().len(), 1);
    assert!(results[0].contains("Tuesday, November 24 at 10 AM"), "{}", results[0]);
    assert_eq!(bench.world.store.appointments().len(), 1);
    assert_eq!(bench.error("book_appointment", BOOK).await, "just_taken");
}

#[tokio::test(start_paused = true)]
async fn the_loser_of_a_slot_hears_of_the_next_ones() {
    let mut bench = Bench::known().await;
    bench.run("book_appointment", BOOK).await;
    let result = bench.result("book_appointment", BOOK).await;
    let message = result["message"].as_str().unwrap();
    assert!(message.contains("2026-11-24 09:00") && !message.contains("2026-11-24 10:00"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn free_times_are_those_that_can_be_booked() {
    let mut bench = Bench::known().await;
    let ask = r#"{"service_type":"brake SERVICE","date":"2026-11-24"}"#;
    let slots = |result: &Value| result["data"]["slots"].as_array().unwrap().clone();
    // Two hours, not over lunch.
    assert_eq!(
        slots(&bench.result("get_available_slots", ask).await),
        ["09:00", "09:30", "10:00", "13:00", "13:30", "14:00", "14:30", "15:00"]
    );
    bench.run("book_appointment", BOOK).await;
    assert_eq!(slots(&bench.result("get_available_slots", ask).await), ["13:00", "13:30", "14:00", "14:30", "15:00"]);
}

#[tokio::test(start_paused = true)]
async fn ends_are_wishes_of_a_turn_that_may_still_act() {
    let mut bench = Bench::known().await;
    let reason = r#"{"reason":"done"}"#;
    assert_eq!(bench.run("end_call", reason).await.end, Some(EndKind::HangUp));
    assert_eq!(bench.run("transfer_to_human", reason).await.end, Some(EndKind::Transfer));
    let job = bench.job("end_call", reason);
    bench.turns.advance_to(TurnId(2));
    let outcome = bench.run_job(job).await;
    assert_eq!(outcome.end, None);
    assert!(outcome.content.contains("interrupted"));
    bench.router.can_transfer = false;
    assert_eq!(bench.error("transfer_to_human", reason).await, "nobody_there");
}

#[tokio::test(start_paused = true)]
async fn what_was_booked_is_told_to_a_turn_that_is_over() {
    // As a turn that is started again asks for the results that its predecessor took with it.
    let mut bench = Bench::known().await;
    bench.calls = 6;
    bench.run("book_appointment", BOOK).await;
    bench.calls = 6;
    let again = bench.job("book_appointment", BOOK);
    bench.calls = 7;
    let never = bench.job("book_appointment", &book("time", "11:00".into()));
    bench.turns.advance_to(TurnId(2));
    for (job, expected) in [(again, "appointment_id"), (never, "interrupted")] {
        let outcome = bench.run_job(job).await;
        assert!(outcome.content.contains(expected), "{}", outcome.content);
    }
    assert_eq!(bench.world.store.appointments().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_an_unknown_outcome_and_one_that_is_away_is_said() {
    let store = FakeStore::default();
    store.change(|records| records.booking_takes = std::time::Duration::from_secs(3_600));
    let mut bench = Bench::with(known(), store).await;
    assert_eq!(bench.error("book_appointment", BOOK).await, "unknown_outcome");
    bench.router.crm.set(None);
    assert_eq!(bench.error("book_appointment", BOOK).await, "unavailable");
}
