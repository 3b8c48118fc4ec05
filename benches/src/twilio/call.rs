//! The life of a call: the first webhook, the verbs of every document, the end. One task for each call.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tokio_util::sync::DropGuard;
use url::Url;
use uuid::Uuid;

use super::amd::Detection;
use super::callbacks::Params;
use super::caller::{Leg, LegEnd};
use super::fields::Parties;
use super::media::media_handshake;
use super::progress::Progress;
use super::registry::{Control, OutboundCall};
use super::report::{CallReport, Recorder, Side, What};
use super::script::{Ears, Script};
use super::twiml::{self, Verb};
use super::webhook::{self, Answer, Product};
use super::{CallPlan, Engine, Shared, Stream, TwilioFault};
use crate::record::Violation;

/// The number's voice URL, under the engine's base URL.
const INBOUND_PATH: &str = "/api/v1/webhooks/inbound-call";

/// Documents that may follow one another by `<Redirect>` (error 11215).
const MAX_REDIRECTS: u32 = 10;

/// The line that a call is on.
pub(super) struct Line {
    pub(super) parties: Parties,
    pub(super) control: UnboundedReceiver<Control>,
    pub(super) progress: Progress,
    /// What the engine asked for, when it placed the call.
    pub(super) taken: Option<Taken>,
}

/// A call that the engine placed and that somebody has picked up.
pub(super) struct Taken {
    pub(super) call: OutboundCall,
    pub(super) detection: Option<Detection>,
}

/// One call.
pub(super) struct Call {
    pub(super) shared: Arc<Shared>,
    pub(super) parties: Parties,
    pub(super) recorder: Recorder,
    pub(super) script: Script,
    pub(super) ears: Ears,
    pub(super) control: UnboundedReceiver<Control>,
    pub(super) deadline: Instant,
    pub(super) engine: Engine,
    /// The URL of the running document, against which relative ones are read.
    pub(super) document: Url,
    /// Told once so many steps of the script are over.
    pub(super) opening: Option<(usize, oneshot::Sender<()>)>,
    progress: Option<Progress>,
    taken: Option<Taken>,
    detecting: Option<DropGuard>,
    dial_status: String,
    redirects: u32,
}

/// What follows a verb.
enum Flow {
    /// The next verb.
    Next,
    /// Another document.
    Document(Vec<Verb>),
    /// The end of the call.
    Ended(Side),
}

impl Call {
    pub(super) fn new(shared: Arc<Shared>, engine: Engine, plan: CallPlan, line: Line) -> Self {
        let rng = shared.knobs.with_rng(rand::SeedableRng::from_rng);
        let pace = shared.knobs.settings().ms_per_char;
        Call {
            recorder: Recorder::new(line.parties.call_sid.clone(), plan.events),
            script: Script::new(plan.steps, pace, rng),
            ears: Ears::default(),
            deadline: Instant::now() + plan.max_duration,
            document: engine.base_url.clone(),
            opening: None,
            progress: Some(line.progress),
            taken: line.taken,
            detecting: None,
            dial_status: plan.dial_status,
            redirects: 0,
            shared,
            engine,
            control: line.control,
            parties: line.parties,
        }
    }

    /// Runs the call to its end.
    pub(super) async fn run(mut self) -> CallReport {
        let stop = self.shared.scope.stop.clone();
        let side = tokio::select! {
            () = stop.cancelled() => Side::Twilio,
            side = self.drive() => side,
        };
        self.detecting = None;
        match self.progress.take() {
            Some(progress) if stop.is_cancelled() => progress.end_in_silence("completed"),
            Some(progress) => {
                stop.run_until_cancelled(progress.end("completed")).await;
            }
            None => {}
        }
        self.recorder.finish(side)
    }

    async fn drive(&mut self) -> Side {
        let mut flow = self.begin().await;
        loop {
            match flow {
                Flow::Document(verbs) => flow = self.run_document(verbs).await,
                Flow::Ended(side) => return side,
                // A document that has come to its end hangs up.
                Flow::Next => return Side::Otto,
            }
        }
    }

