//! TurnActor: turn-taking. Hears words, decides when the caller has finished, asks the language model, and says and does
//! what it answers. The decisions are in machine.rs; here they are carried out.

mod answer;
mod clauses;
mod machine;
mod model;
#[cfg(test)]
mod tests;
mod timeline;
mod words;

pub use machine::{EndKind, Guessed, Resume};
pub use timeline::Hops;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::actor::{ActorError, Behaviour, Mailbox, Upward};
use crate::domain::{Shop, TurnId, UtteranceId};
use crate::history::{Entry, History, HistoryOp};
use crate::limits;
use crate::names::ActorKind;
use crate::ports::{LanguageModel, Message, ModelEnd, ModelEvent, ToolCall, ToolSpec, VendorError};
use crate::tasks::{TaskGuard, TaskScope};
use crate::timer::{Fired, Timers};
use answer::Step;
use machine::{Effect, Input, Question, Rules, Standing, Texts, TurnMachine, TurnTimer};
use timeline::Timeline;

/// One incarnation of a call's TurnActor.
pub type TurnRef = Mailbox<TurnMsg>;

/// TurnActor.
#[derive(Debug)]
pub struct TurnActor;

/// What the TurnActor understands. It answers nobody; what it wants goes up as a [`TurnReport`].
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named by what they are")]
pub enum TurnMsg {
    /// From the call: the stream has started, say this.
    Greet { text: String },
    /// From the call: stop whatever goes on, say this, and end the call.
    Leave { text: String },
    /// From the call: the speech-to-text heard words; `waited` is the silence that it has already waited for, and the last
    /// word ends at the sample `until` of the stream.
    Words { text: String, is_final: bool, speech_final: bool, waited: Duration, until: Option<u64> },
    /// From the call: the caller has been quiet for a moment, and the latest words are all that was said before.
    FellSilent,
    /// From the call: no word for a while.
    UtteranceEnd,
    /// From the call: the caller has probably finished, having said this in the turn so far.
    Eager(String),
    /// From the call: the caller goes on after all.
    Resumed,
    /// From the call: what the caller says is not heard for now.
    Deaf,
    /// From the call: the caller is heard again.
    Hears,
    /// From the call: a key was pressed.
    Key(char),
    /// From the call: the next message from the caller has this number; see [`TurnReport::Settled`].
    Next(u64),
    /// From the call: an utterance's first audio is on its way to the caller.
    Started { utterance: UtteranceId, first_byte: tokio::time::Instant },
    /// From the call: an utterance was heard to its end.
    Spoken(UtteranceId),
    /// From the call: speech was stopped; this much was heard.
    Cut(Vec<(UtteranceId, TurnId, String)>),
    /// From the call: a tool call has its result.
    ToolDone { tool_call_id: String, content: String, end: Option<EndKind> },
    /// From a task of this actor: a piece of a reply.
    Model(ModelNews),
    /// From a timer of this actor.
    Due(TurnTick),
}

/// A piece of a reply, and which request it answers.
#[derive(Debug)]
pub struct ModelNews {
    step: Step,
    news: News,
}

#[derive(Debug)]
enum News {
    Event(Result<ModelEvent, VendorError>),
    /// Nothing for a moment, in the middle of the reply.
    Paused,
}

/// A timer of a turn is over.
#[derive(Debug)]
pub struct TurnTick(Fired<TurnTimer>);

/// What the TurnActor wants of its call.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named by what they are")]
pub enum TurnReport {
    /// This turn may act from now on, no earlier one.
    Begin(TurnId),
    /// What the caller has done up to this number is in the history with the next report, or needs no answer.
    Settled(u64),
    /// The history changes.
    History(HistoryOp),
    /// What was noted last was not the end of the reply.
    GoesOn,
    /// The model was asked before the caller had finished, and it has come to this.
    Guessed(Guessed),
    /// Say this.
    Say { turn: TurnId, utterance: UtteranceId, text: String },
    /// An utterance is complete.
    Finish(UtteranceId),
    /// Stop speaking; the answer is [`TurnMsg::Cut`].
    Hush,
    /// The caller interrupted with these words.
    BargeIn(String),
    /// Run a tool; the answer is [`TurnMsg::ToolDone`], always.
    RunTool { turn: TurnId, call: ToolCall },
    /// The call is to end after what is being said.
    Ending(EndKind),
    /// All is said: end the call.
    End(EndKind),
    /// The hops of a turn are known.
    Timed { turn: TurnId, hops: Hops },
    /// A request to the model is complete, and took this.
    Spent(ModelEnd),
    /// A request to the model failed.
    Trouble(VendorError),
}

