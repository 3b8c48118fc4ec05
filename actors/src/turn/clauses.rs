//! Cuts a model's text into pieces to be spoken: the first clause as soon as it is whole, then sentence by sentence. Pure.

use crate::limits;

/// Takes text as it streams and gives pieces as they become whole. Together the pieces are the text.
#[derive(Debug, Default)]
pub(super) struct Clauses {
    waiting: String,
    any: bool,
}

impl Clauses {
    /// Some more text; the pieces that are whole now.
    pub(super) fn push(&mut self, text: &str) -> Vec<String> {
        self.waiting.push_str(text);
        let mut whole = Vec::new();
        while let Some(end) = self.end_of_piece() {
            let rest = self.waiting.split_off(end);
            whole.push(std::mem::replace(&mut self.waiting, rest));
            self.any = true;
        }
        whole
    }

    /// The text is over; what is left.
    pub(super) fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.waiting);
        (!rest.trim().is_empty()).then_some(rest)
    }

    /// What is not whole yet.
    pub(super) fn waiting(&self) -> &str {
        &self.waiting
    }

    /// A piece ends after its mark and the white space that follows: only then is it sure that "3.5" has not begun.
    fn end_of_piece(&self) -> Option<usize> {
        let least = if self.any { 1 } else { limits::FIRST_CLAUSE_MIN_CHARS };
        let mut last_space = None;
        let mut mark = None;
        for (count, (at, c)) in self.waiting.char_indices().enumerate() {
            if c.is_whitespace() {
                let end = at + c.len_utf8();
                if mark.is_some_and(|m| self.ends_piece(m, at)) && count >= least {
                    return Some(end);
                }
                last_space = Some(end);
            } else {
                mark = Some(c);
            }
            if count >= limits::CLAUSE_MAX_CHARS {
                return last_space.or(Some(at));
            }
        }
        None
    }

    fn ends_piece(&self, mark: char, at: usize) -> bool {
        match mark {
            '!' | '?' => true,
            '.' => !ends_with_abbreviation(&self.waiting[..at]),
            ',' | ';' | ':' => !self.any,
            _ => false,
        }
    }
}

/// Whether a text ends where a sentence does.
pub(super) fn ends_sentence(text: &str) -> bool {
    let text = text.trim_end();
    text.ends_with(['.', '!', '?']) && !ends_with_abbreviation(text)
}

fn ends_with_abbreviation(text: &str) -> bool {
    const ABBREVIATIONS: [&str; 9] = ["Mr.", "Mrs.", "Ms.", "Dr.", "St.", "Ave.", "No.", "a.m.", "p.m."];
    let word = text.rsplit(char::is_whitespace).next().unwrap_or(text);
    ABBREVIATIONS.iter().any(|a| word.eq_ignore_ascii_case(a))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(tokens: &[&str]) -> Vec<String> {
        let mut clauses = Clauses::default();
        let mut all: Vec<String> = tokens.iter().flat_map(|t| clauses.push(t)).collect();
        all.extend(clauses.finish());
        all
    }

    #[test]
    fn the_first_clause_goes_early_and_later_ones_by_sentence() {
        assert_eq!(
            pieces(&["Sure", " thing", ", I", " have ten, and eleven. ", "Which", " one", "? Bye"]),
            ["Sure thing, ", "I have ten, and eleven. ", "Which one? ", "Bye"]
        );
    }

    #[test]
    fn numbers_and_abbreviations_do_not_end_a_piece() {
        assert_eq!(
            pieces(&["It is 3.5 miles to Mr. Otto at 12 Oak St. in town. Yes."]),
            ["It is 3.5 miles to Mr. Otto at 12 Oak St. in town. ", "Yes."]
        );
    }

    #[test]
    fn a_tiny_first_clause_waits() {
        assert_eq!(pieces(&["Hi, it is Otto. Yes"]), ["Hi, it is Otto. ", "Yes"]);
    }

    #[test]
    fn text_without_an_end_is_spoken_all_the_same() {
        let long = "word ".repeat(100);
        assert!(pieces(&[&long]).len() > 1);
        assert!(pieces(&[&"x".repeat(1_000)]).len() > 1);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(tokens in prop::collection::vec("[a-zé .,!?]{0,30}", 0..40)) {
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            let joined = pieces(&tokens).concat();
            let text = tokens.concat();
            prop_assert_eq!(joined.trim_end(), text.trim_end());
        }
    }
}
