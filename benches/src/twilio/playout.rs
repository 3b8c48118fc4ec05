//! The play-out buffer of a call: what the engine sent, played in order and in real time. Pure; time is in samples.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

use crate::speech::{Word, WordDecoder};

/// Something in the buffer.
#[derive(Debug)]
enum Item {
    Audio(Bytes),
    Mark(String),
}

/// What one tick played.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Played {
    /// Bytes of audio.
    pub(super) bytes: usize,
    /// Whether any of them was sound.
    pub(super) voiced: bool,
    /// Words that were completed.
    pub(super) words: Vec<Word>,
    /// Marks that were passed, in order.
    pub(super) marks: Vec<String>,
}

/// What a `clear` threw away.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cleared {
    /// Bytes that were never played.
    pub(super) bytes: usize,
    /// Outstanding marks, in order.
    pub(super) marks: Vec<String>,
    /// The word that was cut, as far as it was heard.
    pub(super) cut: Option<Word>,
}

/// The buffer.
#[derive(Debug, Default)]
pub(super) struct Playout {
    items: VecDeque<Item>,
    ear: WordDecoder,
}

impl Playout {
    /// Buffers audio of any length.
    pub(super) fn push(&mut self, audio: Bytes) {
        if !audio.is_empty() {
            self.items.push_back(Item::Audio(audio));
        }
    }

    /// Takes a mark; gives it back at once when nothing is left to play.
    pub(super) fn mark(&mut self, name: String) -> Option<String> {
        if self.items.is_empty() {
            return Some(name);
        }
        self.items.push_back(Item::Mark(name));
        None
    }

    /// Plays up to `budget` samples.
    pub(super) fn play(&mut self, budget: usize) -> Played {
        let mut played = Played::default();
        while let Some(item) = self.items.front_mut() {
            match item {
                Item::Mark(name) => {
                    played.marks.push(std::mem::take(name));
                    self.items.pop_front();
                }
                Item::Audio(_) if played.bytes == budget => break,
                Item::Audio(audio) => {
                    let part = &audio[..audio.len().min(budget - played.bytes)];
                    let before = self.ear.decoder().last_voiced();
                    played.words.extend(self.ear.feed(part));
                    played.voiced |= self.ear.decoder().last_voiced() != before;
                    let length = part.len();
                    played.bytes += length;
                    audio.advance(length);
                    if audio.is_empty() {
                        self.items.pop_front();
                    }
                }
            }
        }
        played
    }

    /// Empties the buffer.
    pub(super) fn clear(&mut self) -> Cleared {
        let mut cleared = Cleared { cut: self.ear.cut(), ..Cleared::default() };
        for item in self.items.drain(..) {
            match item {
                Item::Audio(audio) => cleared.bytes += audio.len(),
                Item::Mark(name) => cleared.marks.push(name),
            }
        }
        cleared
    }

    /// The word that is still sounding when nothing follows it.
    pub(super) fn finish_word(&mut self) -> Option<Word> {
        self.ear.cut()
    }

    /// Samples played so far.
    pub(super) fn position(&self) -> u64 {
        self.ear.decoder().position()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::encode;

    fn marks(playout: &mut Playout, ticks: usize) -> Vec<Vec<String>> {
        (0..ticks).map(|_| playout.play(160).marks).collect()
    }

    #[test]
    fn a_mark_comes_back_when_the_audio_before_it_was_played() {
        let mut playout = Playout::default();
        playout.push(vec![0xFF; 330].into());
        assert_eq!(playout.mark("a".into()), None);
        playout.push(vec![0xFF; 150].into());
        assert_eq!(playout.mark("b".into()), None);
        assert_eq!(marks(&mut playout, 3), [vec![], vec![], vec!["a".to_owned(), "b".to_owned()]]);
        assert_eq!(playout.mark("c".into()), Some("c".into()));
    }

    #[test]
    fn clear_gives_back_every_mark_and_counts_what_was_not_heard() {
        let mut playout = Playout::default();
        playout.push(encode("nine ten", 20).into());
        playout.mark("a".into());
        playout.mark("b".into());
        let heard: Vec<Word> = (0..6).flat_map(|_| playout.play(160).words).collect();
        assert_eq!(heard.len(), 1);
        let cleared = playout.clear();
        assert_eq!((cleared.bytes, cleared.marks), (320, vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(cleared.cut.map(|word| word.text), Some("t".into()));
        assert_eq!(playout.play(160), Played::default());
    }

    #[test]
    fn words_are_heard_when_they_end() {
        let mut playout = Playout::default();
        playout.push([encode("oil change", 20), vec![0xFF; 160]].concat().into());
        let heard: Vec<usize> = (0..12).map(|_| playout.play(160).words.len()).collect();
        assert_eq!(heard.iter().sum::<usize>(), 2);
        assert_eq!(playout.mark("end".into()), Some("end".into()));
    }
}
