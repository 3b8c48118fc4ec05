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
mod tests;
