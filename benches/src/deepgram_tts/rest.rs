//! `POST /v1/speak`: the whole text at once, the audio as a streamed body. The engine's fallback when sockets fail.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use uuid::Uuid;

use super::{DeepgramTts, TtsFault, TtsRequest, Way, admit};
use crate::deepgram::Refusal;
use crate::speech::encode;

/// Characters that an Aura-2 voice takes in one request.
const AURA_2_LIMIT_CHARS: usize = 1_000;

/// Characters that an Aura-1 voice takes in one request.
const AURA_1_LIMIT_CHARS: usize = 2_000;

const KNOWN: [&str; 10] = [
    "model",
    "encoding",
    "sample_rate",
    "container",
    "bit_rate",
    "callback",
    "callback_method",
    "tag",
    "speed",
    "mip_opt_out",
];

pub(super) async fn speak(
    State(tts): State<DeepgramTts>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match answer(&tts, &headers, raw.as_deref().unwrap_or_default(), &body).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(tts: &DeepgramTts, headers: &HeaderMap, raw: &str, body: &[u8]) -> Result<Response, Refusal> {
    let (model, fault) = admit(tts, Way::Rest, headers, raw, &KNOWN)?;
    if !raw.contains("container=none") {
        return Err(Refusal::bad_request("The simulator needs container=none: the default is a wav header."));
    }
    let text = text_of(headers, body, &model)?;
    tts.shared.requests.push(TtsRequest::Rest(text.clone()));
    let settings = tts.knobs().settings();
    let extra_ms = if let Some(TtsFault::Slow { extra_ms }) = fault { extra_ms } else { 0 };
    let wait = tts.knobs().delay(settings.first_byte) + Duration::from_millis(extra_ms);
    let stalls = matches!(fault, Some(TtsFault::StallAfterBytes { .. }));
    let answering = async {
        tokio::time::sleep(wait).await;
        if stalls {
            std::future::pending::<()>().await;
        }
    };
    let stopped = tts.shared.scope.run(answering).await.is_none();
    if stopped || matches!(fault, Some(TtsFault::DropAfterBytes { .. })) {
        return Err(Refusal::injected(503));
    }
    Ok(audio(&model, &text, encode(&text, settings.ms_per_char)))
}

fn text_of(headers: &HeaderMap, body: &[u8], model: &str) -> Result<String, Refusal> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.starts_with("application/json") {
        let message = "Content-Type must be application/json.".to_owned();
        return Err(Refusal {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code: "UNSUPPORTED_MEDIA_TYPE",
            message,
            retry_after_s: None,
        });
    }
    let parsed: Value = serde_json::from_slice(body).map_err(|_| Refusal::bad_request("Failed to parse JSON."))?;
    let text = parsed["text"].as_str().unwrap_or_default();
    if text.trim().is_empty() {
        return Err(Refusal::bad_request("Input text contains no characters."));
    }
    let limit = if model.starts_with("aura-2-") { AURA_2_LIMIT_CHARS } else { AURA_1_LIMIT_CHARS };
    if text.chars().count() > limit {
        let message = format!("Input text exceeds the maximum of {limit} characters.");
        return Err(Refusal {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code: "INPUT_TOO_LONG",
            message,
            retry_after_s: None,
        });
    }
    Ok(text.to_owned())
}

fn audio(model: &str, text: &str, audio: Vec<u8>) -> Response {
    Response::builder()
        .header(header::CONTENT_TYPE, "audio/mulaw;rate=8000")
        .header("dg-model-name", model)
        .header("dg-model-uuid", Uuid::new_v4().to_string())
        .header("dg-char-count", text.chars().count())
        .header("dg-request-id", Uuid::new_v4().to_string())
        .body(Body::from(audio))
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
