//! Speech as audio that can be read back: every character is a run of equal samples, and its neighbours differ from it
//! in the top bit, so that a slice of it at any place is still understood. As mu-law the letters are loud.

use bytes::Bytes;

/// 65 ms of audio a character: about 15 characters a second.
pub(super) const SAMPLES_PER_CHAR: usize = 520;
/// No character has this sample.
pub(super) const SILENCE: u8 = 0xFF;
/// A run of this many samples is understood.
const LEAST_RUN: usize = 40;

/// Speaks.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    odd: bool,
}

impl Encoder {
    /// Plain ASCII as audio.
    pub(super) fn encode(&mut self, text: &str) -> Bytes {
        let mut audio = Vec::with_capacity(text.len() * SAMPLES_PER_CHAR);
        for sample in text.bytes().map(sample) {
            self.odd = !self.odd;
            audio.resize(audio.len() + SAMPLES_PER_CHAR, if self.odd { sample | 0x80 } else { sample });
        }
        audio.into()
    }
}

/// Small values are loud in mu-law; the question mark gives way to silence.
fn sample(c: u8) -> u8 {
    if c == b'?' { 0x40 } else { (c ^ 0x40) & 0x7F }
}

fn character(sample: u8) -> char {
    let sample = sample & 0x7F;
    char::from(if sample == 0x40 { b'?' } else { sample ^ 0x40 })
}

/// What is heard in some audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sound {
    /// A new character begins.
    Char(char),
    /// The character goes on.
    Same,
    Silence,
}

/// Hears.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    last: Option<u8>,
}

impl Decoder {
    /// What each short stretch of this audio is: how many samples, and what sounds.
    pub(super) fn decode<'a>(&'a mut self, audio: &'a [u8]) -> impl Iterator<Item = (usize, Sound)> + 'a {
        audio.chunks(LEAST_RUN).map(|run| (run.len(), self.sound(run[run.len() - 1])))
    }

    fn sound(&mut self, sample: u8) -> Sound {
        let before = self.last.replace(sample);
        if sample == SILENCE {
            Sound::Silence
        } else if before == Some(sample) {
            Sound::Same
        } else {
            Sound::Char(character(sample))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speech_in_slices_is_understood() {
        let audio = Encoder::default().encode("Hello  all? Yes!");
        let mut decoder = Decoder::default();
        let mut heard = String::new();
        for slice in audio.chunks(160) {
            heard.extend(decoder.decode(slice).filter_map(|(_, sound)| match sound {
                Sound::Char(c) => Some(c),
                Sound::Same | Sound::Silence => None,
            }));
        }
        assert_eq!(heard, "Hello  all? Yes!");
    }
}
