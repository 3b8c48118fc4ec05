//! When the caller has fallen silent: all sound that came is in words that were heard, and it has been quiet since. Pure;
//! positions count the stream's samples.

use std::ops::RangeInclusive;

use crate::limits;
use crate::media_plane::LastSound;

/// Waits for silence behind words: where the last sound ends if they are all that was said.
#[derive(Debug, Default)]
pub(super) struct Silence(Option<RangeInclusive<u64>>);

impl Silence {
    /// These words were heard in the stream between two positions; the last one ends at `last_word`, if that is known.
    pub(super) fn words(&mut self, start: u64, end: u64, last_word: Option<u64>) {
        // Sound long after the last word may be another word. A word long after the last sound is of a voice too low to
        // be followed.
        let (from, to) = last_word.map_or((0, end), |word| {
            (word.saturating_sub(limits::STT_WORD_END_SAMPLES), word.saturating_add(limits::STT_WORD_END_SAMPLES))
        });
        self.0 = Some(from.max(start.saturating_add(1))..=to.min(end));
    }

    /// The end of the words was heard: there is nothing to be found out.
    pub(super) fn ended(&mut self) {
        self.0 = None;
    }

    pub(super) fn is_awaited(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the caller has fallen silent behind the words that were heard last; said once.
    pub(super) fn has_fallen(&mut self, last: LastSound) -> bool {
        let is_all = self.0.as_ref().is_some_and(|ends| ends.contains(&last.end));
        let has_fallen = is_all && last.quiet >= limits::STT_QUIET_SAMPLES;
        if has_fallen || !is_all {
            self.0 = None;
        }
        has_fallen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = limits::SAMPLES_PER_MS;

    /// Whether silence falls behind words that were heard from 1,000 ms to `end`, when the last sound ended so and it has
    /// been quiet for so long since; all in milliseconds.
    #[track_caller]
    fn check(end: u64, last_word: Option<u64>, sound_end: u64, quiet: u64, expected: bool) {
        let mut silence = Silence::default();
        silence.words(1_000 * MS, end * MS, last_word.map(|end| end * MS));
        assert_eq!(silence.has_fallen(LastSound { end: sound_end * MS, quiet: quiet * MS }), expected);
    }

    #[test]
    fn silence_falls_when_all_sound_is_in_the_words_and_it_has_been_quiet_for_a_moment() {
        check(2_000, Some(1_800), 1_820, 200, true);
        check(2_000, None, 1_820, 200, true);
        check(2_000, Some(1_800), 1_820, 180, false);
    }

    #[test]
    fn a_sound_after_the_words_may_be_more_of_them() {
        check(2_000, Some(1_900), 2_000, 300, true);
        check(2_000, Some(1_900), 2_020, 300, false);
        check(2_000, None, 2_020, 300, false);
    }

    #[test]
    fn a_sound_within_the_words_audio_that_is_no_word_yet_may_become_one() {
        check(2_000, Some(1_780), 1_980, 300, true);
        check(2_000, Some(1_760), 1_980, 300, false);
    }

    #[test]
    fn a_voice_that_is_too_low_to_be_followed_is_not() {
        check(2_000, Some(1_800), 1_620, 300, true);
        check(2_000, Some(1_800), 1_580, 300, false);
        check(2_000, None, 900, 2_000, false);
        check(2_000, None, 0, 5_000, false);
    }

    #[test]
    fn silence_falls_once_and_not_after_the_end() {
        let mut silence = Silence::default();
        let (quiet, short) =
            (LastSound { end: 100, quiet: limits::STT_QUIET_SAMPLES }, LastSound { end: 100, quiet: 160 });
        silence.words(0, 100, None);
        assert_eq!([short, quiet, quiet].map(|last| silence.has_fallen(last)), [false, true, false]);
        silence.words(0, 100, None);
        silence.ended();
        assert!(!silence.has_fallen(quiet));
        // More is said: the same words do not become all by the next pause.
        silence.words(0, 100, None);
        let more = LastSound { end: 260, quiet: 0 };
        assert_eq!([short, more, quiet].map(|last| silence.has_fallen(last)), [false; 3]);
    }
}
