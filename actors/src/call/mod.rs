//! CallActor: one per call. Owns the session and the legs, translates between them, and decides what becomes of the
//! call. How legs are started again is in legs.rs, the life of the call in machine.rs.

mod facts;
mod identities;
mod legs;
mod machine;
mod outbound;
mod outside;
mod pickup;
mod prompt;
mod recorder;
mod session;
mod speaking;
mod stream;
mod telling;
#[cfg(test)]
mod tests;
mod translate;

pub use outside::{Outside, Vendors};

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::Instant;

use crate::actor::{ActorError, Behaviour, ChildEnd, Mailbox, ReplyTo};
use crate::domain::{AnsweredBy, Appointment, Customer, StreamSid, TurnId};
use crate::effects::{EffectId, TurnClock};
use crate::events::{CallBegan, CallOver, emit};
use crate::limits;
use crate::media::MediaReport;
use crate::media_plane::MediaLine;
use crate::names::{ActorKind, Leg};
use crate::playback::{PlaybackReport, Prepared};
use crate::ports::{CallEnd, CallRecord, MediaSink, MediaSource};
use crate::registry::{IncomingCall, StreamEnd};
use crate::speech::Utterance;
use crate::stt::SttReport;
use crate::tasks::TaskScope;
use crate::timer::{Fired, Timers};
use crate::tools::{Identity, ToolOutcome};
use crate::turn::TurnReport;
use facts::Facts;
use identities::Identities;
use legs::Legs;
use machine::{Effect, Input, Life};
use otto_proto::v1::{self, call_event::Body};
use outbound::Outbound;
use pickup::Input as PickupInput;
use recorder::Recorder;
use session::Session;

/// One call's actor. A call that fails as a whole is not started again: Twilio asks what comes after its stream.
pub type CallRef = Mailbox<CallMsg>;

/// CallActor.
#[derive(Debug)]
pub struct CallActor;

/// What the CallActor understands.
#[allow(missing_docs, reason = "the fields are named by what they are")]
pub enum CallMsg {
    /// From itself, first: start the legs, look the caller up.
    Begin,
    /// From the registry: the media stream is open and its token was right.
    Attach {
        stream: StreamSid,
        source: MediaSource,
        sink: MediaSink,
    },
    /// From the registry: Twilio asks what comes after the stream. Replied to at once, with nothing when the call goes on
    /// on another stream.
    StreamEnded {
        reply_to: ReplyTo<Option<StreamEnd>>,
    },
    /// From itself: the stream is lost.
    Part,
    /// From itself, after that: the legs on the lost stream have ended and reported all.
    Parted,
    /// From the registry: the process ends.
    ShutDown,
    /// From the registry: Twilio says that the call is over.
    Over,
    /// From the registry: what has answered the call that Otto placed.
    AnsweredBy(AnsweredBy),
    /// From a task: who has the caller's number, if anybody, and which appointment the call is about, if it is.
    CallerFound(Option<Customer>, Option<Box<Appointment>>),
    /// From the legs.
    Media(MediaReport),
    Stt(SttReport),
    Turn(TurnReport),
    Playback(PlaybackReport),
    /// From a task: this call's greeting can be said at once.
    Prepared(Prepared),
    /// From a task: a tool call has ended.
    ToolDone {
        tool_call_id: String,
        outcome: ToolOutcome,
    },
    /// From a task: Twilio was told over REST what the call is to do, or could not be told.
    Told {
        done: bool,
    },
    /// From itself: start a leg again.
    Restart(Leg),
    /// From a timer of this actor.
    Due(Fired<CallTimer>),
    /// From tests: a leg panics.
    CrashLeg {
        leg: Leg,
    },
}

/// The timers of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallTimer {
    /// The stream has not come.
    Attach,
    /// The next stream has not come.
    Rejoin,
    /// The look-up of the caller takes too long to wait for with the greeting.
    Greeting,
    /// Otto has ended the stream and Twilio has not asked.
    Leave,
    /// No call is longer than this.
    Longest,
    /// In a call that Otto has placed nobody has said anything for a while.
    PickupQuiet,
    /// Otto has listened long enough to whatever has answered.
    PickupLongest,
    /// A failed leg's pause is over.
    Restart(Leg),
}

/// What a CallActor is started with.
pub struct CallArgs {
    /// Who calls whom.
    pub incoming: IncomingCall,
    /// Everything outside the call.
    pub outside: Arc<Outside>,
    /// Where the call's tasks run; nothing of the call outlives it.
    pub scope: TaskScope,
    /// Where the call leaves word of how Twilio is to go on.
    pub verdict: Arc<OnceLock<StreamEnd>>,
}

