//! The floor under every measurement: how long a byte takes to a task of this process and back, over loopback, while the
//! load runs. What a hop takes beyond it is the engine's.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Hop;

/// Between two measurements.
const EVERY: Duration = Duration::from_millis(10);

/// A measurement in progress.
pub(super) struct Floor {
    stop: CancellationToken,
    task: JoinHandle<Hop>,
}

impl Floor {
    pub(super) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let near = TcpStream::connect(listener.local_addr()?).await?;
        let (far, _) = listener.accept().await?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        tokio::spawn(echo(far));
        let stop = CancellationToken::new();
        let task = tokio::spawn(measure(near, stop.clone()));
        Ok(Floor { stop, task })
    }

    pub(super) async fn stop(self) -> Hop {
        self.stop.cancel();
        self.task.await.unwrap_or_default()
    }
}

async fn measure(mut socket: TcpStream, stop: CancellationToken) -> Hop {
    let mut hop = Hop::default();
    while stop.run_until_cancelled(sleep(EVERY)).await.is_some() {
        let began = Instant::now();
        if round_trip(&mut socket).await.is_err() {
            break;
        }
        hop.record(began.elapsed());
    }
    hop
}

async fn round_trip(socket: &mut TcpStream) -> std::io::Result<()> {
    socket.write_all(&[0]).await?;
    socket.read_exact(&mut [0]).await?;
    Ok(())
}

/// Sends every byte back until the other side closes.
async fn echo(mut socket: TcpStream) {
    let mut byte = [0];
    while socket.read_exact(&mut byte).await.is_ok() && socket.write_all(&byte).await.is_ok() {}
}
