//! The media socket over a real connection, with the test in the part of Twilio.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use otto_actors::ports::{MediaAnomaly, MediaEvent, MediaFrame};
use otto_actors::registry::{AttachError, StreamOffer};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

use crate::http::server;
use crate::http::testing::{Edge, Script};
use crate::http::urls::MEDIA_STREAM;

type Phone = WebSocketStream<MaybeTlsStream<TcpStream>>;

const CONNECTED: &str = r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#;
const START: &str = r#"{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"accountSid":"AC1",
    "streamSid":"MZ1","callSid":"CA1","tracks":["inbound"],
    "mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"token":"t1"}}}"#;
const MEDIA: &str =
    r#"{"event":"media","sequenceNumber":"2","streamSid":"MZ1","media":{"track":"inbound","payload":"AQID"}}"#;
const STOP: &str =
    r#"{"event":"stop","sequenceNumber":"3","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}"#;

/// Connections that the server has room for.
const PLACES: usize = 1;

async fn listen(edge: &Edge) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, router) = (listener.local_addr().unwrap(), edge.router.clone());
    server::spawn(listener, router, PLACES, CancellationToken::new());
    address
}

fn signature(edge: &Edge) -> String {
    edge.check.sign("wss://otto.example/api/v1/voice/media-stream", std::iter::empty())
}

async fn dial(edge: &Edge, signed: bool) -> Result<Phone, Error> {
    dial_at(edge, listen(edge).await, signed).await
}

async fn dial_at(edge: &Edge, address: SocketAddr, signed: bool) -> Result<Phone, Error> {
    let mut request = format!("ws://{address}{MEDIA_STREAM}").into_client_request().unwrap();
    if signed {
        request.headers_mut().insert("x-twilio-signature", signature(edge).parse().unwrap());
    }
    connect_async(request).await.map(|(phone, _)| phone)
}

async fn say(phone: &mut Phone, texts: &[&str]) {
    for text in texts {
        phone.send(Message::text(*text)).await.unwrap();
    }
}

async fn connected(script: Script) -> (Edge, Phone) {
    let edge = Edge::new(script).await;
    let phone = dial(&edge, true).await.unwrap();
    (edge, phone)
}

async fn attached() -> (Edge, Phone, StreamOffer) {
    let (mut edge, mut phone) = connected(Script::default()).await;
    say(&mut phone, &[CONNECTED, MEDIA, "junk", START]).await;
    let offer = edge.offers.recv().await.unwrap();
    (edge, phone, offer)
}

async fn close_code(phone: &mut Phone) -> u16 {
    match phone.next().await {
        Some(Ok(Message::Close(Some(frame)))) => frame.code.into(),
        other => panic!("expected a close frame: {other:?}"),
    }
}

#[tokio::test]
async fn a_stream_comes_to_its_call() {
    let (mut edge, mut phone, mut offer) = attached().await;
    assert_eq!(edge.heard.recv().await.unwrap(), "attach CA1 MZ1 t1");
    say(&mut phone, &[MEDIA, r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"m"}}"#, STOP]).await;
    for expected in [MediaEvent::Audio(Bytes::from_static(&[1, 2, 3])), MediaEvent::Mark("m".into()), MediaEvent::Stop]
    {
        assert_eq!(offer.source.next().await, Some(expected));
    }
    phone.close(None).await.unwrap();
    assert_eq!(offer.source.next().await, None);
}