/// What the CallActor owns.
pub struct CallState {
    outside: Arc<Outside>,
    session: Session,
    /// Set in a call that Otto has placed.
    outbound: Option<Outbound>,
    /// The identity as the model's prompt reads it.
    shown_identity: Arc<ArcSwap<Identity>>,
    life: Life,
    legs: Legs,
    line: Option<MediaLine>,
    /// Where the line's tasks run.
    line_tasks: Option<TaskScope>,
    turn_clock: TurnClock,
    /// What is being said and has not been heard to its end.
    unfinished: Vec<Utterance>,
    /// Audio of the greeting.
    prepared: Option<Prepared>,
    /// The turn waits to hear what was heard.
    hushing: bool,
    running_tools: HashMap<String, RunningTool>,
    identities: Identities,
    facts: Facts,
    caller_known: Lookup,
    recorder: Recorder,
    timers: Timers<CallTimer>,
    verdict: Arc<OnceLock<StreamEnd>>,
    began: Instant,
    tasks: TaskScope,
}

/// A tool call under way.
struct RunningTool {
    name: String,
    turn: TurnId,
    /// What it is to do.
    effect: EffectId,
    since: Instant,
}

/// How far the greeting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lookup {
    Pending,
    Done,
    Greeted,
}

impl CallState {
    fn new(args: CallArgs) -> Self {
        let CallArgs { incoming, outside, scope, verdict } = args;
        let session = Session::new(incoming, outside.clock.now());
        let recorder = Recorder::new(session.call.clone(), outside.journal.clone(), Arc::clone(&outside.clock));
        let (unfinished, prepared, running_tools, identities, facts, timers) = Default::default();
        Self {
            shown_identity: Arc::new(ArcSwap::from_pointee(session.identity.clone())),
            outbound: Outbound::of(session.purpose, &outside.shop),
            session,
            life: Life::new(outside.escalation.clone()),
            legs: Legs::new(),
            line: None,
            line_tasks: None,
            turn_clock: TurnClock::default(),
            unfinished,
            prepared,
            hushing: false,
            running_tools,
            identities,
            facts,
            caller_known: Lookup::Pending,
            recorder,
            timers,
            verdict,
            began: Instant::now(),
            tasks: scope,
            outside,
        }
    }

    fn tell_self(&self, myself: &CallRef, msg: CallMsg) {
        // Cannot fail but when this actor is ending.
        let _ = myself.cast(msg);
    }

    fn note(&mut self, body: Body) {
        self.recorder.record(self.session.turn, body);
    }

    // The call's life -------------------------------------------------------------------------------------------------

    async fn begin(&mut self, myself: &CallRef) {
        emit(CallBegan { call: &self.session.call });
        let text = |number: &Option<crate::domain::PhoneNumber>| number.as_ref().map(|n| n.as_e164().to_owned());
        self.note(Body::Started(v1::CallStarted {
            direction: self.session.direction().into(),
            caller: text(&self.session.identity.phone).unwrap_or_default(),
            line: text(&self.session.line).unwrap_or_default(),
        }));
        self.look_caller_up(myself);
        for leg in [Leg::Stt, Leg::Playback, Leg::Turn] {
            self.start_or_fail(myself, leg).await;
        }
        self.live(myself, Input::Begun);
    }

    fn record_start(&mut self) {
        let record = CallRecord {
            call: self.session.call.clone(),
            direction: self.session.direction(),
            caller: self.session.identity.phone.clone(),
            customer: self.session.identity.customer.as_ref().map(|c| c.id),
            started_at: self.session.started_at,
        };
        self.outside.journal.started(record);
    }

    fn live(&mut self, myself: &CallRef, input: Input) {
        for effect in self.life.step(input) {
            match effect {
                Effect::Arm(timer) => self.arm(myself, timer),
                Effect::Part => self.tell_self(myself, CallMsg::Part),
                // The first word counts.
                Effect::Verdict(end) => drop(self.verdict.set(end)),
                Effect::CloseLine => self.close_line(),
                Effect::Tell(end) => self.tell_twilio(myself, end, limits::UPDATE_TIMEOUT_MS),
                Effect::TellSoon(end) => self.tell_twilio(myself, end, limits::LIVE_UPDATE_TIMEOUT_MS),
                Effect::Finish(outcome) => self.finish(myself, outcome),
            }
        }
    }

