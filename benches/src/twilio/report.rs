//! What a call was: every event in order, and what was said, heard and measured.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::playout::{Cleared, Played};
use crate::record::Violation;
use crate::speech::{SAMPLES_PER_MS, Word};

/// Quiet that ends one of Otto's utterances.
const UTTERANCE_GAP: Duration = Duration::from_millis(300);

/// Who ended something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The caller.
    Caller,
    /// The engine, by TwiML, REST or closing the stream.
    Otto,
    /// The platform, because of an error or because the world shut down.
    Twilio,
}

/// Something that happened in a call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallerEvent {
    /// Time since the call began.
    pub at: Duration,
    /// What it was.
    pub what: What,
}

/// Kinds of events.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A webhook was answered.
    Webhook {
        /// Its public URL.
        url: String,
        /// The HTTP status of the answer.
        status: u16,
    },
    /// A TwiML document was received.
    Twiml(String),
    /// A media stream was opened.
    StreamStarted(String),
    /// The media stream ended.
    StreamEnded(Side),
    /// The caller began to speak.
    SayBegan(String),
    /// The caller has spoken.
    Said(String),
    /// Otto's voice is heard.
    OttoBegan,
    /// A word of Otto's was heard to its end.
    Word(String),
    /// Otto fell silent or was cut off.
    OttoEnded {
        /// What was heard.
        text: String,
        /// Whether a `clear` cut it.
        cut: bool,
    },
    /// The engine cleared the buffer.
    Clear {
        /// Audio thrown away, in milliseconds.
        discarded_ms: u64,
        /// Marks returned by it.
        marks: usize,
    },
    /// A mark was returned.
    Mark(String),
    /// The caller pressed a key.
    Pressed(char),
    /// The engine had numbers dialled.
    Dialled(String),
    /// A `<Say>` was spoken.
    TwilioSaid(String),
    /// A step of the script waited in vain.
    TimedOut(String),
    /// The engine broke the protocol.
    Violation(String),
    /// The call ended.
    HungUp(Side),
}

/// A word of Otto's.
#[derive(Clone, Debug, PartialEq)]
pub struct HeardWord {
    /// The word.
    pub text: String,
    /// When it had been played to its end, since the call began.
    pub at: Duration,
    /// How long it sounded, in samples.
    pub samples: u64,
}

/// What Otto said between two silences.
#[derive(Clone, Debug, PartialEq)]
pub struct OttoUtterance {
    /// The words, in order.
    pub words: Vec<HeardWord>,
    /// When it began, since the call began.
    pub began: Duration,
    /// When its last sound was played, since the call began.
    pub ended: Duration,
    /// Whether a `clear` cut it.
    pub cut: bool,
}

impl OttoUtterance {
    /// The words as one text.
    pub fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// What the caller said.
#[derive(Clone, Debug, PartialEq)]
pub struct SaidUtterance {
    /// The text.
    pub text: String,
    /// When the first frame was sent, since the call began.
    pub began: Duration,
    /// When the last voiced frame was about to be sent, since the call began.
    pub ended: Duration,
}

/// How long Otto took to answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Response {
    /// Index of the caller's utterance in [`CallReport::said`].
    pub said: usize,
    /// From the last voiced frame sent to the first voiced audio received.
    pub received: Option<Duration>,
    /// From the last voiced frame sent to the first voiced audio played.
    pub played: Option<Duration>,
}

