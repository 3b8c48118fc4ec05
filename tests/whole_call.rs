//! A call from hello to goodbye, for callers who are known and callers who are not.

use otto_sim::Latency;
use otto_sim::openai::{Reply, Request};
use otto_sim::twilio::Side;
use sqlx::Row as _;

use crate::support::{MARIA, STRANGER, Tweaks, Workshop, books_on_tuesday, goodbye, listen, say, until_hang_up};

#[tokio::test(flavor = "multi_thread")]
async fn a_known_caller_books_and_otto_hangs_up() {
    let workshop = Workshop::open(11).await;
    let before = workshop.appointments(MARIA).await.len();
    let report = workshop.call(MARIA, books_on_tuesday()).await;
    assert!(report.is_clean(), "{:?} {:?}", report.timeouts, report.violations);
    let heard = report.heard_text();
    assert!(heard.starts_with("Hi Maria, this is Otto from Otto's Auto."), "{heard}");
    assert!(heard.contains("You're booked for an oil change"), "{heard}");
    assert!(heard.ends_with("Goodbye!"), "the goodbye is heard to its end: {heard}");
    assert_eq!(report.hung_up_by, Side::Otto);
    assert!(report.twiml.last().is_some_and(|twiml| twiml.contains("<Hangup")), "{:?}", report.twiml);
    let booked = workshop.appointments(MARIA).await;
    assert_eq!(booked.len(), before + 1);
    assert!(booked.iter().any(|a| a.service == "Oil change" && a.minutes == 30));
    workshop.settle().await;
    the_call_is_on_record(&workshop, &report.call_sid).await;
    workshop.close().await;
}

/// The call log and the journal say what happened.
async fn the_call_is_on_record(workshop: &Workshop, call: &str) {
    let (outcome, transcript) = call_log(workshop, call).await;
    assert_eq!(outcome, "hangup_by_otto");
    assert!(transcript.contains("Caller: Hi, I need an oil change on Tuesday."), "{transcript}");
    assert!(transcript.contains("Otto: You're booked"), "{transcript}");
}

async fn call_log(workshop: &Workshop, call: &str) -> (String, String) {
    for _ in 0..500 {
        let pool = sqlx::SqlitePool::connect(&workshop.database_url()).await.expect("the database");
        let query = "SELECT outcome, transcript FROM call_logs WHERE call_sid = ? AND outcome IS NOT NULL";
        let row = sqlx::query(query).bind(call).fetch_optional(&pool).await.expect("a table");
        pool.close().await;
        if let Some(row) = row {
            return (row.get(0), row.get(1));
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the call is not in the call log");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_caller_is_asked_for_the_name_and_books() {
    let workshop = Workshop::open(12).await;
    let report = workshop
        .call(
            STRANGER,
            vec![
                listen(),
                say("Hello, my car needs a tire rotation on Wednesday."),
                listen(),
                say("The first one please."),
                listen(),
                say("Joe Fisher."),
                listen(),
                say("No thanks, bye."),
                until_hang_up(),
            ],
        )
        .await;
    assert!(report.is_clean(), "{:?} {:?}", report.timeouts, report.violations);
    let heard = report.heard_text();
    assert!(heard.starts_with("Thanks for calling Otto's Auto"), "{heard}");
    let booked = workshop.appointments(STRANGER).await;
    assert_eq!(booked.len(), 1, "{heard}");
    assert_eq!(booked[0].service, "Tire rotation");
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_hangs_up_in_the_middle_of_a_sentence() {
    let workshop = Workshop::open(13).await;
    let report = workshop.call(MARIA, vec![otto_sim::twilio::Step::Silence(400), otto_sim::twilio::Step::HangUp]).await;
    assert_eq!(report.hung_up_by, Side::Caller);
    workshop.settle().await;
    let (outcome, _) = call_log(&workshop, &report.call_sid).await;
    assert_eq!(outcome, "hangup_by_caller");
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn few_flushes_and_no_protocol_violation_at_any_vendor() {
    let workshop = Workshop::open(14).await;
    let report = workshop.call(MARIA, books_on_tuesday()).await;
    assert!(report.is_clean(), "{:?} {:?}", report.timeouts, report.violations);
    assert_eq!(workshop.world.stt.violations().all(), []);
    assert_eq!(workshop.world.tts.violations().all(), []);
    assert_eq!(workshop.world.openai.refused().len(), 0, "{:?}", workshop.world.openai.refused().all());
    workshop.close().await;
}

/// Answers one question, under a name by which the answer is known again.
fn may_come_over(request: &Request) -> Reply {
    let asks = request.messages.last().is_some_and(|m| m.content.as_deref() == Some("Can I come over?"));
    if asks { Reply { label: Some("answer".into()), ..Reply::say("Yes, any time.") } } else { goodbye() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_is_asked_before_the_end_of_the_turn_once_the_caller_is_quiet() {
    let workshop = Workshop::open_with(14, Tweaks::default(), may_come_over).await;
    workshop.world.stt.knobs().update(|settings| settings.latency = Latency::fixed(100.0));
    let steps = vec![listen(), say("Can I come over?"), listen(), say("Thanks, bye."), until_hang_up()];
    let report = workshop.call(MARIA, steps).await;
    assert!(report.is_clean(), "{:?} {:?}", report.timeouts, report.violations);
    assert_eq!(report.heard_text().matches("Yes, any time.").count(), 1, "{}", report.heard_text());
    let transcripts = workshop.world.stt.transcripts().all();
    let end = transcripts.iter().find(|t| t.ends_turn).expect("the end of the question");
    let asked: Vec<_> = workshop.world.openai.answered().all().into_iter().map(|answer| answer.asked).collect();
    assert_eq!(asked.len(), 1, "the guess is the answer");
    let ahead = end.at.saturating_duration_since(asked[0]).as_millis();
    // It is quiet for 200 ms; the vendor waits for 300 and needs 100 more.
    assert!(ahead > 50, "asked {ahead} ms ahead");
    workshop.close().await;
}
