//! The adapter against a tiny server that sends the wire as the vendor does.

use super::*;
use crate::vendors::testing::{Answer, HttpServer, http_server, nobody};
use VendorErrorKind::{Failed, Unreachable};
use std::time::Duration;

use otto_actors::ports::{Message, ModelEnd, ModelEvent, ToolCall};

fn request() -> ModelRequest {
    ModelRequest {
        instructions: "rules".into(),
        situation: String::new(),
        history: vec![Message::User("hi".into())],
        tools: Vec::new().into(),
    }
}

fn adapter(server: &HttpServer) -> OpenAi {
    adapter_for(server, "gpt-6-luna", Api::Chat)
}

fn adapter_for(server: &HttpServer, model: &str, api: Api) -> OpenAi {
    OpenAi::new(&server.url.join("v1").unwrap(), Some(SecretString::from("k")), model.into(), api).unwrap()
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
        (Answer::new(500), VendorErrorKind::Failed),
        (Answer::new(502).chunk("<html>"), VendorErrorKind::Failed),
        (Answer::new(503), VendorErrorKind::Failed),
        (Answer::new(504), VendorErrorKind::TimedOut),
    ] {
        for api in [Api::Chat, Api::Responses] {
            let server = http_server(vec![answer.clone().header("retry-after-ms", "1500")]).await;
            let Err(error) = adapter_for(&server, "gpt-6-luna", api).reply(request()).await else {
                panic!("must fail")
            };
            assert_eq!((error.kind, error.retry_after), (kind, Some(Duration::from_millis(1_500))));
        }
    }
}

#[tokio::test]
async fn the_wish_to_wait_is_heard_in_every_form() {
    let past = "Sun, 22 Nov 2020 10:00:00 GMT";
    for (name, value, expected) in [
        ("retry-after", "2", Some(Duration::from_secs(2))),
        ("retry-after-ms", "20", Some(Duration::from_millis(20))),
        ("retry-after", past, Some(Duration::ZERO)),
        ("x-other", "2", None),
    ] {
        let server = http_server(vec![Answer::new(429).header(name, value)]).await;
        let Err(error) = adapter(&server).reply(request()).await else { panic!("must fail") };
        assert_eq!(error.retry_after, expected, "{name}: {value}");
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
    let base: Url = "https://api.openai.com/v1".parse().unwrap();
    let new = |api| OpenAi::new(&base, None, "gpt-6-astra".into(), api);
    let Err(error) = new(Api::Chat) else { panic!("must be refused") };
    assert_eq!(error.kind, VendorErrorKind::Rejected);
    assert!(new(Api::Responses).is_ok(), "the other interface takes its tools");
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let adapter = OpenAi::new(&nobody().await, None, "m".into(), Api::Chat).unwrap();
    let Err(error) = adapter.reply(request()).await else { panic!("must fail") };
    assert_eq!(error.kind, VendorErrorKind::Unreachable);
}

/// The events of a response that says something, thinks, and calls a tool.
fn response() -> Answer {
    let thought = r#"{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"secret thought"}"#;
    let call = r#"{"id":"fc_1","type":"function_call","call_id":"c","name":"f","arguments":"{}"}"#;
    let wire = [
        r#"{"type":"response.created","response":{"id":"resp_1","error":null}}"#.to_owned(),
        format!(r#"{{"type":"response.output_item.done","output_index":0,"item":{thought}}}"#),
        r#"{"type":"response.output_text.delta","output_index":1,"delta":"café open"}"#.to_owned(),
        format!(r#"{{"type":"response.output_item.done","output_index":2,"item":{call}}}"#),
        r#"{"type":"response.completed","response":{"error":null,"usage":{"input_tokens":5,"output_tokens":3}}}"#
            .into(),
    ]
    .map(|data| format!("event: whatever\ndata: {data}\n\n"))
    .concat();
    wire.as_bytes().chunks(7).fold(streamed(), |answer, chunk| answer.chunk(chunk.to_vec()))
}

#[tokio::test]
async fn a_response_streams_and_its_thoughts_go_back_with_the_tools_result() {
    let server = http_server(vec![response()]).await;
    let adapter = adapter_for(&server, "gpt-6-astra", Api::Responses);
    let stream = adapter.reply(request()).await.unwrap();
    let events: Vec<_> = stream.map(Result::unwrap).collect().await;
    let call = ToolCall { id: "c".into(), name: "f".into(), arguments: "{}".into() };
    let end = ModelEnd { truncated: false, prompt_tokens: Some(5), completion_tokens: Some(3) };
    let expected = [ModelEvent::Text("café open".into()), ModelEvent::ToolCall(call.clone()), ModelEvent::Done(end)];
    assert_eq!(events, expected);

    let asked = Message::Assistant { text: "café open".into(), tool_calls: vec![call] };
    let answered = Message::Tool { tool_call_id: "c".into(), content: "{}".into() };
    let mut next = request();
    next.history.extend([asked.clone(), answered.clone()]);
    drop(adapter.reply(next.clone()).await.unwrap());
    next.history.push(Message::User("thanks".into()));
    drop(adapter.reply(next).await.unwrap());

    let kinds = |at: usize| -> Vec<String> {
        let request = &server.requests()[at];
        assert_eq!((request.method.as_str(), request.uri.path()), ("POST", "/v1/responses"));
        assert_eq!(request.headers["authorization"], "Bearer k");
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        body["input"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(0), ["message"]);
    assert_eq!(kinds(1), ["message", "reasoning", "message", "function_call", "function_call_output"]);
    assert_eq!(kinds(2), ["message", "message", "function_call", "function_call_output", "message"]);
}

#[tokio::test]
async fn a_response_that_fails_has_a_kind() {
    for (answer, kind) in [
        (streamed().chunk("event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\"}\n\n"), Failed),
        (streamed().chunk("data: {\"type\":\"response.in_progress\"}\n\n"), Unreachable),
        (streamed().chunk("data: {\"type\":\"response.in_progress\"}\n\n").cut(), Unreachable),
    ] {
        let server = http_server(vec![answer]).await;
        let stream = adapter_for(&server, "gpt-6-luna", Api::Responses).reply(request()).await.unwrap();
        let events: Vec<_> = stream.map(|event| event.map_err(|error| error.kind)).collect().await;
        assert_eq!(events, [Err(kind)]);
    }
}
