//! One utterance, read in the light of what Otto has asked.

use chrono::NaiveDate;

use super::{Goal, State};
use crate::dialogue::intents::{self, Assent, Intent};
use crate::dialogue::slots::facts::{self, SaidFact};
use crate::dialogue::slots::services::{self, FoundService};
use crate::dialogue::slots::spelling::{self, HeardVin};
use crate::dialogue::slots::times::{self, Choice, TimeWish};
use crate::dialogue::slots::{dates, names, numbers, vehicles};
use crate::dialogue::wording::Question;
use crate::dialogue::words::Words;
use crate::domain::Shop;

/// What one utterance says.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) text: String,
    pub(super) words: Words,
    pub(super) intents: Vec<Intent>,
    pub(super) assent: Option<Assent>,
    pub(super) service: FoundService,
    /// The service whose price is asked for, when it is not the one that is wanted.
    pub(super) priced: Option<String>,
    pub(super) symptom: bool,
    pub(super) date: Option<NaiveDate>,
    pub(super) wish: Option<TimeWish>,
    pub(super) choice: Option<Choice>,
    pub(super) name: Option<String>,
    pub(super) vehicle: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) vin: Option<HeardVin>,
    pub(super) fact: Option<SaidFact>,
    /// Whoever is on the line says that they are the customer, or that they are not.
    pub(super) is_customer: Option<bool>,
}

impl Heard {
    pub(super) fn read(text: &str, asked: Option<Question>, state: &State, shop: &Shop) -> Self {
        let words = Words::new(text);
        let mut intents = intents::find(&words);
        let no_calls = intents::no_calls(&words).filter(|_| asked != Some(Question::MayRemind));
        let assent = no_calls.map_or_else(|| intents::assent(&words), |said| intents::assent(&words.without(said)));
        let mut heard = Self { assent, text: text.to_owned(), ..Self::default() };
        if asked == Some(Question::Fact) {
            heard.fact = facts::find(&words, state.now.date());
            heard.vin = spelling::vin(&words);
            if heard.fact.is_some() {
                // A street or a month is no wish.
                intents.clear();
            }
        } else {
            heard.read_slots((text, &words), &intents, asked, state, shop);
        }
        if asked == Some(Question::IsIt) {
            heard.is_customer = intents::is_customer(&words, state.first_name.as_deref());
        }
        heard.intents = intents;
        heard.settle(asked, state, &words);
        heard.settle_afterwards(asked, state, &words);
        heard.words = words;
        heard
    }

    fn read_slots(
        &mut self,
        (text, words): (&str, &Words),
        intents: &[Intent],
        asked: Option<Question>,
        state: &State,
        shop: &Shop,
    ) {
        self.phone = numbers::phone(words).map(|n| n.as_e164().to_owned());
        self.vin = spelling::vin(words);
        let car = vehicles::find(words);
        let words = &car.as_ref().map_or_else(|| words.clone(), |(_, range)| words.without(range.clone()));
        self.vehicle = car.map(|(car, _)| car);
        self.name = names::find(text, asked == Some(Question::Name));
        let among = if asked == Some(Question::WhichService) { state.service_choices.as_slice() } else { &[] };
        self.service = match services::find(words, shop, among) {
            FoundService::None => services::find(words, shop, &[]),
            found => found,
        };
        self.split_price(words, shop);
        self.symptom = services::has_symptom(words);
        if self.phone.is_some() || self.vin.is_some() {
            return;
        }
        let chooses = asked.is_some_and(Question::is_choice);
        let bare_ordinal = matches!(asked, Some(Question::Day | Question::Change)) || !chooses;
        let found = dates::find(words, state.now.date(), bare_ordinal);
        let rest = found.as_ref().map_or_else(|| words.clone(), |(_, range)| words.without(range.clone()));
        self.date = found.map(|(date, _)| date);
        let about_time = chooses
            || matches!(asked, Some(Question::Day | Question::Change | Question::Retry))
            || matches!(asked, Some(Question::WillCome | Question::MoveOrCancel | Question::WhenCall))
            || intents.iter().any(|intent| matches!(intent, Intent::Reschedule | Intent::CallLater))
            || state.may_be_corrected(asked, words);
        self.wish = times::find(&rest, shop, about_time && asked != Some(Question::WhichService));
        if chooses && !matches!(self.wish, Some(TimeWish::At(_))) {
            self.choice = times::choice(&rest);
        }
    }

    /// "An oil change, and how much is a tire rotation?": one is wanted, the other asked about.
    fn split_price(&mut self, words: &Words, shop: &Shop) {
        let Some(begin) = intents::price_question(words) else { return };
        let end = (begin..words.len()).find(|at| matches!(words.at(*at), "and" | "but")).unwrap_or(words.len());
        let question = words.without(0..begin).without(end..words.len());
        let priced = services::find(&question, shop, &[]);
        let wanted = services::find(&words.without(begin..end), shop, &[]);
        if let (FoundService::One(name), FoundService::One(other)) = (priced, &wanted)
            && name != *other
        {
            self.priced = Some(name);
            self.service = wanted;
        }
    }

