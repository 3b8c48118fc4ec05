//! The crowd: so many lines, of which each rings once, or one caller after the other until the time is over. What has
//! ended is measured while the rest goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rand::Rng as _;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep_until};

use super::brain::LoadBrain;
use super::callers::Caller;
use super::ledger::{Ledger, Surroundings};
use super::measure::measure;
use super::watch::Counts;
use super::{Plan, Report};
use crate::twilio::CallReport;
use crate::{Seed, World};

/// Calls are spread by up to this much around their place in the ramp, so that they do not march in step.
const RAMP_SPREAD_MS: u64 = 50;
/// How long the first call goes on alone, so that memory is seen with one call.
const FIRST_ALONE: Duration = Duration::from_millis(1_500);
/// Who hangs up with less than this to go is not followed by another: at the end all hang up at about the same time, and as
/// many new callers would ring at once as nobody asked for.
const LAST_CALL: Duration = Duration::from_secs(10);
/// Between two looks at what has ended. Vendors have written down all of a call by the look after the one that finds it.
const MEASURE_EVERY: Duration = Duration::from_millis(500);

/// A call that has ended.
type Ended = (Caller, CallReport);

/// After which all lines of a plan that stays are full; at once where each caller rings once.
pub(super) fn full_after(plan: &Plan) -> Duration {
    plan.stays().map_or(Duration::ZERO, |_| FIRST_ALONE + plan.ramp())
}

/// Places all calls of a plan and waits for their ends.
pub(super) async fn place(plan: &Plan, world: &Arc<World>, counts: Arc<Counts>, ended: UnboundedSender<Ended>) {
    let mut rng = Seed(plan.seed).rng("ramp");
    let began = Instant::now() + FIRST_ALONE;
    let stays = plan.stays().map(|stays| began + plan.ramp() + stays);
    let next = Arc::new(AtomicU32::new(0));
    let mut lines = JoinSet::new();
    for number in 0..plan.calls {
        let spread = Duration::from_millis(rng.random_range(0..=RAMP_SPREAD_MS));
        let place = Duration::from_secs_f64(f64::from(number) / plan.ramp_per_second) + spread;
        if number > 0 {
            sleep_until(began + place).await;
        }
        let line = Line {
            plan: plan.clone(),
            world: Arc::clone(world),
            counts: Arc::clone(&counts),
            next: Arc::clone(&next),
            ended: ended.clone(),
        };
        lines.spawn(line.ring(stays));
    }
    while let Some(joined) = lines.join_next().await {
        joined.expect("a line does not panic");
    }
}

struct Line {
    plan: Plan,
    world: Arc<World>,
    counts: Arc<Counts>,
    /// The number of the caller who rings next, over all lines.
    next: Arc<AtomicU32>,
    ended: UnboundedSender<Ended>,
}

impl Line {
    async fn ring(self, until: Option<Instant>) {
        loop {
            let left = until.map_or(Duration::MAX, |until| until - Instant::now());
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let caller = Caller::draw(&self.plan, number, self.plan.call_length().min(left));
            self.counts.placed();
            let report = self.world.call(caller.call()).report().await;
            self.counts.ended(report.is_clean());
            let _ = self.ended.send((caller, report));
            if until.is_none_or(|until| until.saturating_duration_since(Instant::now()) < LAST_CALL) {
                return;
            }
        }
    }
}

/// Measures calls as they end.
pub(super) struct Tally {
    world: Arc<World>,
    brain: LoadBrain,
    ms_per_char: u32,
    ledger: Ledger,
    /// Ended since the last look, and before it.
    fresh: Vec<Ended>,
    settled: Vec<Ended>,
    report: Report,
}

impl Tally {
    /// A tally, and where calls are sent when they end.
    pub(super) fn new(
        plan: &Plan,
        world: &Arc<World>,
        brain: &LoadBrain,
    ) -> (Self, UnboundedSender<Ended>, UnboundedReceiver<Ended>) {
        let (sender, receiver) = unbounded_channel();
        let tally = Tally {
            world: Arc::clone(world),
            brain: brain.clone(),
            ms_per_char: plan.ms_per_char,
            ledger: Ledger::default(),
            fresh: Vec::new(),
            settled: Vec::new(),
            report: Report::new(plan),
        };
        (tally, sender, receiver)
    }

    /// Takes calls until no more can come.
    pub(super) async fn run(mut self, mut ended: UnboundedReceiver<Ended>) -> Self {
        let mut looks = interval(MEASURE_EVERY);
        loop {
            tokio::select! {
                call = ended.recv() => match call {
                    Some(call) => self.fresh.push(call),
                    None => return self,
                },
                _ = looks.tick() => self.measure(),
            }
        }
    }

    /// The report, and what was seen beside calls. All vendors have ended, so that nothing is missing.
    pub(super) fn finish(mut self) -> (Report, Surroundings) {
        self.measure();
        self.measure();
        (self.report, self.ledger.surroundings)
    }

    fn measure(&mut self) {
        self.ledger.collect(&self.world, &self.brain);
        let fresh = std::mem::take(&mut self.fresh);
        for (caller, report) in std::mem::replace(&mut self.settled, fresh) {
            let traces = self.ledger.take(caller.number);
            self.report.add(&measure(&caller, &report, &traces, self.ms_per_char));
        }
    }
}
