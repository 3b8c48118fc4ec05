//! RootSupervisor: starts the shared actors, starts them again when they fail, and gives up after a meltdown, so that
//! the process ends with an error and whoever started it starts it afresh.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::actor::{self, ActorError, ActorId, Behaviour, ChildEnd, Mailbox};
use crate::address::Address;
use crate::calendar::{CalendarActor, CalendarArgs, CalendarOutside, CalendarRef};
use crate::call::Outside;
use crate::crm::{CrmActor, CrmRef};
use crate::events::{ActorRestarted, Meltdown, SharedActorFailed, emit};
use crate::journal::{JournalActor, JournalArgs, JournalRef};
use crate::limits;
use crate::names::ActorKind;
use crate::notifier::{NotifierActor, NotifierArgs, NotifierRef};
use crate::ports::{Cache, ReminderStore, Store, TextStore};
use crate::registry::{CallRegistry, Calls, RegistryArgs, RegistryRef};
use crate::reminders::{Lines, OpenLines, ReminderSchedulerActor, RemindersArgs, RemindersRef};
use crate::supervision::{self, Restarts, Verdict};
use crate::tasks::TaskScope;
use crate::timer::{Fired, Timers};

/// The running root.
pub type RootRef = Mailbox<RootMsg>;

/// RootSupervisor.
#[derive(Debug)]
pub struct RootSupervisor;

/// What the root understands.
#[derive(Debug)]
pub enum RootMsg {
    /// From its own timer: a failed actor's pause is over.
    Restart(Fired<Shared>),
    /// From tests: a shared actor panics.
    Crash(Shared),
}

/// The shared actors, in the order in which they are started; they are stopped the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Shared {
    Journal,
    Crm,
    Calendar,
    Notifier,
    Reminders,
    Registry,
}

impl Shared {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Journal, Self::Crm, Self::Calendar, Self::Notifier, Self::Reminders, Self::Registry];

    const fn kind(self) -> ActorKind {
        match self {
            Self::Journal => ActorKind::Journal,
            Self::Crm => ActorKind::Crm,
            Self::Calendar => ActorKind::Calendar,
            Self::Notifier => ActorKind::Notifier,
            Self::Reminders => ActorKind::Reminders,
            Self::Registry => ActorKind::Registry,
        }
    }
}

/// Where the shared actors are found. The addresses outlive every restart.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Addresses {
    pub journal: JournalRef,
    pub crm: CrmRef,
    pub calendar: CalendarRef,
    pub notifier: NotifierRef,
    pub reminders: RemindersRef,
    pub registry: RegistryRef,
}

/// What the root is started with, and what it starts the others with, every time.
#[derive(Clone)]
pub struct RootArgs {
    /// Where the shared actors are found.
    pub addresses: Addresses,
    /// The workshop's records.
    pub store: Arc<dyn Store>,
    /// What may be lost.
    pub cache: Arc<dyn Cache>,
    /// The calendar outside, if there is one.
    pub calendar: Option<CalendarOutside>,
    /// Calls to be placed.
    pub reminders: Arc<dyn ReminderStore>,
    /// Text messages.
    pub texts: Arc<dyn TextStore>,
    /// What every call needs.
    pub outside: Arc<Outside>,
    /// Calls at the same time.
    pub max_calls: usize,
}

impl RootArgs {
    fn notifier(&self) -> NotifierArgs {
        NotifierArgs {
            store: self.store.clone(),
            texts: self.texts.clone(),
            reminders: self.reminders.clone(),
            telephony: self.outside.telephony.clone(),
            shop: self.outside.shop.clone(),
            clock: self.outside.clock.clone(),
        }
    }

    fn reminders(&self) -> RemindersArgs {
        RemindersArgs {
            store: self.reminders.clone(),
            telephony: self.outside.telephony.clone(),
            lines: Arc::new(RegistryLines(Calls::new(self.addresses.registry.clone()))),
            shop: self.outside.shop.clone(),
            clock: self.outside.clock.clone(),
        }
    }
}

/// The registry's lines, for whoever places calls.
struct RegistryLines(Calls);

#[async_trait]
impl Lines for RegistryLines {
    async fn open(&self) -> OpenLines {
        // A registry that does not answer has none.
        let view = self.0.view().await.unwrap_or_default();
        OpenLines { free: view.free, all: view.free + view.live.len() }
    }
}

/// What the root owns.
pub struct RootState {
    args: RootArgs,
    running: HashMap<ActorId, Shared>,
    restarts: HashMap<Shared, Restarts>,
    timers: Timers<Shared>,
    tasks: TaskScope,
}

