//! What one call came to: the script, the caller's report and what the simulated vendors saw, put together after the end.
//! Pure, so that a run pays nothing for it while it measures.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::brain::Remembered;
use super::callers::{Caller, Kind, marker_in};
use crate::deepgram_stt::Transcript;
use crate::twilio::{CallReport, CallerEvent, What};

/// What Otto says when a booking is made.
const BOOKED: &str = "You're booked";

/// What the vendors saw of the barge-ins, by marker.
#[derive(Debug, Default)]
pub(super) struct Witnesses {
    /// When the recogniser began to write the first message that names it.
    interims: HashMap<String, Instant>,
    /// Words of the interrupted answer that the history holds.
    remembered: HashMap<String, usize>,
}

impl Witnesses {
    pub(super) fn of(transcripts: &[Transcript], remembered: &[Remembered]) -> Self {
        let mut interims = HashMap::new();
        for transcript in transcripts {
            if let Some(marker) = marker_in(&transcript.text) {
                let first = interims.entry(marker).or_insert(transcript.at);
                *first = transcript.at.min(*first);
            }
        }
        let remembered = remembered.iter().map(|told| (told.marker.clone(), told.words)).collect();
        Witnesses { interims, remembered }
    }
}

/// One call's measurements.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Measured {
    pub(super) first_audio: Option<Duration>,
    /// From the end of the caller's words to Otto's first sound, as the caller hears it.
    pub(super) pauses: Vec<Duration>,
    /// From interim to `clear`.
    pub(super) barge_ins: Vec<Duration>,
    /// By how many words the history is off, for each interruption.
    pub(super) cut_words: Vec<u64>,
    pub(super) holes: Vec<Duration>,
    pub(super) length: Duration,
    pub(super) wants_booking: bool,
    pub(super) booked: bool,
    /// Why the call failed; empty when it did not.
    pub(super) failures: Vec<String>,
}

/// Puts a call together.
pub(super) fn measure(caller: &Caller, report: &CallReport, witnesses: &Witnesses) -> Measured {
    let mut measured = Measured {
        first_audio: report.first_audio,
        pauses: report.responses.iter().filter_map(|response| response.played).collect(),
        holes: report.holes.clone(),
        length: report.duration,
        wants_booking: caller.kind == Kind::Books,
        booked: caller.kind == Kind::Books && report.heard_text().contains(BOOKED),
        ..Measured::default()
    };
    measured.failures = failures(caller, report);
    let mut heard_since = Duration::ZERO;
    for text in caller.barge_ins() {
        match interruption(report, witnesses, text, heard_since) {
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
    witnesses: &Witnesses,
    text: &str,
    heard_since: Duration,
) -> Result<Interruption, &'static str> {
    let marker = marker_in(text).ok_or("an interruption without a name")?;
    let said = report.events.iter().position(|event| matches!(&event.what, What::SayBegan(said) if said == text));
    let after = &report.events[said.ok_or("an interruption that was never said")?..];
    let interim = witnesses.interims.get(&marker).ok_or("an interruption that was never recognised")?;
    let cleared_at = next_clear(after).ok_or("an interruption without a clear")?;
    let interim_at = interim.saturating_duration_since(report.started);
    let took = cleared_at.checked_sub(interim_at).ok_or("a clear before the words")?;
    let remembered = witnesses.remembered.get(&marker).ok_or("an interruption that the model never heard of")?;
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
