//! Scenarios that are known to fail: what a turn takes with it when it dies. Run them with `--ignored`.

use super::*;
use crate::names::Leg;

#[tokio::test(start_paused = true)]
#[ignore = "known: a key is kept by nobody while the turn is away or dying; words are"]
async fn a_key_that_the_turn_took_with_it_is_pressed_all_the_same() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(STRANGER).await;
    phone.hears(GREETING).await;
    phone.sends(MediaEvent::Dtmf('1'));
    tokio::time::sleep(ms(50)).await;
    world.crash(Leg::Turn);
    tokio::time::sleep(ms(50)).await;
    phone.sends(MediaEvent::Dtmf('#'));
    phone.hears("You said (keys pressed: 1)").await;
}

#[tokio::test(start_paused = true)]
#[ignore = "known: pending words are not cleared when the turn has ignored them, only when it has answered"]
async fn a_listening_noise_is_not_answered_after_a_restart() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(STRANGER).await;
    phone.hears("Thanks for calling").await;
    world.stt.says("okay").await;
    phone.hears(GREETING).await;
    tokio::time::sleep(ms(2_000)).await;
    world.crash(Leg::Turn);
    tokio::time::sleep(ms(10_000)).await;
    assert_eq!(world.model.requests.all(), Vec::<Vec<Message>>::new(), "the noise was answered");
    phone.hangs_up();
    phone.is_closed().await;
    world.leaves_nothing().await;
}

#[tokio::test(start_paused = true)]
#[ignore = "known: a false alarm is not resumed (design, 3.6): the caller's interim word becomes a turn of its own"]
async fn a_false_alarm_resumes_what_was_being_said() {
    let world = World::new(FakeModel::receptionist()).await;
    let phone = world.dial(STRANGER).await;
    phone.hears(GREETING).await;
    world.stt.says("one").await;
    phone.hears("You said one, and I have").await;
    world.stt.begins("hey").await;
    phone.hears("It has an end.").await;
    assert_eq!(world.model.requests.len(), 1, "nothing new was asked");
}
