//! Whether anything grows while calls come and go: memory, files, threads, tasks and actors of the engine, judged by a
//! robust trend after a warm-up, and by what is left when all calls have ended. Pure.

use std::fmt;

use serde_json::{Value, json};

use super::samples::{Sample, Watched};

/// Share of the full seconds that the engine may warm up in.
const WARM_UP_SHARE: f64 = 0.25;
/// Growth of everything but memory that is allowed, in percent of the median...
const FLAT_PERCENT: f64 = 10.0;
/// ...and what may come and go beside that.
const FLAT_SLACK: f64 = 10.0;
/// Files and tasks for each call that may still be there after all have ended: connections that are kept for the next.
const KEPT_PER_CALL: f64 = 2.0;
/// Files and tasks that may be there beside those.
const KEPT_SLACK: f64 = 20.0;
/// Points that a trend is made of at most; it takes the slope of every pair.
const POINTS: usize = 300;

/// One thing that must not grow.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Check {
    what: &'static str,
    unit: &'static str,
    /// How much it grew.
    found: f64,
    /// How much it may grow.
    most: f64,
    /// Of what: the median, or the value before the first call.
    base: f64,
}

/// The verdict.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Soak {
    checks: Vec<Check>,
    /// What could not be checked.
    unseen: Vec<&'static str>,
}

/// What is looked at: its name, its unit, and where it is in a sample.
type Kind = (&'static str, &'static str, fn(&Sample) -> Option<f64>);

const KINDS: [Kind; 5] = [
    ("memory", "KiB", |sample| Some(sample.engine?.resident_kib as f64)),
    ("files", "", |sample| Some(sample.engine?.files as f64)),
    ("threads", "", |sample| Some(sample.engine?.threads as f64)),
    ("tasks", "", |sample| sample.gauges.tasks),
    ("actors", "", |sample| sample.gauges.actors),
];

impl Soak {
    /// Judges a run. `memory_percent` of its median may the memory grow.
    pub(super) fn judge(watched: &Watched, memory_percent: f64) -> Self {
        let full = watched.full();
        let warm = &full[(full.len() as f64 * WARM_UP_SHARE) as usize..];
        let mut soak = Soak::default();
        for (what, unit, value) in KINDS {
            let points: Vec<(f64, f64)> =
                warm.iter().filter_map(|sample| Some((sample.at.as_secs_f64(), value(sample)?))).collect();
            let Some((growth, base)) = growth(&points) else {
                soak.unseen.push(what);
                continue;
            };
            let most =
                if what == "memory" { base * memory_percent / 100.0 } else { base * FLAT_PERCENT / 100.0 + FLAT_SLACK };
            soak.checks.push(Check { what, unit, found: growth, most, base });
        }
        soak.checks.extend(left(watched));
        soak
    }

    /// Whether everything was seen and nothing grew.
    pub(super) fn held(&self) -> bool {
        self.unseen.is_empty() && self.checks.iter().all(|check| check.found <= check.most)
    }

    pub(super) fn json(&self) -> Value {
        let check = |check: &Check| {
            json!({"what": check.what, "unit": check.unit, "found": check.found, "most": check.most,
                "base": check.base, "held": check.found <= check.most})
        };
        json!({"held": self.held(), "checks": self.checks.iter().map(check).collect::<Vec<_>>(), "unseen": self.unseen})
    }

    /// What each check found, for a table: what, growth, the most allowed, whether it held.
    pub(super) fn rows(&self) -> impl Iterator<Item = (String, String, String, bool)> {
        self.checks.iter().map(|check| {
            let number = |value: f64| format!("{value:.0} {}", check.unit).trim_end().to_owned();
            let what = format!("{} (of {})", check.what, number(check.base));
            (what, number(check.found), number(check.most), check.found <= check.most)
        })
    }
}

impl Soak {
    /// What could not be checked.
    pub(super) fn unseen(&self) -> &[&'static str] {
        &self.unseen
    }
}

impl fmt::Display for Soak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, found, most, held) in self.rows() {
            let verdict = if held { "flat" } else { "GROWS" };
            writeln!(f, "soak                {verdict:<6}{what}: {found} more, {most} allowed")?;
        }
        self.unseen.iter().try_for_each(|what| writeln!(f, "soak                UNSEEN {what}"))
    }
}

