//! What can be set in the environment, as types, and the rules between the settings. DESIGN.md, section 6, has the list.

use otto_actors::domain::{PhoneNumber, Shop, ShopBay};
use secrecy::SecretString;
use url::Url;

use super::groups::{self, Deepgram, Google, OpenAi, Server, Telemetry, Twilio};
use super::read::Reader;
use super::{Environment, Problems, SHOP_FILE_VARIABLE, shop};
use crate::store;

/// Every variable that is read.
pub(super) const KNOWN: &[&str] = &[
    "HOST",
    "PORT",
    "BASE_URL",
    "DATABASE_URL",
    "DATABASE_READ_URL",
    "DATABASE_POOL",
    "REDIS_URL",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_PHONE_NUMBER",
    "TWILIO_SMS_NUMBER",
    "TWILIO_API_URL",
    "DEEPGRAM_API_KEY",
    "DEEPGRAM_URL",
    "DEEPGRAM_STT_MODEL",
    "DEEPGRAM_TTS_MODEL",
    "WARM_SOCKETS",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_MODEL",
    "OPENAI_API",
    "FALLBACK_OPENAI_BASE_URL",
    "FALLBACK_OPENAI_MODEL",
    "FALLBACK_OPENAI_API_KEY",
    "SPECULATION",
    "GOOGLE_CLIENT_ID",
    "GOOGLE_CLIENT_SECRET",
    "GOOGLE_REFRESH_TOKEN",
    "GOOGLE_CALENDAR_IDS",
    "GOOGLE_API_URL",
    "GOOGLE_TOKEN_URL",
    "NHTSA_API_URL",
    "ESCALATION_NUMBER",
    "OPERATOR_TOKEN",
    "MAX_CALLS",
    "DRAIN_SECONDS",
    "OTLP_ENDPOINT",
    "LOG_FORMAT",
    SHOP_FILE_VARIABLE,
];

/// Of these, the ones whose feature this version does not have yet.
const NOT_YET_USED: &[&str] = &["OTLP_ENDPOINT"];

/// Variables that begin like this are probably meant for Otto.
const OUR_PREFIXES: &[&str] =
    &["TWILIO_", "DEEPGRAM_", "OPENAI_", "FALLBACK_OPENAI_", "GOOGLE_", "NHTSA_", "OTLP_", "OTTO_"];

/// Variables of the tests, which a start has no opinion on.
const TEST_PREFIX: &str = "OTTO_TEST_";

/// The Google settings that only make sense together.
const GOOGLE_TOGETHER: &[&str] =
    &["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET", "GOOGLE_REFRESH_TOKEN", "GOOGLE_CALENDAR_IDS"];

pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

/// Everything that can be set. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The HTTP server and the process.
    pub server: Server,
    /// Where the records are.
    pub database: store::Address,
    /// Where the shared cache is; without it each process has its own. May hold a password.
    pub redis_url: Option<SecretString>,
    /// The telephone company.
    pub twilio: Twilio,
    /// Ears and voice.
    pub deepgram: Deepgram,
    /// The language model.
    pub openai: OpenAi,
    /// The one that is asked when the first does not answer.
    pub fallback: Option<OpenAi>,
    /// The language model may be asked before a caller has finished.
    pub speculation: bool,
    /// The calendar.
    pub google: Google,
    /// Where VINs are decoded.
    pub nhtsa_api_url: Url,
    /// The human who takes over.
    pub escalation_number: Option<PhoneNumber>,
    /// How Otto is seen.
    pub telemetry: Telemetry,
    /// The shop, from `otto.toml`.
    pub shop: Shop,
    not_yet_used: Vec<&'static str>,
    unknown: Vec<String>,
}

