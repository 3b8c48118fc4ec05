//! Whether there is a voice in audio. Apart, because the way inwards and the ears both ask. Pure.

/// From here on a sample is sound: the magnitude bits of mu-law are logarithmic, and sixteen is 48 dB below full scale.
/// Comfort noise and a quiet line lie below.
const SOUND_FROM: u8 = 0x10;
/// Audio is audible when one in so many samples is sound.
const ONE_IN: usize = 4;

/// Whether there is more than a quiet line in mu-law audio.
pub(crate) fn is_audible(audio: &[u8]) -> bool {
    // Mu-law is stored inverted; the highest bit is the sign. Counted in bytes, in runs that do not overflow one, since the
    // compiler then looks at sixteen samples at once.
    let sounds = |run: &[u8]| run.iter().map(|sample| u8::from(!sample & 0x7F >= SOUND_FROM)).sum::<u8>();
    let sounds: usize = audio.chunks(u8::MAX.into()).map(|run| usize::from(sounds(run))).sum();
    sounds * ONE_IN >= audio.len().max(1)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A sine of this amplitude, of 8,159 at full scale, as mu-law (ITU-T G.711).
    pub(crate) fn tone(amplitude: f64) -> Vec<u8> {
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
}
