//! The caller's voice on its way to the speech-to-text: a ring that keeps what has not been understood yet.
//!
//! A frame stays until the words up to it are final. So a session (or an actor) that takes over after a failure begins
//! where the last final words ended, and hears again what its predecessor had heard but not understood. At most five
//! seconds are kept; beyond that the oldest are dropped, and whoever reads is told how much.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{BufMut as _, Bytes, BytesMut};
use tokio::sync::Notify;

use super::is_audible;
use crate::limits;

/// The ring takes memory, and gives it back, in blocks of this many samples.
const BLOCK_SAMPLES: usize = 1_024;

/// The writing end and the origin of readers. Clones share the ring.
#[derive(Debug, Clone, Default)]
pub struct VoiceRing(Arc<Shared>);

/// A channel's inside, not an actor's state: the lock is held for a few instructions and never across an await.
#[derive(Debug, Default)]
struct Shared {
    frames: Mutex<Frames>,
    grown: Notify,
}

/// Positions count samples from the start of the stream.
#[derive(Debug, Default)]
struct Frames {
    /// One byte a sample, the first block from here on. All but the last are full; the latest samples may still wait for
    /// their parcel.
    blocks: VecDeque<Vec<u8>>,
    blocks_start: u64,
    /// The block that was given up last: while as much is forgotten as is said, no memory is taken.
    spare: Option<Vec<u8>>,
    /// The positions after the frames that are kept, and the one at which the first of them begins.
    ends: VecDeque<u64>,
    start: u64,
    /// What lies before has been understood.
    settled: u64,
    end: u64,
    /// Nothing after this is a sound.
    sound_end: u64,
    quiet: Quiet,
}

/// A quiet line. What nobody would answer for a while is not worth a wake-up and a write every 20 ms.
#[derive(Debug, Default)]
struct Quiet {
    /// Samples since the last sound.
    samples: u64,
    /// The latest of them, which wait for their parcel to be full.
    waiting: u64,
}

impl Quiet {
    /// How many samples go on now that these have come.
    fn parcel(&mut self, audio: &[u8]) -> u64 {
        let len = audio.len() as u64;
        self.samples = if is_audible(audio) { 0 } else { self.samples + len };
        self.waiting += len;
        let is_urgent = self.samples <= limits::VOICE_QUIET_SAMPLES;
        let is_full = self.waiting >= limits::VOICE_PARCEL_SAMPLES;
        if is_urgent || is_full { std::mem::take(&mut self.waiting) } else { 0 }
    }
}

/// Reads the ring, each reader at its own pace.
#[derive(Debug)]
pub struct VoiceReader {
    ring: VoiceRing,
    next: u64,
    /// Where frames are copied to. Who is done with one before reading the next makes this memory last for the session.
    buffer: BytesMut,
}

/// The last sound of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSound {
    /// The position after it.
    pub end: u64,
    /// Samples of quiet that have come since.
    pub quiet: u64,
}

/// What a reader comes upon.
#[derive(Debug, PartialEq, Eq)]
pub enum Voice {
    /// Audio, and the position after it.
    Frame(Bytes, u64),
    /// This many samples were dropped before they were read.
    Lost(u64),
}

impl VoiceRing {
    fn frames(&self) -> MutexGuard<'_, Frames> {
        self.0.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what the caller has just said.
    pub fn push(&self, audio: Bytes) {
        let has_grown = self.frames().add(&audio);
        if has_grown {
            self.0.grown.notify_waiters();
        }
    }

    /// Everything up to this position has been understood.
    pub fn settle(&self, position: u64) {
        let mut frames = self.frames();
        // Never beyond what was said: a vendor's times are its own.
        frames.settled = frames.settled.max(position.min(frames.end));
        let settled = frames.settled;
        frames.forget_before(settled);
    }

    /// Reads from where nothing has been understood yet.
    #[must_use]
    pub fn reader(&self) -> VoiceReader {
        let next = self.frames().settled;
        VoiceReader { ring: self.clone(), next, buffer: BytesMut::new() }
    }
}

impl Frames {
    /// Adds what has come; whether there is more to read now.
    fn add(&mut self, audio: &[u8]) -> bool {
        self.keep(audio);
        let goes_on = self.quiet.parcel(audio);
        if goes_on == 0 {
            return false;
        }
        self.end += goes_on;
        self.ends.push_back(self.end);
        if self.quiet.samples == 0 {
            self.sound_end = self.end;
        }
        self.forget_before(self.end.saturating_sub(limits::VOICE_KEPT_SAMPLES));
        if self.sound_end <= self.settled.max(self.start) {
            // Nothing but silence: there is nothing in it to understand.
            self.settled = self.settled.max(self.end.saturating_sub(limits::VOICE_SILENCE_KEPT_SAMPLES));
            self.forget_before(self.settled);
        }
        true
    }

