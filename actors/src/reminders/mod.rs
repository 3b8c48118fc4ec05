//! ReminderSchedulerActor: makes the rounds of the evening, claims the calls that are due, has them placed, and records what
//! became of them.

use std::sync::Arc;

use async_trait::async_trait;

use crate::actor::{ActorError, Behaviour, Mailbox};
use crate::address::Address;
use crate::domain::{ReminderId, Shop};
use crate::names::ActorKind;
use crate::ports::{CallProgress, Clock, ReminderStore, Telephony};

/// The ReminderSchedulerActor, whichever incarnation it is.
pub type RemindersRef = Address<RemindersMsg>;

/// ReminderSchedulerActor.
#[derive(Debug)]
pub struct ReminderSchedulerActor;

/// What the ReminderSchedulerActor understands.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named by what they are")]
pub enum RemindersMsg {
    /// From the webhook: Twilio says how a call stands that Otto placed for a row, in which attempt. Lost while the actor is
    /// being restarted: the call is then looked at when its time has come.
    CallStatus { reminder: ReminderId, attempt: u32, progress: CallProgress },
    /// From whoever added a row: there may be something to do.
    Added,
}

/// The lines of this process, as the root knows them.
#[async_trait]
pub trait Lines: Send + Sync {
    /// Calls that could be taken now beside those that are alive; none while new calls are refused.
    async fn free(&self) -> usize;
}

/// What the ReminderSchedulerActor is started with.
#[derive(Clone)]
pub struct RemindersArgs {
    /// The rows.
    pub store: Arc<dyn ReminderStore>,
    /// Who places calls; none without an account.
    pub telephony: Option<Arc<dyn Telephony>>,
    /// How many lines are free.
    pub lines: Arc<dyn Lines>,
    /// When, and how often.
    pub shop: Arc<Shop>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// What the ReminderSchedulerActor owns.
pub struct RemindersState {}

impl Behaviour for ReminderSchedulerActor {
    const KIND: ActorKind = ActorKind::Reminders;
    type Msg = RemindersMsg;
    type Args = RemindersArgs;
    type State = RemindersState;

    async fn start(&self, _myself: &Mailbox<RemindersMsg>, _args: RemindersArgs) -> Result<RemindersState, ActorError> {
        Ok(RemindersState {})
    }

    async fn handle(
        &self,
        _myself: &Mailbox<RemindersMsg>,
        msg: RemindersMsg,
        _state: &mut RemindersState,
    ) -> Result<(), ActorError> {
        match msg {
            RemindersMsg::CallStatus { .. } | RemindersMsg::Added => {}
        }
        Ok(())
    }
}
