//! Calls that Otto places: why, when, and what came of them. The rules of the evening before an appointment are here too,
//! since they are the shop's and need no clock.

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::slots::{day_bounds, instant};
use super::{AppointmentId, CallSid, CustomerId, PhoneNumber, ReminderId, Shop};

/// Why Otto calls somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReminderKind {
    /// The evening before an appointment; one for each appointment and date.
    Evening,
    /// Somebody of the shop asked for a reminder call.
    Requested,
    /// The customer asked to be called back.
    CallBack,
}

/// Where a call to be placed stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReminderStatus {
    /// Waits for its time, or for the next attempt.
    Pending,
    /// An attempt is being made: Twilio has been told, or is about to be, and has not answered.
    Dialling,
    /// Twilio has taken the attempt's call.
    Calling,
    /// Over: the outcome says how.
    Done,
    /// Never reached: the reason is kept and shown to the operators.
    Missed,
    /// Not called on purpose: the reason is kept.
    Skipped,
    /// A person of the shop makes this call.
    ForStaff,
}

/// What came of a conversation that Otto began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReminderOutcome {
    /// Somebody answered, and nothing else is known.
    Answered,
    /// They come.
    Confirmed,
    /// They come at another time.
    Rescheduled,
    /// They do not come.
    Cancelled,
    /// A message was left on a machine.
    Voicemail,
    /// They do not want such calls.
    OptedOut,
    /// Nobody of that name has this number.
    WrongNumber,
    /// They asked to be called at another time.
    CallLater,
    /// A colleague took over.
    Transferred,
    /// A machine that screens calls, or a fax, answered.
    Screened,
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// The word in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the word in the database.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words!(ReminderKind { Evening = "evening", Requested = "requested", CallBack = "call_back" });
words!(ReminderStatus {
    Pending = "pending",
    Dialling = "dialling",
    Calling = "calling",
    Done = "done",
    Missed = "missed",
    Skipped = "skipped",
    ForStaff = "for_staff",
});
words!(ReminderOutcome {
    Answered = "answered",
    Confirmed = "confirmed",
    Rescheduled = "rescheduled",
    Cancelled = "cancelled",
    Voicemail = "voicemail",
    OptedOut = "opted_out",
    WrongNumber = "wrong_number",
    CallLater = "call_later",
    Transferred = "transferred",
    Screened = "screened",
});
words!(AnsweredBy { Human = "human", Machine = "machine", Fax = "fax", Unknown = "unknown" });
words!(CallStatus {
    Queued = "queued",
    Initiated = "initiated",
    Ringing = "ringing",
    InProgress = "in-progress",
    Completed = "completed",
    Busy = "busy",
    NoAnswer = "no-answer",
    Failed = "failed",
    Canceled = "canceled",
});

/// What took a call that Otto placed, as far as the telephone company can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnsweredBy {
    /// A person.
    Human,
    /// An answering machine, whose greeting is over.
    Machine,
    /// A fax.
    Fax,
    /// It cannot tell.
    Unknown,
}

/// Where a call stands, in Twilio's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum CallStatus {
    Queued,
    Initiated,
    Ringing,
    InProgress,
    Completed,
    Busy,
    NoAnswer,
    Failed,
    Canceled,
}

impl CallStatus {
    /// How far it is: reports arrive in any order, and a lower one never replaces a higher one. All ends are equal: the
    /// first one stays.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Initiated => 1,
            Self::Ringing => 2,
            Self::InProgress => 3,
            Self::Completed | Self::Busy | Self::NoAnswer | Self::Failed | Self::Canceled => 4,
        }
    }

    /// Whether the call is over.
    #[must_use]
    pub const fn is_final(self) -> bool {
        self.rank() == 4
    }
}

