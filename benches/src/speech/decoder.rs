//! The streaming decoder: runs of equal samples become characters, whatever the boundaries of the chunks that bring
//! them. It knows no words; see [`super::WordDecoder`].

use super::{SILENCE_NEGATIVE, is_voiced};

/// Samples that a run needs to count: a shorter one is a click.
pub const MIN_RUN_SAMPLES: u64 = 8;

/// What the decoder hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    /// A whole character, between two sample positions counted from the first sample fed.
    Char {
        /// The character itself, printable ASCII.
        ch: char,
        /// Position of its first sample.
        start: u64,
        /// Position after its last sample.
        end: u64,
    },
    /// Silence or noise has begun at this position; said once for each stretch.
    Gap {
        /// Position of its first sample.
        start: u64,
    },
}

/// A run-length decoder of in-band speech.
#[derive(Clone, Debug)]
pub struct Decoder {
    position: u64,
    run_start: u64,
    run: Option<u8>,
    in_gap: bool,
    last_voiced: Option<u64>,
}

impl Default for Decoder {
    fn default() -> Self {
        Decoder::new()
    }
}

impl Decoder {
    /// A decoder at position 0.
    pub fn new() -> Self {
        Decoder { position: 0, run_start: 0, run: None, in_gap: true, last_voiced: None }
    }

    /// Hears some more audio. A character is reported when the sample after it arrives, or by [`Decoder::finish`].
    pub fn feed(&mut self, audio: &[u8]) -> Vec<Symbol> {
        let mut heard = Vec::new();
        let mut rest = audio;
        while let Some(&sample) = rest.first() {
            let (same, after) = rest.split_at(alike(rest));
            self.samples(sample, same.len() as u64, &mut heard);
            rest = after;
        }
        heard
    }

    /// The audio has ended: reports the character that was still sounding.
    pub fn finish(&mut self) -> Option<Symbol> {
        let symbol = self.end_of_run();
        self.run = None;
        symbol
    }

    /// Samples fed so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Position after the last sample that was not silence.
    pub fn last_voiced(&self) -> Option<u64> {
        self.last_voiced
    }

    /// Samples of silence since the last sound, or since the beginning.
    pub fn silent_for(&self) -> u64 {
        self.position - self.last_voiced.unwrap_or(0)
    }

    /// Hears the same sample so many times.
    fn samples(&mut self, sample: u8, count: u64, heard: &mut Vec<Symbol>) {
        let token = token(sample);
        if self.run != Some(token) && !(self.in_gap && is_gap(token) && self.run.is_some_and(is_gap)) {
            heard.extend(self.end_of_run());
            self.run = Some(token);
            self.run_start = self.position;
        }
        self.position += count;
        if is_voiced(sample) {
            self.last_voiced = Some(self.position);
        }
        if is_gap(token) && !self.in_gap && self.position - self.run_start >= MIN_RUN_SAMPLES {
            self.in_gap = true;
            heard.push(Symbol::Gap { start: self.run_start });
        }
    }

    fn end_of_run(&mut self) -> Option<Symbol> {
        let code = self.run.filter(|&token| !is_gap(token))? & 0x7F;
        if self.position - self.run_start < MIN_RUN_SAMPLES {
            return None;
        }
        self.in_gap = false;
        Some(Symbol::Char { ch: char::from(code), start: self.run_start, end: self.position })
    }
}

/// How many samples at the beginning are equal.
fn alike(audio: &[u8]) -> usize {
    let Some(&sample) = audio.first() else { return 0 };
    let (blocks, _) = audio.as_chunks::<16>();
    let whole = blocks.iter().take_while(|block| **block == [sample; 16]).count() * 16;
    whole + audio[whole..].iter().take_while(|other| **other == sample).count()
}

/// Samples that mean the same have the same token: all silence is one, all noise is one, a character keeps its parity.
fn token(sample: u8) -> u8 {
    match sample & 0x7F {
        0..0x20 => 0,
        SILENCE_NEGATIVE => SILENCE_NEGATIVE,
        _ => sample,
    }
}

fn is_gap(token: u8) -> bool {
    token == 0 || token == SILENCE_NEGATIVE
}
