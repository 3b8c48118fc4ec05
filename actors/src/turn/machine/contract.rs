//! What goes into a turn's machine and what comes out: inputs, effects, timers, and what it is made with. Apart from the
//! decisions, which are longer.

use std::time::Duration;

use crate::domain::{TurnId, UtteranceId};
use crate::history::{History, HistoryOp};
use crate::ports::{ModelEvent, ToolCall, VendorError};
use crate::turn::answer::Step;
use crate::turn::words::Listening;

/// What happens to a turn.
#[derive(Debug, Clone)]
pub(in crate::turn) enum Input {
    /// The stream has started: this is said first.
    Greet(String),
    /// Whatever goes on is over: this is said last.
    Leave(String),
    /// The speech-to-text heard words.
    Words { text: String, is_final: bool, speech_final: bool, until: Option<u64> },
    /// The caller is quiet, and the latest words are all that was said before.
    FellSilent,
    /// The speech-to-text heard no word for a while.
    UtteranceEnd,
    /// The speech-to-text thinks that the caller has finished, having said this in the turn so far.
    Eager(String),
    /// The caller goes on after all.
    Resumed,
    /// What the caller says is not heard for now.
    Deaf,
    /// The caller is heard again.
    Hears,
    /// A key was pressed.
    Key(char),
    /// A timer is over.
    Due(TurnTimer),
    /// The model said something, in this step.
    Model { step: Step, event: Result<ModelEvent, VendorError> },
    /// The model has said nothing for a moment, in the middle of this step.
    Paused(Step),
    /// A tool call has its result.
    ToolDone { tool_call_id: String, content: String, end: Option<EndKind> },
    /// An utterance was heard to its end.
    Spoken(UtteranceId),
    /// Speech was stopped; this much was heard of each utterance that was not yet over.
    Cut(Vec<(UtteranceId, TurnId, String)>),
    /// The actor was started again in the middle of a call.
    Resume(Resume),
}

/// What a turn wants done.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::turn) enum Effect {
    /// This turn may act from now on, no earlier one.
    Begin(TurnId),
    /// The history changes.
    History(HistoryOp),
    /// What was noted last was not the end of the reply.
    GoesOn,
    /// What was heard last needs no answer.
    Ignored,
    /// Ask the model with the history as it is.
    AskModel(Question),
    /// Stop listening to the model, in this step.
    StopModel(Step),
    /// Ask again after this pause, by [`TurnTimer::Retry`].
    RetryAfter(Duration),
    /// The model's first word, as far as the caller is concerned.
    FirstWord,
    /// A question that was asked ahead has come to this.
    Guessed(Guessed),
    /// Say this.
    Say { turn: TurnId, utterance: UtteranceId, text: String },
    /// The utterance is complete.
    Finish(UtteranceId),
    /// Stop speaking and report what was heard.
    Hush,
    /// The caller interrupted with these words.
    BargeIn(String),
    /// Run a tool.
    RunTool { turn: TurnId, call: ToolCall },
    /// Set a timer anew.
    Arm(TurnTimer),
    /// Forget a timer.
    Disarm(TurnTimer),
    /// The call is to end after what is being said.
    Ending(EndKind),
    /// All is said: end the call.
    End(EndKind),
}

/// A request to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::turn) struct Question {
    pub(in crate::turn) step: Step,
    /// What the caller is about to have said; not in the history yet.
    pub(in crate::turn) guess: Option<String>,
}

/// What a question that was asked before the caller had finished has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guessed {
    /// The caller had said these very words.
    Used,
    /// The caller said something else.
    Wasted,
    /// It was not asked: the call has wasted too many.
    Capped,
}

/// The timers of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::turn) enum TurnTimer {
    /// Words, and then nothing.
    Silence,
    /// Words, and no other words for a moment.
    Stable,
    /// An interruption, and no word that is final.
    FalseAlarm,
    /// Listening noises may still turn out to be an answer.
    Murmur,
    /// Keys, and then none.
    Keys,
    /// A tool takes longer than a moment.
    Filler,
    /// An answer is due, and nothing has been said for a while.
    Thinking,
    /// As before, where Otto has already waited for more words or keys in silence.
    Overdue,
    /// As before, after a filler.
    StillThinking,
    /// Otto cannot hear, and nothing has been said for a while.
    Deaf,
    /// As before, after the caller was told.
    StillDeaf,
    /// Otto has spoken and the caller says nothing.
    Quiet,
    /// The pause before the model is asked again.
    Retry,
}

/// How Otto ends a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndKind {
    /// Goodbye.
    HangUp,
    /// A human takes over.
    Transfer,
}

/// What a turn that is started again needs to know beside the history.
#[derive(Debug, Clone, Default)]
pub struct Resume {
    /// Utterances that are still being spoken.
    pub speaking: Vec<UtteranceId>,
    /// The call was to end after them.
    pub ending: Option<EndKind>,
    /// They are being stopped: an [`Input::Cut`] is on its way.
    pub hushing: bool,
    /// What was noted last was not the end of the reply.
    pub goes_on: bool,
}

/// Fixed texts of the shop.
#[derive(Debug, Clone)]
pub(in crate::turn) struct Texts {
    pub(in crate::turn) filler: String,
    pub(in crate::turn) filler_again: String,
    pub(in crate::turn) deaf: String,
    pub(in crate::turn) still_there: String,
    pub(in crate::turn) still_there_again: String,
    pub(in crate::turn) silent_goodbye: String,
    pub(in crate::turn) trouble: String,
    pub(in crate::turn) apology: String,
    pub(in crate::turn) goodbye: String,
    pub(in crate::turn) transfer: String,
}

/// What is the same in every turn of a call.
#[derive(Debug, Clone)]
pub(in crate::turn) struct Rules {
    pub(in crate::turn) texts: Texts,
    pub(in crate::turn) listening: Listening,
    /// The model may be asked before the caller has finished.
    pub(in crate::turn) speculates: bool,
    /// There is a human who can take over.
    pub(in crate::turn) can_transfer: bool,
}

/// Where a conversation stands.
#[derive(Debug, Clone, Default)]
pub(in crate::turn) struct Standing {
    pub(in crate::turn) history: History,
    pub(in crate::turn) turn: TurnId,
    pub(in crate::turn) last_utterance: UtteranceId,
    /// Questions asked ahead in vain.
    pub(in crate::turn) wasted: u32,
}
