//! What a run cost and what was moved for it: the part of a report that runs of different programs are compared by.

use std::time::Duration;

use super::Report;
use crate::speech::SAMPLES_PER_MS;

/// Processor time and what it was spent on, over all calls of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// The program's processor time.
    pub cpu: Duration,
    /// Time of all calls together.
    pub calls: Duration,
    /// Frames of the callers' voices.
    pub frames: u64,
    /// Otto's speech.
    pub speech: Duration,
    /// Messages that the speech came in.
    pub messages: u64,
}

impl Cost {
    /// Processor time for a second of one call, in milliseconds; 0 without a call.
    pub fn ms_per_call_second(&self) -> f64 {
        let seconds = self.calls.as_secs_f64();
        if seconds > 0.0 { self.cpu.as_secs_f64() * 1_000.0 / seconds } else { 0.0 }
    }
}

impl std::ops::Add for Cost {
    type Output = Cost;

    fn add(self, other: Cost) -> Cost {
        Cost {
            cpu: self.cpu + other.cpu,
            calls: self.calls + other.calls,
            frames: self.frames + other.frames,
            speech: self.speech + other.speech,
            messages: self.messages + other.messages,
        }
    }
}

impl Report {
    /// What the run cost; `None` when the engine's process is unknown.
    pub fn cost(&self) -> Option<Cost> {
        Some(Cost {
            cpu: self.watched.engine_cpu()?,
            calls: self.call_time,
            frames: self.frames.sent,
            speech: Duration::from_millis(self.bytes_received / SAMPLES_PER_MS),
            messages: self.frames.messages,
        })
    }
}
