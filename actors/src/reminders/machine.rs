//! The ReminderSchedulerActor's decisions: how many calls may be placed now, what follows from what Twilio says, and when to
//! look again. Pure: it is told the time.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::OpenLines;
use crate::domain::{CallSid, CallStatus, Reminder, ReminderId, ReminderOutcome, Shop, reasons};
use crate::limits;
use crate::ports::{CallClaim, CallSettled, DialError, PlacedCall, VendorError, VendorErrorKind};

/// The time in which an account's calls are counted.
const SECOND: TimeDelta = TimeDelta::seconds(1);

/// What one process remembers from look to look. Losing it costs nothing but politeness: what must not be lost is in the
/// database.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    /// When the latest calls were placed.
    dialled: VecDeque<DateTime<Utc>>,
    /// Calls that were placed and may still be ringing: each will need a line.
    ringing: HashMap<ReminderId, DateTime<Utc>>,
    /// Nobody is called before this, because Twilio asked for time or is in trouble.
    held_until: Option<DateTime<Utc>>,
    /// Looks in a row in which Twilio took no call and was in trouble.
    refusals: u32,
    /// Looks in a row in which the database was away.
    store_away: u32,
    /// Dates whose round was made, by whichever node.
    made: HashSet<NaiveDate>,
}

impl Pace {
    /// A call that was placed rings no more: it is over, or the registry counts it.
    pub fn answered(&mut self, reminder: ReminderId) {
        self.ringing.remove(&reminder);
    }

    /// How many calls may be placed now: no more in any second than the account starts, and none while Twilio is to be left
    /// alone. When there are none, how long to wait. Of several processes the store gives no second more than the account
    /// starts; Twilio would queue the rest (<https://www.twilio.com/en-us/blog/high-volume-voice-considerations>).
    pub(super) fn allowance(&mut self, shop: &Shop, now: DateTime<Utc>) -> Result<usize, Duration> {
        let at_once = shop.reminders.calls_per_second as usize;
        self.dialled.retain(|at| recent(*at, SECOND, now));
        let held = self.held_until.and_then(|until| (until - now).to_std().ok());
        if let Some(wait) = held.filter(|wait| !wait.is_zero() && *wait <= limits::REMINDER_BACKOFF_MAX_MS) {
            return Err(wait.min(limits::REMINDERS_LOOK_EVERY_MS));
        }
        match at_once.saturating_sub(self.dialled.len()).min(limits::REMINDER_BATCH_CALLS) {
            0 => {
                Err(self.dialled.front().and_then(|oldest| (*oldest + SECOND - now).to_std().ok()).unwrap_or_default())
            }
            calls => Ok(calls),
        }
    }

    /// When to look again after a look that had room for so many calls, or none for so long, and found these.
    pub(super) fn look_again(
        &mut self,
        shop: &Shop,
        room: Result<usize, Duration>,
        (dials, doubts): (usize, usize),
        now: DateTime<Utc>,
    ) -> Duration {
        let step = Duration::from_secs(1) / shop.reminders.calls_per_second.max(1);
        match room {
            _ if doubts >= CallClaim::LOOKS as usize => step,
            Ok(calls) if dials >= calls => self.allowance(shop, now).err().unwrap_or(step),
            Ok(_) => limits::REMINDERS_LOOK_EVERY_MS,
            Err(wait) => wait,
        }
    }

    /// How many lines calls that Otto places may take now: calls that come in go first, so that a share stays free.
    pub(super) fn usable(&mut self, lines: OpenLines, now: DateTime<Utc>) -> usize {
        self.ringing.retain(|_, at| recent(*at, delta(limits::REMINDER_RING_MS), now));
        lines.free.saturating_sub(self.ringing.len() + reserve(lines.all))
    }

    /// These were claimed to be dialled, and may ring from now on.
    pub(super) fn dialling(&mut self, reminder: ReminderId, now: DateTime<Utc>) {
        self.dialled.push_back(now);
        self.ringing.insert(reminder, now);
    }

    /// How long Twilio is left alone, should it fail now.
    pub(super) fn backoff(&self) -> Duration {
        doubled(limits::REMINDER_BACKOFF_FIRST_MS, self.refusals, limits::REMINDER_BACKOFF_MAX_MS)
    }

