//! Nobody answers, or Twilio is in trouble: attempts, their pauses, and never a second call for one that may be ringing.

use otto_sim::When;
use otto_sim::twilio::TwilioFault;

use super::*;

const HALF_AN_HOUR: TimeDelta = TimeDelta::minutes(30);

#[tokio::test(flavor = "multi_thread")]
async fn three_attempts_half_an_hour_apart_and_then_it_is_missed() {
    let evening = Evening::open(1101).await;
    evening.phone(vec![Answer::Busy, Answer::NoAnswer, Answer::Failed]);
    for (attempt, why) in ["busy", "no-answer"].into_iter().enumerate() {
        let began = six() + HALF_AN_HOUR * i32::try_from(attempt).expect("few");
        evening.it_is(began);
        let row = evening.row_is(ReminderStatus::Pending, why).await;
        let pause = row.next_at - began;
        assert!((HALF_AN_HOUR..HALF_AN_HOUR + TimeDelta::minutes(1)).contains(&pause), "{row:?}");
        evening.look();
    }
    evening.it_is(six() + TimeDelta::minutes(61));
    let row = evening.row_is(ReminderStatus::Missed, "failed").await;
    assert_eq!((row.attempts, evening.placed()), (3, 3), "{row:?}");
    for (call, status) in evening.world.twilio.ended_calls().all().iter().zip(["busy", "no-answer", "failed"]) {
        assert_eq!(evening.logged(&call.sid).await.status, status);
    }
    evening.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn out_of_the_window_it_is_missed_and_shown() {
    let evening = Evening::open(1102).await;
    evening.phone(vec![Answer::Busy]);
    evening.it_is(six());
    evening.row_is(ReminderStatus::Pending, "busy").await;
    // At eight nobody is called any more.
    evening.it_is(six() + TimeDelta::hours(2) + TimeDelta::seconds(1));
    evening.row(" missed", |row| row.status == ReminderStatus::Missed && row.reason.is_some()).await;
    assert_eq!(evening.placed(), 1);
    evening.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_starts_late_makes_the_round_late() {
    let evening = Evening::open(1103).await;
    evening.phone(vec![Answer::Busy]);
    evening.it_is(six() + TimeDelta::minutes(40));
    evening.row_is(ReminderStatus::Pending, "busy").await;
    assert_eq!(evening.placed(), 1);
    evening.close().await;
}

/// Twilio takes the call and answers with an error; every status callback is lost, and the list lags behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_twilio_took_and_denied_is_found_in_its_list() {
    let evening = Evening::open(1104).await;
    let twilio = &evening.world.twilio;
    twilio.knobs().inject(TwilioFault::RestAccepted { status: 500 }, When::Next(1));
    twilio.knobs().inject(TwilioFault::LoseStatus, When::Always);
    twilio.knobs().update(|settings| settings.list_lag = Duration::from_secs(30));
    evening.phone(vec![Answer::Busy, Answer::Busy]);
    evening.it_is(six());
    evening.row(" in doubt", |row| row.status == ReminderStatus::Dialling && row.reason.is_some()).await;
    evening.look();
    evening.it_is(six() + TimeDelta::minutes(2));
    evening.row_is(ReminderStatus::Pending, "busy").await;
    assert_eq!(evening.placed(), 1, "{:?}", twilio.rest_requests().all());
    let listed = twilio.rest_requests().all().into_iter().filter(|request| request.method == "GET");
    assert!(listed.count() > 0, "Twilio was asked");
    evening.close().await;
}

/// Nothing was processed, and the list says so: the call is placed again, and the attempt does not count twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_twilio_never_took_is_placed_again() {
    for (seed, fault) in
        [(1105, TwilioFault::RestStatus { status: 500 }), (1106, TwilioFault::RestStatus { status: 429 })]
    {
        let evening = Evening::open(seed).await;
        evening.world.twilio.knobs().inject(fault.clone(), When::Next(1));
        evening.phone(vec![Answer::Busy]);
        evening.it_is(six());
        evening.row(" looked at later", |row| row.dialled_at.is_some() && row.reason.is_some()).await;
        assert_eq!(evening.placed(), 0, "{fault:?}");
        evening.it_is(six() + TimeDelta::minutes(6));
        // Where it is in doubt, Twilio is asked first, and it is dialled in the look after that.
        let row = evening
            .until("it is placed", async || {
                evening.look();
                evening.rows().await.into_iter().find(|row| row.reason.as_deref() == Some("busy"))
            })
            .await;
        assert_eq!((row.status, evening.placed()), (ReminderStatus::Pending, 1), "{fault:?} {row:?}");
        evening.close().await;
    }
}
