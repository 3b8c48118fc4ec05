//! ReminderSchedulerActor: makes the rounds of the evening, claims the calls that are due, has them placed, and records what
//! became of them. All that must outlive it is in the database.

mod errands;
mod events;
mod machine;
mod plan;
mod request;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;

pub use self::errands::{Looked, heard, look};
pub use self::machine::Pace;
pub use self::plan::plan;
pub use self::request::{RequestError, request};
use crate::actor::{ActorError, Behaviour, Mailbox};
use crate::address::Address;
use crate::domain::{CallStatus, ReminderId, Shop};
use crate::limits;
use crate::names::ActorKind;
use crate::ports::{CallProgress, Clock, ReminderStore, Telephony};
use crate::tasks::TaskScope;
use crate::timer::{Fired, Timers};

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
    /// being restarted, or while [`limits::REMINDER_REPORTS`] are being written: the call is then looked at when its time
    /// has come.
    CallStatus { reminder: ReminderId, attempt: u32, progress: CallProgress },
    /// From whoever added a row: there may be something to do.
    Added,
    /// From its own tasks and timers.
    Own(Own),
}

/// What the ReminderSchedulerActor tells itself. Nobody else can make one.
#[derive(Debug)]
pub struct Own(Step);

#[derive(Debug)]
enum Step {
    /// A look is over. Its pace is missing when it panicked.
    Looked(Option<(Pace, Looked)>),
    /// The next look is due.
    Due(Fired<Look>),
}

impl From<Step> for RemindersMsg {
    fn from(step: Step) -> Self {
        Self::Own(Own(step))
    }
}

/// The one timer: the next look for calls that are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Look;

/// The lines of this process, as the root knows them.
#[async_trait]
pub trait Lines: Send + Sync {
    /// How many there are, and how many are free.
    async fn open(&self) -> OpenLines;
}

/// The lines of this process at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenLines {
    /// Calls that could be taken now beside those that are alive; none while new calls are refused.
    pub free: usize,
    /// Calls that could be taken if none were alive.
    pub all: usize,
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
pub struct RemindersState {
    source: Arc<RemindersArgs>,
    /// Names this incarnation to the other nodes.
    worker: Arc<str>,
    /// Away while a look is going on.
    pace: Option<Pace>,
    /// Calls that stopped ringing during the present look.
    answered: HashSet<ReminderId>,
    /// Somebody asked for a look during the present one.
    wanted: bool,
    /// Reports that may be written at the same time.
    reports: Arc<Semaphore>,
    timers: Timers<Look>,
    tasks: TaskScope,
}

impl RemindersState {
    fn want(&mut self, myself: &Mailbox<RemindersMsg>) {
        let Some(pace) = self.pace.take() else {
            self.wanted = true;
            return;
        };
        self.timers.cancel(Look);
        let (source, worker, myself) = (Arc::clone(&self.source), Arc::clone(&self.worker), myself.clone());
        self.tasks.spawn(errands::run(source, worker, pace, myself));
    }

    fn looked(&mut self, myself: &Mailbox<RemindersMsg>, over: Option<(Pace, Looked)>) {
        let (mut pace, looked) = over.unwrap_or_default();
        self.answered.drain().for_each(|reminder| pace.answered(reminder));
        self.pace = Some(pace);
        if std::mem::take(&mut self.wanted) {
            self.want(myself);
        } else {
            self.timers.arm(&self.tasks, Look, looked.again_in, myself, |fired| Step::Due(fired).into());
        }
    }

    fn due(&mut self, myself: &Mailbox<RemindersMsg>, fired: Fired<Look>) {
        if self.timers.is_due(fired) {
            self.want(myself);
        }
    }

    fn call_status(&mut self, reminder: ReminderId, attempt: u32, progress: CallProgress) {
        if progress.status.is_some_and(|status| status.rank() >= CallStatus::InProgress.rank()) {
            self.answered(reminder);
        }
        // A report that is not written now is asked for later.
        let Ok(permit) = Arc::clone(&self.reports).try_acquire_owned() else { return };
        let source = Arc::clone(&self.source);
        self.tasks.spawn(async move {
            heard(&source, reminder, attempt, &progress, source.clock.now()).await;
            drop(permit);
        });
    }

    fn answered(&mut self, reminder: ReminderId) {
        match &mut self.pace {
            Some(pace) => pace.answered(reminder),
            None => {
                self.answered.insert(reminder);
            }
        }
    }
}

impl Behaviour for ReminderSchedulerActor {
    const KIND: ActorKind = ActorKind::Reminders;
    type Msg = RemindersMsg;
    type Args = RemindersArgs;
    type State = RemindersState;

    async fn start(&self, myself: &Mailbox<RemindersMsg>, args: RemindersArgs) -> Result<RemindersState, ActorError> {
        let mut state = RemindersState {
            source: Arc::new(args),
            worker: format!("reminders-{:032x}", rand::random::<u128>()).into(),
            pace: Some(Pace::default()),
            answered: HashSet::new(),
            wanted: false,
            reports: Arc::new(Semaphore::new(limits::REMINDER_REPORTS)),
            timers: Timers::default(),
            tasks: TaskScope::root(),
        };
        state.want(myself);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: &Mailbox<RemindersMsg>,
        msg: RemindersMsg,
        state: &mut RemindersState,
    ) -> Result<(), ActorError> {
        match msg {
            RemindersMsg::CallStatus { reminder, attempt, progress } => state.call_status(reminder, attempt, progress),
            RemindersMsg::Added => state.want(myself),
            RemindersMsg::Own(Own(Step::Looked(over))) => state.looked(myself, over),
            RemindersMsg::Own(Own(Step::Due(fired))) => state.due(myself, fired),
        }
        Ok(())
    }
}
