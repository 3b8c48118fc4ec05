//! `otto demo`: simulated vendors, the engine on SQLite in a temporary folder, and one caller who books an oil change.
//! Prints the conversation as it happens, with the hops of every turn, and the booked row.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::Utc;
use otto_actors::domain::{Appointment, PhoneNumber, Shop, spoken};
use otto_proto::v1::{CallEvent, TurnTimed, call_event::Body};
use otto_sim::twilio::{CallPlan, Step};
use otto_sim::{Latency, Seed, World, WorldSettings};
use tokio::sync::broadcast::error::RecvError;

use super::asked_to_end;
use crate::app::App;
use crate::config::{Environment, Settings};
use crate::store::open_store;
use crate::telemetry;

/// A customer of the demo's records.
const CALLER: &str = "+15555550101";
/// What is booked.
const SERVICE: &str = "Oil change";
/// How long the caller waits for anything.
const PATIENCE: Duration = Duration::from_secs(15);
/// Pace of the voices; people speak at about 60 ms a character.
const MS_PER_CHAR: u32 = 45;
/// The engine's own end, with nothing left to drain.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn run(keep: bool) -> anyhow::Result<ExitCode> {
    telemetry::start_log_above("warn");
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let world = World::start(world_settings()).await.context("cannot start the simulators")?;
    let mut variables = world.env();
    variables.push(("PORT".into(), "0".into()));
    variables.push(("DATABASE_URL".into(), format!("sqlite://{}", folder.path().join("demo.db").display())));
    let settings = Settings::read(&variables.into_iter().collect::<Environment>(), None)?;
    seed(&settings).await?;
    let shop = settings.shop.clone();
    let app = App::start(settings).await?;
    world.connect_engine(app.public.base().clone(), app.address);

    println!("Otto answers at {}; vendors and the caller are simulated.\n", app.public.base());
    let booked = call(&app, &world).await?;
    println!("\nThe row in `appointments`:");
    match &booked {
        Some(appointment) => print_row(appointment, &shop),
        None => println!("  none: the booking is not there"),
    }
    if keep {
        println!("\nStill running: webhook {}; Ctrl-C ends it.", app.public.inbound_call());
        asked_to_end().await;
    }
    app.stop(STOP_TIMEOUT).await;
    world.shutdown().await;
    Ok(if booked.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Vendors about as quick as the real ones.
fn world_settings() -> WorldSettings {
    let mut world = WorldSettings { seed: Seed(1), ms_per_char: MS_PER_CHAR, ..WorldSettings::default() };
    world.stt.latency = Latency::new(120.0, 40.0);
    world.llm.first_token = Latency::new(350.0, 80.0);
    world.tts.first_byte = Latency::new(150.0, 40.0);
    world
}

async fn seed(settings: &Settings) -> anyhow::Result<()> {
    let store = open_store(&settings.database).await?;
    store.sync_bays(&settings.bays()).await?;
    let zone = settings.shop.time_zone;
    store.seed_demo(Utc::now().with_timezone(&zone).date_naive(), zone).await?;
    store.close().await;
    Ok(())
}

fn script() -> Vec<Step> {
    let say = |text: &str| Step::Say(text.to_owned());
    let listen = || Step::WaitForSilence { quiet_ms: 700, timeout: PATIENCE };
    vec![
        listen(),
        say("Hi, I need an oil change on Tuesday."),
        listen(),
        say("The first one, please."),
        listen(),
        say("No, that's all. Thank you."),
        Step::WaitForHangUp(PATIENCE),
    ]
}

/// Places the call, prints it, and returns what it booked.
async fn call(app: &App, world: &World) -> anyhow::Result<Option<Appointment>> {
    let phone = PhoneNumber::parse(CALLER)?;
    let customer = app.store.customer_by_phone(&phone).await?.context("the demo's customer is not on file")?;
    let before = app.store.upcoming(customer.id, Utc::now()).await?;
    let mut live = app.live.subscribe();
    let printer = tokio::spawn(async move {
        let mut screen = Screen::default();
        loop {
            match live.recv().await {
                Ok(event) if screen.show(&event) => return,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
    let report = world.call(CallPlan::new(CALLER, script())).report().await;
    // The printer ends with the call's last event, which is on its way.
    let _ = tokio::time::timeout(PATIENCE, printer).await;
    for problem in &report.timeouts {
        println!("  ! the caller waited in vain: {problem}");
    }
    for violation in &report.violations {
        println!("  ! protocol violation {}: {}", violation.code, violation.message);
    }
    let after = app.store.upcoming(customer.id, Utc::now()).await?;
    let new = after.into_iter().find(|a| !before.iter().any(|b| b.id == a.id) && a.service == SERVICE);
    Ok(new)
}

/// Prints events as lines.
#[derive(Default)]
struct Screen {
    began_ms: i64,
    tools: HashMap<String, String>,
}

impl Screen {
    /// Prints one event; true for the last of the call.
    fn show(&mut self, event: &Arc<CallEvent>) -> bool {
        if self.began_ms == 0 {
            self.began_ms = event.at_ms;
        }
        match &event.body {
            Some(Body::Started(_)) => self.line(event, "call", "the phone rings"),
            Some(Body::CallerSaid(said)) => self.line(event, "caller", &said.text),
            Some(Body::OttoSaid(said)) => self.line(event, "Otto", said.text.trim()),
            Some(Body::BargeIn(_)) => self.line(event, "", "(the caller interrupts)"),
            Some(Body::ToolCalled(call)) => {
                self.tools.insert(call.tool_call_id.clone(), call.arguments.clone());
            }
            Some(Body::ToolReturned(done)) => {
                let arguments = self.tools.remove(&done.tool_call_id).unwrap_or_default();
                self.line(event, "tool", &format!("{} {arguments} ({} ms)", done.name, done.took_ms));
            }
            Some(Body::TurnTimed(hops)) => self.line(event, "", &hops_line(hops)),
            Some(Body::LegLost(lost)) => self.line(event, "", &format!("({} was lost: {})", lost.leg, lost.reason)),
            Some(Body::Ended(end)) => {
                self.line(event, "call", &format!("ended ({}) after {} turns", end.outcome, end.turns));
                return true;
            }
            _ => {}
        }
        false
    }

    fn line(&self, event: &CallEvent, who: &str, what: &str) {
        let ms = event.at_ms - self.began_ms;
        println!("{:>3}.{:03}  {who:>6}  {what}", ms / 1_000, ms % 1_000);
    }
}

/// The pause that the caller hears, by hop.
fn hops_line(t: &TurnTimed) -> String {
    let hops = [
        ("end of turn", t.endpointing_ms),
        ("model", t.model_first_token_ms),
        ("first clause", t.first_clause_ms),
        ("voice", t.speech_first_byte_ms),
        ("media", t.media_out_ms),
    ];
    let total: u64 = hops.iter().map(|(_, ms)| ms).sum();
    let parts: Vec<String> = hops.iter().map(|(name, ms)| format!("{name} {ms}")).collect();
    format!("  latency {total} ms = {} ms", parts.join(" + "))
}

fn print_row(a: &Appointment, shop: &Shop) {
    let at = a.starts_at.with_timezone(&shop.time_zone).naive_local();
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
