//! The watch over a run: once a second a line for the user and a sample of what both processes use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use super::usage::{Usage, load_average};
use crate::World;
use crate::openai::OpenAi;

/// Between two lines.
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
}

/// A watch that goes on.
pub(super) struct Progress {
    counts: Arc<Counts>,
    stop: CancellationToken,
    task: JoinHandle<Watched>,
}

/// What both processes used over the run.
#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    pub(super) took: Duration,
    /// `None` when the engine's process is unknown.
    pub(super) engine_cpu: Option<Duration>,
    pub(super) own_cpu: Option<Duration>,
    /// The engine's memory before the first call, in KiB.
    pub(super) idle_kib: Option<u64>,
    /// Its largest memory.
    pub(super) peak_kib: u64,
    /// Most calls at the same time.
    pub(super) most_calls: u64,
    /// Its memory when so many were seen last.
    pub(super) full_kib: u64,
    /// The machine's load average at the beginning and at the end.
    pub(super) load: [Option<f64>; 2],
}

impl Progress {
    /// Starts to watch. `engine` is its process.
    pub(super) fn start(world: &World, engine: Option<u32>, quiet: bool) -> Self {
        let counts = Arc::new(Counts::default());
        let stop = CancellationToken::new();
        let watch = Watch {
            counts: Arc::clone(&counts),
            openai: world.openai.clone(),
            engine,
            quiet,
            began: Instant::now(),
            before: (engine.and_then(Usage::of), own()),
            watched: Watched { load: [load_average(), None], ..Watched::default() },
        };
        Progress { counts, task: tokio::spawn(watch.run(stop.clone())), stop }
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

struct Watch {
    counts: Arc<Counts>,
    openai: OpenAi,
    engine: Option<u32>,
    quiet: bool,
    began: Instant,
    /// The engine and this process at the beginning.
    before: (Option<Usage>, Option<Usage>),
    watched: Watched,
}

impl Watch {
    async fn run(mut self, stop: CancellationToken) -> Watched {
        self.watched.idle_kib = self.before.0.map(|usage| usage.resident_kib);
        let mut ticks = interval(EVERY);
        let mut last = self.before;
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            last = self.look(last);
            // The brain has kept what is needed; whole requests would fill the memory.
            self.openai.requests().clear();
        }
        let now = (self.engine.and_then(Usage::of), own());
        self.watched.engine_cpu = spent(self.before.0, now.0);
        self.watched.own_cpu = spent(self.before.1, now.1);
        self.watched.took = self.began.elapsed();
        self.watched.load[1] = load_average();
        self.watched
    }

    fn look(&mut self, last: (Option<Usage>, Option<Usage>)) -> (Option<Usage>, Option<Usage>) {
        let now = (self.engine.and_then(Usage::of), own());
        let ended = self.counts.ended.load(Ordering::Relaxed);
        let live = self.counts.placed.load(Ordering::Relaxed).saturating_sub(ended);
        let memory = now.0.map_or(0, |usage| usage.resident_kib);
        self.watched.peak_kib = self.watched.peak_kib.max(memory);
        if live >= self.watched.most_calls {
            (self.watched.most_calls, self.watched.full_kib) = (live, memory);
        }
        if !self.quiet {
            let percent = |last, now| spent(last, now).map_or(0.0, |cpu| 100.0 * cpu.as_secs_f64());
            eprintln!(
                "{:>4} s  {live} live, {ended} ended, {} of them in disorder  engine {:.0} % CPU, {} MiB  load side {:.0} % CPU",
                self.began.elapsed().as_secs(),
                self.counts.unclean.load(Ordering::Relaxed),
                percent(last.0, now.0),
                memory / 1_024,
                percent(last.1, now.1),
            );
        }
        now
    }
}

fn own() -> Option<Usage> {
    Usage::of(std::process::id())
}

fn spent(before: Option<Usage>, now: Option<Usage>) -> Option<Duration> {
    Some(now?.cpu.saturating_sub(before?.cpu))
}