impl Settings {
    /// Reads the settings from variables and from the text of the shop's file, if there is one.
    ///
    /// # Errors
    /// All problems at once.
    pub fn read(environment: &Environment, shop_file: Option<&str>) -> Result<Self, Problems> {
        let mut reader = Reader::new(environment);
        let openai = groups::openai(&mut reader);
        let settings = Self {
            server: groups::server(&mut reader),
            database: database(&mut reader),
            redis_url: redis_url(&mut reader),
            twilio: groups::twilio(&mut reader),
            deepgram: groups::deepgram(&mut reader),
            fallback: groups::fallback(&mut reader, &openai),
            openai,
            speculation: groups::speculation(&mut reader),
            google: groups::google(&mut reader),
            nhtsa_api_url: groups::vendor_url(&mut reader, "NHTSA_API_URL", "https://vpic.nhtsa.dot.gov/api"),
            escalation_number: reader.phone("ESCALATION_NUMBER"),
            telemetry: groups::telemetry(&mut reader),
            shop: shop::read(shop_file, &mut reader.problems),
            not_yet_used: NOT_YET_USED.iter().filter(|name| environment.get(name).is_some()).copied().collect(),
            unknown: environment.names().filter(|name| is_unknown(name)).map(str::to_owned).collect(),
        };
        settings.check_relations(&mut reader);
        if reader.problems.is_empty() { Ok(settings) } else { Err(Problems(reader.problems)) }
    }

    /// The shop's bays with their calendars.
    #[must_use]
    pub fn bays(&self) -> Vec<ShopBay> {
        ShopBay::list(&self.shop.bays, &self.google.calendar_ids)
    }

    /// Settings that are there and fine, and that this version makes no use of.
    #[must_use]
    pub fn not_yet_used(&self) -> Vec<&'static str> {
        self.not_yet_used.clone()
    }

    /// Variables that look as if they were meant for Otto and are not known: typing errors, or another tool's.
    #[must_use]
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    fn check_relations(&self, reader: &mut Reader<'_>) {
        let (host, signed) = (self.server.host, reader.get("TWILIO_AUTH_TOKEN").is_some());
        if !host.is_loopback() && !signed {
            reader.problem(format!(
                "TWILIO_AUTH_TOKEN: found nothing while HOST is {host}, expected Twilio's token or HOST=127.0.0.1: \
                 without the token webhooks cannot be told from forgeries"
            ));
        }
        if !host.is_loopback() && signed && reader.get("BASE_URL").is_none() {
            reader.problem(format!(
                "BASE_URL: found nothing while HOST is {host} and TWILIO_AUTH_TOKEN is set, expected the public address \
                 that Twilio signs, such as https://otto.example.com"
            ));
        }
        let (set, missing): (Vec<&str>, Vec<_>) = GOOGLE_TOGETHER.iter().partition(|name| reader.get(name).is_some());
        if let Some(set) = set.first() {
            for missing in missing {
                reader.problem(format!("{missing}: found nothing while {set} is set, expected both or neither"));
            }
        }
        let (calendars, bays) = (self.google.calendar_ids.len(), self.shop.bays.len());
        if calendars > 0 && calendars != bays {
            reader.problem(format!("GOOGLE_CALENDAR_IDS: found {calendars}, expected one for each bay ({bays})"));
        }
    }
}

fn is_unknown(name: &str) -> bool {
    OUR_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && !is_known(name) && !name.starts_with(TEST_PREFIX)
}

fn database(reader: &mut Reader<'_>) -> store::Address {
    let url = reader.get("DATABASE_URL").unwrap_or("sqlite://otto.db");
    if let Err(error) = store::check_url(url) {
        reader.problem(format!("DATABASE_URL: {error}"));
    }
    let read_url = reader.get("DATABASE_READ_URL");
    match read_url.map(store::check_url) {
        Some(Err(error)) => reader.problem(format!("DATABASE_READ_URL: {error}")),
        Some(Ok(())) if !read_url.into_iter().chain([url]).all(store::is_postgres) => reader.problem(
            "DATABASE_READ_URL: found it beside an SQLite database, expected it for a replica of a PostgreSQL database \
             alone",
        ),
        _ => {}
    }
    store::Address {
        url: SecretString::from(url.to_owned()),
        read_url: read_url.map(|url| SecretString::from(url.to_owned())),
        pool: reader.number("DATABASE_POOL", 1, 1_000, 20),
    }
}

fn redis_url(reader: &mut Reader<'_>) -> Option<SecretString> {
    let url = reader.secret("REDIS_URL")?;
    if let Err(error) = crate::store::RedisCache::new(&url) {
        reader.problem(format!("REDIS_URL: {error}"));
    }
    Some(url)
}
