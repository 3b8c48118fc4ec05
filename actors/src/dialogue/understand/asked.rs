//! What another model has asked, in its own words. The built-in dialogue knows its own questions by their wording; a
//! conversation that a language model began holds questions of any wording, and the caller's next words may be as short
//! as "ten".

use chrono::NaiveDateTime;

use super::{Caller, Goal, State};
use crate::dialogue::slots::{dates, times};
use crate::dialogue::wording::Question;
use crate::dialogue::words::Words;
use crate::domain::Shop;

/// Phrases by which a question is known, the particular ones first; and whether the caller must have heard all of it,
/// because a mere yes may be the answer.
const PHRASES: [(Question, bool, &[&str]); 18] = [
    (
        Question::Fact,
        false,
        &["date of birth", "birthday", "birth date", "verify", "street address", "licence plate", "license plate"],
    ),
    (
        Question::Name,
        false,
        &["your name", "full name", "last name", "what name", "which name", "am i speaking with", "am i speaking to"],
    ),
    (
        Question::WillCome,
        true,
        &["will you be there", "will you make it", "will you be coming", "can you make it", "does that still work"],
    ),
    (
        Question::MayRemind,
        true,
        &["evening before", "day before", "remind you", "a reminder", "reminders", "reminder call", "reminder calls"],
    ),
    (
        Question::WhenCall,
        false,
        &["when shall we call", "when should we call", "when can we call", "better time to call"],
    ),
    (Question::AnythingElse, true, &["anything else", "something else", "what else"]),
    (
        Question::CallBack,
        true,
        &["call you back", "call back", "callback", "give you a call", "take a message", "leave a message"],
    ),
    (Question::Connect, true, &["connect you", "transfer you", "put you through", "a colleague", "speak to a person"]),
    (
        Question::CancelIt,
        true,
        &["cancel it", "cancel that", "cancel this", "cancel your", "cancel the", "want to cancel", "me to cancel"],
    ),
    (
        Question::MoveIt,
        true,
        &["move it to", "move your", "reschedule it to", "reschedule your", "move the appointment to", "move you to"],
    ),
    (
        Question::Confirm,
        true,
        &[
            "shall i book",
            "should i book",
            "me to book",
            "i book",
            "book it",
            "book that",
            "book you",
            "go ahead",
            "sound good",
            "sound right",
            "sounds good",
            "is that correct",
            "is that right",
            "is this correct",
            "all correct",
            "confirm that",
            "confirm this",
            "confirm the booking",
            "lock that in",
            "reserve",
            "schedule that",
            "schedule it",
            "put you down",
        ],
    ),
    (
        Question::WhichAppointment,
        false,
        &["which appointment", "which of your appointments", "which of these appointments", "which of them"],
    ),
    (
        Question::WantBook,
        true,
        &[
            "like to book",
            "want to book",
            "like to schedule",
            "want to schedule",
            "book an appointment",
            "schedule an appointment",
            "set up an appointment",
            "make an appointment",
            "book one",
            "schedule one",
        ],
    ),
    (
        Question::Day,
        false,
        &["what day", "which day", "what date", "which date", "day works", "day would", "another day", "when"],
    ),
    (
        Question::WhichTime,
        false,
        &[
            "what time",
            "which time",
            "which one",
            "which of",
            "which works",
            "which would",
            "any of those",
            "any of these",
            "either of",
            "time works",
            "work for you",
            "works for you",
            "works best",
            "suit you",
            "do you prefer",
            "would you prefer",
            "morning or",
            "another time",
        ],
    ),
    (
        Question::Service,
        false,
        &[
            "what service",
            "which service",
            "kind of service",
            "type of service",
            "your car need",
            "your vehicle need",
            "need done",
            "what brings",
            "going on with",
            "seems to be the",
            "what do you need",
        ],
    ),
    (Question::Retry, true, &["try again", "try that again", "try once more"]),
    (Question::HowHelp, false, &["help you", "assist you", "do for you", "can i help", "may i help"]),
];

/// The question that another model's words end with, if the caller has heard enough of it.
pub(super) fn question_in(said: &str) -> Option<Question> {
    let (sentence, whole) = last_question(said);
    let words = Words::new(sentence);
    let fits = |(_, needs_all, phrases): &&(Question, bool, &[&str])| (whole || !needs_all) && words.any(phrases);
    PHRASES.iter().find(fits).map(|(question, ..)| *question)
}

