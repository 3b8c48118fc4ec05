//! Google Calendar v3 as [`Calendar`]: one calendar a bay. `token` lets Otto in, `api` sends one request, `errors` says
//! what a refusal means, `busy`, `events`, `sync` and `channel` are what is asked for, `wire` is what it looks like.
//!
//! Source of all facts: Google's discovery document of the Calendar API, revision 20261030, and Google's guides to its
//! errors and to OAuth.

mod api;
mod busy;
mod channel;
mod errors;
mod events;
mod sync;
mod token;
mod wire;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use otto_actors::domain::{AppointmentId, BayId};
use otto_actors::ports::{
    BusyTimes, Calendar, CalendarChange, CalendarError, CalendarEvent, Changes, Put, VendorError, VendorErrorKind,
};
use secrecy::SecretString;
use url::Url;

use self::api::Api;
pub use self::channel::ChannelToken;
use self::channel::Channels;

const VENDOR: &str = "google-calendar";

/// How Otto gets into the calendars, and which there are.
#[derive(Debug, Clone)]
pub struct GoogleAccess {
    /// Names this installation.
    pub client_id: String,
    /// Proves it.
    pub client_secret: SecretString,
    /// Stands for the calendars' owner.
    pub refresh_token: SecretString,
    /// The REST API.
    pub api_url: Url,
    /// Where access tokens come from.
    pub token_url: Url,
}

/// The shop as its events show it.
#[derive(Debug, Clone)]
pub struct GoogleShop {
    /// Each bay with the id of its calendar.
    pub bays: Vec<(BayId, String)>,
    /// The zone that events are written in.
    pub zone: Tz,
    /// Where customers come to.
    pub address: String,
}

/// The calendars of a shop.
pub struct GoogleCalendar {
    api: Api,
    shop: GoogleShop,
    channels: Option<Channels>,
}

impl GoogleCalendar {
    /// The calendars, without a connection yet. With `notify`, an https address, Google is asked to tell it of changes.
    ///
    /// # Errors
    /// When TLS is not available.
    pub fn new(access: GoogleAccess, shop: GoogleShop, notify: Option<Url>) -> Result<Self, VendorError> {
        let channels = notify.map(|address| Channels::new(address, ChannelToken::of(&access.client_secret)));
        Ok(Self { api: Api::new(access)?, shop, channels })
    }

    fn calendar(&self, bay: BayId) -> Result<&str, CalendarError> {
        let found = self.shop.bays.iter().find(|(id, _)| *id == bay);
        let unknown = || VendorError::new(VENDOR, VendorErrorKind::Rejected, format!("bay {bay} has no calendar"));
        found.map(|(_, calendar)| calendar.as_str()).ok_or_else(|| CalendarError::Refused(unknown()))
    }
}

#[async_trait]
impl Calendar for GoogleCalendar {
    fn bays(&self) -> Vec<BayId> {
        self.shop.bays.iter().map(|(bay, _)| *bay).collect()
    }

    async fn busy(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<BusyTimes, CalendarError> {
        busy::busy(&self.api, &self.shop.bays, from, to).await
    }

    async fn put(&self, event: &CalendarEvent) -> Result<Put, CalendarError> {
        let (home, put) = (self.calendar(event.bay)?, events::put(&self.api, &self.shop, event));
        let put = put.await?;
        if put == Put::Written && event.version > events::FIRST_VERSION {
            // It may have been in another bay before.
            let others = self.shop.bays.iter().map(|(_, calendar)| calendar).filter(|calendar| *calendar != home);
            for calendar in others {
                events::delete(&self.api, calendar, event.appointment, events::Guests::KeepQuiet).await?;
            }
        }
        Ok(put)
    }

    async fn remove(&self, appointment: AppointmentId) -> Result<(), CalendarError> {
        for (_, calendar) in &self.shop.bays {
            events::delete(&self.api, calendar, appointment, events::Guests::Tell).await?;
        }
        Ok(())
    }

    async fn changes(&self, bay: BayId, since: Option<&str>) -> Result<Changes, CalendarError> {
        let calendar = self.calendar(bay)?;
        if let Some(channels) = &self.channels {
            channels.keep_open(&self.api, calendar).await;
        }
        sync::changes(&self.api, (bay, calendar), self.shop.zone, since).await
    }

    async fn find(&self, appointment: AppointmentId) -> Result<Option<CalendarChange>, CalendarError> {
        let found = sync::find(&self.api, &self.shop.bays, self.shop.zone, appointment).await?;
        if found.is_none() {
            // Of a calendar that does not let Otto in Google says the same as of an event that is not there.
            self.check().await?;
        }
        Ok(found)
    }

    async fn check(&self) -> Result<(), CalendarError> {
        let now = Utc::now();
        let times = self.busy(now, now + TimeDelta::minutes(1)).await?;
        if times.unknown.is_empty() {
            return Ok(());
        }
        let detail = format!("{} of {} calendars are not known", times.unknown.len(), self.shop.bays.len());
        Err(CalendarError::NoAccess(VendorError::new(VENDOR, VendorErrorKind::Rejected, detail)))
    }
}