/// The report of a call.
#[derive(Clone, Debug)]
pub struct CallReport {
    /// The call's sid.
    pub call_sid: String,
    /// When it began: every other time counts from here.
    pub started: Instant,
    /// How long it was.
    pub duration: Duration,
    /// Everything, in order.
    pub events: Vec<CallerEvent>,
    /// TwiML documents, in order.
    pub twiml: Vec<String>,
    /// What Otto said.
    pub heard: Vec<OttoUtterance>,
    /// What the caller said.
    pub said: Vec<SaidUtterance>,
    /// How long Otto took, for each of the caller's utterances.
    pub responses: Vec<Response>,
    /// What the engine did against the protocol.
    pub violations: Vec<Violation>,
    /// Who ended the call.
    pub hung_up_by: Side,
    /// Numbers that were dialled.
    pub dialled: Vec<String>,
    /// Steps that waited in vain; empty when the script went as written.
    pub timeouts: Vec<String>,
    /// Media streams that were opened.
    pub streams: u32,
    /// From the stream's `start` to the first sound of Otto's that arrived, on the first stream.
    pub first_audio: Option<Duration>,
    /// Holes in Otto's speech: how long the buffer was dry before more of the same utterance arrived.
    pub holes: Vec<Duration>,
    /// `clear` messages received.
    pub clears: u32,
    /// Marks returned, in order.
    pub marks: Vec<String>,
    /// Bytes of audio sent to the engine.
    pub bytes_sent: u64,
    /// Bytes of audio received from the engine.
    pub bytes_received: u64,
    /// Messages of audio received from the engine.
    pub messages_received: u64,
    /// Bytes of audio that a `clear` threw away.
    pub bytes_discarded: u64,
}

impl CallReport {
    /// The report of a call that begins now.
    pub(crate) fn empty(call_sid: impl Into<String>) -> Self {
        CallReport {
            call_sid: call_sid.into(),
            started: Instant::now(),
            duration: Duration::ZERO,
            events: Vec::new(),
            twiml: Vec::new(),
            heard: Vec::new(),
            said: Vec::new(),
            responses: Vec::new(),
            violations: Vec::new(),
            hung_up_by: Side::Twilio,
            dialled: Vec::new(),
            timeouts: Vec::new(),
            streams: 0,
            first_audio: None,
            holes: Vec::new(),
            clears: 0,
            marks: Vec::new(),
            bytes_sent: 0,
            bytes_received: 0,
            messages_received: 0,
            bytes_discarded: 0,
        }
    }

    /// Everything Otto said, as one text.
    pub fn heard_text(&self) -> String {
        self.heard.iter().map(OttoUtterance::text).collect::<Vec<_>>().join(" ")
    }

    /// Whether the script went as written and the engine kept to the protocol.
    pub fn is_clean(&self) -> bool {
        self.timeouts.is_empty() && self.violations.is_empty()
    }
}

/// Writes a report while the call goes on.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) report: CallReport,
    live: Option<UnboundedSender<CallerEvent>>,
    open: Option<OttoUtterance>,
    last_voiced: Option<Instant>,
    say_began: Option<Instant>,
    stream_began: Option<Instant>,
}

impl Recorder {
    pub(super) fn new(call_sid: String, live: Option<UnboundedSender<CallerEvent>>) -> Self {
        let report = CallReport::empty(call_sid);
        Recorder { report, live, open: None, last_voiced: None, say_began: None, stream_began: None }
    }

    pub(super) fn event(&mut self, what: What) {
        let event = CallerEvent { at: self.report.started.elapsed(), what };
        if let Some(live) = &self.live {
            let _ = live.send(event.clone());
        }
        self.report.events.push(event);
    }

    pub(super) fn violation(&mut self, violation: Violation) {
        self.event(What::Violation(violation.to_string()));
        self.report.violations.push(violation);
    }

    pub(super) fn say_began(&mut self, text: String) {
        self.say_began = Some(Instant::now());
        self.event(What::SayBegan(text));
    }

    /// The caller has spoken; the last frame was about to be sent at `at`.
    pub(super) fn said(&mut self, text: String, at: Instant) {
        let ended = at.saturating_duration_since(self.report.started);
        let began = self.say_began.take().map_or(ended, |at| at - self.report.started);
        self.report.responses.push(Response { said: self.report.said.len(), ..Response::default() });
        self.report.said.push(SaidUtterance { text: text.clone(), began, ended });
        self.event(What::Said(text));
    }

    /// The stream's `start` was sent.
    pub(super) fn stream_began(&mut self) {
        self.stream_began.get_or_insert_with(Instant::now);
    }

    /// Audio came into a buffer that had been dry for so long.
    pub(super) fn refilled(&mut self, dry: Duration) {
        if self.open.is_some() {
            self.report.holes.push(dry);
        }
    }

