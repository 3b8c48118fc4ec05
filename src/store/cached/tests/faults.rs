//! A Redis that stops answering, ends and returns: nobody notices but by the database's work.

use std::time::{Duration, Instant};

use otto_actors::ports::CustomerStore as _;

use super::lab::{Lab, act, create, name, named, on_redis, phone, renaming};
use crate::breaker::BREAKER_FAILURES;
use crate::store::redis::REDIS_OP_TIMEOUT_MS;
use crate::store::redis_server::eventually;

/// A look-up reads from the cache and puts into it.
const OPERATIONS: u32 = 2;
/// What a busy machine and the database may add to many look-ups.
const SLACK: Duration = Duration::from_secs(5);

/// Many look-ups, all answered, which waste no more time than it takes the breaker to open.
async fn are_answered(lab: &Lab) {
    let began = Instant::now();
    for n in 0..200 {
        assert!(lab.one.customer_by_phone(&phone(1_000 + n)).await.is_ok());
    }
    let bound = REDIS_OP_TIMEOUT_MS * BREAKER_FAILURES * OPERATIONS + SLACK;
    assert!(began.elapsed() < bound, "took {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_is_answered_while_redis_is_silent_and_it_is_used_again_by_itself() {
    let lab = on_redis().await;
    lab.until_cached(&lab.one, 1).await;
    lab.redis.as_ref().unwrap().pause();
    are_answered(&lab).await;
    lab.redis.as_ref().unwrap().resume();
    eventually("using it again", async || !lab.ask(&lab.one, 2).await.1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_is_answered_while_redis_is_gone_and_it_is_used_again_by_itself() {
    let mut lab = on_redis().await;
    lab.until_cached(&lab.one, 1).await;
    lab.redis.as_mut().unwrap().stop();
    are_answered(&lab).await;
    create(&*lab.one, 3, "Maria Lopez").await;
    assert_eq!(name(&lab.two, 3).await, named("Maria Lopez"));
    lab.redis.as_mut().unwrap().start();
    eventually("using it again", async || !lab.ask(&lab.one, 2).await.1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_during_an_outage_is_made_known_when_redis_is_back() {
    let lab = on_redis().await;
    let maria = lab.on_file(1, "Maria Lopez").await;
    assert_eq!(lab.until_cached(&lab.two, 1).await, named("Maria Lopez"));
    lab.redis.as_ref().unwrap().pause();
    // The breaker opens, so that no mark waits in the socket for Redis to go on.
    are_answered(&lab).await;
    act(&*lab.one, renaming(maria, "Maria Diaz")).await;
    assert_eq!(name(&lab.one, 1).await, named("Maria Diaz"));
    lab.redis.as_ref().unwrap().resume();
    assert_eq!(name(&lab.one, 1).await, named("Maria Diaz"), "this node knows, whatever Redis says");
    eventually("the other node", async || name(&lab.two, 1).await == named("Maria Diaz")).await;
}
