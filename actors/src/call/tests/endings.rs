//! How calls end.

use super::*;
use crate::domain::CallSid;
use crate::registry::{AfterStream, CallProgress, Calls};
use crate::testing::world::{COLLEAGUE, sid};

async fn outcome(world: World) -> &'static str {
    let store = world.leaves_nothing().await;
    let ended = store.ended.all();
    assert_eq!(ended.len(), 1, "one end of one call");
    ended[0].1.outcome
}

#[tokio::test(start_paused = true)]
async fn the_caller_hangs_up() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears("Hi Maria").await;
    phone.hangs_up();
    phone.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::Apologise);
    assert_eq!(outcome(world).await, "hangup_by_caller");
}

#[tokio::test(start_paused = true)]
async fn the_caller_hangs_up_while_a_tool_runs() {
    let store = FakeStore::default();
    store.change(|records| records.booking_takes = ms(1_000));
    let world = World::with(FakeModel::receptionist(), store).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("please book it").await;
    world.store.bookings.until("the tool runs", |all| !all.is_empty()).await;
    phone.hangs_up();
    phone.is_closed().await;
    world.verdict().await;
    // The booking was under way in the CrmActor, which goes on.
    tokio::time::sleep(ms(2_000)).await;
    let store = world.leaves_nothing().await;
    // Nobody heard that it was booked, and nothing may act for a call that is over.
    assert_eq!(store.appointments(), []);
}

#[tokio::test(start_paused = true)]
async fn the_connection_is_lost() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears("from Otto's Auto. ").await;
    phone.loses_connection();
    phone.is_closed().await;
    let next = world.rejoin().await;
    next.hears("How can I help you today?").await;
    assert!(!next.heard().contains("Maria"), "what was heard is not said again: {:?}", next.heard());
    world.stt.says("bye").await;
    next.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::HangUp);
    assert_eq!(outcome(world).await, "hangup_by_otto");
}

#[tokio::test(start_paused = true)]
async fn the_connection_is_lost_while_otto_thinks_and_twilio_sees_it_first() {
    let store = FakeStore::default();
    store.change(|records| records.booking_takes = ms(1_000));
    let world = World::with(FakeModel::receptionist(), store).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("please book it").await;
    world.store.bookings.until("the tool runs", |all| !all.is_empty()).await;
    let next = world.rejoin().await;
    phone.is_closed().await;
    next.hears("You are booked").await;
    next.hangs_up();
    next.is_closed().await;
    let store = world.leaves_nothing().await;
    assert_eq!((store.appointments().len(), store.ended.all()[0].1.outcome), (1, "hangup_by_caller"));
}

#[tokio::test(start_paused = true)]
async fn the_connection_is_lost_while_the_legs_on_it_die() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears("from Otto's Auto. ").await;
    for leg in crate::names::Leg::ALL {
        world.crash(leg);
    }
    let next = world.rejoin().await;
    phone.is_closed().await;
    next.hears("How can I help you today?").await;
    world.stt.says("please book it").await;
    next.hears("You are booked").await;
    world.stt.says("bye").await;
    next.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::HangUp);
    let store = world.leaves_nothing().await;
    assert_eq!((store.appointments().len(), store.ended.all()[0].1.outcome), (1, "hangup_by_otto"));
}

#[tokio::test(start_paused = true)]
async fn the_connection_is_lost_again_and_again() {
    let world = World::new(FakeModel::receptionist()).await;
    let mut phone = world.dial(KNOWN_PHONE).await;
    for _ in 0..crate::limits::STREAM_LOSSES {
        phone.gets("How can I help").await;
        phone.loses_connection();
        phone.is_closed().await;
        phone = world.rejoin().await;
    }
    phone.gets("How can I help").await;
    phone.loses_connection();
    phone.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::Apologise);
    assert_eq!(outcome(world).await, "stream_lost");
}

#[tokio::test(start_paused = true)]
async fn the_connection_is_lost_and_nobody_comes_back() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears("Hi Maria").await;
    phone.loses_connection();
    phone.is_closed().await;
    assert_eq!(outcome(world).await, "stream_lost");
}

