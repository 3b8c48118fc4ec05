//! What Twilio's webhooks are answered.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use otto_actors::domain::PhoneNumber;
use otto_actors::registry::{Admission, StreamEnd};

use crate::http::testing::{ACCOUNT, BASE, Edge, Script, form_request};
use crate::http::urls::{CALL_STATUS, DIAL_ENDED, INBOUND_CALL, STREAM_ENDED};

const FORM: &[(&str, &str)] =
    &[("CallSid", "CA1"), ("AccountSid", ACCOUNT), ("From", "+15555550123"), ("To", "+15555550100"), ("New", "x ")];

#[tokio::test]
async fn a_call_is_connected_with_absolute_urls() {
    let mut edge = Edge::new(Script::default()).await;
    let (status, document) = edge.post(INBOUND_CALL, FORM).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        document,
        "<Response><Connect action=\"https://otto.example/api/v1/webhooks/stream-ended\" method=\"POST\">\
         <Stream url=\"wss://otto.example/api/v1/voice/media-stream\"><Parameter name=\"token\" value=\"t1\"/></Stream>\
         </Connect></Response>"
    );
    assert_eq!(edge.heard.recv().await.unwrap(), "admit CA1 from +15555550123 to +15555550100");
}

#[tokio::test]
async fn a_withheld_number_is_no_error() {
    let mut edge = Edge::new(Script::default()).await;
    let (status, _) = edge.post(INBOUND_CALL, &[("CallSid", "CA1"), ("From", "anonymous")]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(edge.heard.recv().await.unwrap(), "admit CA1 from  to ");
}

#[tokio::test]
async fn refusals_say_what_was_found_and_what_is_expected() {
    let edge = Edge::new(Script::default()).await;
    let long = "x".repeat(70_000);
    for (form, status, words) in [
        (vec![("From", "+15555550123")], StatusCode::BAD_REQUEST, "CallSid: found nothing, expected CA"),
        (vec![("CallSid", "junk")], StatusCode::BAD_REQUEST, "CallSid: found text of another form, expected CA"),
        (vec![("CallSid", "CA1"), ("AccountSid", "AC2")], StatusCode::BAD_REQUEST, "AccountSid: found another account"),
        (vec![("CallSid", "CA1"), ("Long", &long)], StatusCode::PAYLOAD_TOO_LARGE, "at most 64 KiB"),
    ] {
        let (found, body) = edge.post(INBOUND_CALL, &form).await;
        assert_eq!(found, status, "{words}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert!(body["error"].as_str().unwrap().contains(words), "{body}");
    }
    let (status, body) = edge.post(CALL_STATUS, FORM).await;
    assert_eq!((status, body.contains("CallStatus: found nothing")), (StatusCode::BAD_REQUEST, true));
}

#[tokio::test]
async fn unsigned_requests_are_refused_before_anything_else() {
    let edge = Edge::new(Script::default()).await;
    for form in [FORM, &[]] {
        for signature in [None, Some("L/OH5YylLD5NRKLltdqwSvS0BnU=")] {
            let mut request = form_request(INBOUND_CALL, form);
            if let Some(signature) = signature {
                request = request.header("x-twilio-signature", signature);
            }
            let (status, body) = edge.send(request, form).await;
            assert_eq!(status, StatusCode::FORBIDDEN);
            assert!(body.starts_with("{\"error\":"), "{body}");
        }
    }
}

#[tokio::test]
async fn the_signature_covers_the_query() {
    let edge = Edge::new(Script::default()).await;
    let signature = edge.check.sign(&format!("{BASE}{INBOUND_CALL}"), FORM.iter().copied());
    let request = form_request(&format!("{INBOUND_CALL}?a=1"), FORM).header("x-twilio-signature", signature);
    assert_eq!(edge.send(request, FORM).await.0, StatusCode::FORBIDDEN);
    assert_eq!(edge.post(&format!("{INBOUND_CALL}?a=1"), FORM).await.0, StatusCode::OK);
}

#[tokio::test]
async fn other_methods_types_and_paths_are_refused() {
    let edge = Edge::with(Script::default(), false, |_| {}).await;
    assert_eq!(edge.get(INBOUND_CALL).await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(edge.get("/nowhere").await.0, StatusCode::NOT_FOUND);
    let json = Request::builder()
        .method(Method::POST)
        .uri(INBOUND_CALL)
        .header("content-type", "application/json")
        .body(Body::from("{}"))
        .unwrap();
    let (status, body) = edge.call(json).await;
    assert_eq!((status, body.contains("Content-Type")), (StatusCode::BAD_REQUEST, true));
    assert_eq!(edge.send(form_request(INBOUND_CALL, FORM), FORM).await.0, StatusCode::OK, "no token, no signature");
}

#[tokio::test]
async fn a_call_that_is_not_taken_hears_why() {
    for admission in [Admission::Full, Admission::Draining] {
        let script = || Script { admission: admission.clone(), ..Script::default() };
        let (status, document) = Edge::new(script()).await.post(INBOUND_CALL, FORM).await;
        assert_eq!(status, StatusCode::OK);
        assert!(document.contains("lines are busy") && document.contains("<Dial><Number>+15555550199<"), "{document}");
        let edge = Edge::with(script(), true, |parts| parts.escalation = None).await;
        let (_, document) = edge.post(INBOUND_CALL, FORM).await;
        assert!(document.contains("lines are busy") && document.ends_with("<Hangup/></Response>"), "{document}");
        assert!(!document.contains("<Dial>"));
    }
}

#[tokio::test]
async fn without_a_registry_the_caller_hears_an_apology() {
    let edge = Edge::new(Script::default()).await;
    edge.registry.set(None);
    let (status, document) = edge.post(INBOUND_CALL, FORM).await;
    assert_eq!(status, StatusCode::OK);
    assert!(document.contains("technical trouble"), "{document}");
}

#[tokio::test]
async fn the_end_of_a_stream_is_answered_as_the_call_wants() {
    let number = PhoneNumber::parse("+15555550177").unwrap();
    for (end, expected) in [
        (StreamEnd::HangUp, "<Response><Hangup/></Response>"),
        (
            StreamEnd::Transfer(number),
            "<Response><Dial action=\"https://otto.example/api/v1/webhooks/dial-ended\" method=\"POST\">\
             <Number>+15555550177</Number></Dial></Response>",
        ),
        (
            StreamEnd::Apologise,
            "<Response><Say>I&apos;m sorry, we are having technical trouble. Please call again in a few minutes.</Say>\
             <Dial><Number>+15555550199</Number></Dial><Hangup/></Response>",
        ),
        (
            StreamEnd::Say { text: "We open at nine.".into(), then: Box::new(StreamEnd::HangUp) },
            "<Response><Say>We open at nine.</Say><Hangup/></Response>",
        ),
    ] {
        let edge = Edge::new(Script { end, ..Script::default() }).await;
        assert_eq!(edge.post(STREAM_ENDED, FORM).await, (StatusCode::OK, expected.to_owned()));
    }
}

#[tokio::test]
async fn a_transfer_that_fails_is_no_silence() {
    let edge = Edge::new(Script::default()).await;
    for (status, says) in [("completed", false), ("answered", false), ("no-answer", true), ("busy", true)] {
        let (_, document) = edge.post(DIAL_ENDED, &[("CallSid", "CA1"), ("DialCallStatus", status)]).await;
        assert_eq!(document.contains("<Say>"), says, "{status}");
        assert!(document.ends_with("<Hangup/></Response>"));
    }
}

#[tokio::test]
async fn final_states_end_a_call() {
    let mut edge = Edge::new(Script::default()).await;
    for (status, progress) in [
        ("ringing", "Live"),
        ("in-progress", "Live"),
        ("brand-new", "Live"),
        ("completed", "Over"),
        ("busy", "Over"),
        ("failed", "Over"),
        ("no-answer", "Over"),
        ("canceled", "Over"),
    ] {
        let answer = edge.post(CALL_STATUS, &[("CallSid", "CA1"), ("CallStatus", status)]).await;
        assert_eq!(answer, (StatusCode::NO_CONTENT, String::new()));
        assert_eq!(edge.heard.recv().await.unwrap(), format!("status CA1 {progress}"));
    }
}

#[tokio::test]
async fn without_a_calendar_there_is_nothing_to_notify() {
    let edge = Edge::new(Script::default()).await;
    let (status, _) = edge.post("/api/v1/webhooks/calendar/notification", &[]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
