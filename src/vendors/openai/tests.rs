//! The adapter against a tiny server that sends the wire as the vendor does.

use super::*;
use crate::vendors::testing::{Answer, HttpServer, http_server, nobody};
use otto_actors::ports::{Message, ModelEnd, ToolCall};

fn request() -> ModelRequest {
    ModelRequest {
        instructions: "rules".into(),
        situation: String::new(),
        history: vec![Message::User("hi".into())],
        tools: Vec::new().into(),
    }
}

fn adapter(server: &HttpServer) -> OpenAi {
    OpenAi::new(&server.url.join("v1").unwrap(), Some(SecretString::from("k")), "gpt-6-luna".into()).unwrap()
}

fn streamed() -> Answer {
    Answer::new(200).header("content-type", "text/event-stream")
}

async fn outcome(answer: Answer) -> Vec<Result<ModelEvent, VendorErrorKind>> {
    let server = http_server(vec![answer]).await;
    let stream = adapter(&server).reply(request()).await.unwrap();
    stream.map(|event| event.map_err(|error| error.kind)).collect().await
}

fn text(text: &str) -> Result<ModelEvent, VendorErrorKind> {
    Ok(ModelEvent::Text(text.into()))
}

#[tokio::test]
async fn a_reply_streams() {
    let wire = concat!(
        ": a comment\n\n",
        r#"data: {"choices":[{"index":0,"delta":{"content":"café open"}}]}"#,
        "\n\n",
        r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","#,
        r#""arguments":"{}"}}]}}]}"#,
        "\r\n\r\n",
        r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
        "\n\n",
        r#"data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":3}}"#,
        "\n\ndata: [DONE]\n\n",
    );
    // Chunks end anywhere, in the middle of a character too.
    let answer = wire.as_bytes().chunks(7).fold(streamed(), |answer, chunk| answer.chunk(chunk.to_vec()));
    let call = ToolCall { id: "c".into(), name: "f".into(), arguments: "{}".into() };
    let end = ModelEnd { truncated: false, prompt_tokens: Some(5), completion_tokens: Some(3) };
    assert_eq!(outcome(answer).await, [text("café open"), Ok(ModelEvent::ToolCall(call)), Ok(ModelEvent::Done(end))]);
}

#[tokio::test]
async fn a_reply_without_done_ends_with_the_stream() {
    let answer =
        streamed().chunk("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\n");
    assert_eq!(outcome(answer).await, [text("Hi"), Ok(ModelEvent::Done(ModelEnd::default()))]);
}

#[tokio::test]
async fn a_cut_stream_is_unreachable() {
    let chunk = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
    for answer in [streamed().chunk(chunk), streamed().chunk(chunk).cut()] {
        assert_eq!(outcome(answer).await, [text("Hi"), Err(VendorErrorKind::Unreachable)]);
    }
}

#[tokio::test]
async fn errors_in_the_stream_end_it() {
    for answer in [
        streamed().chunk("data: {\"error\":{\"type\":\"server_error\",\"message\":\"m\"}}\n\n"),
        streamed().chunk("event: error\ndata: {\"error\":{\"type\":\"server_error\"}}\n\n"),
        streamed().chunk("event: error\ndata: {\"type\":\"server_error\",\"message\":\"m\"}\n\n"),
    ] {
        assert_eq!(outcome(answer).await, [Err(VendorErrorKind::Failed)]);
    }
}

#[tokio::test]
async fn statuses_have_a_kind_and_a_wait() {
    let quota = r#"{"error":{"message":"m","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#;
    for (answer, kind) in [
        (Answer::new(401), VendorErrorKind::Rejected),
        (Answer::new(429).chunk("not json"), VendorErrorKind::RateLimited),
        (Answer::new(429).chunk(quota), VendorErrorKind::QuotaExhausted),
        (Answer::new(503), VendorErrorKind::Failed),
    ] {
        let server = http_server(vec![answer.header("retry-after-ms", "1500")]).await;
        let Err(error) = adapter(&server).reply(request()).await else { panic!("must fail") };
        assert_eq!(error.kind, kind);
        assert_eq!(error.retry_after, Some(Duration::from_millis(1_500)));
    }
}

#[tokio::test]
async fn the_request_is_the_vendors() {
    let server = http_server(vec![streamed()]).await;
    let _ = adapter(&server).reply(request()).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!((request.method.as_str(), request.uri.path()), ("POST", "/v1/chat/completions"));
    assert_eq!(request.headers["authorization"], "Bearer k");
    assert_eq!(request.headers["content-type"], "application/json");
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body["reasoning_effort"], "none");
    assert!(body.get("store").is_none(), "only OpenAI's own servers are told not to store");
}

#[tokio::test]
async fn a_model_that_cannot_work_is_refused_at_the_start() {
    let base = "https://api.openai.com/v1".parse().unwrap();
    let Err(error) = OpenAi::new(&base, None, "gpt-6-astra".into()) else { panic!("must be refused") };
    assert_eq!(error.kind, VendorErrorKind::Rejected);
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let adapter = OpenAi::new(&nobody().await, None, "m".into()).unwrap();
    let Err(error) = adapter.reply(request()).await else { panic!("must fail") };
    assert_eq!(error.kind, VendorErrorKind::Unreachable);
}
