//! The ear of `/v2/listen` (Flux): it hears turns. The rules of its events are the vendor's: an update about every quarter
//! of a second, an eager end that is never empty, an end with the words of the eager end before it or a resumption in
//! between, and a new turn right after an end. How sure it is of an end grows with the silence.

use serde_json::{Value, json};

use super::ear::{Ear, Event};
use super::recogniser::{CONFIDENCE, STEP_SAMPLES, seconds};
use crate::deepgram::{Query, Refusal};
use crate::speech::{SAMPLES_PER_MS, Word, WordDecoder};

/// Names in the spec's parameter list.
const KNOWN: [&str; 13] = [
    "eager_eot_threshold",
    "encoding",
    "eot_threshold",
    "eot_timeout_ms",
    "keyterm",
    "language_hint",
    "mip_opt_out",
    "model",
    "numerals",
    "profanity_filter",
    "redact",
    "sample_rate",
    "tag",
];

/// What a client asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct FluxQuery {
    /// The model's name.
    pub model: String,
    /// Confidence at which a turn ends.
    pub eot_threshold: f64,
    /// Confidence at which a turn has probably ended; nothing is said of it when unset.
    pub eager_eot_threshold: Option<f64>,
    /// Silence that ends a turn in any case, in milliseconds of audio.
    pub eot_timeout_ms: u64,
}

impl FluxQuery {
    /// Parses and checks a raw query as the vendor does.
    pub(crate) fn parse(raw: &str) -> Result<Self, Refusal> {
        let query = Query::parse(raw, &KNOWN)?;
        query.require_telephone_audio()?;
        let model = query.get("model").unwrap_or_default().to_owned();
        if !["flux-general-en", "flux-general-multi"].contains(&model.as_str()) {
            return Err(Refusal::bad_request("No such model found."));
        }
        if query.has("language_hint") && model != "flux-general-multi" {
            return Err(Refusal::bad_request("language_hint is supported by flux-general-multi alone."));
        }
        for name in ["numerals", "profanity_filter", "mip_opt_out"] {
            query.flag(name)?;
        }
        let eot_threshold = fraction(&query, "eot_threshold", 0.5, 0.9)?.unwrap_or(0.7);
        let eager_eot_threshold = fraction(&query, "eager_eot_threshold", 0.3, 0.9)?;
        if eager_eot_threshold.is_some_and(|eager| eager > eot_threshold) {
            return Err(Refusal::bad_request("eager_eot_threshold must not be above eot_threshold."));
        }
        let eot_timeout_ms = query.number("eot_timeout_ms")?.unwrap_or(5_000);
        if !(500..=10_000).contains(&eot_timeout_ms) {
            return Err(Refusal::bad_request("eot_timeout_ms must be between 500 and 10000."));
        }
        Ok(FluxQuery { model, eot_threshold, eager_eot_threshold, eot_timeout_ms })
    }
}

fn fraction(query: &Query, name: &str, least: f64, most: f64) -> Result<Option<f64>, Refusal> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let value = text.parse().ok().filter(|value| (least..=most).contains(value));
    value.map(Some).ok_or_else(|| Refusal::bad_request(format!("{name} must be between {least} and {most}.")))
}

/// Hears one socket's audio as turns.
#[derive(Debug)]
pub struct FluxRecogniser {
    query: FluxQuery,
    request_id: String,
    update_samples: u64,
    sure_after_ms: u64,
    words: WordDecoder,
    /// Words of the turn.
    turn: Vec<Word>,
    turn_index: u64,
    turn_start: u64,
    /// The turn has begun.
    speaking: bool,
    /// An eager end was said and neither the end nor a resumption since.
    eager: bool,
    last_event: u64,
    sequence: u64,
    finals: Vec<String>,
}

impl FluxRecogniser {
    /// An ear at the beginning of a socket, which is quite sure of an end after so much silence.
    pub fn new(query: FluxQuery, request_id: String, update_ms: u64, sure_after_ms: u64) -> Self {
        FluxRecogniser {
            query,
            request_id,
            update_samples: update_ms * SAMPLES_PER_MS,
            sure_after_ms,
            words: WordDecoder::default(),
            turn: Vec::new(),
            turn_index: 0,
            turn_start: 0,
            speaking: false,
            eager: false,
            last_event: 0,
            sequence: 0,
            finals: Vec::new(),
        }
    }

    fn position(&self) -> u64 {
        self.words.decoder().position()
    }

    fn silent_for_ms(&self) -> u64 {
        self.words.decoder().silent_for() / SAMPLES_PER_MS
    }

