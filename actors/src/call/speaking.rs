//! What is being said: the call's own record of it, from which a failed PlaybackActor is started again.

use tokio::time::Instant;

use super::machine::Input;
use super::{CallRef, CallState};
use crate::domain::{TurnId, UtteranceId};
use crate::history::HistoryOp;
use crate::playback::{PlaybackMsg, PlaybackReport, Prepared};
use crate::speech::{Rate, Utterance};
use crate::turn::TurnMsg;
use otto_proto::v1::{self, call_event::Body};

impl CallState {
    pub(super) fn say(&mut self, turn: TurnId, utterance: UtteranceId, text: String) {
        // A turn that is over does not speak.
        if turn != self.session.turn {
            return;
        }
        self.session.last_utterance = self.session.last_utterance.max(utterance);
        if self.unfinished.last().is_none_or(|last| last.id != utterance) {
            self.unfinished.push(Utterance::new(utterance, turn));
        }
        if let Some(last) = self.unfinished.last_mut() {
            last.text.push_str(&text);
        }
        self.legs.playback.cast(PlaybackMsg::Say { turn, utterance, text });
    }

    pub(super) fn finish_utterance(&mut self, utterance: UtteranceId) {
        if let Some(found) = self.unfinished.iter_mut().find(|u| u.id == utterance) {
            found.complete = true;
        }
        self.legs.playback.cast(PlaybackMsg::Finish(utterance));
    }

    pub(super) fn hush(&mut self) {
        self.hushing = true;
        if !self.legs.playback.cast(PlaybackMsg::Hush) {
            self.hush_without_playback();
        }
    }

    /// The PlaybackActor is being restarted: the call itself stops the speech and says what was heard.
    pub(super) fn hush_without_playback(&mut self) {
        let Some(line) = &self.line else { return self.cut(Vec::new()) };
        let out = line.out();
        let (playout, now) = (out.playout(), Instant::now());
        out.clear();
        let heard = |u: &Utterance| (u.id, u.turn, u.heard(playout, now, Rate::default()).to_owned());
        let cut = self.unfinished.iter().map(heard).collect();
        self.cut(cut);
    }

    pub(super) fn playback(&mut self, myself: &CallRef, report: PlaybackReport) {
        match report {
            PlaybackReport::Started { utterance, first_byte } => {
                self.legs.turn.cast(TurnMsg::Started { utterance, first_byte });
            }
            PlaybackReport::Placed { utterance, resumed_at, audio } => {
                if let Some(found) = self.unfinished.iter_mut().find(|u| u.id == utterance) {
                    (found.resumed_at, found.audio) = (resumed_at, Some(audio));
                }
            }
            PlaybackReport::Spoken { utterance, text } => self.spoken(utterance, text),
            PlaybackReport::Cut(heard) => self.cut(heard),
            PlaybackReport::Trouble(error) => self.trouble(crate::names::ActorKind::Playback, &error),
            PlaybackReport::Mute { rest } => self.live(myself, Input::Mute { rest, ending: self.session.ending }),
        }
    }

    pub(super) fn prepared(&mut self, prepared: Prepared) {
        self.prepared = Some(prepared.clone());
        self.legs.playback.cast(PlaybackMsg::Prepared(prepared));
    }

    fn spoken(&mut self, utterance: UtteranceId, text: String) {
        self.unfinished.retain(|u| u.id != utterance);
        self.prepared.take_if(|greeting| greeting.text == text);
        self.note(Body::OttoSaid(v1::OttoSaid { utterance: utterance.0, text, interrupted: false }));
        self.legs.turn.cast(TurnMsg::Spoken(utterance));
    }

    fn cut(&mut self, heard: Vec<(UtteranceId, TurnId, String)>) {
        if !std::mem::take(&mut self.hushing) {
            // Answered already, when the PlaybackActor was away.
            return;
        }
        let unfinished = std::mem::take(&mut self.unfinished);
        self.prepared.take_if(|greeting| unfinished.iter().any(|utterance| utterance.text == greeting.text));
        // The turn will say so too, unless it is gone before it hears of it.
        for (utterance, _, heard) in &heard {
            self.session.history.apply(HistoryOp::Cut { utterance: *utterance, heard: heard.clone() });
        }
        for (utterance, _, text) in heard.iter().filter(|(_, _, text)| !text.is_empty()) {
            let said = v1::OttoSaid { utterance: utterance.0, text: text.clone(), interrupted: true };
            self.note(Body::OttoSaid(said));
        }
        self.legs.turn.cast(TurnMsg::Cut(heard));
    }
}