    async fn begin(&mut self) -> Flow {
        let Some(Taken { call, detection }) = self.taken.take() else {
            let params = self.params("ringing");
            let flow = self.fetch(INBOUND_PATH, params).await;
            let now = self.shared.clock.now();
            self.shared.registry.update(&self.parties.call_sid, |record| {
                (record.status, record.answered) = ("in-progress", Some(now));
            });
            return flow;
        };
        let answered_by = match self.detect(detection).await {
            Ok(answered_by) => answered_by,
            Err(control) => return self.controlled(control).await,
        };
        if let Some(document) = call.param("Twiml").filter(|_| call.param("Url").is_none()) {
            return self.read(document);
        }
        let mut params = self.params("in-progress");
        params.extend(answered_by.map(|answered_by| ("AnsweredBy".to_owned(), answered_by.to_owned())));
        self.fetch(call.param("Url").unwrap_or_default(), params).await
    }

    /// Has a machine detected: beside the call, or before it goes on; then nobody hears how the other side begins.
    async fn detect(&mut self, detection: Option<Detection>) -> Result<Option<&'static str>, Control> {
        let Some(detection) = detection else { return Ok(None) };
        if detection.asynchronous {
            let (sender, opened) = oneshot::channel();
            self.opening = Some((detection.hearing.opening, sender));
            let opened = async {
                let _ = opened.await;
            };
            self.detecting = Some(detection.listen(&self.shared, &self.engine, &self.parties, opened));
            return Ok(None);
        }
        let opening = self.script.skip(detection.hearing.opening);
        let answered_by = tokio::select! {
            Some(control) = self.control.recv() => return Err(control),
            answered_by = detection.verdict(sleep(opening)) => answered_by,
        };
        self.shared.registry.update(&self.parties.call_sid, |record| record.answered_by = Some(answered_by));
        Ok(Some(answered_by))
    }

    fn params(&self, status: &str) -> Params {
        self.parties.voice(status)
    }

    async fn run_document(&mut self, verbs: Vec<Verb>) -> Flow {
        for verb in verbs {
            match self.verb(verb).await {
                Flow::Next => {}
                other => return other,
            }
        }
        Flow::Ended(Side::Otto)
    }

    async fn verb(&mut self, verb: Verb) -> Flow {
        match verb {
            Verb::Connect { action, stream } => self.connect(action, &stream).await,
            Verb::Say(text) => {
                let pace = u64::from(self.shared.knobs.settings().ms_per_char);
                let length = Duration::from_millis(pace * text.len() as u64);
                self.recorder.event(What::TwilioSaid(text));
                self.wait(length).await
            }
            Verb::Pause(seconds) => self.wait(Duration::from_secs(seconds)).await,
            Verb::Hangup | Verb::Reject => Flow::Ended(Side::Otto),
            Verb::Dial { action, numbers } => self.dial(action, numbers).await,
            Verb::Redirect(url) => {
                self.redirects += 1;
                if self.redirects > MAX_REDIRECTS {
                    self.violation(Violation::new("11215", "too many redirects"));
                    return Flow::Ended(Side::Twilio);
                }
                let params = self.params("in-progress");
                self.fetch(&url, params).await
            }
            Verb::Message(_) => {
                self.violation(Violation::new("12200", "<Message> in a call"));
                Flow::Next
            }
            Verb::Other(name) => {
                self.violation(Violation::new("12200", format!("the simulator does not run <{name}>")));
                Flow::Next
            }
        }
    }

    async fn connect(&mut self, action: Option<String>, stream: &Stream) -> Flow {
        match self.stream(stream).await {
            LegEnd::Caller => Flow::Ended(Side::Caller),
            LegEnd::Control(control) => self.controlled(control).await,
            LegEnd::Engine => match action {
                Some(url) => {
                    let params = self.params("in-progress");
                    self.fetch(&url, params).await
                }
                None => Flow::Next,
            },
        }
    }

    /// Opens and holds a stream. One that cannot be opened counts as ended by the engine.
    async fn stream(&mut self, stream: &Stream) -> LegEnd {
        let fault = self.shared.knobs.draw_fault_where(TwilioFault::is_stream);
        let socket = match self.stream_url(stream) {
            Ok(url) => {
                let wrong = fault == Some(TwilioFault::BadStreamSignature);
                let token = if wrong { "not the token" } else { &self.shared.auth_token };
                media_handshake(&url, self.engine.local, Some(token)).await
            }
            Err(violation) => {
                self.violation(violation);
                return LegEnd::Engine;
            }
        };
        match socket {
            Ok(socket) => {
                let stream_sid = format!("MZ{}", Uuid::new_v4().simple());
                self.recorder.report.streams += 1;
                self.recorder.event(What::StreamStarted(stream_sid.clone()));
                self.stream_status(stream, &stream_sid, "stream-started");
                let end = Leg::new(self, socket, stream_sid.clone(), fault).run(stream).await;
                self.stream_status(stream, &stream_sid, "stream-stopped");
                end
            }
            Err(error) => {
                self.violation(Violation::new(error.code(), error.to_string()));
                LegEnd::Engine
            }
        }
    }

    fn stream_url(&self, stream: &Stream) -> Result<Url, Violation> {
        let url: Url = stream.url.parse().map_err(|_| Violation::new("31920", "the stream's url is no URL"))?;
        if url.scheme() != "wss" {
            return Err(Violation::new("31922", "the stream's url is not wss"));
        }
        if url.query().is_some() {
            return Err(Violation::new("31920", "the stream's url has a query string"));
        }
        if url.host_str() != self.engine.base_url.host_str() {
            return Err(Violation::new("31901", "the stream's url is not the engine's host"));
        }
        Ok(url)
    }

    async fn dial(&mut self, action: Option<String>, numbers: Vec<String>) -> Flow {
        for number in numbers {
            self.recorder.report.dialled.push(number.clone());
            self.recorder.event(What::Dialled(number));
        }
        let Some(url) = action else { return Flow::Next };
        let mut params = self.params("in-progress");
        params.push(("DialCallStatus".to_owned(), self.dial_status.clone()));
        params.push(("DialCallSid".to_owned(), format!("CA{}", Uuid::new_v4().simple())));
        if self.dial_status == "completed" {
            params.push(("DialCallDuration".to_owned(), "1".to_owned()));
            params.push(("DialBridged".to_owned(), "true".to_owned()));
        }
        self.fetch(&url, params).await
    }

    /// Waits, unless something happens to the call.
    async fn wait(&mut self, length: Duration) -> Flow {
        let until = self.deadline.min(Instant::now() + length);
        let control = tokio::select! {
            control = self.control.recv() => control,
            () = tokio::time::sleep_until(until) => None,
        };
        match control {
            Some(control) => self.controlled(control).await,
            None if until == self.deadline => Flow::Ended(Side::Caller),
            None => Flow::Next,
        }
    }

    async fn controlled(&mut self, control: Control) -> Flow {
        match control {
            Control::Complete | Control::Cancel => Flow::Ended(Side::Otto),
            Control::CallerHangsUp => Flow::Ended(Side::Caller),
            Control::Replace(document) => self.read(&document),
            Control::Fetch(url) => {
                let params = self.params("in-progress");
                self.fetch(&url, params).await
            }
        }
    }

    /// Asks a webhook for the next document.
    async fn fetch(&mut self, url: &str, params: Params) -> Flow {
        let answer = match self.engine.absolute(&self.document, url) {
            Ok(url) => {
                self.document = url.clone();
                self.post(&url, &params).await
            }
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) if answer.status == 200 => {
                let kind = answer.content_type.split(';').next().unwrap_or_default().to_owned();
                if !["text/xml", "application/xml", "text/html"].contains(&kind.as_str()) {
                    self.violation(Violation::new("12300", format!("invalid content type {kind:?}")));
                }
                self.read(&answer.body)
            }
            Ok(answer) => self.failed(format!("webhook answered {}", answer.status)),
            Err(error) => self.failed(error),
        }
    }

    /// A webhook failed: the caller hears of an application error and the call ends.
    fn failed(&mut self, error: String) -> Flow {
        self.violation(Violation::new("11200", error));
        Flow::Ended(Side::Twilio)
    }

    fn read(&mut self, document: &str) -> Flow {
        self.recorder.report.twiml.push(document.to_owned());
        self.recorder.event(What::Twiml(document.to_owned()));
        match twiml::parse(document) {
            Ok(verbs) => Flow::Document(verbs),
            Err(error) => {
                self.violation(Violation::new("12100", error.to_string()));
                Flow::Ended(Side::Twilio)
            }
        }
    }

    async fn post(&mut self, url: &Url, params: &[(String, String)]) -> Result<Answer, String> {
        let token = Uuid::new_v4().to_string();
        let answer = webhook::post(&self.shared, &self.engine, url, params, Product::Voice, &token).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        self.recorder.event(What::Webhook { url: url.to_string(), status });
        answer
    }

    pub(super) fn violation(&mut self, violation: Violation) {
        self.shared.violations.push(violation.clone());
        self.recorder.violation(violation);
    }
}
