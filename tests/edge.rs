//! The HTTP edge as Twilio and a stranger meet it: signatures, tokens, forms, a full house, probes.

use otto_sim::twilio::{media_handshake, parse_twiml, sign};
use otto_sim::{ACCOUNT_SID, AUTH_TOKEN};

use crate::support::{MARIA, STRANGER, Tweaks, Workshop};
use otto_sim::openai::Receptionist;

const INBOUND: &str = "/api/v1/webhooks/inbound-call";
const CALL: &str = "CA0123456789abcdef0123456789abcdef";

fn form(call: &str) -> Vec<(String, String)> {
    let fields = [
        ("CallSid", call),
        ("AccountSid", ACCOUNT_SID),
        ("From", STRANGER),
        ("To", "+12175550100"),
        ("CallStatus", "in-progress"),
    ];
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

async fn post(workshop: &Workshop, path: &str, form: &[(String, String)], signature: Option<String>) -> (u16, String) {
    let mut request = reqwest::Client::new().post(workshop.url(path)).form(form);
    if let Some(signature) = signature {
        request = request.header("X-Twilio-Signature", signature);
    }
    let response = request.send().await.expect("an answer");
    (response.status().as_u16(), response.text().await.expect("a body"))
}

async fn signed_post(workshop: &Workshop, path: &str, form: &[(String, String)]) -> (u16, String) {
    let signature = sign(&workshop.url(path), form, AUTH_TOKEN);
    post(workshop, path, form, Some(signature)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_need_twilios_signature() {
    let workshop = Workshop::open(61).await;
    let paths = ["inbound-call", "stream-ended", "call-status"].map(|name| format!("/api/v1/webhooks/{name}"));
    for path in &paths {
        let (form, url) = (form(CALL), workshop.url(path));
        assert_eq!(post(&workshop, path, &form, None).await.0, 403, "{path}");
        let wrong_key = sign(&url, &form, "another token");
        assert_eq!(post(&workshop, path, &form, Some(wrong_key)).await.0, 403, "{path}");
        let wrong_form = sign(&url, &form[1..], AUTH_TOKEN);
        assert_eq!(post(&workshop, path, &form, Some(wrong_form)).await.0, 403, "{path}");
        let (status, body) = signed_post(&workshop, path, &form).await;
        assert!(status < 300, "{path} {status} {body}");
    }
    workshop.app.calls.call_status(&CALL.parse_sid(), otto_actors::registry::CallProgress::Over);
    workshop.close().await;
}

trait ParseSid {
    fn parse_sid(&self) -> otto_actors::domain::CallSid;
}

impl ParseSid for &str {
    fn parse_sid(&self) -> otto_actors::domain::CallSid {
        otto_actors::domain::CallSid::parse(self).expect("a sid")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_form_says_what_is_wrong() {
    let workshop = Workshop::open(62).await;
    for bad in [vec![], vec![("From".to_owned(), MARIA.to_owned())], form("not a sid")] {
        let (status, body) = signed_post(&workshop, INBOUND, &bad).await;
        assert_eq!(status, 400, "{body}");
        assert!(body.contains("CallSid") && body.contains("expected"), "{body}");
    }
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_needs_a_signed_handshake() {
    let workshop = Workshop::open(63).await;
    let url = workshop.app.public.media_stream().parse().expect("a url");
    let local = workshop.app.address;
    assert!(media_handshake(&url, local, None).await.is_err(), "unsigned");
    assert!(media_handshake(&url, local, Some("another token")).await.is_err(), "wrongly signed");
    assert!(media_handshake(&url, local, Some(AUTH_TOKEN)).await.is_ok(), "signed");
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_call_is_a_stream_with_a_token() {
    let workshop = Workshop::open(64).await;
    let (status, twiml) = signed_post(&workshop, INBOUND, &form(CALL)).await;
    assert_eq!(status, 200);
    parse_twiml(&twiml).expect("TwiML");
    let stream = workshop.app.public.media_stream();
    assert!(stream.starts_with("wss://"));
    for part in [stream.as_str(), "/api/v1/webhooks/stream-ended", "name=\"token\""] {
        assert!(twiml.contains(part), "{part}: {twiml}");
    }
    workshop.app.calls.call_status(&CALL.parse_sid(), otto_actors::registry::CallProgress::Over);
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_house_apologises_and_dials_a_human() {
    let variables = vec![("MAX_CALLS", "1"), ("ESCALATION_NUMBER", "+15555550100")];
    let workshop = Workshop::open_with(65, Tweaks { variables, shop_file: None }, Receptionist).await;
    let (_, first) = signed_post(&workshop, INBOUND, &form(CALL)).await;
    assert!(first.contains("<Stream"), "{first}");
    let (status, second) = signed_post(&workshop, INBOUND, &form("CAffffffffffffffffffffffffffffffff")).await;
    assert_eq!(status, 200);
    assert!(second.contains("all our lines are busy") && second.contains("+15555550100"), "{second}");
    let (_, again) = signed_post(&workshop, INBOUND, &form(CALL)).await;
    assert!(again.contains("<Stream"), "a repeated webhook of a call that has a line: {again}");
    workshop.app.calls.call_status(&CALL.parse_sid(), otto_actors::registry::CallProgress::Over);
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unasked_end_of_the_stream_apologises() {
    let workshop = Workshop::open(66).await;
    let (status, twiml) = signed_post(&workshop, "/api/v1/webhooks/stream-ended", &form(CALL)).await;
    assert_eq!(status, 200);
    assert!(twiml.contains("technical trouble") && twiml.contains("<Hangup"), "{twiml}");
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_and_metrics_answer() {
    let workshop = Workshop::open(67).await;
    let get = async |path: &str| {
        let response = reqwest::get(workshop.url(path)).await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    };
    assert_eq!(get("/health/live").await.0, 200);
    assert_eq!(get("/health/ready").await.0, 200);
    let (status, metrics) = get("/metrics").await;
    assert_eq!(status, 200);
    for name in ["otto_actor_messages_in_total", "otto_actor_messages_handled_total", "otto_actor_mailbox_depth"] {
        assert!(metrics.contains(name), "{name}");
    }
    assert_eq!(get("/no/such/page").await.0, 404);
    workshop.close().await;
}
