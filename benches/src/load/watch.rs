//! The watch over a run: once a second a line for the user and a sample of what both processes use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use super::questions::{Gauges, Questions};
use super::samples::{Sample, Watched};
use super::usage::{Usage, load_average};

/// Between two samples.
const EVERY: Duration = Duration::from_secs(1);

/// Calls so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    placed: AtomicU64,
    ended: AtomicU64,
    unclean: AtomicU64,
}

impl Counts {
    pub(super) fn placed(&self) {
        self.placed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ended(&self, clean: bool) {
        self.ended.fetch_add(1, Ordering::Relaxed);
        self.unclean.fetch_add(u64::from(!clean), Ordering::Relaxed);
    }

    fn live(&self) -> u64 {
        let ended = self.ended.load(Ordering::Relaxed);
        self.placed.load(Ordering::Relaxed).saturating_sub(ended)
    }
}

/// A watch that goes on.
pub(super) struct Watch {
    counts: Arc<Counts>,
    stop: CancellationToken,
    task: JoinHandle<Watched>,
}

impl Watch {
    /// Starts to watch. `engine` is its process; with `ask` its gauges are asked for as well.
    pub(super) async fn start(engine: Option<u32>, questions: Questions, ask: bool, quiet: bool) -> Self {
        let counts = Arc::new(Counts::default());
        let stop = CancellationToken::new();
        let mut eye = Eye {
            counts: Arc::clone(&counts),
            engine,
            questions: ask.then_some(questions),
            quiet,
            began: Instant::now(),
            watched: Watched { load: [load_average(), None], ..Watched::default() },
        };
        eye.look().await;
        Watch { counts, task: tokio::spawn(eye.run(stop.clone())), stop }
    }

    /// Where calls are counted.
    pub(super) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    pub(super) async fn stop(self) -> Watched {
        self.stop.cancel();
        self.task.await.unwrap_or_default()
    }
}

struct Eye {
    counts: Arc<Counts>,
    engine: Option<u32>,
    questions: Option<Questions>,
    quiet: bool,
    began: Instant,
    watched: Watched,
}

impl Eye {
    async fn run(mut self, stop: CancellationToken) -> Watched {
        let mut ticks = interval(EVERY);
        ticks.tick().await;
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.look().await;
            if !self.quiet {
                self.tell();
            }
        }
        self.look().await;
        self.watched.took = self.began.elapsed();
        self.watched.load[1] = load_average();
        self.watched
    }

    async fn look(&mut self) {
        let gauges = match &self.questions {
            Some(questions) => questions.gauges().await,
            None => Gauges::default(),
        };
        let (at, live) = (self.began.elapsed(), self.counts.live());
        let (engine, own) = (self.engine.and_then(Usage::of), Usage::of(std::process::id()));
        self.watched.samples.push(Sample { at, live, engine, own, gauges });
    }

    /// The line for the user: the last second.
    fn tell(&self) {
        let [.., before, now] = self.watched.samples.as_slice() else { return };
        let percent =
            |share: Option<f64>| share.map_or_else(|| "?".to_owned(), |share| format!("{:.0}", share * 100.0));
        eprintln!(
            "{:>4} s  {} live, {} ended, {} of them in disorder  engine {} % CPU, {} MiB  load side {} % CPU",
            now.at.as_secs(),
            now.live,
            self.counts.ended.load(Ordering::Relaxed),
            self.counts.unclean.load(Ordering::Relaxed),
            percent(now.engine_share(before)),
            now.engine.map_or(0, |usage| usage.resident_kib) / 1_024,
            percent(now.own_share(before)),
        );
    }
}
