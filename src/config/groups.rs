//! The settings by group, each with the reading of its variables.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use otto_actors::domain::PhoneNumber;
use secrecy::SecretString;
use url::Url;

use super::read::{Reader, is_loopback};
use crate::vendors::google::GoogleAccess;
use crate::vendors::openai::Api;
use crate::vendors::openai::models::Model;

/// The variables of the second language model.
const FALLBACK: [&str; 3] = ["FALLBACK_OPENAI_BASE_URL", "FALLBACK_OPENAI_MODEL", "FALLBACK_OPENAI_API_KEY"];

/// The HTTP server and the process.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where to listen.
    pub host: IpAddr,
    /// Where to listen; 0 lets the system choose.
    pub port: u16,
    /// Otto's public address, without a `/` at the end; ask [`Server::public_url`].
    pub base_url: Option<Url>,
    /// Calls at the same time; more are turned away.
    pub max_calls: usize,
    /// How long calls may go on after the process was told to end.
    pub drain: Duration,
    /// Opens the operators' page.
    pub operator_token: Option<SecretString>,
}

/// The telephone company.
#[derive(Debug, Clone)]
pub struct Twilio {
    /// `AC` and letters or digits.
    pub account_sid: Option<String>,
    /// Signs webhooks and opens the REST API.
    pub auth_token: Option<SecretString>,
    /// Otto's own number; reminder calls come from it.
    pub phone_number: Option<PhoneNumber>,
    /// The number that text messages come from; without it none are sent.
    pub sms_number: Option<PhoneNumber>,
    /// The REST API.
    pub api_url: Url,
}

/// Ears and voice.
#[derive(Debug, Clone)]
pub struct Deepgram {
    /// Opens both sockets.
    pub api_key: Option<SecretString>,
    /// `wss`, or `ws` on loopback.
    pub url: Url,
    /// Hears; the name decides which of the two interfaces is spoken to.
    pub stt_model: String,
    /// Speaks.
    pub tts_model: String,
    /// Sessions of each sort that are open before a call needs them.
    pub warm_sockets: usize,
}

/// The language model.
#[derive(Debug, Clone)]
pub struct OpenAi {
    /// Opens the API.
    pub api_key: Option<SecretString>,
    /// Includes the version, such as `/v1`.
    pub base_url: Url,
    /// Which model.
    pub model: String,
    /// Which of the two interfaces.
    pub api: Api,
}

/// The calendar; none when nothing of it is set.
#[derive(Debug, Clone)]
pub struct Google {
    /// Names this installation.
    pub client_id: Option<String>,
    /// Proves it.
    pub client_secret: Option<SecretString>,
    /// Stands for the calendar's owner.
    pub refresh_token: Option<SecretString>,
    /// One for each bay, in the order of the bays.
    pub calendar_ids: Vec<String>,
    /// The REST API.
    pub api_url: Url,
    /// Where access tokens come from.
    pub token_url: Url,
}

/// How Otto is seen.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// Where traces go; not used by this version.
    pub otlp_endpoint: Option<Url>,
    /// How log lines look.
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl Server {
    /// The address under which the outside reaches Otto: the one that is set, or the one that it listens on.
    #[must_use]
    pub fn public_url(&self, bound: SocketAddr) -> Url {
        let ip = if bound.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { bound.ip() };
        let local = format!("http://{}", SocketAddr::new(ip, bound.port()));
        self.base_url.clone().unwrap_or_else(|| built_in(&local))
    }
}

impl Google {
    /// How Otto gets into the calendars; none when they are not set up.
    #[must_use]
    pub fn access(&self) -> Option<GoogleAccess> {
        Some(GoogleAccess {
            client_id: self.client_id.clone()?,
            client_secret: self.client_secret.clone()?,
            refresh_token: self.refresh_token.clone()?,
            api_url: self.api_url.clone(),
            token_url: self.token_url.clone(),
        })
    }
}

pub(super) fn server(reader: &mut Reader<'_>) -> Server {
    let host = reader.parse("HOST", "an IP address such as 127.0.0.1 or 0.0.0.0", |text| text.parse().ok());
    Server {
        host: host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        port: reader.number("PORT", 0, u16::MAX, 8_000),
        base_url: reader.url("BASE_URL", None, &["https"], &["http"]),
        max_calls: reader.number("MAX_CALLS", 1, 100_000, 100),
        drain: Duration::from_secs(reader.number("DRAIN_SECONDS", 0, 3_600, 30)),
        operator_token: reader.secret("OPERATOR_TOKEN"),
    }
}

pub(super) fn twilio(reader: &mut Reader<'_>) -> Twilio {
    let sid = |text: &str| {
        let tail = text.strip_prefix("AC")?;
        (!tail.is_empty() && tail.len() <= 62 && tail.bytes().all(|b| b.is_ascii_alphanumeric()))
            .then(|| text.to_owned())
    };
    Twilio {
        account_sid: reader.parse("TWILIO_ACCOUNT_SID", "AC followed by letters or digits", sid),
        auth_token: reader.secret("TWILIO_AUTH_TOKEN"),
        phone_number: reader.phone("TWILIO_PHONE_NUMBER"),
        sms_number: reader.phone("TWILIO_SMS_NUMBER"),
        api_url: vendor_url(reader, "TWILIO_API_URL", "https://api.twilio.com"),
    }
}

