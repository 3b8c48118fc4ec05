//! Tiny servers for the adapters' tests: one plays a script on a WebSocket, one answers HTTP requests in order. They
//! write down what they hear.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, Method, Response, Uri};
use axum::routing::any;
use futures_util::{SinkExt, StreamExt, stream};
use otto_actors::ports::{SttEvent, SttInput, SttSession, VendorError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

/// A line of a socket's script.
#[derive(Clone)]
pub(crate) enum Say {
    Text(String),
    Binary(Vec<u8>),
    Close(u16, &'static str),
    /// Ends the connection without a close frame.
    Drop,
    /// Waits until this many messages have come.
    AfterMessages(usize),
}

/// What a server heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The `Authorization` header.
    Header(String),
    Text(String),
    Binary(Vec<u8>),
}

/// A server that plays a script on every socket.
pub(crate) struct SocketServer {
    pub(crate) url: Url,
    heard: Arc<Mutex<Vec<Heard>>>,
    task: JoinHandle<()>,
}

impl SocketServer {
    pub(crate) async fn heard(&self) -> Vec<Heard> {
        tokio::task::yield_now().await;
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for SocketServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Script = (Arc<Vec<Say>>, Arc<Mutex<Vec<Heard>>>);

pub(crate) async fn socket_server(script: Vec<Say>) -> SocketServer {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let router = Router::new().fallback(upgrade).with_state((Arc::new(script), Arc::clone(&heard)));
    let (url, task) = serve(router, "ws").await;
    SocketServer { url, heard, task }
}

async fn upgrade(State((script, heard)): State<Script>, headers: HeaderMap, ws: WebSocketUpgrade) -> Response<Body> {
    let authorization = headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
    heard.lock().unwrap().push(Heard::Header(authorization));
    ws.on_upgrade(move |socket| play(socket, script, heard))
}

async fn play(mut socket: WebSocket, script: Arc<Vec<Say>>, heard: Arc<Mutex<Vec<Heard>>>) {
    let mut messages = 0;
    for line in script.iter().cloned() {
        match line {
            Say::Text(text) => socket.send(Message::Text(text.into())).await.unwrap(),
            Say::Binary(data) => socket.send(Message::Binary(data.into())).await.unwrap(),
            Say::Close(code, reason) => {
                socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await.unwrap();
            }
            Say::Drop => return,
            Say::AfterMessages(count) => {
                while messages < count {
                    messages += usize::from(listen(&mut socket, &heard).await);
                }
            }
        }
    }
    // The peer answers the close frame, or reads until it is tired.
    while let Ok(Some(Ok(_))) = tokio::time::timeout(Duration::from_millis(500), socket.recv()).await {}
}

async fn listen(socket: &mut WebSocket, heard: &Mutex<Vec<Heard>>) -> bool {
    let message = match socket.recv().await.expect("a message").expect("an intact socket") {
        Message::Text(text) => Heard::Text(text.to_string()),
        Message::Binary(data) => Heard::Binary(data.to_vec()),
        _ => return false,
    };
    heard.lock().unwrap().push(message);
    true
}

/// Gives a session audio, no audio, a keep-alive and the end, in this order, and listens until it is over.
pub(crate) async fn hear_out(mut session: SttSession) -> Vec<Result<SttEvent, VendorError>> {
    for input in [
        SttInput::Audio(Bytes::from_static(&[1, 2, 3])),
        SttInput::Audio(Bytes::new()),
        SttInput::KeepAlive,
        SttInput::Finish,
    ] {
        session.input.send(input).await.unwrap();
    }
    session.events.collect().await
}

/// One answer of an HTTP server.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    chunks: Vec<Bytes>,
    /// The connection breaks after the last chunk.
    cut: bool,
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), chunks: Vec::new(), cut: false }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn chunk(mut self, chunk: impl Into<Bytes>) -> Self {
        self.chunks.push(chunk.into());
        self
    }

    pub(crate) fn cut(mut self) -> Self {
        self.cut = true;
        self
    }

    fn response(self) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let chunks = stream::iter(self.chunks.into_iter().map(Ok));
        // While the body is pending, what came before leaves.
        let end = stream::iter(self.cut.then_some(())).then(|()| async {
            tokio::task::yield_now().await;
            Err(std::io::Error::other("cut"))
        });
        response.body(Body::from_stream(chunks.chain(end))).unwrap()
    }
}

/// A request as an HTTP server heard it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A server that gives its answers in order, the last one again and again.
pub(crate) struct HttpServer {
    pub(crate) url: Url,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl HttpServer {
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn http_server(answers: Vec<Answer>) -> HttpServer {
    let requests = Arc::new(Mutex::new(Vec::<Request>::new()));
    let log = Arc::clone(&requests);
    let answer = move |method: Method, uri: Uri, headers: HeaderMap, body: String| {
        let mut log = log.lock().unwrap();
        let answer = answers[log.len().min(answers.len() - 1)].clone();
        log.push(Request { method, uri, headers, body });
        std::future::ready(answer.response())
    };
    let (url, task) = serve(Router::new().fallback_service(any(answer)), "http").await;
    HttpServer { url, requests, task }
}

async fn serve(router: Router, scheme: &str) -> (Url, JoinHandle<()>) {
    super::crypto::install();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("{scheme}://{}", listener.local_addr().unwrap()).parse().unwrap();
    (url, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
}

/// The address of a port at which nobody listens.
pub(crate) async fn nobody() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()
}
