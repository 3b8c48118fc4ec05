//! PlaybackActor: says what it is told, knows what was heard, stops at once when the caller interrupts. The decisions
//! are in machine.rs, the text-to-speech socket is in pump.rs.

mod flush_budget;
mod machine;
mod pump;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::actor::{ActorError, Behaviour, Mailbox, Upward};
use crate::domain::{TurnId, UtteranceId};
use crate::limits;
use crate::media_plane::{Epoch, LineOut, Playout};
use crate::names::ActorKind;
use crate::ports::{TextToSpeech, VendorError};
use crate::speech::{AudioSpan, Rate, Utterance};
use crate::tasks::TaskScope;
use crate::timer::{Fired, Timers};
use machine::{Effect, Input, PlaybackMachine, PlaybackTimer};
use pump::{PumpCommand, Pumped};

/// One incarnation of a call's PlaybackActor.
pub type PlaybackRef = Mailbox<PlaybackMsg>;

/// PlaybackActor.
#[derive(Debug)]
pub struct PlaybackActor;

/// What the PlaybackActor understands. Kept until done: `Say`, `Finish`; dropped by an interruption: everything that
/// was said before a `Hush`.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named by what they are")]
pub enum PlaybackMsg {
    /// From the call: the way to the caller's ear is open.
    Open(LineOut),
    /// From the call: add this to an utterance.
    Say { turn: TurnId, utterance: UtteranceId, text: String },
    /// From the call: an utterance is complete.
    Finish(UtteranceId),
    /// From the call: stop; the answer is [`PlaybackReport::Cut`], always.
    Hush,
    /// From the call: all audio of an epoch up to a position has been played.
    Played(Epoch, u64),
    /// From a task of this actor.
    News(PumpNews),
    /// From a timer of this actor.
    Due(PlaybackTick),
}

/// What happened to a text-to-speech session.
#[derive(Debug)]
pub struct PumpNews {
    session: u64,
    what: Pumped,
}

/// A timer of this actor is over.
#[derive(Debug)]
pub struct PlaybackTick(Fired<PlaybackTimer>);

/// What the PlaybackActor reports.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the fields are named by what they are")]
pub enum PlaybackReport {
    /// The first audio of an utterance has been queued for the caller.
    Started { utterance: UtteranceId, first_byte: Instant },
    /// Where an utterance's audio lies, as far as is known; for whoever starts this actor again.
    Placed { utterance: UtteranceId, resumed_at: usize, audio: AudioSpan },
    /// An utterance was heard to its end.
    Spoken { utterance: UtteranceId, text: String },
    /// Speech was stopped; this much was heard of each utterance that was not over.
    Cut(Vec<(UtteranceId, TurnId, String)>),
    /// The text-to-speech is away.
    Trouble(VendorError),
}

/// What a PlaybackActor is started with.
pub struct PlaybackArgs {
    /// Where reports go.
    pub up: Upward<PlaybackReport>,
    /// Who speaks.
    pub port: Arc<dyn TextToSpeech>,
    /// The way to the caller's ear, when the stream is open already.
    pub out: Option<LineOut>,
    /// What an earlier incarnation had not finished.
    pub unfinished: Vec<Utterance>,
    /// Where tasks run.
    pub tasks: TaskScope,
}

/// What the PlaybackActor owns.
pub struct PlaybackState {
    up: Upward<PlaybackReport>,
    port: Arc<dyn TextToSpeech>,
    out: Option<LineOut>,
    machine: PlaybackMachine,
    session: Option<Session>,
    timers: Timers<PlaybackTimer>,
    tasks: TaskScope,
}

/// The text-to-speech session in use.
struct Session {
    commands: mpsc::Sender<PumpCommand>,
    _cancel: DropGuard,
}

