//! Batches, retries, and what is kept while the database is away.

use bytes::Bytes;

use super::*;
use crate::actor;
use crate::domain::TurnId;
use crate::ports::{CallEnd, CallFacts};
use crate::testing::store::{FakeCache, FakeStore};
use crate::testing::world::sid;
use crate::testing::{FakeClock, ms};

struct Bench {
    actor: Mailbox<JournalMsg>,
    journal: Journal,
    args: JournalArgs,
    store: Arc<FakeStore>,
    cache: Arc<FakeCache>,
    live: broadcast::Receiver<Arc<CallEvent>>,
}

async fn bench() -> Bench {
    let (store, cache) = (Arc::<FakeStore>::default(), Arc::<FakeCache>::default());
    let journal = Journal::default();
    let args = JournalArgs { journal: journal.clone(), store: store.clone(), cache: cache.clone() };
    let live = journal.live().subscribe();
    Bench { actor: actor::spawn(JournalActor, args.clone(), None).await.unwrap(), journal, args, store, cache, live }
}

impl Bench {
    fn happens(&self, seqs: std::ops::RangeInclusive<u64>) {
        let at = crate::ports::Clock::now(&FakeClock::monday_morning());
        for seq in seqs {
            let row = JournalRow { call: sid(1), seq, at, turn: TurnId(1), kind: "greeted", payload: Bytes::new() };
            self.journal.event(row, CallEvent { seq, ..CallEvent::default() });
        }
    }

    fn written(&self) -> Vec<u64> {
        self.store.batches.all().concat().iter().map(|row| row.seq).collect()
    }

    async fn written_all(&self, count: usize) {
        let enough = |all: &[Vec<JournalRow>]| all.iter().map(Vec::len).sum::<usize>() == count;
        self.store.batches.until("all events", enough).await;
        assert_eq!(self.written(), (1..=count as u64).collect::<Vec<_>>());
    }

    fn fails(&self, error: Option<StoreError>) {
        self.store.change(|records| records.journal_fails = error);
    }
}

fn away() -> Option<StoreError> {
    Some(StoreError::Unavailable("scripted".into()))
}

