//! What the ReminderSchedulerActor does in the background: a look makes the rounds, claims the calls that are due and
//! carries them out; a report of Twilio's is written. A look that ends anywhere in between leaves rows that the next one
//! takes up, here or in another node.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout};

use super::events::{
    CallSettledEvent, RemindersMade, RemindersMissed, RemindersStuck, TwilioKeepsCall, TwilioRefused, TwilioSilent,
};
use super::machine::{self, Pace, Rules};
use super::{RemindersArgs, RemindersMsg, Step};
use crate::actor::Mailbox;
use crate::domain::{CallSid, Reminder, ReminderId, ReminderStatus, Round};
use crate::events::emit;
use crate::limits;
use crate::ports::{
    CallClaim, CallProgress, CallSettled, Dial, DialError, DueCall, DueTask, PlacedCall, StoreError, Telephony,
    VendorError, VendorErrorKind,
};

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    /// When the next look is due.
    pub again_in: Duration,
}

impl Default for Looked {
    fn default() -> Self {
        Self { again_in: limits::REMINDERS_LOOK_EVERY_MS }
    }
}

/// Tells the actor that a look is over, also when it panicked.
struct Over {
    actor: Mailbox<RemindersMsg>,
    done: Option<(Pace, Looked)>,
}

impl Drop for Over {
    fn drop(&mut self) {
        // The actor may be gone; so is the need.
        let _ = self.actor.cast(Step::Looked(self.done.take()).into());
    }
}

/// Looks once for the actor.
pub(super) async fn run(source: Arc<RemindersArgs>, worker: Arc<str>, mut pace: Pace, actor: Mailbox<RemindersMsg>) {
    let mut over = Over { actor, done: None };
    let looked = look(&source, &worker, &mut pace, source.clock.now()).await;
    over.done = Some((pace, looked));
}

/// Makes the rounds that have begun, ends what is overdue, and carries out what is due, as far as the account's pace and
/// the lines allow. It may be dropped at any point: what it held is taken up when its lease ends.
pub async fn look(args: &RemindersArgs, worker: &str, pace: &mut Pace, now: DateTime<Utc>) -> Looked {
    let telephony = args.telephony.as_deref();
    let calls = telephony.filter(|telephony| telephony.can_dial() && args.shop.reminders.enabled);
    let rounds = if calls.is_some() { make_rounds(args, pace, now).await } else { Ok(()) };
    let missed = miss_overdue(args, now).await;
    let carried_out = match telephony {
        Some(telephony) => Errand { args, telephony, worker, now }.carry_out(pace, calls.is_some()).await,
        None => Ok(Looked::default()),
    };
    match rounds.and(missed).and(carried_out) {
        Ok(looked) => {
            pace.store_answers();
            looked
        }
        Err(error) => {
            emit(RemindersStuck { error: &error });
            Looked { again_in: pace.store_failed() }
        }
    }
}

/// Twilio says how a call stands that Otto placed for a row. It may be the first word of a call whose taking was not
/// answered.
pub async fn heard(args: &RemindersArgs, id: ReminderId, attempt: u32, progress: &CallProgress, now: DateTime<Utc>) {
    if let Err(error) = apply(args, id, attempt, progress, now).await {
        // The row is looked at when its time has come.
        emit(RemindersStuck { error: &error });
    }
}

async fn apply(
    args: &RemindersArgs,
    id: ReminderId,
    attempt: u32,
    progress: &CallProgress,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(reminder) = within(limits::READ_TIMEOUT_MS, args.store.reminder(id)).await? else { return Ok(()) };
    let ours = reminder.call.as_ref() == Some(&progress.call);
    // A call whose taking was not answered turns up, maybe after it was given up.
    let turns_up = reminder.call.is_none()
        && matches!(reminder.status, ReminderStatus::Dialling | ReminderStatus::Pending)
        && reminder.attempts > 0;
    if reminder.attempts != attempt || !(turns_up || (ours && reminder.status == ReminderStatus::Calling)) {
        return Ok(());
    }
    if turns_up {
        settle(args, &reminder, &machine::accepted(&reminder, progress.call.clone(), now), now).await?;
    }
    let end = progress.status.and_then(|status| machine::after_status(&reminder, status, rules(args), now));
    match end {
        Some(end) => settle(args, &reminder, &end, now).await,
        None => Ok(()),
    }
}

/// An answer of the database's, or none in time.
async fn within<T>(deadline: Duration, answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(deadline, answer).await.unwrap_or_else(|_| Err(StoreError::Unavailable("no answer in time".into())))
}

fn rules(args: &RemindersArgs) -> Rules<'_> {
    Rules { shop: &args.shop, texts: args.telephony.as_ref().is_some_and(|telephony| telephony.can_text()) }
}

