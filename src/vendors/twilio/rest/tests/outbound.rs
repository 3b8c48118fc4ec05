//! Calls that Otto places, and text messages: requests as Twilio's document has them, and what becomes of each answer.

use otto_actors::domain::{AnsweredBy, AppointmentId, CallStatus, ReminderId};
use serde_json::{Value, json};

use super::*;

const ACCOUNT: &str = "AC00000000000000000000000000000000";
const CALL: &str = "CA00000000000000000000000000000001";
const SINCE: &str = "2026-11-22T18:00:00.700Z";

struct Here;

impl Callbacks for Here {
    fn document(&self, dial: &Dial) -> String {
        format!("https://h/document?reminder={}&attempt={}", dial.reminder, dial.attempt)
    }
    fn dial_status(&self, dial: &Dial) -> String {
        format!("https://h/status?attempt={}", dial.attempt)
    }
    fn answered_by(&self, dial: &Dial) -> String {
        format!("https://h/amd?attempt={}", dial.attempt)
    }
    fn text_status(&self, order: OutboxId) -> String {
        format!("https://h/sms-status?order={order}")
    }
}

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap()
}

fn outbound() -> Outbound {
    let (calls_from, texts_from) = (Some(number("+15555550100")), Some(number("+15555550101")));
    Outbound { calls_from, texts_from, callbacks: Some(Arc::new(Here)) }
}

fn adapter_with(base: &Url, outbound: Outbound) -> TwilioRest {
    TwilioRest::new(base.clone(), ACCOUNT.into(), SecretString::from("secret"), ending(), outbound).unwrap()
}

fn a_dial() -> Dial {
    let (to, reminder) = (number("+15555550123"), ReminderId(7));
    Dial { to, reminder, attempt: 2, appointment: Some(AppointmentId(5)) }
}

fn a_text() -> Text {
    Text { to: number("+15555550123"), body: "See you at 9 & don't be late.".into(), order: OutboxId(3) }
}

/// Checks that a request is one that Twilio's document describes, and gives its operation and its parameters.
fn checked(request: &Request) -> (String, Vec<(String, String)>) {
    let is_get = request.method == "GET";
    let text = if is_get { request.uri.query().unwrap_or_default() } else { &request.body };
    let params: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let method = if is_get { "get" } else { "post" };
    (openapi::check(method, request.uri.path(), &params), params)
}

