//! One socket of either interface: brings frames to its ear and its events, late by the drawn latency, to the client.

use std::collections::VecDeque;
use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::ear::{Ear, Event};
use super::{DeepgramStt, SttFault, SttSession, SttSettings, Transcript};
use crate::deepgram::close;
use crate::knobs::Latency;
use crate::record::Violation;
use crate::server::linger;
use crate::speech::{SAMPLES_PER_MS, voiced};

/// Wall time over which the rate of arrival is measured.
const RATE_WINDOW: Duration = Duration::from_secs(4);

/// The vendor takes audio at 1.25 times real time at most.
const RATE_LIMIT: f64 = 1.25;

/// How many arrivals the jitter is smoothed over (RFC 3550, section 6.4.1).
const JITTER_GAIN: u32 = 16;

/// Audio that may come at once, beside the rate: a short backlog after a reconnect.
const RATE_BURST_MS: u64 = 1_000;

/// Serves one socket to its end.
pub(super) async fn serve(
    stt: DeepgramStt,
    socket: WebSocket,
    raw: String,
    ear: Box<dyn Ear>,
    fault: Option<SttFault>,
) {
    let settings = stt.knobs().settings();
    let mut session = Session::new(stt.clone(), settings, raw, ear, fault);
    let greeting = session.ear.greet();
    session.emit(greeting);
    session.run(socket).await;
    session.record.finals = session.ear.finals().to_vec();
    stt.shared.sessions.push(session.record);
}

/// A message on its way to the client.
struct Outgoing {
    due: Instant,
    message: Message,
    /// The words in it, whether they end a turn, and when their sound had arrived.
    words: Option<(String, bool, Instant)>,
}

struct Session {
    stt: DeepgramStt,
    ear: Box<dyn Ear>,
    fault: Option<SttFault>,
    latency: Latency,
    extra: Duration,
    idle_timeout: Duration,
    opened: Instant,
    last_data: Instant,
    outgoing: VecDeque<Outgoing>,
    arrivals: VecDeque<(Instant, u64)>,
    /// Bytes in `arrivals`.
    arrived: u64,
    /// When the newest sound came.
    heard_at: Instant,
    ending: bool,
    /// Samples of sound received.
    sound: u64,
    record: SttSession,
}

/// What the socket does after a step.
enum Next {
    Continue,
    /// Ends without a close frame.
    Drop,
}

impl Session {
    fn new(stt: DeepgramStt, settings: SttSettings, raw: String, ear: Box<dyn Ear>, fault: Option<SttFault>) -> Self {
        let extra_ms = if let Some(SttFault::Slow { extra_ms }) = fault { extra_ms } else { 0 };
        let now = Instant::now();
        Session {
            stt,
            ear,
            fault,
            latency: settings.latency,
            extra: Duration::from_millis(extra_ms),
            idle_timeout: settings.idle_timeout,
            opened: now,
            last_data: now,
            outgoing: VecDeque::new(),
            arrivals: VecDeque::new(),
            arrived: 0,
            heard_at: now,
            ending: false,
            sound: 0,
            record: SttSession {
                query: raw,
                audio_bytes: 0,
                finals: Vec::new(),
                keep_alives: 0,
                finalizes: 0,
                closed_by_client: false,
                jitter: Duration::ZERO,
            },
        }
    }

    async fn run(&mut self, mut socket: WebSocket) {
        let mut idle = pin!(sleep_until(self.idle_at()));
        loop {
            let due = self.outgoing.front().map(|next| next.due);
            tokio::select! {
                () = until(due) => {
                    let Some(Outgoing { message, words, .. }) = self.outgoing.pop_front() else { continue };
                    let last = matches!(message, Message::Close(_));
                    let at = Instant::now();
                    if socket.send(message).await.is_err() {
                        return;
                    }
                    if let Some((text, ends_turn, heard_at)) = words {
                        self.stt.shared.transcripts.push(Transcript { at, text, ends_turn, heard_at });
                    }
                    if last {
                        return linger(socket).await;
                    }
                }
                received = socket.recv(), if !self.ending => match received {
                    Some(Ok(message)) => if let Next::Drop = self.receive(message) { return },
                    Some(Err(_)) | None => return,
                },
                () = &mut idle, if !self.ending => match self.idle_at() {
                    at if at > Instant::now() => idle.as_mut().reset(at),
                    _ => self.idle(),
                },
            }
        }
    }

    /// KeepAlive alone does not hold a socket that never had audio.
    fn idle_at(&self) -> Instant {
        let since = if self.record.audio_bytes == 0 { self.opened } else { self.last_data };
        since + self.idle_timeout
    }

    fn idle(&mut self) {
        self.violation("NET-0001", "no audio or text within the window");
        let reason = "Deepgram did not receive audio data or a text message within the timeout window. See \
                      https://dpgr.am/net0001";
        self.end_with(close(1011, reason));
    }

