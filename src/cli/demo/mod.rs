//! `otto demo`: simulated vendors, the engine on SQLite in a temporary folder, and one call. Prints the conversation as it
//! happens, with the hops of every turn, and the rows that came of it.

mod booking;
mod reminder;
mod screen;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::Utc;
use chrono_tz::Tz;
use otto_actors::domain::{Appointment, spoken};
use otto_actors::ports::{Clock, SystemClock};
use otto_sim::twilio::Step;
use otto_sim::{Latency, Seed, World, WorldSettings};

use self::reminder::Scene;
use super::asked_to_end;
use crate::app::App;
use crate::config::{Environment, Settings};
use crate::store::open_store;
use crate::telemetry;

/// A customer of the demo's records.
const CALLER: &str = "+15555550101";
/// How long the caller waits for anything.
const PATIENCE: Duration = Duration::from_secs(15);
/// Pace of the voices; people speak at about 60 ms a character.
const MS_PER_CHAR: u32 = 45;
/// The engine's own end, with nothing left to drain.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Show {
    /// A customer calls and books.
    Booking,
    /// Otto calls a customer the evening before an appointment.
    Reminder,
}

pub(super) async fn run(show: Show, keep: bool) -> anyhow::Result<ExitCode> {
    telemetry::start_log_above("warn");
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let world = World::start(world_settings()).await.context("cannot start the simulators")?;
    let mut variables = world.env();
    // The simulated model answers calls; in those that Otto places, the built-in dialogue speaks.
    variables.retain(|(name, _)| show == Show::Booking || !name.starts_with("OPENAI"));
    variables.push(("PORT".into(), "0".into()));
    variables.push(("DATABASE_URL".into(), format!("sqlite://{}", folder.path().join("demo.db").display())));
    let settings = Settings::read(&variables.into_iter().collect::<Environment>(), None)?;
    let zone = settings.shop.time_zone;
    let scene = prepare(show, &settings).await?;
    let clock = scene.as_ref().map_or_else(|| Arc::new(SystemClock) as Arc<dyn Clock>, |scene| scene.clock.clone());
    let app = App::start_at(settings, clock).await?;
    world.connect_engine(app.public.base().clone(), app.address);

    println!("Otto answers at {}; vendors and the caller are simulated.\n", app.public.base());
    let worked = match &scene {
        Some(scene) => scene.show(&app, &world).await?,
        None => booking::show(&app, &world, zone).await?,
    };
    if keep {
        println!("\nStill running: webhook {}; Ctrl-C ends it.", app.public.inbound_call());
        asked_to_end().await;
    }
    app.stop(STOP_TIMEOUT).await;
    world.shutdown().await;
    Ok(if worked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Vendors about as quick as the real ones.
fn world_settings() -> WorldSettings {
    let mut world = WorldSettings { seed: Seed(1), ms_per_char: MS_PER_CHAR, ..WorldSettings::default() };
    world.twilio.second = Duration::from_millis(500);
    world.stt.latency = Latency::new(120.0, 40.0);
    world.llm.first_token = Latency::new(350.0, 80.0);
    world.tts.first_byte = Latency::new(150.0, 40.0);
    world
}

/// Fills the records, and finds out when the reminder is due, if there is to be one.
async fn prepare(show: Show, settings: &Settings) -> anyhow::Result<Option<Scene>> {
    let store = open_store(&settings.database).await?;
    store.sync_bays(&settings.bays()).await?;
    let zone = settings.shop.time_zone;
    store.seed_demo(Utc::now().with_timezone(&zone).date_naive(), zone).await?;
    let scene = match show {
        Show::Booking => None,
        Show::Reminder => Some(Scene::of(store.as_ref(), &settings.shop).await?),
    };
    store.close().await;
    Ok(scene)
}

fn say(text: &str) -> Step {
    Step::Say(text.to_owned())
}

fn listen() -> Step {
    Step::WaitForSilence { quiet_ms: 700, timeout: PATIENCE }
}

fn until_hang_up() -> Step {
    Step::WaitForHangUp(PATIENCE)
}

fn print_row(a: &Appointment, zone: Tz) {
    let at = a.starts_at.with_timezone(&zone).naive_local();
    println!(
        "  id {} | customer {} | {} | {} ({} minutes) | bay {} | {}",
        a.id,
        a.customer,
        a.service,
        spoken::date_time(at),
        a.minutes,
        a.bay,
        a.status.as_str()
    );
}
