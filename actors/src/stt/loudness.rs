//! What to think of a vendor that says nothing to the caller's voice. Pure; time is counted in samples that were sent.

use crate::limits;
use crate::media_plane::is_audible;

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
    use crate::media_plane::tone;

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