/// The last sentence with a question mark; without one the last sentence, which may have been cut short.
fn last_question(said: &str) -> (&str, bool) {
    let said = said.trim();
    if let Some(end) = said.rfind('?') {
        let rest = &said[end + 1..];
        // Words after it show that it was no longer the question, unless there are hardly any.
        if Words::new(rest).len() <= AFTERTHOUGHT_WORDS {
            let begin = said[..end].rfind(['.', '!', '?']).map_or(0, |at| at + 1);
            return (&said[begin..=end], true);
        }
    }
    let trimmed = said.trim_end_matches(['.', '!']);
    (&trimmed[trimmed.rfind(['.', '!', '?']).map_or(0, |at| at + 1)..], false)
}

/// Words that may follow a question without changing it.
const AFTERTHOUGHT_WORDS: usize = 8;
/// Dates in one utterance that are looked at.
const DATES_MAX: usize = 6;

impl State {
    /// What a caller of another model's words was asked: by its words, or else what must come next.
    pub(super) fn asked_by_another(&self, said: &str) -> Option<Question> {
        let asked = question_in(said);
        if asked == Some(Question::Day) && self.date.is_some() {
            // "When would you like to come in on Tuesday?"
            return Some(Question::WhichTime);
        }
        asked.or_else(|| said.trim_end().ends_with('?').then(|| self.missing_next()).flatten())
    }

    fn missing_next(&self) -> Option<Question> {
        let booking = self.goals.front() == Some(&Goal::Schedule);
        let needs_name = self.caller == Caller::New && self.name.is_none();
        match () {
            () if !booking => None,
            () if self.service.is_none() => Some(Question::Service),
            () if self.date.is_none() => Some(Question::Day),
            () if self.chosen.is_none() => Some(Question::WhichTime),
            () => needs_name.then_some(Question::Name),
        }
    }

    /// The free times that another model has read out, in its order.
    pub(super) fn read_out(&self, said: &str, shop: &Shop) -> Vec<NaiveDateTime> {
        let Some(offer) = self.valid_offer() else { return Vec::new() };
        let mut words = Words::new(said);
        for _ in 0..DATES_MAX {
            // The number of a day is no time of day.
            let Some((_, range)) = dates::find(&words, self.now.date(), false) else { break };
            words = words.without(range);
        }
        let free = |time| offer.times.iter().copied().find(|free| free.time() == time);
        let mut found: Vec<NaiveDateTime> = Vec::new();
        for at in times::all(&words, shop).into_iter().filter_map(free) {
            if !found.contains(&at) {
                found.push(at);
            }
        }
        found
    }

    /// What another model wants to be agreed to is what it has read out, and nothing else.
    pub(super) fn adopt_proposal(&mut self) {
        match self.read_out.as_slice() {
            [only] => self.take(*only),
            _ => self.unsure = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_in_other_words() {
        for (said, expected) in [
            ("Sure! What time works for you?", Some(Question::WhichTime)),
            ("And your name?", Some(Question::Name)),
            ("Great, and what's your name, so I can book it?", Some(Question::Name)),
            ("I have nine or ten. Which one would you like?", Some(Question::WhichTime)),
            ("Does ten on Tuesday work for you?", Some(Question::WhichTime)),
            ("What day were you thinking of?", Some(Question::Day)),
            ("When would you like to bring it in?", Some(Question::Day)),
            ("So that's an oil change on Tuesday at ten. Shall I go ahead?", Some(Question::Confirm)),
            ("So that's an oil change on Tuesday at ten. Shall I go", None),
            ("You're all set! Anything else I can help you with?", Some(Question::AnythingElse)),
            ("Would you like me to cancel it?", Some(Question::CancelIt)),
            ("To verify, can you tell me your date of birth", Some(Question::Fact)),
            ("Would you like me to connect you with a colleague?", Some(Question::Connect)),
            ("Hi, how can I help you today?", Some(Question::HowHelp)),
            ("What seems to be the problem with the car?", Some(Question::Service)),
            ("What day works? By the way, we are closed on Sunday.", Some(Question::Day)),
            ("Can we give you a call the day before, as a reminder?", Some(Question::MayRemind)),
            ("I'm calling to remind you of your oil change tomorrow, will you be there?", Some(Question::WillCome)),
            ("You are booked.", None),
        ] {
            assert_eq!(question_in(said), expected, "{said}");
        }
    }
}