/// What a TurnActor is started with.
pub struct TurnArgs {
    /// Where reports go.
    pub up: Upward<TurnReport>,
    /// Who thinks.
    pub model: Arc<dyn LanguageModel>,
    /// Fixed texts.
    pub shop: Arc<Shop>,
    /// What never changes for the model.
    pub instructions: Arc<str>,
    /// What is known of this call.
    pub situation: Situation,
    /// What the model may call.
    pub tools: Arc<[ToolSpec]>,
    /// The conversation so far.
    pub history: History,
    /// The turn that may act.
    pub turn: TurnId,
    /// The last utterance that has a name.
    pub last_utterance: UtteranceId,
    /// The model may be asked before the caller has finished.
    pub speculates: bool,
    /// Times that it was in vain.
    pub wasted_guesses: u32,
    /// There is a human who can take over.
    pub can_transfer: bool,
    /// Otto has placed the call.
    pub outbound: bool,
    /// Set when this is not the first incarnation.
    pub resume: Option<Resume>,
    /// Where tasks run.
    pub tasks: TaskScope,
}

/// Says what is known of the call and the moment, in words for the model; given the conversation as the model gets it.
pub type Situation = Box<dyn FnMut(&[Message]) -> String + Send>;

/// What the TurnActor owns.
pub struct TurnState {
    up: Upward<TurnReport>,
    asker: model::Asker,
    machine: TurnMachine,
    timers: Timers<TurnTimer>,
    timeline: Timeline,
    /// The number of the latest message from the caller.
    next: u64,
    /// Cancel the requests in hand.
    requests: HashMap<Step, TaskGuard>,
    tasks: TaskScope,
}

impl TurnState {
    fn step(&mut self, myself: &TurnRef, input: Input) {
        for effect in self.machine.step(input) {
            self.carry_out(myself, effect);
        }
    }

    fn carry_out(&mut self, myself: &TurnRef, effect: Effect) {
        match effect {
            Effect::Begin(turn) => self.up.send(TurnReport::Begin(turn)),
            Effect::History(op) => self.note(op),
            Effect::GoesOn => self.up.send(TurnReport::GoesOn),
            Effect::Ignored => self.up.send(TurnReport::Settled(self.next)),
            Effect::AskModel(question) => self.ask(myself, question),
            Effect::StopModel(step) => drop(self.requests.remove(&step)),
            Effect::RetryAfter(pause) => self.arm_for(myself, TurnTimer::Retry, pause),
            Effect::FirstWord => self.timeline.first_token(self.machine.turn()),
            Effect::Guessed(guessed) => self.guessed(guessed),
            Effect::Say { turn, utterance, text } => {
                self.timeline.said(turn, utterance);
                self.up.send(TurnReport::Say { turn, utterance, text });
            }
            Effect::Finish(utterance) => self.up.send(TurnReport::Finish(utterance)),
            Effect::Hush => self.up.send(TurnReport::Hush),
            Effect::BargeIn(text) => self.up.send(TurnReport::BargeIn(text)),
            Effect::RunTool { turn, call } => self.up.send(TurnReport::RunTool { turn, call }),
            Effect::Arm(timer) => self.arm(myself, timer),
            Effect::Disarm(timer) => self.timers.cancel(timer),
            Effect::Ending(kind) => self.up.send(TurnReport::Ending(kind)),
            Effect::End(kind) => self.up.send(TurnReport::End(kind)),
        }
    }

    fn note(&mut self, op: HistoryOp) {
        if matches!(op, HistoryOp::Add(Entry::User(_))) {
            self.up.send(TurnReport::Settled(self.next));
        }
        self.up.send(TurnReport::History(op));
    }

    fn ask(&mut self, myself: &TurnRef, question: Question) {
        if question.guess.is_none() {
            self.timeline.asked(self.machine.turn());
        }
        let (step, history) = (question.step, self.machine.history().for_model());
        let request = self.asker.ask(myself, question, history, &self.tasks);
        self.requests.insert(step, request);
    }

    fn guessed(&mut self, guessed: Guessed) {
        if guessed == Guessed::Used {
            self.timeline.asked(self.machine.turn());
        }
        self.up.send(TurnReport::Guessed(guessed));
    }

    fn arm(&mut self, myself: &TurnRef, timer: TurnTimer) {
        let after = match timer {
            TurnTimer::Silence => limits::TURN_SILENCE_MS,
            TurnTimer::Stable => limits::SPECULATE_AFTER_MS,
            TurnTimer::FalseAlarm => limits::FALSE_ALARM_MS,
            TurnTimer::Murmur => limits::MURMUR_KEPT_MS,
            TurnTimer::Keys => limits::KEYS_SILENCE_MS,
            TurnTimer::Filler => limits::TOOL_FILLER_AFTER_MS,
            TurnTimer::Thinking => limits::MODEL_FILLER_AFTER_MS,
            TurnTimer::Overdue => limits::OVERDUE_FILLER_AFTER_MS,
            TurnTimer::StillThinking | TurnTimer::StillDeaf => limits::FILLER_AGAIN_AFTER_MS,
            TurnTimer::Deaf => limits::DEAF_FILLER_AFTER_MS,
            TurnTimer::Quiet => limits::QUIET_AFTER_MS,
            TurnTimer::Retry => limits::MODEL_RETRY_AFTER_MAX_MS,
        };
        self.arm_for(myself, timer, after);
    }

