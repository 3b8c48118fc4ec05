//! Writes one after the other, reads beside them, every question answered.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::*;
use crate::actor::{self, AskError};
use crate::domain::{NewAppointment, TurnId};
use crate::effects::TurnClock;
use crate::ports::{Booking, BookingCustomer};
use crate::testing::ms;
use crate::testing::store::{Asked, FakeStore, Gate, KNOWN_PHONE};
use crate::testing::world::sid;

async fn crm(booking_ms: u64) -> (Mailbox<CrmMsg>, Arc<FakeStore>) {
    crm_on(FakeStore::default(), booking_ms).await
}

async fn crm_on(store: FakeStore, booking_ms: u64) -> (Mailbox<CrmMsg>, Arc<FakeStore>) {
    let store = Arc::new(store);
    store.change(|records| records.booking_takes = ms(booking_ms));
    (actor::spawn(CrmActor, store.clone() as Arc<dyn Store>, None).await.unwrap(), store)
}

fn write(id: &str, hour: u32, fence: Fence) -> Write {
    let appointment = NewAppointment {
        customer: CustomerId(1),
        vehicle: None,
        service: "Oil change".into(),
        starts_at: format!("2026-11-24T{hour:02}:00:00Z").parse().unwrap(),
        minutes: 30,
        concerns: None,
        estimate: None,
        booked_by: "phone",
    };
    Write {
        effect: EffectId { call: sid(1), turn: TurnId(1), tool_call_id: id.into() },
        fence,
        action: Action::Book {
            booking: Booking {
                customer: BookingCustomer::OnFile(CustomerId(1)),
                appointment,
                avoid: Vec::new(),
                text: false,
            },
            render: Arc::new(|a: &Appointment, _: &Customer| serde_json::json!({ "id": a.id })),
        },
    }
}

