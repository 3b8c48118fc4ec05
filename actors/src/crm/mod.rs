//! CrmActor: customers, vehicles and appointments. Reads run side by side, writes one after the other; a call that asks
//! while the actor fails hears of it at once and asks again, which the identity of an effect makes harmless.
//!
//! No write keeps the ones behind it from their turn: each has [`limits::STORE_WRITE_TIMEOUT_MS`], and a panic ends it
//! alone. Whether such a write was carried out is not known: the database may commit what nobody waits for any more.
//! So its asker is told so, and may ask again under the same identity: then the store returns the result that it has
//! stored with the change, or makes the change.

#[cfg(test)]
mod tests;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use serde_json::Value;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use crate::actor::{ActorError, Behaviour, Mailbox, ReplyTo};
use crate::address::Address;
use crate::domain::{Appointment, AppointmentId, Customer, CustomerId, PhoneNumber, ServiceRecord, Vehicle};
use crate::effects::{EffectId, Fence};
use crate::limits;
use crate::names::ActorKind;
use crate::ports::{Action, Found, Store, StoreError};
use crate::tasks::TaskScope;

/// The CrmActor, whichever incarnation it is.
pub type CrmRef = Address<CrmMsg>;

/// CrmActor.
#[derive(Debug)]
pub struct CrmActor;

/// What comes of a question.
pub type Answer<T> = ReplyTo<Result<T, StoreError>>;

/// What the CrmActor understands. All of it comes from calls, and all of it is answered when the database has answered.
#[allow(missing_docs, reason = "the fields are named by what they are")]
pub enum CrmMsg {
    /// Who has this number?
    FindByPhone { phone: PhoneNumber, reply_to: Answer<Found> },
    /// Who is this?
    Find { customer: CustomerId, reply_to: Answer<Option<Customer>> },
    /// Who has names that begin like these? At most `limit`.
    ByName { name: String, limit: u32, reply_to: Answer<Vec<Customer>> },
    /// What do they drive?
    Vehicles { customer: CustomerId, reply_to: Answer<Vec<Vehicle>> },
    /// What was done on it? At most `limit` visits, latest first.
    History { customer: CustomerId, limit: u32, reply_to: Answer<Vec<ServiceRecord>> },
    /// When do they come?
    Upcoming { customer: CustomerId, from: DateTime<Utc>, reply_to: Answer<Vec<Appointment>> },
    /// Which appointment is this?
    Appointment { id: AppointmentId, reply_to: Answer<Option<Appointment>> },
    /// Change the records, once per identity. The answer is the tool's result.
    Act { write: Box<Write>, reply_to: Answer<Value> },
}

/// A change on its way to the database.
#[derive(Clone)]
pub struct Write {
    /// Its identity.
    pub effect: EffectId,
    /// Open while the turn that wants it is not over.
    pub fence: Fence,
    /// What to change, and what makes the tool's result of it.
    pub action: Action,
}

/// What the CrmActor owns.
pub struct CrmState {
    store: Arc<dyn Store>,
    readers: Arc<Semaphore>,
    writes: mpsc::Sender<Waiting>,
    tasks: TaskScope,
}

struct Waiting {
    write: Box<Write>,
    reply_to: Answer<Value>,
}

impl CrmState {
    fn read<T, F>(&self, reply_to: Answer<T>, query: impl FnOnce(Arc<dyn Store>) -> F + Send + 'static)
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let (store, readers) = (Arc::clone(&self.store), Arc::clone(&self.readers));
        self.tasks.spawn(async move {
            // The semaphore is never closed.
            let _permit = readers.acquire().await;
            reply_to.send(query(store).await);
        });
    }

    /// Puts a write behind those that wait.
    ///
    /// # Errors
    /// When nobody takes them any more: another incarnation must.
    fn act(&self, write: Box<Write>, reply_to: Answer<Value>) -> Result<(), ActorError> {
        match self.writes.try_send(Waiting { write, reply_to }) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(waiting)) => {
                let reason = "too many changes wait".to_owned();
                waiting.reply_to.send(Err(StoreError::Unavailable(reason)));
                Ok(())
            }
            Err(TrySendError::Closed(_)) => Err("the task that writes has ended".into()),
        }
    }
}

async fn write_in_order(store: Arc<dyn Store>, mut queue: mpsc::Receiver<Waiting>) {
    while let Some(Waiting { write, reply_to }) = queue.recv().await {
        let Write { effect, fence, action } = *write;
        let act = AssertUnwindSafe(store.act(&effect, &fence, action)).catch_unwind();
        match timeout(limits::STORE_WRITE_TIMEOUT_MS, act).await {
            Ok(Ok(done)) => reply_to.send(done),
            // Whoever asks hears at once that there will be no answer.
            Ok(Err(_panic)) => drop(reply_to),
            Err(_) => reply_to.send(Err(StoreError::UnknownOutcome)),
        }
    }
}

impl Behaviour for CrmActor {
    const KIND: ActorKind = ActorKind::Crm;
    type Msg = CrmMsg;
    type Args = Arc<dyn Store>;
    type State = CrmState;

    async fn start(&self, _myself: &Mailbox<CrmMsg>, store: Arc<dyn Store>) -> Result<CrmState, ActorError> {
        let tasks = TaskScope::root();
        let (writes, queue) = mpsc::channel(limits::WAITING_WRITES);
        tasks.spawn(write_in_order(Arc::clone(&store), queue));
        Ok(CrmState { store, readers: Arc::new(Semaphore::new(limits::CONCURRENT_READS)), writes, tasks })
    }

    async fn handle(&self, _myself: &Mailbox<CrmMsg>, msg: CrmMsg, state: &mut CrmState) -> Result<(), ActorError> {
        match msg {
            CrmMsg::FindByPhone { phone, reply_to } => {
                state.read(reply_to, async move |store: Arc<dyn Store>| store.look_up(&phone).await);
            }
            CrmMsg::Find { customer, reply_to } => {
                state.read(reply_to, async move |store: Arc<dyn Store>| store.customer(customer).await);
            }
            CrmMsg::ByName { name, limit, reply_to } => {
                state.read(reply_to, async move |store: Arc<dyn Store>| store.customers_by_name(&name, limit).await);
            }
            CrmMsg::Vehicles { customer, reply_to } => {
                state.read(reply_to, async move |store: Arc<dyn Store>| store.vehicles_of(customer).await);
            }
            CrmMsg::History { customer, limit, reply_to } => {
                state.read(reply_to, async move |store: Arc<dyn Store>| store.service_history(customer, limit).await);
            }
            CrmMsg::Upcoming { customer, from, reply_to } => {
                state.read(reply_to, async move |store: Arc<dyn Store>| store.upcoming(customer, from).await);
            }
            CrmMsg::Appointment { id, reply_to } => {
                state.read(reply_to, async move |store: Arc<dyn Store>| store.appointment(id).await);
            }
            CrmMsg::Act { write, reply_to } => state.act(write, reply_to)?,
        }
        Ok(())
    }
}