async fn settle(
    args: &RemindersArgs,
    reminder: &Reminder,
    settled: &CallSettled,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let write = args.store.settle_call(reminder.id, reminder.attempts, settled, now);
    if within(limits::WRITE_TIMEOUT_MS, write).await? {
        emit(CallSettledEvent { reminder: reminder.id, settled });
    }
    Ok(())
}

async fn make_rounds(args: &RemindersArgs, pace: &mut Pace, now: DateTime<Utc>) -> Result<(), StoreError> {
    let today = now.with_timezone(&args.shop.time_zone).date_naive();
    for round in Round::begun(&args.shop, now).iter().filter(|round| pace.lacks(round.of)).collect::<Vec<_>>() {
        let rows = within(limits::WRITE_TIMEOUT_MS, args.store.make_round(round, now)).await?;
        pace.made(round.of, today);
        if let Some(rows) = rows {
            emit(RemindersMade { of: round.of, rows });
        }
    }
    Ok(())
}

async fn miss_overdue(args: &RemindersArgs, now: DateTime<Utc>) -> Result<(), StoreError> {
    let missed = within(limits::WRITE_TIMEOUT_MS, args.store.miss_overdue(now, rules(args).texts)).await?;
    if !missed.is_empty() {
        emit(RemindersMissed { rows: &missed });
    }
    Ok(())
}

/// One look's work with Twilio.
#[derive(Clone, Copy)]
struct Errand<'a> {
    args: &'a RemindersArgs,
    telephony: &'a dyn Telephony,
    worker: &'a str,
    now: DateTime<Utc>,
}

/// What one claimed call says about Twilio.
enum Said {
    /// It took a call.
    Took,
    /// It is in trouble, and is left alone for so long.
    Hold(Duration),
    /// Nothing that matters to other calls.
    Nothing,
}

/// Of which row, and what; or how the database failed.
type Answer = (ReminderId, Result<Said, StoreError>);

