//! `otto chat`: a call by text in the terminal. The actors, the tools, the model and the records are those of a call by
//! telephone; only ears, voice and line are made of text (`ears.rs`, `voice.rs`, `line.rs`).

mod ears;
mod line;
mod screen;
mod typed;
mod voice;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::Utc;
use otto_actors::call::Vendors;
use otto_actors::domain::{CallSid, PhoneNumber, StreamSid};
use otto_actors::ports::SystemClock;
use otto_actors::registry::{Admission, AfterStream, Calls, IncomingCall, Purpose, StreamEnd, StreamOffer};
use tempfile::TempDir;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

use crate::app;
use crate::config::Settings;
use crate::engine::Engine;
use crate::store::open_store;
use crate::telemetry;
use crate::vendors::crypto;
use ears::TypedEars;
use line::Line;
use screen::Screen;
use voice::SilentVoice;

/// Who calls unless `--from` says otherwise: a customer of the demonstration's records.
pub(super) const CALLER: &str = "+15555550101";
/// From hanging up to the call's last event.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// What the command line says.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The number that you call from.
    #[arg(long, default_value = CALLER, value_parser = number)]
    from: PhoneNumber,
    /// Use the records of a small invented workshop, thrown away at the end.
    #[arg(long)]
    demo: bool,
    /// Show which tools Otto uses.
    #[arg(long)]
    tools: bool,
}

fn number(text: &str) -> Result<PhoneNumber, String> {
    PhoneNumber::parse(text).map_err(|error| error.to_string())
}

pub(super) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    telemetry::start_log_above("warn");
    crypto::install();
    let mut settings = Settings::load()?;
    let folder = if options.demo { Some(demo_records(&mut settings).await?) } else { None };
    let ears = TypedEars::new();
    let vendors = Vendors {
        stt: Arc::new(ears.clone()),
        tts: Arc::new(SilentVoice),
        model: app::model(&settings)?,
        telephony: None,
    };
    let engine = Engine::start(&settings, vendors, Arc::new(SystemClock)).await?;
    println!("{} is on the line. /quit or Ctrl-D hangs up.", settings.shop.name);
    let talked = talk(&engine, &ears, &options).await;
    engine.stop().await;
    drop(folder);
    talked.map(|()| ExitCode::SUCCESS)
}

/// Puts an invented workshop into a folder of its own.
async fn demo_records(settings: &mut Settings) -> anyhow::Result<TempDir> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    settings.database.url = format!("sqlite://{}", folder.path().join("chat.db").display()).into();
    let store = open_store(&settings.database).await?;
    store.sync_bays(&settings.bays()).await?;
    let zone = settings.shop.time_zone;
    store.seed_demo(Utc::now().with_timezone(&zone).date_naive(), zone).await?;
    store.close().await;
    Ok(folder)
}

/// Dials, and waits until somebody answers.
async fn dial(calls: &Calls, caller: PhoneNumber) -> anyhow::Result<(CallSid, Line)> {
    let name = uuid::Uuid::new_v4().simple();
    let (call, stream) = (CallSid::parse(&format!("CA{name}"))?, StreamSid::parse(&format!("MZ{name}"))?);
    let incoming = IncomingCall { call: call.clone(), caller: Some(caller), line: None, purpose: Purpose::Inbound };
    let Admission::Accepted { token } = calls.admit(incoming).await? else { bail!("all lines are taken") };
    let (line, source, sink) = Line::open();
    calls.attach(StreamOffer { call: call.clone(), stream, token, source, sink }).await?;
    Ok((call, line))
}

/// One call, from the greeting to its last event.
async fn talk(engine: &Engine, ears: &TypedEars, options: &Options) -> anyhow::Result<()> {
    let mut live = engine.live.subscribe();
    let (call, line) = dial(&engine.calls, options.from.clone()).await?;
    let mut typed = typed::lines();
    let mut screen = Screen::new(options.tools, std::io::stdin().is_terminal());
    let mut open = true;
    let mut give_up_at: Option<Instant> = None;
    loop {
        let quiet_at = screen.quiet_at();
        let late = give_up_at.unwrap_or_else(|| Instant::now() + END_TIMEOUT);
        tokio::select! {
            event = live.recv() => match event {
                Ok(event) if event.call_sid != call.as_str() => {}
                Ok(event) if screen.show(&event) => return Ok(()),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => bail!("the engine has ended"),
            },
            () = line.closed(), if open => {
                open = false;
                give_up_at = Some(Instant::now() + END_TIMEOUT);
                if let AfterStream::Ends(StreamEnd::Transfer(_)) = engine.calls.stream_ended(&call).await {
                    println!("(A colleague would take over now.)");
                }
            }
            () = sleep_until(quiet_at), if screen.is_waiting() => screen.prompt(),
            next = typed.recv(), if open && !screen.is_waiting() => match next {
                Some(text) if text.trim() == "/quit" => line.hang_up(),
                Some(text) if text.trim().is_empty() => screen.prompt(),
                Some(text) => {
                    screen.typed(&text);
                    if !ears.hear(text) {
                        println!("(Otto cannot hear you right now, please say that again.)");
                        screen.prompt();
                    }
                }
                None => {
                    line.hang_up();
                    screen.leave();
                }
            },
            () = engine.melted_down() => bail!("the engine has failed"),
            () = sleep_until(late), if give_up_at.is_some() => return Ok(()),
        }
    }
}
