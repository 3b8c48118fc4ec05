//! What is built once a turn or less: the history for a model's request, the free times of a day, an event of the journal.

use std::hint::black_box;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use criterion::Criterion;
use otto_actors::domain::{BayId, BookedTime, Shop, TurnId, UtteranceId, slots};
use otto_actors::history::{Entry, History, HistoryOp};
use otto_actors::ports::ToolCall;
use otto_proto::v1::{CallEvent, OttoSaid, call_event::Body};
use prost::Message as _;

/// Turns of a long call: about five minutes.
const TURNS: u64 = 20;
const SAID: &str = "We do oil changes, tire rotations, brake inspections and batteries, and each takes half an hour.";
/// Bays of a shop of some size.
const BAYS: i64 = 4;

pub(super) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("records");
    let history = history();
    group.bench_function("history of 20 turns for the model", |bencher| {
        bencher.iter(|| black_box(&history).for_model());
    });
    group.bench_function("history: add an answer and cut it", |bencher| {
        bencher.iter_batched(
            || (history.clone(), answer(TURNS + 1, Vec::new()), SAID[..40].to_owned()),
            |(mut history, answer, heard)| {
                history.apply(HistoryOp::Add(answer));
                history.apply(HistoryOp::Cut { utterance: UtteranceId(TURNS + 1), heard });
                history
            },
            criterion::BatchSize::SmallInput,
        );
    });
    let (shop, day, now) = (Shop::default(), NaiveDate::from_ymd_opt(2026, 11, 24).expect("a Tuesday"), now());
    let booked = booked(&shop, day);
    group.bench_function("slots: free on a day, 4 bays half booked", |bencher| {
        bencher.iter(|| slots::free_on(&shop, black_box(day), 60, black_box(&booked), BAYS as usize, now));
    });
    let event = event();
    group.bench_function("journal: encode what Otto said", |bencher| {
        bencher.iter(|| black_box(&event).encode_to_vec());
    });
    group.finish();
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_370_400, 0).expect("a time")
}

fn answer(turn: u64, tool_calls: Vec<ToolCall>) -> Entry {
    Entry::Assistant { turn: TurnId(turn), utterance: UtteranceId(turn), text: SAID.to_owned(), tool_calls }
}

/// Every fourth answer calls a tool.
fn history() -> History {
    let turn = |turn: u64| {
        let id = format!("call_{turn}");
        let arguments = r#"{"date":"2026-11-24","service":"Oil change"}"#.to_owned();
        let calls = turn.is_multiple_of(4).then(|| ToolCall { id: id.clone(), name: "find_times".into(), arguments });
        let content = r#"{"success":true,"times":["9:00","9:30","10:00"]}"#.to_owned();
        let result = calls.is_some().then_some(Entry::Tool { tool_call_id: id, content });
        let said = Entry::User("I need an oil change and somebody should look at the brakes.".to_owned());
        [said, answer(turn, calls.into_iter().collect())].into_iter().chain(result)
    };
    History::from_entries((1..=TURNS).flat_map(turn).collect())
}

/// Every other hour of every bay.
fn booked(shop: &Shop, day: NaiveDate) -> Vec<BookedTime> {
    let (from, _) = slots::day_bounds(shop, day);
    let hours = (9..17).step_by(2).flat_map(|hour| (1..=BAYS).map(move |bay| (hour, bay)));
    hours
        .map(|(hour, bay)| {
            let starts_at = from + Duration::hours(hour);
            BookedTime { bay: BayId(bay), starts_at, ends_at: starts_at + Duration::hours(1) }
        })
        .collect()
}

fn event() -> CallEvent {
    CallEvent {
        call_sid: "CA0123456789abcdef0123456789abcdef".to_owned(),
        seq: 41,
        at_ms: 1_795_370_400_000,
        turn: 12,
        body: Some(Body::OttoSaid(OttoSaid { utterance: 13, text: SAID.to_owned(), interrupted: true })),
    }
}
