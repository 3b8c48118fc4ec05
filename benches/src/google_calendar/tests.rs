//! The calendar's rules, over HTTP once for the tokens and directly for the rest.

use serde_json::json;

use super::calendar::{Calendars, ListQuery};
use super::*;
use crate::testing::{env, world};

fn event(id: &str, hour: u32) -> Value {
    json!({"id": id, "summary": "Oil change", "extendedProperties": {"private": {"appointment_id": id}},
        "start": {"dateTime": format!("2026-12-01T{hour:02}:00:00-06:00")},
        "end": {"dateTime": format!("2026-12-01T{:02}:00:00-06:00", hour + 1)}})
}

fn bay() -> Calendars {
    Calendars::new(&["bay".to_owned()])
}

fn status<T>(result: Result<T, calendar::Failure>) -> u16 {
    result.map_or_else(|failure| failure.0, |_| 200)
}

#[test]
fn an_identity_is_used_once_and_deleted_once() {
    let mut calendars = bay();
    assert_eq!(status(calendars.insert("bay", event("aaaaa", 9))), 200);
    assert_eq!(status(calendars.insert("bay", event("aaaaa", 10))), 409);
    assert_eq!(status(calendars.insert("bay", event("WRONG", 10))), 400);
    assert_eq!(status(calendars.insert("none", event("aaaaa", 9))), 404);
    assert_eq!(status(calendars.delete("bay", "aaaaa", None)), 200);
    assert_eq!(status(calendars.delete("bay", "aaaaa", None)), 410);
    assert_eq!(calendars.get("bay", "aaaaa").unwrap()["status"], "cancelled");
    assert_eq!(status(calendars.insert("bay", event("aaaaa", 9))), 409);
}

#[test]
fn a_stale_etag_is_refused_and_a_patch_merges() {
    let mut calendars = bay();
    let first = calendars.insert("bay", event("aaaaa", 9)).unwrap();
    let etag = first["etag"].as_str();
    let change = json!({"summary": "Brakes", "extendedProperties": {"private": {"call_sid": "CA1"}}});
    let second = calendars.patch("bay", "aaaaa", &change, etag).unwrap();
    assert_eq!(second["extendedProperties"]["private"], json!({"appointment_id": "aaaaa", "call_sid": "CA1"}));
    assert_eq!(status(calendars.patch("bay", "aaaaa", &change, etag)), 412);
}

#[test]
fn free_busy_merges_and_puts_errors_inside() {
    let mut calendars = bay();
    calendars.insert("bay", event("aaaaa", 9)).unwrap();
    calendars.insert("bay", event("bbbbb", 10)).unwrap();
    let body = json!({"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z",
        "items": [{"id": "bay"}, {"id": "none"}]});
    let answer = calendars.free_busy(&body, false).unwrap();
    let busy = json!([{"start": "2026-12-01T15:00:00Z", "end": "2026-12-01T17:00:00Z"}]);
    assert_eq!(answer["calendars"]["bay"]["busy"], busy);
    assert_eq!(answer["calendars"]["none"]["errors"][0]["reason"], "notFound");
}

#[test]
fn a_list_finds_private_properties() {
    let mut calendars = bay();
    calendars.insert("bay", event("aaaaa", 9)).unwrap();
    calendars.insert("bay", event("bbbbb", 10)).unwrap();
    let query = ListQuery { properties: vec![("appointment_id".into(), "bbbbb".into())], ..ListQuery::default() };
    let found = calendars.list("bay", &query).unwrap();
    assert_eq!(found.iter().map(|event| event["id"].as_str().unwrap()).collect::<Vec<_>>(), ["bbbbb"]);
}

#[test]
fn a_sync_token_brings_what_has_changed_since_page_by_page() {
    let mut calendars = bay();
    for id in ["aaaaa", "bbbbb", "ccccc"] {
        calendars.insert("bay", event(id, 9)).unwrap();
    }
    let query = |sync: Option<&Value>, page: Option<&Value>| ListQuery {
        show_deleted: true,
        max_results: 2,
        sync_token: sync.map(|token| token.as_str().unwrap().to_owned()),
        page_token: page.map(|token| token.as_str().unwrap().to_owned()),
        ..ListQuery::default()
    };
    let first = calendars.page("bay", &query(None, None)).unwrap();
    assert!(first["items"].as_array().unwrap().len() == 2 && first["nextSyncToken"].is_null());
    let last = calendars.page("bay", &query(None, Some(&first["nextPageToken"]))).unwrap();
    assert!(last["items"].as_array().unwrap().len() == 1 && last["nextPageToken"].is_null());
    calendars.delete("bay", "bbbbb", None).unwrap();
    let changed = calendars.page("bay", &query(Some(&last["nextSyncToken"]), None)).unwrap();
    assert_eq!((&changed["items"][0]["status"], &changed["items"][1]), (&json!("cancelled"), &Value::Null));
    let filtered = ListQuery { show_deleted: false, ..query(Some(&last["nextSyncToken"]), None) };
    assert_eq!(status(calendars.page("bay", &filtered)), 400);
    calendars.forget_syncs();
    assert_eq!(status(calendars.page("bay", &query(Some(&last["nextSyncToken"]), None))), 410);
}

#[test]
fn an_event_that_moves_keeps_its_id_and_leaves_a_deleted_one_behind() {
    let mut calendars = Calendars::new(&["bay".to_owned(), "pit".to_owned()]);
    calendars.insert("bay", event("aaaaa", 9)).unwrap();
    assert_eq!(status(calendars.move_to("bay", "none", "aaaaa")), 404);
    let changed = |calendars: &Calendars, calendar: &str| {
        let query = ListQuery { show_deleted: true, sync_token: Some("s1".into()), ..ListQuery::default() };
        let found = calendars.list(calendar, &query).unwrap();
        found.iter().map(|event| format!("{} {}", event["id"], event["status"])).collect::<Vec<_>>()
    };
    assert_eq!(changed(&calendars, "bay"), Vec::<String>::new());
    let moved = calendars.move_to("bay", "pit", "aaaaa").unwrap();
    assert_eq!((&moved["id"], &moved["organizer"]["email"]), (&json!("aaaaa"), &json!("pit")));
    assert_eq!(changed(&calendars, "bay"), [r#""aaaaa" "cancelled""#]);
    assert_eq!(changed(&calendars, "pit"), [r#""aaaaa" "confirmed""#]);
    assert_eq!(status(calendars.move_to("bay", "pit", "aaaaa")), 410, "it is there no more");
    assert_eq!(status(calendars.move_to("pit", "bay", "aaaaa")), 200, "and back");
}

#[tokio::test]
async fn a_token_is_needed_and_can_be_fetched() {
    let world = world().await;
    let client = reqwest::Client::new();
    let events =
        format!("{}/calendar/v3/calendars/bay1@group.calendar.google.com/events", env(&world, "GOOGLE_API_URL"));
    assert_eq!(client.get(&events).bearer_auth("old").send().await.unwrap().status(), 401);
    let refresh = |token: &'static str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
            ("refresh_token", token),
        ];
        client.post(env(&world, "GOOGLE_TOKEN_URL")).form(&form).send()
    };
    assert_eq!(refresh("revoked").await.unwrap().status(), 400);
    let answer: Value = refresh(REFRESH_TOKEN).await.unwrap().json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(client.post(&events).bearer_auth(token).json(&event("aaaaa", 9)).send().await.unwrap().status(), 200);
    assert_eq!(world.calendar.events("bay1@group.calendar.google.com").len(), 1);
    world.shutdown().await;
}
