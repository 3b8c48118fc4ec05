//! Each leg crashes after every number of scheduler steps of a transition, so that every order of the crash among the
//! messages of the transition is met, whatever lies in the mailbox of the one that dies.

use std::future::Future;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::*;
use crate::names::Leg;
use crate::testing::world::sid;

/// More steps than any transition takes; before zero the crash is on its way first.
const STEPS: std::ops::Range<i32> = -8..32;

/// Lets that many rounds of the run queue pass. A task that wakes itself is polled once a round; `yield_now` would let
/// dozens pass.
async fn rounds(mut left: i32) {
    std::future::poll_fn(|context| {
        if left <= 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Something happens after a while, and a leg crashes that many rounds later, or before.
async fn crash_around(world: &World, leg: Leg, steps: i32, after: Duration, happens: impl FnOnce() + Send + 'static) {
    println!("{leg} crashes after {steps} steps");
    let at = Instant::now() + after;
    let calls = world.calls.clone();
    let crash = tokio::spawn(async move {
        sleep_until(at).await;
        rounds(steps).await;
        calls.crash_leg(&sid(1), leg);
    });
    let happening = tokio::spawn(async move {
        sleep_until(at).await;
        rounds(-steps).await;
        happens();
    });
    crash.await.unwrap();
    happening.await.unwrap();
}

fn say(world: &World, words: &'static str) -> impl FnOnce() + Send + 'static {
    let stt = world.stt.clone();
    move || stt.says_now(words)
}

/// The caller says words while a leg crashes. Words that nobody heard, for the ear itself had crashed, are said again.
async fn say_around(world: &World, leg: Leg, steps: i32, words: &'static str) {
    crash_around(world, leg, steps, Duration::ZERO, say(world, words)).await;
    if leg == Leg::Stt {
        tokio::time::sleep(ms(400)).await;
        let heard = |m: &Message| matches!(m, Message::User(text) if text.contains(words));
        if !world.model.requests.all().iter().flatten().any(heard) {
            world.stt.says(words).await;
        }
    }
}

async fn greeted(caller: &str, store: FakeStore) -> (World, Phone) {
    let world = World::with(FakeModel::receptionist(), store).await;
    let phone = world.dial(caller).await;
    phone.hears("How can I help you today?").await;
    (world, phone)
}

async fn at_every_step<F: Future<Output = ()>>(story: impl Fn(Leg, i32) -> F) {
    for leg in Leg::ALL {
        for steps in STEPS {
            story(leg, steps).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_is_answered() {
    at_every_step(async |leg, steps| {
        let (world, phone) = greeted(STRANGER, FakeStore::default()).await;
        say_around(&world, leg, steps, "one").await;
        phone.hears("You said one, and I have").await;
        phone.hears("It has an end.").await;
        takes_its_leave(world, &phone).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_interruption_is_answered_and_the_history_is_true() {
    at_every_step(async |leg, steps| {
        let (world, phone) = greeted(STRANGER, FakeStore::default()).await;
        world.stt.says("one").await;
        phone.hears("You said one, and I have").await;
        say_around(&world, leg, steps, "no, two").await;
        phone.hears("You said no, two, and").await;
        for said in world.model.requests.all().pop().unwrap() {
            let Message::Assistant { text, .. } = said else { continue };
            assert!(!text.contains("It has an end."), "not cut to what was heard: {text}");
        }
        phone.hears("It has an end.").await;
        takes_its_leave(world, &phone).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_is_made_once() {
    at_every_step(async |leg, steps| {
        let store = FakeStore::default();
        store.change(|records| records.bays = 3);
        let (world, phone) = greeted(KNOWN_PHONE, store).await;
        world.stt.says("please book it").await;
        world.model.requests.until("asked", |all| all.len() == 1).await;
        crash_around(&world, leg, steps, ms(160), || ()).await;
        phone.hears("What else?").await;
        let store = takes_its_leave(world, &phone).await;
        assert_eq!(store.appointments().len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_booking_is_not_made() {
    at_every_step(async |leg, steps| {
        let store = FakeStore::default();
        store.change(|records| (records.booking_takes, records.bays) = (ms(1_000), 3));
        let (world, phone) = greeted(KNOWN_PHONE, store).await;
        world.stt.says("please book it").await;
        world.store.bookings.until("the tool runs", |all| !all.is_empty()).await;
        say_around(&world, leg, steps, "no, wait").await;
        phone.hears("You said no, wait, and").await;
        phone.hears("It has an end.").await;
        let store = takes_its_leave(world, &phone).await;
        assert_eq!(store.appointments(), []);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_ends_the_call() {
    at_every_step(async |leg, steps| {
        let (world, phone) = greeted(KNOWN_PHONE, FakeStore::default()).await;
        world.stt.says("bye").await;
        world.model.requests.until("asked", |all| all.len() == 1).await;
        crash_around(&world, leg, steps, ms(170), || ()).await;
        phone.hears("a nice day.").await;
        phone.is_closed().await;
        assert_eq!(world.verdict().await, StreamEnd::HangUp);
        world.leaves_nothing().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_goodbye_ends_nothing() {
    at_every_step(async |leg, steps| {
        let (world, phone) = greeted(STRANGER, FakeStore::default()).await;
        world.stt.says("bye").await;
        phone.hears("Have").await;
        say_around(&world, leg, steps, "no, two").await;
        phone.hears("You said no, two, and").await;
        phone.hears("It has an end.").await;
        takes_its_leave(world, &phone).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_voice_comes_to_its_end() {
    at_every_step(async |leg, steps| {
        let (world, phone) = greeted(STRANGER, FakeStore::default()).await;
        world.stt.says("one").await;
        phone.gets("It has an end.").await;
        // The last audio of an answer, its marks, and the quiet after it.
        crash_around(&world, leg, 0, ms(50 * u64::from(steps.unsigned_abs())), || ()).await;
        phone.hears("It has an end.").await;
        takes_its_leave(world, &phone).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_hangs_up_ends_the_call() {
    at_every_step(async |leg, steps| {
        let (world, phone) = greeted(STRANGER, FakeStore::default()).await;
        let caller = phone.clone();
        crash_around(&world, leg, steps, Duration::ZERO, move || caller.hangs_up()).await;
        // Twilio does not ask and sends no status: the stream's own end has to do.
        phone.is_closed().await;
        world.leaves_nothing().await;
    })
    .await;
}

/// The tool ends the moment it is asked for; the caller interrupts in the same moment, and then the turn dies, and the
/// next one knows only what the call has kept.
async fn an_end_crosses(steps: i32, interrupts: impl FnOnce(Around<'_>) -> Box<dyn FnOnce() + Send>, answer: &str) {
    let (world, phone) = greeted(STRANGER, FakeStore::default()).await;
    world.stt.says("bye").await;
    world.model.requests.until("asked", |all| all.len() == 1).await;
    let (at, interrupts) = (Instant::now() + ms(170), interrupts((&world, &phone)));
    println!("{answer}: {steps} steps");
    let interrupting = tokio::spawn(async move {
        sleep_until(at).await;
        rounds(steps).await;
        interrupts();
    });
    interrupting.await.unwrap();
    tokio::time::sleep(ms(3)).await;
    world.crash(Leg::Turn);
    phone.hears(answer).await;
    phone.hears("It has an end.").await;
    takes_its_leave(world, &phone).await;
}

type Around<'a> = (&'a World, &'a Phone);

#[tokio::test(start_paused = true)]
async fn an_end_that_crosses_an_interruption_is_void_for_good() {
    for steps in 0..16 {
        an_end_crosses(steps, |(world, _)| Box::new(say(world, "no, two")), "You said no, two, and").await;
        let keys = |(_, phone): Around<'_>| -> Box<dyn FnOnce() + Send> {
            let phone = phone.clone();
            Box::new(move || "1#".chars().for_each(|key| phone.sends(MediaEvent::Dtmf(key))))
        };
        an_end_crosses(steps, keys, "You said (keys pressed: 1), and").await;
    }
}
