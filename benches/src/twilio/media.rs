//! The handshake of a media stream, for the platform and for tests that open the engine's socket themselves.

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Error};
use url::Url;

use super::signature::sign;
use super::webhook::{Product, signed_url};
use crate::server::SOCKET_READ_BUFFER_BYTES;

/// A media socket to the engine.
pub type MediaSocket = WebSocketStream<TcpStream>;

/// A stream that could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// Nothing listens (Twilio's error 31902).
    #[error("connection refused: {0}")]
    Refused(std::io::Error),
    /// The engine answered something other than 101 (31920).
    #[error("handshake answered with status {0}")]
    Status(u16),
    /// Anything else.
    #[error("handshake failed: {0}")]
    Protocol(Box<tungstenite::Error>),
}

impl HandshakeError {
    pub(super) fn code(&self) -> &'static str {
        match self {
            HandshakeError::Refused(_) => "31902",
            HandshakeError::Status(_) | HandshakeError::Protocol(_) => "31920",
        }
    }
}

/// Opens the media socket as Twilio does: `url` is the public `wss://` address, `local` where the engine listens. The
/// signature is made for the public address with `token`; `None` leaves the header out.
pub async fn media_handshake(url: &Url, local: SocketAddr, token: Option<&str>) -> Result<MediaSocket, HandshakeError> {
    let signature = token.map(|token| sign(&signed_url(url, Product::Voice), &[], token));
    open(url, local, signature).await
}

async fn open(url: &Url, local: SocketAddr, signature: Option<String>) -> Result<MediaSocket, HandshakeError> {
    let protocol = |error: Error| HandshakeError::Protocol(Box::new(error));
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut request = format!("ws://{local}{}{query}", url.path()).into_client_request().map_err(protocol)?;
    let headers = [
        ("host", url.host_str().map(str::to_owned)),
        ("user-agent", Some("Twilio.TmeWs/1.0".to_owned())),
        ("x-twilio-signature", signature),
    ];
    for (name, value) in headers {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    let stream = TcpStream::connect(local).await.map_err(HandshakeError::Refused)?;
    let _ = stream.set_nodelay(true);
    let config = WebSocketConfig::default().read_buffer_size(SOCKET_READ_BUFFER_BYTES);
    match tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(HandshakeError::Status(response.status().as_u16())),
        Err(error) => Err(protocol(error)),
    }
}
