//! Logs and metrics of the process. Both are set up once, however many engines a process runs (tests run several).

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use otto_actors::metrics::Metric;
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Upper bounds of the histograms' buckets, in seconds: from a handler's microseconds to a slow turn.
const BUCKETS_SECONDS: [f64; 15] =
    [1e-6, 1e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// What is logged unless RUST_LOG says otherwise: libraries only when something is wrong.
const DEFAULT_FILTER: &str = "warn,otto=info,otto_actors=info";

/// Starts the log on standard error. A second call changes nothing.
pub fn start_log(format: LogFormat) {
    start(format, DEFAULT_FILTER);
}

/// Starts a log that only speaks when something is wrong.
pub fn start_quiet_log() {
    start(LogFormat::Text, "warn");
}

fn start(format: LogFormat, default_filter: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_filter));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error means that a log is running already.
    let _ = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}

/// The process's metrics, started with the first call.
///
/// # Errors
/// When another recorder has been installed by somebody else.
pub fn metrics() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    HANDLE.get_or_init(install).clone().map_err(anyhow::Error::msg)
}

fn install() -> Result<PrometheusHandle, String> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS_SECONDS)
        .map_err(|error| error.to_string())?;
    let handle = builder.install_recorder().map_err(|error| error.to_string())?;
    describe();
    Ok(handle)
}

fn describe() {
    for (metric, help) in Metric::ALL {
        let name = metric.name();
        match name {
            _ if name.ends_with("_total") => metrics::describe_counter!(name, *help),
            _ if name.ends_with("_seconds") => metrics::describe_histogram!(name, metrics::Unit::Seconds, *help),
            _ => metrics::describe_gauge!(name, *help),
        }
    }
    metrics::describe_counter!(crate::http::error::REJECTED_METRIC, "Requests that the HTTP edge refused, by reason");
}
