//! One call in a straight line: a single task that holds four connections and passes on what comes on each. No channel,
//! no lock and no second task, so that nothing but the sockets wakes it.

use std::ops::ControlFlow;

use axum::extract::ws;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};

use super::vendors::{Reply, Socket, Vendors};
use super::wire::{self, FromTwilio, Heard, Said, ToTwilio};
use super::{Service, StraightError};

const FLUSH: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"Flush"}"#);
const CLEAR: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"Clear"}"#);
const CLOSE_STREAM: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"CloseStream"}"#);
/// Bytes in one message of audio that is there whole, as the engine cuts it.
const PIECE_BYTES: usize = 8_000;

/// Whether the call goes on.
type Flow = Result<ControlFlow<()>, StraightError>;

const ON: Flow = Ok(ControlFlow::Continue(()));

/// A call that is connected everywhere.
struct Call<'a> {
    vendors: &'a Vendors,
    twilio: ws::WebSocket,
    ears: Socket,
    voice: Socket,
    out: ToTwilio,
    reply: Option<Reply>,
    /// Text of the reply that is not whole yet.
    text: String,
    /// Nothing of the reply was spoken yet.
    is_first: bool,
    /// What the caller has said of a turn that goes on.
    words: String,
    /// Flushes whose audio is not complete.
    flushes: u32,
    /// `Clear`s that were not answered: audio until then is old.
    clears: u32,
    /// The call ends when all was heard.
    is_last: bool,
}

/// Holds a call from its media socket to its end.
pub(super) async fn hold(service: &Service, mut twilio: ws::WebSocket) -> Result<(), StraightError> {
    let Some(stream) = started(&mut twilio).await? else { return Ok(()) };
    let (ears, voice) = tokio::try_join!(service.vendors.ears(), service.vendors.voice())?;
    let mut call = Call {
        vendors: &service.vendors,
        twilio,
        ears,
        voice,
        out: ToTwilio::new(&stream),
        reply: None,
        text: String::new(),
        is_first: true,
        words: String::new(),
        flushes: 0,
        clears: 0,
        is_last: false,
    };
    call.greet(service.greeting.clone()).await?;
    while call.step().await?.is_continue() {}
    call.end().await
}

/// The stream's name; none when the socket ends before it.
async fn started(twilio: &mut ws::WebSocket) -> Result<Option<String>, StraightError> {
    while let Some(message) = twilio.recv().await.transpose()? {
        if let ws::Message::Text(text) = message
            && let FromTwilio::Start(stream) = wire::from_twilio(&text)
        {
            return Ok(Some(stream));
        }
    }
    Ok(None)
}

