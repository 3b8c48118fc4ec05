//! What one call came to: the script, the caller's report and what the simulated vendors saw, put together after the end.
//! Pure, so that a run pays nothing for it while it measures.

mod added;

use std::time::Duration;

use super::callers::{Caller, Kind};
use super::ledger::{Trace, Traces};
use super::marker::Marker;
use crate::speech::{SAMPLES_PER_MS, normalise};
use crate::twilio::{CallReport, CallerEvent, HeardWord, What};

pub(super) use added::Added;

/// What Otto says when a booking is made.
const BOOKED: &str = "You're booked";

/// One call's measurements.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Measured {
    /// From the ring to the open media stream: two of Otto's answers.
    pub(super) ring: Option<Duration>,
    pub(super) first_audio: Option<Duration>,
    /// From the end of the caller's words to Otto's first sound, as the caller hears it.
    pub(super) pauses: Vec<Duration>,
    /// From interim to `clear`.
    pub(super) barge_ins: Vec<Duration>,
    /// By how many words the history is off, for each interruption.
    pub(super) cut_words: Vec<u64>,
    /// What Otto added, for each turn in which every part was seen.
    pub(super) added: Vec<Added>,
    pub(super) holes: Vec<Duration>,
    /// Bytes of the caller's voice that were sent.
    pub(super) bytes_sent: u64,
    /// Bytes of Otto's voice that arrived, in so many messages.
    pub(super) bytes_received: u64,
    pub(super) messages_received: u64,
    /// Samples that are missing within words of Otto's, and answers whose first words are missing or wrong.
    pub(super) samples_lost: u64,
    pub(super) answers_garbled: u64,
    pub(super) length: Duration,
    pub(super) wants_booking: bool,
    pub(super) booked: bool,
    /// Why the call failed; empty when it did not.
    pub(super) failures: Vec<String>,
}

/// Puts a call together. `ms_per_char` is the pace of Otto's voice.
pub(super) fn measure(caller: &Caller, report: &CallReport, traces: &Traces, ms_per_char: u32) -> Measured {
    let stream = report.events.iter().find(|event| matches!(event.what, What::StreamStarted(_)));
    let words = || report.heard.iter().flat_map(|utterance| &utterance.words);
    let mut measured = Measured {
        ring: stream.map(|event| event.at),
        first_audio: report.first_audio,
        pauses: report.responses.iter().filter_map(|response| response.played).collect(),
        added: added(report, traces),
        holes: report.holes.clone(),
        bytes_sent: report.bytes_sent,
        bytes_received: report.bytes_received,
        messages_received: report.messages_received,
        samples_lost: report.heard.iter().map(|heard| samples_lost(&heard.words, heard.cut, ms_per_char)).sum(),
        answers_garbled: traces.values().filter(|trace| garbled(trace, words().map(|word| &*word.text))).count() as u64,
        length: report.duration,
        wants_booking: caller.kind == Kind::Books,
        booked: caller.kind == Kind::Books && report.heard_text().contains(BOOKED),
        failures: failures(caller, report),
        ..Measured::default()
    };
    let mut heard_since = Duration::ZERO;
    for text in caller.barge_ins() {
        match interruption(report, traces, text, heard_since) {
            Ok(found) => {
                measured.barge_ins.push(found.took);
                measured.cut_words.push(found.off_by);
                heard_since = found.cleared_at;
            }
            // Once one is missing the rest of the script is in disorder.
            Err(reason) => {
                measured.failures.push(reason.to_owned());
                break;
            }
        }
    }
    measured
}

/// What Otto added to each turn that can be followed.
fn added(report: &CallReport, traces: &Traces) -> Vec<Added> {
    let turn = |response: &crate::twilio::Response| {
        let said = &report.said[response.said];
        let trace = traces.get(&Marker::find(&said.text)?.turn)?;
        let said_at = report.started + said.ended;
        Added::of(trace, said_at, said_at + response.received?)
    };
    report.responses.iter().filter_map(turn).collect()
}

