//! The straight-line program: the least that a voice agent can do on the engine's wire, with the engine's libraries and
//! socket options. It takes the same webhooks and the same media socket, and moves the same bytes between the same
//! sockets, without actors, history, tools, records, checks or a second try. What the engine's processor time has beyond
//! this program's is the price of being Otto; [`crate::compare`] measures it.
//!
//! It is started as the engine is (`serve`, with the engine's environment), so that `otto-load --engine` can drive it.

mod call;
mod vendors;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{State, WebSocketUpgrade};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use quick_xml::Writer;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite;

use self::vendors::Vendors;
use crate::server::{SOCKET_READ_BUFFER_BYTES, Scope};

const MEDIA_STREAM: &str = "/api/v1/voice/media-stream";
const INBOUND_CALL: &str = "/api/v1/webhooks/inbound-call";
const STREAM_ENDED: &str = "/api/v1/webhooks/stream-ended";
const CALL_STATUS: &str = "/api/v1/webhooks/call-status";

/// As long as the engine's greeting of a stranger.
const GREETING: &str = "Thanks for calling Otto's Auto, this is Otto. How can I help you today?";

/// A program that cannot start, or a call that broke off.
#[derive(Debug, thiserror::Error)]
pub enum StraightError {
    /// No port.
    #[error("cannot listen: {0}")]
    Listen(#[from] std::io::Error),
    /// An address that is none.
    #[error("found {0:?}, expected a URL: {1}")]
    Address(String, url::ParseError),
    /// A setting that is needed.
    #[error("{0}: found nothing of its kind, expected a value in the environment")]
    Missing(&'static str),
    /// A key that no header can carry.
    #[error("the key holds characters that no key has")]
    Key,
    /// A request that failed.
    #[error("a request failed: {0}")]
    Http(#[from] reqwest::Error),
    /// A vendor's socket that failed.
    #[error("a vendor's socket failed: {0}")]
    Socket(Box<tungstenite::Error>),
    /// The media socket failed.
    #[error("the media socket failed: {0}")]
    Media(#[from] axum::Error),
    /// A vendor ended its socket within a call.
    #[error("a vendor ended its socket within a call")]
    VendorLeft,
}

impl From<tungstenite::Error> for StraightError {
    fn from(error: tungstenite::Error) -> Self {
        StraightError::Socket(Box::new(error))
    }
}

/// The settings, by the engine's names for them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Port to listen on, on the loopback address; 0 is any free one.
    port: u16,
    deepgram_url: String,
    deepgram_key: String,
    openai_url: String,
    openai_key: String,
}

impl Settings {
    /// Reads the settings with a look-up by name.
    ///
    /// # Errors
    /// When one is missing or is not of its kind.
    pub fn read(find: impl Fn(&str) -> Option<String>) -> Result<Self, StraightError> {
        let word = |name: &'static str| find(name).ok_or(StraightError::Missing(name));
        Ok(Settings {
            port: word("PORT")?.parse().map_err(|_| StraightError::Missing("PORT"))?,
            deepgram_url: word("DEEPGRAM_URL")?,
            deepgram_key: word("DEEPGRAM_API_KEY")?,
            openai_url: word("OPENAI_BASE_URL")?,
            openai_key: word("OPENAI_API_KEY")?,
        })
    }
}

/// A running program.
#[derive(Debug)]
pub struct Straight {
    /// Where it listens.
    pub address: SocketAddr,
    scope: Scope,
}

impl Straight {
    /// Starts the program: the greeting is made, the port is open.
    ///
    /// # Errors
    /// When a setting makes no sense, the voice cannot be reached or the port is taken.
    pub async fn start(settings: &Settings) -> Result<Self, StraightError> {
        let vendors = Vendors::new(settings)?;
        let greeting = vendors.whole(GREETING).await?;
        let scope = Scope::default();
        let service = Arc::new(Service { vendors, greeting, calls: Scope::default() });
        let address = scope.serve(router(service), settings.port).await?;
        Ok(Straight { address, scope })
    }

    /// Serves until the process ends.
    pub async fn run(self) {
        self.scope.tasks.close();
        self.scope.tasks.wait().await;
    }

    /// Ends the program.
    pub async fn end(self) {
        self.scope.end().await;
    }
}

/// What all calls share.
#[derive(Debug)]
struct Service {
    vendors: Vendors,
    greeting: Bytes,
    calls: Scope,
}

fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route(INBOUND_CALL, post(answer))
        .route(STREAM_ENDED, post(async || twiml(document(None))))
        .route(CALL_STATUS, post(async || StatusCode::NO_CONTENT))
        .route(MEDIA_STREAM, get(media))
        .route("/health", get(health))
        .route("/health/ready", get(async || "ready"))
        .with_state(service)
}

/// Connects a call with the media socket at the address under which it came.
async fn answer(headers: header::HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    twiml(document(Some(host)))
}

async fn media(State(service): State<Arc<Service>>, upgrade: WebSocketUpgrade) -> Response {
    let upgrade = upgrade.read_buffer_size(SOCKET_READ_BUFFER_BYTES).write_buffer_size(0);
    upgrade.on_upgrade(move |socket| async move {
        let held = service.calls.tasks.track_future(call::hold(&service, socket)).await;
        if let Err(error) = held {
            eprintln!("otto-straight: a call broke off: {error}");
        }
    })
}

/// How many calls are live; nothing can be left of one that has ended.
async fn health(State(service): State<Arc<Service>>) -> Json<Value> {
    Json(json!({"calls": {"live": service.calls.tasks.len(), "ending": 0, "residue": 0}}))
}

fn twiml(document: String) -> Response {
    ([(header::CONTENT_TYPE, "text/xml")], document).into_response()
}

/// The document that connects a call with this host, or ends it.
fn document(host: Option<&str>) -> String {
    let mut xml = Writer::new(Vec::new());
    let written = xml.create_element("Response").write_inner_content(|xml| {
        let Some(host) = host else { return xml.create_element("Hangup").write_empty().map(drop) };
        let connect = xml.create_element("Connect").with_attributes([("action", STREAM_ENDED), ("method", "POST")]);
        connect.write_inner_content(|xml| {
            let url = format!("wss://{host}{MEDIA_STREAM}");
            xml.create_element("Stream").with_attribute(("url", url.as_str())).write_empty().map(drop)
        })?;
        Ok(())
    });
    debug_assert!(written.is_ok(), "writing to memory does not fail");
    String::from_utf8(xml.into_inner()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
