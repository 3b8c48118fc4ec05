//! `otto bench lookup`: looks customers up by number as calls do, through the CrmActor, by the database alone and with
//! the cache before it.
//!
//! The database and the Redis are those of DATABASE_URL and REDIS_URL in the process's environment. What `.env` names is
//! left alone: it is the shop's own, and a trial adds customers.

use std::env;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::Utc;
use hdrhistogram::Histogram;
use otto_actors::actor::{self, Mailbox};
use otto_actors::crm::{CrmActor, CrmMsg};
use otto_actors::domain::PhoneNumber;
use otto_actors::limits;
use otto_actors::ports::{Cache, Store};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use secrecy::SecretString;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::config::Settings;
use crate::engine;
use crate::store::{Address, CachedStore, PEOPLE_MAX, Records, SeedPlan, customer_key, invented_phone, open_store};
use crate::telemetry;
use crate::vendors::crypto;

/// What most look-ups may take, p99.
const TARGET_CACHED: Duration = Duration::from_millis(2);
const TARGET_UNCACHED: Duration = Duration::from_millis(30);
/// Every random choice of the invented customers comes from it.
const SEED: u64 = 1;
/// Connections of a database that is measured; the settings' default.
const POOL: u32 = 20;
/// Of the times that are kept.
const SIGNIFICANT_DIGITS: u8 = 3;

/// How much.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Options {
    /// Customers to choose from; those that are missing are added.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=i64::from(PEOPLE_MAX)))]
    customers: u32,
    /// How long to measure each way.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Look-ups at the same time.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    concurrency: u32,
}

pub(super) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    telemetry::start_log_above("warn");
    crypto::install();
    let mut settings = Settings::load()?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    if !is_set("DATABASE_URL") {
        let url = SecretString::from(format!("sqlite://{}", folder.path().join("bench.db").display()));
        settings.database = Address { url, read_url: None, pool: POOL };
    }
    if !is_set("REDIS_URL") {
        settings.redis_url = None;
    }
    let store = open_store(&settings.database).await.context("DATABASE_URL")?;
    let cache = engine::cache(&settings)?;
    fill(&*store, &settings, options.customers).await?;
    let place = if settings.redis_url.is_some() { "Redis" } else { "in-process" };
    println!(
        "{}, cache: {place}; {} customers, {} look-ups at a time for {} s each way, {} build",
        store.kind(),
        options.customers,
        options.concurrency,
        options.seconds,
        if cfg!(debug_assertions) { "debug" } else { "release" }
    );
    measure(&store, &cache, &options).await?;
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

fn is_set(variable: &str) -> bool {
    env::var(variable).is_ok_and(|value| !value.trim().is_empty())
}

/// Adds the invented customers that are not there yet.
async fn fill(store: &dyn Records, settings: &Settings, customers: u32) -> anyhow::Result<()> {
    store.sync_bays(&settings.bays()).await?;
    let today = Utc::now().with_timezone(&settings.shop.time_zone).date_naive();
    let plan = SeedPlan { customers, seed: SEED, today, shop: settings.shop.clone() };
    let added = store.seed(&plan).await?;
    if added.customers > 0 {
        println!("{} customers added", added.customers);
    }
    Ok(())
}

async fn measure(store: &Arc<dyn Records>, cache: &Arc<dyn Cache>, options: &Options) -> anyhow::Result<()> {
    let phones = (0..options.customers).map(|n| PhoneNumber::parse(&invented_phone(n)));
    let phones: Arc<[PhoneNumber]> = phones.collect::<Result<_, _>>()?;
    let uncached = Arc::clone(store) as Arc<dyn Store>;
    let cached = Arc::new(CachedStore::new(Arc::clone(&uncached), Arc::clone(cache)));
    println!("{:<10}{:>12}{:>9}{:>9}{:>9}   target", "", "look-ups/s", "p50 ms", "p99 ms", "max ms");
    let crm = actor::spawn(CrmActor, uncached, None).await?;
    print("uncached", &look_up(&crm, &phones, options).await?, options, TARGET_UNCACHED);
    crm.stop_and_wait(limits::WRITE_TIMEOUT_MS).await;
    let crm = actor::spawn(CrmActor, cached as Arc<dyn Store>, None).await?;
    for phone in &*phones {
        ask(&crm, phone).await?;
    }
    print("cached", &look_up(&crm, &phones, options).await?, options, TARGET_CACHED);
    crm.stop_and_wait(limits::WRITE_TIMEOUT_MS).await;
    // A Redis that others use, too, knows nothing of invented customers.
    for phone in &*phones {
        cache.remove(&customer_key(phone)).await;
    }
    Ok(())
}

/// Looks up random customers, so many at a time. Microseconds.
async fn look_up(
    crm: &Mailbox<CrmMsg>,
    phones: &Arc<[PhoneNumber]>,
    options: &Options,
) -> anyhow::Result<Histogram<u64>> {
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let mut askers = JoinSet::new();
    for nth in 0..options.concurrency {
        askers.spawn(ask_until(end, crm.clone(), Arc::clone(phones), SmallRng::seed_from_u64(SEED + u64::from(nth))));
    }
    let mut all = histogram()?;
    while let Some(times) = askers.join_next().await {
        all.add(times??)?;
    }
    Ok(all)
}

async fn ask_until(
    end: Instant,
    crm: Mailbox<CrmMsg>,
    phones: Arc<[PhoneNumber]>,
    mut rng: SmallRng,
) -> anyhow::Result<Histogram<u64>> {
    let mut times = histogram()?;
    loop {
        let began = Instant::now();
        if began >= end {
            return Ok(times);
        }
        ask(&crm, &phones[rng.random_range(0..phones.len())]).await?;
        times.record(u64::try_from(began.elapsed().as_micros())?)?;
    }
}

async fn ask(crm: &Mailbox<CrmMsg>, phone: &PhoneNumber) -> anyhow::Result<()> {
    let question = |reply_to| CrmMsg::FindByPhone { phone: phone.clone(), reply_to };
    match crm.ask(limits::ASK_TIMEOUT_MS, question).await??.customer {
        Some(_) => Ok(()),
        None => bail!("a customer who was put on file is not there"),
    }
}

fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new(SIGNIFICANT_DIGITS)?)
}

#[allow(clippy::cast_precision_loss, reason = "a measurement has far fewer than 2^52 microseconds")]
fn print(way: &str, times: &Histogram<u64>, options: &Options, target: Duration) {
    let ms = |us: u64| us as f64 / 1_000.0;
    let p99 = times.value_at_quantile(0.99);
    let kept = if Duration::from_micros(p99) < target { "kept" } else { "missed" };
    println!(
        "{way:<10}{:>12}{:>9.2}{:>9.2}{:>9.2}   p99 under {} ms: {kept}",
        times.len() / options.seconds,
        ms(times.value_at_quantile(0.5)),
        ms(p99),
        ms(times.max()),
        target.as_millis()
    );
}
