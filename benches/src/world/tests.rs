//! The world as a whole: it starts, tells where it is, and leaves nothing behind.

use crate::testing::{deepgram, world};

#[tokio::test]
async fn a_world_leaves_no_task_behind() {
    let world = world().await;
    let socket = deepgram(&world, "/v1/listen?model=nova-3&encoding=mulaw&sample_rate=8000").await;
    assert!(world.tasks() >= 5);
    world.shutdown().await;
    assert_eq!(world.tasks(), 0);
    drop(socket);
}

#[tokio::test]
async fn every_setting_of_the_engine_is_there() {
    let world = world().await;
    let names: Vec<String> = world.env().into_iter().map(|(name, _)| name).collect();
    for name in ["TWILIO_API_URL", "DEEPGRAM_URL", "OPENAI_BASE_URL", "GOOGLE_API_URL", "NHTSA_API_URL"] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    world.shutdown().await;
}