    fn confidence(&self) -> f64 {
        (self.silent_for_ms() as f64 / self.sure_after_ms.max(1) as f64).min(1.0)
    }

    /// At most one event a step: the weightiest.
    fn step(&mut self, audio: &[u8]) -> Option<Event> {
        let words = self.words.feed(audio);
        let more = !words.is_empty();
        self.turn.extend(words);
        let event = if !self.speaking && more {
            self.speaking = true;
            "StartOfTurn"
        } else if self.eager && (more || self.silent_for_ms() == 0) {
            self.eager = false;
            "TurnResumed"
        } else if self.ended() {
            "EndOfTurn"
        } else if self.probably_ended() {
            self.eager = true;
            "EagerEndOfTurn"
        } else if self.position() - self.last_event >= self.update_samples {
            "Update"
        } else {
            return None;
        };
        Some(self.turn_info(event))
    }

    /// A word that is still open may go on, however silent it is.
    fn whole(&self) -> bool {
        self.speaking && self.words.partial().is_none()
    }

    fn ended(&self) -> bool {
        let sure = self.confidence() >= self.query.eot_threshold || self.silent_for_ms() >= self.query.eot_timeout_ms;
        self.whole() && sure
    }

    fn probably_ended(&self) -> bool {
        let likely = self.query.eager_eot_threshold.is_some_and(|eager| self.confidence() >= eager);
        self.whole() && likely && !self.eager
    }

    fn turn_info(&mut self, event: &str) -> Event {
        self.last_event = self.position();
        let texts: Vec<&str> = self.turn.iter().map(|word| word.text.as_str()).collect();
        let transcript = texts.join(" ");
        let told = Some(transcript.clone()).filter(|text| !text.is_empty());
        let words: Vec<Value> = self
            .turn
            .iter()
            .map(|word| {
                json!({"word": word.text, "confidence": CONFIDENCE, "start": seconds(word.start),
                    "end": seconds(word.end)})
            })
            .collect();
        let info = json!({"type": "TurnInfo", "event": event, "turn_index": self.turn_index,
            "audio_window_start": seconds(self.turn_start), "audio_window_end": seconds(self.position()),
            "transcript": transcript, "words": words, "end_of_turn_confidence": self.confidence()});
        if event == "EndOfTurn" {
            self.finals.push(transcript);
            self.turn.clear();
            self.turn_index += 1;
            self.turn_start = self.position();
            (self.speaking, self.eager) = (false, false);
        }
        Event { transcript: told, ends_turn: event == "EndOfTurn", ..self.numbered(info) }
    }

    /// Every message has the request's id and its own number.
    fn numbered(&mut self, mut message: Value) -> Event {
        message["request_id"] = json!(self.request_id);
        message["sequence_id"] = json!(self.sequence);
        self.sequence += 1;
        Event::wordless(&message)
    }
}

impl Ear for FluxRecogniser {
    fn greet(&mut self) -> Option<Event> {
        Some(self.numbered(json!({"type": "Connected"})))
    }

    fn feed(&mut self, audio: &[u8]) -> Vec<Event> {
        audio.chunks(STEP_SAMPLES).filter_map(|step| self.step(step)).collect()
    }

    fn command(&mut self, message: &Value) -> Option<Vec<Event>> {
        if message["type"] != "Configure" {
            return None;
        }
        let thresholds = &message["thresholds"];
        self.query.eot_threshold = thresholds["eot_threshold"].as_f64().unwrap_or(self.query.eot_threshold);
        self.query.eot_timeout_ms = thresholds["eot_timeout_ms"].as_u64().unwrap_or(self.query.eot_timeout_ms);
        let eager = thresholds["eager_eot_threshold"].as_f64();
        self.query.eager_eot_threshold = eager.or(self.query.eager_eot_threshold);
        let done = json!({"type": "ConfigureSuccess", "thresholds": {"eot_threshold": self.query.eot_threshold,
            "eager_eot_threshold": self.query.eager_eot_threshold, "eot_timeout_ms": self.query.eot_timeout_ms},
            "keyterms": message["keyterms"].as_array().cloned().unwrap_or_default()});
        Some(vec![self.numbered(done)])
    }

    fn finish(&mut self) -> Vec<Event> {
        self.turn.extend(self.words.cut());
        if self.turn.is_empty() { Vec::new() } else { vec![self.turn_info("EndOfTurn")] }
    }

