//! The voice over a real socket: flush, clear, limits, close frames.

use super::*;
use crate::knobs::When;
use crate::speech::WordDecoder;
use crate::testing::{Socket, deepgram, deepgram_refusal, env, next_json, say, world};
use crate::{DEEPGRAM_KEY, World};

const PATH: &str = "/v1/speak?model=aura-2-asteria-en&encoding=mulaw&sample_rate=8000";

fn words(audio: &[u8]) -> String {
    let mut ear = WordDecoder::default();
    let mut words = ear.feed(audio);
    words.extend(ear.cut());
    words.into_iter().map(|word| word.text).collect::<Vec<_>>().join(" ")
}

async fn open(world: &World) -> Socket {
    let mut socket = deepgram(world, PATH).await;
    assert_eq!(next_json(&mut socket, &mut Vec::new()).await["type"], "Metadata");
    socket
}

#[tokio::test]
async fn flushed_comes_after_all_audio_of_its_flush() {
    let world = world().await;
    let mut socket = open(&world).await;
    for (id, text) in ["You're booked.", "Goodbye!"].into_iter().enumerate() {
        say(&mut socket, &serde_json::json!({"type": "Speak", "text": text}).to_string()).await;
        say(&mut socket, r#"{"type":"Flush"}"#).await;
        let mut audio = Vec::new();
        let event = next_json(&mut socket, &mut audio).await;
        assert_eq!((event["type"].as_str(), event["sequence_id"].as_u64()), (Some("Flushed"), Some(id as u64)));
        assert_eq!(words(&audio), text);
    }
    world.shutdown().await;
}

#[tokio::test]
async fn clear_stops_the_voice_at_once() {
    let world = world().await;
    world.tts.knobs().update(|settings| settings.speed = 1.0);
    let mut socket = open(&world).await;
    let text = "A very long sentence that nobody wants to hear to its end. ".repeat(10);
    say(&mut socket, &serde_json::json!({"type": "Speak", "text": text}).to_string()).await;
    say(&mut socket, r#"{"type":"Clear"}"#).await;
    let mut audio = Vec::new();
    assert_eq!(next_json(&mut socket, &mut audio).await["type"], "Cleared");
    say(&mut socket, r#"{"type":"Speak","text":"Yes?"}"#).await;
    say(&mut socket, r#"{"type":"Flush"}"#).await;
    let before = audio.len();
    assert_eq!(next_json(&mut socket, &mut audio).await["type"], "Flushed");
    assert_eq!(words(&audio[before..]), "Yes?");
    world.shutdown().await;
}

#[tokio::test]
async fn the_twenty_first_flush_in_a_minute_is_a_warning() {
    let world = world().await;
    let mut socket = open(&world).await;
    let mut kinds = Vec::new();
    for _ in 0..21 {
        say(&mut socket, r#"{"type":"Flush"}"#).await;
        kinds.push(next_json(&mut socket, &mut Vec::new()).await["type"].as_str().unwrap().to_owned());
    }
    assert!(kinds[..20].iter().all(|kind| kind == "Flushed"));
    assert_eq!(kinds[20], "Warning");
    world.shutdown().await;
}

#[tokio::test]
async fn what_is_no_command_closes_the_socket() {
    let world = world().await;
    let long = format!(r#"{{"type":"Speak","text":"{}"}}"#, "x".repeat(2_001));
    let cases = [
        (r#"{"type":"Text","text":"a"}"#, 1008, "DATA-0000"),
        ("nonsense", 1008, "DATA-0000"),
        (&long, 1009, "BIG-0001"),
    ];
    for (message, code, reason) in cases {
        let mut socket = open(&world).await;
        say(&mut socket, message).await;
        assert_eq!(next_json(&mut socket, &mut Vec::new()).await, serde_json::json!([code, reason]));
    }
    let mut socket = open(&world).await;
    futures_util::SinkExt::send(&mut socket, tokio_tungstenite::tungstenite::Message::binary(vec![1])).await.unwrap();
    assert_eq!(next_json(&mut socket, &mut Vec::new()).await[0], 1003);
    world.shutdown().await;
}

#[tokio::test]
async fn rest_speaks_raw_audio_and_refuses_a_container() {
    let world = world().await;
    let base = env(&world, "DEEPGRAM_URL").replace("ws://", "http://");
    let client = reqwest::Client::new();
    let post = |suffix: &str| {
        let request =
            client.post(format!("{base}{PATH}{suffix}")).header("authorization", format!("Token {DEEPGRAM_KEY}"));
        request.header("content-type", "application/json").body(r#"{"text":"Hello there"}"#).send()
    };
    let response = post("&container=none").await.unwrap();
    assert_eq!(response.headers()["content-type"], "audio/mulaw;rate=8000");
    assert_eq!(words(&response.bytes().await.unwrap()), "Hello there");
    assert_eq!(post("").await.unwrap().status(), 400);
    world.tts.knobs().inject(TtsFault::Refuse { status: 429 }, When::Next(1));
    assert_eq!(post("&container=none").await.unwrap().status(), 429);
    world.shutdown().await;
}

#[tokio::test]
async fn a_fault_can_strike_one_way_alone() {
    let world = world().await;
    let base = env(&world, "DEEPGRAM_URL").replace("ws://", "http://");
    let client = reqwest::Client::new();
    let rest = || {
        let request = client.post(format!("{base}{PATH}&container=none"));
        let request = request.header("authorization", format!("Token {DEEPGRAM_KEY}"));
        request.header("content-type", "application/json").body(r#"{"text":"Hello there"}"#).send()
    };
    let refuse = |status| Box::new(TtsFault::Refuse { status });
    world.tts.knobs().inject(TtsFault::OnRest(refuse(503)), When::Always);
    open(&world).await;
    assert_eq!(rest().await.unwrap().status(), 503);
    world.tts.knobs().heal();
    world.tts.knobs().inject(TtsFault::OnSocket(refuse(429)), When::Always);
    assert_eq!(rest().await.unwrap().status(), 200);
    assert_eq!(deepgram_refusal(&world, PATH).await, 429);
    world.shutdown().await;
}

#[tokio::test]
async fn a_warning_comes_instead_of_audio() {
    let world = world().await;
    world.tts.knobs().update(|settings| settings.eager = false);
    world.tts.knobs().inject(TtsFault::OnSocket(Box::new(TtsFault::FlushLimit)), When::Next(1));
    let mut socket = open(&world).await;
    say(&mut socket, r#"{"type":"Speak","text":"Hello there."}"#).await;
    say(&mut socket, r#"{"type":"Flush"}"#).await;
    let mut audio = Vec::new();
    assert_eq!(next_json(&mut socket, &mut audio).await["type"], "Warning");
    assert!(audio.is_empty());
    assert!(world.tts.violations().is_empty(), "the client did nothing wrong");
    world.shutdown().await;
}

#[tokio::test]
async fn a_socket_breaks_in_mid_sentence() {
    let bytes = 3_200;
    let reason = || "NET-0000".to_owned();
    for (fault, close) in [
        (TtsFault::DropAfterBytes { bytes }, None),
        (TtsFault::CloseAfterBytes { bytes, code: 1011, reason: reason() }, Some(1011)),
        (TtsFault::CloseAfterBytes { bytes, code: 1008, reason: reason() }, Some(1008)),
    ] {
        let world = world().await;
        world.tts.knobs().inject(fault, When::Next(1));
        let mut socket = open(&world).await;
        let text = "A sentence that is long enough to be broken.";
        say(&mut socket, &serde_json::json!({"type": "Speak", "text": text}).to_string()).await;
        say(&mut socket, r#"{"type":"Flush"}"#).await;
        let (mut heard, mut closed) = (0, None);
        while let Some(Ok(message)) = futures_util::StreamExt::next(&mut socket).await {
            match message {
                tokio_tungstenite::tungstenite::Message::Binary(audio) => heard += audio.len(),
                tokio_tungstenite::tungstenite::Message::Close(frame) => closed = frame.map(|f| u16::from(f.code)),
                _ => {}
            }
        }
        assert_eq!((heard, closed), (bytes, close));
        world.shutdown().await;
    }
}
