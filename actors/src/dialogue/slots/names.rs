//! Names of people.

/// Words before a name that say that one follows, whatever was asked.
const SURE: [&str; 6] = ["my name is", "my name's", "the name is", "the name's", "name is", "this is"];
/// Words before a name when it was asked for.
const ASKED: [&str; 9] = ["it's", "it is", "i'm", "i am", "that's", "under", "put it under", "sure", "yes"];
/// Words that are no part of a name.
const NOT_NAMES: [&str; 74] = [
    "a",
    "about",
    "again",
    "already",
    "also",
    "an",
    "and",
    "actually",
    "appointment",
    "are",
    "bad",
    "battery",
    "book",
    "brake",
    "brakes",
    "but",
    "calling",
    "can",
    "car",
    "change",
    "could",
    "do",
    "don't",
    "for",
    "from",
    "get",
    "going",
    "good",
    "have",
    "hello",
    "help",
    "here",
    "hi",
    "how",
    "i",
    "i'd",
    "i'm",
    "if",
    "is",
    "it",
    "it's",
    "just",
    "know",
    "like",
    "looking",
    "my",
    "need",
    "no",
    "not",
    "oil",
    "ok",
    "okay",
    "on",
    "or",
    "please",
    "really",
    "regarding",
    "ridiculous",
    "so",
    "sorry",
    "speaking",
    "sure",
    "thanks",
    "that",
    "the",
    "to",
    "tomorrow",
    "unacceptable",
    "very",
    "want",
    "what",
    "why",
    "yes",
    "you",
];
/// Longest name, in words.
const NAME_WORDS: usize = 4;

/// The name in what the caller said; `asked` when Otto has asked for it.
pub(in crate::dialogue) fn find(text: &str, asked: bool) -> Option<String> {
    let text = text.replace('’', "'");
    let lower = text.to_ascii_lowercase();
    let after = |marks: &[&str]| {
        let found = marks.iter().filter_map(|mark| begin_after(&lower, mark)).max()?;
        name_from(&text[found..])
    };
    let found = after(&SURE);
    if !asked {
        return found;
    }
    found.or_else(|| after(&ASKED)).or_else(|| bare(&text))
}

/// Where the words after a mark begin.
fn begin_after(lower: &str, mark: &str) -> Option<usize> {
    let at = lower.rfind(mark)?;
    let is_whole = at == 0 || lower[..at].ends_with(|c: char| !c.is_alphanumeric());
    let rest = &lower[at + mark.len()..];
    (is_whole && rest.starts_with([' ', ','])).then_some(at + mark.len())
}

/// A bare answer is a name when nothing else is in it.
fn bare(text: &str) -> Option<String> {
    // Letters by which the name is spelled do not count.
    let words = text.split_whitespace().filter(|word| word.chars().count() > 1).count();
    name_from(text).filter(|name| words <= NAME_WORDS + 1 && name.split(' ').count() + 1 >= words)
}

fn name_from(text: &str) -> Option<String> {
    let clean = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let mut name: Vec<String> = Vec::new();
    for raw in text.split_whitespace() {
        let word = clean(raw);
        let is_name = word.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '-' | '.'));
        if word.is_empty() || !is_name || NOT_NAMES.contains(&word.to_lowercase().as_str()) {
            if name.is_empty() && word.is_empty() {
                continue;
            }
            break;
        }
        // Spelled after it was said: "Smith, S M I T H".
        if word.chars().count() == 1 && name.len() > 1 {
            break;
        }
        name.push(capitalised(&word));
        if name.len() == NAME_WORDS || raw.ends_with(['.', ',', '!', '?', ';']) {
            break;
        }
    }
    (name.join(" ").chars().count() >= 2).then(|| name.join(" "))
}

fn capitalised(word: &str) -> String {
    if word.chars().any(char::is_uppercase) && word.chars().any(char::is_lowercase) {
        return word.to_owned();
    }
    let mut chars = word.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars.flat_map(char::to_lowercase)).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_callers_say_them() {
        for (said, asked, expected) in [
            ("My name is John Smith.", false, Some("John Smith")),
            ("hi this is maria lopez and I need an oil change", false, Some("Maria Lopez")),
            ("This is about my car", false, None),
            ("This is ridiculous", false, None),
            ("John Smith", false, None),
            ("John Smith", true, Some("John Smith")),
            ("it's john smith", true, Some("John Smith")),
            ("Sure, it's Mary-Jane O'Brien.", true, Some("Mary-Jane O'Brien")),
            ("Smith, S M I T H", true, Some("Smith")),
            ("I don't know", true, None),
            ("what do you need that for", true, None),
            ("José García", true, Some("José García")),
            ("the name's Bond", false, Some("Bond")),
            ("yes", true, None),
            ("12345", true, None),
        ] {
            assert_eq!(find(said, asked).as_deref(), expected, "{said}");
        }
    }
}
