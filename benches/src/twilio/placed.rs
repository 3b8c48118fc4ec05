//! A call that the engine places, until somebody picks up: it waits for its turn, rings, and comes to nothing or becomes a
//! [`Call`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

use super::amd::Detection;
use super::call::{Call, Line, Taken};
use super::fields::Parties;
use super::phone::Answer;
use super::progress::Progress;
use super::registry::{CallRecord, Control, OutboundCall};
use super::{CallPlan, Engine, Shared};

/// For how many seconds a call rings when the engine says nothing.
const TIMEOUT_S: f64 = 60.0;

/// When the next placed call may begin.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Option<Instant>>);

impl Pace {
    /// The turn of the call that asks now; the one after it comes no sooner than the gap later.
    fn turn(&self, gap: Duration) -> Instant {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + gap);
        turn
    }
}

/// A call that nobody has answered yet.
pub(super) struct Placed {
    shared: Arc<Shared>,
    engine: Engine,
    call: OutboundCall,
    control: UnboundedReceiver<Control>,
    parties: Parties,
    progress: Progress,
}

/// What became of it.
enum End {
    /// The engine took it back before it was dialled.
    TakenBack,
    /// Nobody talked.
    Vain(&'static str),
    Taken(Answer),
}

impl Placed {
    /// Begins with the record of a call that was accepted.
    pub(super) fn new(
        shared: &Arc<Shared>,
        engine: Engine,
        call: OutboundCall,
        record: &CallRecord,
        control: UnboundedReceiver<Control>,
    ) -> Self {
        let parties = Parties::of(&shared.account_sid, record);
        let progress = Progress::placed(shared, &engine, parties.clone(), &call);
        Placed { shared: Arc::clone(shared), engine, call, control, parties, progress }
    }

    /// Runs the call to its end.
    pub(super) async fn run(mut self) {
        let stop = self.shared.scope.stop.clone();
        match stop.run_until_cancelled(self.ring()).await {
            None | Some(End::TakenBack) => self.progress.end_in_silence("canceled"),
            Some(End::Vain(status)) => {
                stop.run_until_cancelled(self.progress.end(status)).await;
            }
            Some(End::Taken(answer)) => self.talk(&answer).await,
        }
    }

    async fn ring(&mut self) -> End {
        let settings = self.shared.knobs.settings();
        let gap = settings.seconds(1.0 / settings.calls_per_second);
        if self.is_stopped_before(self.shared.pace.turn(gap)).await {
            return End::TakenBack;
        }
        let now = self.shared.clock.now();
        self.progress.update(|record| (record.status, record.started) = ("ringing", Some(now)));
        self.progress.tell("initiated", "initiated");
        let answer = self.shared.phones.next(&self.call.to);
        if let Some(status @ ("busy" | "failed")) = answer.vain() {
            return End::Vain(status);
        }
        self.progress.tell("ringing", "ringing");
        let timeout = self.call.param("Timeout").and_then(|seconds| seconds.parse().ok()).unwrap_or(TIMEOUT_S);
        let rings = f64::from(settings.ring_seconds);
        let taken = answer.vain().is_none() && rings < timeout;
        let until = Instant::now() + settings.seconds(if taken { rings } else { timeout });
        match self.is_stopped_before(until).await {
            true => End::Vain("canceled"),
            false if taken => End::Taken(answer),
            false => End::Vain("no-answer"),
        }
    }

    /// Whether the engine ends the call before this time.
    async fn is_stopped_before(&mut self, until: Instant) -> bool {
        tokio::select! {
            Some(_) = self.control.recv() => true,
            () = sleep_until(until) => false,
        }
    }

    async fn talk(mut self, answer: &Answer) {
        let now = self.shared.clock.now();
        self.progress.update(|record| (record.status, record.answered) = ("in-progress", Some(now)));
        self.progress.tell("answered", "in-progress");
        let detection = Detection::of(&self.shared.knobs.settings(), &self.engine, &self.call, answer);
        let plan = CallPlan::new(self.call.to.clone(), answer.steps());
        let line = Line {
            parties: self.parties,
            control: self.control,
            progress: self.progress,
            taken: Some(Taken { call: self.call, detection }),
        };
        let report = Call::new(Arc::clone(&self.shared), self.engine, plan, line).run().await;
        self.shared.registry.talks.push(report);
    }
}