    fn keep(&mut self, mut audio: &[u8]) {
        while !audio.is_empty() {
            match self.blocks.back_mut() {
                Some(block) if block.len() < BLOCK_SAMPLES => {
                    let (fits, rest) = audio.split_at(audio.len().min(BLOCK_SAMPLES - block.len()));
                    block.extend_from_slice(fits);
                    audio = rest;
                }
                _ => {
                    let block = self.spare.take().unwrap_or_else(|| Vec::with_capacity(BLOCK_SAMPLES));
                    self.blocks.push_back(block);
                }
            }
        }
    }

    /// Drops the frames that lie wholly before a position.
    fn forget_before(&mut self, position: u64) {
        while let Some(end) = self.ends.pop_front_if(|end| *end <= position) {
            self.start = end;
        }
        while self.blocks_start + BLOCK_SAMPLES as u64 <= self.start
            && let Some(mut block) = self.blocks.pop_front()
        {
            self.blocks_start += BLOCK_SAMPLES as u64;
            block.clear();
            self.spare = Some(block);
        }
    }

    /// The ends of the frames that go on after a position.
    fn ends_after(&self, position: u64) -> impl Iterator<Item = u64> {
        self.ends.range(self.ends.partition_point(|end| *end <= position)..).copied()
    }

    /// What comes at a position; none when it is still to come. Audio is copied by way of `buffer`.
    fn at(&self, position: u64, buffer: &mut BytesMut) -> Option<Voice> {
        if position < self.start {
            return Some(Voice::Lost(self.start - position));
        }
        let end = self.ends_after(position).next()?;
        Some(Voice::Frame(self.copy(position, end, buffer), end))
    }

    /// What lies between two positions, both kept.
    fn copy(&self, from: u64, to: u64, buffer: &mut BytesMut) -> Bytes {
        let (from, to) = ((from - self.blocks_start) as usize, (to - self.blocks_start) as usize);
        buffer.reserve(to - from);
        let mut at = from;
        while let Some(block) = self.blocks.get(at / BLOCK_SAMPLES).filter(|_| at < to) {
            let piece = &block[at % BLOCK_SAMPLES..block.len().min(at % BLOCK_SAMPLES + to - at)];
            buffer.put_slice(piece);
            at += piece.len();
        }
        buffer.split().freeze()
    }
}

impl VoiceReader {
    /// The next audio, or how much of it is lost; waits for audio that is still to come.
    pub async fn next(&mut self) -> Voice {
        let ring = self.ring.clone();
        loop {
            let grown = ring.0.grown.notified();
            let found = self.look(&ring.frames());
            match found {
                Some(Voice::Lost(samples)) => {
                    self.next += samples;
                    return Voice::Lost(samples);
                }
                Some(Voice::Frame(audio, end)) => {
                    self.next = end;
                    return Voice::Frame(audio, end);
                }
                None => grown.await,
            }
        }
    }

    /// What has been understood meanwhile need not be read.
    fn look(&mut self, frames: &Frames) -> Option<Voice> {
        self.next = self.next.max(frames.settled);
        frames.at(self.next, &mut self.buffer)
    }

    /// Samples that wait to be read.
    #[must_use]
    pub fn backlog(&self) -> u64 {
        let frames = self.ring.frames();
        frames.end.saturating_sub(self.next.max(frames.settled))
    }

    /// The last sound that has come, read or not.
    #[must_use]
    pub fn last_sound(&self) -> LastSound {
        let frames = self.ring.frames();
        LastSound { end: frames.sound_end, quiet: frames.quiet.samples }
    }

