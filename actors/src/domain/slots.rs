//! Which times are free: opening hours, lunch, holidays and bookings, in the shop's zone.

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveDateTime, TimeZone as _, Utc};

use super::{BookedTime, Shop};

/// Why a time cannot be booked, in words that help to ask the caller the right question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum SlotError {
    #[error("the shop is closed on {0}")]
    Closed(NaiveDate),
    #[error("{0} is in the past")]
    Past(NaiveDateTime),
    #[error("{0} is outside the opening hours")]
    OutsideHours(NaiveDateTime),
    #[error("{0} would run into the lunch break")]
    Lunch(NaiveDateTime),
    #[error("appointments start every {grid} minutes from the opening; {at} does not")]
    OffGrid { at: NaiveDateTime, grid: u32 },
    #[error("{date} is too far ahead: at most {days} days can be booked")]
    TooFar { date: NaiveDate, days: u32 },
    #[error("{0} does not exist: the clocks go forward then")]
    SkippedByClockChange(NaiveDateTime),
}

/// The start of a slot that follows all rules of the shop, in UTC. Whether a bay is free is another question.
///
/// # Errors
/// The first rule that the time breaks.
pub fn check_start(
    shop: &Shop,
    at: NaiveDateTime,
    minutes: u32,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, SlotError> {
    let date = at.date();
    let hours = shop.open_on(date).ok_or(SlotError::Closed(date))?;
    let start = shop.time_zone.from_local_datetime(&at).earliest().ok_or(SlotError::SkippedByClockChange(at))?;
    let today = now.with_timezone(&shop.time_zone).date_naive();
    if start <= now {
        return Err(SlotError::Past(at));
    }
    if date > today + Days::new(u64::from(shop.booking_horizon_days)) {
        return Err(SlotError::TooFar { date, days: shop.booking_horizon_days });
    }
    let end = at + Duration::minutes(i64::from(minutes));
    if at.time() < hours.from || end.date() != date || end.time() > hours.to {
        return Err(SlotError::OutsideHours(at));
    }
    if shop.lunch.is_some_and(|lunch| at.time() < lunch.to && lunch.from < end.time()) {
        return Err(SlotError::Lunch(at));
    }
    if (at.time() - hours.from).num_minutes() % i64::from(shop.grid_minutes) != 0 {
        return Err(SlotError::OffGrid { at, grid: shop.grid_minutes });
    }
    Ok(start.with_timezone(&Utc))
}

/// The free starts on a date for work of that length, in the shop's zone, earliest first.
#[must_use]
pub fn free_on(
    shop: &Shop,
    date: NaiveDate,
    minutes: u32,
    booked: &[BookedTime],
    bays: usize,
    now: DateTime<Utc>,
) -> Vec<NaiveDateTime> {
    let Some(hours) = shop.open_on(date) else { return Vec::new() };
    let mut free = Vec::new();
    let mut at = date.and_time(hours.from);
    while at.date() == date && at.time() < hours.to {
        if let Ok(start) = check_start(shop, at, minutes, now)
            && bay_is_free(booked, bays, start, minutes)
        {
            free.push(at);
        }
        at += Duration::minutes(i64::from(shop.grid_minutes));
    }
    free
}

/// Whether at least one bay is free from `start` for that long.
#[must_use]
pub fn bay_is_free(booked: &[BookedTime], bays: usize, start: DateTime<Utc>, minutes: u32) -> bool {
    let end = start + Duration::minutes(i64::from(minutes));
    let mut taken: Vec<_> = booked.iter().filter(|b| b.starts_at < end && start < b.ends_at).map(|b| b.bay).collect();
    taken.sort_unstable();
    taken.dedup();
    taken.len() < bays
}

/// The bounds in UTC of a local day, for asking what is booked on it.
#[must_use]
pub fn day_bounds(shop: &Shop, date: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
    let midnight = |d: NaiveDate| {
        let local = d.and_time(chrono::NaiveTime::MIN);
        let zoned = shop.time_zone.from_local_datetime(&local).earliest();
        zoned.map_or_else(|| local.and_utc(), |z| z.with_timezone(&Utc))
    };
    (midnight(date), midnight(date + Days::new(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::BayId;

    fn local(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }

    fn now() -> DateTime<Utc> {
        "2026-11-22T15:00:00Z".parse().unwrap()
    }

    #[test]
    fn rules_of_the_shop() {
        let shop = Shop { holidays: ["2026-11-26".parse().unwrap()].into(), ..Shop::default() };
        let check = |at: &str, minutes| check_start(&shop, local(at), minutes, now());
        assert_eq!(check("2026-11-24 10:00", 30), Ok("2026-11-24T16:00:00Z".parse().unwrap()));
        assert!(matches!(check("2026-11-22 10:00", 30), Err(SlotError::Closed(_))), "a Sunday");
        assert!(matches!(check("2026-11-26 10:00", 30), Err(SlotError::Closed(_))), "a holiday");
        assert!(matches!(check("2026-11-20 10:00", 30), Err(SlotError::Past(_))));
        assert!(matches!(check("2026-11-24 08:30", 30), Err(SlotError::OutsideHours(_))));
        assert!(matches!(check("2026-11-24 16:30", 60), Err(SlotError::OutsideHours(_))));
        assert!(matches!(check("2026-11-24 11:30", 60), Err(SlotError::Lunch(_))));
        assert!(matches!(check("2026-11-24 10:10", 30), Err(SlotError::OffGrid { .. })));
        assert!(matches!(check("2027-11-24 10:00", 30), Err(SlotError::TooFar { .. })));
    }

    #[test]
    fn a_booked_bay_is_not_offered_and_a_second_bay_is() {
        let shop = Shop::default();
        let at: DateTime<Utc> = "2026-11-24T15:00:00Z".parse().unwrap();
        let booked = [BookedTime { bay: BayId(1), starts_at: at, ends_at: at + Duration::minutes(30) }];
        let date = local("2026-11-24 00:00").date();
        let first = |bays| free_on(&shop, date, 30, &booked, bays, now()).first().copied();
        assert_eq!(first(1), Some(local("2026-11-24 09:30")));
        assert_eq!(first(2), Some(local("2026-11-24 09:00")));
        assert_eq!(free_on(&shop, date, 30, &[], 1, now()).len(), 14);
    }

    #[test]
    fn clock_changes_keep_the_wall_clock() {
        let shop = Shop::default();
        let before = check_start(&shop, local("2027-03-13 09:00"), 30, "2027-03-01T00:00:00Z".parse().unwrap());
        let after = check_start(&shop, local("2027-03-15 09:00"), 30, "2027-03-01T00:00:00Z".parse().unwrap());
        assert_eq!(before, Ok("2027-03-13T15:00:00Z".parse().unwrap()));
        assert_eq!(after, Ok("2027-03-15T14:00:00Z".parse().unwrap()));
    }
}