/// A text message as a client sends it.
fn masked(text: &'static str) -> Vec<u8> {
    let mut frame = Frame::message(text, OpCode::Data(Data::Text), true);
    frame.header_mut().mask = Some([7, 1, 2, 3]);
    let mut bytes = Vec::new();
    frame.format(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn what_comes_in_one_packet_with_the_handshake_is_not_lost() {
    let mut edge = Edge::new(Script::default()).await;
    let mut phone = TcpStream::connect(listen(&edge).await).await.unwrap();
    let (key, signature) = (generate_key(), signature(&edge));
    let handshake = format!(
        "GET {MEDIA_STREAM} HTTP/1.1\r\nHost: otto.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nX-Twilio-Signature: {signature}\r\n\r\n"
    );
    let messages = [CONNECTED, START, MEDIA].map(masked).concat();
    phone.write_all(&[handshake.as_bytes(), &messages].concat()).await.unwrap();
    let mut offer = edge.offers.recv().await.unwrap();
    assert_eq!(offer.source.next().await, Some(MediaEvent::Audio(Bytes::from_static(&[1, 2, 3]))));
}

#[tokio::test]
async fn frames_go_out_and_closing_says_goodbye() {
    let (_edge, mut phone, mut offer) = attached().await;
    offer.sink.send(MediaFrame::Audio(Bytes::from_static(&[1, 2, 3]))).await.unwrap();
    offer.sink.send(MediaFrame::Clear).await.unwrap();
    offer.sink.close().await.unwrap();
    for expected in
        [r#"{"event":"media","streamSid":"MZ1","media":{"payload":"AQID"}}"#, r#"{"event":"clear","streamSid":"MZ1"}"#]
    {
        assert_eq!(phone.next().await.unwrap().unwrap(), Message::text(expected));
    }
    assert_eq!(close_code(&mut phone).await, 1000);
    // Both sides read to the end, as they do in a call; then Otto's drops the connection.
    let StreamOffer { mut source, sink, .. } = offer;
    let call = async move {
        let end = source.next().await;
        drop((source, sink));
        end
    };
    let (phone_end, source_end) = tokio::join!(phone.next(), call);
    assert!(phone_end.is_none_or(|end| end.is_err()), "the answer to the close frame ends the socket");
    assert_eq!(source_end, None);
}

#[tokio::test]
async fn wrong_messages_are_reported_and_survived() {
    let (_edge, mut phone, mut offer) = attached().await;
    let large = "x".repeat(100_000);
    say(&mut phone, &[&large, "junk", START]).await;
    phone.send(Message::binary(vec![1, 2])).await.unwrap();
    phone.send(Message::Ping(Bytes::new())).await.unwrap();
    say(&mut phone, &[MEDIA]).await;
    use MediaAnomaly::{Binary, Malformed, SecondStart, TooLarge};
    for anomaly in [TooLarge, Malformed, SecondStart, Binary] {
        assert_eq!(offer.source.next().await, Some(MediaEvent::Anomaly(anomaly)));
    }
    assert_eq!(offer.source.next().await, Some(MediaEvent::Audio(Bytes::from_static(&[1, 2, 3]))));
    assert!(matches!(phone.next().await, Some(Ok(Message::Pong(_)))));
}

#[tokio::test]
async fn a_socket_that_is_not_a_calls_is_closed() {
    for (attach, code) in
        [(AttachError::UnknownCall, 1008), (AttachError::BadToken, 1008), (AttachError::Unavailable, 1011)]
    {
        let (_edge, mut phone) = connected(Script { attach: Err(attach), ..Script::default() }).await;
        // What Twilio goes on sending must not eat the close frame.
        say(&mut phone, &[CONNECTED, START, MEDIA, MEDIA]).await;
        assert_eq!(close_code(&mut phone).await, code, "{attach}");
    }
}

#[tokio::test]
async fn a_start_that_was_not_agreed_is_refused() {
    for (start, code) in [(START.replace("8000", "16000"), 1003), (START.replace("\"AC1\"", "\"AC2\""), 1008)] {
        let (mut edge, mut phone) = connected(Script::default()).await;
        say(&mut phone, &[CONNECTED, &start]).await;
        assert_eq!(close_code(&mut phone).await, code);
        assert!(edge.heard.try_recv().is_err(), "the registry is not asked");
    }
}

#[tokio::test]
async fn an_unsigned_handshake_is_refused_before_the_upgrade() {
    let edge = Edge::new(Script::default()).await;
    let Err(Error::Http(response)) = dial(&edge, false).await else { panic!("must be refused") };
    assert_eq!(response.status(), 403);
    assert_eq!(edge.get(MEDIA_STREAM).await.0, 403);
}

#[tokio::test]
async fn a_media_socket_takes_no_place_from_the_requests() {
    let mut edge = Edge::new(Script::default()).await;
    let address = listen(&edge).await;
    let mut phones = Vec::new();
    for _ in 0..=PLACES {
        phones.push(dial_at(&edge, address, true).await.unwrap());
    }
    say(&mut phones[0], &[CONNECTED, START]).await;
    assert!(edge.offers.recv().await.is_some(), "the first one is alive");
}

#[tokio::test]
async fn too_many_waiting_sockets_are_turned_away() {
    let edge = Edge::with(Script::default(), false, |parts| parts.waiting_sockets_max = 1).await;
    let waiting = dial(&edge, false).await.unwrap();
    let Err(Error::Http(response)) = dial(&edge, false).await else { panic!("must be refused") };
    assert_eq!(response.status(), 503);
    drop(waiting);
    assert_eq!(edge.get(MEDIA_STREAM).await.0, 426, "a plain request");
}
