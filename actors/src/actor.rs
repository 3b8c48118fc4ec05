//! The one wrapper around every actor: it counts, it times, it bounds the mailbox, and it turns ractor's supervision
//! events into one type. An actor implements [`Behaviour`] and is reached through its [`Mailbox`].
//!
//! Facts of ractor that shape this file: mailboxes are unbounded and have no length, so messages are counted on the way
//! in and out; the default reaction to a child's end stops the parent, so it is always overridden; a parent's end kills
//! its children without `post_stop`, so they are stopped before; a panic reaches the parent as an error like any other,
//! with its text, which could quote what was said, so panics are caught here and lose their text.

mod upward;

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use ractor::{ActorCell, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use tokio::sync::oneshot;

use crate::limits;
use crate::metrics::{ActorSnapshot, ActorStats};
use crate::names::ActorKind;

pub use upward::Upward;

/// An error that ends an actor. Its supervisor decides what follows.
pub type ActorError = ActorProcessingErr;

/// What an actor is: configuration in `self`, everything that changes in `State`.
pub trait Behaviour: Sized + Send + Sync + 'static {
    /// What sort of actor this is.
    const KIND: ActorKind;
    /// What it understands.
    type Msg: Send + 'static;
    /// What it needs to start.
    type Args: Send + 'static;
    /// What it owns.
    type State: Send + 'static;

    /// Makes the state. It holds up the parent, so it never waits for the network.
    fn start(
        &self,
        myself: &Mailbox<Self::Msg>,
        args: Self::Args,
    ) -> impl Future<Output = Result<Self::State, ActorError>> + Send;

    /// Handles one message: dispatches, and no more.
    fn handle(
        &self,
        myself: &Mailbox<Self::Msg>,
        msg: Self::Msg,
        state: &mut Self::State,
    ) -> impl Future<Output = Result<(), ActorError>> + Send;

    /// A child has ended. An actor without children never hears of it.
    fn child_ended(
        &self,
        _myself: &Mailbox<Self::Msg>,
        _child: ChildEnd,
        _state: &mut Self::State,
    ) -> impl Future<Output = Result<(), ActorError>> + Send {
        async { Ok(()) }
    }

    /// The last words of an actor that was stopped. Not called after a failure.
    fn stop(
        &self,
        _myself: &Mailbox<Self::Msg>,
        _state: &mut Self::State,
    ) -> impl Future<Output = Result<(), ActorError>> + Send {
        async { Ok(()) }
    }
}

/// A child's end.
#[derive(Debug, Clone)]
pub struct ChildEnd {
    /// Which child.
    pub id: ActorId,
    /// None when it was stopped, the reason when it failed or was killed: an error's text, and never that of a panic.
    pub failure: Option<String>,
}

/// The identity of one incarnation of an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActorId(ractor::ActorId);

enum Envelope<M> {
    Work(M),
    Crash,
}

/// The address of one incarnation of an actor.
pub struct Mailbox<M> {
    actor: ActorRef<Envelope<M>>,
    stats: Arc<ActorStats>,
}

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Self { actor: self.actor.clone(), stats: Arc::clone(&self.stats) }
    }
}

impl<M> fmt::Debug for Mailbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({})", self.stats.snapshot().kind)
    }
}

/// A message could not be delivered: the actor is gone or its mailbox is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the actor is gone or its mailbox is full")]
pub struct SendError;

/// An ask that got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The question was not delivered: it may be asked again.
    #[error("the actor is not available")]
    Unavailable,
    /// The actor ended with the question in hand: whether it acted is not known.
    #[error("the actor ended before it answered")]
    Lost,
    /// No answer by the deadline: whether it acted is not known.
    #[error("no answer in time")]
    TimedOut,
}

/// Where an answer goes. Dropping it tells the asker at once that there will be none.
#[derive(Debug)]
pub struct ReplyTo<R>(oneshot::Sender<R>);

