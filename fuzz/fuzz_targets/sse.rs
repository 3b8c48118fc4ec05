//! Any lines as the chunks of a streamed completion: no panic, and nothing after the end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otto::vendors::openai::reading::Accumulate as _;
use otto::vendors::openai::stream::Accumulator;

fuzz_target!(|text: &str| {
    let mut reply = Accumulator::default();
    for chunk in text.lines() {
        let was_done = reply.is_done();
        match reply.chunk(chunk) {
            Ok(events) => assert!(!was_done || events.is_empty()),
            Err(_) => return,
        }
    }
    let _ = reply.end();
});
