//! Single flight: look-ups of one key that come while one for it is under way get its answer.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use otto_actors::ports::{Found, StoreError};

/// What a look-up finds.
pub(super) type Answer = Result<Found, StoreError>;

/// The look-ups that are under way. Each is a task of its own, so that nobody who leaves takes it along; when it has
/// ended, whatever its outcome, the next look-up begins a new one.
#[derive(Default)]
pub(super) struct Flights(Arc<Mutex<UnderWay>>);

#[derive(Default)]
struct UnderWay {
    begun: u64,
    by_key: HashMap<String, Flight>,
}

struct Flight {
    nth: u64,
    answer: Shared<BoxFuture<'static, Answer>>,
}

impl Flights {
    /// The answer of the look-up that is under way for the key, or of the one that this begins.
    pub(super) fn join<L, F>(&self, key: String, look_up: L) -> Shared<BoxFuture<'static, Answer>>
    where
        L: FnOnce(String) -> F,
        F: Future<Output = Answer> + Send + 'static,
    {
        let mut under_way = lock(&self.0);
        if let Some(flight) = under_way.by_key.get(&key) {
            return flight.answer.clone();
        }
        under_way.begun += 1;
        let (nth, flights) = (under_way.begun, Arc::clone(&self.0));
        let (look_up, key_of_task) = (look_up(key.clone()), key.clone());
        let task = tokio::spawn(async move {
            let _landing = Landing { flights, key: key_of_task, nth };
            look_up.await
        });
        let broken = |_| Err(StoreError::Unavailable("a look-up broke off".to_owned()));
        let answer = async move { task.await.unwrap_or_else(broken) }.boxed().shared();
        under_way.by_key.insert(key, Flight { nth, answer: answer.clone() });
        answer
    }

    /// Whoever asks from now on does not get the answer of a look-up from before.
    pub(super) fn forget(&self, keys: &[String]) {
        let mut under_way = lock(&self.0);
        for key in keys {
            under_way.by_key.remove(key);
        }
    }
}

/// Removes its flight at its end, a panic included.
struct Landing {
    flights: Arc<Mutex<UnderWay>>,
    key: String,
    nth: u64,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut under_way = lock(&self.flights);
        if under_way.by_key.get(&self.key).is_some_and(|flight| flight.nth == self.nth) {
            under_way.by_key.remove(&self.key);
        }
    }
}

fn lock(under_way: &Mutex<UnderWay>) -> MutexGuard<'_, UnderWay> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}
