//! CalendarActor: which times are free, and the calendar outside. Questions are answered from the database merged with the
//! calendar's busy times; bookings reach the calendar through the outbox; what people change there comes back.

mod availability;
mod errands;
mod events;
mod machine;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use self::availability::Question;
use self::events::BusyFailed;
pub use self::events::CalendarLockedOut;
use self::machine::{BusyBook, Errand, Errands, Fetch, Window, Wish};
use crate::actor::{ActorError, Behaviour, Mailbox, ReplyTo};
use crate::address::Address;
use crate::domain::{AppointmentId, BayId, Shop};
use crate::events::emit;
use crate::limits;
use crate::names::ActorKind;
use crate::ports::{BusyTimes, Calendar, CalendarRecords, Clock, Store, StoreError, Tell};
use crate::tasks::TaskScope;
use crate::timer::{Fired, Timers};

/// The CalendarActor, whichever incarnation it is.
pub type CalendarRef = Address<CalendarMsg>;

/// CalendarActor.
#[derive(Debug)]
pub struct CalendarActor;

/// Free starts, in the shop's zone.
type FreeTimes = ReplyTo<Result<Vec<NaiveDateTime>, StoreError>>;
/// Busy times; none when the calendar outside does not say.
type Busy = ReplyTo<Option<Arc<BusyTimes>>>;

/// What the CalendarActor understands.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named by what they are")]
pub enum CalendarMsg {
    /// From calls: the free starts on a day. What `but_for` takes itself, in the database and in the calendar outside,
    /// counts as free for its move; whoever asks knows that it is the caller's own. Answered when the database has
    /// answered, and the calendar outside or [`limits::BUSY_WAIT_MS`] is over.
    FreeOn { date: NaiveDate, minutes: u32, but_for: Option<AppointmentId>, reply_to: FreeTimes },
    /// From calls: the first `count` free starts at or after a day. Answered as [`CalendarMsg::FreeOn`].
    NextFree { from: NaiveDate, minutes: u32, count: usize, but_for: Option<AppointmentId>, reply_to: FreeTimes },
    /// From calls, before a booking or a move: the bays that are taken in the calendar outside but for the appointment
    /// itself, and that it had better not use. Answered within [`limits::BUSY_WAIT_MS`]; empty when the calendar does not
    /// say.
    BusyBays { from: DateTime<Utc>, to: DateTime<Utc>, but_for: Option<AppointmentId>, reply_to: ReplyTo<Vec<BayId>> },
    /// From whoever wrote into the outbox: there is something to deliver.
    OutboxFilled,
    /// From the webhook: something has changed in the calendar outside.
    OutsideChanged,
    /// From its own questions, tasks and timers.
    Own(Own),
}

/// What the CalendarActor tells itself. Nobody else can make one.
#[derive(Debug)]
pub struct Own(Step);

#[derive(Debug)]
enum Step {
    /// A question for free times asks when the bays are taken. Answered when the calendar outside has answered, or not.
    Busy { window: Window, reply_to: Busy },
    /// The calendar outside has answered, or not.
    BusyCame { fetch: Fetch, times: Option<Arc<BusyTimes>> },
    /// An errand is over; whether it has changed the calendar or heard of changes.
    ErrandOver { errand: Errand, changed: bool },
    /// An errand is due.
    Due(Fired<Errand>),
}

impl From<Step> for CalendarMsg {
    fn from(step: Step) -> Self {
        Self::Own(Own(step))
    }
}

/// The calendar outside and what belongs to it.
#[derive(Clone)]
pub struct CalendarOutside {
    /// The calendar.
    pub calendar: Arc<dyn Calendar>,
    /// The outbox, and where what people change there is applied.
    pub records: Arc<dyn CalendarRecords>,
    /// How customers hear of it.
    pub tell: Tell,
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
    /// The calendar outside, if there is one; else the database alone is the calendar.
    pub outside: Option<CalendarOutside>,
}

/// What the CalendarActor owns.
pub struct CalendarState {
    source: Arc<CalendarArgs>,
    readers: Arc<Semaphore>,
    busy: BusyBook<Busy>,
    errands: Errands,
    timers: Timers<Errand>,
    tasks: TaskScope,
}

impl CalendarState {
    fn answer<T, F>(
        &self,
        myself: &Mailbox<CalendarMsg>,
        reply_to: ReplyTo<T>,
        find: impl FnOnce(Question) -> F + Send + 'static,
    ) where
        T: Send + 'static,
        F: Future<Output = T> + Send,
    {
        let (source, myself, readers) = (Arc::clone(&self.source), myself.clone(), Arc::clone(&self.readers));
        self.tasks.spawn(async move {
            // The semaphore is never closed.
            let _permit = readers.acquire().await;
            reply_to.send(find(Question::new(source, myself)).await);
        });
    }

