//! What Twilio is asked over REST, and what its answers mean, against a server on this machine.

#[path = "../../../../tests/openapi.rs"]
mod openapi;
mod outbound;

use super::*;
use crate::vendors::testing::{Answer, HttpServer, Request, http_server, nobody};
use crate::vendors::twilio::form::Form;

fn call() -> CallSid {
    CallSid::parse("CA12").unwrap()
}

fn ending() -> Ending {
    Ending { apology: "Sorry.".into(), human: None, dial_ended_url: "https://h/dial-ended".into() }
}

fn transfer() -> StreamEnd {
    StreamEnd::Transfer(PhoneNumber::parse("+15555550123").unwrap())
}

fn adapter(base: Url) -> TwilioRest {
    TwilioRest::new(base, "AC1".into(), SecretString::from("secret"), ending(), Outbound::default()).unwrap()
}

async fn hang_up(answers: Vec<Answer>) -> (HttpServer, Result<(), VendorErrorKind>) {
    let server = http_server(answers).await;
    let result = adapter(server.url.clone()).proceed(&call(), &StreamEnd::HangUp).await;
    (server, result.map_err(|error| error.kind))
}

#[tokio::test]
async fn hanging_up_updates_the_call() {
    let (server, result) = hang_up(vec![Answer::new(200).chunk("{}")]).await;
    assert_eq!(result, Ok(()));
    let request = &server.requests()[0];
    assert_eq!((request.method.as_str(), request.uri.path()), ("POST", "/2010-04-01/Accounts/AC1/Calls/CA12.json"));
    assert_eq!(request.body, "Status=completed");
    assert_eq!(request.headers["authorization"], "Basic QUMxOnNlY3JldA==");
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
}

#[tokio::test]
async fn a_call_that_is_over_is_no_error_but_cannot_be_transferred() {
    let over = Answer::new(400).chunk(r#"{"code":21220,"message":"Call is not in-progress","status":400}"#);
    for answer in [Answer::new(404).chunk(r#"{"code":20404}"#), over] {
        assert_eq!(hang_up(vec![answer.clone()]).await.1, Ok(()));
        let server = http_server(vec![answer]).await;
        let error = adapter(server.url.clone()).proceed(&call(), &transfer()).await.unwrap_err();
        assert_eq!(error.kind, VendorErrorKind::Rejected);
    }
}

#[tokio::test]
async fn everything_else_is_a_document() {
    let rest = StreamEnd::Say { text: "We open at nine.".into(), then: Box::new(StreamEnd::Apologise) };
    for end in [transfer(), StreamEnd::Apologise, rest] {
        let server = http_server(vec![Answer::new(200)]).await;
        adapter(server.url.clone()).proceed(&call(), &end).await.unwrap();
        let request = &server.requests()[0];
        assert_eq!(request.uri.path(), "/2010-04-01/Accounts/AC1/Calls/CA12.json");
        let form = Form::parse(request.body.as_bytes());
        let pairs: Vec<_> = form.pairs().collect();
        assert_eq!(pairs, [("Twiml", ending().document(&end).as_str())]);
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let (server, result) = hang_up(vec![Answer::new(503), Answer::new(429), Answer::new(200)]).await;
    assert_eq!((result, server.requests().len()), (Ok(()), 3));
    let (server, result) = hang_up(vec![Answer::new(500)]).await;
    assert_eq!((result, server.requests().len()), (Err(VendorErrorKind::Failed), 1 + RETRIES));
}

#[tokio::test]
async fn what_is_refused_is_not() {
    let answer = Answer::new(401).chunk(r#"{"code":20003,"message":"+15555550123 secret"}"#);
    let server = http_server(vec![answer]).await;
    let error = adapter(server.url.clone()).proceed(&call(), &StreamEnd::HangUp).await.unwrap_err();
    assert_eq!((error.to_string().as_str(), server.requests().len()), ("twilio: rejected: HTTP 401, code 20003", 1));
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let error = adapter(nobody().await).proceed(&call(), &StreamEnd::HangUp).await.unwrap_err();
    assert_eq!(error.kind, VendorErrorKind::Unreachable);
}
