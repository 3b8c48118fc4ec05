//! Any text as a message of the media socket, before and after its start: no panic, and no audio of another stream.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otto::vendors::twilio::media::{MediaParser, Parsed};
use otto_actors::domain::{CallSid, StreamSid};
use otto_actors::ports::MediaEvent;

fuzz_target!(|text: &str| {
    MediaParser::new().parse(text);
    let (Ok(stream), Ok(call)) = (StreamSid::parse("MZ1"), CallSid::parse("CA1")) else { return };
    let parsed = MediaParser::started(stream, call).parse(text);
    if let Parsed::Event(MediaEvent::Audio(audio)) = parsed {
        assert!(!audio.is_empty());
        // The name may be written with escapes.
        assert!(text.contains("MZ1") || text.contains("\\u"));
    }
});