    /// Passes over the frames that wait for as long as they are `idle`, but for the last `keep` samples. Returns how many
    /// samples on the way were dropped before they were read.
    pub fn pass_over(&mut self, keep: u64, idle: impl Fn(&[u8]) -> bool) -> u64 {
        let frames = self.ring.frames();
        let lost = frames.start.saturating_sub(self.next);
        let first = self.next.max(frames.start);
        let mut busy = first;
        for end in frames.ends_after(first) {
            if !idle(&frames.copy(busy, end, &mut self.buffer)) {
                break;
            }
            busy = end;
        }
        drop(frames);
        self.next = first.max(busy.saturating_sub(keep));
        lost
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn frame(n: u8, len: usize) -> Bytes {
        Bytes::from(vec![n; len])
    }

    #[tokio::test]
    async fn a_reader_that_takes_over_hears_again_what_was_not_understood() {
        let ring = VoiceRing::default();
        (1..=4).for_each(|n| ring.push(frame(n, 160)));
        let mut first = ring.reader();
        for n in 1..=4_u8 {
            assert_eq!(first.next().await, Voice::Frame(frame(n, 160), u64::from(n) * 160));
        }
        ring.settle(400);
        let mut second = ring.reader();
        assert_eq!(second.next().await, Voice::Frame(frame(3, 80), 480), "the rest of a frame");
        assert_eq!(second.next().await, Voice::Frame(frame(4, 160), 640));
        assert_eq!(second.backlog(), 0);
    }

    #[tokio::test]
    async fn the_oldest_is_dropped_and_the_reader_is_told() {
        let ring = VoiceRing::default();
        let mut reader = ring.reader();
        let frames = limits::VOICE_KEPT_SAMPLES / 160 + 10;
        (0..frames).for_each(|_| ring.push(frame(7, 160)));
        assert_eq!(reader.next().await, Voice::Lost(1_600));
        assert_eq!(reader.next().await, Voice::Frame(frame(7, 160), 1_760));
    }

    #[tokio::test]
    async fn every_sample_is_where_it_was_said_whatever_the_frames_are_like() {
        let ring = VoiceRing::default();
        let mut reader = ring.reader();
        let said = |from: u64, to: u64| (from..to).map(|position| (position % 251) as u8).collect::<Bytes>();
        let (mut end, mut heard) = (0, 0);
        for (n, len) in [1, 160, 159, 1_024, 3_000, 7, 2_048].into_iter().cycle().take(50).enumerate() {
            ring.push(said(end, end + len));
            end += len;
            if n % 3 == 0 {
                ring.settle(end / 2);
                continue;
            }
            while reader.backlog() > 0 {
                match reader.next().await {
                    Voice::Frame(audio, after) => {
                        assert_eq!(audio, said(after - audio.len() as u64, after));
                        heard = after;
                    }
                    Voice::Lost(_) => panic!("five seconds are kept"),
                }
            }
            assert_eq!(heard, end);
        }
    }

    #[tokio::test]
    async fn idle_frames_are_passed_over_but_for_a_lead() {
        let ring = VoiceRing::default();
        let idle = |audio: &[u8]| audio[0] == 0;
        for n in [0, 0, 0, 7, 0] {
            ring.push(frame(n, 160));
        }
        let mut reader = ring.reader();
        assert_eq!(reader.pass_over(200, idle), 0);
        assert_eq!(reader.next().await, Voice::Frame(frame(0, 40), 320));
        reader.pass_over(0, |_| true);
        assert_eq!(reader.backlog(), 0);
        let mut late = ring.reader();
        (0..limits::VOICE_KEPT_SAMPLES / 160).for_each(|_| ring.push(frame(0, 160)));
        assert_eq!(late.pass_over(160, idle), 800);
        assert_eq!(late.backlog(), 160);
    }

    #[tokio::test]
    async fn silence_goes_on_in_parcels_and_a_sound_at_once() {
        let (silence, sound) = (frame(0xFF, 160), frame(0x20, 160));
        let ring = VoiceRing::default();
        let mut reader = ring.reader();
        let mut lengths = |audio: &Bytes, times: usize| {
            let read = |_| {
                ring.push(audio.clone());
                let mut read = 0;
                while reader.backlog() > 0 {
                    let Some(Voice::Frame(audio, _)) = reader.next().now_or_never() else { panic!("nothing is lost") };
                    read += audio.len();
                }
                read / 160
            };
            (0..times).map(read).collect::<Vec<_>>()
        };
        let urgent = (limits::VOICE_QUIET_SAMPLES / 160) as usize;
        assert_eq!(lengths(&sound, 2), [1, 1]);
        assert_eq!(lengths(&silence, urgent), vec![1; urgent]);
        assert_eq!(lengths(&silence, 8), [0, 0, 0, 0, 5, 0, 0, 0]);
        assert_eq!(lengths(&sound, 2), [4, 1], "what waited comes along");
        assert_eq!(lengths(&silence, 2), [1, 1], "the caller may only pause");
    }

    #[tokio::test]
    async fn silence_after_what_was_understood_is_soon_forgotten() {
        let (silence, sound) = (frame(0xFF, 160), frame(0x20, 160));
        let ring = VoiceRing::default();
        let mut idle = ring.reader();
        ring.push(sound.clone());
        (0..1_000).for_each(|_| ring.push(silence.clone()));
        let kept = |ring: &VoiceRing| {
            let frames = ring.frames();
            frames.end - frames.start
        };
        assert_eq!(kept(&ring), limits::VOICE_SILENCE_KEPT_SAMPLES, "the sound is older than all that is kept");
        assert_eq!(idle.backlog(), limits::VOICE_SILENCE_KEPT_SAMPLES);
        assert!(matches!(idle.next().now_or_never(), Some(Voice::Frame(..))), "silence is no loss");
        ring.push(sound.clone());
        (0..100).for_each(|_| ring.push(silence.clone()));
        assert!(kept(&ring) > 100 * 160, "the sound has not been understood");
        let end = ring.frames().end;
        ring.settle(end);
        (0..100).for_each(|_| ring.push(silence.clone()));
        assert_eq!(kept(&ring), limits::VOICE_SILENCE_KEPT_SAMPLES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_waits_for_what_is_to_come() {
        let ring = VoiceRing::default();
        let mut reader = ring.reader();
        let waiting = tokio::spawn(async move { reader.next().await });
        tokio::task::yield_now().await;
        ring.push(frame(1, 20));
        assert_eq!(waiting.await.unwrap(), Voice::Frame(frame(1, 20), 20));
    }
}
