//! How a program that has started an engine ends before its time: what it does is dropped, and the engine dies with that.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

use super::LoadError;

/// Does the work, unless SIGINT or SIGTERM come first. Then the work is dropped, and every engine that it started is
/// killed.
///
/// # Errors
/// Those of the work, and [`LoadError::ToldToEnd`].
pub async fn unless_told_to_end<T>(work: impl Future<Output = Result<T, LoadError>>) -> Result<T, LoadError> {
    // From here on no signal ends this process in another way, with an engine left behind.
    let listen = |kind| signal(kind).map_err(LoadError::io("cannot listen for signals"));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        outcome = work => outcome,
        _ = interrupt.recv() => Err(LoadError::ToldToEnd("SIGINT")),
        _ = terminate.recv() => Err(LoadError::ToldToEnd("SIGTERM")),
    }
}
