//! What the vendors say: the recogniser's results, about four a second while the caller speaks, and a model's reply,
//! token by token.

use std::convert::Infallible;
use std::hint::black_box;

use criterion::Criterion;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use otto::vendors::openai::reading::Accumulate as _;
use otto::vendors::openai::stream::Accumulator;
use otto::vendors::{deepgram_flux, deepgram_stt, deepgram_tts};
use otto_actors::ports::ModelEvent;
use serde_json::json;
use sse_stream::SseByteStream;

const WORDS: &str = "I need an oil change and somebody should look at the brakes";
const REPLY: &str = "We do oil changes, tire rotations, brake inspections and batteries. Each of them takes about half an \
                     hour. Which day would suit you best?";

pub(super) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("vendors");
    let results = results();
    group.bench_function("stt: results of 12 words", |bencher| {
        bencher.iter(|| deepgram_stt::parse(black_box(&results)).expect("a transcript"));
    });
    let update = update();
    group.bench_function("stt: Flux update of 12 words", |bencher| {
        bencher.iter(|| deepgram_flux::parse(black_box(&update)).expect("a turn"));
    });
    let flushed = r#"{"type":"Flushed","sequence_id":3}"#;
    group.bench_function("tts: flushed", |bencher| {
        bencher.iter(|| deepgram_tts::parse(black_box(flushed)).expect("an event"));
    });
    let chunks = reply();
    group.bench_function("model: a reply of 26 tokens", |bencher| {
        bencher.iter(|| {
            let events = read(black_box(&chunks));
            assert!(matches!(events.last(), Some(ModelEvent::Done(_))));
            events
        });
    });
    group.finish();
}

/// Reads a streamed reply as the adapter does, but for the network.
fn read(chunks: &[String]) -> Vec<ModelEvent> {
    let body = stream::iter(chunks.iter().map(|chunk| Ok::<_, Infallible>(chunk.as_bytes())));
    let mut source = SseByteStream::new(body);
    let (mut reply, mut events) = (Accumulator::default(), Vec::new());
    while let Some(Some(event)) = source.next().now_or_never() {
        events.extend(reply.chunk(&event.expect("an event").data.expect("data")).expect("a chunk"));
    }
    events
}

fn words() -> Vec<serde_json::Value> {
    let words = WORDS.split(' ').enumerate();
    let word = |(n, word): (usize, &str)| {
        let start = 6.1 + 0.3 * n as f64;
        json!({"word": word.to_lowercase(), "start": start, "end": start + 0.25, "confidence": 0.98765,
            "punctuated_word": word})
    };
    words.map(word).collect()
}

fn results() -> String {
    json!({"type": "Results", "channel_index": [0, 1], "duration": 3.98, "start": 5.99, "is_final": false,
        "speech_final": false, "from_finalize": false,
        "channel": {"alternatives": [{"transcript": WORDS, "confidence": 0.98765, "words": words()}]},
        "metadata": {"request_id": "8f1c2d3e-0000-4000-8000-000000000000", "model_uuid":
            "8f1c2d3e-0000-4000-8000-000000000001", "model_info": {"name": "nova-3", "version": "2026-01-01.0",
            "arch": "nova-3"}}})
    .to_string()
}

fn update() -> String {
    let words: Vec<_> = WORDS.split(' ').map(|word| json!({"word": word, "confidence": 0.98765})).collect();
    json!({"type": "TurnInfo", "request_id": "8f1c2d3e-0000-4000-8000-000000000000", "sequence_id": 17,
        "event": "Update", "turn_index": 2, "audio_window_start": 5.99, "audio_window_end": 9.97, "transcript": WORDS,
        "words": words, "end_of_turn_confidence": 0.1234})
    .to_string()
}

/// The chunks of a streamed completion, each as the network brings it.
fn reply() -> Vec<String> {
    let chunk = |delta: serde_json::Value, finish: Option<&str>| {
        let chunk = json!({"id": "chatcmpl-0123456789abcdef", "object": "chat.completion.chunk", "created": 1_780_000_000,
            "model": "gpt-6-luna", "service_tier": "default", "system_fingerprint": null,
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}], "usage": null});
        format!("data: {chunk}\n\n")
    };
    let mut chunks = vec![chunk(json!({"role": "assistant", "content": "", "refusal": null}), None)];
    chunks.extend(REPLY.split_inclusive(' ').map(|token| chunk(json!({"content": token}), None)));
    chunks.push(chunk(json!({}), Some("stop")));
    chunks.push("data: [DONE]\n\n".to_owned());
    chunks
}
