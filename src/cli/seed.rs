//! `otto seed`: fills the database with invented customers for trials.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use chrono::Utc;

use crate::config::Settings;
use crate::store::{PEOPLE_MAX, SeedPlan, open_store};
use crate::vendors::crypto;

/// How many, and which.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Customers, with vehicles, history and appointments.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=i64::from(PEOPLE_MAX)))]
    customers: u32,
    /// Every random choice comes from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    crypto::install();
    let settings = Settings::load()?;
    let store = open_store(&settings.database).await.context("DATABASE_URL")?;
    store.sync_bays(&settings.bays()).await?;
    let began = Instant::now();
    let today = Utc::now().with_timezone(&settings.shop.time_zone).date_naive();
    let plan = SeedPlan { customers: options.customers, seed: options.seed, today, shop: settings.shop };
    let added = store.seed(&plan).await?;
    println!(
        "{} customers, {} vehicles, {} appointments, {} visits in the history: {:.1} s ({})",
        added.customers,
        added.vehicles,
        added.appointments,
        added.works,
        began.elapsed().as_secs_f64(),
        store.kind()
    );
    if added.customers < plan.customers as usize {
        println!("{} were on file already", plan.customers as usize - added.customers);
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