#[tokio::test(start_paused = true)]
async fn events_wait_for_their_batch_and_no_longer_than_that() {
    let bench = bench().await;
    let begun = tokio::time::Instant::now();
    bench.happens(1..=10);
    bench.written_all(10).await;
    assert_eq!((bench.store.batches.len(), begun.elapsed()), (1, limits::JOURNAL_FLUSH_EVERY_MS));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_bounded() {
    let bench = bench().await;
    bench.happens(1..=600);
    bench.written_all(600).await;
    assert!(bench.store.batches.all().iter().all(|batch| batch.len() <= limits::JOURNAL_BATCH_EVENTS));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_is_written_later_once_and_in_order() {
    let bench = bench().await;
    bench.fails(away());
    bench.happens(1..=300);
    tokio::time::sleep(ms(1_000)).await;
    assert_eq!(bench.written(), Vec::<u64>::new());
    bench.happens(301..=400);
    bench.fails(None);
    bench.written_all(400).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_database_that_hung_all_is_written() {
    let bench = bench().await;
    bench.store.change(|records| records.journal_takes = ms(3_600_000));
    bench.happens(1..=1);
    tokio::time::sleep(limits::JOURNAL_FLUSH_EVERY_MS * 2).await;
    let count = limits::MAILBOX_MESSAGES + 100;
    for seq in 2..=count {
        bench.happens(seq..=seq);
        tokio::task::yield_now().await;
        assert!(bench.actor.stats().depth <= 1, "one message says it all");
    }
    bench.store.change(|records| records.journal_takes = ms(0));
    let begun = tokio::time::Instant::now();
    bench.written_all(usize::try_from(count).unwrap()).await;
    assert!(
        begun.elapsed() <= limits::STORE_WRITE_TIMEOUT_MS + limits::JOURNAL_FLUSH_EVERY_MS,
        "{:?}",
        begun.elapsed()
    );
    bench.happens(count + 1..=count + 1);
    bench.written_all(usize::try_from(count + 1).unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn the_backlog_is_bounded_and_keeps_the_latest() {
    let bench = bench().await;
    bench.fails(away());
    let (surplus, most) = (5_000, limits::JOURNAL_BACKLOG_EVENTS as u64);
    for from in (1..=most + surplus).step_by(5_000) {
        bench.happens(from..=from + 4_999);
        tokio::time::sleep(ms(10)).await;
    }
    bench.fails(None);
    let complete =
        |all: &[Vec<JournalRow>]| all.last().is_some_and(|b| b.last().is_some_and(|r| r.seq == most + surplus));
    bench.store.batches.until("the backlog", complete).await;
    assert_eq!(bench.written(), (surplus + 1..=most + surplus).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_database_refuses_does_not_hold_up_the_others_for_ever() {
    let bench = bench().await;
    bench.fails(Some(StoreError::Refused("scripted".into())));
    bench.happens(1..=3);
    tokio::time::sleep(ms(1_000)).await;
    bench.fails(None);
    bench.happens(4..=6);
    let later = |all: &[Vec<JournalRow>]| all.concat().iter().any(|row| row.seq == 6);
    bench.store.batches.until("later events", later).await;
    assert_eq!(bench.written(), [4, 5, 6], "asking again is useless: they are dropped and counted");
}

#[tokio::test(start_paused = true)]
async fn the_last_session_counts_and_goes_with_its_call() {
    let bench = bench().await;
    for snapshot in ["one", "two", "three"] {
        let snapshot = Bytes::from_static(snapshot.as_bytes());
        bench.journal.session(sid(1), snapshot);
    }
    bench.cache.done.until("a put", |all| all.len() == 1).await;
    let key = session_key(&sid(1));
    assert_eq!(bench.cache.values.lock().unwrap()[&key], Bytes::from_static(b"three"));
    let ended_at = crate::ports::Clock::now(&FakeClock::monday_morning());
    let end = CallEnd {
        ended_at,
        outcome: "hangup_by_otto",
        turns: 1,
        transcript: String::new(),
        facts: CallFacts::default(),
        reminder: None,
    };
    bench.journal.ended(sid(1), end);
    bench.store.ended.until("the end", |all| all.len() == 1).await;
    assert!(bench.cache.values.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn live_events_are_told_at_once_and_nobody_needs_to_listen() {
    let mut bench = bench().await;
    bench.fails(away());
    bench.happens(1..=1);
    assert_eq!(bench.live.recv().await.unwrap().seq, 1);
    let (closed, _) = broadcast::channel(1);
    drop(std::mem::replace(&mut bench.live, closed.subscribe()));
    bench.fails(None);
    bench.happens(2..=2);
    bench.written_all(2).await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_written_before_the_end() {
    let bench = bench().await;
    bench.happens(1..=5);
    tokio::task::yield_now().await;
    bench.actor.stop_and_wait(ms(1_000)).await;
    assert_eq!(bench.written(), [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_fails_loses_nothing_and_doubles_nothing() {
    let mut bench = bench().await;
    bench.happens(1..=5);
    bench.written_all(5).await;
    bench.happens(6..=300);
    bench.actor.crash();
    bench.actor.ended().await;
    bench.happens(301..=310);
    bench.actor = actor::spawn(JournalActor, bench.args.clone(), None).await.unwrap();
    bench.written_all(310).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_does_not_wait_for_its_timer() {
    let bench = bench().await;
    let begun = tokio::time::Instant::now();
    bench.happens(1..=limits::JOURNAL_BATCH_EVENTS as u64);
    bench.written_all(limits::JOURNAL_BATCH_EVENTS).await;
    assert!(begun.elapsed() < limits::JOURNAL_FLUSH_EVERY_MS);
}
