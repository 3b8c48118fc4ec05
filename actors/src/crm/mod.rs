//! CrmActor: customers, vehicles and appointments. Reads run side by side, writes one after the other; a call that asks
//! while the actor fails hears of it at once and asks again, which the identity of an effect makes harmless.

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};

use crate::actor::{ActorError, Behaviour, Mailbox, ReplyTo};
use crate::address::Address;
use crate::domain::{Appointment, Customer, CustomerId, PhoneNumber, Vehicle};
use crate::effects::{EffectId, Fence};
use crate::limits;
use crate::names::ActorKind;
use crate::ports::{Booking, Render, Store, StoreError};
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
    FindByPhone { phone: PhoneNumber, reply_to: Answer<Option<Customer>> },
    /// What do they drive?
    Vehicles { customer: CustomerId, reply_to: Answer<Vec<Vehicle>> },
    /// When do they come?
    Upcoming { customer: CustomerId, from: DateTime<Utc>, reply_to: Answer<Vec<Appointment>> },
    /// Book, once per identity. The answer is the tool's result.
    Book { write: Box<BookingWrite>, reply_to: Answer<Value> },
}

/// A booking on its way to the database.
#[derive(Clone)]
pub struct BookingWrite {
    /// Its identity.
    pub effect: EffectId,
    /// Open while the turn that wants it is not over.
    pub fence: Fence,
    /// What to book.
    pub booking: Booking,
    /// Makes the tool's result.
    pub render: Render,
}

/// What the CrmActor owns.
pub struct CrmState {
    store: Arc<dyn Store>,
    readers: Arc<Semaphore>,
    writes: mpsc::Sender<Write>,
    tasks: TaskScope,
}

struct Write {
    write: Box<BookingWrite>,
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

    fn book(&self, write: Box<BookingWrite>, reply_to: Answer<Value>) {
        if let Err(refused) = self.writes.try_send(Write { write, reply_to }) {
            let reason = "too many bookings wait".to_owned();
            refused.into_inner().reply_to.send(Err(StoreError::Unavailable(reason)));
        }
    }
}

async fn write_in_order(store: Arc<dyn Store>, mut queue: mpsc::Receiver<Write>) {
    while let Some(Write { write, reply_to }) = queue.recv().await {
        let BookingWrite { effect, fence, booking, render } = *write;
        reply_to.send(store.book(&effect, &fence, booking, render).await);
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
                state.read(reply_to, async move |store: Arc<dyn Store>| store.customer_by_phone(&phone).await);
            }
            CrmMsg::Vehicles { customer, reply_to } => {
                state.read(reply_to, async move |store: Arc<dyn Store>| store.vehicles_of(customer).await);
            }
            CrmMsg::Upcoming { customer, from, reply_to } => {
                state.read(reply_to, async move |store: Arc<dyn Store>| store.upcoming(customer, from).await);
            }
            CrmMsg::Book { write, reply_to } => state.book(write, reply_to),
        }
        Ok(())
    }
}