pub(super) fn deepgram(reader: &mut Reader<'_>) -> Deepgram {
    let (name, default) = ("DEEPGRAM_URL", "wss://api.deepgram.com");
    let url = reader.url(name, Some(default), &["wss", "https"], &["ws", "http"]);
    Deepgram {
        api_key: reader.secret("DEEPGRAM_API_KEY"),
        url: as_socket(url.unwrap_or_else(|| built_in(default))),
        stt_model: reader.word("DEEPGRAM_STT_MODEL", "nova-3"),
        tts_model: reader.word("DEEPGRAM_TTS_MODEL", "aura-2-asteria-en"),
        warm_sockets: reader.number("WARM_SOCKETS", 0, 16, 1),
    }
}

/// The same address as that of a WebSocket.
fn as_socket(mut url: Url) -> Url {
    let scheme = if matches!(url.scheme(), "https" | "wss") { "wss" } else { "ws" };
    // Between schemes of the web this cannot fail.
    let _ = url.set_scheme(scheme);
    url
}

pub(super) fn openai(reader: &mut Reader<'_>) -> OpenAi {
    let api = |text: &str| match text {
        "chat" => Some(Api::Chat),
        "responses" => Some(Api::Responses),
        _ => None,
    };
    OpenAi {
        api_key: reader.secret("OPENAI_API_KEY"),
        base_url: vendor_url(reader, "OPENAI_BASE_URL", "https://api.openai.com/v1"),
        model: reader.word("OPENAI_MODEL", "gpt-6-luna"),
        api: reader.parse("OPENAI_API", "\"chat\" or \"responses\"", api).unwrap_or_default(),
    }
}

/// The model that is asked when the first does not answer: all three variables, or the model alone, which is then one of
/// the first's server. The first's key never goes to another server.
pub(super) fn fallback(reader: &mut Reader<'_>, first: &OpenAi) -> Option<OpenAi> {
    let [base, name, key] = FALLBACK;
    let set = FALLBACK.into_iter().find(|name| reader.get(name).is_some())?;
    let model = reader.word(name, "");
    let base_url = reader.vendor_url(base, "https://api.openai.com/v1");
    let api_key = reader.secret(key);
    let missing = |missing: &str| {
        format!("{missing}: found nothing while {set} is set, expected all of {}, or {name} alone", FALLBACK.join(", "))
    };
    let (has_base, has_key) = (reader.get(base).is_some(), reader.get(key).is_some());
    if reader.get(name).is_none() {
        reader.problem(missing(name));
    } else if has_key && !has_base {
        reader.problem(missing(base));
    } else if has_base && !has_key && base_url.as_ref().is_some_and(|url| !is_loopback(url)) {
        reader.problem(missing(key));
    }
    let usual = if has_base { Api::Chat } else { first.api };
    let api = if Model::named(&model).chat_tools { usual } else { Api::Responses };
    Some(match base_url {
        Some(base_url) if has_base => OpenAi { api_key, base_url, model, api },
        _ => OpenAi { model, api, ..first.clone() },
    })
}

pub(super) fn speculation(reader: &mut Reader<'_>) -> bool {
    let switch = |text: &str| match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    };
    reader.parse("SPECULATION", "\"on\" or \"off\"", switch).unwrap_or(true)
}

pub(super) fn google(reader: &mut Reader<'_>) -> Google {
    let ids = |text: &str| {
        let ids: Vec<_> = text.split(',').map(|id| id.trim().to_owned()).collect();
        let distinct: BTreeSet<_> = ids.iter().collect();
        (distinct.len() == ids.len() && ids.iter().all(|id| !id.is_empty())).then_some(ids)
    };
    let client_id = reader.get("GOOGLE_CLIENT_ID").map(str::to_owned);
    Google {
        client_id,
        client_secret: reader.secret("GOOGLE_CLIENT_SECRET"),
        refresh_token: reader.secret("GOOGLE_REFRESH_TOKEN"),
        calendar_ids: reader.parse("GOOGLE_CALENDAR_IDS", "different ids between commas", ids).unwrap_or_default(),
        api_url: vendor_url(reader, "GOOGLE_API_URL", "https://www.googleapis.com"),
        token_url: vendor_url(reader, "GOOGLE_TOKEN_URL", "https://oauth2.googleapis.com/token"),
    }
}

pub(super) fn telemetry(reader: &mut Reader<'_>) -> Telemetry {
    let format = |text: &str| match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    };
    Telemetry {
        // A collector is part of the installation, often beside Otto in a private network: plain is fine.
        otlp_endpoint: reader.url("OTLP_ENDPOINT", None, &["https", "http"], &[]),
        log_format: reader.parse("LOG_FORMAT", "\"text\" or \"json\"", format).unwrap_or_default(),
    }
}

pub(super) fn vendor_url(reader: &mut Reader<'_>, name: &str, default: &str) -> Url {
    reader.vendor_url(name, default).unwrap_or_else(|| built_in(default))
}

/// An address that this program wrote itself.
fn built_in(text: &str) -> Url {
    Url::parse(text).unwrap_or_else(|error| unreachable!("{text}: {error}"))
}
