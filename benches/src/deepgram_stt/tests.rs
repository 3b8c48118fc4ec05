//! The ear: pure over seconds of audio, and once over a real socket.

use futures_util::SinkExt;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::speech::{encode, noise, silence};
use crate::testing::{deepgram, env, next_json, say, world};

const QUERY: &str = "model=nova-3&encoding=mulaw&sample_rate=8000&interim_results=true&endpointing=300\
                     &utterance_end_ms=1000&vad_events=true&smart_format=true";

fn ear(query: &str) -> Recogniser {
    Recogniser::new(ListenQuery::parse(query).unwrap(), "id".into(), 250, 5_000)
}

/// Events as short lines: type, or transcript with its flags.
fn lines(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| line(&value(event))).collect()
}

fn value(event: &Event) -> Value {
    serde_json::from_str(&event.json).unwrap()
}

fn line(event: &Value) -> String {
    match event["type"].as_str().unwrap() {
        "Results" => {
            let text = event["channel"]["alternatives"][0]["transcript"].as_str().unwrap();
            let flag = |name: &str, mark: &'static str| if event[name] == true { mark } else { "" };
            format!("{text}{}{}{}", flag("is_final", "|"), flag("speech_final", "."), flag("from_finalize", "!"))
        }
        other => other.to_owned(),
    }
}

#[test]
fn an_utterance_is_heard_while_it_lasts_and_after_it() {
    let mut ear = ear(QUERY);
    let audio = [silence(100), encode("I need an oil change, please.", 30), silence(1_200)].concat();
    let heard = ear.feed(&audio);
    let events = lines(&heard);
    assert_eq!(events.first().unwrap(), "SpeechStarted");
    assert!(events.contains(&"I need an oil".to_owned()), "{events:?}");
    assert_eq!(events[events.len() - 2..], ["I need an oil change, please.|.", "UtteranceEnd"]);
    let told: Vec<_> = heard.iter().filter_map(|event| Some((event.transcript.as_deref()?, event.ends_turn))).collect();
    assert_eq!((told[0], told[told.len() - 1]), (("I need", false), ("I need an oil change, please.", true)));
}

#[test]
fn words_have_their_times_on_this_socket() {
    let mut ear = ear(QUERY);
    let events = ear.feed(&[silence(1_000), encode("hi", 100), silence(400)].concat());
    let last = value(events.last().unwrap());
    let word = &last["channel"]["alternatives"][0]["words"][0];
    assert_eq!((word["start"].as_f64(), word["end"].as_f64()), (Some(1.0), Some(1.2)));
    assert_eq!(last["start"].as_f64().unwrap() + last["duration"].as_f64().unwrap(), 1.5);
}

#[test]
fn noise_starts_speech_and_has_no_words() {
    let mut rng = crate::Seed(3).rng("noise");
    let events = ear(QUERY).feed(&[noise(500, &mut rng), silence(1_500)].concat());
    assert_eq!(lines(&events), ["SpeechStarted", "|."]);
}

#[test]
fn silence_and_noise_have_results_without_words() {
    let mut rng = crate::Seed(3).rng("noise");
    let mut ear = ear(QUERY);
    assert_eq!(lines(&ear.feed(&silence(11_000))), ["|", "|"]);
    assert_eq!(lines(&ear.feed(&noise(2_500, &mut rng))), ["SpeechStarted", "", ""]);
}

#[test]
fn a_long_utterance_has_finals_before_its_end() {
    let mut ear = Recogniser::new(ListenQuery::parse(QUERY).unwrap(), "id".into(), 250, 1_000);
    let events = ear.feed(&[encode("one two three four five six seven eight nine", 50), silence(400)].concat());
    assert!(lines(&events).iter().filter(|line| line.ends_with('|')).count() >= 2);
    assert_eq!(ear.finals().join(" "), "one two three four five six seven eight nine");
}

#[test]
fn finalize_brings_what_is_there_and_nothing_when_nothing_is() {
    let mut ear = ear(QUERY);
    assert_eq!(ear.finalize(), None);
    ear.feed(&encode("hello wor", 20));
    assert_eq!(lines(&[ear.finalize().unwrap()]), ["hello wor|!"]);
}

#[test]
fn nonsense_queries_are_refused() {
    let bad = [
        "model=nova-9&encoding=mulaw&sample_rate=8000",
        "model=nova-3&encoding=mulaw",
        "model=nova-3",
        "model=nova-3&encoding=mulaw&sample_rate=8000&utterance_end_ms=1000",
        "model=nova-3&encoding=mulaw&sample_rate=8000&interim_results=yes",
        "model=nova-3&encoding=mulaw&sample_rate=8000&keywords=oil:2",
        "model=nova-3&encoding=mulaw&sample_rate=8000&colour=blue",
    ];
    for query in bad {
        assert!(ListenQuery::parse(query).is_err(), "{query}");
    }
}

