//! `otto chaos`: many simulated callers book at once while legs of their calls and shared actors are killed at random.
//! Prints what came of it; the exit code says whether all held.

mod callers;
mod killer;
mod report;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use otto_sim::twilio::CallReport;
use otto_sim::{Seed, World, WorldSettings};
use tokio::time::timeout;

use crate::app::App;
use crate::config::{Environment, Settings};
use crate::telemetry;
use callers::{Caller, plan};
use killer::Killer;
use report::Report;

/// A call that is not over by then is stuck.
const CALL_PATIENCE: Duration = Duration::from_secs(50);
/// From the last call's end to the proof that nothing is left.
const SETTLE_PATIENCE: Duration = Duration::from_secs(10);
/// Calls are placed one after the other, this far apart.
const BETWEEN_CALLS: Duration = Duration::from_millis(20);

/// What to do.
#[derive(Debug, clap::Args)]
pub(super) struct ChaosArgs {
    /// Callers at the same time.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=400))]
    calls: u32,
    /// Every random choice comes from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) async fn run(args: ChaosArgs) -> anyhow::Result<ExitCode> {
    telemetry::start_log_above("off");
    println!("seed {}, {} calls", args.seed, args.calls);
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let world = World::start_with(WorldSettings::quick(Seed(args.seed)), callers::books_what_is_asked)
        .await
        .context("cannot start the simulators")?;
    let mut variables = world.env();
    variables.push(("PORT".into(), "0".into()));
    variables.push(("MAX_CALLS".into(), args.calls.to_string()));
    variables.push(("DATABASE_URL".into(), format!("sqlite://{}", folder.path().join("chaos.db").display())));
    let settings = Settings::read(&variables.into_iter().collect::<Environment>(), None)?;
    let callers = plan(&settings.shop, args.calls, chrono::Utc::now())?;
    let app = Arc::new(App::start(settings).await?);
    world.connect_engine(app.public.base().clone(), app.address);

    let killer = Killer::start(Arc::clone(&app), args.seed);
    let calls = place(&world, &killer, &callers).await;
    let kills = killer.stop().await;
    let view = settle(&app).await;
    let report = Report::of(&app, &callers, &calls, &kills, &view).await?;
    print!("{report}");
    let held = report.held();
    if let Some(app) = Arc::into_inner(app) {
        app.stop(Duration::ZERO).await;
    }
    world.shutdown().await;
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Places all calls; none for a call that got stuck.
async fn place(world: &World, killer: &Killer, callers: &[Caller]) -> Vec<Option<CallReport>> {
    let mut handles = Vec::new();
    for caller in callers {
        let handle = world.call(caller.call(CALL_PATIENCE));
        killer.hunt(&handle.call_sid);
        handles.push(handle);
        tokio::time::sleep(BETWEEN_CALLS).await;
    }
    let mut reports = Vec::new();
    for handle in handles {
        reports.push(timeout(CALL_PATIENCE, handle.report()).await.ok());
    }
    reports
}

async fn settle(app: &App) -> otto_actors::registry::RegistryView {
    let mut view = otto_actors::registry::RegistryView::default();
    let settled = async {
        loop {
            if let Ok(now) = app.calls.view().await {
                view = now;
                if view.live.is_empty() && view.ending == 0 {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // Too late: what is still alive is in the view, and counts as residue.
    let _ = timeout(SETTLE_PATIENCE, settled).await;
    view
}
