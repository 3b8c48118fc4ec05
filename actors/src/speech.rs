//! What was said and how much of it was heard: utterances against the play-out clock. Pure.
//!
//! A text-to-speech gives no word times, so words are found by proportion: the text of an utterance is spread evenly
//! over its samples, or, while it is still being synthesised, at the voice's measured rate.

use crate::domain::{TurnId, UtteranceId};
use crate::limits;
use crate::media_plane::{Epoch, Playout};

/// One utterance on its way to the caller's ear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    /// Its name.
    pub id: UtteranceId,
    /// The turn it belongs to.
    pub turn: TurnId,
    /// All text given so far.
    pub text: String,
    /// No more text will come.
    pub complete: bool,
    /// Where in `text` the synthesis in hand began, in bytes: what is before was heard already.
    pub resumed_at: usize,
    /// Where its audio lies.
    pub audio: Option<AudioSpan>,
}

/// Where an utterance's audio lies in an epoch of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioSpan {
    /// The epoch.
    pub epoch: Epoch,
    /// First sample.
    pub start: u64,
    /// One after the last sample, once all of it was synthesised.
    pub end: Option<u64>,
}

/// How fast a voice speaks, measured on what it has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    chars: u64,
    samples: u64,
}

impl Default for Rate {
    fn default() -> Self {
        Self { chars: limits::TTS_CHARS_PER_SECOND, samples: limits::SAMPLES_PER_MS * 1_000 }
    }
}

impl Rate {
    /// Learns from a whole utterance; short ones say little.
    pub fn learn(&mut self, chars: u64, samples: u64) {
        const ENOUGH_CHARS: u64 = 20;
        if chars >= ENOUGH_CHARS && samples > 0 {
            *self = Self { chars, samples };
        }
    }

    fn chars_in(self, samples: u64) -> u64 {
        samples * self.chars / self.samples
    }
}

impl Utterance {
    /// An utterance of which nothing was said yet.
    #[must_use]
    pub fn new(id: UtteranceId, turn: TurnId) -> Self {
        Self { id, turn, text: String::new(), complete: false, resumed_at: 0, audio: None }
    }

    /// What is (to be) synthesised.
    #[must_use]
    pub fn pending(&self) -> &str {
        &self.text[self.resumed_at..]
    }

    /// What the caller has heard, by whole words.
    #[must_use]
    pub fn heard(&self, playout: Playout, now: tokio::time::Instant, rate: Rate) -> &str {
        let Some(span) = self.audio.filter(|span| span.epoch == playout.epoch) else {
            return &self.text[..self.resumed_at];
        };
        let played = playout.played(now).saturating_sub(span.start);
        let total_chars = self.pending().chars().count() as u64;
        let chars = match span.end {
            Some(end) if span.start + played >= end => total_chars,
            Some(end) => total_chars * played / (end - span.start),
            None => rate.chars_in(played).min(total_chars),
        };
        &self.text[..self.resumed_at + whole_words(self.pending(), chars)]
    }

    /// Its audio is lost: what was not heard of it is to be said again.
    pub fn take_back(&mut self, playout: Playout, now: tokio::time::Instant) {
        let heard = self.heard(playout, now, Rate::default()).len();
        self.resumed_at = self.first_unheard_sentence(&self.text[..heard]);
        self.audio = None;
    }

    /// Where to take the text up again after an interruption: the start of the first sentence that was not heard whole.
    #[must_use]
    pub fn first_unheard_sentence(&self, heard: &str) -> usize {
        let mut begin = 0;
        for sentence in sentences(&self.text) {
            let end = begin + sentence.trim_end().len();
            if end > heard.len() || !sentence.trim_end().ends_with(['.', '!', '?']) {
                break;
            }
            begin += sentence.len();
        }
        begin
    }
}

/// The sentences of a text, each with the white space after it; in a row they are the text. The last may be unfinished.
#[must_use]
pub fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut begin = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        if matches!(c, '.' | '!' | '?') && text[next..].starts_with(char::is_whitespace) {
            let end = next + (text[next..].len() - text[next..].trim_start().len());
            sentences.push(&text[begin..end]);
            begin = end;
        }
    }
    if begin < text.len() {
        sentences.push(&text[begin..]);
    }
    sentences
}

/// The length in bytes of the words that lie wholly within the first `chars` characters.
fn whole_words(text: &str, chars: u64) -> usize {
    let limit = text.char_indices().nth(usize::try_from(chars).unwrap_or(usize::MAX)).map_or(text.len(), |(at, _)| at);
    if limit == text.len() || text[limit..].starts_with(char::is_whitespace) {
        return text[..limit].trim_end().len();
    }
    text[..limit].rfind(char::is_whitespace).map_or(0, |at| text[..at].trim_end().len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    fn utterance(text: &str, audio: Option<AudioSpan>) -> Utterance {
        Utterance { text: text.into(), audio, ..Utterance::new(UtteranceId(1), TurnId(1)) }
    }

    fn playout(sent: u64, now: Instant) -> Playout {
        Playout { epoch: Epoch(2), sent, ends_at: now }
    }

    #[tokio::test(start_paused = true)]
    async fn words_are_found_by_proportion() {
        let now = Instant::now();
        let span = |end| Some(AudioSpan { epoch: Epoch(2), start: 1_000, end });
        let heard = |end, played| {
            utterance("one two three four", span(end)).heard(playout(played, now), now, Rate::default()).to_owned()
        };
        // 18 characters over 1,800 samples.
        assert_eq!(heard(Some(2_800), 500), "");
        assert_eq!(heard(Some(2_800), 1_250), "");
        assert_eq!(heard(Some(2_800), 1_300), "one");
        assert_eq!(heard(Some(2_800), 1_690), "one");
        assert_eq!(heard(Some(2_800), 1_700), "one two");
        assert_eq!(heard(Some(2_800), 2_800), "one two three four");
        // Still being synthesised: 15 characters a second.
        assert_eq!(heard(None, 1_000 + 8_000 / 2), "one two");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_played_yet_is_not_heard() {
        let now = Instant::now();
        let span = Some(AudioSpan { epoch: Epoch(2), start: 0, end: Some(16_000) });
        let said = utterance("one two three four", span);
        let ahead = Playout { epoch: Epoch(2), sent: 16_000, ends_at: now + Duration::from_secs(1) };
        assert_eq!(said.heard(ahead, now, Rate::default()), "one two");
        let other = Playout { epoch: Epoch(3), ..ahead };
        assert_eq!(said.heard(other, now, Rate::default()), "", "another epoch");
    }

    #[test]
    fn speech_resumes_at_a_sentence() {
        let said = utterance("First one. Second one! Third one.", None);
        for (heard, rest) in [
            ("", "First one. Second one! Third one."),
            ("First", "First one. Second one! Third one."),
            ("First one.", "Second one! Third one."),
            ("First one. Second one", "Second one! Third one."),
            ("First one. Second one! Third one.", ""),
        ] {
            assert_eq!(&said.text[said.first_unheard_sentence(heard)..], rest, "{heard}");
        }
    }

    #[test]
    fn cutting_never_splits_a_character() {
        for chars in 0..12 {
            let text = "Grüße nach ü";
            assert!(text.is_char_boundary(whole_words(text, chars)));
        }
    }
}
