//! Any text as a message of any Deepgram socket: no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otto::vendors::{deepgram_flux, deepgram_stt, deepgram_tts};

fuzz_target!(|text: &str| {
    let _ = deepgram_stt::parse(text);
    let _ = deepgram_flux::parse(text);
    let _ = deepgram_tts::parse(text);
});
