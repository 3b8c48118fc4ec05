//! How the caller answers what was heard: a patient person who wants an oil change tomorrow at half past nine. Pure.

/// What the caller wants.
pub(super) const REQUEST: &str = "I need an oil change tomorrow at half past nine";
const YES: &str = "yes please";
const THAT_IS_ALL: &str = "no that is all thank you";

/// What the caller does once Otto is quiet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Say(String),
    /// Nothing was asked yet: waits for more.
    Wait,
    /// Goodbye was said: waits for the end of the call.
    Over,
}

/// Questions, by words of theirs, and what the caller answers; the first that fits counts.
const ANSWERS: [(&str, &str); 14] = [
    ("to remind you", YES),
    ("shall i book", YES),
    ("anything else", THAT_IS_ALL),
    ("try again", YES),
    ("once more", YES),
    ("connect you", YES),
    ("call you back", YES),
    ("would you like to book", YES),
    ("which time", "half past nine please"),
    ("what day", "tomorrow"),
    ("full name", "my name is Maria Lopez"),
    ("does your car need", "an oil change"),
    ("help you", REQUEST),
    ("do for you", REQUEST),
];

/// Prompts after which the caller says the same again.
const AGAIN: [&str; 3] = ["say that again", "still there", "can't hear you"];

/// The sentences of a text that were heard whole, in order; `|` is a break in what was heard.
pub(super) fn whole_sentences(text: &str) -> Vec<&str> {
    let parts = text.split('|').flat_map(|part| part.split_inclusive(['.', '!', '?']));
    parts.map(str::trim).filter(|s| s.len() > 1 && s.ends_with(['.', '!', '?'])).collect()
}

/// What the caller does about what was heard since the last words of theirs, `last`.
pub(super) fn answer(heard: &str, last: Option<&str>) -> Answer {
    if heard.contains("Goodbye!") {
        return Answer::Over;
    }
    let again = || Answer::Say(last.unwrap_or(REQUEST).to_owned());
    // An utterance that breaks off is no question yet.
    if !heard.trim_end().trim_end_matches('|').trim_end().ends_with(['.', '!', '?']) {
        return Answer::Wait;
    }
    let sentences = whole_sentences(heard);
    let Some(question) = sentences.last().map(|s| s.to_lowercase()) else { return Answer::Wait };
    if AGAIN.iter().any(|words| heard.to_lowercase().contains(words)) && question.ends_with('?') {
        return again();
    }
    if question.ends_with('?') {
        let found = ANSWERS.iter().find(|(words, _)| question.contains(words));
        return found.map_or_else(again, |(_, say)| Answer::Say((*say).to_owned()));
    }
    Answer::Wait
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_answers_questions_that_were_heard_to_their_end() {
        for (heard, expected) in [
            ("Hi Maria, this is Otto. How can I help you today?", Answer::Say(REQUEST.into())),
            ("Shall I book an oil|Shall I book an oil change?", Answer::Say(YES.into())),
            ("Shall I book an oil", Answer::Wait),
            ("One moment, please.", Answer::Wait),
            ("Sorry. Could you say that again?", Answer::Say("hm".into())),
            ("Are you still there?", Answer::Say("hm".into())),
            ("Thank you. Goodbye!", Answer::Over),
        ] {
            assert_eq!(answer(heard, Some("hm")), expected, "{heard}");
        }
    }

    #[test]
    fn only_whole_sentences_count_as_said() {
        assert_eq!(whole_sentences("One. Two thr|Two three! Fo"), ["One.", "Two three!"]);
    }
}