impl Call<'_> {
    async fn greet(&mut self, mut greeting: Bytes) -> Result<(), StraightError> {
        while !greeting.is_empty() {
            let piece = greeting.split_to(greeting.len().min(PIECE_BYTES));
            self.play(&piece).await?;
        }
        self.mark().await
    }

    /// Waits for any of the four, and passes on what it says.
    async fn step(&mut self) -> Flow {
        tokio::select! {
            biased;
            message = self.twilio.recv() => match message.transpose()? {
                Some(ws::Message::Text(text)) => self.twilio_says(&text).await,
                Some(ws::Message::Close(_)) | None => Ok(ControlFlow::Break(())),
                Some(_) => ON,
            },
            message = self.ears.next() => match text_of(message)? {
                Some(Message::Text(text)) => self.heard(wire::heard(&text)).await,
                _ => ON,
            },
            message = self.voice.next() => match text_of(message)? {
                Some(Message::Binary(audio)) => self.spoken(&audio).await,
                Some(Message::Text(text)) => self.told(&wire::voice_kind(&text)).await,
                _ => ON,
            },
            said = next(&mut self.reply), if self.reply.is_some() => self.said(said).await,
        }
    }

    async fn twilio_says(&mut self, text: &str) -> Flow {
        match wire::from_twilio(text) {
            FromTwilio::Audio(audio) => self.ears.send(Message::Binary(audio.into())).await?,
            FromTwilio::Mark(mark) => {
                self.out.played(mark);
                if self.is_last && !self.is_speaking() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            FromTwilio::Stop => return Ok(ControlFlow::Break(())),
            FromTwilio::Start(_) | FromTwilio::Other => {}
        }
        ON
    }

    /// Words interrupt; the end of the caller's turn asks the model.
    async fn heard(&mut self, heard: Option<Heard>) -> Flow {
        let Some(Heard { text, is_final, is_end }) = heard else { return ON };
        if !text.is_empty() && self.is_speaking() {
            self.fall_silent().await?;
        }
        if is_final && !text.is_empty() {
            self.words.extend([&text, " "]);
        }
        if is_end && !self.words.is_empty() {
            let words = std::mem::take(&mut self.words);
            (self.reply, self.is_first) = (Some(self.vendors.ask(words.trim_end())), true);
        }
        ON
    }

    fn is_speaking(&self) -> bool {
        self.reply.is_some() || self.flushes > 0 || !self.out.is_silent()
    }

    async fn fall_silent(&mut self) -> Result<(), StraightError> {
        let clear = self.out.clear();
        self.write(clear).await?;
        (self.reply, self.flushes, self.clears) = (None, 0, self.clears + 1);
        self.text.clear();
        Ok(self.voice.send(Message::Text(CLEAR)).await?)
    }

    async fn said(&mut self, said: Option<Said>) -> Flow {
        let Said { text, ends_call, is_last } = said.unwrap_or(Said { is_last: true, ..Said::default() });
        self.text.push_str(&text);
        self.is_last |= ends_call;
        while let Some(piece) = wire::piece(&mut self.text, self.is_first) {
            self.is_first = false;
            self.voice.send(Message::text(wire::speak(&piece))).await?;
        }
        if is_last {
            self.reply = None;
            let rest = std::mem::take(&mut self.text);
            if !rest.trim().is_empty() {
                self.voice.send(Message::text(wire::speak(&rest))).await?;
            }
            self.flushes += 1;
            self.voice.send(Message::Text(FLUSH)).await?;
        }
        ON
    }

    async fn spoken(&mut self, audio: &[u8]) -> Flow {
        if self.clears == 0 {
            self.play(audio).await?;
        }
        ON
    }

    async fn told(&mut self, kind: &str) -> Flow {
        match kind {
            "Flushed" if self.clears == 0 => {
                self.flushes = self.flushes.saturating_sub(1);
                self.mark().await?;
            }
            "Cleared" => self.clears = self.clears.saturating_sub(1),
            _ => {}
        }
        ON
    }

    async fn play(&mut self, audio: &[u8]) -> Result<(), StraightError> {
        let message = self.out.audio(audio);
        self.write(message).await?;
        if self.out.wants_mark() { self.mark().await } else { Ok(()) }
    }

    async fn mark(&mut self) -> Result<(), StraightError> {
        let message = self.out.mark();
        self.write(message).await
    }

    async fn write(&mut self, message: String) -> Result<(), StraightError> {
        Ok(self.twilio.send(ws::Message::Text(message.into())).await?)
    }

    /// Says goodbye to all; who has gone already does not hear it.
    async fn end(mut self) -> Result<(), StraightError> {
        let _ = self.twilio.send(ws::Message::Close(None)).await;
        let _ = self.ears.send(Message::Text(CLOSE_STREAM)).await;
        let _ = self.voice.close(None).await;
        while let Some(Ok(_)) = self.ears.next().await {}
        while let Some(Ok(_)) = self.twilio.recv().await {}
        Ok(())
    }
}

/// A vendor's message; its end is an error, since it comes before that of the call.
fn text_of(message: Option<Result<Message, tungstenite::Error>>) -> Result<Option<Message>, StraightError> {
    match message {
        Some(Ok(Message::Close(_))) | None => Err(StraightError::VendorLeft),
        Some(message) => Ok(Some(message?)),
    }
}

async fn next(reply: &mut Option<Reply>) -> Option<Said> {
    reply.as_mut()?.next().await
}
