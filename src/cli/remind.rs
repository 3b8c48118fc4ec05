//! `otto remind`: has a customer called about an appointment, or says who would be called and when.

use std::process::ExitCode;

use anyhow::Context as _;
use chrono::Utc;
use otto_actors::domain::{AppointmentId, Shop, spoken};
use otto_actors::reminders;

use crate::config::Settings;
use crate::store::{Records, open_store};
use crate::vendors::crypto;

/// Whom to call.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Options {
    /// The appointment's number. The running engine places the call; it looks for new ones all the time.
    #[arg(long, value_name = "N")]
    appointment: Option<i64>,
    /// Calls nobody: lists who would be called before the coming appointments, and when.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    crypto::install();
    let settings = Settings::load()?;
    let store = open_store(&settings.database).await.context("DATABASE_URL")?;
    let outcome = match options.appointment {
        Some(id) => request(store.as_ref(), &settings, AppointmentId(id)).await,
        None => plan(store.as_ref(), &settings.shop).await,
    };
    store.close().await;
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn request(store: &dyn Records, settings: &Settings, id: AppointmentId) -> anyhow::Result<()> {
    if settings.twilio.phone_number.is_none() {
        anyhow::bail!("TWILIO_PHONE_NUMBER: found nothing, expected the number that reminder calls come from");
    }
    let shop = &settings.shop;
    let row = reminders::request(store, store, shop, id, Utc::now()).await?;
    let when = row.next_at.with_timezone(&shop.time_zone).naive_local();
    println!(
        "call {} about appointment {id}: {}, due {}; the running engine places it",
        row.id,
        row.status.as_str(),
        spoken::date_time(when)
    );
    Ok(())
}

async fn plan(store: &dyn Records, shop: &Shop) -> anyhow::Result<()> {
    let calls = reminders::plan(store, shop, Utc::now()).await?;
    for call in &calls {
        let local = |at: chrono::DateTime<Utc>| spoken::date_time(at.with_timezone(&shop.time_zone).naive_local());
        println!(
            "{}: call {} ({}) about appointment {}: {} on {}",
            local(call.due_at),
            call.customer.name,
            call.customer.phone.as_e164(),
            call.appointment.id,
            call.appointment.service,
            local(call.appointment.starts_at)
        );
    }
    println!("{} calls", calls.len());
    Ok(())
}
