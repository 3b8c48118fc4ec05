//! The hops of a turn, measured where they happen: end of turn, first token, first clause, first audio.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{TurnId, UtteranceId};

/// How long each hop of a turn took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hops {
    /// The silence that was waited for before the turn was over.
    pub endpointing: Duration,
    /// From then to the model's first word, tools before it included.
    pub model_first_token: Duration,
    /// From then to the first whole clause.
    pub first_clause: Duration,
    /// From then to the first audio of it.
    pub speech_first_byte: Duration,
    /// From then to its being handed to the telephony socket.
    pub media_out: Duration,
}

impl Hops {
    /// Each hop with its name.
    #[must_use]
    pub fn named(&self) -> [(&'static str, Duration); 5] {
        [
            ("endpointing", self.endpointing),
            ("model_first_token", self.model_first_token),
            ("first_clause", self.first_clause),
            ("speech_first_byte", self.speech_first_byte),
            ("media_out", self.media_out),
        ]
    }
}

#[derive(Debug, Default)]
pub(super) struct Timeline {
    waited: Duration,
    turn: Option<Measured>,
}

#[derive(Debug)]
struct Measured {
    turn: TurnId,
    endpointing: Duration,
    asked: Instant,
    first_token: Option<Instant>,
    first_clause: Option<(Instant, UtteranceId)>,
}

impl Timeline {
    /// The speech-to-text (or Otto's own timer) has waited this long since the last word.
    pub(super) fn waited(&mut self, silence: Duration) {
        self.waited = silence;
    }

    /// The model was asked; the first time in a turn is the end of the caller's turn.
    pub(super) fn asked(&mut self, turn: TurnId) {
        if self.turn.as_ref().is_none_or(|m| m.turn != turn) {
            let (endpointing, asked) = (self.waited, Instant::now());
            self.turn = Some(Measured { turn, endpointing, asked, first_token: None, first_clause: None });
        }
    }

    /// The model said its first word.
    pub(super) fn first_token(&mut self, turn: TurnId) {
        if let Some(m) = self.turn.as_mut().filter(|m| m.turn == turn) {
            m.first_token.get_or_insert_with(Instant::now);
        }
    }

    /// A clause goes out; a filler is none, for the model has not said a word then.
    pub(super) fn said(&mut self, turn: TurnId, utterance: UtteranceId) {
        if let Some(m) = self.turn.as_mut().filter(|m| m.turn == turn && m.first_token.is_some()) {
            m.first_clause.get_or_insert_with(|| (Instant::now(), utterance));
        }
    }

    /// Audio of an utterance is on its way; the hops, if it is the answer of the turn that is being measured.
    pub(super) fn started(&mut self, utterance: UtteranceId, first_byte: Instant) -> Option<(TurnId, Hops)> {
        let m = self.turn.as_ref()?;
        let (first_token, (first_clause, measured)) = (m.first_token?, m.first_clause?);
        if measured != utterance {
            return None;
        }
        let hops = Hops {
            endpointing: m.endpointing,
            model_first_token: first_token - m.asked,
            first_clause: first_clause - first_token,
            speech_first_byte: first_byte.saturating_duration_since(first_clause),
            media_out: first_byte.elapsed(),
        };
        let turn = m.turn;
        self.turn = None;
        Some((turn, hops))
    }
}
