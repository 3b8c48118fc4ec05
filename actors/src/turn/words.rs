//! Which words interrupt Otto and which only show that the caller listens. Pure.

use std::collections::HashSet;

use crate::domain::Shop;

/// Words that say little, in the languages of the shop's callers.
#[derive(Debug, Clone, Default)]
pub(super) struct Listening {
    backchannels: HashSet<String>,
    weak: HashSet<String>,
}

impl Listening {
    pub(super) fn of(shop: &Shop) -> Self {
        let lists = || shop.languages.iter().filter_map(|language| shop.listening.get(language));
        let backchannels = lists().flat_map(|list| &list.backchannels).map(|word| plain(word)).collect();
        let weak = lists().flat_map(|list| &list.weak_words).map(|word| plain(word)).collect();
        Self { backchannels, weak }
    }

    /// Whether these words, said while Otto speaks or thinks, mean that the caller wants the turn: two words that are more
    /// than a listening noise, or one that says something.
    pub(super) fn interrupts(&self, text: &str) -> bool {
        let words = text.split_whitespace().map(plain);
        let words: Vec<String> =
            words.filter(|word| !word.is_empty() && !self.backchannels.contains(word.as_str())).collect();
        words.len() >= 2 || words.iter().any(|word| !self.weak.contains(word))
    }
}

/// A word without its marks, in lower case.
fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric() || *c == '-').flat_map(char::to_lowercase).collect()
}

/// Whether two texts are the same words, however they are written; nothing is the same as nothing.
pub(super) fn same(left: &str, right: &str) -> bool {
    let plain =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    !right.is_empty() && plain(left) == plain(right)
}

/// Adds words to words, with a space between.
pub(super) fn join(left: &str, right: &str) -> String {
    let both = [left.trim(), right.trim()];
    both.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_words_or_one_that_says_something_interrupt() {
        let listening = Listening::of(&Shop::default());
        for text in ["", "uh-huh", "Okay.", "mm-hm, right", "Yeah", "well", "Okay, so", "the", "um, I"] {
            assert!(!listening.interrupts(text), "{text}");
        }
        for text in ["wait", "no", "okay but no", "stop", "is it", "I, the", "brakes", "Okay, Thursday."] {
            assert!(listening.interrupts(text), "{text}");
        }
    }

    #[test]
    fn the_lists_of_all_languages_of_the_shop_count() {
        let mut shop = Shop::default();
        let german = crate::domain::shop::Listening {
            backchannels: vec!["Genau".into()],
            weak_words: vec!["also".into()],
            ..Default::default()
        };
        shop.listening.insert("de".into(), german);
        assert!(Listening::of(&shop).interrupts("genau"));
        shop.languages.push("de".into());
        let both = Listening::of(&shop);
        assert!(!both.interrupts("Genau.") && !both.interrupts("also, yeah") && both.interrupts("nein"));
    }
}