/// What is there when all calls have ended and was not before the first.
fn left(watched: &Watched) -> Vec<Check> {
    let (Some(before), Some(after)) = (watched.samples.first(), watched.samples.last()) else { return Vec::new() };
    let kept = watched.most_calls() as f64 * KEPT_PER_CALL + KEPT_SLACK;
    let check = |what, value: fn(&Sample) -> Option<f64>, most| {
        let base = value(before)?;
        Some(Check { what, unit: "", found: value(after)? - base, most, base })
    };
    let checks = [
        check("files after all calls", KINDS[1].2, kept),
        check("tasks after all calls", KINDS[3].2, kept),
        check("actors after all calls", KINDS[4].2, 0.0),
    ];
    checks.into_iter().flatten().collect()
}

/// By how much a series grows from its first point to its last, as the median slope of all pairs of points says
/// (Theil and Sen): outliers, as many as a quarter, do not move it. And the median of its values.
fn growth(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let thin = points.len().div_ceil(POINTS).max(1);
    let points: Vec<(f64, f64)> = points.iter().step_by(thin).copied().collect();
    let (first, last) = (points.first()?, points.last()?);
    let pairs = points.iter().enumerate().flat_map(|(index, a)| points[index + 1..].iter().map(move |b| (a, b)));
    let slopes: Vec<f64> = pairs.filter(|(a, b)| b.0 > a.0).map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)).collect();
    let slope = median(slopes)?;
    Some((slope * (last.0 - first.0), median(points.iter().map(|point| point.1).collect())?))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::questions::Gauges;
    use crate::load::samples::tests::watched;

    #[test]
    fn the_trend_is_that_of_most_points() {
        let line = |at: u32| (f64::from(at), 100.0 + 2.0 * f64::from(at));
        let mut points: Vec<(f64, f64)> = (0..21).map(line).collect();
        assert_eq!(growth(&points), Some((40.0, 120.0)));
        for outlier in [3, 9, 17] {
            points[outlier].1 = 9_000.0;
        }
        let (found, _) = growth(&points).unwrap();
        assert!((found - 40.0).abs() < 4.0, "{found}");
        let long: Vec<(f64, f64)> = (0..5_000).map(line).collect();
        assert!((growth(&long).unwrap().0 - 10_000.0).abs() < 100.0);
        assert_eq!((growth(&[]), growth(&[(1.0, 2.0)])), (None, None));
    }

    /// A minute at ten calls; each second memory, files and tasks grow by so much.
    fn run(kib: u64, files: u64, tasks: f64) -> Watched {
        let seconds: Vec<(u64, u64)> = (0..60).map(|at| (if at == 0 { 0 } else { 10 }, 50_000 + at * kib)).collect();
        let mut watched = watched(&seconds);
        for (at, sample) in watched.samples.iter_mut().enumerate() {
            sample.engine.as_mut().unwrap().files += at as u64 * files;
            sample.gauges = Gauges { tasks: Some(100.0 + tasks * at as f64), actors: Some(30.0) };
        }
        let idle = Sample { live: 0, ..*watched.samples.last().unwrap() };
        watched.samples.push(idle);
        watched
    }

    #[test]
    fn what_grows_is_found() {
        for (watched, held) in [
            (run(0, 0, 0.0), true),
            (run(100, 0, 0.0), true),
            (run(500, 0, 0.0), false),
            (run(0, 1, 0.0), false),
            (run(0, 0, 1.0), false),
        ] {
            let soak = Soak::judge(&watched, 20.0);
            assert_eq!(soak.held(), held, "{soak}");
        }
    }

    #[test]
    fn an_actor_that_is_left_or_something_unseen_is_no_success() {
        let mut left = run(0, 0, 0.0);
        left.samples.last_mut().unwrap().gauges.actors = Some(31.0);
        assert!(!Soak::judge(&left, 20.0).held());
        let mut unseen = run(0, 0, 0.0);
        unseen.samples.iter_mut().for_each(|sample| sample.gauges.tasks = None);
        let soak = Soak::judge(&unseen, 20.0);
        assert!(!soak.held() && soak.to_string().contains("UNSEEN tasks"), "{soak}");
    }
}
