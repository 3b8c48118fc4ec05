//! A hundred calls at once: all are answered, and nothing of them is left. The load generator measures an engine.

use clap::Parser as _;
use otto_sim::load::{Plan, run};
use otto_sim::openai::{Reply, Request, Role};
use otto_sim::twilio::{CallPlan, Side};
use tokio::time::timeout;

use crate::support::{PATIENCE, Tweaks, Workshop, goodbye, listen, say, until_hang_up};

const CALLS: usize = 100;

fn knows_the_hours(request: &Request) -> Reply {
    let asked = request.messages.iter().filter(|m| m.role == Role::User).count();
    if asked == 1 { Reply::say("We are open from nine to five.") } else { goodbye() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_calls_at_once_are_all_answered() {
    let workshop = Workshop::open_with(41, Tweaks::default(), knows_the_hours).await;
    let steps = || vec![listen(), say("When are you open?"), listen(), say("Thanks, goodbye."), until_hang_up()];
    let place = |n: usize| {
        let plan = CallPlan::new(format!("+1555556{n:04}"), steps()).with_max_duration(PATIENCE);
        workshop.world.call(plan)
    };
    let handles: Vec<_> = (0..CALLS).map(place).collect();
    for handle in handles {
        let report = handle.report().await;
        assert!(report.is_clean(), "{:?} {:?}", report.timeouts, report.violations);
        assert!(report.heard_text().contains("We are open from nine to five."), "{}", report.heard_text());
        assert_eq!(report.hung_up_by, Side::Otto);
    }
    workshop.settle().await;
    assert_eq!(workshop.world.twilio.live_calls(), 0);
    workshop.close().await;
}

/// The load generator on an engine of its own. Times are not judged here: this is no place to measure.
#[tokio::test(flavor = "multi_thread")]
async fn the_load_generator_measures_a_process() {
    let options = "otto-load --calls 5 --customers 1 --ramp-per-second 10 --seconds 6 --ms-per-char 15 --max-cut-words 1 \
                   --max-lookup-uncached-p99-ms 10000 --quiet";
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("load.db").display());
    let database = format!("DATABASE_URL={url}");
    let plan = Plan::parse_from(options.split(' ').chain(["--engine", env!("CARGO_BIN_EXE_otto"), "--set", &database]));
    let report = timeout(PATIENCE, run(&plan)).await.expect("the load ends").expect("the engine starts");
    assert!(report.held(), "{report}");
    assert_eq!((report.calls, report.residue), (5, Some(0)), "{report}");
    assert!(report.barge_in.count() >= 10, "each caller interrupts twice at least: {report}");
    assert_eq!(report.first_audio.count(), 5, "{report}");
    assert!(report.cpu_ms_per_call_second().is_some_and(|ms| ms > 0.0), "{report}");
    assert!(report.added.sum.count() >= 10, "the parts of nearly every turn are seen: {report}");
    assert_eq!((report.frames.not_received, report.frames.garbled), (0, 0), "{report}");
    let (cached, uncached) = (report.lookups.cached.count(), report.lookups.uncached.count());
    assert_eq!((cached, uncached), (1, 4), "the customer has rung before, the others are new: {report}");
    let pool = sqlx::SqlitePool::connect(&url).await.expect("the database");
    let known = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM call_logs WHERE customer_id IS NOT NULL");
    assert_eq!(known.fetch_one(&pool).await.expect("a number"), 2, "every second caller is on file");
    let json = report.json();
    assert_eq!(json["hops_ms"]["barge_in"]["count"], report.barge_in.count(), "{json:#}");
}
