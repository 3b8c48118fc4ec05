//! How long the engine's calls waited to learn who rings, as the engine's own histogram on `/metrics` says: nobody outside
//! sees these waits. Pure.

use prometheus_parse::HistogramCount;

use super::Hop;
use super::questions::Metrics;

/// The histogram. Its label `source` is `cache` or `database`.
const LOOKUPS: &str = "otto_customer_lookup_seconds";

/// The look-ups of a run. Each counts as the upper bound of its bucket: none took longer than is told.
#[derive(Clone, Debug, Default)]
pub struct Lookups {
    /// The cache knew.
    pub cached: Hop,
    /// The database was asked.
    pub uncached: Hop,
}

/// The histogram at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets {
    cached: Vec<Bucket>,
    uncached: Vec<Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    most_us: u64,
    /// Look-ups of this bucket and all smaller ones.
    count: u64,
}

impl Buckets {
    /// What the engine says; empty where it does not.
    pub(super) fn of(metrics: &Metrics) -> Self {
        let of = |source| metrics.histogram(LOOKUPS, "source", source).iter().map(Bucket::of).collect();
        Buckets { cached: of("cache"), uncached: of("database") }
    }

    /// What has come since an earlier moment.
    pub(super) fn since(&self, before: &Self) -> Lookups {
        Lookups {
            cached: Bucket::since(&self.cached, &before.cached),
            uncached: Bucket::since(&self.uncached, &before.uncached),
        }
    }
}

impl Bucket {
    fn of(bucket: &HistogramCount) -> Self {
        Bucket { most_us: (bucket.less_than * 1e6).round() as u64, count: bucket.count as u64 }
    }

    fn since(after: &[Self], before: &[Self]) -> Hop {
        let earlier = |most_us| before.iter().find(|bucket| bucket.most_us == most_us).map_or(0, |bucket| bucket.count);
        let (mut hop, mut below) = (Hop::default(), 0);
        for bucket in after {
            let up_to = bucket.count.saturating_sub(earlier(bucket.most_us));
            // What is told has three digits, and must not be rounded up beyond the bound.
            hop.record_many(bucket.most_us.saturating_sub(1), up_to.saturating_sub(below));
            below = up_to;
        }
        hop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The histogram with so many look-ups within 2 ms, 30 ms, and longer.
    fn histogram(source: &str, counts: [u64; 3]) -> String {
        let sums = [counts[0], counts[0] + counts[1], counts[0] + counts[1] + counts[2]];
        let line = |(le, sum)| format!("{LOOKUPS}_bucket{{source=\"{source}\",le=\"{le}\"}} {sum}\n");
        let lines = ["0.002", "0.03", "+Inf"].into_iter().zip(sums).map(line);
        format!("# TYPE {LOOKUPS} histogram\n") + &lines.collect::<String>()
    }

    #[test]
    fn each_look_up_counts_as_the_end_of_its_bucket() {
        let read = |text: &str| Buckets::of(&Metrics::read(text));
        let before = read(&histogram("cache", [100, 50, 7]));
        let after = histogram("cache", [199, 51, 7]) + "otto_calls_live 3\n" + &histogram("database", [0, 99, 1]);
        let Lookups { cached, uncached } = read(&after).since(&before);
        let quantiles = |hop: &Hop| [0.5, 0.99, 1.0].map(|quantile| hop.quantile_ms(quantile));
        assert_eq!((cached.count(), uncached.count()), (100, 100));
        assert_eq!((quantiles(&cached), cached.max()), ([1.999, 1.999, 29.999], 29_999));
        let [p50, p99, most] = quantiles(&uncached);
        assert_eq!((p50, p99), (29.999, 29.999));
        assert!(most > 100_000.0, "beyond every bound: {most}");
    }

    #[test]
    fn an_engine_that_does_not_say_has_none() {
        let Lookups { cached, uncached } =
            Buckets::of(&Metrics::read("otto_calls_live 1\n")).since(&Buckets::default());
        assert_eq!((cached.count(), uncached.count()), (0, 0));
    }
}
