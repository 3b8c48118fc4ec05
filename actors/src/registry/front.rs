//! The registry as the HTTP edge knows it.

use crate::actor::AskError;
use crate::address::Address;
use crate::domain::{AnsweredBy, AppointmentId, CallSid, PhoneNumber, ReminderId, StreamSid};
use crate::limits;
use crate::names::Leg;
use crate::ports::{MediaSink, MediaSource, StreamEnd};

use super::RegistryMsg;

/// A call that wants to be answered.
#[derive(Debug, Clone)]
pub struct IncomingCall {
    /// Twilio's name of the call.
    pub call: CallSid,
    /// Who calls; none when the number is withheld.
    pub caller: Option<PhoneNumber>,
    /// The number that was dialled.
    pub line: Option<PhoneNumber>,
    /// Why there is a call.
    pub purpose: Purpose,
}

/// Why there is a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// Somebody calls the shop.
    #[default]
    Inbound,
    /// Otto calls whoever has this appointment; `caller` is then who was called, and `line` the shop's number.
    Reminder {
        /// For which row; none when somebody had Twilio call without one.
        reminder: Option<ReminderId>,
        /// Which appointment.
        appointment: AppointmentId,
    },
    /// Otto calls back; otherwise as above.
    CallBack {
        /// For which row.
        reminder: ReminderId,
    },
}

impl Purpose {
    /// The row for which Otto placed the call.
    #[must_use]
    pub const fn reminder(self) -> Option<ReminderId> {
        match self {
            Self::Inbound => None,
            Self::Reminder { reminder, .. } => reminder,
            Self::CallBack { reminder } => Some(reminder),
        }
    }
}

/// Whether a call is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Yes; its media stream must show this token, once.
    Accepted {
        /// Goes into a `<Parameter>` named `token`.
        token: String,
    },
    /// All lines are taken.
    Full,
    /// The process is about to end.
    Draining,
}

/// A media stream that has said its `start`.
pub struct StreamOffer {
    /// The call it says it belongs to.
    pub call: CallSid,
    /// Its own name.
    pub stream: StreamSid,
    /// What it shows as proof.
    pub token: String,
    /// Its reading half.
    pub source: MediaSource,
    /// Its writing half.
    pub sink: MediaSink,
}

impl std::fmt::Debug for StreamOffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StreamOffer({}, {})", self.call, self.stream)
    }
}

/// Why a media stream is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// No such call is waiting for one.
    #[error("no such call")]
    UnknownCall,
    /// The token is not the call's, or was used before.
    #[error("wrong or used token")]
    BadToken,
    /// The registry or the call does not answer.
    #[error("not available")]
    Unavailable,
}

/// What a call does when its media stream has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterStream {
    /// Nobody has ended it: it goes on on another stream, which shows this token.
    GoesOn {
        /// Good for one stream.
        token: String,
    },
    /// It ends so.
    Ends(StreamEnd),
}

impl AfterStream {
    const SORRY: Self = Self::Ends(StreamEnd::Apologise);
}

/// What a status callback says of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallProgress {
    /// Ringing or in progress.
    Live,
    /// Completed, busy, failed, not answered or cancelled.
    Over,
}

/// One live call, for operators and tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveCall {
    /// Twilio's name of the call.
    pub call: CallSid,
    /// Whether its media stream is open.
    pub streaming: bool,
}

/// What there is now, for operators and tests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegistryView {
    /// Calls that are alive.
    pub live: Vec<LiveCall>,
    /// Ended calls whose remains are still being waited for.
    pub ending: usize,
    /// Actors and tasks of ended calls that did not end in time, since the start of the process.
    pub residue: u64,
    /// New calls are refused.
    pub draining: bool,
    /// Calls that would be admitted now.
    pub free: usize,
}

/// The way to the registry.
#[derive(Debug, Clone)]
pub struct Calls {
    registry: Address<RegistryMsg>,
}

impl Calls {
    /// The registry at this address.
    #[must_use]
    pub fn new(registry: Address<RegistryMsg>) -> Self {
        Self { registry }
    }

    /// Asks for a line. The same call may ask again, as Twilio repeats webhooks.
    ///
    /// # Errors
    /// When the registry does not answer.
    pub async fn admit(&self, call: IncomingCall) -> Result<Admission, AskError> {
        let ask = |reply_to| RegistryMsg::Admit { call: call.clone(), reply_to };
        self.registry.ask_again(limits::ASK_TIMEOUT_MS, ask).await
    }

    /// Brings a media stream to its call.
    ///
    /// # Errors
    /// When it is not the call's, or the registry does not answer.
    pub async fn attach(&self, offer: StreamOffer) -> Result<(), AttachError> {
        let ask = |reply_to| RegistryMsg::Attach { offer, reply_to };
        self.registry.ask(limits::ASK_TIMEOUT_MS, ask).await.unwrap_or(Err(AttachError::Unavailable))
    }

    /// A media stream has ended: what now?
    pub async fn stream_ended(&self, call: &CallSid) -> AfterStream {
        let ask = |reply_to| RegistryMsg::StreamEnded { call: call.clone(), reply_to };
        match self.registry.ask_again(limits::ASK_TIMEOUT_MS, ask).await {
            Ok(Some(end)) => AfterStream::Ends(end),
            Ok(None) => self.reopen(call).await.map_or(AfterStream::SORRY, |token| AfterStream::GoesOn { token }),
            Err(_) => AfterStream::SORRY,
        }
    }

    async fn reopen(&self, call: &CallSid) -> Option<String> {
        let ask = |reply_to| RegistryMsg::Reopen { call: call.clone(), reply_to };
        self.registry.ask_again(limits::ASK_TIMEOUT_MS, ask).await.ok()?
    }

    /// Twilio says how a call stands.
    pub fn call_status(&self, call: &CallSid, progress: CallProgress) {
        // Lost while the registry restarts: its calls are gone then, too.
        let _ = self.registry.cast(RegistryMsg::Status { call: call.clone(), progress });
    }

    /// Twilio says what has answered a call that Otto placed.
    pub fn answered_by(&self, call: &CallSid, by: AnsweredBy) {
        // Lost while the registry restarts: its calls are gone then, too.
        let _ = self.registry.cast(RegistryMsg::AnsweredBy { call: call.clone(), by });
    }

    /// What there is now.
    ///
    /// # Errors
    /// When the registry does not answer.
    pub async fn view(&self) -> Result<RegistryView, AskError> {
        self.registry.ask_again(limits::ASK_TIMEOUT_MS, |reply_to| RegistryMsg::View { reply_to }).await
    }

    /// Ends the calls that go on, each with an apology and a human if there is one; [`Self::drain`] then tells when they
    /// have ended.
    pub fn end_all(&self) {
        // A registry that is away has no calls.
        let _ = self.registry.cast(RegistryMsg::EndCalls);
    }

    /// Refuses new calls from now on, and answers when the last one has ended.
    pub async fn drain(&self, deadline: std::time::Duration) -> bool {
        self.registry.ask(deadline, |reply_to| RegistryMsg::Drain { reply_to }).await.is_ok()
    }

    /// Fault injection: a leg of a live call panics.
    pub fn crash_leg(&self, call: &CallSid, leg: Leg) {
        let _ = self.registry.cast(RegistryMsg::CrashLeg { call: call.clone(), leg });
    }
}
