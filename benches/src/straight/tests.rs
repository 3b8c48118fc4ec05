//! A call through the straight-line program, with the simulated vendors.

use std::time::Duration;

use url::Url;

use super::{Settings, Straight};
use crate::openai::{Reply, Request};
use crate::twilio::{CallPlan, CallReport, Side, Step};
use crate::{Seed, World, WorldSettings};

/// Says back what it was told, and ends the call on a goodbye.
fn echo(request: &Request) -> Reply {
    let said = request.messages.last().and_then(|message| message.content.clone()).unwrap_or_default();
    if said.contains("goodbye") {
        return Reply::say("Bye!").and_call("end_call", &serde_json::json!({"reason": "done"}));
    }
    Reply::say(format!("You said: {said} And that is a long story to be told at length."))
}

async fn call(steps: Vec<Step>) -> (CallReport, usize) {
    let world = World::start_with(WorldSettings::quick(Seed(5)), echo).await.unwrap();
    let mut env = world.env();
    env.push(("PORT".to_owned(), "0".to_owned()));
    let find = |name: &str| env.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
    let settings = Settings::read(find).unwrap();
    let straight = Straight::start(&settings).await.unwrap();
    let base: Url = format!("http://{}", straight.address).parse().unwrap();
    world.connect_engine(base, straight.address);
    let report =
        world.call(CallPlan::new("+15555550199", steps).with_max_duration(Duration::from_secs(20))).report().await;
    straight.end().await;
    world.shutdown().await;
    let broken = world.stt.violations().all().len() + world.tts.violations().all().len();
    (report, broken + world.openai.refused().all().len())
}

fn listen() -> Step {
    Step::WaitForSilence { quiet_ms: 500, timeout: Duration::from_secs(5) }
}

fn until_hang_up() -> Step {
    Step::WaitForHangUp(Duration::from_secs(5))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_greeted_answered_and_left() {
    let steps = vec![
        listen(),
        Step::Say("One two three.".into()),
        listen(),
        Step::Say("Well, goodbye.".into()),
        until_hang_up(),
    ];
    let (report, broken) = call(steps).await;
    assert!(report.is_clean() && broken == 0, "{:?} {:?}", report.timeouts, report.violations);
    assert_eq!(
        report.heard_text(),
        "Thanks for calling Otto's Auto, this is Otto. How can I help you today? You said: One two three. And that is a \
         long story to be told at length. Bye!"
    );
    assert_eq!((report.hung_up_by, report.clears), (Side::Otto, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_the_caller_cut_otto_off() {
    let interruption = Step::BargeIn { after_ms: 400, text: "No, wait, that will be all, goodbye.".into() };
    let (report, broken) = call(vec![listen(), Step::Say("One.".into()), interruption, until_hang_up()]).await;
    assert!(report.is_clean() && broken == 0, "{:?} {:?}", report.timeouts, report.violations);
    assert_eq!((report.hung_up_by, report.clears), (Side::Otto, 1));
    assert!(report.bytes_discarded > 0 && report.heard_text().ends_with("Bye!"), "{}", report.heard_text());
    assert!(!report.heard_text().contains("length"), "{}", report.heard_text());
}
