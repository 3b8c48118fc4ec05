//! An engine for tests of calls that it places and of text messages: it writes down every webhook and checks its signature.

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::Value;

use super::*;
use crate::testing::{env, world};

/// Under which address the platform knows it.
pub(super) const BASE: &str = "https://otto.test:8443";
/// Whom it calls.
pub(super) const CALLEE: &str = "+12175550123";

/// A webhook that was posted.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    /// The path and the query.
    pub(super) target: String,
    pub(super) params: Vec<(String, String)>,
}

impl Hook {
    pub(super) fn get(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

#[derive(Clone)]
struct Answers {
    hooks: Log<Hook>,
    voice: &'static str,
    sms: &'static str,
}

/// The engine and its world.
pub(super) struct Desk {
    pub(super) world: World,
    pub(super) hooks: Log<Hook>,
}

impl Desk {
    /// Answers voice webhooks and text messages with these documents, and lets `media` hold the streams.
    pub(super) async fn open<F, W>(voice: &'static str, sms: &'static str, media: F) -> Self
    where
        F: Fn(WebSocket) -> W + Clone + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let (world, hooks) = (world().await, Log::default());
        let router = Router::new()
            .route("/media", any(async move |upgrade: WebSocketUpgrade| upgrade.on_upgrade(media)))
            .fallback(hook)
            .with_state(Answers { hooks: hooks.clone(), voice, sms });
        let local = world.scope().serve(router, 0).await.unwrap();
        world.connect_engine(BASE.parse().unwrap(), local);
        Desk { world, hooks }
    }

    /// One that only says something to whoever it calls.
    pub(super) async fn speaking() -> Self {
        Self::open("<Response><Say>See you</Say></Response>", "<Response/>", async |_| {}).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}{path}", env(&self.world, "TWILIO_API_URL"), crate::ACCOUNT_SID)
    }

    /// A request to the platform: its status and its body.
    pub(super) async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        self.send(reqwest::Client::new().post(self.url(path)).form(form)).await
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        self.send(reqwest::Client::new().get(self.url(path))).await
    }

    /// The page to which another one leads.
    pub(super) async fn follow(&self, uri: &Value) -> Value {
        let url = format!("{}{}", env(&self.world, "TWILIO_API_URL"), uri.as_str().unwrap());
        self.send(reqwest::Client::new().get(url)).await.1
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.basic_auth(crate::ACCOUNT_SID, Some(crate::AUTH_TOKEN)).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
    }

    /// Places a call with every callback, and these fields more.
    pub(super) async fn dial(&self, more: &[(&str, &str)]) -> String {
        let [url, status, amd] = ["/document?appointment_id=7&attempt=1", "/status?reminder=3", "/amd?reminder=3"]
            .map(|p| format!("{BASE}{p}"));
        let mut form = vec![
            ("To", CALLEE),
            ("From", crate::PHONE_NUMBER),
            ("Url", &url),
            ("StatusCallback", &status),
            ("AsyncAmdStatusCallback", &amd),
        ];
        form.extend(["initiated", "ringing", "answered", "completed"].map(|event| ("StatusCallbackEvent", event)));
        form.extend(more);
        let (status, body) = self.post("/Calls.json", &form).await;
        assert_eq!((status, body["status"].as_str()), (201, Some("queued")), "{body}");
        body["sid"].as_str().unwrap().to_owned()
    }

    /// What the status callbacks to this path said, in the order in which they came.
    pub(super) fn told(&self, path: &str, field: &str) -> Vec<String> {
        let hooks = self.hooks.all().into_iter().filter(|hook| hook.target.starts_with(path));
        hooks.map(|hook| hook.get(field).to_owned()).collect()
    }

    pub(super) async fn close(self) {
        self.world.shutdown().await;
        assert_eq!((self.world.tasks(), self.world.twilio.live_calls()), (0, 0));
    }
}

async fn hook(State(answers): State<Answers>, uri: Uri, headers: HeaderMap, request: Request) -> Response {
    let body: Bytes = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let params: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let target = uri.path_and_query().unwrap().to_string();
    let about_text = params.iter().any(|(name, _)| name == "MessageSid");
    // Text messages are signed with the port, calls without it.
    let base = if about_text { BASE } else { "https://otto.test" };
    assert_eq!(headers["x-twilio-signature"], sign(&format!("{base}{target}"), &params, crate::AUTH_TOKEN), "{target}");
    answers.hooks.push(Hook { target, params });
    let body = if about_text { answers.sms } else { answers.voice };
    ([(header::CONTENT_TYPE, "text/xml")], body).into_response()
}
