//! What goes wrong in a drill, and when: plain data.

use std::fmt;
use std::time::Duration;

use crate::names::Leg;
use crate::ports::VendorErrorKind;
use crate::root::Shared;

/// The moment at which a fault strikes: the first at which the caller would say that this is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Before Otto has picked up.
    Ringing,
    /// The greeting sounds.
    Greeting,
    /// The caller is in the middle of the request.
    CallerSpeaks,
    /// The model has been asked to answer the request.
    OttoThinks,
    /// The answer to the request sounds.
    OttoSpeaks,
    /// The booking is under way.
    Tool,
}

impl Phase {
    pub(crate) const ALL: [Self; 6] =
        [Self::Ringing, Self::Greeting, Self::CallerSpeaks, Self::OttoThinks, Self::OttoSpeaks, Self::Tool];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::Greeting => "greeting",
            Self::CallerSpeaks => "caller speaks",
            Self::OttoThinks => "otto thinks",
            Self::OttoSpeaks => "otto speaks",
            Self::Tool => "tool",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) what: What,
    pub(crate) lasts: Lasts,
}

/// When a fault is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasts {
    /// It strikes this often.
    Times(u32),
    /// It strikes whenever it can for this long.
    For(Duration),
    /// It never stops.
    Always,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Nothing: the drill itself must pass.
    Nothing,
    /// The speech-to-text closes its socket with this.
    SttLost(VendorErrorKind),
    /// It closes its socket and refuses new ones with this, asking for a pause or not.
    SttRefused(VendorErrorKind, Option<Duration>),
    /// It takes audio and says nothing more.
    SttStalled,
    /// The text-to-speech closes its socket.
    TtsLost,
    /// It closes its socket and refuses new ones; speech over REST works.
    TtsRefused(VendorErrorKind),
    /// The same, and speech over REST fails, too.
    TtsAway,
    /// It takes text and gives no audio.
    TtsStalled,
    /// It answers a flush with a warning and without audio.
    TtsWarns,
    /// The language model.
    Model(Thought),
    /// A leg panics.
    Leg(Leg),
    /// A shared actor panics.
    Shared(Shared),
    /// The records take three seconds longer.
    StoreSlow,
    /// The records are busy.
    StoreFails,
    /// The records do not answer for a long time, and then fail.
    StoreHangs,
    /// The records do what was asked, and answer only after a long time.
    StoreLate,
}

/// What goes wrong with a reply of the language model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thought {
    /// No connection, no error.
    NoConnection,
    /// 429, with the pause that is asked for. Earlier requests are refused again.
    RateLimited(Duration),
    /// 429 for want of credit.
    NoCredit,
    /// 5xx.
    Fails,
    /// Connected, and no token.
    StallsFirst,
    /// Some words, then nothing.
    StallsLater,
    /// Some words, then an error.
    FailsLater,
    /// Some words, then the end of the stream without a word of completion.
    Breaks,
    /// Some words, then the length limit.
    Truncated,
    /// The arguments of a tool call are cut.
    CutArguments,
}

impl Thought {
    /// Whether some of the reply comes first.
    pub(crate) const fn is_late(self) -> bool {
        matches!(self, Self::StallsLater | Self::FailsLater | Self::Breaks | Self::Truncated | Self::CutArguments)
    }
}
