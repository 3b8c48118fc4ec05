//! What a run came to: the figures, added up call by call, and the verdict. How they are told is in the files beside it.

mod charts;
mod html;
mod json;
mod text;

use std::collections::BTreeMap;
use std::time::Duration;

use super::ledger::Surroundings;
use super::measure::{Added, Measured};
use super::samples::Watched;
use super::soak::Soak;
use super::{Hop, Lookups, Plan};

pub(super) use html::capacity_page;

/// Share of its processors beyond which a side may be what limits.
const BUSY_SHARE: f64 = 0.8;
/// Way of a byte within the load side beyond which its own waiting is in every figure, 99th percentile in milliseconds.
const SLOW_FLOOR_MS: f64 = 5.0;
/// Bytes of a frame of a voice: 20 ms.
const FRAME_BYTES: u64 = 160;
/// Milliseconds of a frame.
const FRAME_MS: u64 = 20;

/// What Otto itself adds to a turn, part by part and in sum.
#[derive(Debug, Default)]
pub struct AddedHops {
    /// The caller's last sound, until it is at the recogniser.
    pub ear: Hop,
    /// The end of the utterance, until the model is asked; 0 when it was asked ahead.
    pub ask: Hop,
    /// Rounds of tools, between the model's answers.
    pub tools: Hop,
    /// The model's first clause, until it is at the voice.
    pub voice: Hop,
    /// The voice's first audio, until it is at the caller's side.
    pub mouth: Hop,
    /// All parts of a turn together.
    pub sum: Hop,
    /// Turns in which the model had been asked before the utterance had ended.
    pub ahead: u64,
}

impl AddedHops {
    fn record(&mut self, turn: &Added) {
        self.ear.record(turn.ear);
        self.ask.record(turn.ask);
        turn.tools.into_iter().for_each(|tools| self.tools.record(tools));
        self.voice.record(turn.voice);
        self.mouth.record(turn.mouth);
        self.sum.record(turn.sum());
        self.ahead += u64::from(turn.ahead);
    }
}

/// Frames of 20 ms, of both voices.
#[derive(Debug, Default)]
pub struct Frames {
    /// Frames that the callers sent.
    pub sent: u64,
    /// Frames of these that never reached the recogniser, by balance. Those between a call's start and the recogniser's,
    /// and those after the last word, are among them.
    pub not_heard: u64,
    /// Frames of Otto's that came to the callers.
    pub received: u64,
    /// Messages that they came in.
    pub messages: u64,
    /// Frames that are missing within words of Otto's.
    pub not_received: u64,
    /// Answers whose first words were not those that the voice was given.
    pub garbled: u64,
    /// Frames that were missing in the caller's buffer while Otto spoke and came later.
    pub late: u64,
    /// Jitter of the callers' voices at the recogniser, one value a session (RFC 3550).
    pub jitter_in: Hop,
}

impl Frames {
    /// Frames that were lost on either way; a garbled answer counts as one.
    pub fn lost(&self) -> u64 {
        self.not_heard + self.not_received + self.garbled
    }

    /// Share of Otto's frames that came late, in percent.
    pub fn late_percent(&self) -> f64 {
        if self.received == 0 { 0.0 } else { 100.0 * self.late as f64 / self.received as f64 }
    }
}

/// The report of a run.
#[derive(Debug)]
pub struct Report {
    /// From the write of the interim that must interrupt to the arrival of `clear`.
    pub barge_in: Hop,
    /// By how many words the history is off, for each interruption.
    pub cut_words: Hop,
    /// From the ring to the open media stream: the webhook, its document and the handshake.
    pub ring: Hop,
    /// From `start` to Otto's first sound.
    pub first_audio: Hop,
    /// What Otto adds to a turn.
    pub added: AddedHops,
    /// From the end of the caller's words to Otto's first sound, as the caller hears it.
    pub pause: Hop,
    /// Holes in Otto's speech.
    pub holes: Hop,
    /// A byte to another task of the load side and back, over loopback: what no measurement can be below.
    pub floor: Hop,
    /// How long the engine's calls waited to learn who rings, while all callers were on the line.
    pub lookups: Lookups,
    /// Frames of both voices.
    pub frames: Frames,
    /// Calls placed.
    pub calls: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Why, and how often.
    pub failures: BTreeMap<String, u64>,
    /// Bookings wanted and made; without a free time a caller goes without.
    pub bookings: (u64, u64),
    /// What the engine says is left of ended calls; `None` when it does not say that all have ended.
    pub residue: Option<u64>,
    bytes_sent: u64,
    pub(super) bytes_received: u64,
    samples_lost: u64,
    pub(super) call_time: Duration,
    pub(super) watched: Watched,
    soak: Option<Soak>,
    plan: Plan,
}

