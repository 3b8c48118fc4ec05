//! Which times are free: the database's answer, merged with what the calendar outside says. The database decides what is
//! taken; the calendar can only add to it. Of what it does not say nothing is concluded.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Utc};
use tokio::time::{Instant, timeout_at};

use super::events::BusyUnknown;
use super::machine::Window;
use super::{CalendarArgs, CalendarMsg, Step};
use crate::actor::Mailbox;
use crate::domain::{AppointmentId, BayId, BookedTime, slots};
use crate::events::emit;
use crate::limits;
use crate::ports::{BusyTimes, StoreError};

/// Days that are searched for the next free times.
const SEARCH_DAYS: u64 = 14;

/// One question for free times. The calendar outside has [`limits::BUSY_WAIT_MS`] for all of it.
pub(super) struct Question {
    source: Arc<CalendarArgs>,
    actor: Mailbox<CalendarMsg>,
    patience: Instant,
    /// What an appointment takes that is to be moved.
    own: Option<BookedTime>,
}

impl Question {
    pub(super) fn new(source: Arc<CalendarArgs>, actor: Mailbox<CalendarMsg>) -> Self {
        Self { source, actor, patience: Instant::now() + limits::BUSY_WAIT_MS, own: None }
    }

    /// The same question, for the move of an appointment. One that is called off takes nothing: somebody else may have
    /// its time.
    pub(super) async fn but_for(self, appointment: Option<AppointmentId>) -> Result<Self, StoreError> {
        let Some(id) = appointment else { return Ok(self) };
        let found = self.source.store.appointment(id).await?.filter(|found| found.status.is_open());
        let own = found.map(|a| BookedTime { bay: a.bay, starts_at: a.starts_at, ends_at: a.ends_at() });
        Ok(Self { own, ..self })
    }

    /// The free starts on a day.
    pub(super) async fn free_on(&self, date: NaiveDate, minutes: u32) -> Result<Vec<NaiveDateTime>, StoreError> {
        let shop = &self.source.shop;
        if shop.open_on(date).is_none() {
            return Ok(Vec::new());
        }
        let (from, to) = slots::day_bounds(shop, date);
        let (booked, bays, busy) = tokio::join!(
            self.source.store.booked_between(from, to),
            self.source.store.bay_count(),
            self.busy(from, to)
        );
        let taken: Vec<BookedTime> = booked?.into_iter().flat_map(|time| time.without(self.own)).chain(busy).collect();
        Ok(slots::free_on(shop, date, minutes, &taken, bays?, self.source.clock.now()))
    }

    /// The first `count` free starts at or after a day.
    pub(super) async fn next_free(
        &self,
        from: NaiveDate,
        minutes: u32,
        count: usize,
    ) -> Result<Vec<NaiveDateTime>, StoreError> {
        let mut found = Vec::new();
        for days in 0..SEARCH_DAYS {
            found.extend(self.free_on(from + Days::new(days), minutes).await?);
            if found.len() >= count {
                break;
            }
        }
        found.truncate(count);
        Ok(found)
    }

    /// The bays that the calendar outside says are taken at some moment of a time.
    pub(super) async fn busy_bays(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<BayId> {
        let mut bays: Vec<BayId> = self.busy(from, to).await.into_iter().map(|busy| busy.bay).collect();
        bays.sort_unstable();
        bays.dedup();
        bays
    }

    /// What the calendar outside adds, but for the appointment itself, between `from` and `to`; nothing where it does not know.
    async fn busy(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<BookedTime> {
        if self.source.outside.is_none() {
            return Vec::new();
        }
        let mut taken = Vec::new();
        for window in Window::covering(from, to) {
            match self.ask(window).await {
                Some(times) if times.unknown.is_empty() => taken.extend_from_slice(&times.taken),
                Some(times) => {
                    emit(BusyUnknown { bays: Some(times.unknown.len()) });
                    taken.extend_from_slice(&times.taken);
                }
                None => emit(BusyUnknown { bays: None }),
            }
        }
        // The calendar joins what follows each other: what is left of a time may be another appointment's.
        let others = taken.into_iter().flat_map(|time| time.without(self.own));
        others.filter(|busy| busy.starts_at < to && from < busy.ends_at).collect()
    }

    async fn ask(&self, window: Window) -> Option<Arc<BusyTimes>> {
        let ask = self.actor.ask(limits::BUSY_WAIT_MS, |reply_to| Step::Busy { window, reply_to }.into());
        timeout_at(self.patience, ask).await.ok()?.ok()?
    }
}
