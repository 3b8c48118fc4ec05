//! How many calls at once this machine carries: runs of their own for each step of the search, and what follows from them.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::report::capacity_page;
use super::search::Search;
use super::{LoadError, Plan, Report, Script, run};

/// The bound on the 95th percentile of the added latency unless another is given, in milliseconds.
const ADDED_P95_MS: f64 = 50.0;
/// Share of the capacity that is recommended; the rest is for vendors that stall, retries and other programs.
const RECOMMENDED_SHARE: f64 = 0.7;
/// What a step takes beside ramp and hold: start, the first call alone, the last goodbyes and the end...
const STEP_EXTRA: Duration = Duration::from_secs(15);
/// ...and what it takes longer when some have just begun to book.
const BOOKING_EXTRA: Duration = Duration::from_secs(35);

/// A step of the search.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) calls: u32,
    pub(super) held: bool,
    /// Why it did not hold.
    pub(super) why: String,
    pub(super) added_p95_ms: f64,
    pub(super) failed: u64,
    /// Why the load side limited it, if it did.
    limited: Option<String>,
    report: Report,
}

/// What a search came to.
#[derive(Debug)]
pub struct Capacity {
    search: Search,
    limit_ms: f64,
    pinned: bool,
    probes: Vec<Probe>,
}

/// Searches the largest number of calls at once without a failure and with the added latency under its bound. Each step is
/// a run with an engine of its own.
///
/// # Errors
/// When a run could not be carried out.
pub async fn find_capacity(plan: &Plan) -> Result<Capacity, LoadError> {
    let limit_ms = plan.bounds.max_added_p95_ms.unwrap_or(ADDED_P95_MS);
    let mut plan = plan.clone();
    plan.bounds.max_added_p95_ms = Some(limit_ms);
    let search = Search::new(plan.calls, plan.most);
    let (steps, longest) = longest_search(&plan, &search);
    eprintln!("at most {steps} steps, {} minutes in all", longest.as_secs().div_ceil(60));
    let mut capacity = Capacity { search, limit_ms, pinned: plan.pinned.is_some(), probes: Vec::new() };
    while let Some(calls) = capacity.search.next() {
        let report = run(&plan.probe(calls)).await?;
        let probe = Probe::of(calls, report);
        eprintln!("{probe}");
        capacity.search.tried(calls, probe.held);
        capacity.probes.push(probe);
    }
    Ok(capacity)
}

/// The most steps that a search may need, and how long they take together.
fn longest_search(plan: &Plan, search: &Search) -> (usize, Duration) {
    let takes = |calls: &u32| {
        let probe = plan.probe(*calls);
        let books = if matches!(plan.script, Script::BargeIn | Script::Chat) { Duration::ZERO } else { BOOKING_EXTRA };
        probe.ramp() + probe.stays().unwrap_or_default() + STEP_EXTRA + books
    };
    let all = (0..=plan.most).map(|capacity| search.clone().rehearse(capacity));
    all.map(|tries| (tries.len(), tries.iter().map(takes).sum())).max_by_key(|(_, takes)| *takes).unwrap_or_default()
}

impl Probe {
    fn of(calls: u32, report: Report) -> Self {
        let added = &report.added.sum;
        let held = report.held() && added.count() > 0;
        let why = report.reasons().into_iter().next().unwrap_or_else(|| "nothing was measured".to_owned());
        Probe {
            calls,
            held,
            why,
            added_p95_ms: added.quantile_ms(0.95),
            failed: report.failed,
            limited: report.limited_by_load(),
            report,
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.held { "held" } else { self.why.as_str() };
        write!(
            f,
            "{:>6} calls: added latency p95 {:.2} ms, {} failed: {verdict}",
            self.calls, self.added_p95_ms, self.failed
        )?;
        self.limited.iter().try_for_each(|limited| write!(f, " ({limited})"))
    }
}

impl Capacity {
    /// Most calls that held.
    pub fn found(&self) -> Option<u32> {
        self.search.found()
    }

    /// The report of the largest number that held.
    pub fn best(&self) -> Option<&Report> {
        let best = self.probes.iter().find(|probe| Some(probe.calls) == self.found());
        best.map(|probe| &probe.report)
    }

