//! The free times on the table, and which of them are read out.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::State;
use crate::dialogue::slots::times::{Choice, TimeWish};

/// Times that are read out at once.
const LISTED: usize = 3;

/// Free times, as a tool has listed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dialogue) struct Offer {
    pub(super) service: String,
    /// The day that was asked for.
    pub(super) date: NaiveDate,
    pub(super) times: Vec<NaiveDateTime>,
    /// Set when these are not what was asked for.
    pub(in crate::dialogue) instead: Option<Substitute>,
}

/// Why other times are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialogue) enum Substitute {
    Closed,
    Past,
    TooFar,
    Full,
    JustTaken,
}

impl State {
    /// The offer, if it is for the service and the day in question.
    pub(in crate::dialogue) fn valid_offer(&self) -> Option<&Offer> {
        self.offer.as_ref().filter(|o| Some(&o.service) == self.service.as_ref() && Some(o.date) == self.date)
    }

    /// Whether the part of the day that the caller prefers has no free time.
    pub(in crate::dialogue) fn preference_fails(&self) -> bool {
        match (self.wish, self.valid_offer()) {
            (Some(TimeWish::Between(from, to)), Some(offer)) => !offer.times.iter().any(|t| within(*t, from, to)),
            _ => false,
        }
    }

    /// The times that are read out.
    pub(in crate::dialogue) fn listed(&self) -> Vec<NaiveDateTime> {
        if !self.read_out.is_empty() {
            return self.read_out.clone();
        }
        let Some(offer) = self.valid_offer() else { return Vec::new() };
        let mut times: Vec<NaiveDateTime> = match self.wish {
            Some(TimeWish::Between(from, to)) => offer.times.iter().copied().filter(|t| within(*t, from, to)).collect(),
            _ => Vec::new(),
        };
        if times.is_empty() {
            times.clone_from(&offer.times);
        }
        if let Some(wanted) = self.turn.not_free {
            times.sort_by_key(|t| (t.time() - wanted).num_minutes().abs());
            times.truncate(LISTED);
            times.sort_unstable();
        }
        let skip = if self.page * LISTED < times.len() { self.page * LISTED } else { 0 };
        times.into_iter().skip(skip).take(if self.narrow { 1 } else { LISTED }).collect()
    }

    /// Takes one of the listed times, or asks for others.
    pub(super) fn choose(&mut self, choice: Choice, listed: &[NaiveDateTime]) -> bool {
        let chosen = match choice {
            Choice::Nth(index) => listed.get(index),
            Choice::Last => listed.last(),
            Choice::Others => {
                self.others();
                return true;
            }
        };
        chosen.is_some_and(|at| {
            self.take(*at);
            true
        })
    }

    /// Other times than those that were read out; when there are no more, another day.
    pub(super) fn others(&mut self) {
        self.page += 1;
        self.narrow = false;
        self.chosen = None;
        let count = self.valid_offer().map_or(0, |offer| offer.times.len());
        if self.page * LISTED >= count {
            (self.page, self.date, self.offer, self.wish) = (0, None, None, None);
        }
    }

    /// Only one time from now on, so that yes or no is an answer.
    pub(super) fn narrow_down(&mut self) {
        self.narrow = true;
    }

    pub(super) fn take(&mut self, at: NaiveDateTime) {
        self.chosen = Some(at);
        self.date = Some(at.date());
        self.wish = None;
        if let Some(offer) = &mut self.offer {
            offer.date = at.date();
        }
    }

    /// A new day or service makes the offer another one; the time that was chosen stays a wish.
    pub(super) fn reopen(&mut self) {
        if let Some(chosen) = self.chosen.take() {
            self.wish = self.wish.or(Some(TimeWish::At(chosen.time())));
        }
        (self.page, self.narrow) = (0, false);
    }

    /// Takes the time that was asked for as soon as it is known whether it is free.
    pub(super) fn resolve(&mut self) {
        self.stay_on_day();
        let (Some(TimeWish::At(wanted)), None) = (self.wish, self.chosen) else { return };
        let Some(offer) = self.valid_offer() else { return };
        let on_day = offer.times.iter().find(|t| t.time() == wanted && Some(t.date()) == self.date);
        let found =
            on_day.or_else(|| offer.times.iter().find(|t| t.time() == wanted && offer.instead.is_none())).copied();
        match found {
            Some(at) => self.take(at),
            None => {
                self.wish = None;
                (self.page, self.narrow) = (0, false);
                self.turn.not_free = offer_is_plain(self).then_some(wanted);
            }
        }
    }
}

fn offer_is_plain(state: &State) -> bool {
    state.valid_offer().is_some_and(|offer| offer.instead.is_none())
}

fn within(at: NaiveDateTime, from: NaiveTime, to: NaiveTime) -> bool {
    at.time() >= from && at.time() < to
}
