//! CalendarActor: which times are free. The database is the calendar; a calendar outside is merged in here.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{Days, NaiveDate, NaiveDateTime};
use tokio::sync::Semaphore;

use crate::actor::{ActorError, Behaviour, Mailbox, ReplyTo};
use crate::address::Address;
use crate::domain::{Shop, slots};
use crate::limits;
use crate::names::ActorKind;
use crate::ports::{Clock, Store, StoreError};
use crate::tasks::TaskScope;

/// The CalendarActor, whichever incarnation it is.
pub type CalendarRef = Address<CalendarMsg>;

/// Days that are searched for the next free times.
const SEARCH_DAYS: u64 = 14;

/// CalendarActor.
#[derive(Debug)]
pub struct CalendarActor;

/// What the CalendarActor understands. Both come from calls and are answered when the database has answered.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named by what they are")]
pub enum CalendarMsg {
    /// The free starts on a day, in the shop's zone.
    FreeOn { date: NaiveDate, minutes: u32, reply_to: ReplyTo<Result<Vec<NaiveDateTime>, StoreError>> },
    /// The first `count` free starts at or after a day.
    NextFree { from: NaiveDate, minutes: u32, count: usize, reply_to: ReplyTo<Result<Vec<NaiveDateTime>, StoreError>> },
}

/// What the CalendarActor is started with.
#[derive(Clone)]
pub struct CalendarArgs {
    /// Where bookings are.
    pub store: Arc<dyn Store>,
    /// Hours, lunch, holidays.
    pub shop: Arc<Shop>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// What the CalendarActor owns.
pub struct CalendarState {
    source: Arc<CalendarArgs>,
    readers: Arc<Semaphore>,
    tasks: TaskScope,
}

impl CalendarArgs {
    async fn free_on(&self, date: NaiveDate, minutes: u32) -> Result<Vec<NaiveDateTime>, StoreError> {
        let (from, to) = slots::day_bounds(&self.shop, date);
        let booked = self.store.booked_between(from, to).await?;
        let bays = self.store.bay_count().await?;
        Ok(slots::free_on(&self.shop, date, minutes, &booked, bays, self.clock.now()))
    }

    async fn next_free(&self, from: NaiveDate, minutes: u32, count: usize) -> Result<Vec<NaiveDateTime>, StoreError> {
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
}

impl CalendarState {
    fn read<F>(
        &self,
        reply_to: ReplyTo<Result<Vec<NaiveDateTime>, StoreError>>,
        query: impl FnOnce(Arc<CalendarArgs>) -> F + Send + 'static,
    ) where
        F: Future<Output = Result<Vec<NaiveDateTime>, StoreError>> + Send,
    {
        let (source, readers) = (Arc::clone(&self.source), Arc::clone(&self.readers));
        self.tasks.spawn(async move {
            let _permit = readers.acquire().await;
            reply_to.send(query(source).await);
        });
    }
}

impl Behaviour for CalendarActor {
    const KIND: ActorKind = ActorKind::Calendar;
    type Msg = CalendarMsg;
    type Args = CalendarArgs;
    type State = CalendarState;

    async fn start(&self, _myself: &Mailbox<CalendarMsg>, args: CalendarArgs) -> Result<CalendarState, ActorError> {
        let readers = Arc::new(Semaphore::new(limits::CONCURRENT_READS));
        Ok(CalendarState { source: Arc::new(args), readers, tasks: TaskScope::root() })
    }

    async fn handle(
        &self,
        _myself: &Mailbox<CalendarMsg>,
        msg: CalendarMsg,
        state: &mut CalendarState,
    ) -> Result<(), ActorError> {
        match msg {
            CalendarMsg::FreeOn { date, minutes, reply_to } => {
                state.read(reply_to, async move |c: Arc<CalendarArgs>| c.free_on(date, minutes).await);
            }
            CalendarMsg::NextFree { from, minutes, count, reply_to } => {
                state.read(reply_to, async move |c: Arc<CalendarArgs>| c.next_free(from, minutes, count).await);
            }
        }
        Ok(())
    }
}
