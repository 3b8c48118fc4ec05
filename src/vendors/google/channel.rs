//! Notification channels: Google calls a webhook when a calendar changes. They are a convenience; changes are looked for
//! without them too, so that a channel that cannot be opened is no failure.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac as _};
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;
use url::Url;
use uuid::Uuid;

use super::api::{Api, Ask};
use super::errors::Failure;
use super::wire::{Channel, ChannelWish};
use crate::vendors::detail;

/// How long a channel is asked for.
const CHANNEL_LIFE_MS: Duration = Duration::from_millis(7 * 24 * 3_600 * 1_000);
/// How long before its end a channel is replaced. Until then both call, which does no harm.
const CHANNEL_RENEW_BEFORE_MS: Duration = Duration::from_millis(24 * 3_600 * 1_000);
/// The pause after a channel could not be opened.
const CHANNEL_RETRY_AFTER_MS: Duration = Duration::from_millis(3_600 * 1_000);
/// What the token is a signature of.
const SIGNED: &[u8] = b"otto calendar notification channel";

/// What Google sends with every notification to prove that it belongs to a channel of this installation. The same on
/// every node and after every start.
#[derive(Clone)]
pub struct ChannelToken(SecretString);

impl ChannelToken {
    /// The token of the installation with this client secret, from which the secret cannot be found.
    #[must_use]
    pub fn of(client_secret: &SecretString) -> Self {
        let Ok(mut signature) = Hmac::<Sha1>::new_from_slice(client_secret.expose_secret().as_bytes()) else {
            unreachable!("a signature takes keys of every length");
        };
        signature.update(SIGNED);
        let bytes = signature.finalize().into_bytes();
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
    }

    /// Whether a notification has it.
    #[must_use]
    pub fn is(&self, found: &str) -> bool {
        self.0.expose_secret().as_bytes().ct_eq(found.as_bytes()).into()
    }

    /// As it is sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The channels of all calendars.
pub(super) struct Channels {
    address: Url,
    token: ChannelToken,
    /// When to see to each calendar's channel again.
    renew_at: Mutex<HashMap<String, DateTime<Utc>>>,
}

impl Channels {
    pub(super) fn new(address: Url, token: ChannelToken) -> Self {
        Self { address, token, renew_at: Mutex::default() }
    }

    /// Opens a channel for a calendar that has none, or whose channel ends soon.
    pub(super) async fn keep_open(&self, api: &Api, calendar: &str) {
        let now = Utc::now();
        let fine = |renew_at: &HashMap<String, DateTime<Utc>>| renew_at.get(calendar).is_some_and(|at| now < *at);
        if fine(&self.renew_at.lock().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let renew_at = match self.open(api, calendar, now).await {
            Ok(ends_at) => ends_at - time_delta(CHANNEL_RENEW_BEFORE_MS),
            Err(failure) => {
                let error = otto_actors::ports::CalendarError::from(failure).to_string();
                tracing::info!(error = detail(&error), "Google does not announce changes; they are looked for instead");
                now + time_delta(CHANNEL_RETRY_AFTER_MS)
            }
        };
        // A channel that lives shorter than that is not replaced all the time.
        let renew_at = renew_at.max(now + time_delta(CHANNEL_RETRY_AFTER_MS));
        self.renew_at.lock().unwrap_or_else(PoisonError::into_inner).insert(calendar.to_owned(), renew_at);
    }

    async fn open(&self, api: &Api, calendar: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Failure> {
        let wanted = now + time_delta(CHANNEL_LIFE_MS);
        let wish = ChannelWish {
            id: Uuid::new_v4().to_string(),
            r#type: "web_hook",
            address: self.address.as_str(),
            token: self.token.expose(),
            expiration: wanted.timestamp_millis().to_string(),
        };
        let path = ["calendars", calendar, "events", "watch"];
        let ask = Ask { method: Method::POST, path: &path, query: &[], body: Some(&wish), if_match: None };
        let channel: Channel = api.read(ask).await?;
        let given = channel.expiration.and_then(|text| text.parse().ok()).and_then(DateTime::from_timestamp_millis);
        Ok(given.unwrap_or(wanted))
    }
}

fn time_delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or_default()
}