    /// Twilio took a call, so it is well.
    pub(super) fn taken(&mut self) {
        (self.refusals, self.held_until) = (0, None);
    }

    /// Twilio is in trouble, and is left alone for so long.
    pub(super) fn hold(&mut self, pause: Duration, now: DateTime<Utc>) {
        self.refusals = self.refusals.saturating_add(1);
        self.held_until = Some(now + delta(pause.min(limits::REMINDER_BACKOFF_MAX_MS)));
    }

    /// Whether a round may still have to be made.
    pub(super) fn lacks(&self, of: NaiveDate) -> bool {
        !self.made.contains(&of)
    }

    /// A round is made. Those of dates before `today` will not be asked for again.
    pub(super) fn made(&mut self, of: NaiveDate, today: NaiveDate) {
        self.made.retain(|date| *date >= today);
        self.made.insert(of);
    }

    /// How long until the next look after one that found the database away.
    pub(super) fn store_failed(&mut self) -> Duration {
        let pause = doubled(limits::REMINDER_STORE_BACKOFF_FIRST_MS, self.store_away, limits::REMINDERS_LOOK_EVERY_MS);
        self.store_away = self.store_away.saturating_add(1);
        pause
    }

    /// The database answers.
    pub(super) fn store_answers(&mut self) {
        self.store_away = 0;
    }
}

/// Lines that are kept for calls that come in. A shop with a single line has nothing to keep.
fn reserve(all: usize) -> usize {
    let share = all.saturating_mul(limits::REMINDER_LINES_RESERVED_PERCENT).div_ceil(100);
    share.max(limits::REMINDER_LINES_RESERVED_MIN).min(all.saturating_sub(1))
}

/// Whether something happened less than so long ago. A clock that was set back makes nothing recent.
fn recent(at: DateTime<Utc>, within: TimeDelta, now: DateTime<Utc>) -> bool {
    at <= now && now - at < within
}

pub(super) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or_default()
}

fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times.min(16))).min(most)
}

/// Whether customers may be called now.
pub(super) fn in_window(shop: &Shop, now: DateTime<Utc>) -> bool {
    shop.calling_window(now).0 <= now
}

/// Who may be called how often, and whether an unreached customer gets a text message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) shop: &'a Shop,
    pub(super) texts: bool,
}

/// What follows from how a call stands; nothing while it is not over.
pub(super) fn after_status(
    reminder: &Reminder,
    status: CallStatus,
    rules: Rules<'_>,
    now: DateTime<Utc>,
) -> Option<CallSettled> {
    match status {
        CallStatus::Queued | CallStatus::Initiated | CallStatus::Ringing | CallStatus::InProgress => None,
        // What the conversation came to is said by the call's own end, and goes before this.
        CallStatus::Completed => Some(CallSettled::Done(ReminderOutcome::Answered)),
        CallStatus::Busy | CallStatus::NoAnswer | CallStatus::Failed | CallStatus::Canceled => {
            Some(unreached(reminder, status.as_str().into(), rules, now))
        }
    }
}

/// Another attempt, where one is left and its time is in the calling window.
fn unreached(reminder: &Reminder, reason: String, rules: Rules<'_>, now: DateTime<Utc>) -> CallSettled {
    if reminder.tried() >= rules.shop.reminders.attempts {
        return CallSettled::Missed { reason, text: rules.texts };
    }
    let pause = TimeDelta::minutes(i64::from(rules.shop.reminders.retry_minutes));
    let at = (now + pause).max(rules.shop.calling_window(now + pause).0);
    again(reminder, at, true, reason, rules)
}

/// Another attempt, unless its time is over by then.
fn again(reminder: &Reminder, at: DateTime<Utc>, counts: bool, reason: String, rules: Rules<'_>) -> CallSettled {
    if at < reminder.until {
        return CallSettled::Again { at, counts, reason };
    }
    CallSettled::Missed { reason, text: rules.texts }
}

