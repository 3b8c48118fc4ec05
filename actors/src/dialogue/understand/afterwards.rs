//! What is said after a booking or a change: as long as nothing else is under way, "that", a time or "cancel it" is about
//! the appointment that the conversation has come to last. Apart from `heard.rs`, because the same words mean something
//! else before there is such an appointment.

use chrono::{NaiveDate, NaiveTime, TimeDelta};

use super::existing::Existing;
use super::heard::Heard;
use super::{Goal, News, State};
use crate::dialogue::intents::{Assent, Intent};
use crate::dialogue::slots::dates;
use crate::dialogue::slots::services::FoundService;
use crate::dialogue::slots::times::TimeWish;
use crate::dialogue::wording::Question;
use crate::dialogue::words::Words;

/// Words about a change, whether or not a time is named.
const CHANGES: [&str; 16] = [
    "move that",
    "move this",
    "move the time",
    "change that",
    "change this",
    "change it",
    "change the time",
    "change the day",
    "change the date",
    "switch it",
    "switch that",
    "switch the time",
    "push it",
    "push that",
    "different time",
    "different day",
];
/// Words with which a day or a time corrects the one before.
const CORRECTIONS: [&str; 18] = [
    "make it",
    "make that",
    "instead",
    "actually",
    "rather",
    "prefer",
    "would be better",
    "is better",
    "works better",
    "work better",
    "better for me",
    "suits me better",
    "i meant",
    "i mean",
    "i said",
    "can we do",
    "could we do",
    "can i do",
];
/// Words that say that the appointment cannot stay as it is.
const FAILS: [&str; 10] = [
    "doesn't work",
    "does not work",
    "won't work",
    "not going to work",
    "not gonna work",
    "doesn't suit",
    "can't do that",
    "can't come",
    "is bad",
    "no good",
];
const EARLIER: [&str; 10] = [
    "anything earlier",
    "something earlier",
    "any earlier",
    "bit earlier",
    "little earlier",
    "make it earlier",
    "move it earlier",
    "earlier time",
    "earlier appointment",
    "too late",
];
const LATER: [&str; 10] = [
    "anything later",
    "something later",
    "any later",
    "bit later",
    "little later",
    "make it later",
    "move it later",
    "later time",
    "later appointment",
    "too early",
];
const CANCEL_THAT: [&str; 3] = ["cancel that", "cancel this", "scratch that"];
const NOT_NEEDED: [&str; 8] = [
    "don't need it",
    "don't need that",
    "don't need the appointment",
    "don't need that appointment",
    "don't want it",
    "don't want that",
    "don't want the appointment",
    "no longer need",
];
/// Words that ask when the appointment was, again.
const WHEN_AGAIN: [&str; 19] = [
    "what time was",
    "what time is that",
    "what time is it",
    "what time did",
    "what time do i",
    "what time should i",
    "what day was",
    "what day is that",
    "what day is it",
    "what day did",
    "when was",
    "when is it",
    "when is that",
    "when do i",
    "when should i",
    "what did you book",
    "remind me when",
    "remind me what",
    "the time again",
];
/// Words that say that something is wanted beside it.
const BESIDE: [&str; 7] =
    ["also", "as well", "another appointment", "new appointment", "another one", "one more", "book another"];
/// Words for an appointment that is not the one in question.
const OTHERS: [&str; 6] = [
    "other appointment",
    "other one",
    "another appointment",
    "old appointment",
    "previous appointment",
    "appointments",
];
/// Words that point at the appointment in question, whatever else is named.
const POINTS: [&str; 14] = [
    "move it",
    "move that",
    "move this",
    "cancel it",
    "cancel that",
    "cancel this",
    "change it",
    "change that",
    "change this",
    "make it",
    "make that",
    "switch it",
    "switch that",
    "call it off",
];
const BE_THERE: [&str; 2] = ["i'll be there", "we'll be there"];
const SEE_YOU: [&str; 4] = ["see you", "see ya", "until then", "till then"];
/// Days that nobody means to the day.
const VAGUE: [&str; 2] = ["next week", "weekend"];
/// Words that end a call, whichever day they name.
const ENDS: [&str; 9] = [
    "that's it",
    "that's all",
    "that's everything",
    "all set",
    "i'm good",
    "nothing else",
    "no thanks",
    "no thank you",
    "not today",
];
const SAME_DAY: [&str; 7] = [
    "same day",
    "same date",
    "same visit",
    "while i'm there",
    "while it's there",
    "while you're at it",
    "while you have it",
];
/// Longest utterance that is taken for a correction although it has no words of one, in words.
const CORRECTION_WORDS: usize = 10;

