//! Load: many simulated callers against one engine in a process of its own, with every vendor simulated here, so that a
//! hop that begins and ends in this process is measured on one clock. `otto-load` is the program around it.

mod affinity;
mod bounds;
mod brain;
mod callers;
mod capacity;
mod cost;
mod crowd;
mod engine;
mod floor;
mod hop;
mod ledger;
mod lookups;
mod marker;
mod measure;
mod plan;
mod questions;
mod report;
mod samples;
mod search;
mod soak;
mod told;
mod usage;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use crate::{Latency, Seed, World, WorldError, WorldSettings};

use brain::LoadBrain;
use crowd::Tally;
use engine::Engine;
use floor::Floor;
use watch::Watch;

pub use affinity::Pinned;
pub use bounds::Bounds;
pub use callers::Script;
pub use capacity::{Capacity, find_capacity};
pub use cost::Cost;
pub use hop::Hop;
pub use lookups::Lookups;
pub use plan::Plan;
pub use report::{AddedHops, Frames, Report};
pub use told::unless_told_to_end;

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
    /// A signal came before the run was over.
    #[error("told to end by {0}")]
    ToldToEnd(&'static str),
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
    let world = Arc::new(World::start_with(world_settings(plan), brain.clone()).await?);
    let engine = Engine::start(plan, &world).await?;
    world.connect_engine(engine.base().clone(), engine.address());
    let floor = Floor::start().await.map_err(LoadError::io("no loopback connection"))?;
    let watch = Watch::start(engine.process(), engine.questions(), plan.soak.is_some(), plan.quiet).await;
    let (tally, ended, to_tally) = Tally::new(plan, &world, &brain);
    let tally = tokio::spawn(tally.run(to_tally));
    let earlier = tokio::spawn(engine.questions().lookups_after(crowd::full_after(plan)));
    crowd::place(plan, &world, watch.counts(), ended).await;
    let residue = engine.residue().await;
    let lookups = engine.questions().lookups().await.since(&earlier.await.unwrap_or_default());
    let watched = watch.stop().await;
    let floor = floor.stop().await;
    engine.stop().await?;
    world.shutdown().await;
    let (mut report, seen) = tally.await.expect("the tally does not panic").finish();
    report.surround(watched, floor, residue, seen);
    report.lookups = lookups;
    Ok(report)
}

/// Vendors as slow as the plan says, and otherwise ideal.
fn world_settings(plan: &Plan) -> WorldSettings {
    let ms_per_char = plan.ms_per_char;
    let first_port = plan.url.as_ref().map(|_| plan.first_port);
    let mut world = WorldSettings { seed: Seed(plan.seed), ms_per_char, first_port, ..WorldSettings::default() };
    world.stt.latency = Latency::fixed(plan.stt_ms);
    world.llm.first_token = Latency::fixed(plan.llm_ms);
    world.llm.per_token = Latency::fixed(plan.token_ms);
    world.tts.first_byte = Latency::fixed(plan.tts_ms);
    world.calendar.latency = Latency::ZERO;
    world.nhtsa.latency = Latency::ZERO;
    world
}
