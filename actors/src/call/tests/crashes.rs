//! Every leg crashes in every phase of a call, and the call goes on to its end.

use super::*;
use crate::names::Leg;
use crate::registry::Admission;
use crate::testing::tts::Faults;

/// Where in a call a leg crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Admitted,
    Attached,
    Greeting,
    CallerSpeaking,
    Thinking,
    ToolRunning,
    Speaking,
    Quiet,
    Goodbye,
}

const PHASES: [Phase; 9] = [
    Phase::Admitted,
    Phase::Attached,
    Phase::Greeting,
    Phase::CallerSpeaking,
    Phase::Thinking,
    Phase::ToolRunning,
    Phase::Speaking,
    Phase::Quiet,
    Phase::Goodbye,
];

/// A call whose leg crashes so many times in one phase.
async fn check(leg: Leg, phase: Phase, times: u32) {
    let store = FakeStore::default();
    store.change(|records| (records.booking_takes, records.bays) = (ms(700), 3));
    let world = World::with(FakeModel::receptionist(), store).await;
    // The last crash comes right before what happens next; the others are each followed by a restart.
    let crash = async |now: Phase| {
        for n in 0..if now == phase { times } else { 0 } {
            if n > 0 {
                tokio::time::sleep(ms(200)).await;
            }
            world.crash(leg);
        }
    };
    println!("{leg} crashes {times} times, {phase:?}");
    let Admission::Accepted { token } = world.admit(1, KNOWN_PHONE).await else { panic!("refused") };
    // By then the caller was looked up, and the greeting follows the stream at once.
    tokio::time::sleep(ms(50)).await;
    let phone = Phone::new();
    crash(Phase::Admitted).await;
    world.attach(1, &token, &phone).await.unwrap();
    crash(Phase::Attached).await;
    phone.gets("Hi Ma").await;
    crash(Phase::Greeting).await;
    phone.hears("How can I help you today?").await;
    world.stt.begins("please").await;
    crash(Phase::CallerSpeaking).await;
    world.stt.says("please book it").await;
    world.model.requests.until("the model was asked", |all| !all.is_empty()).await;
    crash(Phase::Thinking).await;
    world.store.bookings.until("the tool runs", |all| !all.is_empty()).await;
    crash(Phase::ToolRunning).await;
    phone.gets("You are").await;
    crash(Phase::Speaking).await;
    phone.hears("What else?").await;
    crash(Phase::Quiet).await;
    world.stt.says("bye").await;
    phone.gets("Have").await;
    crash(Phase::Goodbye).await;
    phone.hears("a nice day.").await;
    phone.is_closed().await;
    assert_eq!(phone.heard().matches("Goodbye!").count(), 0, "a second goodbye: {}", phone.heard());
    assert_eq!(world.verdict().await, StreamEnd::HangUp);
    let store = world.leaves_nothing().await;
    assert_eq!(store.appointments().len(), 1, "booked once");
    if (leg, phase) == (Leg::Turn, Phase::ToolRunning) {
        assert_eq!(store.bookings.len(), 1, "a tool that runs is not run again");
    }
    // The media leg lives with the stream.
    let expected = if (leg, phase) == (Leg::Media, Phase::Admitted) { 0 } else { times as usize };
    let lost = store.batches.all().concat().iter().filter(|row| row.kind == "leg_lost").count();
    assert_eq!(lost, expected, "crashes");
    let (_, end) = store.ended.all().remove(0);
    assert_eq!(end.outcome, "hangup_by_otto");
    assert!(end.transcript.contains("Caller: please book it"), "{}", end.transcript);
}

async fn check_all(leg: Leg, times: u32) {
    for phase in PHASES {
        check(leg, phase, times).await;
    }
}

#[tokio::test(start_paused = true)]
async fn media_crashes() {
    check_all(Leg::Media, 1).await;
    check_all(Leg::Media, 3).await;
}

#[tokio::test(start_paused = true)]
async fn stt_crashes() {
    check_all(Leg::Stt, 1).await;
    check_all(Leg::Stt, 3).await;
}

#[tokio::test(start_paused = true)]
async fn playback_crashes() {
    check_all(Leg::Playback, 1).await;
    check_all(Leg::Playback, 3).await;
}