#[tokio::test(start_paused = true)]
async fn the_process_ends_before_the_call() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears("Hi Maria").await;
    assert!(!world.calls.drain(ms(100)).await);
    world.calls.end_all();
    phone.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::Apologise);
    let store = world.leaves_nothing().await;
    let (_, end) = &store.ended.all()[0];
    assert_eq!(end.outcome, "shut_down");
    assert!(end.transcript.contains("Hi Maria"), "{:?}", end.transcript);
}

#[tokio::test(start_paused = true)]
async fn the_stream_never_comes() {
    let world = World::new(FakeModel::receptionist()).await;
    world.admit(1, KNOWN_PHONE).await;
    assert_eq!(outcome(world).await, "never_streamed");
}

#[tokio::test(start_paused = true)]
async fn twilio_says_that_it_is_over() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears("Hi Maria").await;
    world.calls.call_status(&sid(1), CallProgress::Live);
    world.calls.call_status(&sid(1), CallProgress::Over);
    phone.is_closed().await;
    assert_eq!(outcome(world).await, "hangup_by_caller");
}

#[tokio::test(start_paused = true)]
async fn a_human_takes_over() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("a human please").await;
    phone.hears("I connect you.").await;
    phone.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::Transfer(PhoneNumber::parse(COLLEAGUE).unwrap()));
    assert_eq!(outcome(world).await, "transferred");
}

#[tokio::test(start_paused = true)]
async fn twilio_is_told_when_it_does_not_ask() {
    let world = World::new(FakeModel::receptionist()).await;
    let telephony = world.telephony.clone();
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("bye").await;
    phone.is_closed().await;
    assert_eq!(outcome(world).await, "hangup_by_otto");
    assert_eq!(telephony.told.all(), ["CA1: HangUp"]);
}

#[tokio::test(start_paused = true)]
async fn no_call_is_endless() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    tokio::time::sleep(crate::limits::CALL_MAX_MS).await;
    phone.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::HangUp);
    assert_eq!(outcome(world).await, "hangup_by_otto");
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_without_words_gets_otto_s_own() {
    let end = || vec![call("e", "end_call", r#"{"reason":"done"}"#)];
    let world = World::new(FakeModel::scripted(vec![end()])).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("that is all").await;
    phone.hears("Thank you for calling Otto's Auto. Goodbye!").await;
    phone.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::HangUp);
    assert_eq!(outcome(world).await, "hangup_by_otto");
}

#[tokio::test(start_paused = true)]
async fn the_goodbye_is_heard_when_marks_are_lost() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.loses_marks();
    phone.hears(KNOWN_GREETING).await;
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_the_model_cannot_give_is_an_apology() {
    use crate::testing::model::Piece::Fails;
    let fails = || vec![Fails(crate::testing::passing())];
    let replies = vec![fails(), fails(), vec![text("Now I can.")]];
    let world = World::new(FakeModel::scripted(replies)).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("hello").await;
    phone.hears("Sorry, I lost my train of thought.").await;
    phone.hears("say that again?").await;
    world.stt.says("hello").await;
    phone.hears("Now I can.").await;
    phone.hangs_up();
    phone.is_closed().await;
    world.verdict().await;
    assert_eq!(outcome(world).await, "hangup_by_caller");
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_the_end_is_answered_from_memory() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("bye").await;
    phone.is_closed().await;
    // Twilio repeats itself, also while the call ends.
    let asks = |calls: Calls| async move { calls.stream_ended(&sid(1)).await };
    let (one, two, three) =
        tokio::join!(asks(world.calls.clone()), asks(world.calls.clone()), asks(world.calls.clone()));
    let hang_up = || AfterStream::Ends(StreamEnd::HangUp);
    assert_eq!([one, two, three], [hang_up(), hang_up(), hang_up()]);
    assert!(world.calls.drain(ms(10_000)).await);
    assert_eq!(world.verdict().await, StreamEnd::HangUp);
    let unknown = world.calls.stream_ended(&CallSid::parse("CA99").unwrap()).await;
    assert_eq!(unknown, AfterStream::Ends(StreamEnd::Apologise));
    world.leaves_nothing().await;
}
