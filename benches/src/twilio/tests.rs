//! Calls to a tiny engine over real sockets: play-out in real time, marks, clear, REST and hang-up from either side.

mod desk;
mod lists;
mod placed;
mod texts;

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::World;
use crate::speech::{WordDecoder, encode};
use crate::testing::{engine, env, world};

const CONNECT: &str = r#"<Response><Connect action="/api/v1/webhooks/stream-ended"><Stream url="wss://otto.test/media">
    <Parameter name="k" value="v"/></Stream></Connect></Response>"#;

/// Reads messages until one of this event.
async fn until(socket: &mut WebSocket, event: &str) -> Option<Value> {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Text(text) = message {
            let message: Value = serde_json::from_str(&text).unwrap();
            if message["event"] == event {
                return Some(message);
            }
        }
    }
    None
}

async fn send(socket: &mut WebSocket, sid: &Value, mut message: Value) {
    message["streamSid"] = sid.clone();
    socket.send(Message::Text(message.to_string().into())).await.unwrap();
}

fn media(text: &str) -> Value {
    json!({"event": "media", "media": {"payload": STANDARD.encode(encode(text, 15))}})
}

fn mark(name: &str) -> Value {
    json!({"event": "mark", "mark": {"name": name}})
}

async fn call<F, W>(world: &World, steps: Vec<Step>, twiml: &'static str, holds: F) -> CallHandle
where
    F: Fn(WebSocket) -> W + Clone + Send + Sync + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let local = engine(world.scope(), twiml, holds).await;
    world.connect_engine("https://otto.test".parse().unwrap(), local);
    world.call(CallPlan::new("+12175550199", steps))
}

#[tokio::test]
async fn marks_come_back_in_real_time_and_words_are_heard() {
    let world = world().await;
    let wait = Duration::from_secs(3);
    let steps = vec![Step::WaitForWords("how can I help".into(), wait), Step::Say("Hi".into()), Step::HangUp];
    let handle = call(&world, steps, CONNECT, async |mut socket: WebSocket| {
        let start = until(&mut socket, "start").await.unwrap();
        assert_eq!(start["start"]["customParameters"], json!({"k": "v"}));
        let sid = start["streamSid"].clone();
        send(&mut socket, &sid, media("Hello! How can I help? ")).await;
        send(&mut socket, &sid, mark("greeting")).await;
        let sent = tokio::time::Instant::now();
        assert_eq!(until(&mut socket, "mark").await.unwrap()["mark"]["name"], "greeting");
        assert!(sent.elapsed() >= Duration::from_millis(23 * 15 - 40), "{:?}", sent.elapsed());
        send(&mut socket, &sid, mark("idle")).await;
        assert_eq!(until(&mut socket, "mark").await.unwrap()["mark"]["name"], "idle");
        until(&mut socket, "stop").await.unwrap();
    })
    .await;
    let report = handle.report().await;
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.heard_text().as_str(), report.hung_up_by), ("Hello! How can I help?", Side::Caller));
    assert_eq!(report.marks, ["greeting", "idle"]);
    world.shutdown().await;
    assert_eq!((world.tasks(), world.twilio.live_calls()), (0, 0));
}

#[tokio::test]
async fn clear_returns_every_mark_and_cuts_what_is_heard() {
    let world = world().await;
    let steps = vec![Step::BargeIn { after_ms: 100, text: "stop".into() }, Step::WaitForHangUp(Duration::from_secs(3))];
    let handle = call(&world, steps, CONNECT, async |mut socket: WebSocket| {
        let sid = until(&mut socket, "start").await.unwrap()["streamSid"].clone();
        for name in ["a", "b"] {
            send(&mut socket, &sid, media(&"talking on and on ".repeat(10))).await;
            send(&mut socket, &sid, mark(name)).await;
        }
        let mut ear = WordDecoder::default();
        let mut heard = Vec::new();
        while heard.is_empty() {
            let message = until(&mut socket, "media").await.unwrap();
            heard = ear.feed(&STANDARD.decode(message["media"]["payload"].as_str().unwrap()).unwrap());
        }
        assert_eq!(heard[0].text, "stop");
        send(&mut socket, &sid, json!({"event": "clear"})).await;
        let names = [until(&mut socket, "mark").await.unwrap(), until(&mut socket, "mark").await.unwrap()];
        assert_eq!(names.map(|mark| mark["mark"]["name"].clone()), ["a", "b"]);
        socket.send(Message::Close(None)).await.unwrap();
    })
    .await;
    let report = handle.report().await;
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.clears, report.hung_up_by, report.heard[0].cut), (1, Side::Otto, true));
    assert!(report.heard_text().starts_with("talking on") && report.bytes_discarded > 10_000);
    world.shutdown().await;
}

