//! The language model is lost in the middle of a call: the built-in dialogue goes on with what has been said, and the
//! model goes on when it is back.

use otto_sim::When;
use otto_sim::openai::LlmFault;
use otto_sim::twilio::{CallPlan, Step, What};
use tokio::sync::mpsc;

use crate::support::{MARIA, PATIENCE, Workshop, listen, say, until_hang_up, wait_for};

/// Waits for words of Otto's, and until he has finished.
fn hear(words: &str) -> [Step; 2] {
    [Step::WaitForWords(words.to_owned(), PATIENCE), listen()]
}

/// The model has offered times when it fails in this way. When `comes_back`, it is
/// there again for the answer to the caller's next words.
async fn books_although(fault: LlmFault, comes_back: bool, seed: u64) {
    let workshop = Workshop::open(seed).await;
    let before = workshop.appointments(MARIA).await.len();
    let consent = if comes_back { "The first one, please." } else { "Yes, please." };
    let mut steps =
        vec![listen(), say("Hi, I need an oil change on Tuesday."), listen(), say("The first one, please.")];
    steps.extend(hear("Shall I book an oil change on Tuesday"));
    steps.push(say(consent));
    steps.extend(hear("You're booked for an oil change"));
    steps.extend([say("No, that's all. Thank you."), until_hang_up()]);

    let (events, mut seen) = mpsc::unbounded_channel();
    let plan = CallPlan::new(MARIA, steps).with_max_duration(PATIENCE).with_events(events);
    let handle = workshop.world.call(plan);
    wait_for(&mut seen, |what| matches!(what, What::Said(_))).await;
    wait_for(&mut seen, |what| matches!(what, What::SayBegan(_))).await;
    workshop.world.openai.knobs().inject(fault.clone(), When::Always);
    wait_for(&mut seen, |what| matches!(what, What::SayBegan(_))).await;
    if comes_back {
        workshop.world.openai.knobs().heal();
    }
    let report = handle.report().await;
    assert!(report.is_clean(), "{fault:?}: {:?} {:?} {}", report.timeouts, report.violations, report.heard_text());
    assert_eq!(workshop.appointments(MARIA).await.len(), before + 1, "{fault:?}: booked once");
    assert!(workshop.world.openai.refused().is_empty(), "what the dialogue did is valid history for the model");
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_is_out_of_credit() {
    books_although(LlmFault::Quota, false, 951).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_falls_silent() {
    books_although(LlmFault::StallAfterChunks(0), false, 952).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_breaks_off() {
    books_although(LlmFault::CutAfterChunks(2), false, 953).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_comes_back() {
    books_although(LlmFault::Status { status: 503, retry_after_s: None }, true, 954).await;
}
