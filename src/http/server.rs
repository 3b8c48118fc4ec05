//! The listening socket and its connections: how many there may be, and how long each may keep its place without a
//! request. Apart from the routes, because all of it comes before the first byte is understood: whoever can reach the
//! port can open connections, and none of them may keep a call from getting through.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use metrics::Label;
use otto_actors::metrics::Metric;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::REQUEST_TIMEOUT_MS;

/// From the opening of a connection, or from the answer before, to the end of the next request's head. Silence, half a
/// head and an idle keep-alive are over then.
pub(super) const HEADER_TIMEOUT_MS: Duration = Duration::from_millis(10_000);
/// A connection this old takes no more requests, and the last one gets [`REQUEST_TIMEOUT_MS`]: a client that reads no
/// answers keeps its place no longer than that.
pub(super) const CONNECTION_MAX_MS: Duration = Duration::from_millis(60_000);
/// At the end of the server, requests in flight get this long.
pub(crate) const SERVER_STOP_TIMEOUT_MS: Duration = Duration::from_millis(2_000);
/// When a connection cannot be accepted, most likely because the process has no file left for it, the next attempt
/// waits this long: connections end meanwhile, and the processor is left to the calls.
const ACCEPT_PAUSE_MS: Duration = Duration::from_millis(100);
/// Connections that a call may have at the same time: its webhook, and the handshake of its media socket.
const CONNECTIONS_PER_CALL: usize = 2;
/// Connections beyond those of all calls: probes, operators, scrapes, calls that are refused, strangers.
const SPARE_CONNECTIONS: usize = 256;

/// Connections at the same time, with room for so many calls. A media socket gives its place back when the handshake is
/// done: from then on the limits of waiting sockets and of calls hold.
pub(crate) fn connections_max(max_calls: usize) -> usize {
    max_calls * CONNECTIONS_PER_CALL + SPARE_CONNECTIONS
}

/// Answers requests until `end`.
pub(crate) fn spawn(
    listener: TcpListener,
    router: Router,
    connections_max: usize,
    end: CancellationToken,
) -> JoinHandle<()> {
    let places = Arc::new(Semaphore::new(connections_max));
    tokio::spawn(Server { router, places, open: TaskTracker::new(), end }.run(listener))
}

struct Server {
    router: Router,
    places: Arc<Semaphore>,
    open: TaskTracker,
    end: CancellationToken,
}

impl Server {
    async fn run(self, listener: TcpListener) {
        let _: Option<()> = self.end.run_until_cancelled(self.accept(&listener)).await;
        drop(listener);
        self.open.close();
        self.open.wait().await;
    }

    async fn accept(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => self.admit(stream),
                Err(error) => {
                    refused("accept");
                    if !is_of_one_connection(&error) {
                        warn!(%error, "connections cannot be accepted");
                        sleep(ACCEPT_PAUSE_MS).await;
                    }
                }
            }
        }
    }

    /// Serves a connection, or closes it at once when there is no place for it: those that wait in silence give theirs
    /// back soon, and a connection that waited for that would look like a server that does not answer.
    fn admit(&self, stream: TcpStream) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            debug!("connection refused: no place");
            return refused("full");
        };
        // Small frames must not wait for each other; a socket that refuses is only slower.
        let _ = stream.set_nodelay(true);
        self.open.spawn(serve(stream, self.router.clone(), self.end.clone(), place));
    }
}

/// Serves one connection. The stream is handed on as it is to whoever upgrades it (`upgrade.rs`).
async fn serve(stream: TcpStream, router: Router, end: CancellationToken, _place: OwnedSemaphorePermit) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT_MS);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).with_upgrades();
    let mut connection = pin!(connection);
    let last_request = tokio::select! {
        // How a connection ends is its client's affair.
        _ = connection.as_mut() => return,
        () = sleep(CONNECTION_MAX_MS) => REQUEST_TIMEOUT_MS,
        () = end.cancelled() => SERVER_STOP_TIMEOUT_MS,
    };
    connection.as_mut().graceful_shutdown();
    let _ = timeout(last_request, connection).await;
}

/// Whether only the connection at hand has failed; the next one may be accepted at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn refused(reason: &'static str) {
    Metric::ConnectionsRefused.counter(vec![Label::from_static_parts("reason", reason)]).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_for_lack_of_files_is_not_tried_again_at_once() {
        for (error, of_one) in [
            (io::Error::from(io::ErrorKind::ConnectionAborted), true),
            (io::Error::from(io::ErrorKind::ConnectionReset), true),
            // EMFILE, ENFILE, ENOMEM.
            (io::Error::from_raw_os_error(24), false),
            (io::Error::from_raw_os_error(23), false),
            (io::Error::from_raw_os_error(12), false),
        ] {
            assert_eq!(is_of_one_connection(&error), of_one, "{error}");
        }
    }

    #[test]
    fn every_call_has_room_for_its_webhook_and_its_handshake() {
        assert_eq!(connections_max(100), 456);
    }
}