impl PlaybackState {
    fn step(&mut self, myself: &PlaybackRef, input: Input) -> Result<(), ActorError> {
        let playout = self.out.as_ref().map_or_else(|| Playout::silent(Instant::now()), LineOut::playout);
        for effect in self.machine.step(input, playout, Instant::now()) {
            self.carry_out(myself, effect)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, myself: &PlaybackRef, effect: Effect) -> Result<(), ActorError> {
        match effect {
            Effect::Connect { session, position } => self.connect(myself, session, position),
            Effect::Speak(text) => {
                let epoch = self.out.as_ref().map(LineOut::epoch).unwrap_or_default();
                self.command(PumpCommand::Speak(epoch, text))?;
            }
            Effect::Flush => self.command(PumpCommand::Flush)?,
            Effect::Clear => {
                let epoch = self.clear_line();
                self.command(PumpCommand::Clear(epoch))?;
            }
            Effect::ClearLine => {
                self.clear_line();
            }
            Effect::Arm(timer, after) => {
                self.timers.arm(&self.tasks, timer, after, myself, |fired| PlaybackMsg::Due(PlaybackTick(fired)));
            }
            Effect::Report(report) => self.up.send(report),
            Effect::Fail(reason) => return Err(reason.into()),
        }
        Ok(())
    }

    fn clear_line(&self) -> Epoch {
        self.out.as_ref().map(LineOut::clear).unwrap_or_default()
    }

    fn connect(&mut self, myself: &PlaybackRef, session: u64, position: u64) {
        let Some(out) = self.out.clone() else { return };
        let filled = (out.epoch(), position);
        let (commands, queue) = mpsc::channel(limits::TTS_COMMANDS);
        let cancel = CancellationToken::new();
        self.session = Some(Session { commands, _cancel: cancel.clone().drop_guard() });
        let (port, to) = (Arc::clone(&self.port), myself.clone());
        self.tasks.spawn(async move {
            let tell = |what| {
                let _ = to.cast(PlaybackMsg::News(PumpNews { session, what }));
            };
            let pumping = pump::run(port, out, filled, queue, &tell);
            // None: this session was replaced.
            let _ = cancel.run_until_cancelled(pumping).await;
        });
    }

    fn command(&self, command: PumpCommand) -> Result<(), ActorError> {
        let Some(session) = &self.session else { return Ok(()) };
        match session.commands.try_send(command) {
            // The session has just ended; its last word is in the mailbox.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => Err("the text-to-speech takes no more text".into()),
        }
    }

    fn open(&mut self, myself: &PlaybackRef, out: LineOut) -> Result<(), ActorError> {
        self.out = Some(out);
        self.step(myself, Input::Open)
    }

    fn due(&mut self, myself: &PlaybackRef, fired: Fired<PlaybackTimer>) -> Result<(), ActorError> {
        if self.timers.is_due(fired) { self.step(myself, Input::Due(fired.timer)) } else { Ok(()) }
    }
}

impl Behaviour for PlaybackActor {
    const KIND: ActorKind = ActorKind::Playback;
    type Msg = PlaybackMsg;
    type Args = PlaybackArgs;
    type State = PlaybackState;

    async fn start(&self, myself: &PlaybackRef, args: PlaybackArgs) -> Result<PlaybackState, ActorError> {
        let PlaybackArgs { up, port, out, unfinished, tasks } = args;
        let machine = PlaybackMachine::new(unfinished, Rate::default());
        let mut state = PlaybackState { up, port, out, machine, session: None, timers: Timers::default(), tasks };
        if state.out.is_some() {
            state.step(myself, Input::Open)?;
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: &PlaybackRef,
        msg: PlaybackMsg,
        state: &mut PlaybackState,
    ) -> Result<(), ActorError> {
        match msg {
            PlaybackMsg::Open(out) => state.open(myself, out),
            PlaybackMsg::Say { turn, utterance, text } => state.step(myself, Input::Say { turn, utterance, text }),
            PlaybackMsg::Finish(utterance) => state.step(myself, Input::Finish(utterance)),
            PlaybackMsg::Hush => state.step(myself, Input::Hush),
            PlaybackMsg::Played(epoch, position) => state.step(myself, Input::Played(epoch, position)),
            PlaybackMsg::News(PumpNews { session, what }) => state.step(myself, Input::Pumped { session, what }),
            PlaybackMsg::Due(PlaybackTick(fired)) => state.due(myself, fired),
        }
    }
}
