//! Interruptions as the caller's ear knows them.

use tokio::time::Instant;

use super::*;
use crate::ports::MediaFrame;
use crate::testing::model::Piece;

#[tokio::test(start_paused = true)]
async fn clear_leaves_at_once_and_before_any_further_audio() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(STRANGER).await;
    phone.hears(GREETING).await;
    world.stt.says("one").await;
    phone.gets("You said one, and").await;
    world.stt.begins("no").await;
    let interrupted = Instant::now();
    let is_clear = |(at, frame): &(Instant, MediaFrame)| (*frame == MediaFrame::Clear).then_some(*at);
    let cleared = phone.frames.find("a clear", is_clear).await;
    assert!(cleared - interrupted < ms(5), "{:?}", cleared - interrupted);
    let after: Vec<_> = phone.frames.all().into_iter().skip_while(|(_, f)| *f != MediaFrame::Clear).skip(1).collect();
    assert_eq!(after, [], "audio of the old answer went out after the clear");
    world.stt.says("no, two").await;
    phone.hears("You said no, two, and").await;
    assert!(!phone.heard().contains("It has an end."), "the old answer went on: {}", phone.heard());
    phone.hears("It has an end.").await;
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn the_history_has_what_was_heard_and_no_more() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(STRANGER).await;
    phone.hears(GREETING).await;
    world.stt.says("one").await;
    phone.hears("You said one, and I have a").await;
    world.stt.says("no, two").await;
    phone.hears("You said no, two").await;
    let requests = world.model.requests.all();
    let Message::Assistant { text, .. } = &requests[1][2] else { panic!("{:?}", requests[1]) };
    assert_eq!(text, "You said one, and I have a");
    phone.hears("It has an end.").await;
    let store = takes_its_leave(world, &phone).await;
    let transcript = store.ended.all().remove(0).1.transcript;
    assert!(transcript.contains("Otto: You said one, and I have a\nCaller: no, two"), "{transcript}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_clear_of_the_vendor_does_not_mix_two_answers() {
    let world = World::new(FakeModel::receptionist()).await;
    world.tts.faults.lock().unwrap().clear_takes = ms(800);
    let phone = world.dial(STRANGER).await;
    phone.hears(GREETING).await;
    world.stt.says("one").await;
    phone.hears("You said one, and").await;
    world.stt.says("no, two").await;
    phone.hears("You said no, two, and I have a rather long answer. It has an end.").await;
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_was_interrupted_is_not_made() {
    let store = FakeStore::default();
    store.change(|records| records.booking_takes = ms(2_000));
    let world = World::with(FakeModel::receptionist(), store).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("please book it").await;
    phone.hears("One moment").await;
    world.stt.says("no, wait").await;
    phone.hears("You said no, wait, and").await;
    let asked = world.model.requests.all().pop().unwrap();
    let told = asked.iter().find_map(|m| if let Message::Tool { content, .. } = m { Some(content) } else { None });
    assert!(told.is_some_and(|content| content.contains("interrupted")), "{told:?}");
    phone.hears("It has an end.").await;
    let store = takes_its_leave(world, &phone).await;
    assert_eq!(store.appointments(), []);
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_was_made_before_the_interruption_is_told() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("please book it").await;
    phone.hears("You are booked").await;
    world.stt.says("what was that").await;
    phone.hears("You said what was that").await;
    let asked = world.model.requests.all().pop().unwrap();
    let told = |m: &Message| matches!(m, Message::Tool { content, .. } if content.contains("appointment_id"));
    assert!(asked.iter().any(told));
    phone.hears("It has an end.").await;
    let store = takes_its_leave(world, &phone).await;
    assert_eq!(store.appointments().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn listening_noises_do_not_stop_otto() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(STRANGER).await;
    phone.hears("Thanks for calling").await;
    world.stt.says("Uh-huh.").await;
    world.stt.says("okay").await;
    phone.hears(GREETING).await;
    world.stt.says("one").await;
    phone.hears("You said one, and").await;
    world.stt.says("mm-hm").await;
    phone.hears("You said one, and I have a rather long answer. It has an end.").await;
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn two_interruptions_in_a_row() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(STRANGER).await;
    phone.hears(GREETING).await;
    for number in ["one", "two", "three", "four"] {
        world.stt.says(number).await;
        phone.hears(&format!("You said {number}, and I")).await;
    }
    phone.hears("It has an end.").await;
    assert_eq!(phone.heard().matches("It has an end.").count(), 1);
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn a_thought_that_is_interrupted_is_cancelled_at_the_vendor() {
    let slow = vec![Piece::After(ms(3_000)), text("Too late.")];
    let world = World::new(FakeModel::scripted(vec![slow, vec![text("In time.")]])).await;
    let phone = world.dial(STRANGER).await;
    phone.hears(GREETING).await;
    world.stt.says("one").await;
    world.model.requests.until("asked", |all| all.len() == 1).await;
    let interrupted = Instant::now();
    world.stt.says("no, two").await;
    world.model.over.until("cancelled", |all| all.len() == 1).await;
    assert!(world.model.over.all()[0] - interrupted < ms(20));
    phone.hears("In time.").await;
    assert!(!phone.heard().contains("Too late."));
    let asked = world.model.requests.all().pop().unwrap();
    assert!(asked.ends_with(&[Message::User("one".into()), Message::User("no, two".into())]), "{asked:?}");
    phone.hangs_up();
    phone.is_closed().await;
    world.leaves_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_model_that_stalls_is_asked_again_and_a_truncated_reply_runs_nothing() {
    let stalls = vec![Piece::After(ms(60_000)), text("Too late.")];
    let cut = vec![text("Let me book that. "), call("a", "book_appointment", "{"), Piece::Truncated];
    let world = World::new(FakeModel::scripted(vec![stalls, cut])).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    let asked = Instant::now();
    world.stt.says("one").await;
    phone.hears("Let me book that.").await;
    assert!(asked.elapsed() > crate::limits::MODEL_FIRST_EVENT_TIMEOUT_MS);
    assert_eq!(world.store.bookings.len(), 0);
    phone.hangs_up();
    phone.is_closed().await;
    world.leaves_nothing().await;
}