    /// What to set, and how far it can be trusted.
    pub(super) fn advice(&self) -> String {
        // The first step alone: those after it find the load of the one before.
        let busy = self.probes.first().and_then(|probe| probe.report.busy_before());
        let busy = busy.map(|busy| format!("Do not trust this: {busy}.\n")).unwrap_or_default();
        self.found().map_or_else(|| self.nothing_held(), |found| self.advice_for(found)) + &busy
    }

    fn nothing_held(&self) -> String {
        let fewest = self.probes.iter().map(|probe| probe.calls).min().unwrap_or(1);
        format!("Not even {fewest} at once kept the bound.\n")
    }

    fn advice_for(&self, found: u32) -> String {
        let recommended = recommended(found);
        let mut advice = format!(
            "{found} calls at once keep the added latency under {} ms at p95 without a failure.\nMAX_CALLS={recommended} \
             leaves {:.0} % of that as headroom.\n",
            self.limit_ms,
            (1.0 - RECOMMENDED_SHARE) * 100.0
        );
        if self.search.is_bound() {
            advice += "More were not tried: raise --most.\n";
        }
        if self.probes.iter().any(|probe| !probe.held && probe.limited.is_some()) {
            advice += "The load side limited a step that did not hold: the engine may carry more. Put it on a larger machine.\n";
        }
        if !self.pinned {
            advice += "Callers and vendors used the same processors; alone the engine carries more (see --pin).\n";
        }
        advice
    }

    /// Every step, in order.
    pub(super) fn probes(&self) -> impl Iterator<Item = &Probe> {
        self.probes.iter()
    }

    /// The bound on the 95th percentile of the added latency, in milliseconds.
    pub(super) fn limit_ms(&self) -> f64 {
        self.limit_ms
    }

    /// The search as JSON, with the report of the largest number that held.
    pub fn json(&self) -> Value {
        let probe = |probe: &Probe| {
            json!({"calls": probe.calls, "held": probe.held, "why": (!probe.held).then_some(&probe.why),
                "added_p95_ms": probe.added_p95_ms, "failed": probe.failed, "limited_by_load": probe.limited})
        };
        json!({"capacity": self.found(), "recommended_max_calls": self.found().map(recommended),
            "max_added_p95_ms": self.limit_ms, "more_not_tried": self.search.is_bound(),
            "probes": self.probes.iter().map(probe).collect::<Vec<_>>(), "best": self.best().map(Report::json)})
    }

    /// The search as a page.
    pub fn html(&self) -> String {
        capacity_page(self)
    }
}

fn recommended(found: u32) -> u32 {
    ((f64::from(found) * RECOMMENDED_SHARE) as u32).max(1)
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.probes.iter().try_for_each(|probe| writeln!(f, "{probe}"))?;
        self.best().into_iter().try_for_each(|best| write!(f, "{best}"))?;
        write!(f, "\n{}", self.advice())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::load::report::tests::{call, report_of};

    fn capacity(tried: &[(u32, u64)]) -> Capacity {
        let plan = Plan::parse_from(["otto-load", "--find-capacity", "--calls", "50"]);
        let mut capacity =
            Capacity { search: Search::new(50, 3_200), limit_ms: 50.0, pinned: false, probes: Vec::new() };
        for (calls, added_ms) in tried {
            let bounded = "--max-added-p95-ms 50";
            let probe = Probe::of(*calls, report_of(bounded, vec![call(1, 0, *added_ms, None)]));
            capacity.search.tried(*calls, probe.held);
            capacity.probes.push(probe);
        }
        assert!(longest_search(&plan, &capacity.search).0 <= 12);
        capacity
    }

    #[test]
    fn the_advice_leaves_headroom_and_says_what_broke() {
        let capacity = capacity(&[(50, 8), (100, 90)]);
        assert_eq!((capacity.found(), capacity.json()["recommended_max_calls"].as_u64()), (Some(50), Some(35)));
        let text = capacity.to_string();
        assert!(text.contains("MAX_CALLS=35 leaves 30 %") && text.contains("added latency, p95 in ms: 90"), "{text}");
    }

    #[test]
    fn a_search_without_success_or_without_end_says_so() {
        assert!(capacity(&[(50, 90), (25, 90)]).advice().contains("Not even 25"));
        assert!(capacity(&[(50, 8)]).advice().contains("raise --most"));
    }
}