impl RootState {
    async fn start(&mut self, myself: &RootRef, which: Shared) -> Result<(), ActorError> {
        let a = &self.args;
        let id = match which {
            Shared::Journal => {
                let journal = a.outside.journal.clone();
                let args = JournalArgs { journal, store: a.store.clone(), cache: a.cache.clone() };
                launch(myself, JournalActor, args, &a.addresses.journal).await?
            }
            Shared::Crm => launch(myself, CrmActor, a.store.clone(), &a.addresses.crm).await?,
            Shared::Calendar => {
                let (shop, clock) = (a.outside.shop.clone(), a.outside.clock.clone());
                let args = CalendarArgs { store: a.store.clone(), shop, clock, outside: a.calendar.clone() };
                launch(myself, CalendarActor, args, &a.addresses.calendar).await?
            }
            Shared::Notifier => launch(myself, NotifierActor, a.notifier(), &a.addresses.notifier).await?,
            Shared::Reminders => launch(myself, ReminderSchedulerActor, a.reminders(), &a.addresses.reminders).await?,
            Shared::Registry => {
                let args = RegistryArgs { outside: a.outside.clone(), max_calls: a.max_calls };
                launch(myself, CallRegistry, args, &a.addresses.registry).await?
            }
        };
        self.running.insert(id, which);
        Ok(())
    }

    fn withdraw(&self, which: Shared) {
        let addresses = &self.args.addresses;
        match which {
            Shared::Journal => addresses.journal.set(None),
            Shared::Crm => addresses.crm.set(None),
            Shared::Calendar => addresses.calendar.set(None),
            Shared::Notifier => addresses.notifier.set(None),
            Shared::Reminders => addresses.reminders.set(None),
            Shared::Registry => addresses.registry.set(None),
        }
    }

    fn failed(&mut self, myself: &RootRef, which: Shared, reason: &str) -> Result<(), ActorError> {
        self.withdraw(which);
        emit(SharedActorFailed { actor: which.kind(), reason });
        let restarts = self.restarts.entry(which).or_insert_with(|| Restarts::new(supervision::SHARED));
        match restarts.failed(Instant::now()) {
            Verdict::RestartAfter(pause) => {
                self.timers.arm(&self.tasks, which, pause, myself, RootMsg::Restart);
                Ok(())
            }
            Verdict::GiveUp => {
                emit(Meltdown { actor: which.kind() });
                Err(format!("meltdown: {} failed too often", which.kind()).into())
            }
        }
    }

    async fn restart(&mut self, myself: &RootRef, fired: Fired<Shared>) -> Result<(), ActorError> {
        if !self.timers.is_due(fired) {
            return Ok(());
        }
        match self.start(myself, fired.timer).await {
            Ok(()) => {
                emit(ActorRestarted { actor: fired.timer.kind() });
                Ok(())
            }
            Err(error) => self.failed(myself, fired.timer, &error.to_string()),
        }
    }

    fn crash(&self, which: Shared) {
        let addresses = &self.args.addresses;
        match which {
            Shared::Journal => crash(&addresses.journal),
            Shared::Crm => crash(&addresses.crm),
            Shared::Calendar => crash(&addresses.calendar),
            Shared::Notifier => crash(&addresses.notifier),
            Shared::Reminders => crash(&addresses.reminders),
            Shared::Registry => crash(&addresses.registry),
        }
    }
}

fn crash<M: Send + 'static>(address: &Address<M>) {
    if let Some(actor) = address.current() {
        actor.crash();
    }
}

async fn launch<B: Behaviour>(
    myself: &RootRef,
    behaviour: B,
    args: B::Args,
    address: &Address<B::Msg>,
) -> Result<ActorId, ActorError> {
    let mailbox = actor::spawn(behaviour, args, Some(myself.cell())).await?;
    let id = mailbox.id();
    address.set(Some(mailbox));
    Ok(id)
}

async fn stop<M: Send + 'static>(address: &Address<M>) {
    if let Some(actor) = address.current() {
        actor.stop_and_wait(limits::WRITE_TIMEOUT_MS).await;
    }
}

impl Behaviour for RootSupervisor {
    const KIND: ActorKind = ActorKind::Root;
    type Msg = RootMsg;
    type Args = RootArgs;
    type State = RootState;

    async fn start(&self, myself: &RootRef, args: RootArgs) -> Result<RootState, ActorError> {
        let (running, restarts, timers) = Default::default();
        let mut state = RootState { args, running, restarts, timers, tasks: TaskScope::root() };
        for which in Shared::ALL {
            state.start(myself, which).await?;
        }
        let outside = Arc::clone(&state.args.outside);
        state.tasks.spawn(async move { outside.prepare_phrases().await });
        Ok(state)
    }

    async fn handle(&self, myself: &RootRef, msg: RootMsg, state: &mut RootState) -> Result<(), ActorError> {
        match msg {
            RootMsg::Restart(fired) => state.restart(myself, fired).await,
            RootMsg::Crash(which) => {
                state.crash(which);
                Ok(())
            }
        }
    }

    async fn child_ended(&self, myself: &RootRef, child: ChildEnd, state: &mut RootState) -> Result<(), ActorError> {
        match state.running.remove(&child.id) {
            // A shared actor never stops of its own accord; if one does, that is a failure too.
            Some(which) => state.failed(myself, which, child.failure.as_deref().unwrap_or("stopped")),
            None => Ok(()),
        }
    }

    async fn stop(&self, _myself: &RootRef, state: &mut RootState) -> Result<(), ActorError> {
        state.running.clear();
        let addresses = &state.args.addresses;
        stop(&addresses.registry).await;
        stop(&addresses.reminders).await;
        stop(&addresses.notifier).await;
        stop(&addresses.calendar).await;
        stop(&addresses.crm).await;
        stop(&addresses.journal).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
