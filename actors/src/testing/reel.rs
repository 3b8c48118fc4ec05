//! Audio as Twilio plays it: piece after piece in real time, forgotten on `clear`. What every fake of a phone has in
//! common; how long samples sound is worked out here again, so that an error of the engine does not hide in its judge.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

/// Pieces of audio, each with the time at which it begins to sound.
#[derive(Default)]
pub(crate) struct Reel {
    pub(crate) pieces: Vec<(Instant, Bytes)>,
}

/// How long that many samples of mu-law 8 kHz sound.
pub(crate) fn plays(samples: usize) -> Duration {
    Duration::from_micros(samples as u64 * 125)
}

impl Reel {
    /// When all is silent.
    pub(crate) fn ends_at(&self) -> Instant {
        let end = self.pieces.last().map(|(begins, audio)| *begins + plays(audio.len()));
        end.map_or_else(Instant::now, |end| end.max(Instant::now()))
    }

    /// Sounds after what is there.
    pub(crate) fn add(&mut self, audio: Bytes) {
        self.pieces.push((self.ends_at(), audio));
    }

    /// What has not sounded is gone. Pieces that have begun stay, and keep their places.
    pub(crate) fn clear(&mut self) {
        let now = Instant::now();
        for (begins, audio) in &mut self.pieces {
            audio.truncate(samples_until(now, *begins).min(audio.len()));
        }
        self.pieces.retain(|(begins, audio)| *begins <= now || !audio.is_empty());
    }
}

/// How much of a piece has sounded by then.
pub(crate) fn sounded(piece: &(Instant, Bytes), then: Instant) -> &[u8] {
    let (begins, audio) = piece;
    &audio[..samples_until(then, *begins).min(audio.len())]
}

fn samples_until(then: Instant, begins: Instant) -> usize {
    usize::try_from(then.saturating_duration_since(begins).as_micros() / 125).unwrap()
}