    fn finals(&self) -> &[String] {
        &self.finals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::{encode, silence};

    const QUERY: &str = "model=flux-general-en&encoding=mulaw&sample_rate=8000&eot_timeout_ms=1500";

    fn ear(extra: &str) -> FluxRecogniser {
        FluxRecogniser::new(FluxQuery::parse(&format!("{QUERY}{extra}")).unwrap(), "id".into(), 250, 500)
    }

    /// Events but updates as short lines: turn, event, transcript.
    fn lines(events: &[Event]) -> Vec<String> {
        let line = |event: Value| {
            let text = |name: &str| event[name].as_str().unwrap().to_owned();
            format!("{} {} {}", event["turn_index"], text("event"), text("transcript"))
        };
        values(events).into_iter().filter(|event| event["event"] != "Update").map(line).collect()
    }

    fn values(events: &[Event]) -> Vec<Value> {
        events.iter().map(|event| serde_json::from_str(&event.json).unwrap()).collect()
    }

    #[test]
    fn turns_follow_each_other() {
        let audio = [silence(600), encode("Hi, oil.", 30), silence(900), encode("Now.", 30), silence(900)].concat();
        let events = ear("&eager_eot_threshold=0.4").feed(&audio);
        let expected = [
            "0 StartOfTurn Hi,",
            "0 EagerEndOfTurn Hi, oil.",
            "0 EndOfTurn Hi, oil.",
            "1 StartOfTurn Now.",
            "1 EagerEndOfTurn Now.",
            "1 EndOfTurn Now.",
        ];
        assert_eq!(lines(&events), expected);
        let told: Vec<&str> = events.iter().filter(|e| e.ends_turn).filter_map(|e| e.transcript.as_deref()).collect();
        assert_eq!(told, ["Hi, oil.", "Now."]);
        let events = values(&events);
        assert_eq!((&events[0]["event"], &events[0]["transcript"]), (&json!("Update"), &json!("")));
        assert!(events.iter().enumerate().all(|(number, event)| event["sequence_id"] == number));
    }

    #[test]
    fn who_goes_on_resumes_the_turn() {
        let audio = [encode("Oil", 30), silence(300), encode("change.", 30), silence(900)].concat();
        let events = lines(&ear("&eager_eot_threshold=0.5").feed(&audio));
        let [start, eager, resumed, again, end] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((start.as_str(), eager.as_str()), ("0 StartOfTurn Oil", "0 EagerEndOfTurn Oil"));
        assert!(resumed.starts_with("0 TurnResumed Oil"), "{resumed}");
        assert_eq!(again, "0 EagerEndOfTurn Oil change.");
        assert_eq!(end, "0 EndOfTurn Oil change.");
    }

    #[test]
    fn without_a_threshold_nothing_is_eager() {
        let events = lines(&ear("").feed(&[encode("Oil", 30), silence(900)].concat()));
        assert_eq!(events, ["0 StartOfTurn Oil", "0 EndOfTurn Oil"]);
    }

    #[test]
    fn an_ear_may_be_slower_to_be_sure() {
        let mut ear = ear("&eager_eot_threshold=0.5");
        ear.sure_after_ms = 1_000;
        assert_eq!(lines(&ear.feed(&[encode("Oil", 30), silence(400)].concat())), ["0 StartOfTurn Oil"]);
        assert_eq!(lines(&ear.feed(&silence(200))), ["0 EagerEndOfTurn Oil"]);
        assert_eq!(lines(&ear.feed(&silence(200))), ["0 EndOfTurn Oil"]);
    }

    #[test]
    fn an_ear_that_is_never_sure_ends_a_turn_after_the_timeout() {
        let mut ear = ear("");
        ear.query.eot_threshold = f64::INFINITY;
        assert_eq!(lines(&ear.feed(&[encode("Oil", 30), silence(1_400)].concat())), ["0 StartOfTurn Oil"]);
        assert_eq!(lines(&ear.feed(&silence(200))), ["0 EndOfTurn Oil"]);
    }

    #[test]
    fn queries_of_the_other_interface_are_refused() {
        for extra in [
            "&interim_results=true",
            "&endpointing=300",
            "&language=en-US",
            "&channels=1",
            "&smart_format=true",
            "&keywords=oil",
            "&eot_threshold=0.2",
            "&eager_eot_threshold=0.8",
            "&language_hint=en",
        ] {
            assert!(FluxQuery::parse(&format!("{QUERY}{extra}")).is_err(), "{extra}");
        }
        for (good, bad) in [("flux-general-en", "nova-3"), ("eot_timeout_ms=1500", "eot_timeout_ms=100")] {
            assert!(FluxQuery::parse(&QUERY.replace(good, bad)).is_err(), "{bad}");
        }
    }
}
