//! Whether the caller's voice is in the audio, and what to think of a vendor that says nothing to it. Pure; time is
//! counted in samples that were sent.

use crate::limits;

/// From here on a sample is sound: the magnitude bits of mu-law are logarithmic, and sixteen is 48 dB below full scale.
/// Comfort noise and a quiet line lie below.
const SOUND_FROM: u8 = 0x10;
/// Audio is audible when one in so many samples is sound.
const ONE_IN: usize = 4;

/// Whether there is more than a quiet line in mu-law audio.
pub(super) fn is_audible(audio: &[u8]) -> bool {
    // Mu-law is stored inverted; the highest bit is the sign.
    let sounds = audio.iter().filter(|sample| !**sample & 0x7F >= SOUND_FROM).count();
    sounds * ONE_IN >= audio.len().max(1)
}

/// What was sent since the vendor has said anything.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    samples: u64,
    /// Audible ones among them, until they are a voice.
    audible: u64,
    /// Sent since the voice was there.
    since_voice: u64,
}

/// What to think of the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    None,
    /// The voice has been there for a while without an answer; said once.
    Unheard,
    /// The session is dead.
    Stalled,
}

impl Unanswered {
    /// This was sent. With `patience` a voice alone is no proof: the session before was given up because of one.
    pub(super) fn sent(&mut self, audio: &[u8], patience: bool) -> Doubt {
        let len = audio.len() as u64;
        self.samples += len;
        if self.audible < limits::STT_VOICE_SAMPLES {
            self.audible += if is_audible(audio) { len } else { 0 };
            return self.stalled(limits::STT_STALL_SAMPLES, self.samples);
        }
        let before = self.since_voice;
        self.since_voice += len;
        if before < limits::STT_UNHEARD_SAMPLES && self.since_voice >= limits::STT_UNHEARD_SAMPLES {
            return Doubt::Unheard;
        }
        let (limit, sent) = match patience {
            true => (limits::STT_STALL_SAMPLES, self.samples),
            false => (limits::STT_VOICE_STALL_SAMPLES, self.since_voice),
        };
        self.stalled(limit, sent)
    }

    fn stalled(&self, limit: u64, sent: u64) -> Doubt {
        if sent >= limit { Doubt::Stalled } else { Doubt::None }
    }

    /// The vendor has said something.
    pub(super) fn answered(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sine of this amplitude, of 8,159 at full scale, as mu-law (ITU-T G.711).
    fn tone(amplitude: f64) -> Vec<u8> {
        (0..160_i32).map(|n| mu_law((f64::from(n) * 0.3).sin() * amplitude)).collect()
    }

    fn mu_law(sample: f64) -> u8 {
        let biased = sample.abs().min(8_158.0) as u32 + 33;
        let exponent = (31 - biased.leading_zeros()) - 5;
        let mantissa = (biased >> (exponent + 1)) & 0x0F;
        let sign = if sample < 0.0 { 0x80 } else { 0 };
        !(sign | ((exponent as u8) << 4) | mantissa as u8)
    }

    #[test]
    fn speech_is_audible_and_a_quiet_line_is_not() {
        for (what, audio, expected) in [
            ("mu-law zero", vec![0xFF; 160], false),
            ("mu-law minus zero", vec![0x7F; 160], false),
            ("both", [0xFF, 0x7F].repeat(80), false),
            ("nothing", Vec::new(), false),
            ("comfort noise at -55 dB", tone(14.5), false),
            ("a far voice at -35 dB", tone(145.0), true),
            ("a voice at -20 dB", tone(816.0), true),
            ("a click", [vec![0x80; 8], vec![0xFF; 152]].concat(), false),
        ] {
            assert_eq!(is_audible(&audio), expected, "{what}");
        }
    }

    /// The milliseconds of audio at which something is thought of a vendor that says nothing.
    fn check(patience: bool, voice_from_ms: u64, expected: &[(u64, Doubt)]) {
        let mut unanswered = Unanswered::default();
        let mut seen = Vec::new();
        for ms in (0..11_000).step_by(20) {
            let audio = if ms < voice_from_ms { vec![0xFF; 160] } else { tone(816.0) };
            match unanswered.sent(&audio, patience) {
                Doubt::None => {}
                Doubt::Stalled => {
                    seen.push((ms + 20, Doubt::Stalled));
                    break;
                }
                doubt => seen.push((ms + 20, doubt)),
            }
        }
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_voice_without_an_answer_is_doubted_soon_and_silence_late() {
        check(false, u64::MAX, &[(10_000, Doubt::Stalled)]);
        check(false, 0, &[(1_600, Doubt::Unheard), (3_600, Doubt::Stalled)]);
        check(false, 4_000, &[(5_600, Doubt::Unheard), (7_600, Doubt::Stalled)]);
        check(true, 0, &[(1_600, Doubt::Unheard), (10_000, Doubt::Stalled)]);
    }

    #[test]
    fn an_answer_ends_all_doubt() {
        let mut unanswered = Unanswered::default();
        for _ in 0..100 {
            assert_eq!(unanswered.sent(&tone(816.0).repeat(70), false), Doubt::None);
            unanswered.answered();
        }
    }
}