/// Samples that the words lack beside what their letters take. The last word of an utterance that was cut is left out.
fn samples_lost(words: &[HeardWord], cut: bool, ms_per_char: u32) -> u64 {
    let whole = &words[..words.len() - usize::from(cut && !words.is_empty())];
    let cell = u64::from(ms_per_char) * SAMPLES_PER_MS;
    whole.iter().map(|word| (word.text.chars().count() as u64 * cell).saturating_sub(word.samples)).sum()
}

/// Whether the words that were heard are others than those which the voice was given. A cut ends them anywhere.
fn garbled<'a>(trace: &Trace, mut heard: impl Iterator<Item = &'a str>) -> bool {
    let Some(spoken) = &trace.spoken else { return false };
    let Some(marker) = Marker::find(&spoken.text) else { return false };
    if heard.by_ref().all(|word| Marker::find(word) != Some(marker)) {
        return false;
    }
    let given = normalise(&spoken.text);
    let given = given.split_whitespace().skip_while(|word| Marker::find(word) != Some(marker)).skip(1);
    let off = |(given, heard): (&str, &str)| given != heard;
    let first = given.zip(heard).find(|pair| off(*pair));
    first.is_some_and(|(given, heard)| !given.starts_with(heard) && Marker::find(heard).is_none())
}

/// What goes without saying for every caller.
fn failures(caller: &Caller, report: &CallReport) -> Vec<String> {
    let step = |step: &String| step.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
    let waited = report.timeouts.iter().map(|timeout| format!("waited in vain: {}", step(timeout)));
    let broken = report.violations.iter().map(|violation| format!("protocol: {violation}"));
    let mut failures: Vec<String> = waited.chain(broken).collect();
    if report.hung_up_by != caller.ended_by() {
        failures.push(format!("ended by {:?}, not by {:?}", report.hung_up_by, caller.ended_by()));
    }
    failures
}

/// One interruption, measured.
struct Interruption {
    took: Duration,
    off_by: u64,
    cleared_at: Duration,
}

/// Follows the interruption that begins with saying `text`.
fn interruption(
    report: &CallReport,
    traces: &Traces,
    text: &str,
    heard_since: Duration,
) -> Result<Interruption, &'static str> {
    let marker = Marker::find(text).ok_or("an interruption without a name")?;
    let said = report.events.iter().position(|event| matches!(&event.what, What::SayBegan(said) if said == text));
    let after = &report.events[said.ok_or("an interruption that was never said")?..];
    let trace = traces.get(&marker.turn);
    let interim = trace.and_then(|trace| trace.interim).ok_or("an interruption that was never recognised")?;
    let cleared_at = next_clear(after).ok_or("an interruption without a clear")?;
    let interim_at = interim.saturating_duration_since(report.started);
    let took = cleared_at.checked_sub(interim_at).ok_or("a clear before the words")?;
    let remembered = trace.and_then(|trace| trace.remembered).ok_or("an interruption that the model never heard of")?;
    // What was heard before the caller's last words belongs to an earlier answer.
    let before = report.said.iter().map(|said| said.ended).take_while(|ended| *ended < after[0].at);
    let since = before.last().unwrap_or_default().max(heard_since);
    let heard = words_heard(report, since, cleared_at);
    Ok(Interruption { took, off_by: remembered.abs_diff(heard) as u64, cleared_at })
}

/// The first `clear` before the caller speaks again; the first event is that of the caller's beginning.
fn next_clear(events: &[CallerEvent]) -> Option<Duration> {
    let mine = events.iter().skip(1).take_while(|event| !matches!(event.what, What::SayBegan(_)));
    mine.into_iter().find(|event| matches!(event.what, What::Clear { .. })).map(|event| event.at)
}

/// Words of the utterances that began within a span; the last one may have been cut.
fn words_heard(report: &CallReport, since: Duration, until: Duration) -> usize {
    let within = report.heard.iter().filter(|utterance| utterance.began > since && utterance.began <= until);
    within.map(|utterance| utterance.words.len()).sum()
}

#[cfg(test)]
mod tests;
