//! What the caller wants, in the order in which it was said; and whether they agree.

mod phrases;

use std::ops::Range;

use super::words::Words;
use phrases::PHRASES;

/// What a caller can want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Intent {
    Schedule,
    Reschedule,
    Cancel,
    Upcoming,
    /// When the appointment in question is, again: never found in the words alone.
    Recall,
    ConfirmReminder,
    Hours,
    Prices,
    Services,
    Address,
    Complaint,
    Anger,
    Warranty,
    Discount,
    Human,
    Abandon,
    Repeat,
    Wait,
    Hello,
    Goodbye,
    CallLater,
    StopCalls,
    WrongNumber,
}

impl Intent {
    /// A question that is answered at once, whatever else is under way.
    pub(super) fn is_question(self) -> bool {
        matches!(self, Self::Hours | Self::Prices | Self::Services | Self::Address)
    }
}

/// Everything that the words ask for, in the order in which it was said.
pub(super) fn find(words: &Words) -> Vec<Intent> {
    let place = |(intent, phrases): &(Intent, &[&str])| words.first_of(phrases).map(|at| (at, *intent));
    let mut found: Vec<(usize, Intent)> = PHRASES.iter().filter_map(place).collect();
    found.sort_unstable();
    let mut intents: Vec<Intent> = found.into_iter().map(|(_, intent)| intent).collect();
    settle(words, &mut intents);
    intents
}

/// Where a question about a price begins.
pub(super) fn price_question(words: &Words) -> Option<usize> {
    let prices = PHRASES.iter().find(|(intent, _)| *intent == Intent::Prices)?;
    words.first_of(prices.1)
}

/// Where it is said that no calls are wanted, which neither agrees nor refuses.
pub(super) fn no_calls(words: &Words) -> Option<Range<usize>> {
    let (_, phrases) = PHRASES.iter().find(|(intent, _)| *intent == Intent::StopCalls)?;
    phrases.iter().find_map(|phrase| words.find(phrase).map(|at| at..at + phrase.split(' ').count()))
}

/// Some phrases hold others: the more particular wish wins.
fn settle(words: &Words, intents: &mut Vec<Intent>) {
    use Intent::{Abandon, Cancel, ConfirmReminder, Goodbye, Hello, Prices, Reschedule, Schedule, Services, Upcoming};
    let has = |intent: Intent, intents: &[Intent]| intents.contains(&intent);
    if let Some(stop) = intents.iter().copied().find(|i| matches!(i, Intent::StopCalls | Intent::WrongNumber)) {
        // However it is said, nothing else is wanted than a change of an appointment, which comes after it.
        let is_of_calls = |at| matches!(words.at(at), "calls" | "reminder" | "reminders");
        let no_calls = words.find("cancel").is_some_and(|at| is_of_calls(at + 1) || is_of_calls(at + 2));
        let is_change = |i: &Intent| match i {
            Cancel => stop == Intent::StopCalls && !no_calls,
            Reschedule => stop == Intent::StopCalls,
            _ => false,
        };
        intents.retain(|i| *i == stop || is_change(i));
        intents.sort_by_key(|i| *i != stop);
    }
    if has(Intent::CallLater, intents) {
        intents.retain(|i| !matches!(i, Intent::Wait | Intent::Goodbye | Intent::Schedule));
    }
    if words.any(&["drop it off"])
        && !words.any(&["never mind", "nevermind", "forget it", "cancel that", "scratch that"])
    {
        // A car is, not a wish.
        intents.retain(|i| *i != Abandon);
    }
    if has(Abandon, intents) {
        intents.retain(|i| *i != Cancel);
    }
    let about_old = [Reschedule, Cancel, ConfirmReminder].iter().any(|i| has(*i, intents));
    if about_old {
        intents.retain(|i| *i != Upcoming);
    }
    if has(ConfirmReminder, intents) && !has(Cancel, intents) {
        intents.retain(|i| *i != Reschedule);
    }
    let explicit = words.any(&["book", "new appointment", "another appointment", "make an appointment", "schedule a"]);
    if explicit && words.any(&["i have an appointment"]) {
        intents.retain(|i| *i != Upcoming);
    }
    if (about_old || has(Upcoming, intents)) && !explicit {
        intents.retain(|i| *i != Schedule);
    }
    if has(Services, intents) && has(Prices, intents) {
        intents.retain(|i| *i != Services);
    }
    if has(Goodbye, intents) || intents.len() > 1 {
        intents.retain(|i| *i != Hello);
    }
}

/// Whether the caller agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assent {
    Yes,
    No,
}

/// Agreement or refusal in these words; none when they say neither.
pub(super) fn assent(words: &Words) -> Option<Assent> {
    const NO: [&str; 15] = [
        "no",
        "nope",
        "nah",
        "not",
        "don't",
        "do not",
        "rather not",
        "wrong",
        "incorrect",
        "negative",
        "neither",
        "none",
        "doesn't work",
        "won't work",
        "can't",
    ];
    const YES: [&str; 33] = [
        "yes",
        "yeah",
        "yep",
        "yup",
        "yea",
        "sure",
        "correct",
        "right",
        "okay",
        "ok",
        "absolutely",
        "definitely",
        "perfect",
        "great",
        "fine",
        "go ahead",
        "please do",
        "sounds good",
        "that works",
        "works for me",
        "of course",
        "exactly",
        "certainly",
        "do it",
        "book it",
        "that's good",
        "good",
        "uh huh",
        "confirmed",
        "i do",
        "alright",
        "works",
        "that's it",
    ];
    if words.any(&["no problem", "why not", "not a problem", "don't mind"]) {
        return Some(Assent::Yes);
    }
    if words.any(&["not sure", "don't know", "no idea", "not certain"]) {
        return None;
    }
    if words.any(&NO) {
        return Some(Assent::No);
    }
    let is_plain_please = words.len() == 1 && words.at(0) == "please";
    (words.any(&YES) || is_plain_please).then_some(Assent::Yes)
}

