//! Everything outside a call that it needs: ports, shared actors, the shop. One for all calls.

use std::sync::Arc;

use crate::domain::{PhoneNumber, Shop};
use crate::journal::Journal;
use crate::playback::Phrases;
use crate::ports::{Clock, LanguageModel, SpeechToText, Telephony, TextToSpeech, ToolSpec};
use crate::root::Addresses;
use crate::tools::{self, ToolRouter};

/// What every call needs.
pub struct Outside {
    /// Who hears.
    pub stt: Arc<dyn SpeechToText>,
    /// Who speaks.
    pub tts: Arc<dyn TextToSpeech>,
    /// What can be said without waiting for who speaks.
    pub phrases: Arc<Phrases>,
    /// Who thinks.
    pub model: Arc<dyn LanguageModel>,
    /// Who ends and transfers calls; none without an account.
    pub telephony: Option<Arc<dyn Telephony>>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The shop.
    pub shop: Arc<Shop>,
    /// Who takes over from Otto.
    pub escalation: Option<PhoneNumber>,
    /// The journal.
    pub journal: Journal,
    /// Runs tools.
    pub router: ToolRouter,
    /// What the model is told in every call.
    pub instructions: Arc<str>,
    /// What the model may call.
    pub tools: Arc<[ToolSpec]>,
    /// The same in a call that reminds of an appointment.
    pub reminder_tools: Arc<[ToolSpec]>,
    /// The model may be asked before a caller has finished.
    pub speculates: bool,
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outside")
    }
}

/// The vendors of an [`Outside`].
pub struct Vendors {
    /// Who hears.
    pub stt: Arc<dyn SpeechToText>,
    /// Who speaks.
    pub tts: Arc<dyn TextToSpeech>,
    /// Who thinks.
    pub model: Arc<dyn LanguageModel>,
    /// Who ends and transfers calls; none without an account.
    pub telephony: Option<Arc<dyn Telephony>>,
}

impl Outside {
    /// Puts everything together.
    #[must_use]
    pub fn new(
        vendors: Vendors,
        clock: Arc<dyn Clock>,
        shop: Arc<Shop>,
        escalation: Option<PhoneNumber>,
        addresses: &Addresses,
    ) -> Self {
        let Vendors { stt, tts, model, telephony } = vendors;
        let router = ToolRouter {
            crm: addresses.crm.clone(),
            calendar: addresses.calendar.clone(),
            notifier: addresses.notifier.clone(),
            vins: None,
            shop: Arc::clone(&shop),
            clock: Arc::clone(&clock),
            can_transfer: escalation.is_some(),
            can_dial: shop.reminders.enabled && telephony.as_ref().is_some_and(|company| company.can_dial()),
            sends_texts: telephony.as_ref().is_some_and(|company| company.can_text()),
        };
        let instructions = super::prompt::instructions(&shop).into();
        let tools = tools::specs(escalation.is_some());
        let reminder_tools = tools::reminder_specs(escalation.is_some());
        let journal = Journal::default();
        let phrases = Arc::new(Phrases::new(Arc::clone(&tts)));
        let speculates = true;
        Self {
            stt,
            tts,
            phrases,
            model,
            telephony,
            clock,
            shop,
            escalation,
            journal,
            router,
            instructions,
            tools,
            reminder_tools,
            speculates,
        }
    }

    /// Makes the shop's fixed texts ready to be said, the one that begins a call first.
    pub async fn prepare_phrases(&self) {
        let w = &self.shop.wording;
        let texts = [
            &w.greeting_unknown,
            &w.filler,
            &w.filler_again,
            &w.deaf,
            &w.still_there,
            &w.still_there_again,
            &w.silent_goodbye,
            &w.trouble,
            &w.goodbye,
            &w.transfer,
            &w.apology,
        ];
        self.phrases.fill(texts.into_iter().map(|text| self.shop.say(text, None)).collect()).await;
    }
}