async fn book(crm: &Mailbox<CrmMsg>, write: Write) -> Result<Value, StoreError> {
    crm.ask(ms(60_000), |reply_to| CrmMsg::Act { write: Box::new(write), reply_to }).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn bookings_are_made_one_after_the_other_in_the_order_in_which_they_came() {
    let (crm, store) = crm(100).await;
    let begun = tokio::time::Instant::now();
    let ids: Vec<String> = (0..5).map(|n| format!("call_{n}")).collect();
    let bookings = ids.iter().zip(15..).map(|(id, hour)| book(&crm, write(id, hour, Fence::open())));
    let results = futures_util::future::join_all(bookings).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(store.bookings.all(), ids);
    assert!(begun.elapsed() >= ms(500), "one at a time: {:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn of_two_that_want_one_time_the_first_gets_it() {
    let (crm, store) = crm(10).await;
    let (first, second) =
        tokio::join!(book(&crm, write("a", 15, Fence::open())), book(&crm, write("b", 15, Fence::open())));
    assert!(first.is_ok());
    assert_eq!(second, Err(StoreError::JustTaken));
    assert_eq!(store.appointments().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fence_that_closes_while_the_booking_waits_stops_it() {
    let (crm, store) = crm(100).await;
    let turns = TurnClock::at(TurnId(1));
    let fence = turns.fence(TurnId(1));
    let (first, second, ()) =
        tokio::join!(book(&crm, write("a", 15, Fence::open())), book(&crm, write("b", 16, fence)), async {
            tokio::time::sleep(ms(50)).await;
            turns.advance_to(TurnId(2));
        });
    assert!(first.is_ok());
    assert_eq!(second, Err(StoreError::Fenced));
    assert_eq!(store.appointments().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn reads_do_not_wait_for_writes_nor_for_each_other() {
    let (crm, store) = crm(5_000).await;
    store.change(|records| records.lookup_takes = ms(100));
    let writing = crm.clone();
    let writing = tokio::spawn(async move { book(&writing, write("a", 15, Fence::open())).await });
    tokio::task::yield_now().await;
    let begun = tokio::time::Instant::now();
    let phone = PhoneNumber::parse(KNOWN_PHONE).unwrap();
    let find = || crm.ask(ms(1_000), |reply_to| CrmMsg::FindByPhone { phone: phone.clone(), reply_to });
    let found = futures_util::future::join_all((0..limits::CONCURRENT_READS).map(|_| find())).await;
    assert!(found.into_iter().all(|f| f.unwrap().unwrap().customer.is_some()));
    assert!(begun.elapsed() < ms(200), "{:?}", begun.elapsed());
    assert!(writing.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn too_many_bookings_are_refused_at_once() {
    let (crm, _) = crm(1_000).await;
    let count = limits::WAITING_WRITES + 10;
    let bookings = (0..count).map(|n| {
        let write = write(&format!("call_{n}"), 15, Fence::open());
        let ask = |reply_to| CrmMsg::Act { write: Box::new(write), reply_to };
        let crm = &crm;
        async move { crm.ask(ms(500), ask).await }
    });
    let results = futures_util::future::join_all(bookings).await;
    let refused = results.iter().filter(|r| matches!(r, Ok(Err(StoreError::Unavailable(_))))).count();
    assert!((9..=10).contains(&refused), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_hangs_keeps_no_other_from_its_turn() {
    let (crm, store) = crm(3_600_000).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(book(&crm, write("a", 15, Fence::open())).await, Err(StoreError::UnknownOutcome));
    assert_eq!(begun.elapsed(), limits::STORE_WRITE_TIMEOUT_MS, "before its asker gives up");
    store.change(|records| records.booking_takes = ms(0));
    assert!(book(&crm, write("b", 16, Fence::open())).await.is_ok());
    assert_eq!(store.appointments().len(), 1);
}

/// Lets the first booking hang when it is made already, and one of this name panic before.
#[derive(Default)]
struct Fate(AtomicBool);

#[async_trait]
impl Gate for Fate {
    async fn before(&self, asked: Asked<'_>) -> Result<(), StoreError> {
        assert!(asked != Asked::Booking("panics"), "scripted");
        Ok(())
    }

    async fn booked(&self, _done: bool) {
        if !self.0.swap(true, Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}

async fn fateful() -> (Mailbox<CrmMsg>, Arc<FakeStore>) {
    crm_on(FakeStore { gate: Some(Arc::new(Fate::default())), ..FakeStore::default() }, 0).await
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_given_up_and_made_all_the_same_is_found_by_its_identity() {
    let (crm, store) = fateful().await;
    assert_eq!(book(&crm, write("a", 15, Fence::open())).await, Err(StoreError::UnknownOutcome));
    let made = store.appointments();
    assert_eq!(book(&crm, write("a", 15, Fence::open())).await, Ok(serde_json::json!({ "id": made[0].id })));
    assert_eq!(store.appointments(), made, "it is made once");
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_one_write_alone() {
    let (crm, store) = fateful().await;
    assert_eq!(book(&crm, write("hangs", 14, Fence::open())).await, Err(StoreError::UnknownOutcome));
    let ask = |id: &str, hour| {
        let write = Box::new(write(id, hour, Fence::open()));
        crm.ask(ms(60_000), |reply_to| CrmMsg::Act { write, reply_to })
    };
    let (bad, good) = tokio::join!(ask("panics", 15), ask("a", 16));
    assert_eq!((bad, good.map(|done| done.is_ok())), (Err(AskError::Lost), Ok(true)));
    assert_eq!(store.appointments().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_actor_whose_writes_nobody_takes_fails() {
    let (writes, _) = mpsc::channel(1);
    let readers = Arc::new(Semaphore::new(1));
    let state = CrmState { store: Arc::<FakeStore>::default(), readers, writes, tasks: TaskScope::root() };
    let (reply_to, answer) = ReplyTo::test();
    assert!(state.act(Box::new(write("a", 15, Fence::open())), reply_to).is_err());
    assert!(answer.await.is_err(), "whoever asks hears at once that there will be no answer");
}

#[tokio::test(start_paused = true)]
async fn every_question_has_its_answer() {
    let (crm, _) = crm(0).await;
    let vehicles = crm.ask(ms(100), |reply_to| CrmMsg::Vehicles { customer: CustomerId(1), reply_to }).await;
    assert_eq!(vehicles.unwrap().unwrap().len(), 1);
    book(&crm, write("a", 15, Fence::open())).await.unwrap();
    let upcoming = |from: &str| {
        let from = from.parse().unwrap();
        crm.ask(ms(100), move |reply_to| CrmMsg::Upcoming { customer: CustomerId(1), from, reply_to })
    };
    assert_eq!(upcoming("2026-11-24T15:00:00Z").await.unwrap().unwrap().len(), 1);
    assert_eq!(upcoming("2026-11-24T15:00:01Z").await.unwrap().unwrap().len(), 0);
}