    fn arm(&mut self, myself: &CallRef, timer: CallTimer) {
        let after = match timer {
            CallTimer::Attach => limits::STREAM_ATTACH_TIMEOUT_MS,
            CallTimer::Rejoin => limits::STREAM_REJOIN_TIMEOUT_MS,
            CallTimer::Greeting => limits::GREETING_LOOKUP_MS,
            CallTimer::Leave => limits::HANG_UP_TIMEOUT_MS,
            CallTimer::Longest => limits::CALL_MAX_MS,
            CallTimer::PickupLongest => limits::PICKUP_LONGEST_MS,
            CallTimer::PickupQuiet | CallTimer::Restart(_) => Duration::ZERO,
        };
        self.timers.arm(&self.tasks, timer, after, myself, CallMsg::Due);
    }

    async fn due(&mut self, myself: &CallRef, fired: Fired<CallTimer>) {
        if !self.timers.is_due(fired) {
            return;
        }
        match fired.timer {
            CallTimer::Greeting => self.greet(),
            CallTimer::Restart(leg) => self.restart(myself, leg).await,
            CallTimer::PickupQuiet => drop(self.picked_up(myself, PickupInput::Quiet)),
            CallTimer::PickupLongest => drop(self.picked_up(myself, PickupInput::Longest)),
            timer => self.live(myself, Input::Due(timer)),
        }
    }

    fn finish(&mut self, myself: &CallRef, outcome: &'static str) {
        // Nothing of this call may act any more.
        self.turn_clock.advance_to(self.session.turn.next());
        let turns = self.session.turn.0;
        emit(CallOver { call: &self.session.call, outcome, turns });
        let duration_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.note(Body::Ended(v1::CallEnded { outcome: outcome.into(), duration_ms, turns }));
        let end = CallEnd {
            ended_at: self.outside.clock.now(),
            outcome,
            turns,
            transcript: self.session.history.transcript(),
            facts: self.closing_facts(outcome),
            reminder: self.came_of_reminder(outcome),
        };
        self.outside.journal.ended(self.session.call.clone(), end);
        myself.stop();
    }
}

impl Behaviour for CallActor {
    const KIND: ActorKind = ActorKind::Call;
    type Msg = CallMsg;
    type Args = CallArgs;
    type State = CallState;

    async fn start(&self, myself: &CallRef, args: CallArgs) -> Result<CallState, ActorError> {
        let state = CallState::new(args);
        state.tell_self(myself, CallMsg::Begin);
        Ok(state)
    }

    async fn handle(&self, myself: &CallRef, msg: CallMsg, state: &mut CallState) -> Result<(), ActorError> {
        match msg {
            CallMsg::Begin => state.begin(myself).await,
            CallMsg::Attach { stream, source, sink } => state.attach(myself, stream, source, sink).await,
            CallMsg::StreamEnded { reply_to } => state.stream_ended(myself, reply_to),
            // On the heap, since they are rare: what a call keeps for its longest message it keeps all the time.
            CallMsg::Part => Box::pin(state.part(myself)).await,
            CallMsg::Parted => Box::pin(state.parted(myself)).await,
            CallMsg::ShutDown => state.live(myself, Input::ShutDown),
            CallMsg::Over => state.live(myself, Input::Over),
            CallMsg::AnsweredBy(by) => drop(state.picked_up(myself, PickupInput::Verdict(by))),
            CallMsg::CallerFound(customer, appointment) => state.caller_found(myself, customer, appointment),
            CallMsg::Media(report) => state.media(myself, report),
            CallMsg::Stt(report) => state.stt(myself, report),
            CallMsg::Turn(report) => state.turn(myself, report),
            CallMsg::Playback(report) => state.playback(myself, report),
            CallMsg::Prepared(prepared) => state.prepared(prepared),
            CallMsg::ToolDone { tool_call_id, outcome } => state.tool_done(myself, tool_call_id, outcome),
            CallMsg::Told { done } => state.live(myself, if done { Input::Told } else { Input::NotTold }),
            CallMsg::Restart(leg) => state.restart(myself, leg).await,
            CallMsg::Due(fired) => state.due(myself, fired).await,
            CallMsg::CrashLeg { leg } => state.legs.crash(leg),
        }
        Ok(())
    }

    async fn child_ended(&self, myself: &CallRef, child: ChildEnd, state: &mut CallState) -> Result<(), ActorError> {
        if let (Some(leg), Some(reason)) = (state.legs.which(child.id), child.failure) {
            state.leg_failed(myself, leg, &reason);
        }
        Ok(())
    }
}
