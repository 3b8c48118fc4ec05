//! The vendors' other interfaces and the second language model, in whole calls and one by one.

use otto::vendors::DeepgramTts;
use otto_actors::ports::TextToSpeech as _;
use otto_sim::openai::{Endpoint, LlmFault, Receptionist};
use otto_sim::speech::WordDecoder;
use otto_sim::{DEEPGRAM_KEY, Seed, When, World, WorldSettings};

use crate::support::{MARIA, Tweaks, Workshop, books_on_tuesday};

/// Maria books, as in any other call; the workshop is then still open for questions.
async fn books(seed: u64, variables: &[(&'static str, &'static str)], fault: Option<(LlmFault, When)>) -> Workshop {
    let tweaks = Tweaks { variables: variables.to_vec(), ..Tweaks::default() };
    let workshop = Workshop::open_with(seed, tweaks, Receptionist).await;
    if let Some((fault, when)) = fault {
        workshop.world.openai.knobs().inject(fault, when);
    }
    let before = workshop.appointments(MARIA).await.len();
    let report = workshop.call(MARIA, books_on_tuesday()).await;
    assert!(report.is_clean(), "{:?} {:?}", report.timeouts, report.violations);
    assert!(report.heard_text().contains("You're booked for an oil change"), "{}", report.heard_text());
    assert_eq!(workshop.appointments(MARIA).await.len(), before + 1);
    workshop
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_on_the_responses_interface() {
    let workshop = books(901, &[("OPENAI_API", "responses")], None).await;
    let openai = &workshop.world.openai;
    assert!(openai.refused().is_empty(), "{:?}", openai.refused().all());
    assert!(openai.requests().all().iter().all(|request| request.endpoint == Endpoint::Responses));
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_a_model_that_must_think() {
    let workshop = books(902, &[("OPENAI_API", "responses"), ("OPENAI_MODEL", "gpt-6-astra")], None).await;
    let openai = &workshop.world.openai;
    assert!(openai.refused().is_empty(), "{:?}", openai.refused().all());
    let thoughts = |body: &serde_json::Value| body["input"].to_string().contains(r#""type":"reasoning""#);
    assert!(openai.requests().all().iter().any(|request| thoughts(&request.body)), "thoughts go back");
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_on_the_interface_that_hears_turns() {
    let workshop = books(903, &[("DEEPGRAM_STT_MODEL", "flux-general-en")], None).await;
    let stt = &workshop.world.stt;
    assert!(stt.opened().all().iter().all(|query| query.contains("model=flux-general-en")));
    assert!(stt.violations().is_empty(), "{:?}", stt.violations().all());
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_model_answers_for_the_first_and_the_caller_does_not_notice() {
    let fault = (LlmFault::Quota, When::Next(1));
    let workshop = books(904, &[("FALLBACK_OPENAI_MODEL", "gpt-5.4-mini")], Some(fault)).await;
    let models: Vec<String> = workshop.world.openai.requests().all().into_iter().map(|r| r.model).collect();
    assert_eq!(models[..3], ["gpt-6-luna", "gpt-5.4-mini", "gpt-5.4-mini"], "no credit: left alone: {models:?}");
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_voice_over_rest_says_the_whole_text() {
    let world = World::start(WorldSettings::quick(Seed(905))).await.expect("a world");
    let url = world.env().into_iter().find(|(name, _)| name == "DEEPGRAM_URL").expect("an address").1;
    let tts = DeepgramTts::new(url.parse().expect("a URL"), DEEPGRAM_KEY.into(), "aura-2-asteria-en".into());
    let text = "We are open until five. ".repeat(60);
    let audio = tts.synthesize(&text).await.expect("audio");
    let mut ear = WordDecoder::default();
    let mut words = ear.feed(&audio);
    words.extend(ear.cut());
    let heard: Vec<String> = words.into_iter().map(|word| word.text).collect();
    assert_eq!(heard.join(" "), text.trim());
    world.shutdown().await;
}
