//! Speech that a program can hear: mu-law audio which carries its own text, so that the simulated ear hears what was
//! really sent, with its cuts and its losses.
//!
//! Each character is a cell in which every sample is `code | parity << 7`, where `code` is 7-bit ASCII. The parity
//! alternates between successive cells, so that a double letter is seen as two. Silence is mu-law zero.

mod decoder;
mod words;

pub use decoder::{Decoder, MIN_RUN_SAMPLES, Symbol};
pub use words::{Word, WordDecoder};

use rand::Rng;

/// Samples in a millisecond at telephone rate; a mu-law sample is one byte.
pub const SAMPLES_PER_MS: u64 = 8;

/// Length of a character when nothing else is asked for, in milliseconds: about the pace of speech.
pub const DEFAULT_MS_PER_CHAR: u32 = 60;

/// Mu-law zero, as telephone exchanges send it.
pub const SILENCE: u8 = 0xFF;

/// Mu-law minus zero, silence too.
pub const SILENCE_NEGATIVE: u8 = 0x7F;

/// Speaks `text`: see the module for the scheme. Characters that cannot be spoken are replaced or left out, as
/// [`normalise`] says.
pub fn encode(text: &str, ms_per_char: u32) -> Vec<u8> {
    Encoder::new(ms_per_char).encode(text)
}

/// Speaks one text after the other and keeps the parity going between them, as one voice in one stream does.
#[derive(Clone, Debug)]
pub struct Encoder {
    cell: usize,
    parity: u8,
}

impl Encoder {
    /// A voice that takes `ms_per_char` for a character.
    pub fn new(ms_per_char: u32) -> Self {
        Encoder { cell: samples(ms_per_char), parity: 0 }
    }

    /// Speaks `text` after what was spoken before.
    pub fn encode(&mut self, text: &str) -> Vec<u8> {
        let text = normalise(text);
        let mut audio = Vec::with_capacity(text.len() * self.cell);
        for code in text.bytes() {
            audio.resize(audio.len() + self.cell, code | self.parity << 7);
            self.parity ^= 1;
        }
        audio
    }
}

/// So many milliseconds of silence.
pub fn silence(ms: u32) -> Vec<u8> {
    vec![SILENCE; samples(ms)]
}

/// So many milliseconds of sound without words: a passing lorry, a cough.
pub fn noise(ms: u32, rng: &mut impl Rng) -> Vec<u8> {
    (0..samples(ms)).map(|index| rng.random_range(1..0x20) | ((index & 1) << 7) as u8).collect()
}

/// Whether a sample is sound rather than silence.
pub fn is_voiced(sample: u8) -> bool {
    sample & 0x7F != SILENCE_NEGATIVE
}

/// How many samples are sound.
pub fn voiced(audio: &[u8]) -> usize {
    // Counted in bytes as long as a byte holds the count, which the compiler makes quick.
    let count = |part: &[u8]| part.iter().map(|&sample| u8::from(is_voiced(sample))).sum::<u8>();
    audio.chunks(u8::MAX.into()).map(|part| usize::from(count(part))).sum()
}

/// The text as it can be spoken: printable ASCII. Typographic marks become their plain forms, common accented letters
/// lose the accent, white space becomes a space, and what is left over is dropped.
pub fn normalise(text: &str) -> String {
    let mut spoken = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' '..='~' => spoken.push(character),
            _ => spoken.push_str(plain(character)),
        }
    }
    spoken
}

fn plain(character: char) -> &'static str {
    match character {
        '\u{2018}' | '\u{2019}' => "'",
        '\u{201C}' | '\u{201D}' => "\"",
        '\u{2013}' | '\u{2014}' => "-",
        '\u{2026}' => "...",
        'á' | 'à' | 'â' | 'ä' => "a",
        'é' | 'è' | 'ê' | 'ë' => "e",
        'í' | 'ì' | 'î' | 'ï' => "i",
        'ó' | 'ò' | 'ô' | 'ö' => "o",
        'ú' | 'ù' | 'û' | 'ü' => "u",
        'ñ' => "n",
        'ç' => "c",
        'ß' => "ss",
        other if other.is_whitespace() => " ",
        _ => "",
    }
}

fn samples(ms: u32) -> usize {
    ms as usize * SAMPLES_PER_MS as usize
}

#[cfg(test)]
mod tests;
