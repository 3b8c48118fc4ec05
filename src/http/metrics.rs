//! `GET /metrics`: what Prometheus reads.

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::runtime::Handle;

use super::state::AppState;

pub(super) fn router() -> Router<AppState> {
    metrics::describe_gauge!(TASKS_METRIC, "Tasks of the process's runtime alive now, of calls and of everything else");
    Router::new().route("/metrics", get(render))
}

/// A task that outlives its call shows here, whoever started it.
const TASKS_METRIC: &str = "otto_runtime_tasks_live";

async fn render(State(state): State<AppState>) -> impl IntoResponse {
    let tasks = Handle::current().metrics().num_alive_tasks();
    metrics::gauge!(TASKS_METRIC).set(u32::try_from(tasks).unwrap_or(u32::MAX));
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.render())
}
