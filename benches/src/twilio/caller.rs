//! One media stream held by a caller: frames out every 20 ms, the engine's audio played in real time, marks and clears.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::call::Call;
use super::media::MediaSocket;
use super::messages::{Envelope, Inbound};
use super::playout::Playout;
use super::registry::Control;
use super::report::{Side, What};
use super::script::{Action, FRAME_BYTES};
use super::{Stream, TwilioFault};
use crate::record::Violation;
use crate::speech::is_voiced;

/// A frame's length.
const FRAME: Duration = Duration::from_millis(20);

/// Ticks without audio after which a word that nothing completed counts as ended.
const WORD_END_TICKS: u32 = 5;

/// How long a closed stream waits for the engine's close frame.
const CLOSE_PATIENCE: Duration = Duration::from_millis(500);

/// How a stream ended.
#[derive(Debug)]
pub(super) enum LegEnd {
    /// The engine closed it, or its connection broke: the document goes on.
    Engine,
    /// The caller hung up.
    Caller,
    /// REST did something to the call.
    Control(Control),
}

/// A stream in progress.
pub(super) struct Leg<'a> {
    call: &'a mut Call,
    socket: MediaSocket,
    /// The socket had nothing more when it was last asked.
    drained: bool,
    envelope: Envelope,
    playout: Playout,
    opened: Instant,
    empty_ticks: u32,
    fault: Option<TwilioFault>,
}

impl<'a> Leg<'a> {
    pub(super) fn new(call: &'a mut Call, socket: MediaSocket, stream_sid: String, fault: Option<TwilioFault>) -> Self {
        Leg {
            call,
            socket,
            drained: false,
            envelope: Envelope::new(stream_sid),
            playout: Playout::default(),
            opened: Instant::now(),
            empty_ticks: 0,
            fault,
        }
    }

    /// Holds the stream to its end.
    pub(super) async fn run(mut self, stream: &Stream) -> LegEnd {
        let end = self.hold(stream).await;
        self.empty_buffer();
        match end {
            LegEnd::Engine => self.call.recorder.event(What::StreamEnded(Side::Otto)),
            LegEnd::Caller | LegEnd::Control(_) => {
                let side = if matches!(end, LegEnd::Caller) { Side::Caller } else { Side::Twilio };
                self.call.recorder.event(What::StreamEnded(side));
                self.stop().await;
            }
        }
        end
    }

    async fn hold(&mut self, stream: &Stream) -> LegEnd {
        let (account, call_sid) = (self.call.shared.account_sid.clone(), self.call.parties.call_sid.clone());
        let start = self.envelope.start(&account, &call_sid, &stream.parameters);
        if !self.send(Envelope::connected()).await || !self.send(start).await {
            return LegEnd::Engine;
        }
        self.call.recorder.stream_began();
        let mut ticks = ticker();
        loop {
            tokio::select! {
                biased;
                Some(control) = self.call.control.recv() => return match control {
                    Control::CallerHangsUp => LegEnd::Caller,
                    other => LegEnd::Control(other),
                },
                message = next(&mut self.socket, &mut self.drained) => if let Some(end) = self.receive(message).await { return end },
                _ = ticks.tick() => if let Some(end) = self.tick().await { return end },
            }
        }
    }

    async fn tick(&mut self) -> Option<LegEnd> {
        let now = Instant::now();
        self.play(now).await;
        if now >= self.call.deadline {
            self.call.recorder.timed_out("the call's longest duration".to_owned());
            return Some(LegEnd::Caller);
        }
        let age = now - self.opened;
        if matches!(self.fault, Some(TwilioFault::DropStream { after_ms }) if age >= Duration::from_millis(after_ms)) {
            return Some(LegEnd::Engine);
        }
        self.call.ears.otto_since = self.call.recorder.otto_since();
        let (frame, actions) = self.call.script.tick(now, &mut self.call.ears);
        if let Some((_, opened)) = self.call.opening.take_if(|(steps, _)| self.call.script.has_done(*steps)) {
            let _ = opened.send(());
        }
        if !self.is_paused(age) {
            let message = self.envelope.media(u64::try_from(age.as_millis()).unwrap_or(u64::MAX), &frame);
            self.call.recorder.report.bytes_sent += frame.len() as u64;
            if !self.send(message).await {
                return Some(LegEnd::Engine);
            }
        }
        for action in actions {
            if self.act(action, now).await {
                return Some(LegEnd::Caller);
            }
        }
        None
    }

    fn is_paused(&self, age: Duration) -> bool {
        let Some(TwilioFault::PauseMedia { after_ms, for_ms }) = self.fault else { return false };
        let begin = Duration::from_millis(after_ms);
        (begin..begin + Duration::from_millis(for_ms)).contains(&age)
    }

    /// Carries out an action of the script in the tick that began at `now`; whether the caller hangs up.
    async fn act(&mut self, action: Action, now: Instant) -> bool {
        let recorder = &mut self.call.recorder;
        match action {
            Action::SayBegan(text) => recorder.say_began(text),
            Action::Said(text) => recorder.said(text, now),
            Action::TimedOut(step) => recorder.timed_out(step),
            Action::HangUp => return true,
            Action::Press(key) => {
                recorder.event(What::Pressed(key));
                let message = self.envelope.dtmf(key);
                self.send(message).await;
            }
        }
        false
    }

