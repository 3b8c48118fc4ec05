//! CallRegistry: one per process. Admits calls, owns every CallActor, brings media streams to their calls, and after a
//! call has ended proves that nothing is left of it.

mod front;
mod machine;
#[cfg(test)]
mod tests;

pub use front::{
    Admission, AfterStream, AttachError, CallProgress, Calls, IncomingCall, LiveCall, Purpose, RegistryView,
    StreamOffer,
};

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use tokio::time::Instant;

use crate::actor::{self, ActorError, ActorId, Behaviour, ChildEnd, Mailbox, ReplyTo};
use crate::address::Address;
use crate::call::{CallActor, CallArgs, CallMsg, CallRef, Outside};
use crate::domain::{AnsweredBy, CallSid};
use crate::events::{CallFailed, CallRefused, CallResidue, emit};
use crate::limits;
use crate::metrics::Metric;
use crate::names::{ActorKind, Leg};
pub use crate::ports::StreamEnd;
use crate::tasks::{Remains, TaskScope};
use machine::{Decision, Roster};

/// The registry, whichever incarnation it is.
pub type RegistryRef = Address<RegistryMsg>;

/// CallRegistry.
#[derive(Debug)]
pub struct CallRegistry;

/// What the registry understands.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named by what they are")]
pub enum RegistryMsg {
    /// From the HTTP edge: a call wants to be answered. Replies at once or when the call's actor has started.
    Admit { call: IncomingCall, reply_to: ReplyTo<Admission> },
    /// From the HTTP edge: a media stream has started. Replies when the token is checked.
    Attach { offer: StreamOffer, reply_to: ReplyTo<Result<(), AttachError>> },
    /// From the HTTP edge: a stream has ended and Twilio asks what comes next. The call replies, if it is alive: nothing
    /// when it goes on on another stream.
    StreamEnded { call: CallSid, reply_to: ReplyTo<Option<StreamEnd>> },
    /// From the HTTP edge, after that: the call's next stream is to be let in. Replies at once with its token, or none when
    /// the call has ended meanwhile.
    Reopen { call: CallSid, reply_to: ReplyTo<Option<String>> },
    /// From the HTTP edge: how Twilio sees the call.
    Status { call: CallSid, progress: CallProgress },
    /// From the HTTP edge: what has answered a call that Otto placed.
    AnsweredBy { call: CallSid, by: AnsweredBy },
    /// From operators and tests: what there is.
    View { reply_to: ReplyTo<RegistryView> },
    /// From the application: no more new calls. Replies when the last one has ended and is gone.
    Drain { reply_to: ReplyTo<()> },
    /// From the application, after [`RegistryMsg::Drain`]: calls that go on are ended now, each with an apology.
    EndCalls,
    /// From a task of this actor: this much was left of an ended call.
    Audited { call: CallSid, residue: usize },
    /// From tests: a leg panics.
    CrashLeg { call: CallSid, leg: Leg },
}

/// What the registry is started with; kept by the root for restarts.
#[derive(Debug, Clone)]
pub struct RegistryArgs {
    /// What every call needs.
    pub outside: Arc<Outside>,
    /// Calls at the same time.
    pub max_calls: usize,
}

/// What the registry owns.
pub struct RegistryState {
    outside: Arc<Outside>,
    roster: Roster<Seated>,
    by_actor: HashMap<ActorId, CallSid>,
    ending: usize,
    residue: u64,
    drained: Vec<ReplyTo<()>>,
    audits: TaskScope,
}

/// How the registry reaches a call, and what it asks of it after its end.
#[derive(Debug)]
struct Seated {
    actor: CallRef,
    verdict: Arc<OnceLock<StreamEnd>>,
    remains: Remains,
}

impl RegistryState {
    async fn admit(&mut self, myself: &Mailbox<RegistryMsg>, incoming: IncomingCall) -> Admission {
        let admission = match self.roster.admit(&incoming.call) {
            Decision::Answer(admission) => admission,
            Decision::Start => self.start(myself, incoming).await,
        };
        match admission {
            Admission::Full => emit(CallRefused { reason: "full" }),
            Admission::Draining => emit(CallRefused { reason: "draining" }),
            Admission::Accepted { .. } => {}
        }
        admission
    }

    async fn start(&mut self, myself: &Mailbox<RegistryMsg>, incoming: IncomingCall) -> Admission {
        let scope = TaskScope::root();
        let remains = scope.remains();
        let verdict = Arc::new(OnceLock::new());
        let call = incoming.call.clone();
        let args = CallArgs { incoming, outside: Arc::clone(&self.outside), scope, verdict: Arc::clone(&verdict) };
        match actor::spawn(CallActor, args, Some(myself.cell())).await {
            Ok(actor) => {
                self.by_actor.insert(actor.id(), call.clone());
                Metric::CallsStarted.counter(Vec::new()).increment(1);
                let admission = self.roster.seat(call, Seated { actor, verdict, remains });
                self.count_live();
                admission
            }
            Err(error) => {
                emit(CallFailed { call: &call, reason: &error.to_string() });
                Admission::Full
            }
        }
    }

    fn attach(&mut self, offer: StreamOffer) -> Result<(), AttachError> {
        let seated = self.roster.redeem(&offer.call, &offer.token)?;
        let msg = CallMsg::Attach { stream: offer.stream, source: offer.source, sink: offer.sink };
        seated.actor.cast(msg).map_err(|_| AttachError::Unavailable)
    }

