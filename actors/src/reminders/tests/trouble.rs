//! Answers that are lost, a Twilio or a database that is away: nobody is called twice, and nobody is forgotten.

use super::*;
use crate::ports::{DialError, StoreError, VendorError};
use crate::testing::telephony::OnDial;
use crate::testing::{fatal, passing};

const EVENING: &str = "2026-11-24T00:00:00Z";

async fn bench(next: impl IntoIterator<Item = OnDial>, customers: i64) -> (Bench, Mailbox<RemindersMsg>) {
    let bench = Bench::new(EVENING, customers);
    bench.telephony.script(next);
    let actor = bench.start().await;
    bench.dialled(1).await;
    (bench, actor)
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_taking_was_not_answered_is_found_in_twilios_list() {
    for lost in [OnDial::TakenInSilence, OnDial::TakenWithoutEnd] {
        let (bench, _actor) = bench([lost.clone()], 1).await;
        bench.pass(secs(60)).await;
        assert_eq!(bench.row().status, ReminderStatus::Dialling, "{lost:?}: in doubt");
        bench.telephony.set_status(CallStatus::Completed);
        bench.pass(secs(120)).await;
        let row = bench.row();
        assert_eq!((row.status, row.call), (ReminderStatus::Done, Some(sid(1))), "{lost:?}");
        assert_eq!(bench.times().len(), 1, "{lost:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_of_a_call_whose_taking_was_not_answered_adopts_it() {
    let (bench, actor) = bench([OnDial::TakenInSilence], 1).await;
    actor.cast(word(1, 1, 1, CallStatus::Ringing)).unwrap();
    bench.pass(secs(1)).await;
    let row = bench.row();
    assert_eq!((row.status, row.call), (ReminderStatus::Calling, Some(sid(1))));
    actor.cast(word(1, 1, 1, CallStatus::Completed)).unwrap();
    bench.pass(secs(1)).await;
    assert_eq!(bench.row().status, ReminderStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_not_placed_after_all_is_placed_when_twilios_list_is_believed() {
    let (bench, _actor) = bench([OnDial::Fails(DialError::Unknown(passing()))], 1).await;
    bench.pass(secs(60)).await;
    assert_eq!(bench.times(), [0], "not before");
    assert!(bench.dialled(2).await[1] >= 90);
    assert_eq!((bench.row().attempts, bench.row().tried()), (2, 1), "the first one does not count");
}

#[tokio::test(start_paused = true)]
async fn while_twilio_does_not_say_which_calls_it_has_nobody_is_called_again() {
    let (bench, _actor) = bench([OnDial::TakenInSilence], 1).await;
    *bench.telephony.silent.lock().unwrap() = true;
    bench.pass(secs(60 * 60)).await;
    assert_eq!((bench.times().len(), bench.row().status), (1, ReminderStatus::Dialling));
    *bench.telephony.silent.lock().unwrap() = false;
    bench.pass(secs(180)).await;
    assert_eq!((bench.times().len(), bench.row().status), (1, ReminderStatus::Calling));
}

#[tokio::test(start_paused = true)]
async fn a_call_without_word_of_its_end_is_asked_for() {
    let (bench, _actor) = bench([], 1).await;
    bench.pass(secs(170)).await;
    assert_eq!(bench.row().status, ReminderStatus::Calling);
    bench.telephony.set_status(CallStatus::Busy);
    bench.pass(secs(30)).await;
    let row = bench.row();
    assert_eq!((row.status, row.reason.as_deref()), (ReminderStatus::Pending, Some("busy")));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_at_twilio_when_its_time_is_over_is_taken_back() {
    use CallStatus::{InProgress, Queued, Ringing};
    let canceled = vec!["CA00000000000000000000000000000001: canceled".to_owned()];
    for (status, refused, told, expected, reason) in [
        (Queued, false, canceled.clone(), ReminderStatus::Missed, Some("window_over")),
        (Queued, true, canceled, ReminderStatus::Calling, None),
        (Ringing, false, vec![], ReminderStatus::Calling, None),
        (InProgress, false, vec![], ReminderStatus::Calling, None),
    ] {
        for lost in [false, true] {
            // A minute before nobody is called any more.
            let bench = Bench::new("2026-11-24T01:59:00Z", 1);
            bench.telephony.script(lost.then_some(OnDial::TakenInSilence));
            *bench.telephony.refusal.lock().unwrap() = refused.then(fatal);
            let _actor = bench.start().await;
            bench.dialled(1).await;
            bench.telephony.set_status(status);
            bench.pass(secs(45)).await;
            assert_eq!(bench.telephony.told.all(), Vec::<String>::new(), "while calls are allowed");
            bench.pass(secs(75)).await;
            let row = bench.row();
            assert_eq!((row.status, row.reason.as_deref()), (expected, reason), "{status:?} {refused} {lost}");
            assert_eq!(bench.telephony.told.all(), told, "{status:?} {refused} {lost}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_twilio_that_is_busy_is_left_alone_as_long_as_it_asks() {
    let asked = VendorError { retry_after: Some(secs(40)), ..passing() };
    let (bench, _actor) = bench([OnDial::Fails(DialError::NotNow(asked))], 2).await;
    let times = bench.dialled(3).await;
    assert!(times[1] >= 40, "nobody is called meanwhile: {times:?}");
    assert!(times[2] <= times[1] + 2, "then all are: {times:?}");
    assert!(bench.rows().iter().all(|row| row.status == ReminderStatus::Calling && row.tried() == 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_twilio_refuses_is_missed_and_the_others_go_on() {
    let (bench, _actor) = bench([OnDial::Fails(DialError::Refused(fatal()))], 2).await;
    bench.dialled(2).await;
    bench.pass(secs(1)).await;
    let statuses: Vec<_> = bench.rows().iter().map(|row| row.status).collect();
    assert_eq!(statuses, [ReminderStatus::Missed, ReminderStatus::Calling]);
    assert_eq!(bench.row().reason.as_deref(), Some("fake: rejected: scripted"));
}

#[tokio::test(start_paused = true)]
async fn a_database_that_was_away_is_tried_again() {
    let bench = Bench::new(EVENING, 1);
    bench.store.change(|records| records.claims_fail = Some(StoreError::Unavailable("scripted".into())));
    let _actor = bench.start().await;
    bench.pass(secs(60)).await;
    bench.store.change(|records| records.claims_fail = None);
    assert!(bench.dialled(1).await[0] <= 60 + 15);
}

#[tokio::test(start_paused = true)]
async fn a_scheduler_that_is_started_again_goes_on() {
    let (bench, actor) = bench([OnDial::TakenWithoutEnd], 2).await;
    actor.crash();
    actor.ended().await;
    assert_eq!(bench.times().len(), 1, "it ended in mid-batch");
    let _second = bench.start().await;
    // The first call was placed in the second in which the other scheduler starts, and one a second is all the account may.
    bench.pass(secs(20)).await;
    assert_eq!(bench.times().len(), 2, "the other customer");
    bench.pass(secs(140)).await;
    assert!(bench.rows().iter().all(|row| row.status == ReminderStatus::Calling), "the first call was found");
    assert_eq!(bench.times().len(), 2);
}
