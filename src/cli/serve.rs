//! `otto serve`: answers calls until it is told to end, or until the actor tree melts down.

use std::process::ExitCode;

use anyhow::Context as _;
use tracing::{error, info, warn};

use super::asked_to_end;
use crate::app::App;
use crate::config::Settings;
use crate::telemetry;

pub(super) async fn run() -> anyhow::Result<ExitCode> {
    let settings = Settings::load()?;
    telemetry::start_log(settings.telemetry.log_format);
    warn_of(&settings);
    let drain = settings.server.drain;
    let app = App::start(settings).await.context("cannot start; `otto check` says more")?;
    info!(address = %app.address, webhook = app.public.inbound_call(), "Otto answers the phone");
    tokio::select! {
        () = app.melted_down() => {
            error!("the actor tree has melted down");
            Ok(ExitCode::FAILURE)
        }
        () = asked_to_end() => {
            info!(seconds = drain.as_secs(), "asked to end: no new calls, live ones may finish");
            tokio::select! {
                () = app.stop(drain) => info!("ended"),
                () = asked_to_end() => warn!("asked again: ended at once"),
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn warn_of(settings: &Settings) {
    for name in settings.not_yet_used() {
        warn!(name, "this setting is fine, but this version makes no use of it");
    }
    for name in settings.unknown() {
        warn!(name, "this variable looks like one of Otto's, but is not known");
    }
    if settings.twilio.auth_token.is_none() {
        warn!("TWILIO_AUTH_TOKEN is not set: signatures are not checked, and only this machine is served");
    }
}
