//! A loopback server per vendor. Everything it starts ends with the world: the listener by graceful shutdown, sockets
//! and streams because their tasks are tracked and watch the same token.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocket;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Bytes that a WebSocket reads at once. tungstenite zero-fills its buffer before every read, so a large one is dear.
pub(crate) const SOCKET_READ_BUFFER_BYTES: usize = 4_096;

/// How long a closed socket waits for the peer's close frame.
const LINGER: Duration = Duration::from_secs(1);

/// What a vendor needs to start tasks that end with the world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Scope {
    /// Serves `router` on this loopback port, 0 being any free one, until the scope ends.
    pub(crate) async fn serve(&self, router: Router, port: u16) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "no TCP_NODELAY");
            }
        });
        let stopped = self.stop.clone().cancelled_owned();
        self.tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
                tracing::error!(%error, "simulated vendor stopped");
            }
        });
        Ok(address)
    }

    /// Runs `work` until it is done or the scope ends; `None` in the second case.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.tasks.track_future(self.stop.run_until_cancelled(work)).await
    }

    /// Ends every task of the scope and waits for them.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Reads a socket on which a close frame was sent until the peer has answered it: closing at once would reset the
/// connection when unread data is there, and the peer would lose the close frame.
pub(crate) async fn linger(mut socket: WebSocket) {
    let drained = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = tokio::time::timeout(LINGER, drained).await;
}