/// A call that Otto is to place, has placed, or leaves to the staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// The row.
    pub id: ReminderId,
    /// Why.
    pub kind: ReminderKind,
    /// What it is about, when it is about an appointment.
    pub appointment: Option<AppointmentId>,
    /// Who is called, when they are on file.
    pub customer: Option<CustomerId>,
    /// The number. That of the customer on file goes first when a reminder is placed, but a call-back goes to the number that
    /// it was asked for at.
    pub phone: PhoneNumber,
    /// What a call-back is about, in the customer's words.
    pub about: Option<String>,
    /// Not before.
    pub due_at: DateTime<Utc>,
    /// After this it is missed.
    pub until: DateTime<Utc>,
    /// Where it stands.
    pub status: ReminderStatus,
    /// Attempts that were made, the present one included. It only grows, so that it names the present one.
    pub attempts: u32,
    /// Of these, those that do not count, such as while Twilio was away.
    pub failures: u32,
    /// When the next attempt, or the next look at the present one, is due.
    pub next_at: DateTime<Utc>,
    /// When the latest attempt began.
    pub dialled_at: Option<DateTime<Utc>>,
    /// The latest attempt's call.
    pub call: Option<CallSid>,
    /// What came of it.
    pub outcome: Option<ReminderOutcome>,
    /// Why it was missed or skipped, or what was wrong with the latest attempt; free of personal data.
    pub reason: Option<String>,
}

/// A single call to be placed, beside those of the evening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReminder {
    /// [`ReminderKind::Requested`] or [`ReminderKind::CallBack`].
    pub kind: ReminderKind,
    /// What it is about, when it is about an appointment.
    pub appointment: Option<AppointmentId>,
    /// Who is called, when they are on file.
    pub customer: Option<CustomerId>,
    /// The number.
    pub phone: PhoneNumber,
    /// What a call-back is about, in the customer's words.
    pub about: Option<String>,
    /// Not before.
    pub due_at: DateTime<Utc>,
    /// After this it is missed.
    pub until: DateTime<Utc>,
    /// A person of the shop makes the call.
    pub for_staff: bool,
}

/// The reminders of one date's appointments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// The date of the appointments, in the shop's zone.
    pub of: NaiveDate,
    /// That date's bounds.
    pub from: DateTime<Utc>,
    /// Exclusive.
    pub to: DateTime<Utc>,
    /// When the day of the calls begins: who is reminded from then on need not be called.
    pub day_from: DateTime<Utc>,
    /// When the calls begin.
    pub due_at: DateTime<Utc>,
    /// When nobody is called any more.
    pub until: DateTime<Utc>,
}

impl Round {
    /// The round for the appointments of a date: on the last open day that is at least the lead before it, at the shop's
    /// time, whatever the clocks do. None when the shop has not been open in the month before.
    #[must_use]
    pub fn of(shop: &Shop, date: NaiveDate) -> Option<Self> {
        let rules = &shop.reminders;
        let latest = date.checked_sub_days(Days::new(u64::from(rules.lead_days)))?;
        let open = |day: &NaiveDate| shop.open_on(*day).is_some();
        let day = (0..MONTH_DAYS).filter_map(|back| latest.checked_sub_days(Days::new(back))).find(open)?;
        let at = |time| instant(shop.time_zone, day.and_time(time));
        let (from, to) = day_bounds(shop, date);
        let (day_from, _) = day_bounds(shop, day);
        Some(Self { of: date, from, to, day_from, due_at: at(rules.time), until: at(rules.window.to) })
    }

    /// The rounds that have begun by now and whose appointments are not before today: those that may have to be made.
    #[must_use]
    pub fn begun(shop: &Shop, now: DateTime<Utc>) -> Vec<Self> {
        Self::from_today(shop, now).filter(|round| round.due_at <= now).collect()
    }

    /// The rounds of the next weeks that have not begun.
    #[must_use]
    pub fn after(shop: &Shop, now: DateTime<Utc>) -> Vec<Self> {
        Self::from_today(shop, now).filter(|round| now < round.due_at).collect()
    }

