//! `otto check`: reads the settings, says what is missing and which services can be reached. Changes nothing.

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use otto_actors::domain::{BayId, PhoneNumber};
use otto_actors::ports::{Cache as _, Calendar as _, TextToSpeech as _, VendorError};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;
use url::Url;

use crate::app;
use crate::config::{OpenAi, Settings};
use crate::store::{RedisCache, open_store};
use crate::vendors::google::{GoogleCalendar, GoogleShop};
use crate::vendors::{DeepgramTts, Speech, crypto, rest, speech_to_text};

/// How long each service has to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(6);

/// How a service is doing.
enum State {
    Fine(String),
    /// Not set up, and not needed for every call.
    Off(String),
    /// Otto cannot work like this.
    Bad(String),
}

pub(super) async fn run() -> anyhow::Result<ExitCode> {
    crypto::install();
    let settings = match Settings::load() {
        Ok(settings) => settings,
        Err(problems) => {
            println!("{problems}");
            return Ok(ExitCode::FAILURE);
        }
    };
    println!("{}, {} ({})", settings.shop.name, settings.shop.address, settings.shop.time_zone);
    let missing = app::missing(&settings);
    let (database, redis, hears, speaks, model, fallback, twilio, calendar) = tokio::join!(
        in_time(database(&settings)),
        in_time(redis(&settings)),
        in_time(hears(&settings)),
        in_time(speaks(&settings)),
        in_time(model(&settings)),
        in_time(fallback(&settings)),
        in_time(twilio(&settings)),
        in_time(calendar(&settings)),
    );
    let states = [
        ("database", database),
        ("Redis", redis),
        ("Deepgram, hearing", hears),
        ("Deepgram, speaking", speaks),
        ("language model", model),
        ("fallback model", fallback),
        ("Twilio", twilio),
        ("Google Calendar", calendar),
    ];
    let bad = states.iter().filter(|(_, state)| matches!(state, State::Bad(_))).count();
    states.iter().for_each(|(name, state)| print_state(name, state));
    print_state("calls to customers", &outbound(&settings, "TWILIO_PHONE_NUMBER", &settings.twilio.phone_number));
    print_state("text messages", &outbound(&settings, "TWILIO_SMS_NUMBER", &settings.twilio.sms_number));
    println!("{:>20}  {}", "webhook", webhook(&settings));
    println!("{:>20}  {}", "speculation", if settings.speculation { "on" } else { "off" });
    for text in missing.iter() {
        println!("missing: {text}");
    }
    for name in settings.not_yet_used() {
        println!("note: {name} is fine, but this version makes no use of it");
    }
    for name in settings.unknown() {
        println!("note: {name} looks like one of Otto's settings, but is not known");
    }
    Ok(if bad == 0 && missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_state(name: &str, state: &State) {
    let (mark, text) = match state {
        State::Fine(text) => ("ok ", text),
        State::Off(text) => ("off", text),
        State::Bad(text) => ("BAD", text),
    };
    println!("{name:>20}  {mark}  {text}");
}

fn webhook(settings: &Settings) -> String {
    match &settings.server.base_url {
        Some(base) => crate::http::PublicUrls::new(base.clone()).inbound_call(),
        None => "set BASE_URL to the public https address of this server".into(),
    }
}

async fn in_time(check: impl Future<Output = State>) -> State {
    let slow = || State::Bad(format!("no answer in {} s", ANSWER_TIMEOUT.as_secs()));
    timeout(ANSWER_TIMEOUT, check).await.unwrap_or_else(|_| slow())
}

async fn database(settings: &Settings) -> State {
    if let Some(path) = sqlite_file(settings.database.url.expose_secret())
        && !std::path::Path::new(path).exists()
    {
        return State::Off("the file does not exist yet; the first start makes it".into());
    }
    let store = match open_store(&settings.database).await {
        Ok(store) => store,
        Err(error) => return State::Bad(error.to_string()),
    };
    match (store.ping().await, store.ping_replica().await) {
        (Ok(()), Ok(())) => State::Fine(store.kind().into()),
        (Ok(()), Err(error)) => State::Bad(format!("{}; DATABASE_READ_URL: {error}", store.kind())),
        (Err(error), _) => State::Bad(error.to_string()),
    }
}

/// The file of an SQLite database that is in one.
fn sqlite_file(url: &str) -> Option<&str> {
    let path = url.strip_prefix("sqlite:")?.trim_start_matches("//").split('?').next()?;
    (!path.contains(":memory:")).then_some(path)
}

async fn redis(settings: &Settings) -> State {
    let Some(url) = &settings.redis_url else {
        return State::Off("REDIS_URL is not set; the cache is in this process".into());
    };
    match RedisCache::new(url) {
        Ok(cache) => match cache.ping().await {
            true => State::Fine("answers".into()),
            false => State::Off("does not answer; Otto goes on without it".into()),
        },
        Err(error) => State::Bad(error.to_string()),
    }
}

fn key(settings: &Settings) -> SecretString {
    settings.deepgram.api_key.clone().unwrap_or_default()
}

async fn hears(settings: &Settings) -> State {
    let deepgram = &settings.deepgram;
    let stt = speech_to_text(&deepgram.url, key(settings), &deepgram.stt_model, &Speech::of(&settings.shop));
    vendor(stt.connect().await.map(drop), &deepgram.stt_model)
}

async fn speaks(settings: &Settings) -> State {
    let deepgram = &settings.deepgram;
    let tts = DeepgramTts::new(deepgram.url.clone(), key(settings), deepgram.tts_model.clone());
    vendor(tts.connect().await.map(drop), &deepgram.tts_model)
}

fn vendor(connected: Result<(), VendorError>, model: &str) -> State {
    match connected {
        Ok(()) => State::Fine(model.to_owned()),
        Err(error) => State::Bad(error.to_string()),
    }
}

async fn model(settings: &Settings) -> State {
    match (app::has_first_model(settings), &settings.fallback) {
        (true, _) => answers(&settings.openai).await,
        (false, Some(_)) => State::Off("OPENAI_API_KEY is not set; the fallback model answers".into()),
        (false, None) => State::Fine("the built-in dialogue; OPENAI_API_KEY is not set".into()),
    }
}

async fn fallback(settings: &Settings) -> State {
    match &settings.fallback {
        Some(fallback) => answers(fallback).await,
        None => State::Off("FALLBACK_OPENAI_MODEL is not set; the built-in dialogue stands by".into()),
    }
}

async fn answers(model: &OpenAi) -> State {
    let url = rest::below(&model.base_url, "models");
    let bearer = model.api_key.as_ref().map(|key| ("Bearer", key));
    get(&model.base_url, url, bearer, &model.model).await
}

async fn twilio(settings: &Settings) -> State {
    let twilio = &settings.twilio;
    let (Some(account), Some(token)) = (&twilio.account_sid, &twilio.auth_token) else {
        return State::Off("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set; only simulated calls work".into());
    };
    let url = rest::below(&twilio.api_url, &format!("2010-04-01/Accounts/{account}.json"));
    get(&twilio.api_url, url, Some((account, token)), "account").await
}

/// Whether calls can be placed, or text messages sent, by a number.
fn outbound(settings: &Settings, name: &str, number: &Option<PhoneNumber>) -> State {
    let twilio = &settings.twilio;
    match number {
        None => State::Off(format!("{name} is not set")),
        Some(_) if twilio.account_sid.is_none() || twilio.auth_token.is_none() => {
            State::Off(format!("{name} is set; TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not"))
        }
        Some(_) if !app::is_reachable(settings) => {
            State::Off(format!("{name} is set; BASE_URL, where Twilio can reach this server, is not"))
        }
        Some(_) => State::Fine(format!("from {name}")),
    }
}

async fn calendar(settings: &Settings) -> State {
    let (google, shop) = (&settings.google, &settings.shop);
    let Some(access) = google.access() else {
        return State::Off("GOOGLE_CLIENT_ID and the others are not set; the database is the calendar".into());
    };
    let bays = (1..).map(BayId).zip(google.calendar_ids.iter().cloned()).collect();
    let shop = GoogleShop { bays, zone: shop.time_zone, address: shop.address.clone() };
    match GoogleCalendar::new(access, shop, None) {
        Ok(calendar) => match calendar.check().await {
            Ok(()) => State::Fine(format!("{} calendars", google.calendar_ids.len())),
            Err(error) => State::Bad(error.to_string()),
        },
        Err(error) => State::Bad(error.to_string()),
    }
}

/// A harmless request; `auth` is a user with a password, or `Bearer` with a key.
async fn get(base: &Url, url: Url, auth: Option<(&str, &SecretString)>, what: &str) -> State {
    let client = match rest::client("check", base) {
        Ok(client) => client,
        Err(error) => return State::Bad(error.to_string()),
    };
    let request = match auth {
        Some(("Bearer", key)) => client.get(url).bearer_auth(key.expose_secret()),
        Some((user, password)) => client.get(url).basic_auth(user, Some(password.expose_secret())),
        None => client.get(url),
    };
    match request.send().await {
        Ok(response) if response.status().is_success() => State::Fine(what.to_owned()),
        Ok(response) => State::Bad(format!("answers {}", response.status())),
        Err(error) => State::Bad(rest::broken("check", &error).to_string()),
    }
}
