//! Any lines as the events of a streamed response: no panic, nothing after the end, and no tool of a reply that was cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otto::vendors::openai::reading::Accumulate as _;
use otto::vendors::openai::responses::stream::Accumulator;
use otto_actors::ports::ModelEvent;

fuzz_target!(|text: &str| {
    let mut reply = Accumulator::default();
    for data in text.lines() {
        let was_done = reply.is_done();
        let Ok(events) = reply.chunk(data) else { return };
        assert!(!was_done || events.is_empty());
        let cut = matches!(events.last(), Some(ModelEvent::Done(end)) if end.truncated);
        assert!(!cut || events.len() == 1);
        assert_eq!(reply.is_done(), was_done || matches!(events.last(), Some(ModelEvent::Done(_))));
    }
});