impl Report {
    /// A report without a call.
    pub(super) fn new(plan: &Plan) -> Self {
        let [barge_in, cut_words, ring, first_audio, pause, holes, floor] = std::array::from_fn(|_| Hop::default());
        Report {
            barge_in,
            cut_words,
            ring,
            first_audio,
            added: AddedHops::default(),
            pause,
            holes,
            floor,
            lookups: Lookups::default(),
            frames: Frames::default(),
            calls: 0,
            failed: 0,
            failures: BTreeMap::new(),
            bookings: (0, 0),
            residue: None,
            bytes_sent: 0,
            bytes_received: 0,
            samples_lost: 0,
            call_time: Duration::ZERO,
            watched: Watched::default(),
            soak: None,
            plan: plan.clone(),
        }
    }

    /// Adds a call.
    pub(super) fn add(&mut self, call: &Measured) {
        self.calls += 1;
        self.call_time += call.length;
        self.bookings.0 += u64::from(call.wants_booking);
        self.bookings.1 += u64::from(call.booked);
        self.failed += u64::from(!call.failures.is_empty());
        for reason in &call.failures {
            *self.failures.entry(reason.clone()).or_default() += 1;
        }
        let hops =
            [(&mut self.barge_in, &call.barge_ins), (&mut self.pause, &call.pauses), (&mut self.holes, &call.holes)];
        for (hop, durations) in hops {
            durations.iter().for_each(|duration| hop.record(*duration));
        }
        call.ring.into_iter().for_each(|ring| self.ring.record(ring));
        call.first_audio.into_iter().for_each(|first| self.first_audio.record(first));
        call.cut_words.iter().for_each(|words| self.cut_words.record_count(*words));
        call.added.iter().for_each(|turn| self.added.record(turn));
        self.bytes_sent += call.bytes_sent;
        self.bytes_received += call.bytes_received;
        self.samples_lost += call.samples_lost;
        self.frames.messages += call.messages_received;
        self.frames.garbled += call.answers_garbled;
        self.frames.late += call.holes.iter().map(|hole| hole.as_millis() as u64 / FRAME_MS).sum::<u64>();
    }

    /// Adds what was seen around the calls, when all have ended.
    pub(super) fn surround(&mut self, watched: Watched, floor: Hop, residue: Option<u64>, seen: Surroundings) {
        self.frames.sent = self.bytes_sent / FRAME_BYTES;
        self.frames.not_heard = self.bytes_sent.saturating_sub(seen.heard_bytes) / FRAME_BYTES;
        self.frames.received = self.bytes_received / FRAME_BYTES;
        self.frames.not_received = self.samples_lost.div_ceil(FRAME_BYTES);
        self.frames.jitter_in = seen.jitters.into_iter().collect();
        self.failures.extend(seen.broken);
        self.soak = self.plan.soak.map(|_| Soak::judge(&watched, self.plan.max_growth_percent));
        (self.watched, self.floor, self.residue) = (watched, floor, residue);
    }

    /// Whether no call failed, nothing is left of any, nothing grew, and every bound that was given is kept.
    pub fn held(&self) -> bool {
        let flat = self.soak.as_ref().is_none_or(Soak::held);
        self.failures.is_empty() && self.residue == Some(0) && self.broken_bounds().is_empty() && flat
    }

