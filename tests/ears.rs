//! The ears fail in the middle of a call: what the caller said is heard all the same, once, or the caller is handed over.

use std::time::Duration;

use otto_sim::When;
use otto_sim::deepgram_stt::SttFault;
use otto_sim::openai::{Receptionist, Role};
use otto_sim::twilio::{CallReport, Step};

use crate::support::{MARIA, Tweaks, Workshop, books_on_tuesday, listen, say, until_hang_up};

/// What the callers of these tests want, long enough to be cut in its middle.
const WANTED: &str = "Hi, I need an oil change on Tuesday.";

async fn open(seed: u64, variables: &[(&'static str, &'static str)]) -> Workshop {
    Workshop::open_with(seed, Tweaks { variables: variables.to_vec(), ..Tweaks::default() }, Receptionist).await
}

/// What the model was told that the caller said, turn by turn.
fn said(workshop: &Workshop) -> Vec<String> {
    let requests = workshop.world.openai.requests().all();
    let last = requests.into_iter().max_by_key(|request| request.messages.len()).expect("a request");
    last.messages.into_iter().filter(|m| m.role == Role::User).filter_map(|m| m.content).collect()
}

fn is_booked(report: &CallReport) {
    assert!(report.is_clean(), "{:?} {:?} {}", report.timeouts, report.violations, report.heard_text());
    assert!(report.heard_text().contains("You're booked for an oil change"), "{}", report.heard_text());
}

/// Maria books while her first session has this fault.
async fn books_through(seed: u64, variables: &[(&'static str, &'static str)], fault: SttFault, when: When) -> Workshop {
    let workshop = open(seed, variables).await;
    workshop.world.stt.knobs().inject(fault, when);
    let before = workshop.appointments(MARIA).await.len();
    let report = workshop.call(MARIA, books_on_tuesday()).await;
    is_booked(&report);
    assert_eq!(workshop.appointments(MARIA).await.len(), before + 1);
    assert!(workshop.world.stt.violations().is_empty(), "{:?}", workshop.world.stt.violations().all());
    workshop
}

/// The session ends when Maria is in the middle of her first sentence; nothing that she says is lost or heard twice.
async fn hears_all_through(seed: u64, model: &'static str, fault: SttFault) {
    let fault = SttFault::AfterSpeech { ms: 300, fault: Box::new(fault) };
    let workshop = books_through(seed, &[("DEEPGRAM_STT_MODEL", model)], fault, When::Next(1)).await;
    assert_eq!(said(&workshop), [WANTED, "The first one, please.", "No, that's all. Thank you."]);
    assert_eq!(workshop.world.stt.opened().len(), 2);
    workshop.close().await;
}

fn closed(code: u16, reason: &str) -> SttFault {
    SttFault::CloseAfterAudio { ms: 0, code, reason: reason.into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_breaks_in_mid_sentence_costs_no_word() {
    hears_all_through(1_001, "nova-3", SttFault::DropAfterAudio { ms: 0 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_vendor_closes_in_mid_sentence_costs_no_word() {
    hears_all_through(1_002, "nova-3", closed(1011, "NET-0000")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_audio_was_refused_is_tried_once_more() {
    hears_all_through(1_003, "nova-3", closed(1008, "DATA-0000")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_hears_turns_breaks_in_the_middle_of_one() {
    hears_all_through(1_004, "flux-general-en", closed(1011, "NET-0000")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_falls_silent_is_replaced_in_time_to_hear_all_of_the_sentence() {
    let fault = SttFault::AfterSpeech { ms: 300, fault: Box::new(SttFault::StallAfterAudio { ms: 0 }) };
    let workshop = books_through(1_005, &[], fault, When::Next(1)).await;
    assert!(said(&workshop).iter().any(|text| text.ends_with(WANTED)), "{:?}", said(&workshop));
    assert_eq!(workshop.world.stt.opened().len(), 2);
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_is_busy_is_asked_again() {
    for (seed, fault) in [(1_006, SttFault::Refuse { status: 429 }), (1_007, SttFault::Busy { retry_after_s: 1 })] {
        let workshop = books_through(seed, &[], fault, When::Next(2)).await;
        assert_eq!((workshop.world.stt.knobs().struck(), workshop.world.stt.opened().len()), (2, 1));
        workshop.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_cannot_be_heard_is_handed_over() {
    for (seed, status) in [(1_008, 401), (1_009, 402), (1_010, 503)] {
        let workshop = open(seed, &[("ESCALATION_NUMBER", "+15555550100")]).await;
        workshop.world.stt.knobs().inject(SttFault::Refuse { status }, When::Always);
        let report = workshop.call(MARIA, vec![listen(), say(WANTED), until_hang_up()]).await;
        let last = report.twiml.last().expect("an answer to the end of the stream");
        assert!(last.contains("technical trouble") && last.contains("+15555550100"), "{status}: {last}");
        assert_eq!(report.dialled, ["+15555550100"], "{status}");
        // Credentials do not become right by repetition.
        assert!(status == 503 || workshop.world.stt.knobs().struck() == 1, "{status}");
        workshop.close().await;
    }
}

/// A caller who pauses in the middle of a sentence, for so long that the end of the turn is probable.
fn pauses() -> Vec<Step> {
    let asks = [say("Hi, I need an oil change"), Step::Silence(600), say("on Tuesday.")];
    [listen()].into_iter().chain(asks).chain(books_on_tuesday().split_off(2)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_that_seem_to_end_and_go_on_are_heard_as_one() {
    for (seed, eager_ends) in [(1_011, true), (1_012, false)] {
        let workshop = open(seed, &[("DEEPGRAM_STT_MODEL", "flux-general-en")]).await;
        workshop
            .world
            .stt
            .knobs()
            .update(|settings| (settings.sure_after_ms, settings.eager_ends) = (1_000, eager_ends));
        let report = workshop.call(MARIA, pauses()).await;
        is_booked(&report);
        assert_eq!(said(&workshop), [WANTED, "The first one, please.", "No, that's all. Thank you."]);
        workshop.close().await;
    }
}

/// Sessions wait longer than the vendor holds a silent one, and the call is heard by the one that waited.
async fn is_heard_by_a_session_that_waited(seed: u64, model: &'static str) {
    let workshop = open(seed, &[("WARM_SOCKETS", "1"), ("DEEPGRAM_STT_MODEL", model)]).await;
    let (stt, tts) = (&workshop.world.stt, &workshop.world.tts);
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    assert_eq!((stt.opened().len(), stt.sessions().len()), (1, 0));
    is_booked(&workshop.call(MARIA, books_on_tuesday()).await);
    assert_eq!(said(&workshop), [WANTED, "The first one, please.", "No, that's all. Thank you."]);
    let session = stt.sessions().wait_for(0).await;
    assert_eq!(session.finals.len(), 3, "the first session heard the call: {session:?}");
    assert_eq!(stt.opened().len(), 2, "and another took its place");
    assert!(stt.violations().is_empty() && tts.violations().is_empty(), "{:?}", stt.violations().all());
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_heard_by_a_session_that_was_open_before_it() {
    tokio::join!(
        is_heard_by_a_session_that_waited(1_013, "nova-3"),
        is_heard_by_a_session_that_waited(1_014, "flux-general-en")
    );
}
