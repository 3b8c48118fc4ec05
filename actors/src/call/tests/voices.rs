//! Whole calls whose voice is away: they go on, or somebody else says what is left.

use super::*;
use crate::testing::passing;
use crate::testing::tts::Faults;
use crate::testing::world::{COLLEAGUE, sid};

async fn world(spoil: impl FnOnce(&mut Faults)) -> World {
    let world = World::new(FakeModel::receptionist()).await;
    spoil(&mut world.tts.faults.lock().unwrap());
    world
}

fn mute(faults: &mut Faults) {
    (faults.no_socket, faults.no_requests) = (Some(passing()), Some(passing()));
}

async fn outcome(world: World) -> &'static str {
    world.leaves_nothing().await.ended.all()[0].1.outcome
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_socket_books() {
    let world = world(|faults| faults.no_socket = Some(passing())).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("please book it").await;
    phone.hears("You are booked for Tuesday at ten. What else?").await;
    let tts = world.tts.clone();
    let store = takes_its_leave(world, &phone).await;
    assert_eq!(store.appointments().len(), 1);
    assert_eq!(tts.spoken(), Vec::<String>::new());
    assert_eq!(phone.heard().matches("You are booked").count(), 1, "{}", phone.heard());
}

#[tokio::test(start_paused = true)]
async fn a_greeting_by_name_is_ready_when_the_stream_comes() {
    let world = world(|_| {}).await;
    let crate::registry::Admission::Accepted { token } = world.admit(1, KNOWN_PHONE).await else { panic!("refused") };
    world.tts.requests.until("the greeting", |all| all.iter().any(|text| text == KNOWN_GREETING)).await;
    tokio::time::sleep(ms(200)).await;
    world.tts.faults.lock().unwrap().no_socket = Some(passing());
    let (phone, begun) = (Phone::new(), tokio::time::Instant::now());
    world.attach(1, &token, &phone).await.unwrap();
    phone.gets(KNOWN_GREETING).await;
    assert!(begun.elapsed() < ms(20), "{:?}", begun.elapsed());
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_the_voice_takes_for_said_without_a_sound_is_heard_all_the_same() {
    let world = world(|_| {}).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.tts.faults.lock().unwrap().hollow = true;
    world.stt.says("please book it").await;
    let asked = tokio::time::Instant::now();
    phone.gets("You are booked").await;
    assert!(asked.elapsed() < ms(4_000), "{:?}", asked.elapsed());
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_call_cannot_say_is_said_by_twilio_which_then_finds_a_colleague() {
    let world = world(|_| {}).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    mute(&mut world.tts.faults.lock().unwrap());
    world.tts.faults.lock().unwrap().break_after_chunks = Some(0);
    world.stt.says("please book it").await;
    let asked = tokio::time::Instant::now();
    let telephony = world.telephony.clone();
    telephony.told.until("Twilio is told", |told| !told.is_empty()).await;
    assert!(asked.elapsed() < ms(4_000), "{:?}", asked.elapsed());
    let expected = "CA1: Say { text: \"You are booked for Tuesday at ten. What else?\", then: Apologise }";
    assert_eq!(telephony.told.all(), [expected]);
    let store = world.leaves_nothing().await;
    assert_eq!((store.ended.all()[0].1.outcome, store.appointments().len()), ("failed", 1));
}

#[tokio::test(start_paused = true)]
async fn what_twilio_is_not_told_it_is_answered() {
    let world = world(mute).await;
    *world.telephony.refusal.lock().unwrap() = Some(passing());
    let phone = world.dial(STRANGER).await;
    phone.is_closed().await;
    let end = StreamEnd::Say { text: GREETING.into(), then: Box::new(StreamEnd::Apologise) };
    assert_eq!(world.verdict().await, end);
    assert_eq!(world.telephony.told.len(), 1);
    assert_eq!(outcome(world).await, "failed");
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_that_cannot_be_said_is_no_apology() {
    for (words, end, ended) in [
        ("bye", "HangUp".to_owned(), "hangup_by_otto"),
        ("a human please", format!("Transfer({:?})", PhoneNumber::parse(COLLEAGUE).unwrap()), "transferred"),
    ] {
        let world = world(|_| {}).await;
        let phone = world.dial(KNOWN_PHONE).await;
        phone.hears(KNOWN_GREETING).await;
        mute(&mut world.tts.faults.lock().unwrap());
        world.tts.faults.lock().unwrap().break_after_chunks = Some(0);
        world.stt.says(words).await;
        let telephony = world.telephony.clone();
        telephony.told.until("Twilio is told", |told| !told.is_empty()).await;
        let told = telephony.told.all();
        assert!(told[0].starts_with(&format!("{}: Say", sid(1))) && told[0].contains(&end), "{told:?}");
        assert_eq!(outcome(world).await, ended);
    }
}

#[tokio::test(start_paused = true)]
async fn fixed_texts_are_ready_for_every_call() {
    let world = world(|_| {}).await;
    let wording = crate::domain::Shop::default().wording;
    world.tts.requests.until("the last of them", |all| all.contains(&wording.apology)).await;
    tokio::time::sleep(ms(200)).await;
    mute(&mut world.tts.faults.lock().unwrap());
    let begun = tokio::time::Instant::now();
    let phone = world.dial(STRANGER).await;
    phone.gets(GREETING).await;
    assert!(begun.elapsed() < ms(20), "{:?}", begun.elapsed());
    phone.hears(GREETING).await;
    phone.hangs_up();
    phone.is_closed().await;
    world.leaves_nothing().await;
}
