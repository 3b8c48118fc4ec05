//! SttActor: the speech-to-text session. Connects, keeps alive, reconnects; while it is away the caller's audio waits in
//! the ring. The decisions are in machine.rs, the socket is in pump.rs.

mod loudness;
mod machine;
mod pump;
mod silence;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::actor::{ActorError, Behaviour, Mailbox, Upward};
use crate::media_plane::VoiceRing;
use crate::names::ActorKind;
use crate::ports::{SpeechToText, SttEvent, VendorError};
use crate::tasks::TaskScope;
use crate::timer::{Fired, Timers};
use machine::{Effect, Input, SttMachine, SttTimer};

/// One incarnation of a call's SttActor.
pub type SttRef = Mailbox<SttMsg>;

/// SttActor.
#[derive(Debug)]
pub struct SttActor;

/// What the SttActor understands. It answers nobody; what it hears goes up as an [`SttReport`].
#[derive(Debug)]
pub enum SttMsg {
    /// From the call: this is the caller's voice.
    Listen(VoiceRing),
    /// From a task of this actor.
    News(PumpNews),
    /// From a timer of this actor.
    Due(SttTick),
}

/// A timer of the ears is over.
#[derive(Debug)]
pub struct SttTick(Fired<SttTimer>);

/// What happened to a session.
#[derive(Debug)]
pub struct PumpNews {
    session: u64,
    what: Pumped,
}

#[derive(Debug)]
enum Pumped {
    Opened,
    CaughtUp,
    Unheard,
    Event(SttEvent, Heard),
    FellSilent,
    Lost(VendorError),
}

/// Where in the stream an event's words lie.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Heard {
    /// The voice up to here will not be said again.
    understood: Option<u64>,
    /// The last word ends here, as far as is known.
    until: Option<u64>,
}

/// What the SttActor reports.
#[derive(Debug, Clone, PartialEq)]
pub enum SttReport {
    /// Words.
    Words {
        /// The words; none in a final takes the interim before it back.
        text: String,
        /// They will not change any more.
        is_final: bool,
        /// The speaker has stopped.
        speech_final: bool,
        /// The silence since the last word, when it is known.
        waited: Duration,
        /// Where in the stream the last word ends, in samples, when it is known.
        until: Option<u64>,
    },
    /// The caller has been quiet for a moment, and the words that were reported last are all that was said before.
    FellSilent,
    /// No word for a while.
    UtteranceEnd,
    /// The speaker has probably stopped, having said this in the turn so far: [`SttReport::Resumed`] or a speech-final
    /// with the same words follows.
    Eager(String),
    /// The speaker goes on after [`SttReport::Eager`].
    Resumed,
    /// What the caller says is not heard for now; audio waits. Reported once until [`SttReport::Hears`].
    Deaf,
    /// The caller is heard again.
    Hears,
    /// The caller cannot be heard any more, however often the leg were started again. Nothing follows.
    GivenUp,
    /// A session failed; for the log.
    Trouble(VendorError),
}

/// What an SttActor is started with.
pub struct SttArgs {
    /// Where reports go.
    pub up: Upward<SttReport>,
    /// Who hears.
    pub port: Arc<dyn SpeechToText>,
    /// The caller's voice, when the stream is open already.
    pub voice: Option<VoiceRing>,
    /// Where tasks run.
    pub tasks: TaskScope,
}

/// What the SttActor owns.
pub struct SttState {
    up: Upward<SttReport>,
    port: Arc<dyn SpeechToText>,
    machine: SttMachine,
    voice: Option<VoiceRing>,
    /// The way to hand the voice to the session that runs, while it has not got it.
    hand_over: Option<oneshot::Sender<VoiceRing>>,
    timers: Timers<SttTimer>,
    tasks: TaskScope,
}

impl SttState {
    fn step(&mut self, myself: &SttRef, input: Input) {
        for effect in self.machine.step(input) {
            match effect {
                Effect::Connect { session, patience } => self.connect(myself, session, patience),
                Effect::Arm(timer, after) => self.arm(myself, timer, after),
                Effect::Disarm(timer) => self.timers.cancel(timer),
                Effect::Report(report) => self.up.send(report),
                Effect::Settle(position) => self.settle(position),
            }
        }
    }

    fn arm(&mut self, myself: &SttRef, timer: SttTimer, after: Duration) {
        let due = |fired| SttMsg::Due(SttTick(fired));
        self.timers.arm(&self.tasks, timer, after, myself, due);
    }

    /// What was said is with the call now: an incarnation that takes over need not hear it again.
    fn settle(&self, position: u64) {
        if let Some(voice) = &self.voice {
            voice.settle(position);
        }
    }

    fn connect(&mut self, myself: &SttRef, session: u64, patience: bool) {
        let (hand_over, voice) = oneshot::channel();
        self.hand_over = Some(hand_over);
        self.give_voice();
        let (port, to) = (Arc::clone(&self.port), myself.clone());
        self.tasks.spawn(async move {
            let tell = |what| to.cast(SttMsg::News(PumpNews { session, what })).is_ok();
            pump::run(port, voice, patience, &tell).await;
        });
    }

    fn listen(&mut self, myself: &SttRef, voice: VoiceRing) {
        self.voice = Some(voice);
        self.give_voice();
        self.step(myself, Input::Listen);
    }

    /// A session may be open before the stream is: it gets the voice as soon as there is one.
    fn give_voice(&mut self) {
        if let Some(voice) = &self.voice
            && let Some(hand_over) = self.hand_over.take()
        {
            // A session that is gone already has said so; the next one is given the voice again.
            let _ = hand_over.send(voice.clone());
        }
    }

    fn news(&mut self, myself: &SttRef, news: PumpNews) {
        let PumpNews { session, what } = news;
        let input = match what {
            Pumped::Opened => Input::Opened { session },
            Pumped::CaughtUp => Input::CaughtUp { session },
            Pumped::Unheard => Input::Unheard { session },
            Pumped::Event(event, heard) => Input::Event { session, event, heard },
            Pumped::FellSilent => Input::FellSilent { session },
            Pumped::Lost(error) => Input::Lost { session, error },
        };
        self.step(myself, input);
    }

    fn due(&mut self, myself: &SttRef, SttTick(fired): SttTick) {
        let timer = fired.timer;
        if self.timers.is_due(fired) {
            self.step(myself, Input::Due(timer));
        }
    }
}

impl Behaviour for SttActor {
    const KIND: ActorKind = ActorKind::Stt;
    type Msg = SttMsg;
    type Args = SttArgs;
    type State = SttState;

    async fn start(&self, myself: &SttRef, args: SttArgs) -> Result<SttState, ActorError> {
        let SttArgs { up, port, voice, tasks } = args;
        let (machine, timers) = (SttMachine::new(voice.is_some()), Timers::default());
        let mut state = SttState { up, port, machine, voice, hand_over: None, timers, tasks };
        state.step(myself, Input::Start);
        Ok(state)
    }

    async fn handle(&self, myself: &SttRef, msg: SttMsg, state: &mut SttState) -> Result<(), ActorError> {
        match msg {
            SttMsg::Listen(voice) => state.listen(myself, voice),
            SttMsg::News(news) => state.news(myself, news),
            SttMsg::Due(tick) => state.due(myself, tick),
        }
        Ok(())
    }
}
