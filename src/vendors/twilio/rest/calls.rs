//! Calls that Otto places: the request for one, and what Twilio says of them.

use chrono::{DateTime, Utc};
use otto_actors::domain::{AnsweredBy, CallSid, CallStatus, PhoneNumber};
use otto_actors::ports::{Dial, DialError, PlacedCall, VendorError};
use serde::Deserialize;

use super::{TwilioRest, is_since, protocol, rejected, time};

/// How long a telephone rings, in seconds; Twilio may add five. Most voicemails take over before that.
const RING_TIMEOUT_S: u32 = 30;
/// The longest call that Otto places, in seconds, with what a colleague who takes over needs: a call that nobody ends is
/// not paid for any longer.
const CALL_MAX_S: u32 = 1_800;
/// The direction of calls that were asked for over REST.
const BY_REST: &str = "outbound-api";

/// A call as Twilio describes it. Every field may be null, and numbers are text.
#[derive(Deserialize)]
struct Call {
    sid: Option<String>,
    status: Option<String>,
    direction: Option<String>,
    date_created: Option<String>,
    answered_by: Option<String>,
    duration: Option<String>,
}

impl TwilioRest {
    pub(super) async fn place_call(&self, dial: &Dial) -> Result<CallSid, DialError> {
        let Some((from, callbacks)) = self.outbound.calls() else {
            return Err(DialError::Refused(rejected("no number to call from, or no public address")));
        };
        let (document, status) = (callbacks.document(dial), callbacks.dial_status(dial));
        let (answered_by, rings, lasts) =
            (callbacks.answered_by(dial), RING_TIMEOUT_S.to_string(), CALL_MAX_S.to_string());
        let call: Call = self
            .place(
                "Calls.json",
                &[
                    ("To", dial.to.as_e164()),
                    ("From", from.as_e164()),
                    ("Url", &document),
                    ("Method", "POST"),
                    ("StatusCallback", &status),
                    ("StatusCallbackMethod", "POST"),
                    ("StatusCallbackEvent", "initiated"),
                    ("StatusCallbackEvent", "ringing"),
                    ("StatusCallbackEvent", "answered"),
                    ("StatusCallbackEvent", "completed"),
                    ("MachineDetection", "DetectMessageEnd"),
                    ("AsyncAmd", "true"),
                    ("AsyncAmdStatusCallback", &answered_by),
                    ("AsyncAmdStatusCallbackMethod", "POST"),
                    ("Timeout", &rings),
                    ("TimeLimit", &lasts),
                ],
            )
            .await?;
        call.sid().map_err(DialError::Unknown)
    }

    /// Twilio can leave out what was asked for before a time, but goes by when a call was dialled: one that still waits in
    /// its queue would be missing. So the whole list of calls to that number is read, and old ones are left out here.
    pub(super) async fn list_calls(
        &self,
        to: &PhoneNumber,
        since: DateTime<Utc>,
    ) -> Result<Vec<PlacedCall>, VendorError> {
        let from = self.outbound.calls_from.as_ref().map(|from| ("From", from.as_e164()));
        let query: Vec<_> = std::iter::once(("To", to.as_e164())).chain(from).collect();
        let calls: Vec<Call> = self.list("Calls.json", &query).await?;
        let placed = calls.into_iter().filter(Call::is_placed).map(Call::placed);
        let mut placed = placed.collect::<Result<Vec<_>, _>>()?;
        placed.retain(|call| is_since(call.created_at, since));
        placed.sort_by_key(|call| std::cmp::Reverse(call.created_at));
        Ok(placed)
    }

    pub(super) async fn fetch_call(&self, call: &CallSid) -> Result<Option<PlacedCall>, VendorError> {
        let call: Option<Call> = self.get(&self.resource(&format!("Calls/{call}.json"))).await?;
        call.map(Call::placed).transpose()
    }
}

impl Call {
    fn sid(&self) -> Result<CallSid, VendorError> {
        let sid = self.sid.as_deref().and_then(|sid| CallSid::parse(sid).ok());
        sid.ok_or_else(|| protocol("found a call without its name, expected CA and letters or digits"))
    }

    /// Neither an inbound call nor the leg of a transfer.
    fn is_placed(&self) -> bool {
        self.direction.as_deref().is_none_or(|direction| direction == BY_REST)
    }

    fn placed(self) -> Result<PlacedCall, VendorError> {
        Ok(PlacedCall {
            call: self.sid()?,
            // A word of tomorrow is the least that is known of a call: it is there.
            status: self.status.as_deref().and_then(CallStatus::parse).unwrap_or(CallStatus::Queued),
            created_at: time(self.date_created.as_deref()),
            answered_by: self.answered_by.as_deref().and_then(answered_by),
            duration_s: self.duration.and_then(|duration| duration.parse().ok()),
        })
    }
}

/// In this place Twilio's words are coarser than those of its callbacks: `machine`, or `machine_start`.
fn answered_by(word: &str) -> Option<AnsweredBy> {
    if word.starts_with("machine") { Some(AnsweredBy::Machine) } else { AnsweredBy::parse(word) }
}
