//! The cache that several processes share. Redis is always optional: an operation takes at most
//! [`REDIS_OP_TIMEOUT_MS`], and while Redis is away none is tried at all but for a probe now and then.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use otto_actors::ports::Cache;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue, RedisError};
use secrecy::{ExposeSecret as _, SecretString};

use crate::breaker::Breaker;

/// An operation, waiting for a connection included.
pub const REDIS_OP_TIMEOUT_MS: Duration = Duration::from_millis(50);
/// One attempt to connect; it goes on behind the operations that gave up on it.
pub const REDIS_CONNECT_TIMEOUT_MS: Duration = Duration::from_millis(2_000);

/// Keeps one value under all keys, in one step of the server's: nobody sees some of them changed, and a connection that
/// breaks leaves all or none. It is sent as text each time, since it runs seldom and a Redis that was restarted knows no
/// scripts.
const PUT_ALL: &str = "for _, key in ipairs(KEYS) do redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end";

/// A `REDIS_URL` that is no address of a Redis. The text is free of the address, which may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("found no address of a Redis, expected one such as redis://127.0.0.1:6379/0 or rediss://host:6380/0")]
pub struct RedisUrlError;

/// The cache on Redis.
pub struct RedisCache {
    client: Client,
    shared: Mutex<Shared>,
}

struct Shared {
    breaker: Breaker,
    /// Made by the first operation, so that building a cache neither connects nor needs a runtime; dropped when the
    /// breaker opens, so that a connection into the void does not outlive the trouble.
    connection: Option<ConnectionManager>,
}

impl RedisCache {
    /// A cache on the Redis at that address. Nothing is connected yet: that Redis is away is no error, now or later.
    ///
    /// # Errors
    /// When the text is no address of a Redis.
    pub fn new(url: &SecretString) -> Result<Self, RedisUrlError> {
        let client = Client::open(url.expose_secret()).map_err(|_| RedisUrlError)?;
        Ok(Self { client, shared: Mutex::new(Shared { breaker: Breaker::default(), connection: None }) })
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one command within the time limit, unless the breaker is open. No error ever leaves here.
    async fn run<T: FromRedisValue>(&self, command: Cmd) -> Option<T> {
        let connection = self.connection()?;
        let outcome = tokio::time::timeout(REDIS_OP_TIMEOUT_MS, attempt(connection, &command)).await;
        match outcome {
            Ok(Ok(value)) => {
                self.succeeded();
                Some(value)
            }
            Ok(Err(error)) => {
                self.failed(&format!("{:?}", error.kind()));
                None
            }
            Err(_) => {
                self.failed("timed out");
                None
            }
        }
    }

    /// A connection if the breaker lets one more request pass.
    fn connection(&self) -> Option<ConnectionManager> {
        let mut shared = self.shared();
        if !shared.breaker.admit(Instant::now()) {
            return None;
        }
        if shared.connection.is_none() {
            shared.connection = self.connect();
        }
        shared.connection.clone()
    }

    /// Begins to connect, in a task of its own: a connection that takes longer than an operation may still come.
    fn connect(&self) -> Option<ConnectionManager> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(REDIS_CONNECT_TIMEOUT_MS));
        let connection = ConnectionManager::new_lazy_with_config(self.client.clone(), config).ok()?;
        let mut first = connection.clone();
        tokio::spawn(async move { redis::cmd("PING").query_async::<()>(&mut first).await });
        Some(connection)
    }

    fn succeeded(&self) {
        if self.shared().breaker.succeeded() {
            tracing::info!("Redis answers again");
        }
    }

    /// `reason` never holds keys or values: they name customers.
    fn failed(&self, reason: &str) {
        let opened = {
            let mut shared = self.shared();
            let opened = shared.breaker.failed(Instant::now());
            if opened {
                shared.connection = None;
            }
            opened
        };
        if opened {
            tracing::warn!(reason, "Redis does not answer; going on without it");
        }
    }
}

/// A time to live as Redis takes it, which is at least one millisecond.
fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}

/// Sends a command, and once more if the connection turns out to be gone: the manager has begun a new one by then. All
/// commands here may be repeated without harm.
async fn attempt<T: FromRedisValue>(mut connection: ConnectionManager, command: &Cmd) -> Result<T, RedisError> {
    match command.query_async(&mut connection).await {
        Err(error) if error.is_io_error() || error.is_connection_dropped() => {
            command.query_async(&mut connection).await
        }
        outcome => outcome,
    }
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, key: &str) -> Option<Bytes> {
        let mut command = redis::cmd("GET");
        command.arg(key);
        self.run::<Option<Vec<u8>>>(command).await.flatten().map(Bytes::from)
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> bool {
        if ttl.as_millis() == 0 {
            self.remove(key).await;
            return false;
        }
        let mut command = redis::cmd("SET");
        command.arg(key).arg(value.as_ref()).arg("PX").arg(milliseconds(ttl));
        self.run::<()>(command).await.is_some()
    }

    async fn put_new(&self, key: &str, value: Bytes, ttl: Duration) -> bool {
        let mut command = redis::cmd("SET");
        command.arg(key).arg(value.as_ref()).arg("NX").arg("PX").arg(milliseconds(ttl));
        // The answer is OK, or nothing when there is a value.
        self.run::<Option<String>>(command).await.flatten().is_some()
    }

    async fn put_all(&self, keys: &[String], value: Bytes, ttl: Duration) -> bool {
        let mut command = redis::cmd("EVAL");
        command.arg(PUT_ALL).arg(keys.len()).arg(keys).arg(value.as_ref()).arg(milliseconds(ttl));
        self.run::<()>(command).await.is_some()
    }

    async fn remove(&self, key: &str) {
        let mut command = redis::cmd("DEL");
        command.arg(key);
        self.run::<()>(command).await;
    }

    async fn ping(&self) -> bool {
        self.run::<()>(redis::cmd("PING")).await.is_some()
    }
}

#[cfg(test)]
#[path = "redis_tests.rs"]
mod tests;
