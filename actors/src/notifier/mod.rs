//! NotifierActor: sends the text messages that are ordered in the outbox, one after the other, each once.

mod errand;
mod events;
mod machine;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::machine::Rounds;
use crate::actor::{ActorError, Behaviour, Mailbox};
use crate::address::Address;
use crate::domain::Shop;
use crate::limits;
use crate::names::ActorKind;
use crate::ports::{Clock, ReminderStore, Store, Telephony, TextStore};
use crate::tasks::TaskScope;
use crate::timer::{Fired, Timers};

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
    /// From its own task: nothing is due any more.
    Over(Over),
    /// From its own timer: it is time to look again.
    Due(Fired<Look>),
}

/// That a round through the outbox is over. Nobody else can make one.
#[derive(Debug)]
pub struct Over(());

/// The timer of the next look into the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Look;

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
pub struct NotifierState {
    source: Arc<NotifierArgs>,
    /// Names this incarnation among all that send.
    worker: Arc<str>,
    rounds: Rounds,
    timers: Timers<Look>,
    tasks: TaskScope,
}

impl NotifierState {
    fn want(&mut self, myself: &Mailbox<NotifierMsg>) {
        let sends = self.source.telephony.as_ref().is_some_and(|company| company.can_text());
        if sends && self.rounds.want() {
            self.start(myself);
        }
    }

    fn start(&self, myself: &Mailbox<NotifierMsg>) {
        self.tasks.spawn(errand::run(Arc::clone(&self.source), Arc::clone(&self.worker), myself.clone()));
    }

    fn over(&mut self, myself: &Mailbox<NotifierMsg>) {
        self.timers.arm(&self.tasks, Look, limits::TEXTS_LOOK_EVERY_MS, myself, NotifierMsg::Due);
        if self.rounds.over() {
            self.start(myself);
        }
    }

    fn due(&mut self, myself: &Mailbox<NotifierMsg>, fired: Fired<Look>) {
        if self.timers.is_due(fired) {
            self.want(myself);
        }
    }
}

impl Behaviour for NotifierActor {
    const KIND: ActorKind = ActorKind::Notifier;
    type Msg = NotifierMsg;
    type Args = NotifierArgs;
    type State = NotifierState;

    async fn start(&self, myself: &Mailbox<NotifierMsg>, args: NotifierArgs) -> Result<NotifierState, ActorError> {
        let worker = format!("notifier-{:016x}", rand::random::<u64>()).into();
        let (rounds, timers) = Default::default();
        let mut state = NotifierState { source: Arc::new(args), worker, rounds, timers, tasks: TaskScope::root() };
        state.want(myself);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: &Mailbox<NotifierMsg>,
        msg: NotifierMsg,
        state: &mut NotifierState,
    ) -> Result<(), ActorError> {
        match msg {
            NotifierMsg::OutboxFilled => state.want(myself),
            NotifierMsg::Over(_) => state.over(myself),
            NotifierMsg::Due(fired) => state.due(myself, fired),
        }
        Ok(())
    }
}
