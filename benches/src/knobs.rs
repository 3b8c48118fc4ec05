//! The knobs of a vendor: its settings and its faults, changed while it runs. They are data, so that a fault plan can be
//! printed beside the seed that it was drawn from.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;

use crate::seed::Seed;

/// A latency: a mean and an even spread around it, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Latency {
    /// The middle of the range, in milliseconds.
    pub mean_ms: f64,
    /// Half the width of the range, in milliseconds.
    pub jitter_ms: f64,
}

impl Latency {
    /// No delay at all.
    pub const ZERO: Latency = Latency { mean_ms: 0.0, jitter_ms: 0.0 };

    /// `mean_ms` give or take `jitter_ms`.
    pub const fn new(mean_ms: f64, jitter_ms: f64) -> Self {
        Latency { mean_ms, jitter_ms }
    }

    /// Always `mean_ms`.
    pub const fn fixed(mean_ms: f64) -> Self {
        Latency { mean_ms, jitter_ms: 0.0 }
    }

    /// One delay out of the range, never negative.
    pub fn draw(&self, rng: &mut impl Rng) -> Duration {
        let spread = if self.jitter_ms > 0.0 { rng.random_range(-self.jitter_ms..=self.jitter_ms) } else { 0.0 };
        Duration::from_secs_f64((self.mean_ms + spread).max(0.0) / 1_000.0)
    }
}

/// When an injected fault strikes. A connection (or request) suffers at most one fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// The next so many connections.
    Next(u32),
    /// Each connection with this probability, until [`Knobs::heal`].
    Probability(f64),
    /// Every connection, until [`Knobs::heal`].
    Always,
}

/// Settings `S` and faults `F` of one vendor.
#[derive(Debug)]
pub struct Knobs<S, F> {
    state: Mutex<State<S, F>>,
}

#[derive(Debug)]
struct State<S, F> {
    settings: S,
    plans: Vec<(F, When)>,
    rng: StdRng,
    struck: u64,
}

impl<S: Clone, F: Clone> Knobs<S, F> {
    /// Knobs of the vendor called `label`, without faults.
    pub fn new(seed: Seed, label: &str, settings: S) -> Self {
        let state = State { settings, plans: Vec::new(), rng: seed.rng(label), struck: 0 };
        Knobs { state: Mutex::new(state) }
    }

    /// The settings as they are now.
    pub fn settings(&self) -> S {
        self.lock().settings.clone()
    }

    /// Replaces the settings; sockets that are open keep those that they began with.
    pub fn set(&self, settings: S) {
        self.lock().settings = settings;
    }

    /// Changes some of the settings in place.
    pub fn update(&self, change: impl FnOnce(&mut S)) {
        change(&mut self.lock().settings);
    }

    /// Adds a fault to the plan.
    pub fn inject(&self, fault: F, when: When) {
        self.lock().plans.push((fault, when));
    }

    /// Removes every fault that has not struck yet.
    pub fn heal(&self) {
        self.lock().plans.clear();
    }

    /// How many connections have drawn a fault so far.
    pub fn struck(&self) -> u64 {
        self.lock().struck
    }

    /// Draws a delay from this vendor's generator.
    pub(crate) fn delay(&self, latency: Latency) -> Duration {
        latency.draw(&mut self.lock().rng)
    }

    /// Runs `draw` with this vendor's generator.
    pub(crate) fn with_rng<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        draw(&mut self.lock().rng)
    }

    /// Decides whether the connection that starts now fails, and how.
    pub(crate) fn draw_fault(&self) -> Option<F> {
        self.draw_fault_where(|_| true)
    }

    /// As [`Knobs::draw_fault`], among the faults that `applies` to this kind of connection.
    pub(crate) fn draw_fault_where(&self, applies: impl Fn(&F) -> bool) -> Option<F> {
        let mut state = self.lock();
        let State { plans, rng, .. } = &mut *state;
        let index = plans.iter().position(|(fault, when)| applies(fault) && strikes(*when, rng))?;
        let fault = plans[index].0.clone();
        if let When::Next(count) = &mut plans[index].1 {
            *count -= 1;
            if *count == 0 {
                plans.remove(index);
            }
        }
        state.struck += 1;
        Some(fault)
    }

    fn lock(&self) -> MutexGuard<'_, State<S, F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn strikes(when: When, rng: &mut StdRng) -> bool {
    match when {
        When::Next(count) => count > 0,
        When::Probability(p) => rng.random_bool(p.clamp(0.0, 1.0)),
        When::Always => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knobs(seed: u64) -> Knobs<u8, &'static str> {
        Knobs::new(Seed(seed), "test", 0)
    }

    #[test]
    fn a_counted_fault_strikes_so_often_and_no_more() {
        let knobs = knobs(1);
        knobs.inject("refuse", When::Next(2));
        let drawn: Vec<_> = (0..4).map(|_| knobs.draw_fault()).collect();
        assert_eq!(drawn, [Some("refuse"), Some("refuse"), None, None]);
    }

    #[test]
    fn the_seed_decides_the_draws() {
        let draws = |seed| {
            let knobs = knobs(seed);
            knobs.inject("drop", When::Probability(0.5));
            (0..64).map(|_| knobs.draw_fault().is_some()).collect::<Vec<_>>()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
    }
}
