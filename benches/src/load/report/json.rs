//! The report for programs.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Report;
use crate::load::samples::Sample;

impl Report {
    /// The report as JSON. Durations are in milliseconds unless a name says otherwise.
    pub fn json(&self) -> Value {
        let hops: Map<String, Value> =
            self.hops().iter().map(|(name, _, hop)| ((*name).to_owned(), hop.json_ms())).collect();
        let seconds = |cpu: Option<Duration>| cpu.map(|cpu| cpu.as_secs_f64());
        let (watched, frames) = (&self.watched, &self.frames);
        json!({
            "plan": self.options(), "held": self.held(), "calls": self.calls, "failed": self.failed,
            "failures": self.failures, "broken_bounds": self.broken_bounds(), "warnings": self.warnings(),
            "hops_ms": hops, "asked_ahead": self.added.ahead, "cut_words_off": self.cut_words.json_counts(),
            "bookings": {"wanted": self.bookings.0, "made": self.bookings.1},
            "frames": {"sent": frames.sent, "not_heard": frames.not_heard, "received": frames.received,
                "messages_received": frames.messages, "not_received": frames.not_received, "late": frames.late,
                "late_percent": frames.late_percent(), "answers_garbled": frames.garbled,
                "jitter_at_recogniser_ms": frames.jitter_in.json_ms()},
            "residue": self.residue, "call_seconds": self.call_time.as_secs_f64(),
            "most_calls": watched.most_calls(), "full_seconds": watched.full_for().as_secs_f64(),
            "engine": {"cpu_seconds": seconds(watched.engine_cpu()),
                "cpu_ms_per_call_second": self.cpu_ms_per_call_second(), "processors_while_full": watched.engine_share(),
                "calls_per_processor": self.calls_per_processor(), "idle_kib": watched.idle_kib(),
                "peak_kib": watched.peak_kib(), "memory_kib_per_call": self.memory_kib_per_call()},
            "load_side": {"cpu_seconds": seconds(watched.own_cpu()), "busy": self.own_busy(),
                "limits": self.limited_by_load().is_some()},
            "soak": self.soak.as_ref().map(crate::load::soak::Soak::json),
            "took_seconds": watched.took.as_secs_f64(), "load_average": watched.load,
            "timeline": watched.samples.iter().map(sample).collect::<Vec<_>>(),
        })
    }

    fn options(&self) -> Value {
        let plan = &self.plan;
        json!({"script": format!("{:?}", plan.script), "calls": plan.calls, "seconds": plan.seconds,
            "hold_seconds": plan.hold.map(|hold| hold.as_secs()), "soak_seconds": plan.soak.map(|soak| soak.as_secs()),
            "ramp_per_second": plan.ramp_per_second, "seed": plan.seed, "stt_ms": plan.stt_ms, "llm_ms": plan.llm_ms,
            "token_ms": plan.token_ms, "customers": plan.customers, "tts_ms": plan.tts_ms, "ms_per_char": plan.ms_per_char, "pin": plan.pin})
    }
}

fn sample(sample: &Sample) -> Value {
    let of = |usage: Option<crate::load::usage::Usage>| {
        usage.map(|usage| {
            json!({"cpu_seconds": usage.cpu.as_secs_f64(), "resident_kib": usage.resident_kib,
                "threads": usage.threads, "files": usage.files})
        })
    };
    json!({"at_seconds": sample.at.as_secs_f64(), "live": sample.live, "engine": of(sample.engine),
        "load_side": of(sample.own), "tasks": sample.gauges.tasks, "actors": sample.gauges.actors})
}
