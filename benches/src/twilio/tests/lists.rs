//! Lists of calls and text messages: what they include, how their pages follow one another, and that they may lag.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;

use super::desk::{CALLEE, Desk};
use super::*;

const OTHER: &str = "+12175550177";

/// A desk whose platform has a clock that is set by hand, in seconds since the beginning.
async fn desk() -> (Desk, Arc<AtomicI64>) {
    let (desk, seconds) = (Desk::speaking().await, Arc::new(AtomicI64::new(0)));
    let began: DateTime<Utc> = "2026-11-24T00:00:00Z".parse().unwrap();
    let now = Arc::clone(&seconds);
    desk.world.twilio.set_clock(move || began + TimeDelta::seconds(now.load(Ordering::SeqCst)));
    (desk, seconds)
}

/// Sids in a list.
fn sids(list: &Value, name: &str) -> Vec<String> {
    list[name].as_array().unwrap().iter().map(|item| item["sid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn calls_are_found_by_number_time_and_status() {
    let (desk, seconds) = desk().await;
    desk.world.twilio.phone(CALLEE, vec![Answer::Busy, Answer::Failed]);
    let mut placed = Vec::new();
    for (index, at) in [60, 90_000].into_iter().enumerate() {
        seconds.store(at, Ordering::SeqCst);
        placed.push(desk.dial(&[]).await);
        desk.world.twilio.ended_calls().wait_for(index).await;
    }
    let (first, second) = (vec![placed[0].clone()], vec![placed[1].clone()]);
    let newest_first = vec![placed[1].clone(), placed[0].clone()];
    for (query, expected) in [
        ("", newest_first.clone()),
        ("?To=%2B12175550123", newest_first.clone()),
        ("?To=%2B12175550177", vec![]),
        ("?Status=failed", second.clone()),
        ("?StartTime%3E=2026-11-25", second.clone()),
        ("?StartTime%3E=2026-11-24T00:01:00Z", newest_first.clone()),
        ("?StartTime%3E=2026-11-24T00:01:01Z&Status=busy", vec![]),
        ("?StartTime%3C=2026-11-25", first.clone()),
        ("?StartTime=2026-11-24", first),
    ] {
        let (status, list) = desk.get(&format!("/Calls.json{query}")).await;
        assert_eq!((status, sids(&list, "calls")), (200, expected), "{query}");
    }
    let (_, page) = desk.get("/Calls.json?To=%2B12175550123&PageSize=1").await;
    assert_eq!((sids(&page, "calls"), page["page"].as_u64()), (second, Some(0)));
    let next = desk.follow(&page["next_page_uri"]).await;
    assert_eq!((sids(&next, "calls"), &next["next_page_uri"]), (vec![placed[0].clone()], &Value::Null));
    assert_eq!(next["calls"][0]["date_created"], "Tue, 24 Nov 2026 00:01:00 +0000");
    desk.world.twilio.knobs().update(|settings| settings.list_lag = Duration::from_secs(30));
    assert_eq!(sids(&desk.get("/Calls.json").await.1, "calls").len(), 1, "the newest is not there yet");
    seconds.store(90_030, Ordering::SeqCst);
    assert_eq!(sids(&desk.get("/Calls.json").await.1, "calls").len(), 2);
    assert_eq!(desk.get("/Calls.json?StartTime=yesterday").await.0, 400);
    assert_eq!(desk.get("/Calls/CAnone.json").await.0, 404);
    let requests = desk.world.twilio.rest_requests().all();
    assert!(requests.iter().any(|r| r.method == "GET" && r.params == [("Status".into(), "failed".into())]));
    desk.close().await;
}

#[tokio::test]
async fn text_messages_are_found_by_receiver_and_time() {
    let (desk, _seconds) = desk().await;
    let url = format!("{}/texted", super::desk::BASE);
    for to in [CALLEE, OTHER] {
        let form = [("To", to), ("From", crate::PHONE_NUMBER), ("Body", "See you tomorrow"), ("StatusCallback", &url)];
        assert_eq!(desk.post("/Messages.json", &form).await.0, 201);
    }
    for index in 0..4 {
        desk.hooks.wait_for(index).await;
    }
    for (query, expected) in
        [("", 2), ("?To=%2B12175550177", 1), ("?DateSent%3E=2026-11-24", 2), ("?DateSent%3E=2026-11-25", 0)]
    {
        let (status, list) = desk.get(&format!("/Messages.json{query}")).await;
        assert_eq!((status, sids(&list, "messages").len()), (200, expected), "{query}");
    }
    desk.close().await;
}