    /// Audio came from the engine.
    pub(super) fn received(&mut self, bytes: usize, voiced: bool) {
        self.report.bytes_received += bytes as u64;
        self.report.messages_received += 1;
        if voiced && self.report.first_audio.is_none() {
            self.report.first_audio = self.stream_began.map(|began| began.elapsed());
        }
        let waited = self.since_said();
        let speaking = self.say_began.is_some();
        if let Some(response) = self.report.responses.last_mut()
            && voiced
            && !speaking
        {
            response.received = response.received.or(waited);
        }
    }

    /// Audio was played to the caller. `position` is that of the buffer after it.
    pub(super) fn played(&mut self, played: &Played, position: u64) {
        let now = Instant::now();
        if played.voiced {
            self.sounded(now);
        }
        for word in &played.words {
            self.word(word, now, position);
        }
        for mark in &played.marks {
            self.mark(mark.clone());
        }
        if !played.voiced && self.last_voiced.is_some_and(|at| now - at >= UTTERANCE_GAP) {
            self.close_utterance(false);
        }
    }

    /// The last word before a silence, which nothing completes.
    pub(super) fn word(&mut self, word: &Word, now: Instant, position: u64) {
        let ago = Duration::from_micros((position - word.end) * 1_000 / SAMPLES_PER_MS);
        let at = now.checked_sub(ago).unwrap_or(now).saturating_duration_since(self.report.started);
        self.event(What::Word(word.text.clone()));
        self.open_utterance(at).words.push(HeardWord { text: word.text.clone(), at, samples: word.end - word.start });
    }

    pub(super) fn mark(&mut self, name: String) {
        self.report.marks.push(name.clone());
        self.event(What::Mark(name));
    }

    pub(super) fn cleared(&mut self, cleared: &Cleared, position: u64) {
        self.report.clears += 1;
        self.report.bytes_discarded += cleared.bytes as u64;
        let (discarded_ms, marks) = (cleared.bytes as u64 / SAMPLES_PER_MS, cleared.marks.len());
        self.event(What::Clear { discarded_ms, marks });
        if let Some(word) = &cleared.cut {
            self.word(word, Instant::now(), position);
        }
        for mark in &cleared.marks {
            self.mark(mark.clone());
        }
        self.close_utterance(cleared.bytes > 0);
    }

    pub(super) fn timed_out(&mut self, step: String) {
        self.report.timeouts.push(step.clone());
        self.event(What::TimedOut(step));
    }

    /// When the utterance that is being heard began.
    pub(super) fn otto_since(&self) -> Option<Instant> {
        self.open.as_ref().map(|open| self.report.started + open.began)
    }

    pub(super) fn finish(mut self, by: Side) -> CallReport {
        self.close_utterance(false);
        self.event(What::HungUp(by));
        self.report.hung_up_by = by;
        self.report.duration = self.report.started.elapsed();
        self.report
    }

    pub(super) fn close_utterance(&mut self, cut: bool) {
        if let Some(mut open) = self.open.take() {
            open.cut = cut;
            self.event(What::OttoEnded { text: open.text(), cut });
            self.report.heard.push(open);
        }
    }

    fn sounded(&mut self, now: Instant) {
        let at = now - self.report.started;
        self.last_voiced = Some(now);
        let waited = self.since_said();
        let speaking = self.say_began.is_some();
        if let Some(response) = self.report.responses.last_mut()
            && response.received.is_some()
            && !speaking
        {
            response.played = response.played.or(waited);
        }
        self.open_utterance(at).ended = at;
    }

    fn open_utterance(&mut self, at: Duration) -> &mut OttoUtterance {
        if self.open.is_none() {
            self.event(What::OttoBegan);
        }
        self.open.get_or_insert(OttoUtterance { words: Vec::new(), began: at, ended: at, cut: false })
    }

    fn since_said(&self) -> Option<Duration> {
        let said = self.report.said.last()?;
        self.report.started.elapsed().checked_sub(said.ended)
    }
}
