//! The records behind the cache: who has a phone number is asked at the start of every call, so it is read through the
//! cache; everything else goes to the database as it is.
//!
//! **Nothing outdated is put into the cache.** A write that changes a customer marks every number it touches, old and
//! new as one, before it begins and again when it has ended. A mark stands in the place of the value for
//! [`MARK_TTL`]: whoever finds it asks the database and leaves it there. A reader puts its value only where the key is
//! still empty, so one that read the database before the write cannot replace the mark; one that took so long that the
//! mark could be gone by then puts nothing. The mark from before the write also covers a process that dies between its
//! commit and the second mark, the time in which a replica is behind, and a commit whose outcome is unknown.
//!
//! **One query for many.** Look-ups of one number that come at the same time are one ([`flights`]); whoever asks after a
//! write does not join a look-up from before it.
//!
//! **Who sees a write.** All nodes use the keys of one Redis. Without Redis each process has a cache of its own, and a
//! write of another process is seen after [`CUSTOMER_TTL`] at most. When Redis is away, the marks are owed
//! ([`debts`]): this node asks the database for these numbers, and marks them as soon as Redis is back.

mod debts;
mod entry;
mod flights;
#[macro_use]
mod forward;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use metrics::{Counter, Label};
use otto_actors::domain::{Customer, CustomerId, PhoneNumber, ServiceRecord, Vehicle};
use otto_actors::effects::{EffectId, Fence};
use otto_actors::metrics::Metric;
use otto_actors::ports::{Action, BookingCustomer, Cache, CustomerStore, Found, Source, Store, StoreError};
use serde_json::Value;
use tokio::time::Instant;

use self::debts::Debts;
use self::entry::Entry;
use self::flights::{Answer, Flights};

/// How long a customer is kept.
pub const CUSTOMER_TTL: Duration = Duration::from_secs(300);
/// How long it is kept that nobody has a number.
pub const NOBODY_TTL: Duration = Duration::from_secs(30);
/// How long a mark stands: longer than a write takes, and than a replica is behind.
pub const MARK_TTL: Duration = Duration::from_secs(30);
/// A value from a query that took longer is not put into the cache.
pub const PUT_WITHIN: Duration = Duration::from_secs(10);
const _: () = assert!(PUT_WITHIN.as_secs() * 2 <= MARK_TTL.as_secs(), "a mark outlives every reader from before it");

/// The records behind the cache.
pub struct CachedStore {
    behind: Arc<Behind>,
    flights: Flights,
}

/// What a look-up needs, which may go on after everybody who asked has left.
struct Behind {
    store: Arc<dyn Store>,
    cache: Arc<dyn Cache>,
    debts: Debts,
    hits: Counter,
    misses: Counter,
    changed: Counter,
}

impl CachedStore {
    /// Puts a cache before the records.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, cache: Arc<dyn Cache>) -> Self {
        let lookups = |outcome| {
            let label = Label::from_static_parts;
            Metric::CacheLookups.counter(vec![label("key", "customer"), label("outcome", outcome)])
        };
        let debts = Debts::new(Arc::clone(&cache));
        let (hits, misses, changed) = (lookups("hit"), lookups("miss"), lookups("changed"));
        Self { behind: Arc::new(Behind { store, cache, debts, hits, misses, changed }), flights: Flights::default() }
    }

    /// The numbers whose entries an action may change.
    async fn touched(&self, action: &Action) -> Result<Vec<String>, StoreError> {
        let numbers: Vec<PhoneNumber> = match action {
            Action::Book { booking, .. } => match &booking.customer {
                BookingCustomer::New(new) => vec![new.phone.clone()],
                BookingCustomer::OnFile(_) => Vec::new(),
            },
            Action::CreateCustomer { new, facts, .. } => {
                std::iter::once(new.phone.clone()).chain(facts.phone.clone()).collect()
            }
            Action::UpdateCustomer { customer, facts, .. } => {
                let before = self.behind.store.customer(*customer).await?;
                before.map(|customer| customer.phone).into_iter().chain(facts.phone.clone()).collect()
            }
            Action::StopReminders { opt_out, customer, .. } => {
                let on_file = match customer {
                    Some(customer) => self.behind.store.customer(*customer).await?,
                    None => None,
                };
                on_file.map(|customer| customer.phone).into_iter().chain([opt_out.phone.clone()]).collect()
            }
            Action::ChangeAppointment { .. }
            | Action::AddVehicle { .. }
            | Action::TakeMessage { .. }
            | Action::RequestCallBack { .. } => Vec::new(),
        };
        Ok(numbers.iter().map(customer_key).collect())
    }

    /// Takes what the cache has of these keys out of use, on every node.
    async fn mark(&self, keys: &[String]) {
        self.flights.forget(keys);
        if !self.behind.cache.put_all(keys, Entry::JustChanged.encode(), MARK_TTL).await {
            self.behind.debts.owe(keys);
        }
    }
}

