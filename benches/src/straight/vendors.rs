//! The straight-line program's way to the vendors: the sockets and requests of the engine, with its options, and without
//! a second try of anything.

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryFutureExt as _};
use serde_json::json;
use sse_stream::SseByteStream;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

use super::wire::{Said, said};
use super::{Settings, StraightError};
use crate::server::SOCKET_READ_BUFFER_BYTES;

/// A socket to a vendor.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A model's reply as it comes; it ends early when it breaks off.
pub(super) type Reply = BoxStream<'static, Said>;

/// What the recogniser is asked for: what the engine asks it for.
const LISTEN: &str = "v1/listen?model=nova-3&language=en-US&encoding=mulaw&sample_rate=8000&channels=1\
                      &interim_results=true&endpointing=300&utterance_end_ms=1000&vad_events=true&smart_format=true\
                      &punctuate=true";
/// What the voice is asked for.
const SPEAK: &str = "v1/speak?model=aura-2-asteria-en&encoding=mulaw&sample_rate=8000";
/// All that the model is told beside the caller's words.
const INSTRUCTIONS: &str = "You are Otto, who answers the telephone of a car workshop. Answer in one or two short \
                            sentences.";
const MODEL: &str = "gpt-6-luna";

/// The vendors' addresses and keys, and the client of their REST interfaces.
#[derive(Debug)]
pub(super) struct Vendors {
    deepgram: Url,
    deepgram_key: String,
    chat: Url,
    openai_key: String,
    http: reqwest::Client,
}

impl Vendors {
    pub(super) fn new(settings: &Settings) -> Result<Self, StraightError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let address = |text: &str| Url::parse(text).map_err(|error| StraightError::Address(text.to_owned(), error));
        Ok(Vendors {
            deepgram: address(&format!("{}/", settings.deepgram_url))?,
            deepgram_key: format!("Token {}", settings.deepgram_key),
            chat: address(&format!("{}/chat/completions", settings.openai_url))?,
            openai_key: settings.openai_key.clone(),
            http: reqwest::Client::builder().no_proxy().build()?,
        })
    }

    /// A session of the recogniser.
    pub(super) async fn ears(&self) -> Result<Socket, StraightError> {
        self.socket(LISTEN).await
    }

    /// A session of the voice.
    pub(super) async fn voice(&self) -> Result<Socket, StraightError> {
        self.socket(SPEAK).await
    }

    async fn socket(&self, path: &str) -> Result<Socket, StraightError> {
        let mut request = self.at(path)?.as_str().into_client_request()?;
        let key = HeaderValue::try_from(&self.deepgram_key).map_err(|_| StraightError::Key)?;
        request.headers_mut().insert(AUTHORIZATION, key);
        let config = WebSocketConfig::default().read_buffer_size(SOCKET_READ_BUFFER_BYTES).write_buffer_size(0);
        let no_delay = true;
        Ok(Box::pin(connect_async_with_config(request, Some(config), no_delay)).await?.0)
    }

    /// The audio of a text, whole.
    pub(super) async fn whole(&self, text: &str) -> Result<Bytes, StraightError> {
        let mut url = self.at(&format!("{SPEAK}&container=none"))?;
        let plain = if url.scheme() == "ws" { "http" } else { "https" };
        // These schemes may be exchanged for each other.
        let _ = url.set_scheme(plain);
        let post = self.http.post(url).header("authorization", &self.deepgram_key).json(&json!({ "text": text }));
        Ok(post.send().await?.error_for_status()?.bytes().await?)
    }

    /// Asks the model what to say to these words.
    pub(super) fn ask(&self, words: &str) -> Reply {
        let body = json!({"model": MODEL, "stream": true, "stream_options": {"include_usage": true}, "messages": [
            {"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": words}]});
        let post = self.http.post(self.chat.clone()).bearer_auth(&self.openai_key).json(&body);
        let answer = async move { Ok(post.send().await?.error_for_status()?.bytes_stream()) };
        let chunks = SseByteStream::new(answer.try_flatten_stream().boxed());
        chunks.map(|event| said(&event.ok().and_then(|event| event.data).unwrap_or_default())).boxed()
    }

    fn at(&self, path: &str) -> Result<Url, StraightError> {
        self.deepgram.join(path).map_err(|error| StraightError::Address(path.to_owned(), error))
    }
}