#[tokio::test(start_paused = true)]
async fn turn_crashes() {
    check_all(Leg::Turn, 1).await;
    check_all(Leg::Turn, 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_leg_that_keeps_crashing_ends_the_call_with_an_apology() {
    for leg in Leg::ALL {
        let world = World::new(FakeModel::receptionist()).await;
        let phone = world.dial(KNOWN_PHONE).await;
        phone.hears(KNOWN_GREETING).await;
        for _ in 0..6 {
            world.crash(leg);
            tokio::time::sleep(ms(600)).await;
        }
        phone.is_closed().await;
        assert_eq!(world.verdict().await, StreamEnd::Apologise, "{leg}");
        let store = world.leaves_nothing().await;
        assert_eq!(store.ended.all()[0].1.outcome, "failed", "{leg}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_turn_dies_between_an_interruption_and_the_word_of_what_was_heard() {
    let world = World::new(FakeModel::receptionist()).await;
    world.tts.faults.lock().unwrap().clear_takes = ms(300);
    let phone = world.dial(STRANGER).await;
    phone.hears(GREETING).await;
    world.stt.says("one").await;
    phone.hears("You said one, and I have").await;
    world.stt.says("no, two").await;
    world.crash(Leg::Turn);
    phone.hears("You said no, two, and").await;
    let history = world.model.requests.all().pop().unwrap();
    let said = |m: &Message| matches!(m, Message::Assistant { text, .. } if text.contains("You said one"));
    let cut = history.iter().find(|m| said(m)).unwrap();
    assert!(matches!(cut, Message::Assistant { text, .. } if !text.contains("It has an end")), "not cut: {cut:?}");
    phone.hears("It has an end.").await;
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn the_voice_dies_with_an_interruption_in_its_mailbox() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(STRANGER).await;
    phone.hears(GREETING).await;
    world.stt.says("one").await;
    phone.hears("You said one, and I have").await;
    world.crash(Leg::Playback);
    world.stt.says("no, two").await;
    phone.hears("You said no, two, and").await;
    phone.hears("It has an end.").await;
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_of_an_interrupted_turn_is_not_made_again_by_a_turn_that_was_restarted() {
    let store = FakeStore::default();
    store.change(|records| (records.booking_takes, records.bays) = (ms(1_000), 3));
    let world = World::with(FakeModel::receptionist(), store).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("please book it").await;
    world.store.bookings.until("the tool runs", |all| !all.is_empty()).await;
    world.stt.says("no, wait").await;
    tokio::time::sleep(ms(100)).await;
    world.crash(Leg::Turn);
    phone.hears("You said no, wait, and").await;
    phone.hears("It has an end.").await;
    let store = takes_its_leave(world, &phone).await;
    assert_eq!(store.appointments(), [], "the caller said no");
}

#[tokio::test(start_paused = true)]
async fn an_end_of_an_interrupted_turn_is_not_remembered_by_the_call() {
    // The tool's result crosses the interruption; the turn that is started again must not hang up.
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.says("bye").await;
    phone.gets("Have a").await;
    world.stt.says("oh, one more thing").await;
    world.model.requests.until("asked again", |all| all.len() >= 2).await;
    world.crash(Leg::Turn);
    phone.hears("You said oh, one more thing, and").await;
    phone.hears("It has an end.").await;
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn speech_that_was_resumed_once_is_resumed_again_where_it_was() {
    let reply = "The first sentence. The second sentence. The third sentence. The fourth one, and it is rather long.";
    let world = World::new(FakeModel::scripted(vec![vec![text(reply)]])).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    // 44 characters come through, as fast as they are played: two sentences and a word of the third.
    let slowly = |faults: &mut Faults| (faults.slower, faults.break_after_chunks) = (ms(195), Some(11));
    slowly(&mut world.tts.faults.lock().unwrap());
    world.stt.says("tell me").await;
    phone.hears("third sentence. The f").await;
    world.crash(Leg::Playback);
    phone.hears("rather long.").await;
    for sentence in ["The first sentence.", "The third sentence."] {
        assert_eq!(phone.heard().matches(sentence).count(), 1, "{}", phone.heard());
    }
    assert!(world.tts.spoken().iter().any(|t| t.starts_with("The third")), "{:?}", world.tts.spoken());
    phone.hangs_up();
    phone.is_closed().await;
    world.leaves_nothing().await;
}
