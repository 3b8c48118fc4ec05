//! Kills parts of the engine at random moments: at least three legs of every call, and shared actors all the while. The
//! registry is spared: it owns the calls, and its end is theirs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use otto_actors::domain::CallSid;
use otto_actors::names::Leg;
use otto_actors::root::Shared;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;

/// Kills of legs in one call: inside the restart budget of each leg.
const KILLS_PER_CALL: std::ops::RangeInclusive<u32> = 3..=4;
/// From one kill of a call to its next, in milliseconds.
const BETWEEN_KILLS_MS: std::ops::Range<u64> = 200..1_300;
/// From one kill of a shared actor to the next, in milliseconds: inside the restart budget of each.
const BETWEEN_SHARED_MS: std::ops::Range<u64> = 2_500..4_500;
/// What is killed beside legs.
const SHARED: [Shared; 3] = [Shared::Crm, Shared::Calendar, Shared::Journal];

/// What was killed.
#[derive(Debug, Default)]
pub(super) struct Kills {
    /// Legs, by call.
    pub(super) legs: HashMap<String, u32>,
    /// Shared actors.
    pub(super) shared: u32,
}

enum Kill {
    Leg(String),
    Shared,
}

/// Kills until it is stopped.
pub(super) struct Killer {
    app: Arc<App>,
    seed: u64,
    tell: mpsc::UnboundedSender<Kill>,
    told: mpsc::UnboundedReceiver<Kill>,
    end: CancellationToken,
    tasks: TaskTracker,
}

impl Killer {
    pub(super) fn start(app: Arc<App>, seed: u64) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let killer = Self { app, seed, tell, told, end: CancellationToken::new(), tasks: TaskTracker::new() };
        killer.spawn(hunt_shared(Arc::clone(&killer.app), StdRng::seed_from_u64(seed), killer.tell.clone()));
        killer
    }

    /// Kills legs of this call.
    pub(super) fn hunt(&self, call: &str) {
        // Calls have random names; their order has not.
        let rng = StdRng::seed_from_u64(self.seed ^ (self.tasks.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        self.spawn(hunt_legs(Arc::clone(&self.app), call.to_owned(), rng, self.tell.clone()));
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let end = self.end.clone();
        self.tasks.spawn(async move {
            let _ = end.run_until_cancelled_owned(task).await;
        });
    }

    /// Ends the killing and says what was killed.
    pub(super) async fn stop(mut self) -> Kills {
        self.end.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        drop(self.tell);
        let mut kills = Kills::default();
        while let Some(kill) = self.told.recv().await {
            match kill {
                Kill::Leg(call) => *kills.legs.entry(call).or_default() += 1,
                Kill::Shared => kills.shared += 1,
            }
        }
        kills
    }
}

async fn hunt_legs(app: Arc<App>, call: String, mut rng: StdRng, tell: mpsc::UnboundedSender<Kill>) {
    let Ok(sid) = CallSid::parse(&call) else { return };
    for _ in 0..rng.random_range(KILLS_PER_CALL) {
        pause(&mut rng, BETWEEN_KILLS_MS).await;
        if let Some(leg) = Leg::ALL.choose(&mut rng) {
            app.calls.crash_leg(&sid, *leg);
            // The receiver outlives this task.
            let _ = tell.send(Kill::Leg(call.clone()));
        }
    }
}

async fn hunt_shared(app: Arc<App>, mut rng: StdRng, tell: mpsc::UnboundedSender<Kill>) {
    loop {
        pause(&mut rng, BETWEEN_SHARED_MS).await;
        if let Some(shared) = SHARED.choose(&mut rng) {
            app.crash(*shared);
            let _ = tell.send(Kill::Shared);
        }
    }
}

async fn pause(rng: &mut StdRng, ms: std::ops::Range<u64>) {
    let ms = rng.random_range(ms);
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
