//! The world around the engine: every vendor on a loopback port, ended all together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::deepgram_stt::{DeepgramStt, SttSettings};
use crate::deepgram_tts::{DeepgramTts, TtsSettings};
use crate::google_calendar::{self, CalendarSettings, GoogleCalendar};
use crate::knobs::Latency;
use crate::nhtsa::{Nhtsa, NhtsaSettings};
use crate::openai::{Brain, LlmSettings, OpenAi, Receptionist};
use crate::seed::Seed;
use crate::server::Scope;
use crate::speech::DEFAULT_MS_PER_CHAR;
use crate::twilio::{CallHandle, CallPlan, Twilio, TwilioSettings};

/// The account that the simulated Twilio knows.
pub const ACCOUNT_SID: &str = "AC00000000000000000000000000000001";
/// Its token.
pub const AUTH_TOKEN: &str = "simulated-auth-token";
/// The workshop's number.
pub const PHONE_NUMBER: &str = "+12175550100";
/// The key that the simulated Deepgram accepts.
pub const DEEPGRAM_KEY: &str = "simulated-deepgram-key";
/// The key that the simulated OpenAI accepts.
pub const OPENAI_KEY: &str = "sk-simulated";

/// A world that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// No loopback port.
    #[error("no loopback port: {0}")]
    Listen(#[from] std::io::Error),
    /// No HTTP client.
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// How the world is.
#[derive(Clone, Debug, PartialEq)]
pub struct WorldSettings {
    /// What every random draw comes from.
    pub seed: Seed,
    /// The first of the five loopback ports that the vendors listen on, one after the other; free ones when `None`.
    pub first_port: Option<u16>,
    /// Pace of every voice, callers' and Otto's.
    pub ms_per_char: u32,
    /// Twilio's account.
    pub account_sid: String,
    /// Twilio's token.
    pub auth_token: String,
    /// The workshop's number.
    pub phone_number: String,
    /// Calendars that exist.
    pub calendar_ids: Vec<String>,
    /// Speech to text.
    pub stt: SttSettings,
    /// Text to speech; its pace is `ms_per_char` above.
    pub tts: TtsSettings,
    /// The language model.
    pub llm: LlmSettings,
    /// The telephone; its pace is `ms_per_char` above.
    pub twilio: TwilioSettings,
    /// The calendar.
    pub calendar: CalendarSettings,
    /// The VIN decoder.
    pub nhtsa: NhtsaSettings,
}

impl Default for WorldSettings {
    fn default() -> Self {
        WorldSettings {
            seed: Seed::default(),
            first_port: None,
            ms_per_char: DEFAULT_MS_PER_CHAR,
            account_sid: ACCOUNT_SID.to_owned(),
            auth_token: AUTH_TOKEN.to_owned(),
            phone_number: PHONE_NUMBER.to_owned(),
            calendar_ids: vec![
                "bay1@group.calendar.google.com".to_owned(),
                "bay2@group.calendar.google.com".to_owned(),
            ],
            stt: SttSettings::default(),
            tts: TtsSettings::default(),
            llm: LlmSettings::default(),
            twilio: TwilioSettings::default(),
            calendar: CalendarSettings::default(),
            nhtsa: NhtsaSettings::default(),
        }
    }
}

impl WorldSettings {
    /// A world for tests: quick voices and next to no latency.
    pub fn quick(seed: Seed) -> Self {
        let mut settings = WorldSettings { seed, ms_per_char: 15, ..WorldSettings::default() };
        settings.stt.latency = Latency::fixed(5.0);
        settings.tts.first_byte = Latency::fixed(5.0);
        settings.llm.first_token = Latency::fixed(5.0);
        settings.llm.per_token = Latency::ZERO;
        settings.twilio.second = Duration::from_millis(10);
        settings.calendar.latency = Latency::ZERO;
        settings.nhtsa.latency = Latency::ZERO;
        settings
    }
}

/// Every vendor, running.
pub struct World {
    /// Speech to text.
    pub stt: DeepgramStt,
    /// Text to speech.
    pub tts: DeepgramTts,
    /// The language model.
    pub openai: OpenAi,
    /// The telephone.
    pub twilio: Twilio,
    /// The calendar.
    pub calendar: GoogleCalendar,
    /// The VIN decoder.
    pub nhtsa: Nhtsa,
    settings: WorldSettings,
    addresses: Addresses,
    scope: Scope,
}

struct Addresses {
    deepgram: SocketAddr,
    openai: SocketAddr,
    twilio: SocketAddr,
    google: SocketAddr,
    nhtsa: SocketAddr,
}

impl World {
    /// Starts every vendor on a free loopback port, with the [`Receptionist`] as the language model's brain.
    pub async fn start(settings: WorldSettings) -> Result<World, WorldError> {
        Self::start_with(settings, Receptionist).await
    }

    /// As [`World::start`], with another brain.
    pub async fn start_with(settings: WorldSettings, brain: impl Brain) -> Result<World, WorldError> {
        let (seed, scope) = (settings.seed, Scope::default());
        let tts_settings = TtsSettings { ms_per_char: settings.ms_per_char, ..settings.tts.clone() };
        let twilio_settings = TwilioSettings { ms_per_char: settings.ms_per_char, ..settings.twilio.clone() };
        let account = (settings.account_sid.as_str(), settings.auth_token.as_str(), settings.phone_number.as_str());
        let stt = DeepgramStt::new(DEEPGRAM_KEY, seed, settings.stt.clone(), scope.clone());
        let tts = DeepgramTts::new(DEEPGRAM_KEY, seed, tts_settings, scope.clone());
        let openai = OpenAi::new(OPENAI_KEY, seed, settings.llm.clone(), Arc::new(brain), scope.clone());
        let twilio = Twilio::new(account, seed, twilio_settings, scope.clone())?;
        let calendar = GoogleCalendar::new(seed, settings.calendar.clone(), &settings.calendar_ids, scope.clone());
        let nhtsa = Nhtsa::new(seed, settings.nhtsa.clone(), scope.clone());
        let port = |offset: u16| settings.first_port.map_or(0, |first| first.saturating_add(offset));
        let addresses = Addresses {
            deepgram: scope.serve(stt.router().merge(tts.router()), port(0)).await?,
            openai: scope.serve(openai.router(), port(1)).await?,
            twilio: scope.serve(twilio.router(), port(2)).await?,
            google: scope.serve(calendar.router(), port(3)).await?,
            nhtsa: scope.serve(nhtsa.router(), port(4)).await?,
        };
        Ok(World { stt, tts, openai, twilio, calendar, nhtsa, settings, addresses, scope })
    }

    /// The engine's settings that attach it to this world, as environment variables.
    pub fn env(&self) -> Vec<(String, String)> {
        let Addresses { deepgram, openai, twilio, google, nhtsa } = &self.addresses;
        [
            ("TWILIO_API_URL", format!("http://{twilio}")),
            ("TWILIO_ACCOUNT_SID", self.settings.account_sid.clone()),
            ("TWILIO_AUTH_TOKEN", self.settings.auth_token.clone()),
            ("TWILIO_PHONE_NUMBER", self.settings.phone_number.clone()),
            ("DEEPGRAM_URL", format!("ws://{deepgram}")),
            ("DEEPGRAM_API_KEY", DEEPGRAM_KEY.to_owned()),
            ("OPENAI_BASE_URL", format!("http://{openai}/v1")),
            ("OPENAI_API_KEY", OPENAI_KEY.to_owned()),
            ("GOOGLE_API_URL", format!("http://{google}")),
            ("GOOGLE_TOKEN_URL", format!("http://{google}/token")),
            ("NHTSA_API_URL", format!("http://{nhtsa}")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Settings that switch the engine's calendar on; without them it keeps to its database.
    pub fn calendar_env(&self) -> Vec<(String, String)> {
        [
            ("GOOGLE_CLIENT_ID", google_calendar::CLIENT_ID.to_owned()),
            ("GOOGLE_CLIENT_SECRET", google_calendar::CLIENT_SECRET.to_owned()),
            ("GOOGLE_REFRESH_TOKEN", google_calendar::REFRESH_TOKEN.to_owned()),
            ("GOOGLE_CALENDAR_IDS", self.settings.calendar_ids.join(",")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Settings that switch the engine's text messages on.
    pub fn texting_env(&self) -> Vec<(String, String)> {
        vec![("TWILIO_SMS_NUMBER".to_owned(), self.settings.phone_number.clone())]
    }

    /// Says where the engine is: its public address, for URLs and signatures, and where it really listens.
    pub fn connect_engine(&self, base_url: Url, local: SocketAddr) {
        self.twilio.connect_engine(base_url, local);
    }

    /// Places a call to the engine.
    ///
    /// # Panics
    /// When no engine was connected.
    pub fn call(&self, plan: CallPlan) -> CallHandle {
        self.twilio.place_call(plan)
    }

    #[cfg(test)]
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// How the world was started.
    pub fn settings(&self) -> &WorldSettings {
        &self.settings
    }

    /// Tasks of the world that are running: servers, sockets, calls.
    pub fn tasks(&self) -> usize {
        self.scope.tasks.len()
    }

    /// Ends every vendor, every socket and every call, and waits until all are gone.
    pub async fn shutdown(&self) {
        self.scope.end().await;
    }
}

#[cfg(test)]
mod tests;