/// Whether whoever has answered is the customer who was asked for: deny by default, and a relative is none.
pub(super) fn is_customer(words: &Words, first_name: Option<&str>) -> Option<bool> {
    const OTHERS: [&str; 24] = [
        "husband",
        "wife",
        "sister",
        "brother",
        "mother",
        "father",
        "mom",
        "dad",
        "son",
        "daughter",
        "roommate",
        "neighbor",
        "partner",
        "girlfriend",
        "boyfriend",
        "friend",
        "colleague",
        "coworker",
        "assistant",
        "secretary",
        "someone else",
        "somebody else",
        "wrong person",
        "wrong number",
    ];
    const NO: [&str; 19] = [
        "no",
        "nope",
        "nah",
        "not here",
        "isn't here",
        "is not",
        "isn't",
        "not in",
        "not home",
        "not available",
        "not at home",
        "i'm not",
        "not me",
        "not her",
        "not him",
        "not she",
        "not he",
        "she's out",
        "he's out",
    ];
    const YES: [&str; 20] = [
        "yes",
        "yeah",
        "yep",
        "yup",
        "yea",
        "speaking",
        "this is she",
        "this is he",
        "this is her",
        "this is him",
        "that's me",
        "that is me",
        "it's me",
        "i am",
        "that's right",
        "correct",
        "you are",
        "uh huh",
        "that would be me",
        "the one and only",
    ];
    let name = first_name.map(|name| Words::new(name).at(0).to_owned()).unwrap_or_default();
    let is_named = !name.is_empty() && {
        let says = |before: &str| words.find(&format!("{before} {name}")).is_some();
        says("this is") || says("it's") || says("i'm") || (words.len() == 1 && words.at(0) == name)
    };
    match () {
        () if words.any(&OTHERS) || words.any(&NO) => Some(false),
        () if words.any(&YES) || is_named => Some(true),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Intent::*;
    use super::*;

    #[test]
    fn intents_in_the_order_in_which_they_were_said() {
        for (said, expected) in [
            ("I'd like to book an oil change", vec![Schedule]),
            ("can I reschedule my appointment", vec![Reschedule]),
            ("I need to cancel my appointment", vec![Cancel]),
            ("cancel my appointment and book a new one", vec![Cancel, Schedule]),
            ("what are your hours and how much is an oil change", vec![Hours, Prices]),
            ("when is my appointment", vec![Upcoming]),
            ("I'm calling to confirm my appointment", vec![ConfirmReminder]),
            ("let me talk to a human", vec![Human]),
            ("this is ridiculous", vec![Anger]),
            ("is that covered by warranty", vec![Warranty]),
            ("do you do oil changes", vec![Services]),
            ("never mind, cancel that", vec![Abandon]),
            ("can I drop it off at nine", vec![Schedule]),
            ("thanks, bye", vec![Goodbye]),
            ("hello", vec![Hello]),
            ("call me back tomorrow at nine", vec![CallLater]),
            ("please stop calling me, this is ridiculous", vec![StopCalls]),
            ("cancel these calls and don't call me", vec![StopCalls]),
            ("cancel my appointment and don't call me", vec![StopCalls, Cancel]),
            ("sorry, you have the wrong number", vec![WrongNumber]),
            ("can you move it to eleven", vec![Reschedule]),
            ("bananas", vec![]),
        ] {
            assert_eq!(find(&Words::new(said)), expected, "{said}");
        }
    }

    #[test]
    fn only_the_customer_is_the_customer() {
        for (said, expected) in [
            ("Yes", Some(true)),
            ("yes, this is she", Some(true)),
            ("speaking", Some(true)),
            ("This is Maria", Some(true)),
            ("Maria", Some(true)),
            ("no", Some(false)),
            ("this is her husband", Some(false)),
            ("yes, this is Maria's sister", Some(false)),
            ("Maria isn't here", Some(false)),
            ("she's not here right now", Some(false)),
            ("who is this?", None),
            ("hello?", None),
            ("what is it about", None),
            ("do you want to talk to Maria?", None),
            ("right now is fine", None),
        ] {
            assert_eq!(is_customer(&Words::new(said), Some("Maria")), expected, "{said}");
        }
    }

    #[test]
    fn agreement() {
        for (said, expected) in [
            ("yes please", Some(Assent::Yes)),
            ("sounds good", Some(Assent::Yes)),
            ("no problem", Some(Assent::Yes)),
            ("no", Some(Assent::No)),
            ("that doesn't work", Some(Assent::No)),
            ("Thursday", None),
        ] {
            assert_eq!(assent(&Words::new(said)), expected, "{said}");
        }
    }
}
