//! Requests that prove that they come from Twilio: the checks that every webhook and the media socket pass before
//! anything else is looked at.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use otto_actors::domain::CallSid;

use super::error::ApiError;
use super::state::AppState;
use crate::vendors::twilio::form::Form;
use crate::vendors::twilio::signature::HEADER;

const FORM_TYPE: &str = "application/x-www-form-urlencoded";

/// A webhook's form: within the size limit, signed, and for this account.
pub(super) struct Signed {
    /// All that Twilio says.
    pub(super) form: Form,
    /// What Otto has written into the address; the signature covers it.
    pub(super) query: Form,
}

/// A form about a call.
pub(super) struct SignedForm {
    /// The call.
    pub(super) call: CallSid,
    /// All that Twilio says of it.
    pub(super) form: Form,
    /// As in [`Signed`].
    pub(super) query: Form,
}

impl FromRequest<AppState> for SignedForm {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let Signed { form, query } = Signed::from_request(request, state).await?;
        Ok(Self { call: call_of(&form)?, form, query })
    }
}

impl FromRequest<AppState> for Signed {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let target = target(&mut parts).await;
        let headers = parts.headers.clone();
        let body = Bytes::from_request(Request::from_parts(parts, body), state).await.map_err(|rejection| {
            let is_too_large = rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE;
            if is_too_large { ApiError::TooLarge } else { ApiError::BrokenBody }
        })?;
        let form = Form::parse(&body);
        if let Some(check) = &state.signatures
            && !check.form(&target, form.pairs(), signature(&headers))
        {
            return Err(ApiError::Unsigned);
        }
        is_form(&headers)?;
        is_our_account(&form, state)?;
        let query = target.split_once('?').map_or("", |(_, query)| query);
        Ok(Self { form, query: Form::parse(query.as_bytes()) })
    }
}

/// A media socket's handshake that is signed.
pub(super) struct SignedHandshake;

impl FromRequestParts<AppState> for SignedHandshake {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let target = target(parts).await;
        match &state.signatures {
            Some(check) if !check.socket(&target, signature(&parts.headers)) => Err(ApiError::Unsigned),
            _ => Ok(Self),
        }
    }
}

/// The path and query as they were requested, which is what Twilio has signed.
async fn target(parts: &mut Parts) -> String {
    let Ok(OriginalUri(uri)) = OriginalUri::from_request_parts(parts, &()).await;
    uri.path_and_query().map_or("/", |target| target.as_str()).to_owned()
}

fn signature(headers: &HeaderMap) -> &str {
    headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn is_form(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let kind = kind.to_str().unwrap_or_default().to_ascii_lowercase();
    if kind.starts_with(FORM_TYPE) { Ok(()) } else { Err(ApiError::field("Content-Type", "another type", FORM_TYPE)) }
}

fn is_our_account(form: &Form, state: &AppState) -> Result<(), ApiError> {
    match (form.get("AccountSid"), &state.account) {
        (Some(found), Some(ours)) if found != ours => {
            Err(ApiError::field("AccountSid", "another account", "the account that is configured"))
        }
        _ => Ok(()),
    }
}

fn call_of(form: &Form) -> Result<CallSid, ApiError> {
    let expected = "CA followed by 1 to 62 letters or digits";
    let text = form.get("CallSid").ok_or_else(|| ApiError::field("CallSid", "nothing", expected))?;
    CallSid::parse(text).map_err(|_| ApiError::field("CallSid", "text of another form", expected))
}
