//! Helpers of several modules' tests: a world, sockets to its vendors, and a tiny engine to be called.

use std::future::Future;

use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::header;
use axum::routing::{any, post};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::server::Scope;
use crate::{DEEPGRAM_KEY, Seed, World, WorldSettings};

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A quick world.
pub(crate) async fn world() -> World {
    World::start(WorldSettings::quick(Seed(7))).await.unwrap()
}

/// One of the world's settings.
pub(crate) fn env(world: &World, name: &str) -> String {
    world.env().into_iter().find(|(key, _)| key == name).unwrap().1
}

fn deepgram_request(world: &World, path: &str) -> Request {
    let mut request = format!("{}{path}", env(world, "DEEPGRAM_URL")).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Token {DEEPGRAM_KEY}").parse().unwrap());
    request
}

/// A socket to the world's Deepgram.
pub(crate) async fn deepgram(world: &World, path: &str) -> Socket {
    connect_async(deepgram_request(world, path)).await.unwrap().0
}

/// The HTTP status with which the world's Deepgram refuses a socket.
pub(crate) async fn deepgram_refusal(world: &World, path: &str) -> u16 {
    match connect_async(deepgram_request(world, path)).await {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("no refusal: {:?}", other.map(|_| ())),
    }
}

pub(crate) async fn say(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).await.unwrap();
}

/// The next text message as JSON; audio before it is added to `audio`.
pub(crate) async fn next_json(socket: &mut Socket, audio: &mut Vec<u8>) -> Value {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Binary(bytes) => audio.extend_from_slice(&bytes),
            Message::Close(frame) => {
                return frame.map_or(Value::Null, |f| serde_json::json!([u16::from(f.code), f.reason.as_str()]));
            }
            _ => {}
        }
    }
}

/// An engine that answers calls with `twiml` and lets `media` hold the stream.
pub(crate) async fn engine<F, W>(scope: &Scope, twiml: &'static str, media: F) -> std::net::SocketAddr
where
    F: Fn(WebSocket) -> W + Clone + Send + Sync + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let xml = |body: &'static str| move || async move { ([(header::CONTENT_TYPE, "text/xml")], body) };
    let router = Router::new()
        .route("/api/v1/webhooks/inbound-call", post(xml(twiml)))
        .route("/api/v1/webhooks/stream-ended", post(xml("<Response><Hangup/></Response>")))
        .route("/api/v1/webhooks/call-status", post(async || ""))
        .route("/media", any(async move |upgrade: WebSocketUpgrade| upgrade.on_upgrade(media)));
    scope.serve(router, 0).await.unwrap()
}
