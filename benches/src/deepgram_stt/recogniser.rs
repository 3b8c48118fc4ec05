//! The recogniser: audio in, the vendor's events out. It is pure and counts time in samples, so that a test feeds it a
//! minute of audio in a millisecond.

use serde::Serialize;
use serde_json::{Value, json};

use super::ear::{Ear, Event};
use super::query::ListenQuery;
use crate::speech::{SAMPLES_PER_MS, Word, WordDecoder};

/// Samples that are looked at together: 10 ms, the grain of every decision.
pub(super) const STEP_SAMPLES: usize = 80;

/// Sound without words between two interim results: about once a second, as the vendor says of them.
const WORDLESS_INTERIM_SAMPLES: u64 = 1_000 * SAMPLES_PER_MS;

/// Confidence of every word: the ear is never in doubt.
pub(super) const CONFIDENCE: f64 = 0.98;

/// Hears one socket's audio.
#[derive(Debug)]
pub struct Recogniser {
    query: ListenQuery,
    request_id: String,
    interim_samples: u64,
    longest_segment_samples: u64,
    words: WordDecoder,
    /// Words since the last final result.
    pending: Vec<Spoken>,
    segment_start: u64,
    last_result: u64,
    speaking: bool,
    /// End of the last word for which no `UtteranceEnd` was sent.
    utterance_open: Option<u64>,
    finals: Vec<String>,
}

/// Why a result is sent.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Interim,
    Segment,
    SpeechFinal,
    Finalize,
}

/// A word as a result tells it. Here and below fields stand in the order of their names.
#[derive(Debug, Serialize)]
struct Spoken {
    confidence: f64,
    end: f64,
    punctuated_word: String,
    start: f64,
    word: String,
    /// Position of its first sample.
    #[serde(skip)]
    began: u64,
}

impl Spoken {
    fn new(word: Word) -> Self {
        Spoken {
            confidence: CONFIDENCE,
            end: seconds(word.end),
            start: seconds(word.start),
            word: bare(&word.text),
            punctuated_word: word.text,
            began: word.start,
        }
    }
}

/// A result as it is written.
#[derive(Serialize)]
struct Results<'a> {
    channel: Channel<'a>,
    channel_index: [u32; 2],
    duration: f64,
    from_finalize: bool,
    is_final: bool,
    metadata: Metadata<'a>,
    speech_final: bool,
    start: f64,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Channel<'a> {
    alternatives: [Alternative<'a>; 1],
}

#[derive(Serialize)]
struct Alternative<'a> {
    confidence: f64,
    transcript: &'a str,
    words: &'a [Spoken],
}

#[derive(Serialize)]
struct Metadata<'a> {
    model_info: ModelInfo<'a>,
    model_uuid: &'a str,
    request_id: &'a str,
}

#[derive(Serialize)]
struct ModelInfo<'a> {
    arch: &'static str,
    name: &'a str,
    version: &'static str,
}

impl Recogniser {
    /// A recogniser at the beginning of a socket.
    pub fn new(query: ListenQuery, request_id: String, interim_ms: u64, longest_segment_ms: u64) -> Self {
        Recogniser {
            query,
            request_id,
            interim_samples: interim_ms * SAMPLES_PER_MS,
            longest_segment_samples: longest_segment_ms * SAMPLES_PER_MS,
            words: WordDecoder::default(),
            pending: Vec::new(),
            segment_start: 0,
            last_result: 0,
            speaking: false,
            utterance_open: None,
            finals: Vec::new(),
        }
    }

    /// Hears some audio; returns the events that it causes, in order.
    pub fn feed(&mut self, audio: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for step in audio.chunks(STEP_SAMPLES) {
            let words = self.words.feed(step);
            self.utterance_open = words.last().map(|word| word.end).or(self.utterance_open);
            self.pending.extend(words.into_iter().map(Spoken::new));
            events.extend(self.speech_started());
            events.extend(self.interim());
            events.extend(self.segment());
            events.extend(self.speech_final());
            events.extend(self.utterance_end());
        }
        events
    }

    /// The client asked for what is there; nothing comes when nothing was said.
    pub fn finalize(&mut self) -> Option<Event> {
        self.take_partial();
        if self.pending.is_empty() {
            return None;
        }
        self.speaking = false;
        Some(self.result(Kind::Finalize))
    }

    /// The stream has ended: the final that remains.
    pub fn finish(&mut self) -> Option<Event> {
        self.take_partial();
        (!self.pending.is_empty()).then(|| self.result(Kind::Segment))
    }

    /// The message that follows CloseStream.
    pub fn metadata(&self) -> Event {
        Event::wordless(&json!({"type": "Metadata", "transaction_key": "deprecated", "request_id": self.request_id,
            "sha256": "0", "created": "2026-11-22T12:00:00.000Z", "duration": seconds(self.position()), "channels": 1}))
    }

    /// Final transcripts so far, without empty ones.
    pub fn finals(&self) -> &[String] {
        &self.finals
    }