    fn busy(&mut self, myself: &Mailbox<CalendarMsg>, window: Window, reply_to: Busy) {
        match self.busy.wish(window, reply_to, Instant::now()) {
            Wish::Answer(reply_to, times) => reply_to.send(Some(times)),
            Wish::Fetch(fetch) => self.fetch(myself, fetch),
            Wish::Wait => {}
        }
    }

    fn fetch(&self, myself: &Mailbox<CalendarMsg>, fetch: Fetch) {
        let Some(outside) = &self.source.outside else { return };
        let (calendar, myself) = (Arc::clone(&outside.calendar), myself.clone());
        self.tasks.spawn(async move {
            let (from, to) = fetch.window.bounds();
            let times = match timeout(limits::BUSY_FETCH_TIMEOUT_MS, calendar.busy(from, to)).await {
                Ok(Ok(times)) => Some(Arc::new(times)),
                Ok(Err(error)) => {
                    emit(BusyFailed { error: &error });
                    None
                }
                // Those who asked have noted it.
                Err(_) => None,
            };
            // The actor may be gone; so are those who waited.
            let _ = myself.cast(Step::BusyCame { fetch, times }.into());
        });
    }

    fn busy_came(&mut self, fetch: Fetch, times: Option<&Arc<BusyTimes>>) {
        for reply_to in self.busy.came(fetch, times, Instant::now()) {
            reply_to.send(times.cloned());
        }
    }

    fn want(&mut self, myself: &Mailbox<CalendarMsg>, errand: Errand) {
        if self.source.outside.is_some() {
            let next = self.errands.want(errand);
            self.start(myself, next);
        }
    }

    fn start(&self, myself: &Mailbox<CalendarMsg>, errand: Option<Errand>) {
        if let Some(errand) = errand {
            self.tasks.spawn(errands::run(Arc::clone(&self.source), myself.clone(), errand));
        }
    }

    fn errand_over(&mut self, myself: &Mailbox<CalendarMsg>, errand: Errand, changed: bool) {
        if changed {
            self.busy.forget();
        }
        let again = match errand {
            Errand::Outbox => limits::OUTBOX_LOOK_EVERY_MS,
            Errand::Sync => limits::CALENDAR_SYNC_EVERY_MS,
        };
        self.timers.arm(&self.tasks, errand, again, myself, |fired| Step::Due(fired).into());
        let next = self.errands.over();
        self.start(myself, next);
    }

    fn due(&mut self, myself: &Mailbox<CalendarMsg>, fired: Fired<Errand>) {
        if self.timers.is_due(fired) {
            self.want(myself, fired.timer);
        }
    }
}

impl Behaviour for CalendarActor {
    const KIND: ActorKind = ActorKind::Calendar;
    type Msg = CalendarMsg;
    type Args = CalendarArgs;
    type State = CalendarState;

    async fn start(&self, myself: &Mailbox<CalendarMsg>, args: CalendarArgs) -> Result<CalendarState, ActorError> {
        let readers = Arc::new(Semaphore::new(limits::CONCURRENT_READS));
        let (busy, errands, timers) = Default::default();
        let mut state =
            CalendarState { source: Arc::new(args), readers, busy, errands, timers, tasks: TaskScope::root() };
        state.want(myself, Errand::Outbox);
        state.want(myself, Errand::Sync);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: &Mailbox<CalendarMsg>,
        msg: CalendarMsg,
        state: &mut CalendarState,
    ) -> Result<(), ActorError> {
        match msg {
            CalendarMsg::FreeOn { date, minutes, but_for, reply_to } => {
                state.answer(myself, reply_to, async move |q: Question| {
                    q.but_for(but_for).await?.free_on(date, minutes).await
                });
            }
            CalendarMsg::NextFree { from, minutes, count, but_for, reply_to } => {
                state.answer(myself, reply_to, async move |q: Question| {
                    q.but_for(but_for).await?.next_free(from, minutes, count).await
                });
            }
            CalendarMsg::BusyBays { from, to, but_for, reply_to } => {
                state.answer(myself, reply_to, async move |q: Question| match q.but_for(but_for).await {
                    Ok(q) => q.busy_bays(from, to).await,
                    Err(_) => Vec::new(),
                });
            }
            CalendarMsg::OutboxFilled => state.want(myself, Errand::Outbox),
            CalendarMsg::OutsideChanged => state.want(myself, Errand::Sync),
            CalendarMsg::Own(Own(Step::Busy { window, reply_to })) => state.busy(myself, window, reply_to),
            CalendarMsg::Own(Own(Step::BusyCame { fetch, times })) => state.busy_came(fetch, times.as_ref()),
            CalendarMsg::Own(Own(Step::ErrandOver { errand, changed })) => state.errand_over(myself, errand, changed),
            CalendarMsg::Own(Own(Step::Due(fired))) => state.due(myself, fired),
        }
        Ok(())
    }
}
