//! The cache of a single process: bounded by bytes, each entry with a time to live of its own. The default when no
//! Redis is set.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use moka::Expiry;
use moka::future::Cache as Moka;
use moka::policy::EvictionPolicy;
use otto_actors::ports::Cache;
use tokio::sync::RwLock;

/// Keys and values that are kept, in bytes; beyond it the least recently used go.
pub const MEMORY_CACHE_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// What an entry costs beside its key and value, roughly, in bytes.
const ENTRY_OVERHEAD_BYTES: usize = 128;

#[derive(Clone)]
struct Entry {
    value: Bytes,
    ttl: Duration,
}

struct OwnTtl;

impl Expiry<String, Entry> for OwnTtl {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(&self, _: &String, entry: &Entry, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(entry.ttl)
    }
}

/// The in-process cache.
pub struct MemoryCache {
    entries: Moka<String, Entry>,
    /// Writing looks and then puts, or puts several keys; nobody sees the middle of it. Held for microseconds: nothing
    /// behind it waits for the outside.
    turn: RwLock<()>,
}

impl Default for MemoryCache {
    fn default() -> Self {
        Self::with_capacity(MEMORY_CACHE_MAX_BYTES)
    }
}

impl MemoryCache {
    /// A cache that holds at most that many bytes of keys and values.
    #[must_use]
    pub fn with_capacity(max_bytes: u64) -> Self {
        let weigh = |key: &String, entry: &Entry| {
            u32::try_from(key.len() + entry.value.len() + ENTRY_OVERHEAD_BYTES).unwrap_or(u32::MAX)
        };
        // LRU: the default policy may turn a new entry away, and a fresh session snapshot is the one that matters.
        let entries = Moka::builder()
            .max_capacity(max_bytes)
            .weigher(weigh)
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(OwnTtl)
            .build();
        Self { entries, turn: RwLock::default() }
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &str) -> Option<Bytes> {
        let _turn = self.turn.read().await;
        self.entries.get(key).await.map(|entry| entry.value)
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> bool {
        let _turn = self.turn.write().await;
        self.entries.insert(key.to_owned(), Entry { value, ttl }).await;
        true
    }

    async fn put_new(&self, key: &str, value: Bytes, ttl: Duration) -> bool {
        let _turn = self.turn.write().await;
        let is_new = self.entries.get(key).await.is_none();
        if is_new {
            self.entries.insert(key.to_owned(), Entry { value, ttl }).await;
        }
        is_new
    }

    async fn put_all(&self, keys: &[String], value: Bytes, ttl: Duration) -> bool {
        let _turn = self.turn.write().await;
        for key in keys {
            self.entries.insert(key.clone(), Entry { value: value.clone(), ttl }).await;
        }
        true
    }

    async fn remove(&self, key: &str) {
        let _turn = self.turn.write().await;
        self.entries.invalidate(key).await;
    }

    async fn ping(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn keeps_replaces_and_forgets() {
        let cache = MemoryCache::default();
        assert_eq!(cache.get("a").await, None);
        assert!(cache.put("a", Bytes::from_static(b"1"), HOUR).await);
        assert!(cache.put("a", Bytes::from_static(b"2"), HOUR).await);
        assert_eq!(cache.get("a").await, Some(Bytes::from_static(b"2")));
        cache.remove("a").await;
        assert_eq!(cache.get("a").await, None);
        assert!(cache.ping().await);
    }

    #[tokio::test]
    async fn a_new_value_replaces_none_and_several_keys_change_as_one() {
        let cache = MemoryCache::default();
        let keys = ["a".to_owned(), "b".to_owned()];
        assert!(cache.put_new("a", Bytes::from_static(b"1"), HOUR).await);
        assert!(!cache.put_new("a", Bytes::from_static(b"2"), HOUR).await);
        assert_eq!(cache.get("a").await, Some(Bytes::from_static(b"1")));
        assert!(cache.put_all(&keys, Bytes::from_static(b"3"), HOUR).await);
        for key in &keys {
            assert_eq!(cache.get(key).await, Some(Bytes::from_static(b"3")));
        }
        assert!(cache.put_all(&keys, Bytes::new(), Duration::ZERO).await);
        assert!(cache.put_new("a", Bytes::from_static(b"4"), HOUR).await, "what has expired is not there");
    }

    #[tokio::test]
    async fn each_entry_has_its_own_time_to_live() {
        let cache = MemoryCache::default();
        cache.put("gone", Bytes::from_static(b"1"), Duration::ZERO).await;
        cache.put("kept", Bytes::from_static(b"2"), HOUR).await;
        assert_eq!(cache.get("gone").await, None);
        assert_eq!(cache.get("kept").await, Some(Bytes::from_static(b"2")));
        cache.put("kept", Bytes::from_static(b"3"), Duration::ZERO).await;
        assert_eq!(cache.get("kept").await, None, "a replacement brings its own");
    }

    #[tokio::test]
    async fn is_bounded_and_keeps_the_newest() {
        let cache = MemoryCache::with_capacity(10 * 1_024);
        for n in 0..100 {
            cache.put(&format!("key {n}"), Bytes::from(vec![0; 1_024]), HOUR).await;
            cache.entries.run_pending_tasks().await;
        }
        assert!(cache.entries.weighted_size() <= 10 * 1_024, "{}", cache.entries.weighted_size());
        assert!(cache.get("key 99").await.is_some());
        assert!(cache.get("key 0").await.is_none());
    }
}