#[tokio::test]
async fn the_socket_hears_what_was_sent_and_closes_in_order() {
    let world = world().await;
    let mut socket = deepgram(&world, &format!("/v1/listen?{QUERY}")).await;
    for frame in [encode("hello there", 15), silence(350)].concat().chunks(160) {
        socket.send(Message::binary(frame.to_vec())).await.unwrap();
    }
    say(&mut socket, r#"{"type":"KeepAlive"}"#).await;
    let mut heard = Vec::new();
    loop {
        let event = next_json(&mut socket, &mut Vec::new()).await;
        let done = event["speech_final"] == true;
        heard.push(line(&event));
        if done {
            break;
        }
    }
    assert_eq!(heard, ["SpeechStarted", "hello there", "hello there|."]);
    say(&mut socket, r#"{"type":"CloseStream"}"#).await;
    assert_eq!(next_json(&mut socket, &mut Vec::new()).await["type"], "Metadata");
    assert_eq!(next_json(&mut socket, &mut Vec::new()).await[0], 1000);
    drop(socket);
    let session = world.stt.sessions().wait_for(0).await;
    assert_eq!((session.finals, session.keep_alives), (vec!["hello there".to_owned()], 1));
    assert!(world.stt.violations().is_empty());
    world.shutdown().await;
}

#[tokio::test]
async fn a_missing_key_is_refused_in_the_vendors_shape() {
    let world = world().await;
    let url = format!("{}/v1/listen?{QUERY}", env(&world, "DEEPGRAM_URL"));
    let error = tokio_tungstenite::connect_async(url).await.unwrap_err();
    let tokio_tungstenite::tungstenite::Error::Http(response) = error else { panic!("{error}") };
    assert_eq!(response.status(), 401);
    assert!(response.headers().contains_key("dg-error"));
    world.shutdown().await;
}

#[tokio::test]
async fn who_comes_too_often_is_told_when_to_come_again() {
    let world = world().await;
    world.stt.knobs().inject(SttFault::Busy { retry_after_s: 7 }, crate::When::Always);
    let url = format!("{}/v1/listen?{QUERY}", env(&world, "DEEPGRAM_URL"));
    let mut request = tokio_tungstenite::tungstenite::client::IntoClientRequest::into_client_request(url).unwrap();
    let token = format!("Token {}", crate::DEEPGRAM_KEY).parse().unwrap();
    request.headers_mut().insert("authorization", token);
    let error = tokio_tungstenite::connect_async(request).await.unwrap_err();
    let tokio_tungstenite::tungstenite::Error::Http(response) = error else { panic!("{error}") };
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    world.shutdown().await;
}

#[tokio::test]
async fn commands_in_binary_frames_and_a_rush_of_audio_are_violations() {
    let world = world().await;
    let mut socket = deepgram(&world, &format!("/v1/listen?{QUERY}")).await;
    socket.send(Message::binary(br#"{"type":"KeepAlive"}"#.to_vec())).await.unwrap();
    socket.send(Message::binary(silence(5_000))).await.unwrap();
    socket.send(Message::binary(Vec::new())).await.unwrap();
    while next_json(&mut socket, &mut Vec::new()).await[0] != 1000 {}
    let codes: Vec<String> = world.stt.violations().all().into_iter().map(|violation| violation.code).collect();
    assert_eq!(codes, ["binary-command", "ingest-rate", "empty-frame"]);
    world.shutdown().await;
}

#[tokio::test]
async fn the_other_socket_hears_turns_and_has_its_own_commands() {
    let world = world().await;
    let query = "model=flux-general-en&encoding=mulaw&sample_rate=8000&eager_eot_threshold=0.5";
    let mut socket = deepgram(&world, &format!("/v2/listen?{query}")).await;
    assert_eq!(next_json(&mut socket, &mut Vec::new()).await["type"], "Connected");
    for frame in [encode("hello there", 15), silence(450)].concat().chunks(160) {
        socket.send(Message::binary(frame.to_vec())).await.unwrap();
    }
    let mut heard = Vec::new();
    while heard.last().is_none_or(|event| event != "EndOfTurn") {
        heard.push(next_json(&mut socket, &mut Vec::new()).await["event"].as_str().unwrap().to_owned());
    }
    heard.retain(|event| event != "Update");
    assert_eq!(heard, ["StartOfTurn", "EagerEndOfTurn", "EndOfTurn"]);
    say(&mut socket, r#"{"type":"Configure","thresholds":{"eot_threshold":0.8}}"#).await;
    assert_eq!(next_json(&mut socket, &mut Vec::new()).await["thresholds"]["eot_threshold"], 0.8);
    say(&mut socket, r#"{"type":"KeepAlive"}"#).await;
    say(&mut socket, r#"{"type":"CloseStream"}"#).await;
    while next_json(&mut socket, &mut Vec::new()).await[0] != 1000 {}
    drop(socket);
    assert_eq!(world.stt.sessions().wait_for(0).await.finals, ["hello there"]);
    assert_eq!(world.stt.violations().last().unwrap().code, "unknown-message");
    world.shutdown().await;
}
