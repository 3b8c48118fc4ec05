//! The life of a call: the first webhook, the verbs of every document, the end. One task for each call.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use super::caller::{Leg, LegEnd};
use super::media::media_handshake;
use super::registry::Control;
use super::report::{CallReport, Recorder, Side, What};
use super::script::{Ears, Script};
use super::twiml::{self, Verb};
use super::webhook::{self, Answer};
use super::{CallPlan, Engine, OutboundCall, Shared, Stream, TwilioFault};
use crate::record::Violation;

/// The number's voice URL, under the engine's base URL.
const INBOUND_PATH: &str = "/api/v1/webhooks/inbound-call";

/// The number's status callback.
const STATUS_PATH: &str = "/api/v1/webhooks/call-status";

/// Documents that may follow one another by `<Redirect>` (error 11215).
const MAX_REDIRECTS: u32 = 10;

/// One call.
pub(super) struct Call {
    pub(super) shared: Arc<Shared>,
    pub(super) call_sid: String,
    pub(super) recorder: Recorder,
    pub(super) script: Script,
    pub(super) ears: Ears,
    pub(super) control: UnboundedReceiver<Control>,
    pub(super) deadline: Instant,
    pub(super) engine: Engine,
    pub(super) plan: CallPlan,
    pub(super) outbound: Option<OutboundCall>,
    /// The URL of the running document, against which relative ones are read.
    pub(super) document: Url,
    redirects: u32,
    pub(super) sequence: u32,
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
    pub(super) fn new(
        shared: Arc<Shared>,
        engine: Engine,
        plan: CallPlan,
        outbound: Option<OutboundCall>,
    ) -> (Self, UnboundedSender<Control>, String) {
        let fresh = || format!("CA{}", Uuid::new_v4().simple());
        let sid = outbound.as_ref().map(|call| call.sid.clone()).or_else(|| plan.call_sid.clone());
        let call_sid = sid.unwrap_or_else(fresh);
        let (sender, control) = unbounded_channel();
        shared.registry.begin(&call_sid, sender.clone());
        let rng = shared.knobs.with_rng(rand::SeedableRng::from_rng);
        let call = Call {
            recorder: Recorder::new(call_sid.clone(), plan.events.clone()),
            script: Script::new(plan.steps.clone(), shared.knobs.settings().ms_per_char, rng),
            ears: Ears::default(),
            deadline: Instant::now() + plan.max_duration,
            document: engine.base_url.clone(),
            redirects: 0,
            sequence: 0,
            shared,
            engine,
            plan,
            outbound,
            control,
            call_sid: call_sid.clone(),
        };
        (call, sender, call_sid)
    }

    /// Runs the call to its end.
    pub(super) async fn run(mut self) -> CallReport {
        let stop = self.shared.scope.stop.clone();
        let side = tokio::select! {
            () = stop.cancelled() => Side::Twilio,
            side = self.drive() => side,
        };
        self.shared.registry.end(&self.call_sid);
        if !stop.is_cancelled() {
            stop.run_until_cancelled(self.final_status()).await;
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
        let Some(outbound) = self.outbound.clone() else {
            let params = self.params("ringing");
            return self.fetch(INBOUND_PATH, params).await;
        };
        self.status("initiated", "queued").await;
        self.status("ringing", "ringing").await;
        self.status("answered", "in-progress").await;
        if let Some(document) = outbound.param("Twiml").filter(|_| outbound.param("Url").is_none()) {
            return self.read(document);
        }
        let mut params = self.params("in-progress");
        if outbound.param("MachineDetection").is_some()
            && let Some(answer) = &self.plan.answered_by
        {
            params.push(("AnsweredBy".to_owned(), answer.clone()));
        }
        self.fetch(outbound.param("Url").unwrap_or_default(), params).await
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
        params.push(("DialCallStatus".to_owned(), self.plan.dial_status.clone()));
        params.push(("DialCallSid".to_owned(), format!("CA{}", Uuid::new_v4().simple())));
        if self.plan.dial_status == "completed" {
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
            Control::Complete => Flow::Ended(Side::Otto),
            Control::CallerHangsUp => Flow::Ended(Side::Caller),
            Control::Replace(document) => self.read(&document),
            Control::Fetch(url) => {
                let params = self.params("in-progress");
                self.fetch(&url, params).await
            }
        }
    }

    /// Asks a webhook for the next document.
    async fn fetch(&mut self, url: &str, params: Vec<(String, String)>) -> Flow {
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
        let answer = webhook::post(&self.shared, &self.engine, url, params, &token).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        self.recorder.event(What::Webhook { url: url.to_string(), status });
        answer
    }

    /// The status callback of the end.
    async fn final_status(&mut self) {
        self.status("completed", "completed").await;
    }

    /// The callee never answers: the callbacks of a call that ends as `status`, such as `no-answer`.
    pub(super) async fn decline(mut self, status: &str) {
        self.status("initiated", "queued").await;
        self.status("ringing", "ringing").await;
        self.shared.registry.end(&self.call_sid);
        self.status("completed", status).await;
    }

    async fn status(&mut self, event: &str, status: &str) {
        let target = match &self.outbound {
            None => (event == "completed").then(|| STATUS_PATH.to_owned()),
            Some(call) => {
                let mut wanted = call.params.iter().filter(|(name, _)| name == "StatusCallbackEvent").peekable();
                let asked = if wanted.peek().is_none() {
                    event == "completed"
                } else {
                    wanted.any(|(_, e)| e.split(' ').any(|e| e == event))
                };
                call.param("StatusCallback").filter(|_| asked).map(str::to_owned)
            }
        };
        let Some(Ok(url)) = target.map(|url| self.engine.absolute(&self.engine.base_url, &url)) else { return };
        let params = self.status_params(status);
        let twice = self.shared.knobs.draw_fault_where(TwilioFault::is_status).is_some();
        for _ in 0..=u8::from(twice) {
            if let Err(error) = self.post(&url, &params).await {
                tracing::debug!(error, "status callback failed");
            }
        }
    }

    pub(super) fn violation(&mut self, violation: Violation) {
        self.shared.violations.push(violation.clone());
        self.recorder.violation(violation);
    }
}
