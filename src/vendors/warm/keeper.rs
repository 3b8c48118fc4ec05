//! The task that keeps sessions: opens one at a time, holds them open, drops the dead and the old ones, gives the others
//! away. Each is given away at most once.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, OptionFuture};
use futures_util::stream::BoxStream;
use futures_util::{SinkExt, StreamExt};
use otto_actors::limits::STT_KEEP_ALIVE_EVERY_MS;
use otto_actors::ports::{SttInput, SttSession, TtsSession, VendorError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, interval, sleep_until};
use tracing::debug;

use super::FIRST_AUDIO;

/// The pause after a session could not be opened or has died; each further one in a row doubles it.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What a session needs while nobody uses it.
pub(super) trait Kept: Send + Sized + 'static {
    /// Beyond this age it is replaced.
    const AGE_MAX: Duration;

    /// What must be sent right after its opening; false when it cannot be.
    fn begin(&mut self) -> bool;

    /// What must be sent every [`STT_KEEP_ALIVE_EVERY_MS`]; false when it cannot be.
    fn hold(&mut self) -> bool;

    /// Ready when it is dead. What it says while nobody listens is dropped.
    fn poll_dead(&mut self, context: &mut Context<'_>) -> Poll<()>;
}

impl Kept for SttSession {
    const AGE_MAX: Duration = Duration::from_secs(5 * 60);

    fn begin(&mut self) -> bool {
        sent(self, SttInput::Audio(FIRST_AUDIO))
    }

    fn hold(&mut self) -> bool {
        sent(self, SttInput::KeepAlive)
    }

    fn poll_dead(&mut self, context: &mut Context<'_>) -> Poll<()> {
        poll_end(&mut self.events, context)
    }
}

/// So little fits into any socket that lives: one that would have to wait is given up.
fn sent(session: &mut SttSession, input: SttInput) -> bool {
    matches!(session.input.send(input).now_or_never(), Some(Ok(())))
}

impl Kept for TtsSession {
    // No limit is published for a session that says nothing; a minute is a usual one.
    const AGE_MAX: Duration = Duration::from_secs(50);

    fn begin(&mut self) -> bool {
        true
    }

    fn hold(&mut self) -> bool {
        true
    }

    fn poll_dead(&mut self, context: &mut Context<'_>) -> Poll<()> {
        poll_end(&mut self.events, context)
    }
}

fn poll_end<T>(events: &mut BoxStream<'static, Result<T, VendorError>>, context: &mut Context<'_>) -> Poll<()> {
    loop {
        match events.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
            Poll::Pending => return Poll::Pending,
        }
    }
}

type Opened<S> = Result<S, VendorError>;

pub(super) struct Keeper<S> {
    count: usize,
    open: Box<dyn Fn() -> BoxFuture<'static, Opened<S>> + Send>,
    takers: mpsc::Receiver<oneshot::Sender<S>>,
    /// With the moment that each was opened; the oldest first.
    ready: VecDeque<(Instant, S)>,
    /// The one attempt that is under way.
    opening: Option<BoxFuture<'static, Opened<S>>>,
    failures: u32,
    not_before: Instant,
}

impl<S: Kept> Keeper<S> {
    pub(super) fn new<F>(
        count: usize,
        open: impl Fn() -> F + Send + 'static,
        takers: mpsc::Receiver<oneshot::Sender<S>>,
    ) -> Self
    where
        F: Future<Output = Opened<S>> + Send + 'static,
    {
        let open = Box::new(move || open().boxed());
        let (ready, opening, failures) = Default::default();
        Self { count, open, takers, ready, opening, failures, not_before: Instant::now() }
    }

    /// Runs until there is nobody left to take a session.
    pub(super) async fn run(mut self) {
        let mut hold = interval(STT_KEEP_ALIVE_EVERY_MS);
        loop {
            let may_open = self.opening.is_none() && self.ready.len() < self.count;
            let old_at = self.ready.front().map(|(opened, _)| sleep_until(*opened + S::AGE_MAX));
            let not_before = self.not_before;
            let Self { ready, opening, takers, .. } = &mut self;
            tokio::select! {
                // The dead are noticed before they could be given away.
                biased;
                index = dead(ready) => self.died(index),
                taker = takers.recv() => match taker {
                    Some(taker) => self.give(taker),
                    None => return,
                },
                Some(opened) = OptionFuture::from(opening.as_mut()) => self.opened(opened),
                () = sleep_until(not_before), if may_open => self.opening = Some((self.open)()),
                Some(()) = OptionFuture::from(old_at) => drop(self.ready.pop_front()),
                _ = hold.tick() => self.hold(),
            }
        }
    }

    /// The youngest is given, so that none is close to its end.
    fn give(&mut self, taker: oneshot::Sender<S>) {
        let Some((opened, session)) = self.ready.pop_back() else { return };
        self.failures = 0;
        // Who asked may have gone: then the session is still nobody's.
        if let Err(session) = taker.send(session) {
            self.ready.push_back((opened, session));
        }
    }

    fn opened(&mut self, opened: Opened<S>) {
        self.opening = None;
        match opened {
            Ok(session) => self.keep(session),
            Err(error) => {
                debug!(%error, "no session to keep");
                self.failed();
            }
        }
    }

    fn keep(&mut self, mut session: S) {
        if session.begin() {
            self.ready.push_back((Instant::now(), session));
        } else {
            self.failed();
        }
    }

    fn died(&mut self, index: usize) {
        drop(self.ready.remove(index));
        self.failed();
    }

    fn failed(&mut self) {
        let pause = PAUSE_FIRST.saturating_mul(1 << self.failures.min(8)).min(PAUSE_MAX);
        self.failures += 1;
        self.not_before = Instant::now() + pause;
    }

    fn hold(&mut self) {
        let before = self.ready.len();
        self.ready.retain_mut(|(_, session)| session.hold());
        if self.ready.len() < before {
            self.failed();
        }
    }
}

/// The place of the first session that has died.
async fn dead<S: Kept>(ready: &mut VecDeque<(Instant, S)>) -> usize {
    poll_fn(|context| {
        let mut sessions = ready.iter_mut();
        match sessions.position(|(_, session)| session.poll_dead(context).is_ready()) {
            Some(index) => Poll::Ready(index),
            None => Poll::Pending,
        }
    })
    .await
}
