//! The dry run: who would be called, and when. Apart from the looks, because it changes nothing.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{ReminderKind, ReminderStatus, Round, Shop};
use crate::limits;
use crate::ports::{PlannedCall, ReminderStore, StoreError};

/// Whom the rounds that are going on and the next ones call, and when each call would be placed if lines are free and
/// everybody answers at once. Whoever has been called already is left out.
///
/// # Errors
/// When the database does not answer.
pub async fn plan(store: &dyn ReminderStore, shop: &Shop, now: DateTime<Utc>) -> Result<Vec<PlannedCall>, StoreError> {
    let mut planned = Vec::new();
    let mut next = now;
    for round in rounds(shop, now) {
        next = next.max(round.due_at);
        let made = made(store, &round).await?;
        for (appointment, customer) in store.round_of(&round).await? {
            let at = match made.get(&Some(appointment.id)) {
                Some((ReminderStatus::Pending, at)) => next.max(*at),
                None if made.is_empty() => next,
                // Called already, or booked after the round: whoever has just been spoken to is not called.
                Some(_) | None => continue,
            };
            next += TimeDelta::seconds(1) / i32::try_from(shop.reminders.calls_per_second.max(1)).unwrap_or(1);
            planned.push(PlannedCall { kind: ReminderKind::Evening, appointment, customer, of: round.of, due_at: at });
        }
    }
    Ok(planned)
}

/// The rounds whose calls go on, and those that begin next.
fn rounds(shop: &Shop, now: DateTime<Utc>) -> Vec<Round> {
    let going_on = Round::begun(shop, now).into_iter().filter(|round| now < round.until);
    let later = Round::after(shop, now);
    let first = later.iter().map(|round| round.due_at).min();
    going_on.chain(later.into_iter().filter(|round| Some(round.due_at) == first)).collect()
}

type Made = HashMap<Option<crate::domain::AppointmentId>, (ReminderStatus, DateTime<Utc>)>;

/// The rows of a round; none when it is not made, or when nobody was to be called.
async fn made(store: &dyn ReminderStore, round: &Round) -> Result<Made, StoreError> {
    let to = round.due_at + TimeDelta::seconds(1);
    let rows = store.reminders_between(round.due_at, to, limits::REMINDER_PLAN_ROWS).await?;
    let evening = rows.into_iter().filter(|row| row.kind == ReminderKind::Evening);
    Ok(evening.map(|row| (row.appointment, (row.status, row.next_at))).collect())
}
