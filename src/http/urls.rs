//! Otto's public addresses. Twilio gets absolute URLs only, built from the configured base and never from a request.

use url::Url;

use crate::vendors::rest;

/// Where the media socket is.
pub(super) const MEDIA_STREAM: &str = "/api/v1/voice/media-stream";
/// Where Twilio asks what to do with a new call.
pub(super) const INBOUND_CALL: &str = "/api/v1/webhooks/inbound-call";
/// Where Twilio asks what to do when a stream has ended.
pub(super) const STREAM_ENDED: &str = "/api/v1/webhooks/stream-ended";
/// Where Twilio asks what to do when a transfer has ended.
pub(super) const DIAL_ENDED: &str = "/api/v1/webhooks/dial-ended";
/// Where Twilio says how a call stands.
pub(super) const CALL_STATUS: &str = "/api/v1/webhooks/call-status";
/// Where Google says that a calendar has changed.
pub(super) const CALENDAR_NOTIFICATION: &str = "/api/v1/webhooks/calendar/notification";

/// The addresses under which the outside reaches Otto.
#[derive(Debug, Clone)]
pub struct PublicUrls {
    base: Url,
}

impl PublicUrls {
    /// The addresses below a public base URL.
    #[must_use]
    pub fn new(base: Url) -> Self {
        Self { base }
    }

    /// The base, as signatures are checked against it.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The `<Stream url>`: always `wss`, as Twilio demands, and without a query, which it would drop.
    #[must_use]
    pub fn media_stream(&self) -> String {
        let url = self.at(MEDIA_STREAM);
        url.split_once("://").map_or_else(String::new, |(_, rest)| format!("wss://{rest}"))
    }

    /// The `<Connect action>`.
    #[must_use]
    pub fn stream_ended(&self) -> String {
        self.at(STREAM_ENDED)
    }

    /// The `<Dial action>`, also of transfers over REST.
    #[must_use]
    pub fn dial_ended(&self) -> String {
        self.at(DIAL_ENDED)
    }

    /// The webhook for new calls, for operators who set up a number.
    #[must_use]
    pub fn inbound_call(&self) -> String {
        self.at(INBOUND_CALL)
    }

    /// The status callback, for operators who set up a number.
    #[must_use]
    pub fn call_status(&self) -> String {
        self.at(CALL_STATUS)
    }

    /// The address of Google's notification channels.
    #[must_use]
    pub fn calendar_notification(&self) -> Url {
        rest::below(&self.base, CALENDAR_NOTIFICATION.trim_start_matches('/'))
    }

    fn at(&self, path: &str) -> String {
        rest::below(&self.base, path.trim_start_matches('/')).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_absolute_and_the_stream_is_wss() {
        for (base, stream, ended) in [
            (
                "https://otto.example",
                "wss://otto.example/api/v1/voice/media-stream",
                "https://otto.example/api/v1/webhooks/stream-ended",
            ),
            (
                "http://127.0.0.1:8000/",
                "wss://127.0.0.1:8000/api/v1/voice/media-stream",
                "http://127.0.0.1:8000/api/v1/webhooks/stream-ended",
            ),
        ] {
            let urls = PublicUrls::new(base.parse().unwrap());
            assert_eq!((urls.media_stream().as_str(), urls.stream_ended().as_str()), (stream, ended));
        }
    }
}