    /// Words that mean something else in the middle of a booking.
    fn settle(&mut self, asked: Option<Question>, state: &State, words: &Words) {
        let in_booking = matches!(
            asked,
            Some(Question::WhichTime | Question::Confirm | Question::MoveIt | Question::Day | Question::Change)
                | Some(Question::Name | Question::MayRemind)
        );
        if asked == Some(Question::MayRemind) {
            self.settle_consent(words);
        }
        self.settle_change(asked, words);
        self.settle_reminder(asked, words);
        if in_booking && (self.date.is_some() || self.wish.is_some() || self.choice.is_some()) {
            self.intents.retain(|i| !matches!(i, Intent::Reschedule | Intent::Upcoming));
        }
        if asked == Some(Question::Confirm) && self.assent == Some(Assent::Yes) {
            self.intents.retain(|i| *i != Intent::Goodbye);
        }
        // In the middle of a booking there is no appointment yet that "it" could be.
        if state.goals.front() == Some(&Goal::Schedule) && words.any(&["cancel it", "cancel this"]) {
            self.intents.retain(|i| *i != Intent::Cancel);
            self.intents.push(Intent::Abandon);
        }
        // "Hold on a second" is not the second one.
        if self.intents.contains(&Intent::Wait) {
            self.choice = None;
        }
        // "Something else" is a choice; "anything else" is no question about services.
        if self.choice == Some(Choice::Others) {
            self.wish = self.wish.filter(|wish| matches!(wish, TimeWish::Between(..)));
        }
        // A question about the hours of a day is no wish to come on it.
        if self.intents.contains(&Intent::Hours) && words.any(&["book", "appointment"]) {
            self.intents.retain(|i| *i != Intent::Hours || words.any(&["hours", "are you open", "do you open"]));
        }
    }

    /// What is said of calls is the answer when that is the question: no wish to be called or not to be called, and the
    /// evening that is named is no time for the car.
    fn settle_consent(&mut self, words: &Words) {
        const NO_CALLS: [&str; 4] = ["don't call", "do not call", "don't want", "no more reminders"];
        let about_calls = words.any(&["call", "calls", "calling", "remind", "reminder", "evening"]);
        let is_answer = |i: &Intent| match i {
            Intent::ConfirmReminder => true,
            Intent::CallLater => !words.any(&["call me back", "call me later", "call back later"]),
            Intent::StopCalls => words.any(&NO_CALLS),
            _ => false,
        };
        self.intents.retain(|i| !is_answer(i));
        if about_calls || self.agrees_plainly() {
            (self.date, self.wish, self.choice) = (None, None, None);
        }
    }

    /// "Yes, cancel it" is an answer when that is the question, and no new wish.
    fn settle_change(&mut self, asked: Option<Question>, words: &Words) {
        if asked == Some(Question::CancelIt) {
            if self.assent.is_none() && words.any(&["cancel"]) {
                self.assent = Some(Assent::Yes);
            }
            self.intents.retain(|i| !matches!(i, Intent::Cancel | Intent::Abandon | Intent::Upcoming));
        }
        if asked == Some(Question::MoveIt) && self.assent == Some(Assent::Yes) {
            self.intents.retain(|i| *i != Intent::Reschedule);
        }
    }

    /// What the answers to a reminder mean: who cannot come has not said yet what is to become of it.
    fn settle_reminder(&mut self, asked: Option<Question>, words: &Words) {
        const CANNOT: [&str; 5] = ["can't make it", "cannot make it", "can't come", "won't make it", "won't be there"];
        const OTHER_TIME: [&str; 6] =
            ["another time", "another day", "different time", "different day", "other day", "next week"];
        if asked == Some(Question::CallBack) {
            // "Yes, call me back."
            self.intents.retain(|i| *i != Intent::CallLater);
        }
        if !matches!(asked, Some(Question::WillCome | Question::MoveOrCancel)) {
            return;
        }
        let other_time = words.any(&OTHER_TIME) && !self.intents.contains(&Intent::CallLater);
        if words.any(&CANNOT) && asked == Some(Question::WillCome) && self.date.is_none() && self.wish.is_none() {
            self.assent = Some(Assent::No);
            self.intents.retain(|i| !matches!(i, Intent::Reschedule) || words.any(&["reschedule", "move"]));
        }
        if other_time && !self.intents.contains(&Intent::Reschedule) {
            self.intents.push(Intent::Reschedule);
        }
        // "I'll be there" is the answer, and "my appointment" the one in question.
        self.intents.retain(|i| !matches!(i, Intent::Upcoming | Intent::Schedule));
    }

    /// Agreement with conditions is none.
    pub(super) fn agrees_plainly(&self) -> bool {
        let other = |i: &Intent| !matches!(i, Intent::Schedule | Intent::Hello);
        self.assent == Some(Assent::Yes) && self.has_no_condition() && !self.intents.iter().any(other)
    }

    /// "Great, thank you", and nothing else.
    pub(super) fn only_thanks(&self) -> bool {
        const POLITE: [&str; 32] = [
            "thanks",
            "thank",
            "you",
            "so",
            "very",
            "much",
            "a",
            "lot",
            "great",
            "perfect",
            "okay",
            "ok",
            "good",
            "fine",
            "wonderful",
            "awesome",
            "excellent",
            "lovely",
            "cool",
            "alright",
            "all",
            "right",
            "well",
            "no",
            "that's",
            "is",
            "for",
            "your",
            "the",
            "help",
            "appointment",
            "then",
        ];
        self.words.any(&["thanks", "thank you"]) && self.words.iter().all(|word| POLITE.contains(&word))
    }

    /// A refusal that names something else instead is none of what was asked.
    pub(super) fn refuses_plainly(&self) -> bool {
        let names_other = self.date.is_some() || self.wish.is_some() || self.service != FoundService::None;
        self.assent == Some(Assent::No) && !names_other && self.name.is_none() && self.intents.is_empty()
    }

    pub(super) fn has_no_condition(&self) -> bool {
        !self.words.any(&["but", "wait", "if", "maybe", "actually", "unless", "before you", "first"])
    }

    pub(super) fn has(&self, intent: Intent) -> bool {
        self.intents.contains(&intent)
    }
}
