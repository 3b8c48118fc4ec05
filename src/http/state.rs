//! What the handlers share.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use metrics_exporter_prometheus::PrometheusHandle;
use otto_actors::calendar::CalendarRef;
use otto_actors::domain::{PhoneNumber, Shop};
use otto_actors::notifier::NotifierRef;
use otto_actors::ports::{Cache, Calendar, Clock, Store};
use otto_actors::registry::Calls;
use otto_actors::reminders::RemindersRef;
use secrecy::SecretString;
use tokio::sync::Semaphore;

use super::urls::PublicUrls;
use crate::store::Records;
use crate::vendors::google::ChannelToken;
use crate::vendors::twilio::signature::SignatureCheck;

/// What the handlers need, put together by the composition root.
pub struct AppParts {
    /// The way to the calls.
    pub calls: Calls,
    /// Otto's public addresses.
    pub public: PublicUrls,
    /// None when no Auth Token is set, which the settings allow on loopback only.
    pub signatures: Option<SignatureCheck>,
    /// The account whose calls are taken; none takes any.
    pub account: Option<String>,
    /// What is said.
    pub shop: Arc<Shop>,
    /// The human who takes over.
    pub escalation: Option<PhoneNumber>,
    /// The database, for probes.
    pub store: Arc<dyn Store>,
    /// The cache, for probes.
    pub cache: Arc<dyn Cache>,
    /// The calendar outside, if there is one.
    pub calendar: Option<CalendarParts>,
    /// Calls that Otto places, and text messages.
    pub outbound: OutboundParts,
    /// Opens the operators' paths; without it they are closed.
    pub operator_token: Option<SecretString>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What `/metrics` shows.
    pub metrics: PrometheusHandle,
    /// Whether new calls are welcome; false from the beginning of the drain on.
    pub ready: Arc<AtomicBool>,
    /// Media sockets that may wait for their `start` at the same time.
    pub waiting_sockets_max: usize,
}

/// Calls that Otto places, and text messages.
#[derive(Clone)]
pub struct OutboundParts {
    /// The records, past the cache.
    pub records: Arc<dyn Records>,
    /// Who places the calls.
    pub reminders: RemindersRef,
    /// Who sends the text messages.
    pub notifier: NotifierRef,
}

/// The calendar outside.
#[derive(Clone)]
pub struct CalendarParts {
    /// Itself, for probes.
    pub calendar: Arc<dyn Calendar>,
    /// Who is told that it has changed.
    pub actor: CalendarRef,
    /// What its notifications prove themselves with.
    pub token: ChannelToken,
}

/// The shared state; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

struct Shared {
    parts: AppParts,
    waiting_sockets: Arc<Semaphore>,
}

impl AppState {
    /// Shares the parts.
    #[must_use]
    pub fn new(parts: AppParts) -> Self {
        let waiting_sockets = Arc::new(Semaphore::new(parts.waiting_sockets_max));
        Self(Arc::new(Shared { parts, waiting_sockets }))
    }

    pub(super) fn waiting_sockets(&self) -> &Arc<Semaphore> {
        &self.0.waiting_sockets
    }

    /// One of the shop's texts, filled in.
    pub(super) fn say(&self, text: &str) -> String {
        self.shop.say(text, None)
    }
}

impl Deref for AppState {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.0.parts
    }
}
