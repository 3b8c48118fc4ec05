//! From a request to a WebSocket on the TCP stream itself. Axum's own upgrade leaves the layers of the HTTP connection
//! around the stream, with their buffers, and every frame of a call would pass through them.

use std::future::Future;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tracing::error;

use super::error::ApiError;

/// A WebSocket that a client has opened.
pub(super) type Socket = WebSocketStream<TcpStream>;

/// A request that wants to become a WebSocket, and may.
pub(super) struct Upgrade {
    answer: Response,
    upgraded: OnUpgrade,
}

impl<S: Send + Sync> FromRequest<S> for Upgrade {
    type Rejection = ApiError;

    async fn from_request(mut request: Request, _: &S) -> Result<Self, ApiError> {
        let answer = create_response_with_body(&request, Body::empty).map_err(|_| ApiError::NotAHandshake)?;
        let upgraded = request.extensions_mut().remove::<OnUpgrade>().ok_or(ApiError::NotAHandshake)?;
        Ok(Self { answer, upgraded })
    }
}

impl Upgrade {
    /// The answer to the request; once it has been sent, `serve` gets the socket.
    pub(super) fn serve<F>(self, config: WebSocketConfig, serve: impl FnOnce(Socket) -> F + Send + 'static) -> Response
    where
        F: Future<Output = ()> + Send,
    {
        let Self { answer, upgraded } = self;
        tokio::spawn(async move {
            // A client that is gone before it has its answer needs no socket.
            let Ok(upgraded) = upgraded.await else { return };
            match upgraded.downcast::<TokioIo<TcpStream>>() {
                Ok(parts) => {
                    let (stream, read) = (parts.io.into_inner(), parts.read_buf.to_vec());
                    let socket = WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await;
                    serve(socket).await;
                }
                Err(_) => error!("a media socket that is no plain TCP stream: the server must hand out nothing else"),
            }
        });
        answer
    }
}
