//! The Redis cache against a real Redis, and against none.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use super::*;

/// Where a Redis for tests is; without it the tests start one of their own.
const REDIS_VARIABLE: &str = "OTTO_TEST_REDIS_URL";

const HOUR: Duration = Duration::from_secs(3_600);

/// A Redis that lives as long as its test.
struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn start(port: u16) -> Server {
    let process = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()])
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| {
            panic!(
                "redis-server: {error}. This test needs Redis: install it (apt-get install redis-server, brew install \
                 redis) or set {REDIS_VARIABLE} to the address of one that runs"
            )
        });
    let server = Server { process, port };
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "redis-server did not open its port within 10 s");
        std::thread::yield_now();
    }
    server
}

impl Server {
    fn cache(&self) -> RedisCache {
        cache(&format!("redis://127.0.0.1:{}/0", self.port))
    }
}

fn cache(url: &str) -> RedisCache {
    RedisCache::new(&SecretString::from(url.to_owned())).unwrap()
}

/// Asks until the answer is there. What a cache says may be a miss on a slow machine; it must be right in the end.
async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !check().await {
        assert!(began.elapsed() < Duration::from_secs(15), "{what}: not within 15 s");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_expires_and_forgets() {
    let url = std::env::var(REDIS_VARIABLE).ok().filter(|url| !url.is_empty());
    let own = url.is_none().then(|| start(free_port()));
    let cache = own.as_ref().map_or_else(|| cache(url.as_deref().unwrap_or_default()), Server::cache);
    let key = format!("otto:test:{}", uuid::Uuid::now_v7());
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
    let port = free_port();
    let cache = cache(&format!("redis://127.0.0.1:{port}/0"));
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(cache.get("otto:test:away").await, None);
        assert!(began.elapsed() < REDIS_OP_TIMEOUT_MS * 10, "took {:?}", began.elapsed());
    }
    assert!(!cache.put("otto:test:away", Bytes::from_static(b"1"), HOUR).await);
    assert!(!cache.ping().await);

    let server = start(port);
    eventually("connecting", async || cache.ping().await).await;
    drop(server);
    eventually("missing it", async || !cache.ping().await).await;
    let _server = start(port);
    eventually("connecting again", async || cache.ping().await).await;
}

#[tokio::test]
async fn a_redis_that_never_answers_costs_little() {
    // Connections are taken by the system's backlog; nobody ever reads.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let cache = cache(&format!("redis://{}/0", silent.local_addr().unwrap()));
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