    fn from_today(shop: &Shop, now: DateTime<Utc>) -> impl Iterator<Item = Self> {
        let today = now.with_timezone(&shop.time_zone).date_naive();
        let ahead = u64::from(shop.reminders.lead_days) + MONTH_DAYS;
        let dates = (0..=ahead).filter_map(move |days| today.checked_add_days(Days::new(days)));
        dates.filter_map(|date| Self::of(shop, date))
    }
}

/// How far back an open day is looked for.
const MONTH_DAYS: u64 = 31;

impl Shop {
    /// The time in which customers may be called that is going on or comes next: from when, and until when.
    #[must_use]
    pub fn calling_window(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let today = now.with_timezone(&self.time_zone).date_naive();
        let bounds = |date: NaiveDate| {
            let at = |time| instant(self.time_zone, date.and_time(time));
            (at(self.reminders.window.from), at(self.reminders.window.to))
        };
        let (from, to) = bounds(today);
        if now < to { (from, to) } else { bounds(today.succ_opt().unwrap_or(today)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_evening_before_whatever_the_clocks_do() {
        let shop = Shop::default();
        for (of, due_at, until) in [
            // An ordinary Tuesday, and a Monday, before which the Sunday is closed.
            ("2026-11-24", "2026-11-24T00:00:00Z", "2026-11-24T02:00:00Z"),
            ("2026-11-23", "2026-11-22T00:00:00Z", "2026-11-22T02:00:00Z"),
            // The clocks go back on Sunday 2026-11-01 and forward on Sunday 2026-03-08.
            ("2026-11-02", "2026-10-31T23:00:00Z", "2026-11-01T01:00:00Z"),
            ("2026-11-03", "2026-11-03T00:00:00Z", "2026-11-03T02:00:00Z"),
            ("2026-03-09", "2026-03-08T00:00:00Z", "2026-03-08T02:00:00Z"),
            ("2026-03-10", "2026-03-09T23:00:00Z", "2026-03-10T01:00:00Z"),
        ] {
            let round = Round::of(&shop, date(of)).unwrap();
            assert_eq!((round.due_at, round.until), (utc(due_at), utc(until)), "{of}");
            let begins = round.day_from.with_timezone(&shop.time_zone).time();
            assert!(begins == chrono::NaiveTime::MIN && round.due_at - round.day_from < chrono::TimeDelta::days(1));
        }
    }

    #[test]
    fn closed_days_are_skipped_back() {
        let shop = Shop { holidays: [date("2026-11-23")].into(), ..Shop::default() };
        let due = |of| Round::of(&shop, date(of)).unwrap().due_at;
        assert_eq!(due("2026-11-24"), utc("2026-11-22T00:00:00Z"), "the Saturday before a closed Monday");
        let begun: Vec<_> = Round::begun(&shop, utc("2026-11-22T00:00:00Z")).iter().map(|round| round.of).collect();
        assert_eq!(begun, [date("2026-11-21"), date("2026-11-22"), date("2026-11-23"), date("2026-11-24")]);
    }

    #[test]
    fn the_calling_window_goes_on_or_comes_next() {
        let shop = Shop::default();
        for (now, from) in [
            ("2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z"),
            ("2026-11-23T20:00:00Z", "2026-11-23T15:00:00Z"),
            ("2026-11-24T02:00:00Z", "2026-11-24T15:00:00Z"),
        ] {
            assert_eq!(shop.calling_window(utc(now)).0, utc(from), "{now}");
        }
    }

    #[test]
    fn reports_never_go_back() {
        use CallStatus::{Busy, Completed, InProgress, Initiated, Queued, Ringing};
        assert!([Queued, Initiated, Ringing, InProgress, Completed].is_sorted_by_key(|status| status.rank()));
        assert!(Busy.is_final() && !InProgress.is_final());
    }
}