    async fn play(&mut self, now: Instant) {
        let played = self.playout.play(FRAME_BYTES);
        if played.bytes > 0 && self.empty_ticks > 0 {
            self.call.recorder.refilled(FRAME * self.empty_ticks);
        }
        self.empty_ticks = if played.bytes == 0 { self.empty_ticks + 1 } else { 0 };
        let position = self.playout.position();
        for word in &played.words {
            self.call.ears.word(&word.text);
        }
        if played.voiced {
            self.call.ears.sound(now);
        }
        self.call.recorder.played(&played, position);
        if self.empty_ticks == WORD_END_TICKS
            && let Some(word) = self.playout.finish_word()
        {
            self.call.ears.word(&word.text);
            self.call.recorder.word(&word, now, position);
        }
        for mark in played.marks {
            let message = self.envelope.mark(&mark);
            self.send(message).await;
        }
    }

    async fn receive(&mut self, message: Option<Result<Message, Error>>) -> Option<LegEnd> {
        match message {
            Some(Ok(Message::Text(text))) => match self.envelope.read(&text) {
                Ok(inbound) => self.inbound(inbound).await,
                Err(violation) => self.call.violation(violation),
            },
            Some(Ok(Message::Binary(_))) => self.call.violation(Violation::new("31950", "a binary frame")),
            Some(Ok(Message::Close(_))) | None => {
                self.say_goodbye_back().await;
                return Some(LegEnd::Engine);
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                self.call.violation(Violation::new("31903", format!("the stream broke: {error}")));
                return Some(LegEnd::Engine);
            }
        }
        None
    }

    async fn inbound(&mut self, inbound: Inbound) {
        match inbound {
            Inbound::Media(audio) => {
                let voiced = audio.iter().any(|&sample| is_voiced(sample));
                self.call.recorder.received(audio.len(), voiced);
                self.playout.push(audio);
            }
            Inbound::Mark(name) => {
                if let Some(name) = self.playout.mark(name) {
                    self.call.recorder.mark(name.clone());
                    let message = self.envelope.mark(&name);
                    self.send(message).await;
                }
            }
            Inbound::Clear => {
                for mark in self.empty_buffer_for_clear() {
                    let message = self.envelope.mark(&mark);
                    self.send(message).await;
                }
            }
        }
    }

    fn empty_buffer_for_clear(&mut self) -> Vec<String> {
        let cleared = self.playout.clear();
        self.call.ears.forget();
        self.call.recorder.cleared(&cleared, self.playout.position());
        cleared.marks
    }

    /// The stream has ended: what is left in the buffer is never heard.
    fn empty_buffer(&mut self) {
        let cleared = self.playout.clear();
        if let Some(word) = &cleared.cut {
            self.call.recorder.word(word, Instant::now(), self.playout.position());
        }
        self.call.recorder.report.bytes_discarded += cleared.bytes as u64;
        self.call.recorder.close_utterance(cleared.bytes > 0);
    }

    async fn send(&mut self, message: String) -> bool {
        self.socket.send(Message::Text(message.into())).await.is_ok()
    }

    /// Answers the engine's goodbye, after which the engine ends the connection (RFC 6455, section 7.1.1) and the call goes
    /// on without it.
    async fn say_goodbye_back(&mut self) {
        let ended = async {
            let _ = self.socket.close(None).await;
            while let Some(Ok(_)) = self.socket.next().await {}
        };
        if timeout(CLOSE_PATIENCE, ended).await.is_err() {
            self.call.violation(Violation::new("31921", "the engine has said goodbye and does not end the connection"));
        }
    }

    /// Says goodbye as Twilio does: `stop`, then a close frame.
    async fn stop(&mut self) {
        let (account, call_sid) = (self.call.shared.account_sid.clone(), self.call.parties.call_sid.clone());
        let stop = self.envelope.stop(&account, &call_sid);
        self.send(stop).await;
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let closed = async {
            let _ = self.socket.close(Some(frame)).await;
            while let Some(Ok(_)) = self.socket.next().await {}
        };
        let _ = timeout(CLOSE_PATIENCE, closed).await;
    }
}

/// The next message. Most wake-ups are ticks, and the socket clears its buffer whenever it is asked: it is left alone
/// until there is something to read.
async fn next(socket: &mut MediaSocket, drained: &mut bool) -> Option<Result<Message, Error>> {
    poll_fn(|context| {
        if *drained && socket.get_ref().poll_read_ready(context).is_pending() {
            return Poll::Pending;
        }
        let next = socket.poll_next_unpin(context);
        *drained = next.is_pending();
        next
    })
    .await
}

/// One tick for each frame; missed ones are made up for, so that the rate is kept.
fn ticker() -> Interval {
    let mut ticks = interval(FRAME);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    ticks
}
