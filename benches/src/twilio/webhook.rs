//! Webhooks: signed forms posted to the engine, under its public URL but to its loopback address.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::header::CONTENT_TYPE;
use url::Url;

use super::Shared;
use super::signature::sign;

/// Where the engine is: how Twilio knows it, and where it really listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// The public address, for URLs and signatures.
    pub base_url: Url,
    /// The loopback address that is dialled instead, in plain.
    pub local: SocketAddr,
}

/// What a webhook is about: the signatures differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Product {
    /// Calls: the port of a TLS URL is not signed.
    Voice,
    /// Text messages: it is.
    Messaging,
}

/// An answered webhook.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: String,
}

/// The client of all webhooks. It never speaks TLS, yet must be built with a provider.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()
}

impl Engine {
    /// An absolute URL out of a document, relative ones against `base`.
    pub(super) fn absolute(&self, base: &Url, url: &str) -> Result<Url, String> {
        let mut url = base.join(url).map_err(|error| format!("{url} is no URL: {error}"))?;
        url.set_fragment(None);
        Ok(url)
    }

    /// The address that is dialled for a public URL, in the plain scheme `http` or `ws`.
    pub(super) fn local_url(&self, public: &Url, scheme: &str) -> Result<Url, String> {
        if public.host_str() != self.base_url.host_str() {
            return Err(format!("{} is not the engine's host", public.host_str().unwrap_or("nothing")));
        }
        let query = public.query().map(|query| format!("?{query}")).unwrap_or_default();
        let local = format!("{scheme}://{}{}{query}", self.local, public.path());
        local.parse().map_err(|error| format!("{local} is no URL: {error}"))
    }
}

/// The URL that is signed: voice drops the port of a TLS URL, userinfo and fragment never count.
pub(super) fn signed_url(url: &Url, product: Product) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if product == Product::Voice && matches!(url.scheme(), "https" | "wss") {
        let _ = url.set_port(None);
    }
    url.to_string()
}

/// Posts a signed form and waits for the answer.
pub(super) async fn post(
    shared: &Arc<Shared>,
    engine: &Engine,
    url: &Url,
    params: &[(String, String)],
    product: Product,
    idempotency_token: &str,
) -> Result<Answer, String> {
    let local = engine.local_url(url, "http")?;
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let request = shared
        .http
        .post(local)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8")
        .header("Host", url.host_str().unwrap_or("localhost"))
        .header("User-Agent", "TwilioProxy/1.1")
        .header("Accept", "*/*")
        .header("I-Twilio-Idempotency-Token", idempotency_token)
        .header("X-Twilio-Signature", sign(&signed_url(url, product), params, &shared.auth_token))
        .timeout(shared.knobs.settings().webhook_timeout)
        .body(body);
    let response = request.send().await.map_err(|error| format!("webhook failed: {error}"))?;
    let status = response.status().as_u16();
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let body = response.text().await.map_err(|error| format!("webhook broke off: {error}"))?;
    Ok(Answer { status, content_type, body })
}
