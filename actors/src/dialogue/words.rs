//! What the caller said as plain words, and the search for phrases in them.

/// Words of one utterance that are looked at; nobody says more in a turn that means something.
const WORDS_MAX: usize = 400;

/// Lower-case words without punctuation. A `:`, `/` or `-` between digits stays, as in `9:30` and `2026-11-24`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    words: Vec<String>,
    /// How they begin: a bit for each, which several may share. Of some thousand phrases that are looked for in an
    /// utterance nearly all are ruled out by it.
    beginnings: u64,
}

/// The bit of how a word begins.
fn beginning(text: &str) -> u64 {
    let byte = |at: usize| text.as_bytes().get(at).filter(|byte| **byte != b' ').map_or(0, |byte| u32::from(*byte));
    1 << ((byte(0) * 7 + byte(1)) % u64::BITS)
}

impl Words {
    pub(super) fn new(text: &str) -> Self {
        let lower = spelled(text.to_lowercase());
        let bytes = lower.as_bytes();
        let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
        let keep = |at: usize, c: char| match c {
            ':' | '/' | '-' => is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)),
            '\'' => true,
            c => c.is_alphanumeric(),
        };
        let plain: String = lower.char_indices().map(|(at, c)| if keep(at, c) { c } else { ' ' }).collect();
        let words = plain.split_whitespace().map(|word| word.trim_matches('\'')).filter(|word| !word.is_empty());
        words.take(WORDS_MAX).map(str::to_owned).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// The word at a place; nothing beyond the end.
    pub(super) fn at(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    /// The word that many places before.
    pub(super) fn before(&self, at: usize, back: usize) -> &str {
        at.checked_sub(back).map_or("", |at| self.at(at))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// Where a phrase begins.
    pub(super) fn find(&self, phrase: &str) -> Option<usize> {
        if self.beginnings & beginning(phrase) == 0 {
            return None;
        }
        let (first, rest) = phrase.split_once(' ').map_or((phrase, None), |(first, rest)| (first, Some(rest)));
        (0..self.len()).find(|at| self.words[*at] == first && rest.is_none_or(|rest| self.is_at(at + 1, rest)))
    }

    /// Whether a phrase begins here.
    pub(super) fn is_at(&self, at: usize, phrase: &str) -> bool {
        phrase.split(' ').enumerate().all(|(offset, word)| self.at(at + offset) == word)
    }

    /// Whether any of these phrases was said.
    pub(super) fn any(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.find(phrase).is_some())
    }

    /// The earliest place at which one of these phrases begins.
    pub(super) fn first_of(&self, phrases: &[&str]) -> Option<usize> {
        phrases.iter().filter_map(|phrase| self.find(phrase)).min()
    }

    /// The same words with a range of them blanked out, so that what was understood is not understood twice.
    pub(super) fn without(&self, range: std::ops::Range<usize>) -> Self {
        let blank = |(at, word): (usize, &String)| if range.contains(&at) { "_".to_owned() } else { word.clone() };
        self.words.iter().enumerate().map(blank).collect()
    }
}

impl FromIterator<String> for Words {
    fn from_iter<I: IntoIterator<Item = String>>(words: I) -> Self {
        let words: Vec<String> = words.into_iter().collect();
        let beginnings = words.iter().fold(0, |all, word| all | beginning(word));
        Self { words, beginnings }
    }
}

/// The one way to write what is written in several.
fn spelled(mut lower: String) -> String {
    if !lower.is_ascii() {
        lower = lower.replace(['’', '‘'], "'");
    }
    if lower.contains('.') {
        lower = lower.replace("a.m", "am").replace("p.m", "pm");
    }
    if lower.contains("clock") {
        lower = lower.replace("o clock", "o'clock").replace("oclock", "o'clock");
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_plain() {
        let words = |text: &str| Words::new(text).iter().map(str::to_owned).collect::<Vec<_>>().join("|");
        assert_eq!(words("Well, I’m here at 9:30 a.m. — OK?"), "well|i'm|here|at|9:30|am|ok");
        assert_eq!(words("twenty-first, 2026-11-24, 3/4"), "twenty|first|2026-11-24|3/4");
        assert_eq!(words("'quoted' O'Brien: nine o clock"), "quoted|o'brien|nine|o'clock");
        assert_eq!(words("... !"), "");
    }

    #[test]
    fn phrases_are_whole_words() {
        let words = Words::new("I booked the day after tomorrow");
        assert_eq!(words.find("day after"), Some(3));
        assert_eq!(words.find("book"), None);
        assert_eq!(words.without(3..6).find("tomorrow"), None);
    }
}
