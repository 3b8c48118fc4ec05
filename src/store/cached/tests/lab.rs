//! Two nodes on one database and one cache; the database counts its queries and can be held up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use otto_actors::domain::{
    CallSid, Customer, CustomerFacts, CustomerId, NewCustomer, PhoneNumber, ServiceRecord, TurnId, Vehicle,
};
use otto_actors::effects::{EffectId, Fence};
use otto_actors::ports::{Action, Cache, CustomerStore, Source, Store, StoreError};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::super::CachedStore;
use crate::store::redis_server::RedisServer;
use crate::store::{MemoryCache, SqliteStore};

pub(super) struct Lab {
    pub(super) database: Arc<Database>,
    pub(super) one: Arc<CachedStore>,
    pub(super) two: Arc<CachedStore>,
    pub(super) redis: Option<RedisServer>,
}

pub(super) async fn in_process() -> Lab {
    let cache = Arc::new(MemoryCache::default());
    Lab::on(cache.clone(), cache, None).await
}

pub(super) async fn on_redis() -> Lab {
    let server = RedisServer::started();
    let (one, two) = (Arc::new(server.cache()), Arc::new(server.cache()));
    // The first operation only begins to connect.
    for cache in [&one, &two] {
        crate::store::redis_server::eventually("connecting", async || cache.ping().await).await;
    }
    Lab::on(one, two, Some(server)).await
}

impl Lab {
    async fn on(one: Arc<dyn Cache>, two: Arc<dyn Cache>, redis: Option<RedisServer>) -> Self {
        let database = Arc::new(Database::open().await);
        let node = |cache| Arc::new(CachedStore::new(Arc::clone(&database) as Arc<dyn Store>, cache));
        Self { one: node(one), two: node(two), database, redis }
    }

    /// Somebody who was put on file before there was a cache: no mark stands.
    pub(super) async fn on_file(&self, n: usize, name: &str) -> CustomerId {
        create(&*self.database, n, name).await
    }

    /// Who has the number, as this node says; and whether the database was asked.
    pub(super) async fn ask(&self, node: &CachedStore, n: usize) -> (Option<String>, bool) {
        let before = self.database.queries();
        let found = node.look_up(&phone(n)).await.unwrap();
        let asked = self.database.queries() > before;
        assert_eq!(found.source, if asked { Source::Database } else { Source::Cache });
        (found.customer.map(|customer| customer.name), asked)
    }

    /// Asks until the cache answers: on a busy machine an operation of Redis may take too long.
    pub(super) async fn until_cached(&self, node: &CachedStore, n: usize) -> Option<String> {
        let began = std::time::Instant::now();
        loop {
            let (name, asked) = self.ask(node, n).await;
            if !asked {
                return name;
            }
            assert!(began.elapsed().as_secs() < 15, "the cache never answered");
        }
    }
}

/// Who has the number, as this node says.
pub(super) async fn name(node: &CachedStore, n: usize) -> Option<String> {
    node.customer_by_phone(&phone(n)).await.unwrap().map(|customer| customer.name)
}

pub(super) fn named(name: &str) -> Option<String> {
    Some(name.to_owned())
}

pub(super) fn phone(n: usize) -> PhoneNumber {
    PhoneNumber::parse(&format!("+1555555{n:04}")).unwrap()
}

/// Puts somebody on file.
pub(super) async fn create(store: &dyn Store, n: usize, name: &str) -> CustomerId {
    let since = "2026-11-23".parse().unwrap();
    let new = NewCustomer { name: name.into(), phone: phone(n), since };
    let render = Arc::new(|customer: &Customer| json!(customer.id.0));
    let id = act(store, Action::CreateCustomer { new, facts: CustomerFacts::default(), render }).await;
    CustomerId(id.as_i64().unwrap())
}

pub(super) fn renaming(customer: CustomerId, name: &str) -> Action {
    change(customer, CustomerFacts { name: named(name), ..CustomerFacts::default() })
}

pub(super) fn change(customer: CustomerId, facts: CustomerFacts) -> Action {
    Action::UpdateCustomer { customer, facts, caller: None, render: Arc::new(|_: &Customer| Value::Null) }
}

pub(super) async fn act(store: &dyn Store, action: Action) -> Value {
    store.act(&fresh_effect(), &Fence::open(), action).await.unwrap()
}

fn fresh_effect() -> EffectId {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    let tool_call_id = format!("call_{}", LAST.fetch_add(1, Ordering::Relaxed));
    EffectId { call: CallSid::parse(&format!("CA{:032}", 1)).unwrap(), turn: TurnId(1), tool_call_id }
}

/// A database that can be watched.
pub(super) struct Database {
    store: SqliteStore,
    queries: watch::Sender<usize>,
    /// Queries that have read and not answered yet wait while this is true.
    held: watch::Sender<bool>,
    pub(super) fails: AtomicBool,
    /// A write that has committed never comes back.
    pub(super) dies: AtomicBool,
    writes: watch::Sender<usize>,
}

impl Database {
    async fn open() -> Self {
        let store = SqliteStore::open("sqlite::memory:").await.unwrap();
        let (fails, dies) = Default::default();
        let (queries, held, writes) = (watch::Sender::new(0), watch::Sender::new(false), watch::Sender::new(0));
        Self { store, queries, held, fails, dies, writes }
    }

    /// How many look-ups by number have come here.
    pub(super) fn queries(&self) -> usize {
        *self.queries.borrow()
    }

    pub(super) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Waits until so many look-ups by number have read what is on file.
    pub(super) async fn have_read(&self, count: usize) {
        self.queries.subscribe().wait_for(|queries| *queries >= count).await.unwrap();
    }

    /// Waits until so many writes have been committed.
    pub(super) async fn have_written(&self, count: usize) {
        self.writes.subscribe().wait_for(|writes| *writes >= count).await.unwrap();
    }

    pub(super) fn writes(&self) -> usize {
        *self.writes.borrow()
    }
}

#[async_trait]
impl CustomerStore for Database {
    async fn customer_by_phone(&self, phone: &PhoneNumber) -> Result<Option<Customer>, StoreError> {
        let found = self.store.customer_by_phone(phone).await;
        self.queries.send_modify(|queries| *queries += 1);
        self.held.subscribe().wait_for(|held| !held).await.unwrap();
        if self.fails.load(Ordering::Relaxed) { Err(StoreError::Contended) } else { found }
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        self.store.customer(id).await
    }

    async fn customers_by_name(&self, name: &str, limit: u32) -> Result<Vec<Customer>, StoreError> {
        self.store.customers_by_name(name, limit).await
    }

    async fn vehicles_of(&self, customer: CustomerId) -> Result<Vec<Vehicle>, StoreError> {
        self.store.vehicles_of(customer).await
    }

    async fn service_history(&self, customer: CustomerId, limit: u32) -> Result<Vec<ServiceRecord>, StoreError> {
        self.store.service_history(customer, limit).await
    }
}

forward_the_rest!(Database, |this| this.store);

#[async_trait]
impl Store for Database {
    async fn act(&self, effect: &EffectId, fence: &Fence, action: Action) -> Result<Value, StoreError> {
        let outcome = self.store.act(effect, fence, action).await;
        self.writes.send_modify(|writes| *writes += 1);
        if self.dies.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        outcome
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}
