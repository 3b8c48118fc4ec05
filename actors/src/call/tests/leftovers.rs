//! What a turn must not take with it when it dies: keys; and what it must not leave behind: noises.

use super::*;
use crate::names::Leg;

#[tokio::test(start_paused = true)]
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
