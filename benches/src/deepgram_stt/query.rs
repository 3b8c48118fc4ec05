//! The query of `/v1/listen`: what the spec allows, and what of it the simulated ear acts upon.

use crate::deepgram::{Query, Refusal};

/// Names in the spec's parameter list, and `no_delay`, which the documentation alone has.
const KNOWN: [&str; 29] = [
    "callback",
    "callback_method",
    "channels",
    "detect_entities",
    "diarize",
    "diarize_model",
    "dictation",
    "encoding",
    "endpointing",
    "extra",
    "interim_results",
    "keyterm",
    "keywords",
    "language",
    "mip_opt_out",
    "model",
    "multichannel",
    "no_delay",
    "numerals",
    "profanity_filter",
    "punctuate",
    "redact",
    "replace",
    "sample_rate",
    "search",
    "smart_format",
    "tag",
    "utterance_end_ms",
    "vad_events",
];

/// Models of the spec's enumeration that hear English telephone audio, and `nova-2-phonecall`, which the documentation
/// still lists.
const MODELS: [&str; 28] = [
    "nova-3",
    "nova-3-general",
    "nova-3-medical",
    "nova-2",
    "nova-2-general",
    "nova-2-meeting",
    "nova-2-finance",
    "nova-2-conversationalai",
    "nova-2-voicemail",
    "nova-2-video",
    "nova-2-medical",
    "nova-2-drivethru",
    "nova-2-automotive",
    "nova-2-phonecall",
    "nova",
    "nova-general",
    "nova-phonecall",
    "nova-medical",
    "enhanced",
    "enhanced-general",
    "enhanced-meeting",
    "enhanced-phonecall",
    "enhanced-finance",
    "base",
    "meeting",
    "phonecall",
    "finance",
    "conversationalai",
];

/// Silence that ends an utterance when the query does not say, in milliseconds.
const DEFAULT_ENDPOINTING_MS: u64 = 10;

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenQuery {
    /// The model's name.
    pub model: String,
    /// Whether interim results are sent.
    pub interim_results: bool,
    /// Silence after which an utterance is final, in milliseconds of audio; `None` when switched off.
    pub endpointing_ms: Option<u64>,
    /// Gap after the last word at which `UtteranceEnd` is sent, in milliseconds of audio.
    pub utterance_end_ms: Option<u64>,
    /// Whether `SpeechStarted` is sent.
    pub vad_events: bool,
    /// Whether transcripts have punctuation and capitals.
    pub punctuate: bool,
}

impl ListenQuery {
    /// Parses and checks a raw query as the vendor does.
    pub(crate) fn parse(raw: &str) -> Result<Self, Refusal> {
        let query = Query::parse(raw, &KNOWN)?;
        query.require_telephone_audio()?;
        let model = model(&query)?;
        for name in ["detect_entities", "dictation", "multichannel", "no_delay", "numerals", "profanity_filter"] {
            query.flag(name)?;
        }
        let interim_results = query.flag("interim_results")?;
        let punctuate = query.flag("punctuate")? | query.flag("smart_format")?;
        let utterance_end_ms = query.number("utterance_end_ms")?;
        if utterance_end_ms.is_some() && !interim_results {
            return Err(Refusal::bad_request("utterance_end_ms requires interim_results=true."));
        }
        if query.number("channels")?.unwrap_or(1) != 1 {
            return Err(Refusal::bad_request("The simulator hears one channel."));
        }
        let vad_events = query.flag("vad_events")?;
        let endpointing_ms = endpointing(&query)?;
        Ok(ListenQuery { model, interim_results, endpointing_ms, utterance_end_ms, vad_events, punctuate })
    }
}

fn model(query: &Query) -> Result<String, Refusal> {
    let model = query.get("model").unwrap_or("base").to_owned();
    if !MODELS.contains(&model.as_str()) {
        return Err(Refusal::bad_request("No such model/language/tier combination found."));
    }
    let nova_3 = model.starts_with("nova-3");
    if query.has("keywords") && nova_3 {
        return Err(Refusal::bad_request("Keywords are not supported for Nova-3. Use keyterm."));
    }
    if query.has("keyterm") && !nova_3 {
        return Err(Refusal::bad_request("Keyterm is supported by Nova-3 alone. Use keywords."));
    }
    Ok(model)
}

fn endpointing(query: &Query) -> Result<Option<u64>, Refusal> {
    match query.get("endpointing") {
        Some("false") => Ok(None),
        None | Some("true") => Ok(Some(DEFAULT_ENDPOINTING_MS)),
        Some(_) => query.number("endpointing"),
    }
}
