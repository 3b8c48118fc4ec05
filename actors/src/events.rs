//! What happens inside, as types: a log line and its metric are one, so that neither is forgotten.
//!
//! No phone numbers, transcripts or tool arguments here: a call is named by its SID.

use metrics::Label;
use tracing::{debug, error, info, warn};

use crate::domain::CallSid;
use crate::metrics::Metric;
use crate::names::{ActorKind, Leg};
use crate::ports::MediaAnomaly;

/// Something that operators see.
pub trait InternalEvent {
    /// Writes the log line and counts.
    fn emit(self);
}

/// Tells operators.
pub fn emit(event: impl InternalEvent) {
    event.emit();
}

fn label(key: &'static str, value: &'static str) -> Vec<Label> {
    vec![Label::from_static_parts(key, value)]
}

/// A call was not answered.
#[derive(Debug)]
pub struct CallRefused {
    /// `full` or `draining`.
    pub reason: &'static str,
}

impl InternalEvent for CallRefused {
    fn emit(self) {
        warn!(reason = self.reason, "call refused");
        Metric::CallsRefused.counter(label("reason", self.reason)).increment(1);
    }
}

/// A call's own actor failed: the call is lost.
#[derive(Debug)]
pub struct CallFailed<'a> {
    /// The call.
    pub call: &'a CallSid,
    /// What it died of.
    pub reason: &'a str,
}

impl InternalEvent for CallFailed<'_> {
    fn emit(self) {
        error!(call = %self.call, reason = self.reason, "call actor failed");
    }
}

/// A call's remains were looked at.
#[derive(Debug)]
pub struct CallResidue<'a> {
    /// The call.
    pub call: &'a CallSid,
    /// Actors and tasks that are left.
    pub residue: usize,
}

impl InternalEvent for CallResidue<'_> {
    fn emit(self) {
        if self.residue > 0 {
            error!(call = %self.call, residue = self.residue, "something is left of an ended call");
        }
        Metric::CallResidue.counter(Vec::new()).increment(self.residue as u64);
    }
}

/// A call has begun.
#[derive(Debug)]
pub struct CallBegan<'a> {
    /// The call.
    pub call: &'a CallSid,
}

impl InternalEvent for CallBegan<'_> {
    fn emit(self) {
        info!(call = %self.call, "call began");
    }
}

/// A call has ended.
#[derive(Debug)]
pub struct CallOver<'a> {
    /// The call.
    pub call: &'a CallSid,
    /// How.
    pub outcome: &'static str,
    /// Turns of the caller.
    pub turns: u64,
}

impl InternalEvent for CallOver<'_> {
    fn emit(self) {
        info!(call = %self.call, outcome = self.outcome, turns = self.turns, "call ended");
        Metric::CallsEnded.counter(label("outcome", self.outcome)).increment(1);
    }
}

/// The media stream of a call has broken, and the call waits for the next one.
#[derive(Debug)]
pub struct StreamLost<'a> {
    /// The call.
    pub call: &'a CallSid,
}

impl InternalEvent for StreamLost<'_> {
    fn emit(self) {
        warn!(call = %self.call, "the media stream is lost; the call goes on on the next one");
        Metric::StreamsLost.counter(Vec::new()).increment(1);
    }
}

/// A leg of a call has failed.
#[derive(Debug)]
pub struct LegFailed<'a> {
    /// The call.
    pub call: &'a CallSid,
    /// Which leg.
    pub leg: Leg,
    /// What it died of.
    pub reason: &'a str,
}

impl InternalEvent for LegFailed<'_> {
    fn emit(self) {
        warn!(call = %self.call, leg = %self.leg, reason = self.reason, "leg failed");
        Metric::LegFailures.counter(label("leg", self.leg.kind().as_str())).increment(1);
    }
}

/// A supervisor has started an actor again.
#[derive(Debug)]
pub struct ActorRestarted {
    /// Which.
    pub actor: ActorKind,
}

impl InternalEvent for ActorRestarted {
    fn emit(self) {
        info!(actor = %self.actor, "restarted");
        Metric::ActorRestarts.counter(label("actor", self.actor.as_str())).increment(1);
    }
}

/// A shared actor has failed.
#[derive(Debug)]
pub struct SharedActorFailed<'a> {
    /// Which.
    pub actor: ActorKind,
    /// What it died of.
    pub reason: &'a str,
}

impl InternalEvent for SharedActorFailed<'_> {
    fn emit(self) {
        error!(actor = %self.actor, reason = self.reason, "shared actor failed");
    }
}

/// The shared actors fail faster than restarts help.
#[derive(Debug)]
pub struct Meltdown {
    /// The one that failed last.
    pub actor: ActorKind,
}

impl InternalEvent for Meltdown {
    fn emit(self) {
        error!(actor = %self.actor, "restart budget spent: the process ends so that it is started afresh");
    }
}