impl<R> ReplyTo<R> {
    /// A way to a test that asks no actor.
    #[cfg(test)]
    pub(crate) fn test() -> (Self, oneshot::Receiver<R>) {
        let (reply_to, answer) = oneshot::channel();
        (Self(reply_to), answer)
    }

    /// Answers. Nobody waits any more is no error.
    pub fn send(self, answer: R) {
        let _ = self.0.send(answer);
    }
}

impl<M: Send + 'static> Mailbox<M> {
    /// Puts a message into the mailbox.
    ///
    /// # Errors
    /// When the actor is gone or [`limits::MAILBOX_MESSAGES`] wait already.
    pub fn cast(&self, msg: M) -> Result<(), SendError> {
        self.send(Envelope::Work(msg))
    }

    fn send(&self, envelope: Envelope<M>) -> Result<(), SendError> {
        if self.stats.depth() >= limits::MAILBOX_MESSAGES {
            self.stats.refused(false);
            return Err(SendError);
        }
        self.stats.sent();
        self.actor.send_message(envelope).map_err(|_| {
            self.stats.refused(true);
            SendError
        })
    }

    /// Puts a question into the mailbox and waits for its answer.
    ///
    /// # Errors
    /// When there is no answer by the deadline, or the actor cannot or will not answer; the latter two are known at once.
    pub async fn ask<R>(&self, deadline: Duration, question: impl FnOnce(ReplyTo<R>) -> M) -> Result<R, AskError> {
        let (reply_to, answer) = oneshot::channel();
        self.cast(question(ReplyTo(reply_to))).map_err(|SendError| AskError::Unavailable)?;
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(AskError::Lost),
            Err(_) => Err(AskError::TimedOut),
        }
    }

    /// Stops the actor after the message in hand; what waits is dropped.
    pub fn stop(&self) {
        self.actor.stop(None);
    }

    /// Stops the actor and waits for it, but not for ever: then it is killed.
    pub async fn stop_and_wait(&self, deadline: Duration) {
        if self.actor.stop_and_wait(None, Some(deadline)).await.is_err() {
            self.actor.kill();
        }
    }

    /// Waits until the actor has ended.
    pub async fn ended(&self) {
        // An error means that it is gone already.
        let _ = self.actor.wait(None).await;
    }

    /// Fault injection: the actor panics when it comes to this message.
    pub fn crash(&self) {
        let _ = self.send(Envelope::Crash);
    }

    /// Fault injection: the actor is cut off at its next await, without last words.
    pub fn kill(&self) {
        self.actor.kill();
    }

    /// This incarnation.
    #[must_use]
    pub fn id(&self) -> ActorId {
        ActorId(self.actor.get_id())
    }

    /// Its numbers.
    #[must_use]
    pub fn stats(&self) -> ActorSnapshot {
        self.stats.snapshot()
    }

    pub(crate) fn cell(&self) -> ActorCell {
        self.actor.get_cell()
    }
}

/// An actor that did not start.
#[derive(Debug, thiserror::Error)]
#[error("{kind} did not start: {reason}")]
pub struct SpawnError {
    kind: ActorKind,
    reason: String,
}

/// Starts an actor under a parent, or alone.
///
/// # Errors
/// When its `start` fails. A supervisor counts that as a failure of the child.
pub async fn spawn<B: Behaviour>(
    behaviour: B,
    args: B::Args,
    parent: Option<ActorCell>,
) -> Result<Mailbox<B::Msg>, SpawnError> {
    let stats = Arc::new(ActorStats::new(B::KIND));
    let actor = Instrumented { behaviour, stats: Arc::clone(&stats) };
    let spawned = match parent {
        Some(parent) => ractor::Actor::spawn_linked(None, actor, args, parent).await,
        None => ractor::Actor::spawn(None, actor, args).await,
    };
    match spawned {
        Ok((actor, _)) => Ok(Mailbox { actor, stats }),
        // Its own text for this calls every failure a panic.
        Err(SpawnErr::StartupFailed(error)) => Err(SpawnError { kind: B::KIND, reason: error.to_string() }),
        Err(error) => Err(SpawnError { kind: B::KIND, reason: error.to_string() }),
    }
}

