//! The voice fails in whole calls: the caller hears everything all the same, once, from Otto or from Twilio.

use std::time::Duration;

use otto_sim::When;
use otto_sim::deepgram_tts::{TtsFault, TtsRequest};
use otto_sim::knobs::Latency;
use otto_sim::openai::Receptionist;
use otto_sim::twilio::{CallReport, Step, What};

use crate::openapi;
use crate::support::{MARIA, PATIENCE, STRANGER, Tweaks, Workshop, books_on_tuesday, listen, say, wait_for_phrases};

const HUMAN: &str = "+15555550100";

fn on_socket(fault: TtsFault) -> TtsFault {
    TtsFault::OnSocket(Box::new(fault))
}

fn refuse(status: u16) -> TtsFault {
    TtsFault::Refuse { status }
}

/// Maria books while a fault strikes every socket.
async fn books_although(seed: u64, fault: TtsFault) -> Workshop {
    let workshop = Workshop::open(seed).await;
    workshop.world.tts.knobs().inject(on_socket(fault.clone()), When::Always);
    let before = workshop.appointments(MARIA).await.len();
    let report = workshop.call(MARIA, books_on_tuesday()).await;
    assert!(report.is_clean(), "{fault:?}: {:?} {:?}", report.timeouts, report.violations);
    let heard = report.heard_text();
    assert_eq!(heard.matches("You're booked for an oil change").count(), 1, "{fault:?}: {heard}");
    assert!(heard.contains("Goodbye"), "{fault:?}: {heard}");
    assert!(report.twiml.iter().all(|document| !document.contains("<Say>")), "{fault:?}: {:?}", report.twiml);
    assert_eq!(workshop.appointments(MARIA).await.len(), before + 1, "{fault:?}");
    workshop
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_any_socket_books() {
    for (seed, status) in [(921, 429), (922, 503), (923, 401)] {
        let workshop = books_although(seed, refuse(status)).await;
        let asked = workshop.world.tts.requests().all();
        assert!(!asked.iter().any(|request| matches!(request, TtsRequest::Speak(_))), "{asked:?}");
        assert!(asked.iter().any(|r| matches!(r, TtsRequest::Rest(text) if text.contains("booked"))), "{asked:?}");
        workshop.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_sockets_warn_instead_of_speaking_books() {
    let workshop = books_although(924, TtsFault::FlushLimit).await;
    assert!(workshop.world.tts.violations().is_empty());
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_sockets_say_nothing_books() {
    books_although(925, TtsFault::StallAfterBytes { bytes: 0 }).await.close().await;
}

/// Both ways to speak fail once the greeting is through; Twilio takes over.
async fn falls_silent(seed: u64, variables: Vec<(&'static str, &'static str)>) -> (Workshop, CallReport) {
    let tweaks = Tweaks { variables, ..Tweaks::default() };
    let workshop = Workshop::open_with(seed, tweaks, Receptionist).await;
    wait_for_phrases(&workshop).await;
    workshop.world.tts.knobs().inject(refuse(503), When::Always);
    let hang_up = Step::WaitForHangUp(PATIENCE);
    let report = workshop.call(STRANGER, vec![listen(), say("When are you open?"), hang_up]).await;
    assert!(report.heard_text().contains("How can I help you"), "{}", report.heard_text());
    assert!(report.violations.is_empty(), "{:?}", report.violations);
    (workshop, report)
}

fn said_by_twilio(report: &CallReport) -> Vec<String> {
    let said = |what: &What| if let What::TwilioSaid(text) = what { Some(text.clone()) } else { None };
    report.events.iter().filter_map(|event| said(&event.what)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_otto_cannot_say_twilio_says_after_a_live_update() {
    for (seed, human) in [(931, Some(HUMAN)), (932, None)] {
        let variables = human.map(|number| ("ESCALATION_NUMBER", number)).into_iter().collect();
        let (workshop, report) = falls_silent(seed, variables).await;
        let said = said_by_twilio(&report);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("Our hours are") && said[1].contains("technical trouble"), "{said:?}");
        assert_eq!(report.dialled, human.into_iter().map(str::to_owned).collect::<Vec<_>>());
        let requests = workshop.world.twilio.rest_requests().all();
        assert_eq!(requests.len(), 1, "{requests:?}");
        assert_eq!(openapi::check("post", &requests[0].path, &requests[0].params), "UpdateCall");
        assert_eq!(requests[0].status, 200);
        assert!(requests[0].path.ends_with(&format!("/Calls/{}.json", report.call_sid)), "{requests:?}");
        let [(name, document)] = &requests[0].params[..] else { panic!("{requests:?}") };
        assert_eq!((name.as_str(), Some(document)), ("Twiml", report.twiml.last()));
        assert_eq!(document.matches("<Dial>").count(), usize::from(human.is_some()), "{document}");
        assert!(document.ends_with("<Hangup/></Response>"), "{document}");
        workshop.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_update_twilio_is_answered_the_same() {
    let tweaks = Tweaks { variables: vec![("ESCALATION_NUMBER", HUMAN)], ..Tweaks::default() };
    let workshop = Workshop::open_with(933, tweaks, Receptionist).await;
    wait_for_phrases(&workshop).await;
    workshop.world.tts.knobs().inject(refuse(503), When::Always);
    let fault = otto_sim::twilio::TwilioFault::RestStatus { status: 401 };
    workshop.world.twilio.knobs().inject(fault, When::Always);
    let hang_up = Step::WaitForHangUp(PATIENCE);
    let report = workshop.call(STRANGER, vec![listen(), say("When are you open?"), hang_up]).await;
    let said = said_by_twilio(&report);
    assert!(said.len() == 2 && said[0].contains("Our hours are") && said[1].contains("technical trouble"), "{said:?}");
    assert_eq!(report.dialled, [HUMAN]);
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_audio_does_not_wait_for_the_voice() {
    let workshop = Workshop::open(934).await;
    wait_for_phrases(&workshop).await;
    // From here on the voice takes two seconds to its first byte.
    workshop.world.tts.knobs().update(|settings| settings.first_byte = Latency::fixed(2_000.0));
    let report = workshop.call(STRANGER, vec![listen(), Step::HangUp]).await;
    let at = |wanted: fn(&What) -> bool| report.events.iter().find(|e| wanted(&e.what)).map(|e| e.at);
    let started = at(|what| matches!(what, What::StreamStarted(_))).expect("a stream");
    let began = at(|what| matches!(what, What::OttoBegan)).expect("a voice");
    println!("first audio {:?} after the stream's start", began - started);
    assert!(began - started < Duration::from_millis(500), "{:?}", began - started);
    assert!(report.heard_text().contains("How can I help you"), "{}", report.heard_text());
    workshop.close().await;
}
