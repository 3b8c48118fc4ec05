//! The voice of one socket: text in, jobs out, without clock or socket. A job is a piece of audio or the notice that a
//! flush is done.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::speech::{Encoder, silence};

/// Text that is there before the vendor speaks a whole sentence of its own accord.
const EAGER_CHARS: usize = 50;

/// Pause after a reply, in milliseconds: a voice does not stop on its last letter.
const TAIL_MS: u32 = 20;

/// What the socket sends next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Job {
    Audio(Bytes),
    Flushed(u64),
}

/// Buffered text, and audio that was made and not sent yet.
#[derive(Debug)]
pub(super) struct Voice {
    encoder: Encoder,
    chunk_bytes: usize,
    eager: bool,
    text: String,
    jobs: VecDeque<Job>,
    flushes: u64,
    clears: u64,
}

impl Voice {
    pub(super) fn new(ms_per_char: u32, chunk_bytes: usize, eager: bool) -> Self {
        Voice {
            encoder: Encoder::new(ms_per_char),
            chunk_bytes: chunk_bytes.max(1),
            eager,
            text: String::new(),
            jobs: VecDeque::new(),
            flushes: 0,
            clears: 0,
        }
    }

    /// Buffers text, and speaks whole sentences when enough is there.
    pub(super) fn speak(&mut self, text: &str) {
        self.text.push_str(text);
        if self.eager
            && self.text.len() >= EAGER_CHARS
            && let Some(end) = self.text.rfind(['.', '!', '?'])
        {
            let rest = self.text.split_off(end + 1);
            let sentences = std::mem::replace(&mut self.text, rest);
            let audio = self.encoder.encode(&sentences);
            self.queue(audio);
        }
    }

    /// Speaks what is buffered and then says that it is done.
    pub(super) fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let mut audio = self.encoder.encode(&text);
        if !audio.is_empty() {
            audio.extend(silence(TAIL_MS));
        }
        self.queue(audio);
        self.jobs.push_back(Job::Flushed(self.flushes));
        self.flushes += 1;
    }

    /// Forgets text and audio; returns the number of this clear.
    pub(super) fn clear(&mut self) -> u64 {
        self.text.clear();
        self.jobs.clear();
        self.clears += 1;
        self.clears - 1
    }

    pub(super) fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }

    pub(super) fn next(&mut self) -> Option<Job> {
        self.jobs.pop_front()
    }

    fn queue(&mut self, audio: Vec<u8>) {
        let mut audio = Bytes::from(audio);
        while !audio.is_empty() {
            let chunk = audio.split_to(self.chunk_bytes.min(audio.len()));
            self.jobs.push_back(Job::Audio(chunk));
        }
    }
}
