//! Text messages: the request for one, and what Twilio says of them.

use chrono::{DateTime, Utc};
use otto_actors::domain::PhoneNumber;
use otto_actors::ports::{DialError, SentText, Text, VendorError};
use serde::Deserialize;

use super::{TwilioRest, is_since, protocol, rejected, time};
use crate::vendors::twilio::form::is_message_sid;

/// The status of a message of which nothing is known but that Twilio has it.
const QUEUED: &str = "queued";

/// A message as Twilio describes it. Every field may be null.
#[derive(Deserialize)]
struct Message {
    sid: Option<String>,
    status: Option<String>,
    body: Option<String>,
    date_created: Option<String>,
}

impl TwilioRest {
    pub(super) async fn send_text(&self, text: &Text) -> Result<String, DialError> {
        let Some((from, callbacks)) = self.outbound.texts() else {
            return Err(DialError::Refused(rejected("no number to send from, or no public address")));
        };
        let status = callbacks.text_status(text.order);
        let form =
            [("To", text.to.as_e164()), ("From", from.as_e164()), ("Body", &text.body), ("StatusCallback", &status)];
        let message: Message = self.place("Messages.json", &form).await?;
        message.sid().map_err(DialError::Unknown)
    }

    /// As with calls, Twilio goes by when a message was sent, which those in its queue were not yet.
    pub(super) async fn list_texts(
        &self,
        to: &PhoneNumber,
        since: DateTime<Utc>,
    ) -> Result<Vec<SentText>, VendorError> {
        let from = self.outbound.texts_from.as_ref().map(|from| ("From", from.as_e164()));
        let query: Vec<_> = std::iter::once(("To", to.as_e164())).chain(from).collect();
        let messages: Vec<Message> = self.list("Messages.json", &query).await?;
        let mut sent = messages.into_iter().map(Message::sent).collect::<Result<Vec<_>, _>>()?;
        sent.retain(|text| is_since(text.created_at, since));
        sent.sort_by_key(|text| std::cmp::Reverse(text.created_at));
        Ok(sent)
    }
}

impl Message {
    fn sid(&self) -> Result<String, VendorError> {
        let sid = self.sid.as_deref().filter(|sid| is_message_sid(sid));
        sid.map(str::to_owned)
            .ok_or_else(|| protocol("found a message without its name, expected SM or MM and letters or digits"))
    }

    fn sent(self) -> Result<SentText, VendorError> {
        let sid = self.sid()?;
        let created_at = time(self.date_created.as_deref());
        let status = self.status.unwrap_or_else(|| QUEUED.to_owned());
        Ok(SentText { sid, status, body: self.body.unwrap_or_default(), created_at })
    }
}
