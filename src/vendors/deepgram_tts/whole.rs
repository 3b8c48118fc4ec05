//! Aura over REST: the whole audio of a text in one answer. Slower to begin than the socket, and with nothing to keep
//! open; for what can be prepared, and for when sockets fail.

use std::time::Duration;

use bytes::Bytes;
use otto_actors::ports::{VendorError, VendorErrorKind};
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::SecretString;
use serde::Serialize;
use url::Url;

use super::{VENDOR, audio_query, pieces};
use crate::vendors::{rest, socket};

/// Longest text in one request; the vendor's voices take 1,000 characters.
const REST_SPEAK_MAX_CHARS: usize = 990;
/// One request, from connecting to the last byte of its audio.
const REST_SPEAK_TIMEOUT_MS: Duration = Duration::from_millis(15_000);
/// The audio of one text, in bytes: nearly nine minutes.
const REST_AUDIO_MAX_BYTES: usize = 4 * 1024 * 1024;

/// The REST interface of one voice.
pub(super) struct Rest {
    client: Result<Client, VendorError>,
    url: Url,
}

#[derive(Serialize)]
struct Body<'a> {
    text: &'a str,
}

impl Rest {
    /// `base` may have the scheme of a socket. Without TLS every request fails.
    pub(super) fn new(base: &Url, model: &str) -> Self {
        let mut url = rest::below(base, "v1/speak");
        let scheme = if matches!(base.scheme(), "ws" | "http") { "http" } else { "https" };
        // These four schemes may be exchanged for each other, so this does not fail.
        let _ = url.set_scheme(scheme);
        audio_query(&mut url, model);
        // Without it the audio would begin with a WAV header, which is a click on the telephone.
        url.query_pairs_mut().append_pair("container", "none");
        Self { client: rest::client(VENDOR, &url), url }
    }

    /// The audio of a text of any length; of a text without words there is none.
    pub(super) async fn synthesize(&self, key: &SecretString, text: &str) -> Result<Bytes, VendorError> {
        let mut audio = Vec::new();
        for piece in pieces(text, REST_SPEAK_MAX_CHARS) {
            // What has no characters to speak is refused.
            if !piece.trim().is_empty() {
                self.speak(key, piece, &mut audio).await?;
            }
        }
        Ok(audio.into())
    }

    async fn speak(&self, key: &SecretString, text: &str, audio: &mut Vec<u8>) -> Result<(), VendorError> {
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let token = socket::token(VENDOR, key)?;
        let request = client.post(self.url.clone()).header(AUTHORIZATION, token).json(&Body { text });
        let broken = |error| rest::broken(VENDOR, &error);
        let mut response = request.timeout(REST_SPEAK_TIMEOUT_MS).send().await.map_err(broken)?;
        if !response.status().is_success() {
            return Err(socket::refused_by_status(VENDOR, response.status(), response.headers()));
        }
        if response.headers().get(CONTENT_TYPE).is_some_and(|kind| !is_audio(kind)) {
            return Err(protocol("the answer is no audio"));
        }
        let before = audio.len();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if audio.len() + chunk.len() > REST_AUDIO_MAX_BYTES {
                return Err(protocol("more audio than any text has"));
            }
            audio.extend_from_slice(&chunk);
        }
        if audio.len() == before { Err(protocol("an answer without audio")) } else { Ok(()) }
    }
}

fn is_audio(kind: &HeaderValue) -> bool {
    kind.to_str().is_ok_and(|kind| kind.starts_with("audio/"))
}

fn protocol(text: &str) -> VendorError {
    VendorError::new(VENDOR, VendorErrorKind::Protocol, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::DeepgramTts;
    use crate::vendors::testing::{Answer, HttpServer, http_server, nobody};
    use otto_actors::ports::TextToSpeech as _;

    async fn spoken(base: &Url, text: &str) -> Result<Bytes, VendorError> {
        let tts = DeepgramTts::new(base.clone(), SecretString::from("k"), "aura-2-asteria-en".into());
        tts.synthesize(text).await
    }

    async fn serves(answers: Vec<Answer>) -> (HttpServer, Url) {
        let server = http_server(answers).await;
        // The setting is the socket's address.
        let mut url = server.url.clone();
        url.set_scheme("ws").unwrap();
        (server, url)
    }

    fn voice() -> Answer {
        Answer::new(200).header("content-type", "audio/mulaw;rate=8000")
    }

    #[tokio::test]
    async fn a_text_becomes_its_whole_audio() {
        let (server, url) = serves(vec![voice().chunk(&b"ab"[..]).chunk(&b"c"[..])]).await;
        assert_eq!(spoken(&url, "say \"hi\"").await.unwrap(), "abc");
        let request = &server.requests()[0];
        assert_eq!(request.method, "POST");
        let path = "/v1/speak?model=aura-2-asteria-en&encoding=mulaw&sample_rate=8000&container=none";
        assert_eq!(request.uri.path_and_query().unwrap(), path);
        assert_eq!(request.headers["authorization"], "Token k");
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.body, r#"{"text":"say \"hi\""}"#);
    }

    #[tokio::test]
    async fn long_text_goes_in_pieces_and_no_text_not_at_all() {
        let (server, url) = serves(vec![voice().chunk(&b"1"[..]), voice().chunk(&b"2"[..])]).await;
        assert_eq!(spoken(&url, " \n").await.unwrap(), "");
        assert!(server.requests().is_empty());
        assert_eq!(spoken(&url, &"word ".repeat(300)).await.unwrap(), "12");
        assert!(server.requests().iter().all(|request| request.body.len() < 1_000 + r#"{"text":""}"#.len()));
    }

    #[tokio::test]
    async fn failures_have_a_kind_and_quote_nothing() {
        use VendorErrorKind::*;
        let refused = |status| Answer::new(status).header("dg-error", "reason").chunk("what the caller said");
        for (answer, kind) in [
            (refused(400), Rejected),
            (refused(401), Rejected),
            (refused(402), QuotaExhausted),
            (refused(413), Rejected),
            (refused(422), Rejected),
            (refused(429).header("retry-after", "2"), RateLimited),
            (refused(503), Failed),
            (Answer::new(200).header("content-type", "application/json").chunk("{}"), Protocol),
            (voice(), Protocol),
            (voice().chunk(vec![0; REST_AUDIO_MAX_BYTES + 1]), Protocol),
            (voice().chunk(&b"ab"[..]).cut(), Unreachable),
        ] {
            let (_server, url) = serves(vec![answer]).await;
            let error = spoken(&url, "hello").await.unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
            assert!(!error.detail.contains("caller"), "{error}");
            assert_eq!(error.retry_after.is_some(), kind == RateLimited);
        }
        assert_eq!(spoken(&nobody().await, "hello").await.unwrap_err().kind, Unreachable);
    }

    #[test]
    fn the_address_follows_the_sockets() {
        for (base, expected) in [
            ("wss://api.deepgram.com", "https://api.deepgram.com/v1/speak"),
            ("ws://127.0.0.1:9/dg/", "http://127.0.0.1:9/dg/v1/speak"),
            ("https://h", "https://h/v1/speak"),
        ] {
            let url = Rest::new(&base.parse().unwrap(), "m").url;
            assert!(url.as_str().starts_with(&format!("{expected}?model=m&")), "{url}");
        }
    }
}