#[tokio::test]
async fn rest_updates_a_live_call_and_knows_the_others() {
    let world = world().await;
    let steps = vec![Step::WaitForHangUp(Duration::from_secs(3))];
    let handle = call(&world, steps, CONNECT, async |mut socket: WebSocket| {
        until(&mut socket, "stop").await;
    })
    .await;
    let base = format!("{}/2010-04-01/Accounts/{}", env(&world, "TWILIO_API_URL"), crate::ACCOUNT_SID);
    let client = reqwest::Client::new();
    let post = |path: String, form: &[(&str, &str)], token: &str| {
        let request = client.post(format!("{base}{path}")).basic_auth(crate::ACCOUNT_SID, Some(token)).form(form);
        async { request.send().await.unwrap().status().as_u16() }
    };
    let sid = handle.call_sid.clone();
    let live = || format!("/Calls/{sid}.json");
    let twiml = "<Response><Dial><Number>+12175550111</Number></Dial></Response>";
    assert_eq!(post(live(), &[("Status", "completed")], "wrong").await, 401);
    assert_eq!(post("/Calls/CAnone.json".into(), &[("Status", "completed")], crate::AUTH_TOKEN).await, 404);
    assert_eq!(post(live(), &[("Twiml", twiml)], crate::AUTH_TOKEN).await, 200);
    let report = handle.report().await;
    assert_eq!((report.dialled.len(), report.hung_up_by), (1, Side::Otto));
    assert_eq!(post(live(), &[("Status", "completed")], crate::AUTH_TOKEN).await, 400);
    let message = [("To", "+12175550123"), ("From", crate::PHONE_NUMBER), ("Body", "See you tomorrow")];
    assert_eq!(post("/Messages.json".into(), &message, crate::AUTH_TOKEN).await, 201);
    assert_eq!(world.twilio.messages().all()[0].body, "See you tomorrow");
    world.shutdown().await;
}

#[tokio::test]
async fn what_is_no_message_is_a_violation() {
    let world = world().await;
    let handle =
        call(&world, vec![Step::WaitForHangUp(Duration::from_secs(3))], CONNECT, async |mut socket: WebSocket| {
            let sid = until(&mut socket, "start").await.unwrap()["streamSid"].clone();
            send(&mut socket, &sid, json!({"event": "keepalive"})).await;
            send(&mut socket, &json!("MZwrong"), mark("a")).await;
            socket.send(Message::Binary(vec![1, 2].into())).await.unwrap();
            socket.send(Message::Close(None)).await.unwrap();
        })
        .await;
    let codes: Vec<String> = handle.report().await.violations.into_iter().map(|violation| violation.code).collect();
    assert_eq!(codes, ["31951", "31951", "31950"]);
    world.shutdown().await;
}

#[tokio::test]
async fn a_world_that_ends_takes_its_calls_along() {
    let world = world().await;
    let steps = vec![Step::WaitForHangUp(Duration::from_secs(60))];
    let handle = call(&world, steps, CONNECT, async |mut socket: WebSocket| {
        until(&mut socket, "stop").await;
    })
    .await;
    world.shutdown().await;
    assert_eq!((world.tasks(), handle.report().await.hung_up_by), (0, Side::Twilio));
}