impl Errand<'_> {
    async fn carry_out(&self, pace: &mut Pace, dial: bool) -> Result<Looked, StoreError> {
        let room = if dial { self.room(pace).await } else { Err(limits::REMINDERS_LOOK_EVERY_MS) };
        let (claimed_at, lease) = (Instant::now(), limits::REMINDER_LEASE_MS);
        let limit = u32::try_from(room.unwrap_or(0)).unwrap_or(u32::MAX);
        let per_second = self.args.shop.reminders.calls_per_second;
        let claim = CallClaim { worker: self.worker, limit, per_second, lease, now: self.now };
        let due = within(limits::WRITE_TIMEOUT_MS, self.args.store.claim_calls(&claim)).await?;
        let dials = due.iter().filter(|due| due.task == DueTask::Dial);
        let dials = dials.inspect(|due| pace.dialling(due.reminder.id, self.now)).count();
        let again_in = pace.look_again(&self.args.shop, room, (dials, due.len() - dials), self.now);
        let backoff = pace.backoff();
        let work = stream::iter(due).map(|due| self.one(due, backoff, claimed_at));
        let said: Vec<_> = work.buffer_unordered(limits::REMINDER_CONCURRENCY).collect().await;
        self.learn(pace, said).map(|()| Looked { again_in })
    }

    /// How many new calls may be placed now; when none may, how long to wait.
    async fn room(&self, pace: &mut Pace) -> Result<usize, Duration> {
        if !machine::in_window(&self.args.shop, self.now) {
            return Err(limits::REMINDERS_LOOK_EVERY_MS);
        }
        let allowed = pace.allowance(&self.args.shop, self.now)?;
        match allowed.min(pace.usable(self.args.lines.open().await, self.now)) {
            0 => Err(limits::REMINDER_LINES_WAIT_MS),
            calls => Ok(calls),
        }
    }

    /// What the answers mean for the next look. The first failure of the database is handed on.
    fn learn(&self, pace: &mut Pace, said: Vec<Answer>) -> Result<(), StoreError> {
        let (mut longest, mut took, mut failure) = (None, false, None);
        for (reminder, said) in said {
            match said {
                Ok(Said::Took) => took = true,
                Ok(Said::Hold(pause)) => {
                    longest = longest.max(Some(pause));
                    pace.answered(reminder);
                }
                Ok(Said::Nothing) => pace.answered(reminder),
                Err(error) => failure = Some(error),
            }
        }
        match longest {
            Some(pause) if !took => pace.hold(pause, self.now),
            _ if took => pace.taken(),
            _ => {}
        }
        failure.map_or(Ok(()), Err)
    }

    async fn one(&self, due: DueCall, backoff: Duration, claimed_at: Instant) -> Answer {
        let said = match (due.task, &due.reminder.call) {
            (DueTask::Dial, _) => self.dial(&due.reminder, backoff, claimed_at).await,
            (DueTask::Look, Some(call)) => self.look_at(&due.reminder, call).await.map(|()| Said::Nothing),
            (DueTask::Reconcile | DueTask::Look, _) => self.reconcile(&due.reminder).await.map(|()| Said::Nothing),
        };
        (due.reminder.id, said)
    }

    async fn dial(&self, reminder: &Reminder, backoff: Duration, claimed_at: Instant) -> Result<Said, StoreError> {
        // A claim that took long to be answered may not be held until the end: whoever gets it next asks first.
        if claimed_at.elapsed() > limits::WRITE_TIMEOUT_MS {
            return Ok(Said::Nothing);
        }
        let dial = Dial {
            to: reminder.phone.clone(),
            reminder: reminder.id,
            attempt: reminder.attempts,
            appointment: reminder.appointment,
        };
        let dialled = timeout(limits::REMINDER_DIAL_TIMEOUT_MS, self.telephony.dial(&dial)).await;
        let dialled = dialled.unwrap_or_else(|_| Err(DialError::Unknown(slow())));
        let said = match &dialled {
            Ok(_) => Said::Took,
            Err(error) => {
                emit(TwilioRefused { reminder: reminder.id, error });
                machine::holds(error, backoff).map_or(Said::Nothing, Said::Hold)
            }
        };
        let settled = machine::after_dial(reminder, &dialled, rules(self.args), backoff, self.now);
        settle(self.args, reminder, &settled, self.now).await.map(|()| said)
    }

    async fn reconcile(&self, reminder: &Reminder) -> Result<(), StoreError> {
        let since = machine::since(reminder);
        let calls = self.telephony.calls_to(&reminder.phone, since);
        let settled = match timeout(limits::REMINDER_ASK_TIMEOUT_MS, calls).await.unwrap_or_else(|_| Err(slow())) {
            Ok(calls) => match self.own(reminder, calls, since).await? {
                Some(placed) => {
                    let accepted = machine::accepted(reminder, placed.call.clone(), self.now);
                    settle(self.args, reminder, &accepted, self.now).await?;
                    self.seen(reminder, &placed.call, Ok(Some(&placed))).await
                }
                None => machine::not_found(reminder, self.now),
            },
            Err(error) => {
                emit(TwilioSilent { reminder: reminder.id, error: &error });
                let look_at = self.now + machine::delta(limits::REMINDER_RECONCILE_AFTER_MS);
                CallSettled::Unknown { look_at, reason: error.to_string() }
            }
        };
        settle(self.args, reminder, &settled, self.now).await
    }

    /// The attempt's call among those to its number: one that is not another row's.
    async fn own(
        &self,
        reminder: &Reminder,
        calls: Vec<PlacedCall>,
        since: DateTime<Utc>,
    ) -> Result<Option<PlacedCall>, StoreError> {
        for placed in calls.into_iter().filter(|placed| placed.created_at.is_none_or(|at| since <= at)) {
            let known = self.args.store.reminder_of_call(&placed.call);
            let owner = within(limits::READ_TIMEOUT_MS, known).await?;
            if owner.is_none_or(|owner| owner.id == reminder.id) {
                return Ok(Some(placed));
            }
        }
        Ok(None)
    }

    async fn look_at(&self, reminder: &Reminder, call: &CallSid) -> Result<(), StoreError> {
        let asked = timeout(limits::REMINDER_ASK_TIMEOUT_MS, self.telephony.call(call)).await;
        let seen = asked.unwrap_or_else(|_| Err(slow()));
        if let Err(error) = &seen {
            emit(TwilioSilent { reminder: reminder.id, error });
        }
        let seen = seen.as_ref().map(Option::as_ref);
        let settled = self.seen(reminder, call, seen).await;
        settle(self.args, reminder, &settled, self.now).await
    }

    /// What follows from how a call was seen. One that would ring too late is taken back; if it cannot be, it is looked at
    /// again.
    async fn seen(
        &self,
        reminder: &Reminder,
        call: &CallSid,
        seen: Result<Option<&PlacedCall>, &VendorError>,
    ) -> CallSettled {
        let too_late = matches!(seen, Ok(Some(placed)) if machine::is_too_late(reminder, placed, self.now));
        if too_late && self.take_back(reminder, call).await {
            return machine::taken_back(rules(self.args));
        }
        machine::after_look(reminder, call, seen, rules(self.args), self.now)
    }

    async fn take_back(&self, reminder: &Reminder, call: &CallSid) -> bool {
        let asked = timeout(limits::REMINDER_ASK_TIMEOUT_MS, self.telephony.cancel(call)).await;
        let done = asked.unwrap_or_else(|_| Err(slow()));
        if let Err(error) = &done {
            emit(TwilioKeepsCall { reminder: reminder.id, error });
        }
        done.is_ok()
    }
}

fn slow() -> VendorError {
    VendorError::new("twilio", VendorErrorKind::TimedOut, "no answer in time")
}
