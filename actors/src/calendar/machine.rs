//! The CalendarActor's decisions: which busy times are fresh, who waits for which question, what follows from a delivery
//! and which errand runs next. Pure: it is told the time and draws no lots.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio::time::Instant;

use crate::backoff;
use crate::limits;
use crate::ports::{BusyTimes, CalendarError, CalendarJob, Put, Settled};

/// Days that are asked for at once, by their number. They are counted in UTC, so that no zone's clocks matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Window(i64);

impl Window {
    /// The window in which an instant is.
    pub(super) fn of(at: DateTime<Utc>) -> Self {
        Self(days_of(at).div_euclid(limits::BUSY_WINDOW_DAYS))
    }

    /// The windows that together cover `from..to`.
    pub(super) fn covering(from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = Self> {
        (Self::of(from).0..=Self::of(to - TimeDelta::seconds(1)).0).map(Self)
    }

    /// Its bounds.
    pub(super) fn bounds(self) -> (DateTime<Utc>, DateTime<Utc>) {
        let start = |number: i64| DateTime::UNIX_EPOCH + TimeDelta::days(number * limits::BUSY_WINDOW_DAYS);
        (start(self.0), start(self.0 + 1))
    }
}

fn days_of(at: DateTime<Utc>) -> i64 {
    at.date_naive().signed_duration_since(NaiveDate::default()).num_days()
}

/// One question to the calendar outside. An answer that was overtaken is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fetch {
    pub(super) window: Window,
    generation: u64,
}

/// What is to be done about a wish for busy times.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish<W> {
    /// Tell this one at once.
    Answer(W, Arc<BusyTimes>),
    /// Ask the calendar; whoever wishes the same meanwhile waits for the same answer.
    Fetch(Fetch),
    /// The question is on its way.
    Wait,
}

/// Busy times that are known and questions that are on their way. `W` is whoever waits.
#[derive(Debug)]
pub(super) struct BusyBook<W> {
    kept: HashMap<Window, (Instant, Arc<BusyTimes>)>,
    asked: HashMap<Window, (Instant, Fetch, Vec<W>)>,
    generation: u64,
}

impl<W> Default for BusyBook<W> {
    fn default() -> Self {
        Self { kept: HashMap::new(), asked: HashMap::new(), generation: 0 }
    }
}

impl<W> BusyBook<W> {
    /// Somebody wishes to know when the bays are taken.
    pub(super) fn wish(&mut self, window: Window, who: W, now: Instant) -> Wish<W> {
        if let Some((at, times)) = self.kept.get(&window)
            && now < *at + limits::BUSY_KEPT_MS
        {
            return Wish::Answer(who, Arc::clone(times));
        }
        match self.asked.get_mut(&window) {
            Some((since, fetch, waiting))
                if fetch.generation == self.generation && now < *since + limits::BUSY_FETCH_TIMEOUT_MS =>
            {
                waiting.push(who);
                Wish::Wait
            }
            _ => {
                let fetch = Fetch { window, generation: self.generation };
                let earlier = self.asked.remove(&window).map_or_else(Vec::new, |(_, _, waiting)| waiting);
                self.asked.insert(window, (now, fetch, earlier.into_iter().chain([who]).collect()));
                Wish::Fetch(fetch)
            }
        }
    }

    /// An answer has come, or none. Those who waited for it are told.
    pub(super) fn came(&mut self, fetch: Fetch, times: Option<&Arc<BusyTimes>>, now: Instant) -> Vec<W> {
        if let Some(times) = times
            && fetch.generation == self.generation
        {
            self.make_room(now);
            self.kept.insert(fetch.window, (now, Arc::clone(times)));
        }
        match self.asked.remove(&fetch.window) {
            Some((_, asked, waiting)) if asked == fetch => waiting,
            Some(later) => {
                self.asked.insert(fetch.window, later);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// The calendar has changed: nothing that is known or on its way is believed by those who ask from now on.
    pub(super) fn forget(&mut self) {
        self.generation += 1;
        self.kept.clear();
    }

    fn make_room(&mut self, now: Instant) {
        self.kept.retain(|_, (at, _)| now < *at + limits::BUSY_KEPT_MS);
        if self.kept.len() >= limits::BUSY_WINDOWS {
            self.kept.clear();
        }
    }
}

/// What the CalendarActor does in the background, one after the other: a change that is read while its appointment is
/// being written would be out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Errand {
    /// Deliver what is in the outbox.
    Outbox,
    /// Read what people changed in the calendar.
    Sync,
}

/// Which errand runs and which are wanted.
#[derive(Debug, Default)]
pub(super) struct Errands {
    running: Option<Errand>,
    wanted: Vec<Errand>,
}

impl Errands {
    /// An errand is wanted. Says which to start now.
    pub(super) fn want(&mut self, errand: Errand) -> Option<Errand> {
        if !self.wanted.contains(&errand) {
            self.wanted.push(errand);
        }
        self.next()
    }

    /// The running errand is over. Says which to start now.
    pub(super) fn over(&mut self) -> Option<Errand> {
        self.running = None;
        self.next()
    }

    fn next(&mut self) -> Option<Errand> {
        if self.running.is_some() || self.wanted.is_empty() {
            return None;
        }
        self.running = Some(self.wanted.remove(0));
        self.running
    }
}

/// Of each appointment the newest job; the others are overtaken.
pub(super) fn newest(jobs: Vec<CalendarJob>) -> (Vec<CalendarJob>, Vec<CalendarJob>) {
    let mut best: HashMap<_, i64> = HashMap::new();
    for job in &jobs {
        let version = best.entry(job.appointment).or_default();
        *version = job.version.max(*version);
    }
    jobs.into_iter().partition(|job| best.get(&job.appointment) == Some(&job.version))
}

/// What follows from a delivery. `chance` is a number from 0 to 1.
pub(super) fn settle(
    delivered: &Result<Put, CalendarError>,
    attempts: u32,
    now: DateTime<Utc>,
    chance: f64,
) -> Settled {
    match delivered {
        Ok(Put::Written | Put::NewerThere) => Settled::Delivered,
        Err(CalendarError::Refused(error)) => Settled::Parked(error.to_string()),
        // Whoever is locked out waits for an operator, as for a vendor that is away: the event must not be lost.
        Err(error) => {
            let wait = error.vendor().retry_after.unwrap_or_default().max(backoff::after(attempts, chance));
            Settled::RetryAt(now + TimeDelta::from_std(wait).unwrap_or_default(), error.to_string())
        }
    }
}
