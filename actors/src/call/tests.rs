//! Whole calls on fakes, in simulated time.

mod crashes;
mod endings;
mod faults;
mod interleavings;
mod interruptions;
mod leftovers;
mod outbound;
mod pickup;
mod storms;
mod turn_taking;
mod voices;

use crate::domain::PhoneNumber;
use crate::ports::{MediaEvent, Message};
use crate::registry::StreamEnd;
use crate::testing::model::{FakeModel, Piece, call, text};
use crate::testing::ms;
use crate::testing::phone::Phone;
use crate::testing::store::{FakeStore, KNOWN_PHONE};
use crate::testing::world::World;

const STRANGER: &str = "+15555550102";
const KNOWN_GREETING: &str = "Hi Maria, this is Otto from Otto's Auto. How can I help you today?";
const GREETING: &str = "Thanks for calling Otto's Auto, this is Otto. How can I help you today?";

/// The rest of a call after its last answer: the caller says goodbye, Otto hangs up, nothing is left.
async fn takes_its_leave(world: World, phone: &Phone) -> std::sync::Arc<FakeStore> {
    world.stt.says("bye").await;
    phone.hears("Have a nice day.").await;
    phone.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::HangUp);
    world.leaves_nothing().await
}

#[tokio::test(start_paused = true)]
async fn a_known_caller_books_and_takes_leave() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("please book it").await;
    phone.hears("You are booked for Tuesday at ten. What else?").await;
    let store = takes_its_leave(world, &phone).await;
    let booked: Vec<_> = store.appointments().iter().map(|a| (a.customer.0, a.starts_at.to_rfc3339())).collect();
    assert_eq!(booked, [(1, "2026-11-24T16:00:00+00:00".to_owned())]);
    let ended: Vec<_> = store.ended.all().into_iter().map(|(_, end)| (end.outcome, end.turns)).collect();
    assert_eq!(ended, [("hangup_by_otto", 2)]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_caller_books_and_is_put_on_file() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(STRANGER).await;
    phone.hears(GREETING).await;
    world.stt.says("please book it").await;
    phone.hears("You are booked for Tuesday at ten. What else?").await;
    let store = takes_its_leave(world, &phone).await;
    let customers = store.records.lock().unwrap().customers.clone();
    assert_eq!(customers.last().map(|c| (c.name.as_str(), c.phone.as_e164())), Some(("Ann Lee", STRANGER)));
    assert_eq!(store.appointments()[0].customer, customers[1].id);
}

#[tokio::test(start_paused = true)]
async fn a_withheld_number_cannot_book() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial("anonymous").await;
    phone.hears(GREETING).await;
    world.stt.says("please book it").await;
    phone.hears("That did not work.").await;
    let store = takes_its_leave(world, &phone).await;
    assert!(store.appointments().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_greeting_does_not_wait_for_a_slow_look_up() {
    let store = FakeStore::default();
    store.change(|records| records.lookup_takes = ms(2_000));
    let world = World::with(FakeModel::receptionist(), store).await;
    let begun = tokio::time::Instant::now();
    let phone = world.dial(KNOWN_PHONE).await;
    phone.gets("Thanks for").await;
    assert!(begun.elapsed() < ms(600), "{:?}", begun.elapsed());
    phone.hears(GREETING).await;
    // The booking is for the customer all the same.
    world.stt.says("please book it").await;
    phone.hears("What else?").await;
    let store = takes_its_leave(world, &phone).await;
    assert_eq!(store.appointments()[0].customer.0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_tool_gets_a_filler() {
    let store = FakeStore::default();
    store.change(|records| records.booking_takes = ms(3_000));
    let world = World::with(FakeModel::receptionist(), store).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("please book it").await;
    phone.hears("One moment, please.You are booked for Tuesday at ten. What else?").await;
    takes_its_leave(world, &phone).await;
}

/// Asks for the same message twice, as a model does that has heard nothing of the first one.
fn note_taker(history: &[Message]) -> Vec<Piece> {
    const NOTE: &str = r#"{"message":"The key is in the box.","caller_name":null,"call_back_number":null}"#;
    match history.last() {
        Some(Message::User(said)) if said.contains("bye") => {
            vec![text("Have a nice day. "), call("call_end", "end_call", r#"{"reason":"done"}"#)]
        }
        Some(Message::User(_)) => vec![call("call_1", "take_message", NOTE)],
        Some(Message::Tool { tool_call_id, .. }) if tool_call_id == "call_1" => {
            vec![call("call_2", "take_message", NOTE)]
        }
        _ => vec![text("I have noted it.")],
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_model_asks_for_again_happens_once() {
    let world = World::new(FakeModel::thinking(|request| note_taker(&request.history))).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("please take a message").await;
    phone.hears("I have noted it.").await;
    let store = takes_its_leave(world, &phone).await;
    assert_eq!(store.records.lock().unwrap().messages.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn keys_are_words() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(STRANGER).await;
    phone.hears(GREETING).await;
    "12#".chars().for_each(|key| phone.sends(MediaEvent::Dtmf(key)));
    phone.hears("You said (keys pressed: 12), and").await;
    phone.hears("It has an end.").await;
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_on_without_speech_to_text_and_text_to_speech_for_a_while() {
    let world = World::new(FakeModel::receptionist()).await;
    world.tts.faults.lock().unwrap().refusals.extend(vec![crate::testing::passing(); 3]);
    world.stt.refusals.lock().unwrap().extend(vec![crate::testing::passing(); 3]);
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.breaks(crate::testing::passing()).await;
    world.tts.faults.lock().unwrap().break_after_chunks = Some(2);
    world.stt.says("please book it").await;
    phone.hears("What else?").await;
    let store = takes_its_leave(world, &phone).await;
    assert_eq!(store.appointments().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_session_is_in_the_cache_while_the_call_lives() {
    let world = World::new(FakeModel::receptionist()).await;
    let cache = world.cache.clone();
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    cache.done.until("a snapshot", |done| done.iter().any(|d| d == "put otto:session:CA1")).await;
    takes_its_leave(world, &phone).await;
    assert!(cache.values.lock().unwrap().is_empty(), "{:?}", cache.done.all());
}

#[tokio::test(start_paused = true)]
async fn the_journal_tells_the_call_in_order() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("please book it").await;
    phone.hears("What else?").await;
    let store = takes_its_leave(world, &phone).await;
    let rows: Vec<_> = store.batches.all().concat();
    assert_eq!(rows.iter().map(|r| r.seq).collect::<Vec<_>>(), (1..=rows.len() as u64).collect::<Vec<_>>());
    let kinds: Vec<_> = rows.iter().map(|r| r.kind).filter(|k| *k != "turn_timed").collect();
    assert_eq!(
        kinds,
        [
            "started",
            "stream_started",
            "greeted",
            "otto_said",
            "caller_said",
            "tool_called",
            "tool_returned",
            "otto_said",
            "caller_said",
            "tool_called",
            "tool_returned",
            "otto_said",
            "ended"
        ]
    );
}
