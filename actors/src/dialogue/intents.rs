//! What the caller wants, in the order in which it was said; and whether they agree.

use super::words::Words;

/// What a caller can want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Intent {
    Schedule,
    Reschedule,
    Cancel,
    Upcoming,
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
}

impl Intent {
    /// A question that is answered at once, whatever else is under way.
    pub(super) fn is_question(self) -> bool {
        matches!(self, Self::Hours | Self::Prices | Self::Services | Self::Address)
    }
}

const PHRASES: [(Intent, &[&str]); 19] = [
    (
        Intent::Schedule,
        &[
            "book",
            "schedule",
            "an appointment",
            "make an appointment",
            "new appointment",
            "another appointment",
            "bring it in",
            "bring my car",
            "bring the car",
            "bring her in",
            "come in",
            "drop it off",
            "drop off",
            "get in",
            "set up a time",
            "slot",
            "fit me in",
        ],
    ),
    (
        Intent::Reschedule,
        &[
            "reschedule",
            "rescheduled",
            "move my",
            "move the appointment",
            "change my appointment",
            "postpone",
            "push back",
            "change the appointment",
            "push my",
            "change the time of",
            "change the date of",
            "can't make it",
            "can't make my",
            "different day for my",
            "move it to another",
        ],
    ),
    (Intent::Cancel, &["cancel", "cancelled", "canceled", "cancellation", "call off", "call it off"]),
    (
        Intent::Upcoming,
        &[
            "my appointment",
            "my appointments",
            "my next appointment",
            "when am i",
            "do i have an appointment",
            "upcoming appointments",
            "what appointments",
            "am i booked",
            "i have an appointment",
            "my booking",
        ],
    ),
    (
        Intent::ConfirmReminder,
        &[
            "confirm my appointment",
            "confirm the appointment",
            "confirm an appointment",
            "reminder",
            "got a reminder",
            "confirming my",
            "i'll be there",
            "calling to confirm",
        ],
    ),
    (
        Intent::Hours,
        &[
            "hours",
            "when are you open",
            "what time do you open",
            "what time do you close",
            "are you open",
            "how late",
            "when do you open",
            "when do you close",
            "open on",
            "open tomorrow",
            "open today",
            "closed on",
            "open until",
        ],
    ),
    (
        Intent::Prices,
        &["how much", "price", "prices", "cost", "costs", "pricing", "charge", "quote", "estimate", "expensive"],
    ),
    (
        Intent::Services,
        &[
            "what services",
            "what do you do",
            "services do you",
            "do you do",
            "do you offer",
            "what can you do",
            "which services",
            "what kind of work",
        ],
    ),
    (Intent::Address, &["where are you", "your address", "located", "location", "directions", "how do i get there"]),
    (
        Intent::Complaint,
        &[
            "complaint",
            "complain",
            "still not fixed",
            "didn't fix",
            "not fixed",
            "wasn't fixed",
            "came back",
            "last time you",
            "same problem",
            "damaged",
            "scratched",
            "overcharged",
            "bad job",
            "still making",
            "since you",
            "you broke",
            "you guys broke",
            "after you",
            "still broken",
        ],
    ),
    (
        Intent::Anger,
        &[
            "ridiculous",
            "unacceptable",
            "angry",
            "furious",
            "terrible",
            "worst",
            "idiot",
            "idiots",
            "stupid",
            "useless",
            "damn",
            "fed up",
            "frustrated",
            "frustrating",
            "sick of",
            "a joke",
            "lawyer",
            "sue you",
            "hate",
        ],
    ),
    (Intent::Warranty, &["warranty", "insurance", "recall", "claim", "insured"]),
    (Intent::Discount, &["discount", "discounts", "coupon", "cheaper", "special offer", "promotion", "price match"]),
    (
        Intent::Human,
        &[
            "human",
            "real person",
            "a person",
            "speak to someone",
            "talk to someone",
            "speak with someone",
            "talk to somebody",
            "speak to somebody",
            "representative",
            "an agent",
            "operator",
            "manager",
            "transfer me",
            "connect me",
            "colleague",
            "talk to a",
            "speak to a",
            "speak with a",
            "someone else",
            "the owner",
        ],
    ),
    (
        Intent::Abandon,
        &["never mind", "nevermind", "forget it", "forget about it", "cancel that", "drop it", "scratch that"],
    ),
    (
        Intent::Repeat,
        &[
            "say that again",
            "repeat that",
            "repeat",
            "what was that",
            "pardon",
            "come again",
            "what did you say",
            "say again",
            "didn't hear you",
            "didn't catch that",
            "one more time",
        ],
    ),
    (
        Intent::Wait,
        &["hold on", "one moment", "one second", "just a second", "just a minute", "hang on", "wait a", "give me a"],
    ),
    (Intent::Hello, &["hello", "hi", "hey", "good morning", "good afternoon", "good evening", "are you there"]),
    (
        Intent::Goodbye,
        &[
            "bye",
            "goodbye",
            "good bye",
            "that's all",
            "that is all",
            "that'll be all",
            "that will be all",
            "nothing else",
            "have a good day",
            "have a nice day",
            "have a good one",
            "i'm done",
            "that was all",
            "hang up",
        ],
    ),
];

/// Everything that the words ask for, in the order in which it was said.
pub(super) fn find(words: &Words) -> Vec<Intent> {
    let place = |(intent, phrases): &(Intent, &[&str])| words.first_of(phrases).map(|at| (at, *intent));
    let mut found: Vec<(usize, Intent)> = PHRASES.iter().filter_map(place).collect();
    found.sort_unstable();
    let mut intents: Vec<Intent> = found.into_iter().map(|(_, intent)| intent).collect();
    settle(words, &mut intents);
    intents
}

/// Some phrases hold others: the more particular wish wins.
fn settle(words: &Words, intents: &mut Vec<Intent>) {
    use Intent::{Abandon, Cancel, ConfirmReminder, Goodbye, Hello, Prices, Reschedule, Schedule, Services, Upcoming};
    let has = |intent: Intent, intents: &[Intent]| intents.contains(&intent);
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
            ("thanks, bye", vec![Goodbye]),
            ("hello", vec![Hello]),
            ("bananas", vec![]),
        ] {
            assert_eq!(find(&Words::new(said)), expected, "{said}");
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
