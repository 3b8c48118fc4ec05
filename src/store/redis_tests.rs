//! The Redis cache against a real Redis, and against none.

use std::net::TcpListener;

use super::*;
use crate::store::redis_server::{RedisServer, cache_at, eventually};

/// Where a Redis for tests is; without it the tests start one of their own.
const REDIS_VARIABLE: &str = "OTTO_TEST_REDIS_URL";

const HOUR: Duration = Duration::from_secs(3_600);

/// The Redis that is set, or else one of the test's own.
fn any_redis() -> (RedisCache, Option<RedisServer>) {
    match std::env::var(REDIS_VARIABLE).ok().filter(|url| !url.is_empty()) {
        Some(url) => (cache_at(&url), None),
        None => {
            let server = RedisServer::started();
            (server.cache(), Some(server))
        }
    }
}

fn fresh_key() -> String {
    format!("otto:test:{}", uuid::Uuid::now_v7())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_value_replaces_none_and_several_keys_change_as_one() {
    let (cache, _own) = any_redis();
    let (one, two) = (Bytes::from_static(b"1"), Bytes::from_static(b"2"));
    // An answer that comes too late leaves it open whether the value was kept, so each attempt has a key of its own.
    let mut key = fresh_key();
    while !cache.put_new(&key, one.clone(), HOUR).await {
        key = fresh_key();
    }
    assert!(!cache.put_new(&key, two.clone(), HOUR).await);
    eventually("the first", async || cache.get(&key).await.as_ref() == Some(&one)).await;

    let keys = [key, fresh_key()];
    eventually("all", async || cache.put_all(&keys, two.clone(), HOUR).await).await;
    for key in &keys {
        eventually("each", async || cache.get(key).await.as_ref() == Some(&two)).await;
    }
    eventually("all for a moment", async || cache.put_all(&keys, one.clone(), Duration::from_millis(30)).await).await;
    for key in &keys {
        eventually("expiry", async || cache.ping().await && cache.get(key).await.is_none()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_expires_and_forgets() {
    let (cache, _own) = any_redis();
    let key = fresh_key();
    let value = Bytes::from_static(b"\x00\xffbytes");

    eventually("ping", async || cache.ping().await).await;
    assert_eq!(cache.get(&key).await, None);
    eventually("put", async || cache.put(&key, value.clone(), HOUR).await).await;
    eventually("get", async || cache.get(&key).await.as_ref() == Some(&value)).await;
    cache.remove(&key).await;
    assert_eq!(cache.get(&key).await, None);
    eventually("put", async || cache.put(&key, value.clone(), Duration::from_millis(30)).await).await;
    eventually("expiry", async || cache.get(&key).await.is_none()).await;
    assert!(!cache.put(&key, value, Duration::ZERO).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goes_on_without_redis_and_comes_back_with_it() {
    let mut server = RedisServer::stopped();
    let cache = server.cache();
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(cache.get("otto:test:away").await, None);
        assert!(began.elapsed() < REDIS_OP_TIMEOUT_MS * 10, "took {:?}", began.elapsed());
    }
    assert!(!cache.put("otto:test:away", Bytes::from_static(b"1"), HOUR).await);
    assert!(!cache.ping().await);

    server.start();
    eventually("connecting", async || cache.ping().await).await;
    server.stop();
    eventually("missing it", async || !cache.ping().await).await;
    server.start();
    eventually("connecting again", async || cache.ping().await).await;
}

#[tokio::test]
async fn a_redis_that_never_answers_costs_little() {
    // Connections are taken by the system's backlog; nobody ever reads.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let cache = cache_at(&format!("redis://{}/0", silent.local_addr().unwrap()));
    let began = Instant::now();
    for _ in 0..1_000 {
        assert_eq!(cache.get("otto:test:silent").await, None);
    }
    let bound = REDIS_OP_TIMEOUT_MS * crate::breaker::BREAKER_FAILURES + Duration::from_secs(2);
    assert!(began.elapsed() < bound, "took {:?}", began.elapsed());
}

#[test]
fn an_address_that_is_none_is_refused_without_being_shown() {
    for url in ["", "localhost:6379", "http://:hunter2@localhost"] {
        let error = RedisCache::new(&SecretString::from(url.to_owned())).err().unwrap().to_string();
        assert!(error.contains("redis://") && !error.contains("hunter2"), "{url}: {error}");
    }
}
