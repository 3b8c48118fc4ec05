//! One `/v1/speak` socket: commands in, audio out at the pace of the settings, with the vendor's limits.

use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::voice::{Job, Voice};
use super::{DeepgramTts, Spoken, TtsFault, TtsRequest, TtsSettings};
use crate::deepgram::close;
use crate::record::Violation;
use crate::server::linger;
use crate::speech::{DEFAULT_MS_PER_CHAR, SAMPLES_PER_MS};

/// Characters in one Speak message.
const SPEAK_LIMIT_CHARS: usize = 2_000;

/// Span over which flushes and characters are counted.
const LIMIT_WINDOW: Duration = Duration::from_secs(60);

/// Serves one socket to its end.
pub(super) async fn serve(tts: DeepgramTts, mut socket: WebSocket, model: String, fault: Option<TtsFault>) {
    let metadata = json!({"type": "Metadata", "request_id": Uuid::new_v4().to_string(), "model_name": model,
        "model_version": "2026-01-01.0", "model_uuid": Uuid::new_v4().to_string()});
    if socket.send(text(&metadata)).await.is_err() {
        return;
    }
    let settings = tts.knobs().settings();
    let mut session = Session {
        voice: Voice::new(settings.ms_per_char, settings.chunk_bytes, settings.eager),
        tts,
        settings,
        fault,
        due: Instant::now(),
        sent_bytes: 0,
        flushes: VecDeque::new(),
        characters: VecDeque::new(),
        closing: false,
        asked: None,
    };
    session.run(socket).await;
}

struct Session {
    tts: DeepgramTts,
    settings: TtsSettings,
    voice: Voice,
    fault: Option<TtsFault>,
    /// When the next job may be sent.
    due: Instant,
    sent_bytes: usize,
    flushes: VecDeque<(Instant, usize)>,
    characters: VecDeque<(Instant, usize)>,
    closing: bool,
    /// The text that an idle voice was given and when, until its first audio.
    asked: Option<(String, Instant)>,
}

/// What the socket does after a step.
enum Next {
    Continue,
    Send(Message),
    /// Sends this close frame and ends.
    Close(Message),
    /// Ends without a close frame.
    Drop,
}

impl Session {
    async fn run(&mut self, mut socket: WebSocket) {
        loop {
            let next = tokio::select! {
                biased;
                received = socket.recv() => match received {
                    Some(Ok(message)) => self.receive(message),
                    Some(Err(_)) | None => Next::Drop,
                },
                () = self.ready() => self.work(),
            };
            match next {
                Next::Continue => {}
                Next::Send(message) => {
                    if socket.send(message).await.is_err() {
                        return;
                    }
                }
                Next::Close(frame) => {
                    let _ = socket.send(frame).await;
                    return linger(socket).await;
                }
                Next::Drop => return,
            }
        }
    }

    /// Resolves when a job is due, or at once when nothing is left of a socket that closes.
    async fn ready(&self) {
        match (self.voice.is_idle(), self.closing) {
            _ if self.stalled() => pending().await,
            (true, true) => {}
            (true, false) => pending().await,
            (false, _) => sleep_until(self.due).await,
        }
    }

    fn work(&mut self) -> Next {
        match self.voice.next() {
            None => Next::Close(close(1000, "")),
            Some(Job::Flushed(id)) => Next::Send(text(&json!({"type": "Flushed", "sequence_id": id}))),
            Some(Job::Audio(audio)) => match &self.fault {
                Some(TtsFault::DropAfterBytes { bytes }) if self.sent_bytes >= *bytes => Next::Drop,
                Some(TtsFault::CloseAfterBytes { bytes, code, reason }) if self.sent_bytes >= *bytes => {
                    Next::Close(close(*code, reason))
                }
                _ => {
                    let began = Instant::now();
                    if let Some((text, asked)) = self.asked.take() {
                        self.tts.shared.spoken.push(Spoken { text, asked, began });
                    }
                    self.sent_bytes += audio.len();
                    self.due = began + self.pace(audio.len());
                    Next::Send(Message::Binary(audio))
                }
            },
        }
    }

    fn pace(&self, bytes: usize) -> Duration {
        if self.settings.speed <= 0.0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(bytes as f64 / (SAMPLES_PER_MS * 1_000) as f64 / self.settings.speed)
    }