fn pairs(params: &[(String, String)]) -> Vec<(&str, &str)> {
    params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn answer(status: u16, body: &Value) -> Answer {
    Answer::new(status).header("content-type", "application/json").chunk(body.to_string())
}

#[tokio::test]
async fn a_call_is_asked_for_as_the_document_has_it() {
    let server = http_server(vec![answer(201, &json!({ "sid": CALL, "status": "queued" }))]).await;
    let adapter = adapter_with(&server.url, outbound());
    assert!(adapter.can_dial());
    assert_eq!(adapter.dial(&a_dial()).await.unwrap().as_str(), CALL);
    let (operation, params) = checked(&server.requests()[0]);
    assert_eq!(operation, "CreateCall");
    assert_eq!(
        pairs(&params),
        [
            ("To", "+15555550123"),
            ("From", "+15555550100"),
            ("Url", "https://h/document?reminder=7&attempt=2"),
            ("Method", "POST"),
            ("StatusCallback", "https://h/status?attempt=2"),
            ("StatusCallbackMethod", "POST"),
            ("StatusCallbackEvent", "initiated"),
            ("StatusCallbackEvent", "ringing"),
            ("StatusCallbackEvent", "answered"),
            ("StatusCallbackEvent", "completed"),
            ("MachineDetection", "DetectMessageEnd"),
            ("AsyncAmd", "true"),
            ("AsyncAmdStatusCallback", "https://h/amd?attempt=2"),
            ("AsyncAmdStatusCallbackMethod", "POST"),
            ("Timeout", "30"),
            ("TimeLimit", "1800"),
        ]
    );
    assert!(server.requests()[0].headers["authorization"].to_str().unwrap().starts_with("Basic "));
}

#[tokio::test]
async fn a_text_is_asked_for_as_the_document_has_it() {
    let sid = format!("SM{}", "0".repeat(32));
    let server = http_server(vec![answer(201, &json!({ "sid": sid, "status": "queued" }))]).await;
    let adapter = adapter_with(&server.url, outbound());
    assert!(adapter.can_text());
    assert_eq!(adapter.text(&a_text()).await.unwrap(), sid);
    let (operation, params) = checked(&server.requests()[0]);
    assert_eq!(operation, "CreateMessage");
    let body = "See you at 9 & don't be late.";
    let status = "https://h/sms-status?order=3";
    let expected = [("To", "+15555550123"), ("From", "+15555550101"), ("Body", body), ("StatusCallback", status)];
    assert_eq!(pairs(&params), expected);
}

/// What is to be done about a failed attempt, and what is said of it.
fn sort(error: &DialError) -> String {
    let (sort, error) = match error {
        DialError::NotNow(error) => ("not now", error),
        DialError::Refused(error) => ("refused", error),
        DialError::Unknown(error) => ("unknown", error),
    };
    format!("{sort}: {}", error.detail)
}

#[tokio::test]
async fn what_became_of_an_attempt_follows_from_the_answer() {
    let error = |status, code: u32| answer(status, &json!({ "code": code, "message": "+15555550123 secret" }));
    for (given, expected) in [
        (error(429, 20_429), "not now: HTTP 429, code 20429"),
        (error(400, 21_211), "refused: HTTP 400, code 21211"),
        (error(400, 21_610), "refused: HTTP 400, code 21610"),
        (error(401, 20_003), "not now: HTTP 401, code 20003"),
        (error(404, 20_404), "refused: HTTP 404, code 20404"),
        (Answer::new(403).chunk("<html>"), "not now: HTTP 403"),
        (Answer::new(408), "unknown: HTTP 408"),
        (error(500, 20_500), "unknown: HTTP 500, code 20500"),
        (Answer::new(503), "unknown: HTTP 503"),
        (Answer::new(302).header("location", "http://127.0.0.1:9/"), "unknown: HTTP 302"),
        (Answer::new(201).chunk("<html>"), "unknown: an answer that is not understood"),
        (answer(201, &json!({ "sid": CALL })).cut(), "unknown: the connection broke"),
    ] {
        for is_call in [true, false] {
            let server = http_server(vec![given.clone()]).await;
            let adapter = adapter_with(&server.url, outbound());
            let error = match is_call {
                true => adapter.dial(&a_dial()).await.unwrap_err(),
                false => adapter.text(&a_text()).await.unwrap_err(),
            };
            assert_eq!(sort(&error), expected);
            assert_eq!(server.requests().len(), 1, "never sent twice: {expected}");
            assert!(!format!("{error:?} {error}").contains("5555550123"));
        }
    }
}

#[tokio::test]
async fn an_answer_without_a_name_leaves_a_doubt() {
    for sid in [json!(null), json!(""), json!("CA/../x"), json!("SM1")] {
        let server = http_server(vec![answer(201, &json!({ "sid": sid }))]).await;
        let error = adapter_with(&server.url, outbound()).dial(&a_dial()).await.unwrap_err();
        assert!(matches!(error, DialError::Unknown(_)), "{sid}: {error:?}");
    }
    let server = http_server(vec![answer(201, &json!({ "sid": CALL }))]).await;
    let error = adapter_with(&server.url, outbound()).text(&a_text()).await.unwrap_err();
    assert!(matches!(error, DialError::Unknown(_)), "{error:?}");
}

#[tokio::test]
async fn the_wish_to_wait_is_passed_on() {
    let server = http_server(vec![Answer::new(429).header("retry-after", "7")]).await;
    let error = adapter_with(&server.url, outbound()).dial(&a_dial()).await.unwrap_err();
    let DialError::NotNow(error) = error else { panic!("{error:?}") };
    assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn nobody_there_has_processed_nothing() {
    let error = adapter_with(&nobody().await, outbound()).dial(&a_dial()).await.unwrap_err();
    assert_eq!(sort(&error), "not now: cannot connect");
}

#[tokio::test]
async fn without_a_number_or_an_address_nothing_is_sent() {
    let server = http_server(vec![Answer::new(201)]).await;
    for outbound in [
        Outbound::default(),
        Outbound { callbacks: None, ..outbound() },
        Outbound { calls_from: None, texts_from: None, ..outbound() },
    ] {
        let adapter = adapter_with(&server.url, outbound);
        assert!(!adapter.can_dial() && !adapter.can_text());
        assert!(matches!(adapter.dial(&a_dial()).await, Err(DialError::Refused(_))));
        assert!(matches!(adapter.text(&a_text()).await, Err(DialError::Refused(_))));
    }
    assert!(server.requests().is_empty());
}

async fn calls_to(server: &HttpServer) -> Result<Vec<PlacedCall>, VendorError> {
    adapter_with(&server.url, outbound()).calls_to(&a_dial().to, SINCE.parse().unwrap()).await
}

fn call_at(n: u8, date_created: Value, status: &str) -> Value {
    json!({ "sid": format!("CA{n}"), "status": status, "direction": "outbound-api", "date_created": date_created,
        "start_time": null, "answered_by": null, "duration": null })
}

#[tokio::test]
async fn calls_since_a_time_are_found_on_every_page() {
    let mut ended = call_at(3, json!("Sun, 22 Nov 2026 18:00:00 +0000"), "completed");
    ended["answered_by"] = json!("machine_start");
    ended["duration"] = json!("41");
    let mut leg = call_at(6, json!("Sun, 22 Nov 2026 18:30:00 +0000"), "completed");
    leg["direction"] = json!("outbound-dial");
    let next =
        format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json?To=%2B15555550123&PageSize=200&Page=1&PageToken=PACA9");
    let first = json!({ "calls": [
        call_at(1, json!("Sun, 22 Nov 2026 17:59:00 +0000"), "no-answer"),
        call_at(2, json!("Sun, 22 Nov 2026 17:59:55 +0000"), "queued"), leg], "next_page_uri": next });
    let second = json!({ "calls": [ended, call_at(4, json!(null), "brand-new"),
        call_at(5, json!("Sun, 22 Nov 2026 18:01:00 +0000"), "in-progress")], "next_page_uri": null });
    let server = http_server(vec![Answer::new(503), answer(200, &first), answer(200, &second)]).await;
    let calls = calls_to(&server).await.unwrap();
    let found: Vec<_> = calls.iter().map(|c| (c.call.as_str(), c.status, c.answered_by, c.duration_s)).collect();
    assert_eq!(
        found,
        [
            ("CA5", CallStatus::InProgress, None, None),
            ("CA3", CallStatus::Completed, Some(AnsweredBy::Machine), Some(41)),
            ("CA2", CallStatus::Queued, None, None),
            ("CA4", CallStatus::Queued, None, None),
        ],
        "whole seconds, a clock that is behind and an unknown time leave nothing out"
    );
    let requests = server.requests();
    assert_eq!(requests.len(), 3, "what may pass is tried again");
    let (operation, params) = checked(&requests[1]);
    assert_eq!(operation, "ListCall");
    assert_eq!(pairs(&params), [("To", "+15555550123"), ("From", "+15555550100"), ("PageSize", "200")]);
    let (_, params) = checked(&requests[2]);
    assert!(pairs(&params).contains(&("PageToken", "PACA9")));
}

#[tokio::test]
async fn the_next_page_is_never_somewhere_else() {
    let page = json!({ "calls": [], "next_page_uri": "http://127.0.0.1:9/2010-04-01/x?Page=1" });
    let server = http_server(vec![answer(200, &page), answer(200, &json!({ "calls": [] }))]).await;
    assert_eq!(calls_to(&server).await, Ok(Vec::new()));
    let paths: Vec<_> = server.requests().iter().map(|request| request.uri.to_string()).collect();
    assert_eq!(paths[1], format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json?Page=1"));
}

#[tokio::test]
async fn a_list_that_is_not_whole_is_an_error() {
    let endless = json!({ "calls": [], "next_page_uri": "/x?Page=1" });
    let nameless = json!({ "calls": [{ "sid": null }] });
    for (given, requests) in [
        (answer(200, &endless), PAGES_MAX),
        (answer(200, &nameless), 1),
        (answer(200, &json!({})), 1 + RETRIES),
        (Answer::new(404), 1),
        (Answer::new(401), 1),
        (Answer::new(500), 1 + RETRIES),
    ] {
        let server = http_server(vec![given]).await;
        let error = calls_to(&server).await.unwrap_err();
        assert_eq!(server.requests().len(), requests, "{error}");
    }
}

#[tokio::test]
async fn texts_since_a_time_are_found() {
    let sid = |n: u8| format!("SM{n}");
    let page = json!({ "messages": [
        { "sid": sid(1), "status": "delivered", "body": "old", "date_created": "Sun, 22 Nov 2026 17:00:00 +0000" },
        { "sid": sid(2), "status": "queued", "body": "new", "date_created": "Sun, 22 Nov 2026 18:00:01 +0000",
          "date_sent": null },
        { "sid": sid(3), "status": null, "body": null, "date_created": null },
    ]});
    let server = http_server(vec![answer(200, &page)]).await;
    let adapter = adapter_with(&server.url, outbound());
    let texts = adapter.texts_to(&a_text().to, SINCE.parse().unwrap()).await.unwrap();
    let found: Vec<_> = texts.iter().map(|t| (t.sid.as_str(), t.status.as_str(), t.body.as_str())).collect();
    assert_eq!(found, [("SM2", "queued", "new"), ("SM3", "queued", "")]);
    let (operation, params) = checked(&server.requests()[0]);
    assert_eq!(operation, "ListMessage");
    assert_eq!(pairs(&params), [("To", "+15555550123"), ("From", "+15555550101"), ("PageSize", "200")]);
}

#[tokio::test]
async fn how_a_call_stands_can_be_asked() {
    let sid = CallSid::parse(CALL).unwrap();
    let busy = json!({ "sid": CALL, "status": "busy", "duration": "0", "answered_by": null, "date_created": "soon" });
    let server = http_server(vec![answer(200, &busy), answer(404, &json!({ "code": 20_404 }))]).await;
    let adapter = adapter_with(&server.url, outbound());
    let (status, duration_s) = (CallStatus::Busy, Some(0));
    let expected = PlacedCall { call: sid.clone(), status, created_at: None, answered_by: None, duration_s };
    assert_eq!(adapter.call(&sid).await, Ok(Some(expected)));
    assert_eq!(checked(&server.requests()[0]).0, "FetchCall");
    assert_eq!(adapter.call(&sid).await, Ok(None), "not known");
}

#[tokio::test]
async fn a_call_that_waits_is_taken_back() {
    let sid = CallSid::parse(CALL).unwrap();
    let over = answer(400, &json!({ "code": 21_220, "message": "Call is not in-progress", "status": 400 }));
    for (given, expected) in [
        (answer(200, &json!({ "sid": CALL, "status": "canceled" })), Ok(())),
        (over, Err(VendorErrorKind::Rejected)),
        (answer(400, &json!({ "code": 20_001 })), Err(VendorErrorKind::Rejected)),
        (answer(404, &json!({ "code": 20_404 })), Err(VendorErrorKind::Rejected)),
    ] {
        let server = http_server(vec![given]).await;
        let taken_back = adapter_with(&server.url, outbound()).cancel(&sid).await;
        assert_eq!(taken_back.map_err(|error| error.kind), expected);
        let (operation, params) = checked(&server.requests()[0]);
        assert_eq!((operation.as_str(), pairs(&params)), ("UpdateCall", vec![("Status", "canceled")]));
    }
}
