//! Load: many simulated callers against one engine in a process of its own, with every vendor simulated here, so that a
//! hop that begins and ends in this process is measured on one clock. `otto-load` is the program around it.

mod brain;
mod callers;
mod cost;
mod engine;
mod floor;
mod hop;
mod measure;
mod plan;
mod progress;
mod report;
mod usage;

use std::path::PathBuf;
use std::time::Duration;

use rand::Rng as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::twilio::CallReport;
use crate::{Latency, Seed, World, WorldError, WorldSettings};

use brain::LoadBrain;
use callers::Caller;
use engine::Engine;
use floor::Floor;
use measure::Witnesses;
use progress::Progress;

pub use callers::Script;
pub use cost::Cost;
pub use hop::Hop;
pub use plan::Plan;
pub use report::Report;

/// Calls are spread by up to this much around their place in the ramp, so that they do not march in step.
const RAMP_SPREAD_MS: u64 = 50;

/// A run that could not be carried out. Failures of calls are no error but part of the [`Report`].
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The simulators could not be started.
    #[error("cannot start the simulators: {0}")]
    World(#[from] WorldError),
    /// A file or process of this machine.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        error: std::io::Error,
    },
    /// There is no program at this path.
    #[error("no engine at {0}; build it, or name it with --engine")]
    NoEngine(PathBuf),
    /// An option makes no sense.
    #[error("{0}")]
    Option(String),
    /// The engine ended, or never became ready.
    #[error("the engine is not ready: {0}")]
    NotReady(String),
}

impl LoadError {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        move |error| LoadError::Io { what: what.into(), error }
    }
}

/// Carries out a plan: starts or finds the engine, places the calls, waits for their ends, and stops what it started.
///
/// # Errors
/// When the run could not be carried out.
pub async fn run(plan: &Plan) -> Result<Report, LoadError> {
    usage::raise_open_files();
    let brain = LoadBrain::default();
    let world = World::start_with(world_settings(plan), brain.clone()).await?;
    let engine = Engine::start(plan, &world).await?;
    world.connect_engine(engine.base().clone(), engine.address());
    let callers = callers::draw(plan);
    let floor = Floor::start().await.map_err(LoadError::io("no loopback connection"))?;
    let progress = Progress::start(&world, engine.process(), plan.quiet);
    let ended = place(plan, &world, &callers, &progress).await;
    let residue = engine.residue().await;
    let usage = progress.stop().await;
    let floor = floor.stop().await;
    engine.stop().await?;
    world.shutdown().await;
    let witnesses = Witnesses::of(&world.stt.transcripts().all(), &brain.remembered());
    let measured = callers.iter().zip(&ended).map(|(caller, ended)| measure::measure(caller, ended, &witnesses));
    let mut report = Report::new(plan, measured);
    report.add_surroundings(usage, floor, residue, &ended, &world);
    Ok(report)
}

/// Vendors as slow as the plan says, and otherwise ideal.
fn world_settings(plan: &Plan) -> WorldSettings {
    let ms_per_char = plan.ms_per_char;
    let first_port = plan.url.as_ref().map(|_| plan.first_port);
    let mut world = WorldSettings { seed: Seed(plan.seed), ms_per_char, first_port, ..WorldSettings::default() };
    world.stt.latency = Latency::fixed(plan.stt_ms);
    world.llm.first_token = Latency::fixed(plan.llm_ms);
    world.llm.per_token = Latency::ZERO;
    world.tts.first_byte = Latency::fixed(plan.tts_ms);
    world.calendar.latency = Latency::ZERO;
    world.nhtsa.latency = Latency::ZERO;
    world
}

/// Places all calls along the ramp and waits for their ends, in the order of the callers.
async fn place(plan: &Plan, world: &World, callers: &[Caller], progress: &Progress) -> Vec<CallReport> {
    let mut rng = Seed(plan.seed).rng("ramp");
    let began = Instant::now();
    let mut calls = JoinSet::new();
    for (number, caller) in callers.iter().enumerate() {
        let spread = Duration::from_millis(rng.random_range(0..=RAMP_SPREAD_MS));
        sleep_until(began + Duration::from_secs_f64(number as f64 / plan.ramp_per_second) + spread).await;
        let handle = world.call(caller.call());
        let counts = progress.counts();
        counts.placed();
        calls.spawn(async move {
            let report = handle.report().await;
            counts.ended(report.is_clean());
            (number, report)
        });
    }
    let mut ended = Vec::new();
    while let Some(joined) = calls.join_next().await {
        ended.push(joined.expect("a simulated call does not panic"));
    }
    ended.sort_by_key(|(number, _)| *number);
    ended.into_iter().map(|(_, report)| report).collect()
}