    fn position(&self) -> u64 {
        self.words.decoder().position()
    }

    fn silent_for_ms(&self) -> u64 {
        self.words.decoder().silent_for() / SAMPLES_PER_MS
    }

    fn take_partial(&mut self) {
        self.pending.extend(self.words.cut().map(Spoken::new));
    }

    fn speech_started(&mut self) -> Option<Event> {
        let last_voiced = self.words.decoder().last_voiced()?;
        if self.speaking || self.position() != last_voiced {
            return None;
        }
        self.speaking = true;
        self.last_result = self.position();
        let timestamp = seconds(self.position().saturating_sub(STEP_SAMPLES as u64));
        let started = || json!({"type": "SpeechStarted", "channel": [0, 1], "timestamp": timestamp});
        self.query.vad_events.then(|| Event::wordless(&started()))
    }

    fn interim(&mut self) -> Option<Event> {
        let every = if self.pending.is_empty() { WORDLESS_INTERIM_SAMPLES } else { self.interim_samples };
        let due = self.position() - self.last_result >= every;
        (due && self.query.interim_results && self.speaking).then(|| self.result(Kind::Interim))
    }

    fn segment(&mut self) -> Option<Event> {
        let long = self.position() - self.segment_start >= self.longest_segment_samples;
        if self.pending.is_empty() {
            // Silence and noise have results too, without words.
            return long.then(|| self.result(Kind::Segment));
        }
        let first = self.pending[0].began.max(self.segment_start);
        (self.position() - first >= self.longest_segment_samples).then(|| self.result(Kind::Segment))
    }

    fn speech_final(&mut self) -> Option<Event> {
        // Without endpointing the voice detector still needs an end, or SpeechStarted would come once a call.
        let endpointing_ms = self.query.endpointing_ms.unwrap_or(500);
        if !self.speaking || self.silent_for_ms() < endpointing_ms {
            return None;
        }
        self.speaking = false;
        self.query.endpointing_ms.map(|_| self.result(Kind::SpeechFinal))
    }

    fn utterance_end(&mut self) -> Option<Event> {
        let last_word_end = self.utterance_open?;
        let gap_ms = (self.position() - last_word_end) / SAMPLES_PER_MS;
        if gap_ms < self.query.utterance_end_ms? || self.words.partial().is_some() {
            return None;
        }
        self.utterance_open = None;
        let end = json!({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": seconds(last_word_end)});
        Some(Event::wordless(&end))
    }

    fn result(&mut self, kind: Kind) -> Event {
        let end = self.position();
        let transcript = self.transcript();
        let confidence = if self.pending.is_empty() { 0.0 } else { CONFIDENCE };
        let results = Results {
            channel: Channel {
                alternatives: [Alternative { confidence, transcript: &transcript, words: &self.pending }],
            },
            channel_index: [0, 1],
            duration: seconds(end - self.segment_start),
            from_finalize: kind == Kind::Finalize,
            is_final: kind != Kind::Interim,
            metadata: Metadata {
                model_info: ModelInfo { arch: "simulated", name: &self.query.model, version: "2026-01-01.0" },
                model_uuid: &self.request_id,
                request_id: &self.request_id,
            },
            speech_final: kind == Kind::SpeechFinal,
            start: seconds(self.segment_start),
            kind: "Results",
        };
        let json = serde_json::to_string(&results).expect("a result is JSON");
        let transcript = Some(transcript).filter(|text| !text.is_empty());
        self.last_result = end;
        if kind != Kind::Interim {
            self.segment_start = end;
            self.pending.clear();
            self.finals.extend(transcript.clone());
        }
        Event { json, transcript, ends_turn: kind == Kind::SpeechFinal }
    }

    fn transcript(&self) -> String {
        let words = self.pending.iter();
        let texts = words.map(|spoken| if self.query.punctuate { &*spoken.punctuated_word } else { &*spoken.word });
        texts.collect::<Vec<_>>().join(" ")
    }
}

impl Ear for Recogniser {
    fn greet(&mut self) -> Option<Event> {
        None
    }

    fn feed(&mut self, audio: &[u8]) -> Vec<Event> {
        Recogniser::feed(self, audio)
    }

    fn command(&mut self, message: &Value) -> Option<Vec<Event>> {
        match message["type"].as_str()? {
            "KeepAlive" | "Configure" => Some(Vec::new()),
            "Finalize" => Some(self.finalize().into_iter().collect()),
            _ => None,
        }
    }

    fn finish(&mut self) -> Vec<Event> {
        let rest = Recogniser::finish(self);
        rest.into_iter().chain([self.metadata()]).collect()
    }

    fn finals(&self) -> &[String] {
        Recogniser::finals(self)
    }
}

/// The word without capitals and without punctuation at its ends.
fn bare(word: &str) -> String {
    word.trim_matches(|c: char| c.is_ascii_punctuation() && c != '\'').to_ascii_lowercase()
}

pub(super) fn seconds(samples: u64) -> f64 {
    samples as f64 / (SAMPLES_PER_MS * 1_000) as f64
}
