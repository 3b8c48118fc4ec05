//! Parts die in the middle of a call: a leg, a shared actor. The call is finished all the same.

use otto_actors::domain::CallSid;
use otto_actors::names::Leg;
use otto_actors::root::Shared;
use otto_sim::twilio::{CallPlan, What};
use tokio::sync::mpsc;

use crate::support::{MARIA, PATIENCE, Workshop, books_on_tuesday, wait_for};

/// Where in the call something dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    OttoGreets,
    CallerSpeaks,
    OttoThinks,
    OttoSpeaks,
}

const MOMENTS: [Moment; 4] = [Moment::OttoGreets, Moment::CallerSpeaks, Moment::OttoThinks, Moment::OttoSpeaks];

/// A caller books while `kill` strikes once, at that moment.
async fn books_all_the_same(workshop: &Workshop, moment: Moment, kill: impl Fn(&CallSid)) {
    let before = workshop.appointments(MARIA).await.len();
    let (events, mut seen) = mpsc::unbounded_channel();
    let plan = CallPlan::new(MARIA, books_on_tuesday()).with_max_duration(PATIENCE).with_events(events);
    let handle = workshop.world.call(plan);
    let call = CallSid::parse(&handle.call_sid).expect("a sid");
    wait_for(&mut seen, |what| matches!(what, What::OttoBegan)).await;
    if moment != Moment::OttoGreets {
        wait_for(&mut seen, |what| matches!(what, What::SayBegan(_))).await;
    }
    match moment {
        Moment::OttoGreets | Moment::CallerSpeaks => {}
        Moment::OttoThinks => wait_for(&mut seen, |what| matches!(what, What::Said(_))).await,
        Moment::OttoSpeaks => wait_for(&mut seen, |what| matches!(what, What::OttoBegan)).await,
    }
    kill(&call);
    let report = handle.report().await;
    assert!(report.is_clean(), "{moment:?}: {:?} {:?} {}", report.timeouts, report.violations, report.heard_text());
    assert!(report.heard_text().contains("Goodbye"), "{moment:?}: {}", report.heard_text());
    assert_eq!(workshop.appointments(MARIA).await.len(), before + 1, "{moment:?}: booked once");
    workshop.settle().await;
}

async fn survives_the_loss_of(leg: Leg, seed: u64) {
    let workshop = Workshop::open(seed).await;
    for moment in MOMENTS {
        println!("{leg} dies: {moment:?}");
        books_all_the_same(&workshop, moment, |call| workshop.app.calls.crash_leg(call, leg)).await;
    }
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_survives_its_media_actor() {
    survives_the_loss_of(Leg::Media, 31).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_survives_its_stt_actor() {
    survives_the_loss_of(Leg::Stt, 32).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_survives_its_turn_actor() {
    survives_the_loss_of(Leg::Turn, 33).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_survives_its_playback_actor() {
    survives_the_loss_of(Leg::Playback, 34).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_survives_the_shared_actors() {
    let workshop = Workshop::open(35).await;
    for shared in [Shared::Crm, Shared::Calendar, Shared::Journal] {
        books_all_the_same(&workshop, Moment::OttoThinks, |_| workshop.app.crash(shared)).await;
    }
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leg_that_cannot_be_kept_alive_ends_in_an_apology() {
    let workshop = Workshop::open(36).await;
    let (events, mut seen) = mpsc::unbounded_channel();
    let plan = CallPlan::new(MARIA, books_on_tuesday()).with_max_duration(PATIENCE).with_events(events);
    let handle = workshop.world.call(plan);
    let call = CallSid::parse(&handle.call_sid).expect("a sid");
    wait_for(&mut seen, |what| matches!(what, What::OttoBegan)).await;
    let kill_on = async {
        while !handle.is_finished() {
            workshop.app.calls.crash_leg(&call, Leg::Stt);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, kill_on).await.expect("the call is given up");
    let report = handle.report().await;
    let last = report.twiml.last().expect("an answer to the end of the stream");
    assert!(last.contains("technical trouble") && last.contains("<Hangup"), "{last}");
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meltdown_ends_the_root() {
    let workshop = Workshop::open(37).await;
    let crash_on = async {
        loop {
            workshop.app.crash(Shared::Calendar);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let melted = async {
        tokio::select! {
            () = workshop.app.melted_down() => {}
            () = crash_on => {}
        }
    };
    tokio::time::timeout(PATIENCE, melted).await.expect("the root gives up");
    workshop.world.shutdown().await;
}