fn is_short(words: &Words) -> bool {
    words.len() <= CORRECTION_WORDS
}

impl State {
    /// Nothing is under way.
    fn is_idle(&self, asked: Option<Question>) -> bool {
        self.goals.is_empty() && matches!(asked, None | Some(Question::AnythingElse | Question::HowHelp))
    }

    /// Whether a lone number in these words may be the hour to which an appointment is to be moved.
    pub(super) fn may_be_corrected(&self, asked: Option<Question>, words: &Words) -> bool {
        let corrects = words.any(&CORRECTIONS) || words.any(&CHANGES);
        self.latest.is_some() && self.is_idle(asked) && corrects && is_short(words) && !words.any(&BESIDE)
    }

    /// The appointment that is to be changed: the one in question, unless the caller names another one.
    pub(super) fn meant(&self, goal: Goal, heard: &Heard) -> Option<Existing> {
        let latest = self.latest.as_ref()?;
        let day = || match goal {
            Goal::Cancel if !heard.has(Intent::Schedule) => heard.date,
            Goal::Move => named_day(&heard.words, self.now.date()),
            _ => None,
        };
        let is_other = || {
            heard.words.any(&OTHERS)
                || (!heard.has(Intent::Schedule) && heard.names_other_service(latest))
                || day().is_some_and(|day| latest.at().is_none_or(|at| at.date() != day))
        };
        (heard.words.any(&POINTS) || !is_other()).then(|| latest.clone())
    }

    /// The caller asks again when the appointment in question is.
    pub(super) fn recall(&mut self) {
        let list = self.latest.iter().map(Existing::listed).collect();
        self.news.push(News::Appointments { list, confirming: false });
    }
}

impl Heard {
    /// Reads the words in the light of the appointment in question, if there is one.
    pub(super) fn settle_afterwards(&mut self, asked: Option<Question>, state: &State, words: &Words) {
        if self.date.is_none() && words.any(&SAME_DAY) {
            self.date = state.latest.as_ref().and_then(Existing::at).map(|at| at.date());
        }
        if !state.is_idle(asked) {
            return;
        }
        if asked != Some(Question::HowHelp) || state.latest.is_some() {
            self.settle_leave(state, words);
        }
        let Some(latest) = &state.latest else { return };
        let about_it = (self.says(words, &POINTS) || !words.any(&BESIDE))
            && !words.any(&OTHERS)
            && !self.names_other_service(latest);
        if about_it && self.is_only(&[Intent::Schedule, Intent::Reschedule, Intent::Upcoming, Intent::Abandon]) {
            self.settle_beside(latest, words);
            self.settle_own_time(latest, words);
            self.settle_correction(words);
        }
        if words.any(&CANCEL_THAT) && self.has(Intent::Abandon) {
            self.intents.retain(|i| !matches!(i, Intent::Abandon | Intent::Cancel));
            self.intents.insert(0, Intent::Cancel);
        } else if about_it && words.any(&NOT_NEEDED) && self.is_only(&[Intent::Upcoming]) {
            self.intents = vec![Intent::Cancel];
        }
        let asks_again = words.any(&WHEN_AGAIN) && self.is_only(&[Intent::Upcoming, Intent::Repeat, Intent::Schedule]);
        if about_it && (asks_again || (self.has(Intent::Upcoming) && self.fits(latest))) {
            self.intents.retain(|i| !matches!(i, Intent::Upcoming | Intent::Repeat | Intent::Schedule));
            self.intents.push(Intent::Recall);
        }
    }

    /// Whether nothing else is wanted than these, a greeting aside.
    fn is_only(&self, wanted: &[Intent]) -> bool {
        self.intents.iter().all(|i| wanted.contains(i) || matches!(i, Intent::Hello | Intent::Goodbye))
    }

    /// Whether one of these phrases was said; "an oil change this Friday" does not change anything.
    fn says(&self, words: &Words, phrases: &[&str]) -> bool {
        let is_service = |phrase: &str| self.service != FoundService::None && phrase.starts_with("change ");
        phrases.iter().any(|phrase| !is_service(phrase) && words.find(phrase).is_some())
    }

    pub(super) fn names_other_service(&self, one: &Existing) -> bool {
        match &self.service {
            FoundService::None => false,
            FoundService::One(name) => *name != one.service,
            FoundService::Several(names) => !names.contains(&one.service),
        }
    }

