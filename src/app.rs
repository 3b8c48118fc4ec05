//! The composition root: vendors, engine (`engine.rs`), HTTP server, in this order; and their end, the other way round.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use otto_actors::call::Vendors;
use otto_actors::dialogue::BuiltInDialogue;
use otto_actors::journal::LiveEvents;
use otto_actors::ports::{Clock, LanguageModel, Store, SystemClock, Telephony, TextToSpeech};
use otto_actors::registry::Calls;
use otto_actors::reminders::RemindersRef;
use otto_actors::root::Shared;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::{self, Settings};
use crate::engine::Engine;
use crate::http::server::{self, SERVER_STOP_TIMEOUT_MS};
use crate::http::{self, AppParts, AppState, CalendarParts, OutboundParts, PublicUrls};
use crate::store::Records;
use crate::telemetry;
use crate::vendors::google::ChannelToken;
use crate::vendors::twilio::signature::SignatureCheck;
use crate::vendors::twilio::twiml::Ending;
use crate::vendors::twilio::{Callbacks, Outbound, TwilioRest};
use crate::vendors::warm::{self, Background};
use crate::vendors::{self, DeepgramTts, Fallback, OpenAi, Speech, crypto};

/// Media sockets that may wait for their `start` beyond those of all calls.
const SPARE_SOCKETS: usize = 16;
/// How often histograms are folded, so that they do not grow between scrapes.
const METRICS_UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// From the end of the time for draining until all calls have ended: Twilio asks what comes after their streams, or is told.
const CALLS_END_TIMEOUT: Duration = Duration::from_secs(12);

/// A running engine.
pub struct App {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its public addresses.
    pub public: PublicUrls,
    /// The way to its calls.
    pub calls: Calls,
    /// What happens in its calls, as it happens.
    pub live: LiveEvents,
    /// Its records.
    pub store: Arc<dyn Records>,
    /// Who places its calls.
    pub reminders: RemindersRef,
    engine: Engine,
    ready: Arc<AtomicBool>,
    end: CancellationToken,
    server: JoinHandle<()>,
    background: Background,
}

impl App {
    /// Starts an engine that tells the time by the machine's clock.
    ///
    /// # Errors
    /// When something is missing in the settings, or the database or the address cannot be opened.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        Self::start_at(settings, Arc::new(SystemClock)).await
    }

    /// Starts an engine with a clock of its own.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_at(settings: Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        crypto::install();
        let missing = missing(&settings);
        if !missing.is_empty() {
            bail!("{}", missing.join("\n"));
        }
        let metrics = telemetry::metrics()?;
        let listen = &settings.server;
        let listener = TcpListener::bind((listen.host, listen.port))
            .await
            .with_context(|| format!("cannot listen on {}:{} (HOST, PORT)", listen.host, listen.port))?;
        let address = listener.local_addr()?;
        let public = PublicUrls::new(listen.public_url(address));

        let background = Background::default();
        let engine = Engine::start(&settings, vendors(&settings, &public, &background)?, Arc::clone(&clock)).await?;
        let (calls, live, store) = (engine.calls.clone(), engine.live.clone(), Arc::clone(&engine.store));
        let ready = Arc::new(AtomicBool::new(true));
        let end = CancellationToken::new();
        spawn_upkeep(metrics.clone(), end.clone());
        let state = AppState::new(AppParts {
            calls: calls.clone(),
            public: public.clone(),
            signatures: settings.twilio.auth_token.clone().map(|token| signature_check(&public, token)),
            account: settings.twilio.account_sid.clone(),
            shop: Arc::new(settings.shop.clone()),
            escalation: settings.escalation_number.clone(),
            store: Arc::clone(&store) as Arc<dyn Store>,
            cache: Arc::clone(&engine.cache),
            calendar: calendar_parts(&settings, &engine),
            outbound: OutboundParts {
                records: Arc::clone(&store),
                reminders: engine.addresses.reminders.clone(),
                notifier: engine.addresses.notifier.clone(),
            },
            operator_token: settings.server.operator_token.clone(),
            clock: Arc::clone(&clock),
            metrics,
            ready: Arc::clone(&ready),
            waiting_sockets_max: 2 * listen.max_calls + SPARE_SOCKETS,
        });
        let places = server::connections_max(listen.max_calls);
        let server = server::spawn(listener, http::router(state), places, end.clone());
        let reminders = engine.addresses.reminders.clone();
        Ok(Self { address, public, calls, live, store, reminders, engine, ready, end, server, background })
    }

    /// Waits for a meltdown: the root supervisor has given up.
    pub async fn melted_down(&self) {
        self.engine.melted_down().await;
    }

    /// Takes no new calls, gives the live ones this long, then ends everything.
    pub async fn stop(self, drain: Duration) {
        self.ready.store(false, Ordering::Release);
        if !self.calls.drain(drain).await {
            warn!("calls are still alive at the end of DRAIN_SECONDS: they are ended with an apology");
            self.calls.end_all();
            // Twilio is still answered: it asks what comes after the streams.
            self.calls.drain(CALLS_END_TIMEOUT).await;
        }
        self.end.cancel();
        if tokio::time::timeout(SERVER_STOP_TIMEOUT_MS, self.server).await.is_err() {
            info!("the HTTP server still had open sockets");
        }
        self.engine.stop().await;
        self.background.stop().await;
    }

    /// Fault injection: a shared actor panics.
    pub fn crash(&self, which: Shared) {
        self.engine.crash(which);
    }
}

