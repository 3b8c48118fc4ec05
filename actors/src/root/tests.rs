//! The shared actors under the root: each comes back under its old address, and too many failures end it all.

use super::*;
use crate::actor::AskError;
use crate::calendar::CalendarMsg;
use crate::crm::CrmMsg;
use crate::domain::{CustomerId, PhoneNumber};
use crate::testing::model::FakeModel;
use crate::testing::ms;
use crate::testing::store::{FakeStore, KNOWN_PHONE};
use crate::testing::world::World;

async fn world(lookup_ms: u64) -> World {
    let store = FakeStore::default();
    store.change(|records| records.lookup_takes = ms(lookup_ms));
    World::with(FakeModel::receptionist(), store).await
}

fn find(reply_to: crate::crm::Answer<crate::ports::Found>) -> CrmMsg {
    CrmMsg::FindByPhone { phone: PhoneNumber::parse(KNOWN_PHONE).unwrap(), reply_to }
}

/// Each shared actor answers.
async fn all_answer(world: &World) {
    let found = world.addresses.crm.ask_again(ms(1_000), find).await.unwrap().unwrap();
    assert_eq!(found.customer.map(|c| c.id), Some(CustomerId(1)));
    let date = "2026-11-24".parse().unwrap();
    let ask = |reply_to| CalendarMsg::FreeOn { date, minutes: 30, but_for: None, reply_to };
    assert!(!world.addresses.calendar.ask_again(ms(1_000), ask).await.unwrap().unwrap().is_empty());
    assert_eq!(world.calls.view().await.unwrap().live.len(), 0);
    assert!(world.addresses.journal.current().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_shared_actor_that_crashes_comes_back_under_its_address() {
    let world = world(0).await;
    all_answer(&world).await;
    for which in Shared::ALL {
        world.root.cast(RootMsg::Crash(which)).unwrap();
        tokio::time::sleep(ms(100)).await;
        all_answer(&world).await;
    }
    world.leaves_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn questions_in_flight_fail_at_once_and_may_be_asked_again() {
    let world = world(500).await;
    let crm = world.addresses.crm.clone();
    let (once, again) = (crm.clone(), crm.clone());
    let once = tokio::spawn(async move { once.ask(ms(5_000), find).await.map(|_| ()) });
    let again = tokio::spawn(async move { again.ask_again(ms(5_000), find).await });
    tokio::time::sleep(ms(100)).await;
    let begun = Instant::now();
    world.root.cast(RootMsg::Crash(Shared::Crm)).unwrap();
    assert_eq!(once.await.unwrap(), Err(AskError::Lost));
    assert!(begun.elapsed() < ms(5), "{:?}", begun.elapsed());
    assert_eq!(crm.ask(ms(5_000), find).await.map(|_| ()), Err(AskError::Unavailable), "being restarted");
    assert!(again.await.unwrap().unwrap().unwrap().customer.is_some());
    world.leaves_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn asking_again_ends() {
    let crm = CrmRef::default();
    let begun = Instant::now();
    assert_eq!(crm.ask_again(ms(5_000), find).await.map(|_| ()), Err(AskError::Unavailable));
    assert_eq!(begun.elapsed(), limits::SHARED_ASK_PAUSE_MS * (limits::SHARED_ASK_ATTEMPTS - 1));
}

#[tokio::test(start_paused = true)]
async fn a_meltdown_ends_the_root() {
    let world = world(0).await;
    let mut crashes = 0;
    while world.root.cast(RootMsg::Crash(Shared::Crm)).is_ok() {
        crashes += 1;
        assert!(crashes <= 100, "the root goes on for ever");
        // Long enough for the longest pause before a restart, short enough to be counted as one spell of failures.
        tokio::time::sleep(ms(5_100)).await;
    }
    assert_eq!(crashes, supervision::SHARED.budget + 1);
    assert_eq!(world.addresses.crm.ask(ms(5_000), find).await.map(|_| ()), Err(AskError::Unavailable));
}

#[tokio::test(start_paused = true)]
async fn rare_failures_are_forgiven_for_ever() {
    let world = world(0).await;
    for _ in 0..40 {
        world.root.cast(RootMsg::Crash(Shared::Calendar)).unwrap();
        tokio::time::sleep(ms(7_000)).await;
    }
    all_answer(&world).await;
    world.leaves_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_crashes_does_not_disturb_a_call() {
    let world = world(0).await;
    let phone = world.dial(KNOWN_PHONE).await;
    for which in [Shared::Journal, Shared::Crm, Shared::Calendar] {
        world.root.cast(RootMsg::Crash(which)).unwrap();
    }
    phone.hears("How can I help you today?").await;
    for which in [Shared::Journal, Shared::Crm, Shared::Calendar] {
        world.root.cast(RootMsg::Crash(which)).unwrap();
    }
    world.stt.says("please book it").await;
    phone.hears("What else?").await;
    phone.hangs_up();
    phone.is_closed().await;
    let store = world.leaves_nothing().await;
    assert_eq!(store.appointments().len(), 1);
    // Events that happened while the journal was away are written later, each once and in order.
    let seqs: Vec<_> = store.batches.all().concat().iter().map(|row| row.seq).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b) && seqs.len() > 5, "{seqs:?}");
}
