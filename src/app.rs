//! The composition root: store, cache, vendors, actor tree, HTTP server, in this order; and their end, the other way
//! round.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::serve::ListenerExt as _;
use otto_actors::actor;
use otto_actors::call::{Outside, Vendors};
use otto_actors::domain::Shop;
use otto_actors::journal::LiveEvents;
use otto_actors::limits;
use otto_actors::ports::{Cache, Clock, Store, SystemClock, Telephony};
use otto_actors::registry::Calls;
use otto_actors::root::{Addresses, RootArgs, RootMsg, RootRef, RootSupervisor, Shared};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::Settings;
use crate::http::{self, AppParts, AppState, PublicUrls};
use crate::store::{MemoryCache, RedisCache, SqliteStore, open_store};
use crate::telemetry;
use crate::vendors::twilio::TwilioRest;
use crate::vendors::twilio::signature::SignatureCheck;
use crate::vendors::{DeepgramStt, DeepgramTts, OpenAi, crypto};

/// Media sockets that may wait for their `start` beyond those of all calls.
const SPARE_SOCKETS: usize = 16;
/// How often histograms are folded, so that they do not grow between scrapes.
const METRICS_UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// The end of the HTTP server: requests in flight get this long.
const SERVER_STOP_TIMEOUT: Duration = Duration::from_secs(2);

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
    pub store: Arc<SqliteStore>,
    root: RootRef,
    ready: Arc<AtomicBool>,
    end: CancellationToken,
    server: JoinHandle<()>,
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
        let server = &settings.server;
        let listener = TcpListener::bind((server.host, server.port))
            .await
            .with_context(|| format!("cannot listen on {}:{} (HOST, PORT)", server.host, server.port))?;
        let address = listener.local_addr()?;
        let public = PublicUrls::new(server.public_url(address));

        let store = open_store(&settings.database_url).await.context("cannot open the database (DATABASE_URL)")?;
        store.sync_bays(&settings.shop.bays).await.context("cannot write the bays")?;
        let cache = cache(&settings)?;
        let shop = Arc::new(settings.shop.clone());
        let vendors = vendors(&settings, &public)?;

        let addresses = Addresses::default();
        let (live, _) = broadcast::channel(limits::LIVE_EVENTS);
        let outside = Outside::new(vendors, clock, Arc::clone(&shop), settings.escalation_number.clone(), &addresses);
        let root = RootArgs {
            addresses: addresses.clone(),
            store: Arc::clone(&store) as Arc<dyn Store>,
            cache: Arc::clone(&cache),
            live: live.clone(),
            outside: Arc::new(outside),
            max_calls: server.max_calls,
        };
        let root = actor::spawn(RootSupervisor, root, None).await?;
        let calls = Calls::new(addresses.registry);

        let ready = Arc::new(AtomicBool::new(true));
        let end = CancellationToken::new();
        spawn_upkeep(metrics.clone(), end.clone());
        let state = AppState::new(AppParts {
            calls: calls.clone(),
            public: public.clone(),
            signatures: settings.twilio.auth_token.clone().map(|token| signature_check(&public, token)),
            account: settings.twilio.account_sid.clone(),
            shop,
            escalation: settings.escalation_number.clone(),
            store: Arc::clone(&store) as Arc<dyn Store>,
            cache,
            metrics,
            ready: Arc::clone(&ready),
            waiting_sockets_max: 2 * server.max_calls + SPARE_SOCKETS,
        });
        let server = spawn_server(listener, state, end.clone());
        Ok(Self { address, public, calls, live, store, root, ready, end, server })
    }

    /// Waits for a meltdown: the root supervisor has given up.
    pub async fn melted_down(&self) {
        self.root.ended().await;
    }

    /// Takes no new calls, gives the live ones this long, then ends everything.
    pub async fn stop(self, drain: Duration) {
        self.ready.store(false, Ordering::Release);
        if !self.calls.drain(drain).await && !drain.is_zero() {
            warn!("calls were still alive at the end of DRAIN_SECONDS");
        }
        self.end.cancel();
        if tokio::time::timeout(SERVER_STOP_TIMEOUT, self.server).await.is_err() {
            info!("the HTTP server still had open sockets");
        }
        self.root.stop_and_wait(limits::WRITE_TIMEOUT_MS).await;
        self.store.close().await;
    }

    /// Fault injection: a shared actor panics.
    pub fn crash(&self, which: Shared) {
        let _ = self.root.cast(RootMsg::Crash(which));
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
    if settings.openai.api_key.is_none() && outside(&settings.openai.base_url) {
        missing.push("OPENAI_API_KEY: found nothing, expected the key for OPENAI_BASE_URL".to_owned());
    }
    missing
}

fn cache(settings: &Settings) -> anyhow::Result<Arc<dyn Cache>> {
    Ok(match &settings.redis_url {
        Some(url) => Arc::new(RedisCache::new(url).context("REDIS_URL")?),
        None => Arc::new(MemoryCache::default()),
    })
}

fn vendors(settings: &Settings, public: &PublicUrls) -> anyhow::Result<Vendors> {
    let deepgram = &settings.deepgram;
    let key = deepgram.api_key.clone().unwrap_or_default();
    let stt = DeepgramStt::new(deepgram.url.clone(), key.clone(), deepgram.stt_model.clone(), keyterms(&settings.shop));
    let tts = DeepgramTts::new(deepgram.url.clone(), key, deepgram.tts_model.clone());
    let openai = &settings.openai;
    let model = OpenAi::new(&openai.base_url, openai.api_key.clone(), openai.model.clone()).context("OPENAI_MODEL")?;
    Ok(Vendors {
        stt: Arc::new(stt),
        tts: Arc::new(tts),
        model: Arc::new(model),
        telephony: telephony(settings, public)?,
    })
}

fn telephony(settings: &Settings, public: &PublicUrls) -> anyhow::Result<Option<Arc<dyn Telephony>>> {
    let twilio = &settings.twilio;
    let (Some(account), Some(token)) = (twilio.account_sid.clone(), twilio.auth_token.clone()) else {
        return Ok(None);
    };
    let rest =
        TwilioRest::new(twilio.api_url.clone(), account, token, public.dial_ended()).context("TWILIO_API_URL")?;
    Ok(Some(Arc::new(rest)))
}

/// Words of the shop that are easily misheard.
fn keyterms(shop: &Shop) -> Vec<String> {
    std::iter::once(shop.name.clone()).chain(shop.services.iter().map(|s| s.name.clone())).collect()
}

fn signature_check(public: &PublicUrls, token: SecretString) -> SignatureCheck {
    SignatureCheck::new(token, public.base().clone())
}

fn spawn_server(listener: TcpListener, state: AppState, end: CancellationToken) -> JoinHandle<()> {
    let listener = listener.tap_io(|stream| {
        // Small frames must not wait for each other; a socket that refuses is only slower.
        let _ = stream.set_nodelay(true);
    });
    let serve = axum::serve(listener, http::router(state)).with_graceful_shutdown(end.cancelled_owned());
    tokio::spawn(async move {
        if let Err(error) = serve.await {
            warn!(%error, "the HTTP server ended");
        }
    })
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
