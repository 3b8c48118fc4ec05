//! What an engine is asked while it runs: its health, and its metrics as Prometheus would read them.

use std::time::Duration;

use prometheus_parse::{HistogramCount, Scrape, Value};
use reqwest::StatusCode;
use tokio::time::sleep;
use url::Url;

use super::lookups::Buckets;

/// How long its metrics may take.
const METRICS_PATIENCE: Duration = Duration::from_secs(2);

/// The way to an engine's answers.
#[derive(Clone, Debug)]
pub(super) struct Questions {
    base: Url,
    http: reqwest::Client,
}

/// What the engine says of itself at one moment; `None` where it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Gauges {
    /// Tasks of its runtime that are alive.
    pub(super) tasks: Option<f64>,
    /// Its actors that are alive.
    pub(super) actors: Option<f64>,
}

impl Questions {
    /// Questions to the engine at an address.
    pub(super) fn new(base: Url, http: reqwest::Client) -> Self {
        Questions { base, http }
    }

    /// The engine's public address.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// Whether it takes calls.
    pub(super) async fn is_ready(&self) -> bool {
        self.get("/health/ready").await.is_some_and(|answer| answer.status() == StatusCode::OK)
    }

    /// What it says of its health.
    pub(super) async fn health(&self) -> Option<serde_json::Value> {
        self.get("/health").await?.json().await.ok()
    }

    /// Its gauges.
    pub(super) async fn gauges(&self) -> Gauges {
        Gauges::of(&self.metrics().await)
    }

    /// Its histogram of look-ups.
    pub(super) async fn lookups(&self) -> Buckets {
        Buckets::of(&self.metrics().await)
    }

    /// The same, later.
    pub(super) async fn lookups_after(self, wait: Duration) -> Buckets {
        sleep(wait).await;
        self.lookups().await
    }

    async fn get(&self, path: &str) -> Option<reqwest::Response> {
        self.http.get(self.base.join(path).ok()?).timeout(METRICS_PATIENCE).send().await.ok()
    }

    async fn metrics(&self) -> Metrics {
        let answer = async { self.get("/metrics").await?.text().await.ok() };
        Metrics::read(&answer.await.unwrap_or_default())
    }
}

impl Gauges {
    fn of(metrics: &Metrics) -> Self {
        Gauges { tasks: metrics.gauge("otto_runtime_tasks_live"), actors: metrics.gauge("otto_actors_live") }
    }
}

/// The engine's metrics at one moment.
pub(super) struct Metrics(Scrape);

impl Metrics {
    /// Reads an answer of `/metrics`; what makes no sense is left out.
    pub(super) fn read(text: &str) -> Self {
        let (docs, samples) = Default::default();
        let nothing = |_| Scrape { docs, samples };
        Metrics(Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap_or_else(nothing))
    }

    /// A gauge, added up over its labels; `None` where there is none of this name.
    fn gauge(&self, name: &str) -> Option<f64> {
        let values = self.0.samples.iter().filter(|sample| sample.metric == name).filter_map(|sample| {
            let Value::Gauge(value) = sample.value else { return None };
            Some(value)
        });
        values.reduce(|sum, value| sum + value)
    }

    /// A histogram's buckets where a label has this value; empty where there is none.
    pub(super) fn histogram(&self, name: &str, label: &str, value: &str) -> &[HistogramCount] {
        let found =
            |sample: &&prometheus_parse::Sample| sample.metric == name && sample.labels.get(label) == Some(value);
        match self.0.samples.iter().find(found).map(|sample| &sample.value) {
            Some(Value::Histogram(buckets)) => buckets,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_are_added_over_their_labels() {
        let text = "# TYPE otto_actors_live gauge\notto_actors_live{actor=\"call\"} 3\notto_actors_live{actor=\"stt\"} 2\n\
                    # TYPE otto_actors_live_else gauge\notto_actors_live_else 9\n\
                    # TYPE otto_runtime_tasks_live gauge\notto_runtime_tasks_live 41\n";
        assert_eq!(Gauges::of(&Metrics::read(text)), Gauges { tasks: Some(41.0), actors: Some(5.0) });
        assert_eq!(Gauges::of(&Metrics::read("# TYPE otto_calls_live gauge\notto_calls_live 1\n")), Gauges::default());
        assert_eq!(Gauges::of(&Metrics::read("<html>")), Gauges::default());
    }
}
