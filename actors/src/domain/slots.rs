//! Which times are free: opening hours, lunch, holidays and bookings, in the shop's zone.

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::{BookedTime, Shop};

/// Local times before and after these are taken for these, so that whatever date somebody comes up with can be reckoned
/// with.
const FIRST: NaiveDateTime = new_year(1);
const LAST: NaiveDateTime = new_year(9_999);

const fn new_year(year: i32) -> NaiveDateTime {
    match NaiveDate::from_ymd_opt(year, 1, 1) {
        Some(date) => date.and_time(NaiveTime::MIN),
        None => NaiveDateTime::MIN,
    }
}

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
    // Work takes its time, whatever the clocks do meanwhile: lengths are compared as instants.
    let start = start.with_timezone(&Utc);
    let end = start + Duration::minutes(i64::from(minutes));
    let instant = |time: NaiveTime| instant(shop.time_zone, date.and_time(time));
    if at.time() < hours.from || end > instant(hours.to) {
        return Err(SlotError::OutsideHours(at));
    }
    if shop.lunch.is_some_and(|lunch| start < instant(lunch.to) && instant(lunch.from) < end) {
        return Err(SlotError::Lunch(at));
    }
    if (at.time() - hours.from).num_minutes() % i64::from(shop.grid_minutes) != 0 {
        return Err(SlotError::OffGrid { at, grid: shop.grid_minutes });
    }
    Ok(start)
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
        let Some(next) = at.checked_add_signed(Duration::minutes(i64::from(shop.grid_minutes))) else { break };
        at = next;
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
    let midnight = |day: NaiveDate| instant(shop.time_zone, day.and_time(NaiveTime::MIN));
    (midnight(date), midnight(date.succ_opt().unwrap_or(date)))
}

/// When a clock on the wall shows this time; the first time if it does so twice, and the moment of the change if the
/// clocks skip it.
#[must_use]
pub fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    let local = local.clamp(FIRST, LAST);
    if let Some(at) = zone.from_local_datetime(&local).earliest() {
        return at.with_timezone(&Utc);
    }
    // No zone changes its clocks twice within a day, so the time a day before has the offset from before the change.
    let before = zone.offset_from_utc_datetime(&(local - Duration::days(1))).fix();
    let skipped = (local - before).and_utc();
    let mut moment = skipped;
    // The clock then shows a time beyond the change; the change itself is where it begins to.
    while zone.offset_from_utc_datetime(&(moment - Duration::minutes(1)).naive_utc()).fix() != before {
        moment -= Duration::minutes(1);
    }
    moment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::BayId;
    use crate::domain::shop::{Hours, Span};

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
    fn no_date_is_too_far_to_be_reckoned_with() {
        let hours = Hours { sunday: Hours::default().monday, ..Hours::default() };
        let shop = Shop { hours, ..Shop::default() };
        for date in [NaiveDate::MIN, NaiveDate::MAX, local("9999-12-31 00:00").date()] {
            let (begin, end) = day_bounds(&shop, date);
            assert!(begin <= end, "{date}");
            assert!(free_on(&shop, date, 30, &[], 1, now()).is_empty(), "{date}");
        }
    }

    #[test]
    fn clock_changes_keep_the_wall_clock() {
        let shop = Shop::default();
        for (at, expected) in [
            ("2027-03-13 09:00", "2027-03-13T15:00:00Z"),
            ("2027-03-15 09:00", "2027-03-15T14:00:00Z"),
            ("2027-11-06 09:00", "2027-11-06T14:00:00Z"),
            ("2027-11-08 09:00", "2027-11-08T15:00:00Z"),
        ] {
            let now = local(at).and_utc() - Duration::days(10);
            assert_eq!(check_start(&shop, local(at), 30, now), Ok(expected.parse().unwrap()), "{at}");
        }
    }

    /// A shop that is open at night, when the clocks change.
    fn night_shop(zone: Tz, from: u32, to: u32) -> Shop {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        let span = Some(Span { from: time(from), to: time(to) });
        let hours = Hours { saturday: span, sunday: span, friday: span, ..Hours::default() };
        Shop { time_zone: zone, hours, lunch: None, ..Shop::default() }
    }

    /// The free starts of a night for work of one hour, and how many hours the local day has.
    fn night(zone: Tz, date: &str, from: u32, to: u32) -> (Vec<String>, i64) {
        let (shop, date): (_, NaiveDate) = (night_shop(zone, from, to), date.parse().unwrap());
        let now = date.and_time(NaiveTime::MIN).and_utc() - Duration::days(10);
        let free = free_on(&shop, date, 60, &[], 1, now);
        let (begin, end) = day_bounds(&shop, date);
        (free.iter().map(|at| at.format("%H:%M").to_string()).collect(), (end - begin).num_minutes())
    }

    #[test]
    fn nights_in_which_the_clocks_change() {
        use chrono_tz::{Africa::Cairo, America::Chicago, Asia::Kolkata, Australia::Lord_Howe};
        let check = |zone, date, to, expected: &[&str], minutes| {
            assert_eq!(
                night(zone, date, 0, to),
                (expected.iter().map(|t| (*t).to_owned()).collect(), minutes),
                "{date}"
            );
        };
        // Two o'clock is skipped; what starts at 1:30 ends at 3:30.
        check(Chicago, "2027-03-14", 4, &["00:00", "00:30", "01:00", "01:30", "03:00"], 23 * 60);
        // One o'clock comes twice and is offered once; four hours on the wall are five.
        check(Chicago, "2027-11-07", 3, &["00:00", "00:30", "01:00", "01:30", "02:00"], 25 * 60);
        check(Kolkata, "2027-03-14", 3, &["00:00", "00:30", "01:00", "01:30", "02:00"], 24 * 60);
        // The clocks move by half an hour.
        check(Lord_Howe, "2026-10-04", 4, &["00:00", "00:30", "01:00", "01:30", "02:30", "03:00"], 24 * 60 - 30);
        check(Lord_Howe, "2027-04-04", 3, &["00:00", "00:30", "01:00", "01:30", "02:00"], 24 * 60 + 30);
        // Midnight itself is skipped: the day begins at one o'clock.
        check(Cairo, "2027-04-30", 3, &["01:00", "01:30", "02:00"], 23 * 60);
    }

    #[test]
    fn a_booking_over_the_change_blocks_what_it_really_takes() {
        let shop = night_shop(chrono_tz::America::Chicago, 0, 5);
        // From 1 to 2 o'clock before the change: the clock then shows 3.
        let starts_at: DateTime<Utc> = "2027-03-14T07:00:00Z".parse().unwrap();
        let booked = [BookedTime { bay: BayId(1), starts_at, ends_at: starts_at + Duration::hours(1) }];
        let date = local("2027-03-14 00:00").date();
        let free = free_on(&shop, date, 60, &booked, 1, "2027-03-10T00:00:00Z".parse().unwrap());
        let free: Vec<String> = free.iter().map(|at| at.format("%H:%M").to_string()).collect();
        assert_eq!(free, ["00:00", "03:00", "03:30", "04:00"]);
    }
}
