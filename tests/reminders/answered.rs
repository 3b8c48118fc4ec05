//! Somebody or something answers: what is said, what comes of it, and what nobody else may hear.

use otto_actors::domain::AppointmentStatus;
use otto_sim::When;
use otto_sim::twilio::TwilioFault;

use super::*;
use crate::openapi;

/// What the other side may not learn before it has said who it is.
const DETAILS: [&str; 6] = ["oil", "Honda", "Accord", "Wednesday", "9 AM", "appointment"];

/// The call went as written, and nothing of it was against a protocol.
#[track_caller]
fn is_clean(report: &CallReport) {
    assert!(report.is_clean(), "{:?} {:?} {:?}", report.timeouts, report.violations, spoken(report));
}

/// Both sides of a call.
fn spoken(report: &CallReport) -> (String, Vec<&str>) {
    (report.heard_text(), report.said.iter().map(|said| said.text.as_str()).collect())
}

#[track_caller]
fn names_nothing(report: &CallReport) {
    let heard = report.heard_text();
    assert!(!DETAILS.iter().any(|detail| heard.contains(detail)), "{heard}");
}

fn confirms() -> Answer {
    person(&["Yes, this is Maria.", "Yes, I'll be there.", "No, that's all. Bye."])
}

async fn is_confirmed(evening: &Evening, report: &CallReport) {
    is_clean(report);
    let heard = report.heard_text();
    assert!(heard.contains("Am I speaking with Maria?"), "{heard}");
    assert!(
        heard.contains("oil change for your 2003 Honda Accord tomorrow, Wednesday, November 25 at 9 AM"),
        "{heard}"
    );
    let row = evening.row_is(ReminderStatus::Done, "confirmed").await;
    assert_eq!(row.attempts, 1, "{row:?}");
    assert_eq!(evening.appointment().await.status, AppointmentStatus::Confirmed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_is_confirmed_and_on_record() {
    let evening = Evening::open(1201).await;
    let report = evening.call(confirms()).await;
    is_confirmed(&evening, &report).await;
    let logged = evening.logged(&report.call_sid).await;
    assert_eq!((logged.status.as_str(), logged.answered_by.as_deref()), ("completed", Some("human")), "{logged:?}");
    assert!(logged.duration_s.is_some_and(|seconds| seconds > 0), "{logged:?}");
    let operations: Vec<String> = evening
        .world
        .twilio
        .rest_requests()
        .all()
        .iter()
        .map(|request| openapi::check(&request.method.to_lowercase(), &request.path, &request.params))
        .collect();
    assert_eq!(operations, ["CreateCall"]);
    evening.look();
    evening.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_too() {
    let evening = Evening::open_with(1202, Some(Database::create().await), false).await;
    let report = evening.call(confirms()).await;
    is_confirmed(&evening, &report).await;
    evening.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_order_the_callbacks_come_in_it_is_confirmed_once() {
    for (seed, fault) in
        [(1203, TwilioFault::ReorderStatus), (1204, TwilioFault::DuplicateStatus), (1205, TwilioFault::LoseStatus)]
    {
        let evening = Evening::open(seed).await;
        evening.world.twilio.knobs().inject(fault.clone(), When::Always);
        let report = evening.call(confirms()).await;
        is_confirmed(&evening, &report).await;
        if fault != TwilioFault::LoseStatus {
            assert_eq!(evening.logged(&report.call_sid).await.status, "completed", "{fault:?}");
        }
        evening.close().await;
    }
}

/// Twilio takes the call, answers 500, and rings: the call is adopted, and there is no second one.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_twilio_denied_is_had_all_the_same() {
    for (seed, fault) in [(1206, TwilioFault::RestAccepted { status: 500 }), (1207, TwilioFault::RestLostAnswer)] {
        let evening = Evening::open(seed).await;
        evening.world.twilio.knobs().inject(fault.clone(), When::Next(1));
        let report = evening.call(confirms()).await;
        is_confirmed(&evening, &report).await;
        evening.it_is(six() + TimeDelta::minutes(5));
        evening.it_is(six() + TimeDelta::minutes(40));
        evening.row_is(ReminderStatus::Done, "confirmed").await;
        assert_eq!(evening.placed(), 1, "{fault:?}");
        evening.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_is_moved() {
    let evening = Evening::open(1208).await;
    let report = evening
        .call(person(&[
            "Yes.",
            "No, I can't make it.",
            "Another day please.",
            "April 12th 1985.",
            "Friday.",
            "Ten thirty.",
            "Yes.",
            "That's all, bye.",
        ]))
        .await;
    is_clean(&report);
    evening.row_is(ReminderStatus::Done, "rescheduled").await;
    let appointment = evening.appointment().await;
    assert_eq!(
        appointment.starts_at,
        "2026-11-27T16:30:00Z".parse::<DateTime<Utc>>().expect("a time"),
        "{appointment:?}"
    );
    evening.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_is_answered_with_a_cancellation() {
    let evening = Evening::open(1209).await;
    let answer = person(&["Yes.", "Please cancel it.", "April 12th 1985.", "Yes.", "No thanks."]);
    let report = evening.call(answer).await;
    is_clean(&report);
    evening.row_is(ReminderStatus::Done, "cancelled").await;
    assert_eq!(evening.appointment().await.status, AppointmentStatus::Cancelled);
    evening.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_fact_nothing_is_cancelled() {
    let evening = Evening::open(1210).await;
    let answer = person(&["Yes.", "Please cancel it.", "March 3rd 1990.", "Never mind, bye."]);
    evening.call(answer).await;
    evening.row_is(ReminderStatus::Done, "answered").await;
    assert!(evening.appointment().await.status.is_open());
    evening.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_gets_first_name_shop_day_and_time() {
    for (seed, beep) in [(1211, true), (1212, false)] {
        let evening = Evening::open(seed).await;
        let greeting = "Hi, you have reached Maria Lopez. I can't come to the phone right now. Please leave a message \
                        after the tone, and I will call you back.";
        let report = evening.call(Answer::Machine { greeting: greeting.into(), beep }).await;
        is_clean(&report);
        let greeted = report.said[0].ended;
        assert!(report.heard.iter().all(|heard| heard.began >= greeted), "{:?} {greeted:?}", report.heard);
        let heard = report.heard_text();
        for part in ["Hello Maria", "Otto's Auto", "Wednesday, November 25", "9 AM"] {
            assert!(heard.contains(part), "{part}: {heard}");
        }
        for more in ["Lopez", "oil", "Honda", "Accord"] {
            assert!(!heard.contains(more), "{more}: {heard}");
        }
        evening.row_is(ReminderStatus::Done, "voicemail").await;
        assert_eq!(evening.logged(&report.call_sid).await.answered_by.as_deref(), Some("machine"));
        assert!(evening.appointment().await.status.is_open());
        evening.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fax_and_a_screening_assistant_end_the_call() {
    for (seed, answer) in [(1213, Answer::Fax), (1214, Answer::Screening)] {
        let evening = Evening::open(seed).await;
        let report = evening.call(answer.clone()).await;
        is_clean(&report);
        names_nothing(&report);
        evening.row_is(ReminderStatus::Done, "screened").await;
        evening.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_told_from_a_machine_is_talked_to() {
    let evening = Evening::open(1215).await;
    let steps =
        ["Yes, this is Maria.", "Yes, I'll be there.", "No, that's all. Bye."].iter().flat_map(|text| then(text));
    let report = evening.call(Answer::Unsure(steps.chain([crate::support::until_hang_up()]).collect())).await;
    is_confirmed(&evening, &report).await;
    evening.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_hears_nothing_of_it() {
    let evening = Evening::open(1216).await;
    let report = evening.call(person(&["No, this is her husband. What is it about?"])).await;
    is_clean(&report);
    names_nothing(&report);
    assert!(report.heard_text().contains("ask Maria to call us back"), "{}", report.heard_text());
    evening.row_is(ReminderStatus::Done, "answered").await;
    assert!(evening.appointment().await.status.is_open());
    evening.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_number_is_not_called_again() {
    let evening = Evening::open(1217).await;
    let report = evening.call(person(&["No, you have the wrong number."])).await;
    is_clean(&report);
    names_nothing(&report);
    evening.row_is(ReminderStatus::Done, "wrong_number").await;
    evening.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_and_then_answered() {
    let evening = Evening::open(1218).await;
    evening.phone(vec![Answer::Busy, confirms()]);
    evening.it_is(six());
    evening.row_is(ReminderStatus::Pending, "busy").await;
    evening.it_is(six() + TimeDelta::minutes(29));
    assert_eq!(evening.placed(), 1, "not yet");
    evening.it_is(six() + TimeDelta::minutes(31));
    is_clean(&evening.talk(0).await);
    let row = evening.row_is(ReminderStatus::Done, "confirmed").await;
    assert_eq!((row.attempts, evening.placed()), (2, 2));
    evening.close().await;
}

/// "Don't call me" is kept: the next appointment's round calls nobody.
#[tokio::test(flavor = "multi_thread")]
async fn who_wants_no_calls_gets_none() {
    let evening = Evening::open(1219).await;
    let report = evening.call(person(&["Yes.", "Please don't call me about this again."])).await;
    is_clean(&report);
    evening.row_is(ReminderStatus::Done, "opted_out").await;
    evening.books_again("2026-11-26T15:00:00Z").await;
    evening.it_is(six() + TimeDelta::days(1));
    // Somebody else comes on that day, too.
    evening
        .until("the next evening's round is called", async || {
            let calls = evening.world.twilio.outbound_calls().all();
            calls.iter().any(|call| call.to != MARIA).then_some(())
        })
        .await;
    evening.look();
    let to_maria = evening.world.twilio.outbound_calls().all().into_iter().filter(|call| call.to == MARIA);
    assert_eq!(to_maria.count(), 1);
    evening.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_wants_to_be_called_tomorrow_at_nine() {
    let evening = Evening::open(1220).await;
    let report = evening.call(person(&["I'm driving, call me tomorrow at nine."])).await;
    is_clean(&report);
    assert!(!["oil", "Honda"].iter().any(|detail| report.heard_text().contains(detail)), "{}", report.heard_text());
    let later = evening
        .until("there is a call-back", async || {
            evening.rows().await.into_iter().find(|row| row.status == ReminderStatus::Pending)
        })
        .await;
    assert_eq!(later.due_at, "2026-11-25T15:00:00Z".parse::<DateTime<Utc>>().expect("a time"), "{later:?}");
    evening.phone(vec![person(&["Hi. Never mind, bye."])]);
    evening.it_is(later.due_at + TimeDelta::seconds(1));
    evening.talk(1).await;
    evening
        .until("the call-back is over", async || {
            let rows = evening.rows().await;
            rows.iter().all(|row| row.status == ReminderStatus::Done).then_some(())
        })
        .await;
    assert_eq!(evening.placed(), 2);
    evening.close().await;
}