struct Instrumented<B> {
    behaviour: B,
    stats: Arc<ActorStats>,
}

/// An actor has panicked. The panic hook says where; the text could hold anything, so it goes nowhere.
#[derive(Debug, thiserror::Error)]
#[error("panicked")]
struct Panicked;

/// Work in which a panic is an error without the panic's text.
fn caught<T>(
    work: impl Future<Output = Result<T, ActorError>> + Send,
) -> impl Future<Output = Result<T, ActorError>> + Send {
    // An actor that has panicked is given up with all that it owns: nobody sees what is half done.
    AssertUnwindSafe(work).catch_unwind().map(|done| done.unwrap_or_else(|_| Err(Panicked.into())))
}

/// An actor's state, with the bookkeeping of its end: dropped at every sort of end, also a panic.
struct Running<B: Behaviour> {
    state: B::State,
    myself: Mailbox<B::Msg>,
    _alive: Alive,
}

struct Alive(Arc<ActorStats>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.ended();
    }
}

/// Counts a message when its handler ends, however it ends.
struct InHand<'a> {
    stats: &'a ActorStats,
    since: Instant,
    fine: bool,
}

impl<'a> InHand<'a> {
    fn take(stats: &'a ActorStats) -> Self {
        stats.left_mailbox();
        Self { stats, since: Instant::now(), fine: false }
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.stats.done(self.since.elapsed(), self.fine);
    }
}

impl<B: Behaviour> ractor::Actor for Instrumented<B> {
    type Msg = Envelope<B::Msg>;
    type State = Running<B>;
    type Arguments = B::Args;

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, args: B::Args) -> Result<Running<B>, ActorError> {
        let myself = Mailbox { actor: myself, stats: Arc::clone(&self.stats) };
        self.stats.started();
        let alive = Alive(Arc::clone(&self.stats));
        let state = caught(self.behaviour.start(&myself, args)).await?;
        Ok(Running { state, myself, _alive: alive })
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        envelope: Self::Msg,
        running: &mut Running<B>,
    ) -> Result<(), ActorError> {
        let mut in_hand = InHand::take(&self.stats);
        let done = match envelope {
            Envelope::Work(msg) => caught(self.behaviour.handle(&running.myself, msg, &mut running.state)).await,
            Envelope::Crash => caught(async { panic!("crashed on purpose") }).await,
        };
        in_hand.fine = done.is_ok();
        done
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        running: &mut Running<B>,
    ) -> Result<(), ActorError> {
        let Some(child) = child_end(&event) else { return Ok(()) };
        caught(self.behaviour.child_ended(&running.myself, child, &mut running.state)).await
    }

    async fn post_stop(&self, myself: ActorRef<Self::Msg>, running: &mut Running<B>) -> Result<(), ActorError> {
        let stopped = caught(self.behaviour.stop(&running.myself, &mut running.state)).await;
        myself.get_cell().stop_children_and_wait(None, Some(limits::LEG_STOP_TIMEOUT_MS)).await;
        stopped
    }
}

fn child_end(event: &SupervisionEvent) -> Option<ChildEnd> {
    match event {
        SupervisionEvent::ActorTerminated(who, state, reason) => {
            // One that was killed in the middle of a message hands over no state, one that was idle gives it as reason;
            // stops never have a reason.
            let killed = state.is_none() || reason.is_some();
            let failure = killed.then(|| reason.clone().unwrap_or_else(|| "killed".into()));
            Some(ChildEnd { id: ActorId(who.get_id()), failure })
        }
        SupervisionEvent::ActorFailed(who, error) => {
            Some(ChildEnd { id: ActorId(who.get_id()), failure: Some(error.to_string()) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