/// A media message was dropped. Logged when it is the first of its sort in a call, counted always.
#[derive(Debug)]
pub struct MediaMessageDropped<'a> {
    /// The call.
    pub call: &'a CallSid,
    /// What was wrong with it.
    pub anomaly: MediaAnomaly,
    /// How many of this sort the call has had, this one included.
    pub count: u64,
}

impl InternalEvent for MediaMessageDropped<'_> {
    fn emit(self) {
        if self.count == 1 {
            warn!(call = %self.call, what = %self.anomaly, "media message dropped; more of its sort are only counted");
        }
        Metric::MediaAnomalies.counter(vec![Label::new("what", self.anomaly.to_string())]).increment(1);
    }
}

/// How many media messages of one sort a call dropped in all.
#[derive(Debug)]
pub struct MediaMessagesDropped<'a> {
    /// The call.
    pub call: &'a CallSid,
    /// What was wrong with them.
    pub anomaly: MediaAnomaly,
    /// How many.
    pub count: u64,
}

impl InternalEvent for MediaMessagesDropped<'_> {
    fn emit(self) {
        warn!(call = %self.call, what = %self.anomaly, count = self.count, "media messages dropped in all");
    }
}

/// A vendor's session or request failed; what follows is said by whoever decides.
#[derive(Debug)]
pub struct VendorTrouble<'a> {
    /// The call.
    pub call: &'a CallSid,
    /// The actor that saw it.
    pub actor: ActorKind,
    /// What happened.
    pub error: &'a crate::ports::VendorError,
}

impl InternalEvent for VendorTrouble<'_> {
    fn emit(self) {
        warn!(call = %self.call, actor = %self.actor, error = %self.error, "vendor trouble");
    }
}

/// A caller interrupted Otto.
#[derive(Debug)]
pub struct BargedIn<'a> {
    /// The call.
    pub call: &'a CallSid,
}

impl InternalEvent for BargedIn<'_> {
    fn emit(self) {
        debug!(call = %self.call, "barge-in");
        Metric::BargeIns.counter(Vec::new()).increment(1);
    }
}

/// The model was asked, or would have been asked, before the caller had finished.
#[derive(Debug)]
pub struct GuessEnded<'a> {
    /// The call.
    pub call: &'a CallSid,
    /// `used`, `wasted` or `capped`.
    pub outcome: &'static str,
}

impl InternalEvent for GuessEnded<'_> {
    fn emit(self) {
        debug!(call = %self.call, outcome = self.outcome, "asked ahead");
        Metric::Speculations.counter(label("outcome", self.outcome)).increment(1);
    }
}

/// A tool call has ended.
#[derive(Debug)]
pub struct ToolEnded<'a> {
    /// The call.
    pub call: &'a CallSid,
    /// Which tool, if the name is one of ours.
    pub tool: &'static str,
    /// `ok`, `refused`, `denied`, `timed_out` or `failed`.
    pub result: &'static str,
}

impl InternalEvent for ToolEnded<'_> {
    fn emit(self) {
        info!(call = %self.call, tool = self.tool, result = self.result, "tool call");
        let labels = vec![Label::from_static_parts("tool", self.tool), Label::from_static_parts("result", self.result)];
        Metric::ToolCalls.counter(labels).increment(1);
    }
}

/// A call asked for what it may not do, or a caller gave a fact that is not on file.
#[derive(Debug)]
pub struct ToolDenied<'a> {
    /// The call.
    pub call: &'a CallSid,
    /// Which tool, if the name is one of ours.
    pub tool: &'static str,
    /// The name of the result's error, such as `locked`.
    pub reason: &'static str,
}

impl InternalEvent for ToolDenied<'_> {
    fn emit(self) {
        info!(call = %self.call, tool = self.tool, reason = self.reason, "tool call denied");
        let labels = vec![Label::from_static_parts("tool", self.tool), Label::from_static_parts("reason", self.reason)];
        Metric::ToolDenials.counter(labels).increment(1);
    }
}

/// Some of a caller's voice was dropped.
#[derive(Debug)]
pub struct AudioInDropped {
    /// How many samples.
    pub samples: u64,
}

impl InternalEvent for AudioInDropped {
    fn emit(self) {
        debug!(samples = self.samples, "caller's audio dropped");
        Metric::AudioInDropped.counter(Vec::new()).increment(self.samples);
    }
}

/// Journal events were written, or dropped because the database was away too long.
#[derive(Debug)]
pub struct JournalWrote {
    /// Written.
    pub written: u64,
    /// Dropped.
    pub dropped: u64,
}

impl InternalEvent for JournalWrote {
    fn emit(self) {
        Metric::JournalEvents.counter(Vec::new()).increment(self.written);
        if self.dropped > 0 {
            error!(dropped = self.dropped, "journal events dropped: the database was away too long");
            Metric::JournalDropped.counter(Vec::new()).increment(self.dropped);
        }
    }
}