/// What follows from an attempt to place a call. `backoff` is how long Twilio is left alone when it fails.
pub(super) fn after_dial(
    reminder: &Reminder,
    dialled: &Result<CallSid, DialError>,
    rules: Rules<'_>,
    backoff: Duration,
    now: DateTime<Utc>,
) -> CallSettled {
    match dialled {
        Ok(call) => accepted(reminder, call.clone(), now),
        Err(DialError::Unknown(error)) => {
            let look_at = now + delta(limits::REMINDER_RECONCILE_AFTER_MS);
            CallSettled::Unknown { look_at, reason: error.to_string() }
        }
        Err(error) => match holds(error, backoff) {
            Some(pause) => again(reminder, now + delta(pause), false, vendor(error).to_string(), rules),
            None => CallSettled::Missed { reason: vendor(error).to_string(), text: rules.texts },
        },
    }
}

/// How long Twilio is to be left alone after an error; none when it is about this call alone.
pub(super) fn holds(error: &DialError, backoff: Duration) -> Option<Duration> {
    match error {
        // An account without credit waits for an operator; the calls wait with it while their time lasts.
        DialError::Refused(error) if error.kind == VendorErrorKind::QuotaExhausted => {
            Some(limits::REMINDER_BACKOFF_MAX_MS)
        }
        DialError::Refused(_) => None,
        DialError::NotNow(error) | DialError::Unknown(error) => {
            Some(error.retry_after.unwrap_or_default().max(backoff).min(limits::REMINDER_BACKOFF_MAX_MS))
        }
    }
}

pub(super) fn vendor(error: &DialError) -> &VendorError {
    match error {
        DialError::NotNow(error) | DialError::Refused(error) | DialError::Unknown(error) => error,
    }
}

/// Twilio has the call. Without word of its end it is asked for, and at the end of its time in any case: it may wait in
/// Twilio's queue, which is no place for it at night.
pub(super) fn accepted(reminder: &Reminder, call: CallSid, now: DateTime<Utc>) -> CallSettled {
    let look_at = now + delta(limits::REMINDER_LOOK_AFTER_MS);
    let look_at = if now < reminder.until { look_at.min(reminder.until) } else { look_at };
    CallSettled::Accepted { call, look_at }
}

/// Whether a call is to be taken back: it has not begun to ring when its time is over.
pub(super) fn is_too_late(reminder: &Reminder, placed: &PlacedCall, now: DateTime<Utc>) -> bool {
    placed.status == CallStatus::Queued && reminder.until <= now
}

/// What follows when a call was taken back.
pub(super) fn taken_back(rules: Rules<'_>) -> CallSettled {
    CallSettled::Missed { reason: reasons::WINDOW_OVER.into(), text: rules.texts }
}

/// From when on calls to the number may be the attempt's.
pub(super) fn since(reminder: &Reminder) -> DateTime<Utc> {
    reminder.dialled_at.unwrap_or(reminder.due_at) - delta(limits::REMINDER_SKEW_MS)
}

/// What follows when Twilio does not show a call of the attempt. Its list may lag behind, so the first time means nothing.
pub(super) fn not_found(reminder: &Reminder, now: DateTime<Utc>) -> CallSettled {
    let settled_at = reminder.dialled_at.unwrap_or(reminder.due_at) + delta(limits::REMINDER_RECONCILE_AFTER_MS);
    let reason = "Twilio does not show a call of this attempt".to_owned();
    if now < settled_at {
        return CallSettled::Unknown { look_at: settled_at, reason };
    }
    CallSettled::Again { at: now, counts: false, reason }
}

/// What follows from a look at a call that Twilio has taken.
pub(super) fn after_look(
    reminder: &Reminder,
    call: &CallSid,
    seen: Result<Option<&PlacedCall>, &VendorError>,
    rules: Rules<'_>,
    now: DateTime<Utc>,
) -> CallSettled {
    let end = seen.ok().flatten().and_then(|placed| after_status(reminder, placed.status, rules, now));
    let begun = reminder.dialled_at.unwrap_or(now);
    match (end, seen) {
        (Some(end), _) => end,
        // Somebody may have been spoken to, so there is no text message either.
        (None, Ok(None) | Err(_)) if now - begun >= delta(limits::REMINDER_LOOK_GIVE_UP_MS) => {
            CallSettled::Missed { reason: "Twilio does not say how the call ended".into(), text: false }
        }
        (None, _) => accepted(reminder, call.clone(), now),
    }
}
