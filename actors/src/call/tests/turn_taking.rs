//! Turn-taking as the caller's ear knows it: asking ahead, false alarms, silences that are explained.

use tokio::time::Instant;

use super::*;
use crate::names::Leg;
use crate::testing::model::Piece;
use crate::testing::{fatal, passing};

async fn greeted(model: FakeModel) -> (World, Phone) {
    let world = World::new(model).await;
    let phone = world.dial(STRANGER).await;
    phone.hears(GREETING).await;
    (world, phone)
}

async fn hangs_up(world: World, phone: &Phone) {
    phone.hangs_up();
    phone.is_closed().await;
    world.leaves_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn the_model_is_asked_ahead_and_its_answer_is_used() {
    let (world, phone) = greeted(FakeModel::receptionist()).await;
    world.stt.begins("one").await;
    world.model.requests.until("asked ahead", |all| all.len() == 1).await;
    tokio::time::sleep(ms(1_000)).await;
    assert!(!phone.heard().contains("You said"), "{}", phone.heard());
    world.stt.says("One.").await;
    let ended = Instant::now();
    phone.gets("You said one").await;
    assert!(ended.elapsed() < ms(150), "the answer was ready: {:?}", ended.elapsed());
    phone.hears("It has an end.").await;
    assert_eq!(world.model.requests.len(), 1);
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_was_asked_ahead_is_made_when_the_words_are_confirmed() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(KNOWN_PHONE).await;
    phone.hears(KNOWN_GREETING).await;
    world.stt.begins("please book it").await;
    tokio::time::sleep(ms(1_500)).await;
    assert_eq!(world.store.bookings.len(), 0, "booked before the caller had finished");
    world.stt.says("please book it").await;
    phone.hears("What else?").await;
    let store = takes_its_leave(world, &phone).await;
    assert_eq!(store.appointments().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_dies_with_a_guess_answers_once() {
    let (world, phone) = greeted(FakeModel::receptionist()).await;
    world.stt.begins("one").await;
    world.model.requests.until("asked ahead", |all| all.len() == 1).await;
    world.crash(Leg::Turn);
    world.stt.says("one").await;
    phone.hears("It has an end.").await;
    tokio::time::sleep(ms(3_000)).await;
    assert_eq!(phone.heard().matches("You said one").count(), 1);
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn a_false_alarm_goes_on_from_the_first_unheard_sentence() {
    let reply = vec![text("The first sentence. "), text("The second sentence. "), text("The third sentence.")];
    let (world, phone) = greeted(FakeModel::scripted(vec![reply])).await;
    world.stt.says("tell me").await;
    phone.hears("The first sentence. The sec").await;
    world.stt.begins("wait").await;
    phone.hears("The second sentence. The third sentence.").await;
    assert_eq!(phone.heard().matches("The first").count(), 1, "{}", phone.heard());
    let asked_ahead = |all: &Vec<Message>| all.ends_with(&[Message::User("wait".into())]);
    let asked = world.model.requests.all().into_iter().filter(|all| !asked_ahead(all)).count();
    assert_eq!(asked, 1, "the model's own words go on");
    hangs_up(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_dies_in_doubt_does_not_leave_otto_silent() {
    let (world, phone) = greeted(FakeModel::receptionist()).await;
    world.stt.says("one").await;
    phone.hears("You said one, and").await;
    world.stt.begins("wait").await;
    tokio::time::sleep(ms(300)).await;
    world.crash(Leg::Turn);
    let died = Instant::now();
    phone.hears("Go on.").await;
    assert!(died.elapsed() < ms(4_000), "{:?}", died.elapsed());
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn words_that_become_final_after_the_turn_died_in_doubt_are_answered() {
    let (world, phone) = greeted(FakeModel::receptionist()).await;
    world.stt.says("one").await;
    phone.hears("You said one, and").await;
    world.stt.begins("no").await;
    world.crash(Leg::Turn);
    world.stt.says("no, two").await;
    phone.hears("You said no, two, and I have a rather long answer. It has an end.").await;
    assert_eq!(phone.heard().matches("It has an end.").count(), 1);
    takes_its_leave(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_caller_is_asked_twice_and_then_hung_up_on() {
    let (world, phone) = greeted(FakeModel::receptionist()).await;
    phone.hears("Are you still there?").await;
    phone.hears("Is there anything I can do for you?").await;
    phone.hears("Please call again any time. Goodbye!").await;
    phone.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::HangUp);
    assert_eq!(world.model.requests.len(), 0);
    world.leaves_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_goodbye_that_is_being_said_ends_the_call_though_the_turn_dies() {
    let (world, phone) = greeted(FakeModel::receptionist()).await;
    phone.hears("I can't hear anybody").await;
    world.crash(Leg::Turn);
    phone.hears("Goodbye!").await;
    phone.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::HangUp);
    world.leaves_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_zero_is_connected_with_a_human() {
    let (world, phone) = greeted(FakeModel::receptionist()).await;
    phone.sends(MediaEvent::Dtmf('0'));
    phone.hears("I am connecting you with a colleague.").await;
    phone.is_closed().await;
    assert!(matches!(world.verdict().await, StreamEnd::Transfer(_)));
    assert_eq!(world.model.requests.len(), 0);
    world.leaves_nothing().await;
}

/// Nothing is said for 4 s at most while an answer is due, until `answer` is heard.
async fn check_explained(replies: Vec<Vec<Piece>>, answer: &str) -> String {
    let (world, phone) = greeted(FakeModel::scripted(replies)).await;
    world.stt.says("one").await;
    let (mut before, mut silence) = (phone.heard(), 0);
    while !phone.heard().contains(answer) {
        tokio::time::sleep(ms(100)).await;
        silence = if phone.heard() == before { silence + 100 } else { 0 };
        before = phone.heard();
        assert!(silence <= 4_000, "silent after: {before}");
    }
    let heard = phone.heard();
    hangs_up(world, &phone).await;
    heard.strip_prefix(GREETING).unwrap_or(&heard).to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_model_that_takes_long_is_explained() {
    let dead = vec![Piece::After(ms(60_000)), text("Too late.")];
    let slow = vec![Piece::After(ms(3_500)), text("Here you are.")];
    let heard = check_explained(vec![dead, slow], "Here you are.").await;
    assert_eq!(heard, "One moment, please.Thanks for your patience, I am still on it.Here you are.");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_stalls_in_the_middle_is_explained_and_asked_for_the_rest() {
    let stalls = || vec![text("Good day. We have"), Piece::After(ms(60_000)), text("nothing.")];
    let heard = check_explained(vec![stalls(), vec![text("We have ten.")]], "We have ten.").await;
    assert_eq!(heard, "Good day. One moment, please.We have ten.");
    check_explained(vec![stalls(), vec![Piece::After(ms(5_000)), text("We have ten.")]], "We have ten.").await;
    check_explained(vec![stalls(), stalls()], "say that again?").await;
    let dead = || vec![Piece::After(ms(60_000)), text("Too late.")];
    check_explained(vec![dead(), dead()], "say that again?").await;
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_breaks_off_is_finished_and_the_history_has_what_was_said() {
    let breaks = vec![text("Good day. We have"), Piece::Fails(passing())];
    let (world, phone) = greeted(FakeModel::scripted(vec![breaks, vec![text("We have ten.")]])).await;
    world.stt.says("one").await;
    phone.hears("Good day. We have ten.").await;
    let asked = world.model.requests.all().pop().unwrap();
    let Some(Message::Assistant { text, .. }) = asked.last() else { panic!("{asked:?}") };
    assert_eq!(text, "Good day. ");
    hangs_up(world, &phone).await;
}

#[tokio::test(start_paused = true)]
async fn two_answers_in_a_row_that_come_to_nothing_end_with_a_human() {
    let fails = || vec![Piece::Fails(fatal())];
    let (world, phone) = greeted(FakeModel::scripted(vec![fails(), fails()])).await;
    world.stt.says("one").await;
    phone.hears("say that again?").await;
    world.stt.says("one").await;
    phone.hears("we are having technical trouble.").await;
    phone.is_closed().await;
    assert!(matches!(world.verdict().await, StreamEnd::Transfer(_)));
    world.leaves_nothing().await;
}
