//! Words out of characters: a word ends at a space, at silence, or where the speaker is cut off.

use super::{Decoder, Symbol};

/// A word and where it lies in the audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word as it was spoken, with its punctuation.
    pub text: String,
    /// Position of its first sample.
    pub start: u64,
    /// Position after its last sample.
    pub end: u64,
}

/// Hears audio as words.
#[derive(Clone, Debug, Default)]
pub struct WordDecoder {
    decoder: Decoder,
    open: Option<Word>,
}

impl WordDecoder {
    /// Hears some more audio; returns the words that it completes.
    pub fn feed(&mut self, audio: &[u8]) -> Vec<Word> {
        let symbols = self.decoder.feed(audio);
        symbols.into_iter().filter_map(|symbol| self.symbol(symbol)).collect()
    }

    /// The audio ends here: returns the word that was still sounding, whole or not.
    pub fn cut(&mut self) -> Option<Word> {
        if let Some(symbol) = self.decoder.finish()
            && let Some(word) = self.symbol(symbol)
        {
            return Some(word);
        }
        self.open.take()
    }

    /// The beginning of a word that is not complete yet.
    pub fn partial(&self) -> Option<&Word> {
        self.open.as_ref()
    }

    /// The decoder beneath, for positions.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    fn symbol(&mut self, symbol: Symbol) -> Option<Word> {
        match symbol {
            Symbol::Gap { .. } | Symbol::Char { ch: ' ', .. } => self.open.take(),
            Symbol::Char { ch, start, end } => {
                let word = self.open.get_or_insert_with(|| Word { text: String::new(), start, end });
                word.text.push(ch);
                word.end = end;
                None
            }
        }
    }
}