impl Behind {
    /// Asks the cache, and the database when it does not know.
    async fn find(&self, key: &str, phone: &PhoneNumber) -> Answer {
        match self.entry(key, phone).await {
            Some(Entry::Known(customer)) => {
                self.hits.increment(1);
                Ok(Found { customer, source: Source::Cache })
            }
            Some(Entry::JustChanged) => {
                self.changed.increment(1);
                self.store.look_up(phone).await
            }
            None => {
                self.misses.increment(1);
                self.read_and_keep(key, phone).await
            }
        }
    }

    async fn entry(&self, key: &str, phone: &PhoneNumber) -> Option<Entry> {
        if self.debts.are_owed(key) {
            return Some(Entry::JustChanged);
        }
        Entry::decode(&self.cache.get(key).await?, phone)
    }

    /// Asks the database, and keeps the answer where nothing has come in between.
    async fn read_and_keep(&self, key: &str, phone: &PhoneNumber) -> Answer {
        let began = Instant::now();
        let found = self.store.look_up(phone).await?;
        if began.elapsed() < PUT_WITHIN {
            let ttl = if found.customer.is_some() { CUSTOMER_TTL } else { NOBODY_TTL };
            self.cache.put_new(key, Entry::Known(found.customer.clone()).encode(), ttl).await;
        }
        Ok(found)
    }
}

/// Where the customer with that number is in the cache.
#[must_use]
pub fn customer_key(phone: &PhoneNumber) -> String {
    format!("otto:customer:{}", phone.as_e164())
}

#[async_trait]
impl CustomerStore for CachedStore {
    async fn customer_by_phone(&self, phone: &PhoneNumber) -> Result<Option<Customer>, StoreError> {
        Ok(self.look_up(phone).await?.customer)
    }

    async fn look_up(&self, phone: &PhoneNumber) -> Answer {
        let (behind, phone) = (Arc::clone(&self.behind), phone.clone());
        self.flights.join(customer_key(&phone), |key| async move { behind.find(&key, &phone).await }).await
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        self.behind.store.customer(id).await
    }

    async fn customers_by_name(&self, name: &str, limit: u32) -> Result<Vec<Customer>, StoreError> {
        self.behind.store.customers_by_name(name, limit).await
    }

    async fn vehicles_of(&self, customer: CustomerId) -> Result<Vec<Vehicle>, StoreError> {
        self.behind.store.vehicles_of(customer).await
    }

    async fn service_history(&self, customer: CustomerId, limit: u32) -> Result<Vec<ServiceRecord>, StoreError> {
        self.behind.store.service_history(customer, limit).await
    }
}

forward_the_rest!(CachedStore, |this| this.behind.store);

#[async_trait]
impl Store for CachedStore {
    async fn act(&self, effect: &EffectId, fence: &Fence, action: Action) -> Result<Value, StoreError> {
        let keys = self.touched(&action).await?;
        if keys.is_empty() {
            return self.behind.store.act(effect, fence, action).await;
        }
        self.mark(&keys).await;
        let outcome = self.behind.store.act(effect, fence, action).await;
        // Also after an error: the database may have committed before the connection broke.
        self.mark(&keys).await;
        outcome
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.behind.store.ping().await
    }
}
