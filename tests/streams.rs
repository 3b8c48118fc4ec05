//! Media streams that break while nobody has hung up, and calls that are still alive when the engine has to end.

use std::time::Duration;

use otto_sim::When;
use otto_sim::openai::Receptionist;
use otto_sim::twilio::{CallPlan, Side, TwilioFault, What};
use tokio::sync::mpsc;

use crate::support::{MARIA, PATIENCE, Tweaks, Workshop, books_on_tuesday, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_on_when_its_stream_breaks() {
    let workshop = Workshop::open(1301).await;
    for after_ms in [100, 1_500, 3_000] {
        let before = workshop.appointments(MARIA).await.len();
        workshop.world.twilio.knobs().inject(TwilioFault::DropStream { after_ms }, When::Next(1));
        let report = workshop.call(MARIA, books_on_tuesday()).await;
        assert!(report.is_clean(), "{after_ms}: {:?} {:?}", report.timeouts, report.violations);
        assert_eq!((report.streams, report.hung_up_by), (2, Side::Otto), "{after_ms}: {}", report.heard_text());
        assert_eq!(workshop.appointments(MARIA).await.len(), before + 1, "{after_ms}: booked once");
        workshop.settle().await;
    }
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_outlives_the_drain_ends_with_an_apology_a_human_and_a_log() {
    let variables = vec![("ESCALATION_NUMBER", "+15555550100")];
    let workshop = Workshop::open_with(1302, Tweaks { variables, shop_file: None }, Receptionist).await;
    let (events, mut seen) = mpsc::unbounded_channel();
    let plan = CallPlan::new(MARIA, books_on_tuesday()).with_max_duration(PATIENCE).with_events(events);
    let handle = workshop.world.call(plan);
    let (call, database) = (handle.call_sid.clone(), workshop.database_url());
    wait_for(&mut seen, |what| matches!(what, What::Said(_))).await;
    let (world, folder) = workshop.stop(Duration::from_millis(50)).await;
    let report = handle.report().await;
    let said = |what: &What| matches!(what, What::TwilioSaid(text) if text.contains("technical trouble"));
    assert!(report.events.iter().any(|event| said(&event.what)), "{:?}", report.events);
    assert!(
        report.events.iter().any(|event| event.what == What::Dialled("+15555550100".into())),
        "{:?}",
        report.events
    );
    let pool = sqlx::SqlitePool::connect(&database).await.expect("the database");
    let sql = "SELECT outcome, transcript FROM call_logs WHERE call_sid = ?";
    let (outcome, transcript): (String, String) =
        sqlx::query_as(sql).bind(call).fetch_one(&pool).await.expect("a row that is complete");
    assert_eq!(outcome, "shut_down");
    assert!(transcript.contains("Hi Maria"), "{transcript}");
    world.shutdown().await;
    drop(folder);
}
