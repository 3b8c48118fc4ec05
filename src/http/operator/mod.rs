//! `/api/v1/operator/...`: what the people who run Otto may see and ask for. Closed without OPERATOR_TOKEN, which every request
//! shows as `Authorization: Bearer ...`.

mod messages;
mod reminders;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use super::error::ApiError;
use super::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new().merge(reminders::router()).merge(messages::router())
}

/// Somebody who has shown the operators' token.
struct Operator;

impl FromRequestParts<AppState> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Some(token) = &state.operator_token else { return Err(ApiError::OperatorsClosed) };
        let shown = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let shown = shown.strip_prefix("Bearer ").unwrap_or_default();
        let right = bool::from(shown.as_bytes().ct_eq(token.expose_secret().as_bytes()));
        if right { Ok(Self) } else { Err(ApiError::NotAnOperator) }
    }
}
