//! What probes and Prometheus are answered.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::http::testing::{Edge, Nothing, Script};

async fn get(edge: &Edge, path: &str) -> (StatusCode, Value) {
    let (status, body) = edge.get(path).await;
    (status, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn all_is_well() {
    let edge = Edge::new(Script::default()).await;
    assert_eq!(get(&edge, "/health/live").await, (StatusCode::OK, json!({"status": "alive"})));
    assert_eq!(get(&edge, "/health/ready").await, (StatusCode::OK, json!({"status": "ready"})));
    for path in ["/health/db", "/health/redis"] {
        assert_eq!(get(&edge, path).await, (StatusCode::OK, json!({"status": "ok"})));
    }
    assert_eq!(get(&edge, "/health/calendar").await, (StatusCode::OK, json!({"status": "off"})));
    let (status, summary) = get(&edge, "/health").await;
    assert_eq!((status, &summary["status"], &summary["calls"]["live"]), (StatusCode::OK, &json!("ok"), &json!(0)));
    assert_eq!(edge.get("/metrics").await.0, StatusCode::OK);
}

#[tokio::test]
async fn not_ready_says_why() {
    let edge = Edge::with(Script::default(), true, |parts| {
        parts.store = Arc::new(Nothing { answers: false });
        parts.cache = Arc::new(Nothing { answers: false });
    })
    .await;
    edge.ready.store(false, Ordering::Release);
    edge.registry.set(None);
    let reasons = json!(["draining", "the store does not answer", "the call registry does not answer"]);
    let expected = json!({"status": "not ready", "reasons": reasons});
    assert_eq!(get(&edge, "/health/ready").await, (StatusCode::SERVICE_UNAVAILABLE, expected));
    for path in ["/health/db", "/health/redis"] {
        assert_eq!(get(&edge, path).await, (StatusCode::SERVICE_UNAVAILABLE, json!({"status": "away"})));
    }
    assert_eq!(get(&edge, "/health").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(&edge, "/health/live").await.0, StatusCode::OK, "a process that drains is alive");
}

#[tokio::test]
async fn a_lost_cache_degrades_and_no_more() {
    let edge = Edge::with(Script::default(), true, |parts| parts.cache = Arc::new(Nothing { answers: false })).await;
    assert_eq!(get(&edge, "/health/ready").await.0, StatusCode::OK);
    let (status, summary) = get(&edge, "/health").await;
    assert_eq!((status, &summary["status"]), (StatusCode::OK, &json!("degraded")));
}