    fn arm_for(&mut self, myself: &TurnRef, timer: TurnTimer, after: Duration) {
        self.timers.arm(&self.tasks, timer, after, myself, |fired| TurnMsg::Due(TurnTick(fired)));
    }

    fn model(&mut self, myself: &TurnRef, news: ModelNews) {
        let ModelNews { step, news } = news;
        let News::Event(event) = news else { return self.step(myself, Input::Paused(step)) };
        if let Err(error) = &event {
            self.up.send(TurnReport::Trouble(error.clone()));
        }
        if let Ok(ModelEvent::Done(end)) = &event {
            self.up.send(TurnReport::Spent(*end));
        }
        if matches!(event, Ok(ModelEvent::Done(_)) | Err(_)) {
            self.requests.remove(&step);
        }
        self.step(myself, Input::Model { step, event });
    }

    fn due(&mut self, myself: &TurnRef, fired: Fired<TurnTimer>) {
        if self.timers.is_due(fired) {
            if fired.timer == TurnTimer::Silence {
                self.timeline.waited(limits::TURN_SILENCE_MS);
            }
            self.step(myself, Input::Due(fired.timer));
        }
    }

    fn started(&mut self, utterance: UtteranceId, first_byte: tokio::time::Instant) {
        if let Some((turn, hops)) = self.timeline.started(utterance, first_byte) {
            self.up.send(TurnReport::Timed { turn, hops });
        }
    }
}

fn texts(shop: &Shop, outbound: bool) -> Texts {
    let say = |text: &str| shop.say(text, None);
    let wording = &shop.wording;
    Texts {
        filler: say(&wording.filler),
        filler_again: say(&wording.filler_again),
        deaf: say(&wording.deaf),
        still_there: say(&wording.still_there),
        still_there_again: say(&wording.still_there_again),
        silent_goodbye: say(&wording.silent_goodbye),
        trouble: say(&wording.trouble),
        apology: say(&wording.apology),
        goodbye: say(if outbound { &wording.outbound_goodbye } else { &wording.goodbye }),
        transfer: say(&wording.transfer),
    }
}

impl Behaviour for TurnActor {
    const KIND: ActorKind = ActorKind::Turn;
    type Msg = TurnMsg;
    type Args = TurnArgs;
    type State = TurnState;

    async fn start(&self, myself: &TurnRef, args: TurnArgs) -> Result<TurnState, ActorError> {
        let rules = Rules {
            texts: texts(&args.shop, args.outbound),
            listening: words::Listening::of(&args.shop),
            speculates: args.speculates,
            can_transfer: args.can_transfer,
        };
        let (history, turn, last_utterance, wasted) =
            (args.history, args.turn, args.last_utterance, args.wasted_guesses);
        let mut state = TurnState {
            up: args.up,
            asker: model::Asker {
                model: args.model,
                instructions: args.instructions,
                situation: args.situation,
                tools: args.tools,
            },
            machine: TurnMachine::new(rules, Standing { history, turn, last_utterance, wasted }),
            timers: Timers::default(),
            timeline: Timeline::default(),
            next: 0,
            requests: HashMap::new(),
            tasks: args.tasks,
        };
        if let Some(resume) = args.resume {
            state.step(myself, Input::Resume(resume));
        }
        Ok(state)
    }

    async fn handle(&self, myself: &TurnRef, msg: TurnMsg, state: &mut TurnState) -> Result<(), ActorError> {
        match msg {
            TurnMsg::Greet { text } => state.step(myself, Input::Greet(text)),
            TurnMsg::Leave { text } => state.step(myself, Input::Leave(text)),
            TurnMsg::Words { text, is_final, speech_final, waited, until } => {
                state.timeline.waited(waited);
                state.step(myself, Input::Words { text, is_final, speech_final, until });
            }
            TurnMsg::FellSilent => state.step(myself, Input::FellSilent),
            TurnMsg::UtteranceEnd => state.step(myself, Input::UtteranceEnd),
            TurnMsg::Eager(text) => state.step(myself, Input::Eager(text)),
            TurnMsg::Resumed => state.step(myself, Input::Resumed),
            TurnMsg::Deaf => state.step(myself, Input::Deaf),
            TurnMsg::Hears => state.step(myself, Input::Hears),
            TurnMsg::Next(number) => state.next = number,
            TurnMsg::Key(key) => state.step(myself, Input::Key(key)),
            TurnMsg::Started { utterance, first_byte } => state.started(utterance, first_byte),
            TurnMsg::Spoken(utterance) => state.step(myself, Input::Spoken(utterance)),
            TurnMsg::Cut(heard) => state.step(myself, Input::Cut(heard)),
            TurnMsg::ToolDone { tool_call_id, content, end } => {
                state.step(myself, Input::ToolDone { tool_call_id, content, end });
            }
            TurnMsg::Model(news) => state.model(myself, news),
            TurnMsg::Due(TurnTick(fired)) => state.due(myself, fired),
        }
        Ok(())
    }
}
