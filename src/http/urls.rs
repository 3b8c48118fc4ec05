//! Otto's public addresses. Twilio gets absolute URLs only, built from the configured base and never from a request.

use otto_actors::domain::OutboxId;
use otto_actors::ports::Dial;
use url::Url;

use crate::vendors::rest;
use crate::vendors::twilio::Callbacks;

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
/// Where Twilio asks what to do with a call that Otto placed.
pub(super) const OUTBOUND_REMINDER: &str = "/api/v1/webhooks/outbound-reminder";
/// Where Twilio says what has answered a call that Otto placed.
pub(super) const AMD: &str = "/api/v1/webhooks/amd";
/// Where Twilio says how a text message stands.
pub(super) const SMS_STATUS: &str = "/api/v1/webhooks/sms-status";
/// Where Twilio brings a customer's text message.
pub(super) const INBOUND_SMS: &str = "/api/v1/webhooks/inbound-sms";
/// Where Google says that a calendar has changed.
pub(super) const CALENDAR_NOTIFICATION: &str = "/api/v1/webhooks/calendar/notification";

/// What the queries of these addresses say.
pub(super) mod query {
    /// The appointment that a call is about.
    pub(in crate::http) const APPOINTMENT: &str = "appointment_id";
    /// The row for which a call was placed.
    pub(in crate::http) const REMINDER: &str = "reminder";
    /// The attempt in which it was placed.
    pub(in crate::http) const ATTEMPT: &str = "attempt";
    /// The order in the outbox that a text message came from.
    pub(in crate::http) const ORDER: &str = "order";
}

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

    /// The webhook for text messages, for operators who set up a number.
    #[must_use]
    pub fn inbound_sms(&self) -> String {
        self.at(INBOUND_SMS)
    }

    /// The address of Google's notification channels.
    #[must_use]
    pub fn calendar_notification(&self) -> Url {
        rest::below(&self.base, CALENDAR_NOTIFICATION.trim_start_matches('/'))
    }

    fn with(&self, path: &str, query: impl IntoIterator<Item = (&'static str, String)>) -> String {
        let mut url = rest::below(&self.base, path.trim_start_matches('/'));
        url.query_pairs_mut().extend_pairs(query);
        url.into()
    }

    fn at(&self, path: &str) -> String {
        rest::below(&self.base, path.trim_start_matches('/')).into()
    }
}

impl Callbacks for PublicUrls {
    fn document(&self, dial: &Dial) -> String {
        let appointment = dial.appointment.map(|id| (query::APPOINTMENT, id.to_string()));
        self.with(OUTBOUND_REMINDER, appointment.into_iter().chain(attempt(dial)))
    }

    fn dial_status(&self, dial: &Dial) -> String {
        self.with(CALL_STATUS, attempt(dial))
    }

    fn answered_by(&self, dial: &Dial) -> String {
        self.with(AMD, attempt(dial))
    }

    fn text_status(&self, order: OutboxId) -> String {
        self.with(SMS_STATUS, [(query::ORDER, order.to_string())])
    }
}

/// By what a webhook knows for which row and in which attempt a call was placed.
fn attempt(dial: &Dial) -> [(&'static str, String); 2] {
    [(query::REMINDER, dial.reminder.to_string()), (query::ATTEMPT, dial.attempt.to_string())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use otto_actors::domain::{AppointmentId, PhoneNumber, ReminderId};

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

    #[test]
    fn word_of_a_call_names_the_row_and_the_attempt() {
        let urls = PublicUrls::new("https://otto.example/here".parse().unwrap());
        let (reminder, to) = (ReminderId(7), PhoneNumber::parse("+15555550123").unwrap());
        let dial = Dial { to, reminder, attempt: 2, appointment: Some(AppointmentId(5)) };
        let at = |path: &str| format!("https://otto.example/here/api/v1/webhooks/{path}");
        assert_eq!(urls.document(&dial), at("outbound-reminder?appointment_id=5&reminder=7&attempt=2"));
        assert_eq!(urls.dial_status(&dial), at("call-status?reminder=7&attempt=2"));
        assert_eq!(urls.answered_by(&dial), at("amd?reminder=7&attempt=2"));
        assert_eq!(urls.text_status(OutboxId(3)), at("sms-status?order=3"));
        let call_back = Dial { appointment: None, ..dial };
        assert_eq!(urls.document(&call_back), at("outbound-reminder?reminder=7&attempt=2"));
    }
}
