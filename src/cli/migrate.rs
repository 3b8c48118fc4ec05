//! `otto migrate`: brings the tables up to date and ends. Every start does the same; this is for those who want it done
//! before.

use std::process::ExitCode;

use anyhow::Context as _;

use crate::config::Settings;
use crate::store::open_store;
use crate::vendors::crypto;

pub(super) async fn run() -> anyhow::Result<ExitCode> {
    crypto::install();
    let settings = Settings::load()?;
    let store = open_store(&settings.database).await.context("DATABASE_URL")?;
    println!("The tables are up to date ({}).", store.kind());
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