    fn stream_ended(&self, call: &CallSid, reply_to: ReplyTo<Option<StreamEnd>>) {
        match self.roster.get(call) {
            // A call that ends meanwhile drops the reply; the asker asks again and is answered from memory.
            Some(seated) => drop(seated.actor.cast(CallMsg::StreamEnded { reply_to })),
            None => reply_to.send(Some(self.roster.recall(call))),
        }
    }

    fn status(&self, call: &CallSid, progress: CallProgress) {
        if let (CallProgress::Over, Some(seated)) = (progress, self.roster.get(call)) {
            // A call that is gone already needs no word of its end.
            let _ = seated.actor.cast(CallMsg::Over);
        }
    }

    fn answered_by(&self, call: &CallSid, by: AnsweredBy) {
        if let Some(seated) = self.roster.get(call) {
            // A call that is gone already has no use for it.
            let _ = seated.actor.cast(CallMsg::AnsweredBy(by));
        }
    }

    fn view(&self) -> RegistryView {
        let live = |(call, seat): (&CallSid, &machine::Seat<Seated>)| LiveCall {
            call: call.clone(),
            streaming: seat.streaming,
        };
        RegistryView {
            live: self.roster.iter().map(live).collect(),
            ending: self.ending,
            residue: self.residue,
            draining: self.roster.draining,
            free: if self.roster.draining { 0 } else { self.roster.free() },
        }
    }

    fn drain(&mut self, reply_to: ReplyTo<()>) {
        self.roster.draining = true;
        self.drained.push(reply_to);
        self.answer_drained();
    }

    fn end_calls(&self) {
        for (_, seat) in self.roster.iter() {
            // One that is gone already needs no word of the end.
            let _ = seat.call.actor.cast(CallMsg::ShutDown);
        }
    }

    fn answer_drained(&mut self) {
        if self.roster.draining && self.roster.len() == 0 && self.ending == 0 {
            self.drained.drain(..).for_each(|reply_to| reply_to.send(()));
        }
    }

    fn crash_leg(&self, call: &CallSid, leg: Leg) {
        if let Some(seated) = self.roster.get(call) {
            let _ = seated.actor.cast(CallMsg::CrashLeg { leg });
        }
    }

    fn call_gone(&mut self, myself: &Mailbox<RegistryMsg>, child: &ChildEnd) {
        let Some(call) = self.by_actor.remove(&child.id) else { return };
        if let Some(reason) = &child.failure {
            emit(CallFailed { call: &call, reason });
        }
        let verdict = self.roster.get(&call).and_then(|s| s.verdict.get().cloned()).unwrap_or(StreamEnd::Apologise);
        let Some(seated) = self.roster.ended(&call, verdict, Instant::now()) else { return };
        self.count_live();
        self.ending += 1;
        let registry = myself.clone();
        self.audits.spawn(async move {
            let residue = seated.remains.wait(limits::RESIDUE_TIMEOUT_MS).await;
            let _ = registry.cast(RegistryMsg::Audited { call, residue });
        });
    }

    fn audited(&mut self, call: &CallSid, residue: usize) {
        self.ending -= 1;
        self.residue += residue as u64;
        emit(CallResidue { call, residue });
        self.answer_drained();
    }

    fn count_live(&self) {
        #[allow(clippy::cast_precision_loss, reason = "far fewer calls than 2^52")]
        Metric::CallsLive.gauge(Vec::new()).set(self.roster.len() as f64);
    }
}

impl Behaviour for CallRegistry {
    const KIND: ActorKind = ActorKind::Registry;
    type Msg = RegistryMsg;
    type Args = RegistryArgs;
    type State = RegistryState;

    async fn start(&self, _myself: &Mailbox<RegistryMsg>, args: RegistryArgs) -> Result<RegistryState, ActorError> {
        Ok(RegistryState {
            outside: args.outside,
            roster: Roster::new(args.max_calls),
            by_actor: HashMap::new(),
            ending: 0,
            residue: 0,
            drained: Vec::new(),
            audits: TaskScope::root(),
        })
    }

    async fn handle(
        &self,
        myself: &Mailbox<RegistryMsg>,
        msg: RegistryMsg,
        state: &mut RegistryState,
    ) -> Result<(), ActorError> {
        match msg {
            RegistryMsg::Admit { call, reply_to } => reply_to.send(state.admit(myself, call).await),
            RegistryMsg::Attach { offer, reply_to } => reply_to.send(state.attach(offer)),
            RegistryMsg::StreamEnded { call, reply_to } => state.stream_ended(&call, reply_to),
            RegistryMsg::Reopen { call, reply_to } => reply_to.send(state.roster.reopen(&call)),
            RegistryMsg::EndCalls => state.end_calls(),
            RegistryMsg::Status { call, progress } => state.status(&call, progress),
            RegistryMsg::AnsweredBy { call, by } => state.answered_by(&call, by),
            RegistryMsg::View { reply_to } => reply_to.send(state.view()),
            RegistryMsg::Drain { reply_to } => state.drain(reply_to),
            RegistryMsg::Audited { call, residue } => state.audited(&call, residue),
            RegistryMsg::CrashLeg { call, leg } => state.crash_leg(&call, leg),
        }
        Ok(())
    }

    async fn child_ended(
        &self,
        myself: &Mailbox<RegistryMsg>,
        child: ChildEnd,
        state: &mut RegistryState,
    ) -> Result<(), ActorError> {
        state.call_gone(myself, &child);
        Ok(())
    }
}
