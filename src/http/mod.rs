//! The HTTP edge: one file per resource, each with its `router()` first. A request passes the size limit, then the
//! signature, then its form; [`error`] alone says which status a failure has.

pub mod error;
mod health;
mod media_socket;
mod media_stream;
mod metrics;
mod operator;
pub(crate) mod server;
mod signed;
mod state;
mod upgrade;
mod urls;
mod webhooks;

pub use state::{AppParts, AppState, CalendarParts, OutboundParts};
pub use urls::PublicUrls;

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use self::error::ApiError;

/// Largest body of a request, in bytes; Twilio's forms have about two thousand.
const BODY_MAX_BYTES: usize = 64 * 1024;
/// From a request to its answer. Twilio gives up after 15 s; every ask on the way has a shorter deadline of its own.
const REQUEST_TIMEOUT_MS: Duration = Duration::from_millis(10_000);

/// Everything that Otto answers to. Can be built and called without a socket.
pub fn router(state: AppState) -> Router {
    Router::new()
        .merge(webhooks::router())
        .merge(media_stream::router())
        .merge(health::router())
        .merge(metrics::router())
        .merge(operator::router())
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(TimeoutLayer::with_status_code(error::TIMED_OUT, REQUEST_TIMEOUT_MS))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(state)
}

/// The panic's own text could hold anything, so it goes nowhere.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::Internal.into_response()
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
