//! Logs and metrics of the process. Both are set up once, however many engines a process runs (tests run several).

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use otto_actors::metrics::Metric;
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Upper bounds of the histograms' buckets, in seconds: from a handler's microseconds to a slow turn.
const BUCKETS_SECONDS: [f64; 15] =
    [1e-6, 1e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Of how long calls wait to learn who has their number: fine around what that should take.
const LOOKUP_BUCKETS_SECONDS: [f64; 20] = [
    1e-4, 2e-4, 3e-4, 5e-4, 7.5e-4, 1e-3, 1.5e-3, 2e-3, 3e-3, 5e-3, 7.5e-3, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25,
    1.0, 5.0,
];

/// What is logged unless RUST_LOG says otherwise: libraries only when something is wrong.
const DEFAULT_FILTER: &str = "warn,otto=info,otto_actors=info";

/// Starts the log on standard error. A second call changes nothing.
pub fn start_log(format: LogFormat) {
    start(format, DEFAULT_FILTER);
}

/// Starts a log for a command that prints for itself; `filter` applies unless RUST_LOG says otherwise.
pub fn start_log_above(filter: &str) {
    start(LogFormat::Text, filter);
}

fn start(format: LogFormat, default_filter: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_filter));
    let to_people = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(to_people).with_writer(std::io::stderr);
    // An error means that a log is running already.
    let _ = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    std::panic::set_hook(Box::new(log_panic));
}

/// A panic is a line in the log like any other failure. Its text could hold anything, so only its place is told; the
/// supervisor says what it did about it.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, "panic");
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
        .and_then(|builder| {
            let lookup = Matcher::Full(Metric::CustomerLookupSeconds.name().to_owned());
            builder.set_buckets_for_metric(lookup, &LOOKUP_BUCKETS_SECONDS)
        })
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