    fn stalled(&self) -> bool {
        matches!(self.fault, Some(TtsFault::StallAfterBytes { bytes }) if self.sent_bytes >= bytes)
    }

    fn receive(&mut self, message: Message) -> Next {
        match message {
            Message::Text(text) => self.command(&text),
            Message::Binary(_) => self.refuse(1003, "MESSAGE-0000", "a binary frame is no command"),
            Message::Close(_) => Next::Drop,
            Message::Ping(_) | Message::Pong(_) => Next::Continue,
        }
    }

    fn command(&mut self, text: &str) -> Next {
        let message: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        match message["type"].as_str() {
            Some("Speak") => match message["text"].as_str() {
                Some(text) => self.speak(text),
                None => self.refuse(1008, "DATA-0000", "Speak without text"),
            },
            Some("Flush") => self.flush(),
            Some("Clear") => self.clear(),
            Some("Close") => {
                self.tts.shared.requests.push(TtsRequest::Close);
                self.closing = true;
                self.begin_reply();
                self.voice.flush();
                Next::Continue
            }
            _ => self.refuse(1008, "DATA-0000", "a text message that is no command"),
        }
    }

    fn speak(&mut self, text: &str) -> Next {
        if text.chars().count() > SPEAK_LIMIT_CHARS {
            return self.refuse(1009, "BIG-0001", "more than 2000 characters in one Speak");
        }
        let quick = (DEFAULT_MS_PER_CHAR / self.settings.ms_per_char.max(1)).max(1) as usize;
        let used = within_window(&mut self.characters, text.chars().count());
        if used > self.settings.chars_per_minute * quick {
            return self.refuse(1008, "DATA-0001", "too many characters in a minute");
        }
        self.tts.shared.requests.push(TtsRequest::Speak(text.to_owned()));
        self.begin_reply();
        if self.voice.is_idle() && self.asked.is_none() {
            self.asked = Some((text.to_owned(), Instant::now()));
        }
        self.voice.speak(text);
        Next::Continue
    }

    fn flush(&mut self) -> Next {
        let count = within_window(&mut self.flushes, 1);
        let exceeded = count > self.settings.flushes_per_minute;
        if exceeded || self.fault == Some(TtsFault::FlushLimit) {
            if exceeded {
                self.violation("flush-limit", "more than the allowed flushes in a minute");
            }
            let description = "Maximum number of flush messages within the window exceeded.";
            let warning = json!({"type": "Warning", "description": description, "code": "EXCESSIVE_FLUSH"});
            return Next::Send(text(&warning));
        }
        self.tts.shared.requests.push(TtsRequest::Flush);
        self.begin_reply();
        self.voice.flush();
        Next::Continue
    }

    fn clear(&mut self) -> Next {
        self.tts.shared.requests.push(TtsRequest::Clear);
        self.asked = None;
        let id = self.voice.clear();
        Next::Send(text(&json!({"type": "Cleared", "sequence_id": id})))
    }

    /// An idle voice needs its first-byte time again.
    fn begin_reply(&mut self) {
        if self.voice.is_idle() {
            let extra_ms = if let Some(TtsFault::Slow { extra_ms }) = self.fault { extra_ms } else { 0 };
            let wait = self.tts.knobs().delay(self.settings.first_byte) + Duration::from_millis(extra_ms);
            self.due = self.due.max(Instant::now() + wait);
        }
    }

    fn refuse(&mut self, code: u16, reason: &str, what: &str) -> Next {
        self.violation(reason, what);
        Next::Close(close(code, reason))
    }

    fn violation(&self, code: &str, message: &str) {
        self.tts.shared.violations.push(Violation::new(code, message));
    }
}

/// Adds `amount` to a sliding window and returns its sum.
fn within_window(window: &mut VecDeque<(Instant, usize)>, amount: usize) -> usize {
    let now = Instant::now();
    window.push_back((now, amount));
    while window.front().is_some_and(|(at, _)| now - *at > LIMIT_WINDOW) {
        window.pop_front();
    }
    window.iter().map(|(_, amount)| amount).sum()
}

fn text(message: &Value) -> Message {
    Message::Text(message.to_string().into())
}