    /// "See you on Tuesday" and "that's all for today" take leave and want nothing on that day. To be there is no answer to
    /// a reminder when the appointment has just been booked.
    fn settle_leave(&mut self, state: &State, words: &Words) {
        let latest = state.latest.as_ref();
        let will_be_there = words.any(&BE_THERE) && latest.is_some_and(|latest| state.own.contains(&latest.id));
        if will_be_there {
            self.intents.retain(|i| *i != Intent::ConfirmReminder);
        }
        let parts = will_be_there || words.any(&SEE_YOU);
        let ends = self.has(Intent::Goodbye) || (self.names_time() && words.any(&ENDS));
        let changes = self.says(words, &CORRECTIONS) || self.says(words, &CHANGES);
        if !(parts || ends) || changes || !self.is_only(&[]) || self.service != FoundService::None {
            return;
        }
        let is_mistaken = !ends && !words.any(&VAGUE) && latest.is_some_and(|latest| !self.fits(latest));
        (self.date, self.wish, self.choice) = (None, None, None);
        self.intents = vec![if is_mistaken { Intent::Recall } else { Intent::Goodbye }];
    }

    const fn names_time(&self) -> bool {
        self.date.is_some() || self.wish.is_some()
    }

    /// No other day or time was named than that of the appointment.
    fn fits(&self, one: &Existing) -> bool {
        let Some(at) = one.at() else { return true };
        let same_time = match self.wish {
            Some(TimeWish::At(time)) => at.time() == time,
            Some(TimeWish::Between(from, to)) => from <= at.time() && at.time() < to,
            None => true,
        };
        same_time && self.date.is_none_or(|date| date == at.date())
    }

    /// "Something earlier" and "ten is too late" are seen from its time.
    fn settle_beside(&mut self, latest: &Existing, words: &Words) {
        let Some(at) = latest.at() else { return };
        if self.wish.is_none_or(|wish| wish == TimeWish::At(at.time()) || matches!(wish, TimeWish::Between(..))) {
            self.wish = beside(at.time(), words).or(self.wish);
        }
    }

    /// Its own day and time say which appointment it is, not where it goes.
    fn settle_own_time(&mut self, latest: &Existing, words: &Words) {
        let is_part_of_day = matches!(self.wish, Some(TimeWish::Between(..)));
        if !self.names_time() || is_part_of_day || !self.fits(latest) || words.any(&SAME_DAY) {
            return;
        }
        (self.date, self.wish, self.choice) = (None, None, None);
        self.intents.retain(|i| *i != Intent::Schedule);
        if self.intents.is_empty() && !self.is_refused(words) {
            self.intents.push(Intent::Recall);
        }
    }

    fn is_refused(&self, words: &Words) -> bool {
        self.assent == Some(Assent::No) && words.any(&FAILS)
    }

    /// A day or a time beside the appointment's own is where it is to go.
    fn settle_correction(&mut self, words: &Words) {
        let corrects = self.names_time() && words.any(&CORRECTIONS);
        let is_plain = self.intents.is_empty() && self.service == FoundService::None && is_short(words);
        let bare = self.names_time() && is_plain && self.assent != Some(Assent::Yes);
        if corrects || bare || self.says(words, &CHANGES) || self.is_refused(words) || self.has(Intent::Reschedule) {
            self.intents.retain(|i| !matches!(i, Intent::Schedule | Intent::Upcoming | Intent::Abandon));
            if !self.has(Intent::Reschedule) {
                self.intents.insert(0, Intent::Reschedule);
            }
        }
    }
}

/// "Something earlier", seen from a time.
fn beside(time: NaiveTime, words: &Words) -> Option<TimeWish> {
    let end = NaiveTime::from_hms_opt(23, 59, 0)?;
    match () {
        () if words.any(&EARLIER) => Some(TimeWish::Between(NaiveTime::MIN, time)),
        () if words.any(&LATER) => Some(TimeWish::Between(time + TimeDelta::minutes(1), end)),
        () => None,
    }
}

/// The day that says which appointment is meant, as in "my Friday appointment" and "the appointment on Friday".
fn named_day(words: &Words, today: NaiveDate) -> Option<NaiveDate> {
    /// Words in which the day after "on" is said.
    const DAY_WORDS: usize = 2;
    let at = words.first_of(&["appointment", "booking"])?;
    let find = |from: usize, to: usize| {
        let part = words.without(0..from).without(to..words.len());
        dates::find(&part, today, false).map(|(date, _)| date)
    };
    let after = matches!(words.at(at + 1), "on" | "for").then(|| find(at + 2, at + 2 + DAY_WORDS)).flatten();
    find(0, at).or(after)
}