/// What a start cannot do without, each with what is expected. A simulated vendor on this machine needs no key.
#[must_use]
pub fn missing(settings: &Settings) -> Vec<String> {
    let mut missing = Vec::new();
    let outside = |url: &url::Url| !crate::vendors::rest::is_loopback(url);
    if settings.deepgram.api_key.is_none() && outside(&settings.deepgram.url) {
        missing.push("DEEPGRAM_API_KEY: found nothing, expected the key of a Deepgram project".to_owned());
    }
    missing
}

/// Whether a first model is set: with a key, or on this machine, where none is needed.
#[must_use]
pub fn has_first_model(settings: &Settings) -> bool {
    settings.openai.api_key.is_some() || vendors::rest::is_loopback(&settings.openai.base_url)
}

fn vendors(settings: &Settings, public: &PublicUrls, background: &Background) -> anyhow::Result<Vendors> {
    let deepgram = &settings.deepgram;
    let key = deepgram.api_key.clone().unwrap_or_default();
    let speech = Speech::of(&settings.shop);
    let mut stt = vendors::speech_to_text(&deepgram.url, key.clone(), &deepgram.stt_model, &speech);
    let mut tts: Arc<dyn TextToSpeech> =
        Arc::new(DeepgramTts::new(deepgram.url.clone(), key, deepgram.tts_model.clone()));
    if deepgram.warm_sockets > 0 {
        stt = warm::speech_to_text(stt, deepgram.warm_sockets, background);
        tts = warm::text_to_speech(tts, deepgram.warm_sockets, background);
    }
    Ok(Vendors { stt, tts, model: model(settings)?, telephony: telephony(settings, public)? })
}

/// Who thinks, by the settings: the models that are set, and behind them the built-in dialogue.
///
/// # Errors
/// When the name of a model or its address makes no sense.
pub fn model(settings: &Settings) -> anyhow::Result<Arc<dyn LanguageModel>> {
    let built_in = Arc::new(BuiltInDialogue::new(Arc::new(settings.shop.clone())));
    let adapter =
        |model: &config::OpenAi| OpenAi::new(&model.base_url, model.api_key.clone(), model.model.clone(), model.api);
    let mut chain = Fallback::new("built-in", built_in);
    if has_first_model(settings) {
        chain = chain.then("primary", Arc::new(adapter(&settings.openai).context("OPENAI_MODEL")?));
    }
    if let Some(fallback) = &settings.fallback {
        chain = chain.then("fallback", Arc::new(adapter(fallback).context("FALLBACK_OPENAI_MODEL")?));
    }
    Ok(Arc::new(chain))
}

fn telephony(settings: &Settings, public: &PublicUrls) -> anyhow::Result<Option<Arc<dyn Telephony>>> {
    let twilio = &settings.twilio;
    let (Some(account), Some(token)) = (twilio.account_sid.clone(), twilio.auth_token.clone()) else {
        return Ok(None);
    };
    let ending = Ending {
        apology: settings.shop.say(&settings.shop.wording.apology, None),
        human: settings.escalation_number.clone(),
        dial_ended_url: public.dial_ended(),
    };
    let outbound = outbound(settings, public);
    let rest = TwilioRest::new(twilio.api_url.clone(), account, token, ending, outbound).context("TWILIO_API_URL")?;
    Ok(Some(Arc::new(rest)))
}

fn outbound(settings: &Settings, public: &PublicUrls) -> Outbound {
    let twilio = &settings.twilio;
    Outbound {
        calls_from: twilio.phone_number.clone(),
        texts_from: twilio.sms_number.clone(),
        callbacks: is_reachable(settings).then(|| Arc::new(public.clone()) as Arc<dyn Callbacks>),
    }
}

/// Whether Twilio can bring word to Otto: at a public address, or on this machine when it is simulated there.
#[must_use]
pub fn is_reachable(settings: &Settings) -> bool {
    let public = settings.server.base_url.as_ref().is_some_and(|base| !vendors::rest::is_loopback(base));
    public || vendors::rest::is_loopback(&settings.twilio.api_url)
}

fn calendar_parts(settings: &Settings, engine: &Engine) -> Option<CalendarParts> {
    let (calendar, secret) = (engine.calendar.clone()?, settings.google.client_secret.as_ref()?);
    Some(CalendarParts { calendar, actor: engine.addresses.calendar.clone(), token: ChannelToken::of(secret) })
}

fn signature_check(public: &PublicUrls, token: SecretString) -> SignatureCheck {
    SignatureCheck::new(token, public.base().clone())
}

fn spawn_upkeep(metrics: metrics_exporter_prometheus::PrometheusHandle, end: CancellationToken) {
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(METRICS_UPKEEP_EVERY);
        let fold = async {
            loop {
                tick.tick().await;
                metrics.run_upkeep();
            }
        };
        let _: Option<()> = end.run_until_cancelled(fold).await;
    });
}
