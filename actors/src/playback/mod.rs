//! PlaybackActor: says what it is told, knows what was heard, stops at once when the caller interrupts. The decisions
//! are in machine.rs, the text-to-speech session is in pump.rs, what is ready without one in phrases.rs.

mod flush_budget;
mod machine;
mod phrases;
mod pump;
#[cfg(test)]
mod tests;
mod whole;

pub use phrases::{Phrases, Prepared};

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::actor::{ActorError, Behaviour, Mailbox, Upward};
use crate::domain::{TurnId, UtteranceId};
use crate::limits;
use crate::media_plane::{Epoch, LineOut, Playout};
use crate::names::ActorKind;
use crate::ports::{TextToSpeech, VendorError};
use crate::speech::{AudioSpan, Utterance};
use crate::tasks::{TaskGuard, TaskScope};
use crate::timer::{Fired, Timers};
use machine::{Effect, Input, PlaybackMachine, PlaybackTimer};
use phrases::Repertoire;
use pump::{Pump, PumpCommand, Pumped};

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
    /// From the call: the audio of a text of this call is there.
    Prepared(Prepared),
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
    /// No way to speak is left. What was not heard is for somebody else to say; nothing else is reported but cuts.
    Mute { rest: String },
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
    /// What can be said without a session.
    pub phrases: Arc<Phrases>,
    /// The same, of this call alone.
    pub prepared: Option<Prepared>,
    /// What is said when speech is away for a moment.
    pub filler: String,
    /// Where tasks run.
    pub tasks: TaskScope,
}

/// What the PlaybackActor owns.
pub struct PlaybackState {
    up: Upward<PlaybackReport>,
    port: Arc<dyn TextToSpeech>,
    out: Option<LineOut>,
    machine: PlaybackMachine,
    pump: Option<Running>,
    timers: Timers<PlaybackTimer>,
    tasks: TaskScope,
}

/// The running pump.
struct Running {
    commands: mpsc::Sender<PumpCommand>,
    _task: TaskGuard,
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
            Effect::Begin { position } => self.begin(myself, position),
            Effect::Connect { session, over, after } => self.command(PumpCommand::Connect { session, over, after })?,
            Effect::Speak(text) => self.command(PumpCommand::Speak(self.epoch(), text))?,
            Effect::Flush(flush) => self.command(PumpCommand::Flush(flush))?,
            Effect::Seal => self.command(PumpCommand::Seal)?,
            Effect::Play(audio) => self.command(PumpCommand::Play(self.epoch(), audio))?,
            Effect::End => self.command(PumpCommand::End)?,
            Effect::Fill(audio) => self.command(PumpCommand::Fill(self.epoch(), audio))?,
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
        }
        Ok(())
    }

    fn clear_line(&self) -> Epoch {
        self.out.as_ref().map(LineOut::clear).unwrap_or_default()
    }

    fn epoch(&self) -> Epoch {
        self.out.as_ref().map(LineOut::epoch).unwrap_or_default()
    }

    fn begin(&mut self, myself: &PlaybackRef, filled: u64) {
        let Some(out) = self.out.clone() else { return };
        let (commands, queue) = mpsc::channel(limits::TTS_COMMANDS);
        let to = myself.clone();
        let tell = move |session, what| {
            // The actor may be gone; so is the need.
            let _ = to.cast(PlaybackMsg::News(PumpNews { session, what }));
        };
        let mut pump = Pump::new(Arc::clone(&self.port), out, filled, queue, tell);
        // Another one ends when this takes its place.
        let task = self.tasks.spawn_guarded(async move { pump.run().await });
        self.pump = Some(Running { commands, _task: task });
    }

    fn command(&self, command: PumpCommand) -> Result<(), ActorError> {
        let Some(pump) = &self.pump else { return Ok(()) };
        match pump.commands.try_send(command) {
            // The line is closed: nothing will be heard any more.
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
        let PlaybackArgs { up, port, out, unfinished, phrases, prepared, filler, tasks } = args;
        let machine = PlaybackMachine::new(unfinished, Repertoire { shared: phrases, prepared, filler });
        let mut state = PlaybackState { up, port, out, machine, pump: None, timers: Timers::default(), tasks };
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
            PlaybackMsg::Prepared(prepared) => state.step(myself, Input::Prepared(prepared)),
            PlaybackMsg::News(PumpNews { session, what }) => state.step(myself, Input::Pumped { session, what }),
            PlaybackMsg::Due(PlaybackTick(fired)) => state.due(myself, fired),
        }
    }
}
