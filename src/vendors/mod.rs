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

use otto_actors::domain::Shop;
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

/// What the callers of a shop say, so that it is heard well.
#[derive(Debug, Clone, Default)]
pub struct Speech {
    /// Their languages, as ISO 639-1 codes, the shop's own first.
    pub languages: Vec<String>,
    /// Words and phrases of the shop that are easily misheard.
    pub keyterms: Vec<String>,
}

impl Speech {
    /// What is said to this shop.
    #[must_use]
    pub fn of(shop: &Shop) -> Self {
        let services = shop.services.iter().map(|service| service.name.clone());
        Self {
            languages: shop.languages.clone(),
            keyterms: std::iter::once(shop.name.clone()).chain(services).collect(),
        }
    }
}

/// Deepgram's speech-to-text by the interface that the model is on.
#[must_use]
pub fn speech_to_text(base: &Url, key: SecretString, model: &str, speech: &Speech) -> Arc<dyn SpeechToText> {
    if model.starts_with("flux") {
        Arc::new(DeepgramFlux::new(base, key, model, speech))
    } else {
        Arc::new(DeepgramStt::new(base, key, model, speech))
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
