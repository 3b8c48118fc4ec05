//! A calendar outside and the records that go with it, in memory, with the rules of the real ones: one event an
//! appointment, leases, nothing applied that the calendar is behind with.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::log::Log;
use crate::domain::{AppointmentId, BayId};
use crate::ports::{
    Applied, Backlog, BusyTimes, Calendar, CalendarChange, CalendarError, CalendarEvent, CalendarJob, CalendarRecords,
    CalendarRow, Changes, Put, Settled, StoreError, Tell, VendorError, VendorErrorKind,
};

/// How the calendar behaves.
#[derive(Default)]
pub(crate) struct Behaviour {
    pub(crate) busy: BusyTimes,
    pub(crate) changes: Vec<CalendarChange>,
    /// Where an event that is looked for is found.
    pub(crate) found: Option<CalendarChange>,
    /// Not every calendar can be asked for it.
    pub(crate) find_fails: bool,
    /// Every request takes this long.
    pub(crate) takes: Duration,
    /// Requests that fail, in this way, before they succeed again.
    pub(crate) fails: Option<(u32, fn() -> CalendarError)>,
}

/// The calendar outside, with one bay.
#[derive(Default)]
pub(crate) struct FakeCalendar {
    pub(crate) behaviour: Mutex<Behaviour>,
    /// Every request as it arrives.
    pub(crate) asked: Log<String>,
    /// What it came to.
    pub(crate) written: Log<String>,
}

pub(crate) fn away() -> CalendarError {
    CalendarError::Away(VendorError::new("fake", VendorErrorKind::Unreachable, "scripted"))
}

pub(crate) fn locked_out() -> CalendarError {
    CalendarError::NoAccess(VendorError::new("fake", VendorErrorKind::Rejected, "scripted"))
}

pub(crate) fn refused() -> CalendarError {
    CalendarError::Refused(VendorError::new("fake", VendorErrorKind::Rejected, "scripted"))
}

impl FakeCalendar {
    pub(crate) fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().unwrap());
    }

    async fn request(&self, line: String) -> Result<(), CalendarError> {
        self.asked.push(line);
        let takes = self.behaviour.lock().unwrap().takes;
        tokio::time::sleep(takes).await;
        match &mut self.behaviour.lock().unwrap().fails {
            Some((left, error)) if *left > 0 => {
                *left -= 1;
                Err(error())
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Calendar for FakeCalendar {
    fn bays(&self) -> Vec<BayId> {
        vec![BayId(1)]
    }

    async fn busy(&self, from: DateTime<Utc>, _to: DateTime<Utc>) -> Result<BusyTimes, CalendarError> {
        self.request(format!("busy from {}", from.date_naive())).await?;
        Ok(self.behaviour.lock().unwrap().busy.clone())
    }

    async fn put(&self, event: &CalendarEvent) -> Result<Put, CalendarError> {
        let line = format!("put {} v{}", event.appointment, event.version);
        self.request(line.clone()).await?;
        self.written.push(line);
        Ok(Put::Written)
    }

    async fn remove(&self, appointment: AppointmentId) -> Result<(), CalendarError> {
        let line = format!("remove {appointment}");
        self.request(line.clone()).await?;
        self.written.push(line);
        Ok(())
    }

    async fn changes(&self, _bay: BayId, since: Option<&str>) -> Result<Changes, CalendarError> {
        self.request(format!("changes since {}", since.unwrap_or("ever"))).await?;
        let events = std::mem::take(&mut self.behaviour.lock().unwrap().changes);
        let token = format!("t{}", since.map_or(1, |token| token[1..].parse::<u32>().unwrap() + 1));
        Ok(Changes { events, token, full: since.is_none() })
    }

    async fn find(&self, appointment: AppointmentId) -> Result<Option<CalendarChange>, CalendarError> {
        self.request(format!("find {appointment}")).await?;
        let behaviour = self.behaviour.lock().unwrap();
        if behaviour.find_fails { Err(away()) } else { Ok(behaviour.found.clone()) }
    }

    async fn check(&self) -> Result<(), CalendarError> {
        self.request("check".into()).await
    }
}

/// A row of the outbox and where it stands.
#[derive(Clone)]
struct Row {
    job: CalendarJob,
    due: DateTime<Utc>,
    held_until: Option<DateTime<Utc>>,
    done: bool,
}

/// The outbox and the sync tokens.
#[derive(Default)]
pub(crate) struct FakeRecords {
    rows: Mutex<Vec<Row>>,
    tokens: Mutex<HashMap<BayId, String>>,
    pub(crate) settled: Log<(CalendarRow, Settled)>,
    pub(crate) applied: Log<CalendarChange>,
    /// The outbox gives out every due row, also overtaken ones.
    careless: bool,
}

impl FakeRecords {
    pub(crate) fn careless() -> Self {
        Self { careless: true, ..Self::default() }
    }

    pub(crate) fn add(&self, job: CalendarJob) {
        let row = Row { job, due: DateTime::<Utc>::MIN_UTC, held_until: None, done: false };
        self.rows.lock().unwrap().push(row);
    }

    pub(crate) fn token(&self) -> Option<String> {
        self.tokens.lock().unwrap().get(&BayId(1)).cloned()
    }
}

#[async_trait]
impl CalendarRecords for FakeRecords {
    async fn claim(
        &self,
        now: DateTime<Utc>,
        lease_until: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<CalendarJob>, StoreError> {
        let mut rows = self.rows.lock().unwrap();
        let held = |row: &Row| row.held_until.is_some_and(|until| now < until);
        let all = rows.clone();
        let blocked = |row: &Row| {
            let same = all.iter().filter(|other| other.job.appointment == row.job.appointment && !other.done);
            let mut others = same.filter(|other| other.job.row != row.job.row);
            !self.careless && others.any(|other| held(other) || other.job.version > row.job.version)
        };
        let free = |row: &&mut Row| !row.done && row.due <= now && !held(row) && !blocked(row);
        let taken = rows.iter_mut().filter(free).take(limit);
        Ok(taken
            .map(|row| {
                row.held_until = Some(lease_until);
                row.job.clone()
            })
            .collect())
    }

    async fn settle(&self, job: &CalendarJob, outcome: &Settled) -> Result<(), StoreError> {
        let mut rows = self.rows.lock().unwrap();
        let id = job.row;
        for row in rows.iter_mut().filter(|row| row.job.appointment == job.appointment) {
            match outcome {
                Settled::Delivered if row.job.version <= job.version => row.done = true,
                Settled::RetryAt(at, _) if row.job.row == id => {
                    (row.due, row.held_until) = (*at, None);
                    row.job.attempts += 1;
                }
                Settled::Parked(_) if row.job.row == id => row.done = true,
                _ => {}
            }
        }
        self.settled.push((id, outcome.clone()));
        Ok(())
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        let waiting = self.rows.lock().unwrap().iter().filter(|row| !row.done).count();
        Ok(Backlog { waiting: waiting as u64, parked: 0 })
    }

    async fn sync_token(&self, _bay: BayId) -> Result<Option<String>, StoreError> {
        Ok(self.token())
    }

    async fn keep_sync_token(&self, bay: BayId, token: &str) -> Result<(), StoreError> {
        self.tokens.lock().unwrap().insert(bay, token.into());
        Ok(())
    }

    async fn apply_calendar_change(&self, change: &CalendarChange, _tell: Tell) -> Result<Applied, StoreError> {
        self.applied.push(change.clone());
        Ok(Applied::Moved)
    }
}
