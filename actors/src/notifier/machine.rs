//! The NotifierActor's decisions: whether a text is still true, what it says, and what follows from an attempt. Pure: it is
//! told the time and draws no lots.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::backoff;
use crate::domain::{Appointment, AppointmentStatus, Customer, Shop, spoken};
use crate::limits;
use crate::ports::{DialError, SentText, TextKind, TextOrder};

/// Whether a round through the outbox is going on, and whether another is wanted after it.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    running: bool,
    wanted: bool,
}

impl Rounds {
    /// There may be something to send. Says whether to start a round now.
    pub(super) fn want(&mut self) -> bool {
        self.wanted = self.running;
        !std::mem::replace(&mut self.running, true)
    }

    /// The round is over. Says whether to start another one.
    pub(super) fn over(&mut self) -> bool {
        self.running = std::mem::take(&mut self.wanted);
        self.running
    }
}

/// Whether a text still fits the appointment as it is now.
pub(super) fn is_true(order: &TextOrder, appointment: &Appointment, now: DateTime<Utc>) -> bool {
    match order.about {
        // Also an appointment of last week is taken out of the calendar; nobody wants to hear of it.
        TextKind::Cancelled => appointment.status == AppointmentStatus::Cancelled && appointment.ends_at() > now,
        TextKind::Booked | TextKind::Moved | TextKind::Reminder => {
            appointment.status.is_open() && appointment.starts_at > now
        }
    }
}

/// Until when a text has to wait. What stands for reminder calls comes at an hour at which customers may be called, or soon
/// after; what a caller has just done is confirmed at once.
pub(super) fn waits_until(order: &TextOrder, shop: &Shop, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (from, _) = shop.calling_window(now - TimeDelta::from_std(limits::TEXTS_AFTER_HOURS_MS).unwrap_or_default());
    Some(from).filter(|from| order.about == TextKind::Reminder && now < *from)
}

/// What a text says: of the appointment as it is now, since an order may have waited.
pub(super) fn body(order: &TextOrder, appointment: &Appointment, customer: &Customer, shop: &Shop) -> String {
    let wording = &shop.wording;
    let text = match order.about {
        TextKind::Booked => &wording.text_booked,
        TextKind::Moved => &wording.text_moved,
        TextKind::Cancelled => &wording.text_cancelled,
        TextKind::Reminder => &wording.text_reminder,
    };
    let when = spoken::date_time(appointment.starts_at.with_timezone(&shop.time_zone).naive_local());
    let text = text.replace("{service}", &appointment.service).replace("{when}", &when);
    shop.say(&text, Some(customer.first_name())).chars().take(limits::TEXT_MAX_CHARS).collect()
}

/// The message that an earlier attempt has sent, if there is one.
pub(super) fn sent_before<'a>(sent: &'a [SentText], body: &str) -> Option<&'a SentText> {
    sent.iter().find(|text| text.body == body)
}

/// What becomes of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Twilio has taken it, under this name.
    Sent(String),
    /// To be tried again at that time.
    Later(DateTime<Utc>, String),
    /// Will never succeed.
    Parked(String),
    /// There is nothing to say any more, or nobody who wants to read it.
    Dropped(&'static str),
}

/// What follows from an attempt. `chance` is a number from 0 to 1.
pub(super) fn after(outcome: Result<String, DialError>, attempts: u32, now: DateTime<Utc>, chance: f64) -> Next {
    match outcome {
        Ok(sid) => Next::Sent(sid),
        Err(DialError::Refused(error)) => Next::Parked(error.to_string()),
        Err(DialError::NotNow(error)) => {
            let wait = error.retry_after.unwrap_or_default().max(backoff::after(attempts, chance));
            Next::Later(later(now, wait), error.to_string())
        }
        // It may have been sent: Twilio's list must have had the time to show it before the next attempt asks.
        Err(DialError::Unknown(error)) => {
            let wait = limits::TEXT_SETTLE_MS.max(backoff::after(attempts, chance));
            Next::Later(later(now, wait), error.to_string())
        }
    }
}

pub(super) fn later(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(wait).unwrap_or_default()
}
