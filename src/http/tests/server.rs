//! Connections as they come to the port: silent, half, slow, honest, too many. The clock stands still while anything is
//! under way, so that a test waits for nothing.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::http::REQUEST_TIMEOUT_MS;
use crate::http::server::{self, CONNECTION_MAX_MS, HEADER_TIMEOUT_MS, SERVER_STOP_TIMEOUT_MS};

const HELLO: &str = "GET / HTTP/1.1\r\nHost: otto.example\r\n\r\n";
/// What a timer may be late by.
const TICK: Duration = Duration::from_millis(5);

struct Door {
    address: SocketAddr,
    end: CancellationToken,
    server: JoinHandle<()>,
}

impl Door {
    /// A server with so many places. Its answers are short, large, or slow by the milliseconds in the path.
    async fn open(places: usize) -> Self {
        let slow = async |axum::extract::Path(ms): axum::extract::Path<u64>| {
            sleep(Duration::from_millis(ms)).await;
            "at last"
        };
        let router = Router::new()
            .route("/", get(async || "hello").post(async |body: String| body))
            .route("/large", get(async || "x".repeat(64 * 1024)))
            .route("/slow/{ms}", get(slow));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, end) = (listener.local_addr().unwrap(), CancellationToken::new());
        let server = server::spawn(listener, router, places, end.clone());
        Self { address, end, server }
    }

    async fn knock(&self, text: &str) -> TcpStream {
        let mut client = TcpStream::connect(self.address).await.unwrap();
        client.write_all(text.as_bytes()).await.unwrap();
        client
    }

    async fn is_answered(&self) -> bool {
        let mut client = self.knock(HELLO).await;
        heard(&mut client, "hello").await
    }
}

/// Whether the server says this; not when it closes the connection instead.
async fn heard(client: &mut TcpStream, text: &str) -> bool {
    let mut all = Vec::new();
    while !String::from_utf8_lossy(&all).ends_with(text) {
        if !matches!(client.read_buf(&mut all).await, Ok(1..)) {
            return false;
        }
    }
    true
}

/// How long it takes until the server has closed the connection.
async fn closed_after(client: &mut TcpStream) -> Duration {
    let begun = Instant::now();
    let mut all = Vec::new();
    while matches!(client.read_buf(&mut all).await, Ok(1..)) {}
    begun.elapsed()
}

fn about(took: Duration, expected: Duration) -> bool {
    (expected..expected + TICK).contains(&took)
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_or_half_of_it_is_closed_in_time() {
    let door = Door::open(8).await;
    for said in ["", "GET", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: otto.example\r\n", HELLO] {
        let mut client = door.knock(said).await;
        let took = closed_after(&mut client).await;
        assert!(about(took, HEADER_TIMEOUT_MS), "{said:?}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_in_drops_is_closed_in_time() {
    let door = Door::open(8).await;
    let (mut answers, mut client) = door.knock("GET / HTTP/1.1\r\nX: ").await.into_split();
    let drops = tokio::spawn(async move {
        while client.write_all(b"x").await.is_ok() {
            sleep(Duration::from_secs(1)).await
        }
    });
    let begun = Instant::now();
    while matches!(answers.read(&mut [0; 64]).await, Ok(1..)) {}
    assert!(about(begun.elapsed(), HEADER_TIMEOUT_MS), "{:?}", begun.elapsed());
    drops.abort();
}

#[tokio::test(start_paused = true)]
async fn a_slow_request_is_answered_when_its_head_comes_in_time() {
    let door = Door::open(8).await;
    let mut client = door.knock("").await;
    for part in ["POST / HTTP/1.1\r\n", "Host: otto.example\r\n", "Content-Length: 4\r\n\r\n", "so", "so"] {
        sleep(HEADER_TIMEOUT_MS / 4).await;
        client.write_all(part.as_bytes()).await.unwrap();
    }
    assert!(heard(&mut client, "soso").await);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_for_further_requests_and_not_for_ever() {
    let door = Door::open(8).await;
    let begun = Instant::now();
    let mut client = door.knock("").await;
    while client.write_all(HELLO.as_bytes()).await.is_ok() && heard(&mut client, "hello").await {
        sleep(HEADER_TIMEOUT_MS * 9 / 10).await;
    }
    assert_eq!(begun.elapsed().as_secs(), 63, "the first request after {CONNECTION_MAX_MS:?} finds it closed");
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_no_answer_does_not_keep_a_place_for_ever() {
    let door = Door::open(1).await;
    let mut client = door.knock("").await;
    let requests = "GET /large HTTP/1.1\r\nHost: otto.example\r\n\r\n".repeat(100);
    while timeout(Duration::from_secs(1), client.write_all(requests.as_bytes())).await.is_ok() {}
    assert!(!door.is_answered().await, "its place is taken");
    sleep(CONNECTION_MAX_MS + REQUEST_TIMEOUT_MS).await;
    assert!(door.is_answered().await);
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn one_too_many_is_closed_at_once_and_served_when_there_is_a_place() {
    let door = Door::open(2).await;
    let silent = [door.knock("").await, door.knock("").await];
    let mut third = door.knock(HELLO).await;
    assert_eq!(closed_after(&mut third).await.as_millis(), 0);
    sleep(HEADER_TIMEOUT_MS + TICK).await;
    assert!(door.is_answered().await, "those who said nothing have lost their places");
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_a_request_in_flight_is_answered_unless_it_takes_too_long() {
    let door = Door::open(8).await;
    let mut idle = door.knock(HELLO).await;
    assert!(heard(&mut idle, "hello").await);
    let mut short = door.knock("GET /slow/1500 HTTP/1.1\r\nHost: otto.example\r\n\r\n").await;
    let mut long = door.knock("GET /slow/9000 HTTP/1.1\r\nHost: otto.example\r\n\r\n").await;
    sleep(Duration::from_millis(500)).await;
    let begun = Instant::now();
    door.end.cancel();
    assert!(closed_after(&mut idle).await < TICK);
    assert!(heard(&mut short, "at last").await);
    assert!(about(begun.elapsed(), Duration::from_millis(1_000)), "{:?}", begun.elapsed());
    assert!(!heard(&mut long, "at last").await);
    door.server.await.unwrap();
    assert!(about(begun.elapsed(), SERVER_STOP_TIMEOUT_MS), "{:?}", begun.elapsed());
    assert!(TcpStream::connect(door.address).await.is_err(), "nobody listens");
}
