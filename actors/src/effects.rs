//! The identity of an effect and the fence around it: what a tool call does happens once, and not at all when its turn
//! is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::{CallSid, TurnId};

/// The identity of a tool call's effect. The same identity again returns the stored result.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EffectId {
    /// The call.
    pub call: CallSid,
    /// The turn in which the model asked for it.
    pub turn: TurnId,
    /// The model's name for the tool call.
    pub tool_call_id: String,
}

/// The turn of a call that may act. The call's actor owns it and moves it on; everybody else holds a [`Fence`].
#[derive(Debug, Default)]
pub struct TurnClock(Arc<AtomicU64>);

impl TurnClock {
    /// A clock that stands at a turn.
    #[must_use]
    pub fn at(turn: TurnId) -> Self {
        Self(Arc::new(AtomicU64::new(turn.0)))
    }

    /// Ends all turns before `turn`: their fences close.
    pub fn advance_to(&self, turn: TurnId) {
        self.0.fetch_max(turn.0, Ordering::AcqRel);
    }

    /// The turn that may act.
    #[must_use]
    pub fn current(&self) -> TurnId {
        TurnId(self.0.load(Ordering::Acquire))
    }

    /// A fence for one turn.
    #[must_use]
    pub fn fence(&self, turn: TurnId) -> Fence {
        Fence { turn, current: Arc::clone(&self.0) }
    }
}

/// Open while a turn is the current one; asked last before anything irreversible.
#[derive(Debug, Clone)]
pub struct Fence {
    turn: TurnId,
    current: Arc<AtomicU64>,
}

impl Fence {
    /// Whether the turn may still act.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.current.load(Ordering::Acquire) == self.turn.0
    }

    /// A fence that never closes, for effects that belong to no call.
    #[must_use]
    pub fn open() -> Self {
        TurnClock::at(TurnId(0)).fence(TurnId(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_closes_when_the_turn_is_over() {
        let clock = TurnClock::at(TurnId(3));
        let fence = clock.fence(TurnId(3));
        assert!(fence.is_open());
        clock.advance_to(TurnId(4));
        assert!(!fence.is_open());
        clock.advance_to(TurnId(3));
        assert_eq!(clock.current(), TurnId(4), "it never goes back");
    }
}
