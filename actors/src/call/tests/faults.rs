//! Every fault in every phase of a call, as a table: the call is finished or handed over, the booking is there once,
//! nothing is said twice, the silence is never longer than four seconds, nothing is left.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::names::Leg;
use crate::ports::VendorErrorKind::{Failed, RateLimited, Rejected, Unreachable};
use crate::root::Shared;
use crate::testing::drill::Lasts::{Always, For, Times};
use crate::testing::drill::{Fault, Phase, Report, Thought, What, run};

const fn fault(name: &'static str, what: What, lasts: crate::testing::drill::Lasts) -> Fault {
    Fault { name, what, lasts }
}

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

const FAULTS: [Fault; 48] = [
    fault("nothing", What::Nothing, Times(1)),
    fault("stt refused three times", What::SttRefused(Unreachable, None), Times(3)),
    fault("stt refused for 20 s", What::SttRefused(Unreachable, None), For(secs(20))),
    fault("stt refused for good", What::SttRefused(Rejected, None), Always),
    fault("stt away for good", What::SttRefused(Unreachable, None), Always),
    fault("stt 429", What::SttRefused(RateLimited, Some(secs(1))), Times(2)),
    fault("stt dropped", What::SttLost(Unreachable), Times(1)),
    fault("stt closes 1008", What::SttLost(Rejected), Times(1)),
    fault("stt closes 1011", What::SttLost(Failed), Times(1)),
    fault("stt stalled", What::SttStalled, Times(1)),
    fault("stt stalled for good", What::SttStalled, Always),
    fault("tts refused three times", What::TtsRefused(Unreachable), Times(3)),
    fault("tts refused for good", What::TtsRefused(Rejected), Always),
    fault("tts away for good", What::TtsRefused(Unreachable), Always),
    fault("tts and rest away", What::TtsAway, Always),
    fault("tts dropped", What::TtsLost, Times(1)),
    fault("tts stalled", What::TtsStalled, Times(1)),
    fault("tts stalled for good", What::TtsStalled, Always),
    fault("tts warns once", What::TtsWarns, Times(1)),
    fault("tts flush limit for 20 s", What::TtsWarns, For(secs(20))),
    fault("llm no connection", What::Model(Thought::NoConnection), Times(1)),
    fault("llm no connection for good", What::Model(Thought::NoConnection), Always),
    fault("llm 429", What::Model(Thought::RateLimited(secs(1))), Times(1)),
    fault("llm 429 for good", What::Model(Thought::RateLimited(secs(1))), Always),
    fault("llm no credit", What::Model(Thought::NoCredit), Always),
    fault("llm 5xx", What::Model(Thought::Fails), Times(1)),
    fault("llm 5xx for good", What::Model(Thought::Fails), Always),
    fault("llm stalls first", What::Model(Thought::StallsFirst), Times(1)),
    fault("llm stalls first for good", What::Model(Thought::StallsFirst), Always),
    fault("llm stalls later", What::Model(Thought::StallsLater), Times(1)),
    fault("llm stalls later for good", What::Model(Thought::StallsLater), Always),
    fault("llm fails later", What::Model(Thought::FailsLater), Times(1)),
    fault("llm fails later for good", What::Model(Thought::FailsLater), Always),
    fault("llm breaks off", What::Model(Thought::Breaks), Times(1)),
    fault("llm truncated", What::Model(Thought::Truncated), Times(1)),
    fault("llm cuts arguments", What::Model(Thought::CutArguments), Times(1)),
    fault("media panics", What::Leg(Leg::Media), Times(1)),
    fault("stt panics", What::Leg(Leg::Stt), Times(1)),
    fault("turn panics", What::Leg(Leg::Turn), Times(1)),
    fault("playback panics", What::Leg(Leg::Playback), Times(1)),
    fault("crm panics", What::Shared(Shared::Crm), Times(1)),
    fault("calendar panics", What::Shared(Shared::Calendar), Times(1)),
    fault("journal panics", What::Shared(Shared::Journal), Times(1)),
    fault("records slow", What::StoreSlow, Times(1)),
    fault("records busy", What::StoreFails, Times(1)),
    fault("records hang", What::StoreHangs, Times(1)),
    fault("records answer late", What::StoreLate, Times(1)),
    fault("registry panics", What::Shared(Shared::Registry), Times(1)),
];

/// `OTTO_FAULT_SEED` chooses how quick everybody is.
fn seed() -> u64 {
    std::env::var("OTTO_FAULT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

/// All cells, by row and column.
fn play(seed: u64, wanted: &str) -> BTreeMap<(usize, Phase), Report> {
    let cells: Vec<(usize, Phase)> = (0..FAULTS.len()).flat_map(|row| Phase::ALL.map(|phase| (row, phase))).collect();
    let meant = |(row, phase): &(usize, Phase)| format!("{}/{phase}", FAULTS[*row].name).contains(wanted);
    let cells: Vec<_> = cells.into_iter().filter(meant).collect();
    let (next, reports) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        while let Some((row, phase)) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
            let report = run(FAULTS[*row], *phase, seed);
            reports.lock().unwrap().insert((*row, *phase), report);
        }
    };
    std::thread::scope(|scope| {
        let hands = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        (0..hands).for_each(|_| drop(scope.spawn(work)));
    });
    reports.into_inner().unwrap()
}

fn table(reports: &BTreeMap<(usize, Phase), Report>) -> String {
    let mut text = format!("{:<27}", "what became of the call, longest silence in seconds");
    text.truncate(27);
    text += &Phase::ALL.map(|phase| format!("{:<15}", phase.name())).concat();
    for (row, fault) in FAULTS.iter().enumerate() {
        let cell = |phase| reports.get(&(row, phase)).map_or(String::new(), Report::to_string);
        text += &format!("\n{:<27}{}", fault.name, Phase::ALL.map(|phase| format!("{:<15}", cell(phase))).concat());
    }
    text
}

/// `OTTO_FAULT_CELL` plays only the cells whose `row/column` contains it, and prints what happened in them.
#[test]
fn a_call_survives_every_fault_in_every_phase() {
    let (seed, only) = (seed(), std::env::var("OTTO_FAULT_CELL").ok());
    println!("seed {seed}");
    let reports = play(seed, only.as_deref().unwrap_or(""));
    println!("{}", table(&reports));
    let mut wrong = Vec::new();
    for ((row, phase), report) in &reports {
        if only.is_some() {
            println!("--- {}/{phase}\n{}", FAULTS[*row].name, report.log.join("\n"));
        }
        wrong.extend(report.wrongs.iter().map(|what| format!("{}/{phase}: {what}", FAULTS[*row].name)));
    }
    assert!(wrong.is_empty(), "seed {seed}: {} wrongs\n{}", wrong.len(), wrong.join("\n"));
}