    /// Why it did not hold, the weightiest first.
    pub(super) fn reasons(&self) -> Vec<String> {
        let mut failures: Vec<(&String, &u64)> = self.failures.iter().collect();
        failures.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let failures = failures.into_iter().map(|(reason, count)| format!("{count} times {reason}"));
        let residue = (self.residue != Some(0)).then(|| "something is left of calls".to_owned());
        failures.chain(residue).chain(self.broken_bounds()).collect()
    }

    fn broken_bounds(&self) -> Vec<String> {
        self.plan.bounds.broken_by(self)
    }

    /// The engine's processor time for a second of one call, in milliseconds.
    pub fn cpu_ms_per_call_second(&self) -> Option<f64> {
        self.ms_per_call_second(self.watched.engine_cpu()?)
    }

    fn ms_per_call_second(&self, cpu: Duration) -> Option<f64> {
        let seconds = self.call_time.as_secs_f64();
        (seconds > 0.0).then(|| cpu.as_secs_f64() * 1_000.0 / seconds)
    }

    /// Calls at once that one processor would carry if nothing but processor time limited.
    pub fn calls_per_processor(&self) -> Option<f64> {
        self.cpu_ms_per_call_second().filter(|ms| *ms > 0.0).map(|ms| 1_000.0 / ms)
    }

    /// The engine's memory for a live call beyond the first, in KiB.
    pub fn memory_kib_per_call(&self) -> Option<f64> {
        self.watched.kib_per_call()
    }

    /// Share of the processors which the load side may use that it used while all calls went on.
    fn own_busy(&self) -> f64 {
        self.watched.own_share().unwrap_or_default() / own_processors()
    }

    /// Why the load side is what limits, if it is: then the figures are not the engine's.
    pub(super) fn limited_by_load(&self) -> Option<String> {
        let (busy, floor) = (self.own_busy(), self.floor.quantile_ms(0.99));
        if busy > BUSY_SHARE {
            return Some(format!("the load side used {:.0} % of its processors: it is what limits", busy * 100.0));
        }
        let slow =
            format!("a byte takes {floor:.1} ms within the load side at p99: its own waiting is in every figure");
        (floor > SLOW_FLOOR_MS).then_some(slow)
    }

    /// What stands in the way of trusting the figures.
    fn warnings(&self) -> Vec<String> {
        let processors = own_processors();
        let both = self.own_busy() + self.watched.engine_share().unwrap_or_default() / processors;
        let mut warnings: Vec<String> = self.limited_by_load().into_iter().collect();
        if self.plan.pinned.is_none() && warnings.is_empty() && both > BUSY_SHARE {
            warnings.push(format!("both sides together used {:.0} % of {processors} processors", both * 100.0));
        }
        warnings.extend(self.busy_before());
        warnings
    }

    /// Other programs that were busy when the run began, as far as the load average shows them.
    pub(super) fn busy_before(&self) -> Option<String> {
        let load = self.watched.load[0].filter(|load| *load > own_processors() / 2.0)?;
        Some(format!("the machine was busy before the run: load average {load:.2}"))
    }

    /// Every hop: its name in JSON, its title, and the values.
    fn hops(&self) -> [(&'static str, &'static str, &Hop); 14] {
        let added = &self.added;
        [
            ("added_ear", "caller to recogniser", &added.ear),
            ("added_ask", "end of turn to model", &added.ask),
            ("added_tools", "tools", &added.tools),
            ("added_voice", "model to voice", &added.voice),
            ("added_mouth", "voice to caller", &added.mouth),
            ("added", "ADDED LATENCY, a turn", &added.sum),
            ("barge_in", "interim to clear", &self.barge_in),
            ("ring", "ring to media stream", &self.ring),
            ("first_audio", "start to first audio", &self.first_audio),
            ("pause", "pause before an answer", &self.pause),
            ("holes", "holes in speech", &self.holes),
            ("lookup_cached", "look-up, cached", &self.lookups.cached),
            ("lookup_uncached", "look-up, uncached", &self.lookups.uncached),
            ("floor", "(loopback, load side)", &self.floor),
        ]
    }
}

/// Processors that this process may use.
fn own_processors() -> f64 {
    std::thread::available_parallelism().map_or(1, usize::from) as f64
}

#[cfg(test)]
pub(super) mod tests;
