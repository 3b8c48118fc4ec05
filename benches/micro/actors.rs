//! A hop into a mailbox and back out, through the wrapper that is around every actor. An actor and its asker are on the
//! threads of one runtime, as in the engine.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use otto_actors::actor::{self, ActorError, Behaviour, Mailbox, ReplyTo};
use otto_actors::names::ActorKind;
use tokio::runtime::{Builder, Runtime};

/// Messages that are sent before their end is waited for; a mailbox holds more.
const BURST: u64 = 100;
const DEADLINE: Duration = Duration::from_secs(5);

struct Counter;

enum Msg {
    Add(u64),
    /// Must be answered at once.
    Sum(ReplyTo<u64>),
}

impl Behaviour for Counter {
    const KIND: ActorKind = ActorKind::Crm;
    type Msg = Msg;
    type Args = ();
    type State = u64;

    async fn start(&self, _myself: &Mailbox<Msg>, (): ()) -> Result<u64, ActorError> {
        Ok(0)
    }

    async fn handle(&self, _myself: &Mailbox<Msg>, msg: Msg, state: &mut u64) -> Result<(), ActorError> {
        match msg {
            Msg::Add(more) => *state = state.wrapping_add(more),
            Msg::Sum(reply_to) => reply_to.send(*state),
        }
        Ok(())
    }
}

pub(super) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("actors");
    for (name, runtime) in [
        ("one thread", Builder::new_current_thread().enable_all().build()),
        ("two threads", Builder::new_multi_thread().worker_threads(2).enable_all().build()),
    ] {
        let runtime = runtime.expect("a runtime");
        let counter = runtime.block_on(actor::spawn(Counter, (), None)).expect("an actor");
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("ask, {name}"), |bencher| {
            bencher.iter_custom(|times| timed(&runtime, asks(counter.clone(), times)));
        });
        group.throughput(Throughput::Elements(BURST));
        group.bench_function(format!("cast 100 and ask, {name}"), |bencher| {
            bencher.iter_custom(|times| timed(&runtime, bursts(counter.clone(), times)));
        });
        runtime.block_on(counter.stop_and_wait(DEADLINE));
    }
    group.finish();
}

/// Times work on a thread of the runtime: the one that waits for it is not of it.
fn timed(runtime: &Runtime, work: impl Future<Output = ()> + Send + 'static) -> Duration {
    let timing = async {
        let began = Instant::now();
        work.await;
        began.elapsed()
    };
    runtime.block_on(async { tokio::spawn(timing).await.expect("no panic") })
}

async fn asks(counter: Mailbox<Msg>, times: u64) {
    for _ in 0..times {
        counter.ask(DEADLINE, Msg::Sum).await.expect("an answer");
    }
}

async fn bursts(counter: Mailbox<Msg>, times: u64) {
    for _ in 0..times {
        for more in 0..BURST {
            counter.cast(Msg::Add(more)).expect("room in the mailbox");
        }
        counter.ask(DEADLINE, Msg::Sum).await.expect("an answer");
    }
}
