//! Admission, tokens, draining, and what is left of calls.

use super::*;
use crate::testing::model::FakeModel;
use crate::testing::ms;
use crate::testing::phone::Phone;
use crate::testing::store::KNOWN_PHONE;
use crate::testing::world::{MAX_CALLS, World, sid};

fn token(admission: Admission) -> String {
    let Admission::Accepted { token } = admission else { panic!("{admission:?}") };
    token
}

async fn world() -> World {
    World::new(FakeModel::receptionist()).await
}

/// Hangs up on a call and waits until the world is empty.
async fn all_hang_up(world: World, phones: &[&Phone]) {
    for phone in phones {
        phone.hangs_up();
        phone.is_closed().await;
    }
    world.leaves_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_token_is_good_once_and_only_the_right_one() {
    let world = world().await;
    let right = token(world.admit(1, KNOWN_PHONE).await);
    let other = token(world.admit(2, KNOWN_PHONE).await);
    let (one, two) = (Phone::new(), Phone::new());
    assert!(right.len() >= 43, "256 bits: {right}");
    for wrong in ["", "x", &right[1..], &other, &format!("{right}x")] {
        assert_eq!(world.attach(1, wrong, &Phone::new()).await, Err(AttachError::BadToken), "{wrong}");
    }
    assert_eq!(world.attach(9, &right, &Phone::new()).await, Err(AttachError::UnknownCall));
    assert_eq!(world.attach(1, &right, &one).await, Ok(()));
    assert_eq!(world.attach(1, &right, &Phone::new()).await, Err(AttachError::BadToken), "used");
    assert_eq!(world.attach(2, &other, &two).await, Ok(()), "the other call's is still good");
    all_hang_up(world, &[&one, &two]).await;
}

#[tokio::test(start_paused = true)]
async fn a_repeated_webhook_gets_the_same_line() {
    let world = world().await;
    let first = token(world.admit(1, KNOWN_PHONE).await);
    assert_eq!(token(world.admit(1, KNOWN_PHONE).await), first);
    let phone = Phone::new();
    world.attach(1, &first, &phone).await.unwrap();
    // A token for a call that streams already opens nothing.
    let late = token(world.admit(1, KNOWN_PHONE).await);
    assert_eq!(world.attach(1, &late, &Phone::new()).await, Err(AttachError::BadToken));
    assert_eq!(world.calls.view().await.unwrap().live.len(), 1);
    all_hang_up(world, &[&phone]).await;
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_than_lines() {
    let world = world().await;
    for number in 1..=u32::try_from(MAX_CALLS).unwrap() {
        token(world.admit(number, KNOWN_PHONE).await);
    }
    assert_eq!(world.admit(100, KNOWN_PHONE).await, Admission::Full);
    token(world.admit(1, KNOWN_PHONE).await);
    world.calls.call_status(&sid(1), CallProgress::Over);
    // The line is free when the call is gone, however long Twilio takes to ask again.
    tokio::time::sleep(ms(2_000)).await;
    token(world.admit(100, KNOWN_PHONE).await);
    assert_eq!(world.calls.view().await.unwrap().live.len(), MAX_CALLS);
    world.leaves_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn draining_lets_calls_end_and_takes_no_new_ones() {
    let world = world().await;
    let phone = world.dial(KNOWN_PHONE).await;
    let calls = world.calls.clone();
    let drained = tokio::spawn(async move { calls.drain(ms(60_000)).await });
    phone.hears("Hi Maria").await;
    assert_eq!(world.admit(2, KNOWN_PHONE).await, Admission::Draining);
    token(world.admit(1, KNOWN_PHONE).await);
    assert!(!drained.is_finished());
    phone.hears("How can I help you today?").await;
    world.stt.says("bye").await;
    phone.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::HangUp);
    assert!(drained.await.unwrap());
    world.leaves_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn draining_does_not_wait_for_ever() {
    let world = world().await;
    let phone = world.dial(KNOWN_PHONE).await;
    assert!(!world.calls.drain(ms(5_000)).await);
    assert!(world.calls.view().await.unwrap().draining);
    all_hang_up(world, &[&phone]).await;
}

#[tokio::test(start_paused = true)]
async fn the_view_tells_who_streams() {
    let world = world().await;
    let phone = world.dial(KNOWN_PHONE).await;
    token(world.admit(2, KNOWN_PHONE).await);
    let mut live = world.calls.view().await.unwrap().live;
    live.sort_by_key(|call| call.call.clone());
    assert_eq!(live, [LiveCall { call: sid(1), streaming: true }, LiveCall { call: sid(2), streaming: false }]);
    all_hang_up(world, &[&phone]).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_said_of_an_ended_call_is_forgotten_after_a_while() {
    let now = Instant::now();
    let mut roster = Roster::<()>::new(MAX_CALLS);
    let end = |roster: &mut Roster<()>, number, at| {
        roster.seat(sid(number), ());
        assert_eq!(roster.ended(&sid(number), StreamEnd::HangUp, at), Some(()));
    };
    end(&mut roster, 1, now);
    assert_eq!(roster.recall(&sid(1)), StreamEnd::HangUp);
    end(&mut roster, 2, now + limits::CALL_MEMORY_MS + ms(1));
    assert_eq!((roster.recall(&sid(1)), roster.recall(&sid(2))), (StreamEnd::Apologise, StreamEnd::HangUp));
    assert_eq!(roster.ended(&sid(2), StreamEnd::HangUp, now), None, "it ends once");
    for number in 0..=u32::try_from(limits::CALL_MEMORY_ENTRIES).unwrap() {
        end(&mut roster, 10 + number, now + limits::CALL_MEMORY_MS);
    }
    assert_eq!(roster.recall(&sid(2)), StreamEnd::Apologise, "a bounded memory");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_as_a_whole_frees_its_line_and_leaves_nothing() {
    let world = world().await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears("Hi Maria").await;
    // The whole registry dies, and its calls with it.
    world.root.cast(crate::root::RootMsg::Crash(crate::root::Shared::Registry)).unwrap();
    phone.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::Apologise);
    assert_eq!(world.calls.view().await.unwrap(), RegistryView { free: MAX_CALLS, ..RegistryView::default() });
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears("How can I help you today?").await;
    all_hang_up(world, &[&phone]).await;
}
