//! The adapters to the outside, one vendor a file or folder. Vendors' types stop here: what leaves this module is a
//! port of [`otto_actors::ports`] or a plain function on text.
//!
//! Shared by the adapters: [`crypto`] (the TLS provider), [`rest`] (HTTP clients and what a status means) and
//! [`socket`] (WebSocket clients and what a close frame means).

pub mod crypto;
pub mod deepgram_flux;
pub mod deepgram_stt;
pub mod deepgram_tts;
pub mod fallback;
pub mod google;
pub mod nhtsa;
pub mod openai;
pub mod rest;
pub mod socket;
#[cfg(test)]
mod testing;
pub mod twilio;
pub mod warm;

use std::sync::Arc;

use otto_actors::ports::SpeechToText;
use secrecy::SecretString;
use url::Url;

pub use deepgram_flux::DeepgramFlux;
pub use deepgram_stt::DeepgramStt;
pub use deepgram_tts::DeepgramTts;
pub use fallback::Fallback;
pub use google::GoogleCalendar;
pub use nhtsa::Nhtsa;
pub use openai::OpenAi;
pub use twilio::TwilioRest;

/// Deepgram's speech-to-text by the interface that the model is on. `keyterms` are words of the shop that should be heard
/// well.
#[must_use]
pub fn speech_to_text(base: Url, key: SecretString, model: String, keyterms: Vec<String>) -> Arc<dyn SpeechToText> {
    if model.starts_with("flux") {
        Arc::new(DeepgramFlux::new(&base, key, &model, &keyterms))
    } else {
        Arc::new(DeepgramStt::new(base, key, model, keyterms))
    }
}

/// Longest text of a vendor that is repeated in an error, in characters.
const DETAIL_MAX_CHARS: usize = 160;

/// A vendor's words made fit for a log line: one line, bounded. Only for texts that cannot hold what a caller said.
fn detail(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(DETAIL_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_one_bounded_line() {
        assert_eq!(detail("a\nb\u{7}c"), "a b c");
        assert_eq!(detail(&"é".repeat(500)).chars().count(), DETAIL_MAX_CHARS);
    }
}
