//! What OpenAI's errors mean. The `message` of an error may quote the request, and with it what the caller said, or a
//! part of the key; so errors carry its type, code and parameter only.

use chrono::Utc;
use otto_actors::ports::{VendorError, VendorErrorKind};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::VENDOR;
use crate::vendors::{detail, rest};

/// The codes of an account that has run out of money or reached its own limit; trying again costs and never helps.
const OUT_OF_QUOTA: &[&str] = &["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"];

/// The types and codes of a request that will be refused again.
const REFUSED: &[&str] = &["invalid_request_error", "invalid_prompt", "bio_policy", "data_residency_mismatch"];

/// The error of an answer with a status other than success.
pub(super) async fn of_response(response: Response) -> VendorError {
    let status = response.status();
    let retry_after = rest::retry_after(response.headers(), Utc::now());
    let body: Value = serde_json::from_slice(&rest::error_body(response).await).unwrap_or_default();
    let mut error = of_status(status, &body["error"]);
    error.retry_after = retry_after;
    error
}

fn of_status(status: StatusCode, error: &Value) -> VendorError {
    let words = words(error);
    let kind = if is_out_of_quota(error) { VendorErrorKind::QuotaExhausted } else { rest::kind_of(status) };
    VendorError::new(VENDOR, kind, detail(&format!("HTTP {} {words}", status.as_u16())))
}

/// An error that comes after the stream has begun, as `{"error": ...}`.
pub(super) fn in_stream(error: &Value) -> VendorError {
    let code = || field(error, "type").into_iter().chain(field(error, "code"));
    let kind = if is_out_of_quota(error) {
        VendorErrorKind::QuotaExhausted
    } else if code().any(|code| code.starts_with("rate_limit") || code == "slow_down") {
        VendorErrorKind::RateLimited
    } else if code().any(|code| REFUSED.contains(&code)) {
        VendorErrorKind::Rejected
    } else {
        VendorErrorKind::Failed
    };
    VendorError::new(VENDOR, kind, detail(&format!("an error in the stream {}", words(error))))
}

/// The vendor did what its protocol does not allow, or broke a limit.
pub(super) fn protocol(text: &'static str) -> VendorError {
    VendorError::new(VENDOR, VendorErrorKind::Protocol, text)
}

/// The stream ended before the reply did.
pub(super) fn cut() -> VendorError {
    VendorError::new(VENDOR, VendorErrorKind::Unreachable, "the stream was cut")
}

/// The vendor stopped a reply for what it says.
pub(super) fn filtered() -> VendorError {
    VendorError::new(VENDOR, VendorErrorKind::Rejected, "the vendor's content filter stopped the reply")
}

/// The data of an `event: error`: the error itself, or an object around it.
pub(super) fn in_event(data: &str) -> VendorError {
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    in_stream(data.get("error").unwrap_or(&data))
}

fn is_out_of_quota(error: &Value) -> bool {
    ["type", "code"].iter().filter_map(|name| field(error, name)).any(|code| OUT_OF_QUOTA.contains(&code))
}

fn words(error: &Value) -> String {
    let named = |name| field(error, name).map(|value| format!("{name}={value}"));
    ["type", "code", "param"].into_iter().filter_map(named).collect::<Vec<_>>().join(" ")
}

fn field<'a>(error: &'a Value, name: &str) -> Option<&'a str> {
    error.get(name)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn two_families_of_429() {
        for (sort, code, kind) in [
            ("requests", "rate_limit_exceeded", VendorErrorKind::RateLimited),
            ("rate_limit_error", "slow_down", VendorErrorKind::RateLimited),
            ("insufficient_quota", "insufficient_quota", VendorErrorKind::QuotaExhausted),
            ("requests", "insufficient_quota", VendorErrorKind::QuotaExhausted),
            ("insufficient_quota", "other", VendorErrorKind::QuotaExhausted),
            ("requests", "billing_hard_limit_reached", VendorErrorKind::QuotaExhausted),
        ] {
            let body = json!({"message": "Jane said", "type": sort, "param": null, "code": code});
            let error = of_status(StatusCode::TOO_MANY_REQUESTS, &body);
            assert_eq!((error.kind, error.detail), (kind, format!("HTTP 429 type={sort} code={code}")));
            assert_eq!(in_stream(&body).kind, kind);
        }
    }

    #[test]
    fn the_message_stays_out() {
        let error = json!({"message": "Incorrect API key provided: sk-ab", "type": "invalid_request_error",
            "param": null, "code": "invalid_api_key"});
        let error = of_status(StatusCode::UNAUTHORIZED, &error);
        assert_eq!(error.kind, VendorErrorKind::Rejected);
        assert_eq!(error.detail, "HTTP 401 type=invalid_request_error code=invalid_api_key");
        assert_eq!(in_stream(&json!("boom")).kind, VendorErrorKind::Failed);
    }
}