    fn receive(&mut self, message: Message) -> Next {
        self.last_data = Instant::now();
        match message {
            Message::Binary(audio) if audio.is_empty() => {
                self.violation("empty-frame", "a zero-length binary frame ends the stream");
                self.close_stream();
            }
            Message::Binary(audio) => return self.audio(&audio),
            Message::Text(text) => self.command(&text),
            Message::Close(_) => return Next::Drop,
            Message::Ping(_) | Message::Pong(_) => {}
        }
        Next::Continue
    }

    fn command(&mut self, text: &str) {
        let message: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        match message["type"].as_str() {
            Some("CloseStream") => {
                self.record.closed_by_client = true;
                return self.close_stream();
            }
            Some("KeepAlive") => self.record.keep_alives += 1,
            Some("Finalize") => self.record.finalizes += 1,
            _ => {}
        }
        match self.ear.command(&message) {
            Some(events) => self.emit(events),
            None => self.violation("unknown-message", "a text message that is no command of this interface"),
        }
    }

    fn audio(&mut self, audio: &[u8]) -> Next {
        if audio.first() == Some(&b'{') && serde_json::from_slice::<Value>(audio).is_ok() {
            self.violation("binary-command", "a command in a binary frame is heard as audio");
        }
        self.record.audio_bytes += audio.len() as u64;
        let sound = voiced(audio) as u64;
        if sound > 0 {
            (self.sound, self.heard_at) = (self.sound + sound, self.last_data);
        }
        self.measure_jitter(audio.len() as u64);
        self.measure_rate(audio.len() as u64);
        let events = self.ear.feed(audio);
        self.emit(events);
        self.strike()
    }

    /// Carries out a fault that waits for an amount of audio.
    fn strike(&mut self) -> Next {
        match self.due() {
            Some(SttFault::DropAfterAudio { .. }) => Next::Drop,
            Some(SttFault::CloseAfterAudio { code, reason, .. }) => {
                let frame = close(*code, reason);
                self.end_with(frame);
                Next::Continue
            }
            _ => Next::Continue,
        }
    }

    fn stalled(&self) -> bool {
        matches!(self.due(), Some(SttFault::StallAfterAudio { .. }))
    }

    /// The fault whose amount of audio has come.
    fn due(&self) -> Option<&SttFault> {
        let all = self.record.audio_bytes;
        let (fault, samples, ms) = match self.fault.as_ref()? {
            SttFault::AfterSpeech { ms, fault } => (&**fault, self.sound, ms),
            fault @ (SttFault::DropAfterAudio { ms }
            | SttFault::StallAfterAudio { ms }
            | SttFault::CloseAfterAudio { ms, .. }) => (fault, all, ms),
            _ => return None,
        };
        (samples / SAMPLES_PER_MS >= *ms).then_some(fault)
    }

    /// Before the arrival is noted.
    fn measure_jitter(&mut self, bytes: u64) {
        let Some((before, _)) = self.arrivals.back() else { return };
        let off = (self.last_data - *before).abs_diff(Duration::from_micros(bytes * 1_000 / SAMPLES_PER_MS));
        let jitter = self.record.jitter;
        self.record.jitter = jitter + off / JITTER_GAIN - jitter / JITTER_GAIN;
    }

    fn measure_rate(&mut self, bytes: u64) {
        let now = self.last_data;
        self.arrivals.push_back((now, bytes));
        self.arrived += bytes;
        while let Some((at, gone)) = self.arrivals.front().copied()
            && now - at > RATE_WINDOW
        {
            self.arrivals.pop_front();
            self.arrived -= gone;
        }
        let audio_ms = self.arrived / SAMPLES_PER_MS;
        let wall_ms = (now - self.opened).min(RATE_WINDOW).as_millis() as f64;
        if audio_ms > RATE_BURST_MS && (audio_ms - RATE_BURST_MS) as f64 > RATE_LIMIT * wall_ms {
            self.violation("ingest-rate", "audio faster than 1.25 times real time");
            self.arrivals.clear();
            self.arrived = 0;
        }
    }

    fn close_stream(&mut self) {
        let rest = self.ear.finish();
        self.emit(rest);
        self.end_with(close(1000, ""));
    }

    fn emit(&mut self, events: impl IntoIterator<Item = Event>) {
        if self.stalled() {
            return;
        }
        for event in events {
            let due = Instant::now() + self.stt.knobs().delay(self.latency) + self.extra;
            // Jitter delays events but never lets one overtake another.
            let due = self.outgoing.back().map_or(due, |before| due.max(before.due));
            let words = event.transcript.map(|text| (text, event.ends_turn, self.heard_at));
            let message = Message::Text(event.json.into());
            self.outgoing.push_back(Outgoing { due, message, words });
        }
    }

    fn end_with(&mut self, frame: Message) {
        let due = self.outgoing.back().map_or_else(Instant::now, |before| before.due);
        self.outgoing.push_back(Outgoing { due, message: frame, words: None });
        self.ending = true;
    }

    fn violation(&self, code: &str, message: &str) {
        self.stt.shared.violations.push(Violation::new(code, message));
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
