//! The engine without an edge: records, cache and the actor tree. What answers the phone (`app.rs`) and what answers in
//! the terminal (`cli/chat.rs`) have this in common.

use std::sync::Arc;

use anyhow::Context as _;
use otto_actors::actor;
use otto_actors::calendar::CalendarOutside;
use otto_actors::call::{Outside, Vendors};
use otto_actors::domain::Bay;
use otto_actors::journal::LiveEvents;
use otto_actors::limits;
use otto_actors::ports::{Cache, Calendar, CalendarRecords, Clock, ReminderStore, Store, Tell, TextStore, VinDecoder};
use otto_actors::registry::Calls;
use otto_actors::root::{Addresses, RootArgs, RootMsg, RootRef, RootSupervisor, Shared};

use crate::config::Settings;
use crate::http::PublicUrls;
use crate::store::{CachedStore, MemoryCache, Records, RedisCache, open_store};
use crate::vendors::google::{GoogleCalendar, GoogleShop};
use crate::vendors::nhtsa::Nhtsa;

/// A running engine.
pub struct Engine {
    /// The way to its calls.
    pub calls: Calls,
    /// What happens in its calls, as it happens.
    pub live: LiveEvents,
    /// Its records, past the cache.
    pub store: Arc<dyn Records>,
    /// Its cache.
    pub cache: Arc<dyn Cache>,
    /// The calendar outside, if there is one.
    pub calendar: Option<Arc<dyn Calendar>>,
    /// Where the shared actors are found.
    pub addresses: Addresses,
    /// Who knows vehicles by their numbers.
    pub vins: Arc<dyn VinDecoder>,
    root: RootRef,
}

impl Engine {
    /// Opens the records and starts the actors.
    ///
    /// # Errors
    /// When the database or the cache cannot be opened.
    pub async fn start(settings: &Settings, vendors: Vendors, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let store = open_store(&settings.database).await.context("cannot open the database (DATABASE_URL)")?;
        store.sync_bays(&settings.bays()).await.context("cannot write the bays")?;
        let cache = cache(settings)?;
        let bays = store.bays().await.context("cannot read the bays")?;
        let calendar = calendar(settings, &bays)?;
        let nhtsa = Nhtsa::new(settings.nhtsa_api_url.clone(), Arc::clone(&cache)).context("NHTSA_API_URL")?;
        let vins: Arc<dyn VinDecoder> = Arc::new(nhtsa);
        let addresses = Addresses::default();
        let shop = Arc::new(settings.shop.clone());
        let outside = Outside::new(vendors, clock, shop, settings.escalation_number.clone(), &addresses);
        let mut outside = Outside { speculates: settings.speculation, ..outside };
        outside.router.vins = Some(Arc::clone(&vins));
        let live = outside.journal.live();
        let tell = if outside.router.sends_texts { Tell::ByText } else { Tell::Nothing };
        let records = Arc::clone(&store) as Arc<dyn CalendarRecords>;
        let reminders = Arc::clone(&store) as Arc<dyn ReminderStore>;
        let texts = Arc::clone(&store) as Arc<dyn TextStore>;
        let root = RootArgs {
            addresses: addresses.clone(),
            store: Arc::new(CachedStore::new(Arc::clone(&store) as Arc<dyn Store>, Arc::clone(&cache))),
            cache: Arc::clone(&cache),
            calendar: calendar.clone().map(|calendar| CalendarOutside { calendar, records, tell }),
            reminders,
            texts,
            outside: Arc::new(outside),
            max_calls: settings.server.max_calls,
        };
        let root = actor::spawn(RootSupervisor, root, None).await?;
        let calls = Calls::new(addresses.registry.clone());
        Ok(Self { calls, live, store, cache, calendar, addresses, vins, root })
    }

    /// Waits for a meltdown: the root supervisor has given up.
    pub async fn melted_down(&self) {
        self.root.ended().await;
    }

    /// Ends the actors, then closes the records.
    pub async fn stop(self) {
        self.root.stop_and_wait(limits::WRITE_TIMEOUT_MS).await;
        self.store.close().await;
    }

    /// Fault injection: a shared actor panics.
    pub fn crash(&self, which: Shared) {
        let _ = self.root.cast(RootMsg::Crash(which));
    }
}

/// The cache that the settings name.
///
/// # Errors
/// When the address is none.
pub(crate) fn cache(settings: &Settings) -> anyhow::Result<Arc<dyn Cache>> {
    Ok(match &settings.redis_url {
        Some(url) => Arc::new(RedisCache::new(url).context("REDIS_URL")?),
        None => Arc::new(MemoryCache::default()),
    })
}

/// Google's calendars of the bays, when the settings have access to them.
fn calendar(settings: &Settings, bays: &[Bay]) -> anyhow::Result<Option<Arc<dyn Calendar>>> {
    let (google, shop) = (&settings.google, &settings.shop);
    let Some(access) = google.access() else { return Ok(None) };
    let bays = bays.iter().filter_map(|bay| Some((bay.id, bay.calendar.clone()?))).collect();
    let shop = GoogleShop { bays, zone: shop.time_zone, address: shop.address.clone() };
    // Google calls public https addresses only.
    let public = settings.server.base_url.clone().filter(|base| base.scheme() == "https");
    let notify = public.map(|base| PublicUrls::new(base).calendar_notification());
    Ok(Some(Arc::new(GoogleCalendar::new(access, shop, notify).context("GOOGLE_API_URL")?)))
}
