//! The word that names one utterance of one caller: by it the utterance is found again in what the recogniser hears, what
//! the model is asked and answers, and what the voice is given.

use std::fmt;

/// A name such as `c17b3`: content, unlike "uh-huh", and of one utterance alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Marker {
    /// The caller's number.
    pub(super) caller: u32,
    /// Whether it is said into Otto's speech (`b`) or in its turn (`q`).
    pub(super) interrupts: bool,
    /// The utterance's number, over both kinds.
    pub(super) turn: u32,
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}{}{}", self.caller, if self.interrupts { 'b' } else { 'q' }, self.turn)
    }
}

impl Marker {
    /// The first marker in a text, whatever its capitals and punctuation.
    pub(super) fn find(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(Self::parse)
    }

    fn parse(word: &str) -> Option<Self> {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_ascii_lowercase();
        let (caller, turn) = word.strip_prefix('c')?.split_once(['b', 'q'])?;
        let number = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        Some(Marker { caller: number(caller)?, interrupts: word.contains('b'), turn: number(turn)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_found_however_it_is_written() {
        for (text, expected) in [
            ("C17b3, wait", Some("c17b3")),
            ("well c1q2", Some("c1q2")),
            ("cab", None),
            ("c1b", None),
            ("c+1b2", None),
            ("what do you do", None),
        ] {
            assert_eq!(Marker::find(text).map(|marker| marker.to_string()).as_deref(), expected, "{text}");
        }
    }
}
