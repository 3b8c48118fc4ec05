//! What the simulated vendors saw of every utterance, by its marker. It is filled while the run goes on and emptied call by
//! call, so that a run of hours keeps no more than a short one.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::brain::{LoadBrain, Remembered};
use super::marker::Marker;
use crate::World;
use crate::deepgram_stt::Transcript;
use crate::deepgram_tts::Spoken;
use crate::openai::Answered;

/// The message by which the recogniser ended an utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TurnEnd {
    /// When it was about to be written.
    pub(super) at: Instant,
    /// When the last sound of the utterance had arrived.
    pub(super) heard_at: Instant,
}

/// One utterance of a caller's, as the vendors saw it and its answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Trace {
    /// When the recogniser was about to write the first message that names it.
    pub(super) interim: Option<Instant>,
    /// How the recogniser ended it.
    pub(super) end: Option<TurnEnd>,
    /// The model's answers to it, in the order of their ends.
    pub(super) answers: Vec<Answered>,
    /// The beginning of the answer at the voice.
    pub(super) spoken: Option<Spoken>,
    /// Words of the interrupted answer that the history holds.
    pub(super) remembered: Option<usize>,
}

/// The utterances of one caller, by their numbers.
pub(super) type Traces = HashMap<u32, Trace>;

/// What the vendors saw beside utterances.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    /// Bytes of the callers' voices that reached the recogniser.
    pub(super) heard_bytes: u64,
    /// The jitter of every session of the recogniser that has ended.
    pub(super) jitters: Vec<Duration>,
    /// What the engine did against a vendor's protocol, and how often.
    pub(super) broken: BTreeMap<String, u64>,
}

/// The book.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    callers: HashMap<u32, Traces>,
    pub(super) surroundings: Surroundings,
}

impl Ledger {
    /// Takes what the vendors have written down since the last time.
    pub(super) fn collect(&mut self, world: &World, brain: &LoadBrain) {
        world.stt.transcripts().take().into_iter().for_each(|transcript| self.transcript(&transcript));
        world.openai.answered().take().into_iter().for_each(|answered| self.answered(answered));
        world.tts.spoken().take().into_iter().for_each(|spoken| self.spoken(spoken));
        brain.take().into_iter().for_each(|told| self.remembered(told));
        let surroundings = &mut self.surroundings;
        for session in world.stt.sessions().take() {
            surroundings.heard_bytes += session.audio_bytes;
            surroundings.jitters.extend((session.audio_bytes > 0).then_some(session.jitter));
        }
        let deepgram = world.stt.violations().take().into_iter().chain(world.tts.violations().take());
        let deepgram = deepgram.map(|violation| format!("Deepgram's protocol: {violation}"));
        let model = world.openai.refused().take().into_iter();
        let model = model.map(|refused| format!("the model's protocol: {}", refused.message));
        deepgram.chain(model).for_each(|reason| *surroundings.broken.entry(reason).or_default() += 1);
        // Nobody asks for these; whole requests would fill the memory.
        world.openai.requests().clear();
        world.tts.requests().clear();
        world.stt.opened().clear();
    }

    /// Everything about a caller whose call has ended.
    pub(super) fn take(&mut self, caller: u32) -> Traces {
        self.callers.remove(&caller).unwrap_or_default()
    }

    fn trace(&mut self, marker: Marker) -> &mut Trace {
        self.callers.entry(marker.caller).or_default().entry(marker.turn).or_default()
    }

    fn transcript(&mut self, transcript: &Transcript) {
        let Some(marker) = Marker::find(&transcript.text) else { return };
        let trace = self.trace(marker);
        trace.interim = Some(trace.interim.map_or(transcript.at, |first| first.min(transcript.at)));
        if transcript.ends_turn {
            trace.end.get_or_insert(TurnEnd { at: transcript.at, heard_at: transcript.heard_at });
        }
    }

    fn answered(&mut self, answered: Answered) {
        if let Some(marker) = Marker::find(&answered.label) {
            self.trace(marker).answers.push(answered);
        }
    }

    fn spoken(&mut self, spoken: Spoken) {
        if let Some(marker) = Marker::find(&spoken.text) {
            self.trace(marker).spoken.get_or_insert(spoken);
        }
    }

    fn remembered(&mut self, told: Remembered) {
        // The last request is the one that counts: those before were asked ahead.
        self.trace(told.marker).remembered = Some(told.words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_an_utterance_is_found_by_its_marker_and_given_away_once() {
        let mut ledger = Ledger::default();
        let now = Instant::now();
        let ms = |ms| now + Duration::from_millis(ms);
        let heard = |at, text: &str, ends_turn| Transcript { at, text: text.into(), ends_turn, heard_at: ms(80) };
        ledger.transcript(&heard(ms(100), "C3b1,", false));
        ledger.transcript(&heard(ms(400), "C3b1, wait.", true));
        ledger.transcript(&heard(ms(400), "no name", true));
        ledger.spoken(Spoken { text: "c3b1 We do".into(), asked: ms(410), began: ms(420) });
        ledger.remembered(Remembered { marker: Marker::find("c3b1").unwrap(), words: 4 });
        let trace = ledger.take(3).remove(&1).unwrap();
        assert_eq!((trace.interim, trace.remembered), (Some(ms(100)), Some(4)));
        assert_eq!(trace.end, Some(TurnEnd { at: ms(400), heard_at: ms(80) }));
        assert_eq!(trace.spoken.map(|spoken| spoken.asked), Some(ms(410)));
        assert!(ledger.take(3).is_empty() && ledger.callers.is_empty());
    }
}
