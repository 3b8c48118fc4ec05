//! NotifierActor: sends the text messages that are ordered in the outbox.

use std::sync::Arc;

use crate::actor::{ActorError, Behaviour, Mailbox};
use crate::address::Address;
use crate::domain::Shop;
use crate::names::ActorKind;
use crate::ports::{Clock, ReminderStore, Store, Telephony, TextStore};

/// The NotifierActor, whichever incarnation it is.
pub type NotifierRef = Address<NotifierMsg>;

/// NotifierActor.
#[derive(Debug)]
pub struct NotifierActor;

/// What the NotifierActor understands.
#[derive(Debug)]
pub enum NotifierMsg {
    /// From whoever wrote into the outbox: there may be something to send.
    OutboxFilled,
}

/// What the NotifierActor is started with.
#[derive(Clone)]
pub struct NotifierArgs {
    /// Appointments, customers and the outbox.
    pub store: Arc<dyn Store>,
    /// What was sent.
    pub texts: Arc<dyn TextStore>,
    /// Who does not want text messages.
    pub reminders: Arc<dyn ReminderStore>,
    /// Who sends; none without an account.
    pub telephony: Option<Arc<dyn Telephony>>,
    /// What is said.
    pub shop: Arc<Shop>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// What the NotifierActor owns.
pub struct NotifierState {}

impl Behaviour for NotifierActor {
    const KIND: ActorKind = ActorKind::Notifier;
    type Msg = NotifierMsg;
    type Args = NotifierArgs;
    type State = NotifierState;

    async fn start(&self, _myself: &Mailbox<NotifierMsg>, _args: NotifierArgs) -> Result<NotifierState, ActorError> {
        Ok(NotifierState {})
    }

    async fn handle(
        &self,
        _myself: &Mailbox<NotifierMsg>,
        msg: NotifierMsg,
        _state: &mut NotifierState,
    ) -> Result<(), ActorError> {
        match msg {
            NotifierMsg::OutboxFilled => {}
        }
        Ok(())
    }
}
