//! Where a drill comes together: the fault and its moment, the pace of the fakes, the log, and what was done wrong.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::time::Instant;

use super::fault::{Fault, Lasts, Phase, What};
use crate::testing::ms;

/// How quick everybody is, by the seed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// A vendor's connect.
    pub(super) connect: Duration,
    /// The model's first token.
    pub(super) first_token: Duration,
    /// The voice's first byte after a text.
    pub(super) first_byte: Duration,
    /// From the end of words to their transcript.
    pub(super) recognition: Duration,
    /// The caller's pause before an answer.
    pub(super) caller: Duration,
    /// A booking.
    pub(super) booking: Duration,
}

impl Pace {
    fn of(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut between = |from, to| ms(random.random_range(from..to));
        Self {
            connect: between(60, 140),
            first_token: between(300, 550),
            first_byte: between(100, 200),
            recognition: between(60, 140),
            caller: between(450, 900),
            booking: between(500, 900),
        }
    }
}

type OnStrike = Box<dyn Fn(What) + Send + Sync>;

struct Inner {
    fault: Fault,
    phase: Phase,
    began: Instant,
    state: Mutex<State>,
    listeners: Mutex<Vec<OnStrike>>,
}

#[derive(Default)]
struct State {
    struck_at: Option<Instant>,
    strikes: u32,
    caller_speaks: bool,
    log: Vec<String>,
    wrongs: Vec<String>,
}

/// One drill's stage. Clones are the same.
#[derive(Clone)]
pub(super) struct Stage {
    inner: Arc<Inner>,
    pub(super) pace: Pace,
}

impl Stage {
    pub(super) fn new(fault: Fault, phase: Phase, seed: u64) -> Self {
        let (state, listeners) = Default::default();
        let inner = Inner { fault, phase, began: Instant::now(), state, listeners };
        Self { inner: Arc::new(inner), pace: Pace::of(seed) }
    }

    pub(super) fn fault(&self) -> Fault {
        self.inner.fault
    }

    /// Hears of the strike at the very moment.
    pub(super) fn on_strike(&self, listener: impl Fn(What) + Send + Sync + 'static) {
        self.inner.listeners.lock().unwrap().push(Box::new(listener));
    }

    /// A phase of the call holds: if it is the fault's, the fault strikes, once.
    pub(super) fn reached(&self, phase: Phase) {
        let mut state = self.inner.state.lock().unwrap();
        if phase != self.inner.phase || state.struck_at.is_some() {
            return;
        }
        state.struck_at = Some(Instant::now());
        drop(state);
        self.note(format!("*** {} ***", self.inner.fault.name));
        self.inner.listeners.lock().unwrap().iter().for_each(|listener| listener(self.inner.fault.what));
    }

    /// Whether the caller's mouth is open.
    pub(super) fn caller_speaks(&self) -> bool {
        self.inner.state.lock().unwrap().caller_speaks
    }

    pub(super) fn caller_is(&self, speaking: bool) {
        self.inner.state.lock().unwrap().caller_speaks = speaking;
    }

    pub(super) fn has_struck(&self) -> bool {
        self.inner.state.lock().unwrap().struck_at.is_some()
    }

    /// Whether the fault strikes now, if it is one that is meant; that counts as one of its times. `meant` must not ask
    /// the stage.
    pub(super) fn strikes(&self, meant: impl FnOnce(What) -> bool) -> bool {
        let mut state = self.inner.state.lock().unwrap();
        let Some(at) = state.struck_at else { return false };
        let goes_on = match self.inner.fault.lasts {
            Lasts::Times(times) => state.strikes < times,
            Lasts::For(time) => at.elapsed() < time,
            Lasts::Always => true,
        };
        let now = goes_on && meant(self.inner.fault.what);
        state.strikes += u32::from(now);
        now
    }

    /// A line of the drill's log.
    pub(super) fn note(&self, line: impl AsRef<str>) {
        let at = self.inner.began.elapsed().as_millis();
        self.inner.state.lock().unwrap().log.push(format!("{at:>7} {}", line.as_ref()));
    }

    /// Otto did what must not be.
    pub(super) fn wrong(&self, what: impl Into<String>) {
        let what = what.into();
        self.note(format!("!!! {what}"));
        self.inner.state.lock().unwrap().wrongs.push(what);
    }

    pub(super) fn wrongs(&self) -> Vec<String> {
        self.inner.state.lock().unwrap().wrongs.clone()
    }

    pub(super) fn log(&self) -> Vec<String> {
        self.inner.state.lock().unwrap().log.clone()
    }
}
