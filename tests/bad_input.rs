//! A media socket that talks nonsense: counted, never a panic, never another call's audio, and the call goes on.

use futures_util::{SinkExt as _, StreamExt as _};
use otto_sim::twilio::{MediaSocket, media_handshake, sign};
use otto_sim::{ACCOUNT_SID, AUTH_TOKEN};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{PATIENCE, STRANGER, Workshop};

const STREAM: &str = "MZ0123456789abcdef0123456789abcdef";

/// Asks for a line and returns the token of its stream.
async fn token_for(workshop: &Workshop, call: &str) -> String {
    let form: Vec<(String, String)> =
        [("CallSid", call), ("AccountSid", ACCOUNT_SID), ("From", STRANGER), ("To", "+12175550100")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
    let url = workshop.url("/api/v1/webhooks/inbound-call");
    let signature = sign(&url, &form, AUTH_TOKEN);
    let request = reqwest::Client::new().post(&url).form(&form).header("X-Twilio-Signature", signature);
    let twiml = request.send().await.expect("an answer").text().await.expect("TwiML");
    let after = twiml.split("name=\"token\" value=\"").nth(1).expect("a token");
    after.split('"').next().expect("a token").to_owned()
}

async fn open(workshop: &Workshop) -> MediaSocket {
    let url = workshop.app.public.media_stream().parse().expect("a url");
    media_handshake(&url, workshop.app.address, Some(AUTH_TOKEN)).await.expect("a socket")
}

async fn send(socket: &mut MediaSocket, message: &Value) {
    socket.send(Message::text(message.to_string())).await.expect("sent");
}

fn start(call: &str, stream: &str, token: &str) -> Value {
    json!({"event": "start", "sequenceNumber": "1", "streamSid": stream, "start": {
        "accountSid": ACCOUNT_SID, "streamSid": stream, "callSid": call, "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": token}}})
}

/// The next media message; none when the socket is closed.
async fn next_media(socket: &mut MediaSocket) -> Option<Value> {
    let look = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let value: Value = serde_json::from_str(&text).expect("JSON from the engine");
                    if value["event"] == "media" {
                        return Some(value);
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    };
    timeout(PATIENCE, look).await.expect("an answer in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_dropped_and_the_call_goes_on() {
    let workshop = Workshop::open(71).await;
    let call = "CA00000000000000000000000000000071";
    let token = token_for(&workshop, call).await;
    let mut socket = open(&workshop).await;
    let media = |stream: &str, payload: &str| {
        json!({"event": "media", "streamSid": stream, "media": {"track": "inbound", "chunk": "1", "timestamp": "5",
            "payload": payload}})
    };
    send(&mut socket, &json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})).await;
    send(&mut socket, &media(STREAM, "////")).await;
    socket.send(Message::text("{not json")).await.expect("sent");
    send(&mut socket, &start(call, STREAM, &token)).await;
    for message in [
        json!({"event": "no such event", "streamSid": STREAM}),
        json!({"event": 7}),
        json!([1, 2, 3]),
        media("MZffffffffffffffffffffffffffffffff", "////"),
        media(STREAM, "*** not base64 ***"),
        media(STREAM, ""),
        json!({"event": "mark", "streamSid": STREAM, "mark": {"name": "never sent"}}),
        json!({"event": "dtmf", "streamSid": STREAM, "dtmf": {"track": "inbound_track", "digit": "pound"}}),
        start(call, STREAM, &token),
        json!({"event": "stop", "streamSid": "MZffffffffffffffffffffffffffffffff", "stop": {"callSid": "CAff"}}),
    ] {
        send(&mut socket, &message).await;
    }
    socket.send(Message::binary(vec![1_u8, 2, 3])).await.expect("sent");
    socket.send(Message::text("x".repeat(80 * 1024))).await.expect("sent");
    let greeting = next_media(&mut socket).await.expect("the greeting is heard all the same");
    assert_eq!(greeting["streamSid"], STREAM);
    send(&mut socket, &json!({"event": "stop", "streamSid": STREAM, "stop": {"callSid": call}})).await;
    drop(socket);
    workshop.settle().await;
    let metrics = reqwest::get(workshop.url("/metrics")).await.expect("metrics").text().await.expect("text");
    for what in ["malformed message", "unknown event", "another stream", "binary frame", "too large", "second start"] {
        assert!(metrics.lines().any(|l| l.starts_with("otto_media_anomalies_total") && l.contains(what)), "{what}");
    }
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_one_stream_of_one_call() {
    let workshop = Workshop::open(72).await;
    let (mine, other) = ("CA00000000000000000000000000000072", "CA00000000000000000000000000000073");
    let token = token_for(&workshop, mine).await;
    let _ = token_for(&workshop, other).await;
    for (call, shown) in [(mine, ""), (mine, "guessed"), (other, token.as_str()), ("CA00", token.as_str())] {
        let mut socket = open(&workshop).await;
        send(&mut socket, &start(call, STREAM, shown)).await;
        assert_eq!(next_media(&mut socket).await, None, "{call} {shown}");
    }
    let mut first = open(&workshop).await;
    send(&mut first, &start(mine, STREAM, &token)).await;
    assert!(next_media(&mut first).await.is_some(), "the right token");
    let mut second = open(&workshop).await;
    send(&mut second, &start(mine, "MZ00000000000000000000000000000002", &token)).await;
    assert_eq!(next_media(&mut second).await, None, "a used token");
    drop(first);
    workshop.app.calls.call_status(
        &otto_actors::domain::CallSid::parse(other).expect("a sid"),
        otto_actors::registry::CallProgress::Over,
    );
    workshop.close().await;
}
