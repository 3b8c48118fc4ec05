//! Which words interrupt Otto and which only show that the caller listens. Pure.

/// What people say to show that they listen; said while Otto speaks, these interrupt nothing.
const BACKCHANNELS: [&str; 14] =
    ["uh", "huh", "uhhuh", "uh-huh", "mm", "mhm", "mm-hm", "mmhm", "hm", "okay", "ok", "right", "yeah", "aha"];

/// Whether these words, said while Otto speaks or thinks, mean that the caller wants the turn.
#[must_use]
pub(super) fn interrupt(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        let word: String =
            word.chars().filter(|c| c.is_alphanumeric() || *c == '-').flat_map(char::to_lowercase).collect();
        !word.is_empty() && !BACKCHANNELS.contains(&word.as_str())
    })
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
    fn backchannels_do_not_interrupt() {
        for text in ["", "uh-huh", "Okay.", "mm-hm, right", "Yeah"] {
            assert!(!interrupt(text), "{text}");
        }
        for text in ["wait", "no", "okay but", "stop"] {
            assert!(interrupt(text), "{text}");
        }
    }
}
