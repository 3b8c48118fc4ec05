//! The kinds of actors, by the names that metrics, logs and journal records use.

use std::fmt;

/// A kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ActorKind {
    Root,
    Crm,
    Calendar,
    Reminders,
    Notifier,
    Journal,
    Registry,
    Call,
    Media,
    Stt,
    Turn,
    Playback,
}

impl ActorKind {
    /// The name in metrics and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Crm => "crm",
            Self::Calendar => "calendar",
            Self::Reminders => "reminders",
            Self::Notifier => "notifier",
            Self::Journal => "journal",
            Self::Registry => "registry",
            Self::Call => "call",
            Self::Media => "media",
            Self::Stt => "stt",
            Self::Turn => "turn",
            Self::Playback => "playback",
        }
    }
}

impl fmt::Display for ActorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The legs of a call: what its CallActor restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Leg {
    Media,
    Stt,
    Turn,
    Playback,
}

impl Leg {
    /// All of them, in the order in which they are started.
    pub const ALL: [Self; 4] = [Self::Media, Self::Stt, Self::Playback, Self::Turn];

    /// The actor that is this leg.
    #[must_use]
    pub const fn kind(self) -> ActorKind {
        match self {
            Self::Media => ActorKind::Media,
            Self::Stt => ActorKind::Stt,
            Self::Turn => ActorKind::Turn,
            Self::Playback => ActorKind::Playback,
        }
    }
}

impl fmt::Display for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)
    }
}
