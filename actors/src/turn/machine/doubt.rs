//! An interruption that may turn out to be none: the voice has stopped and the turn is the caller's, but the answer is
//! kept back until a word is final. If none comes, Otto takes up from the first sentence that was not heard.

use super::guessing::Held;
use super::{Answer, Effect, EndKind, Entry, HistoryOp, TurnMachine, TurnTimer, UtteranceId};
use crate::domain::TurnId;
use crate::speech::Utterance;

/// What was interrupted.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) held: Option<Held>,
    /// What the voice was given and the caller had not heard to the end, oldest first.
    said: Vec<Said>,
    ending: Option<EndKind>,
    /// The reply is gone with an earlier incarnation.
    lost: bool,
    /// It was nothing; what was heard is not known yet.
    pub(super) over: bool,
}

#[derive(Debug)]
pub(super) struct Said {
    pub(super) utterance: UtteranceId,
    pub(super) text: String,
    /// None as long as it is not known, and when it was all.
    pub(super) heard: Option<String>,
}

impl Said {
    fn rest(&self) -> &str {
        let Some(heard) = &self.heard else { return "" };
        let said = Utterance { text: self.text.clone(), ..Utterance::new(self.utterance, TurnId::default()) };
        &self.text[said.first_unheard_sentence(heard)..]
    }
}

impl Doubt {
    pub(super) fn about(answer: Option<Answer>, said: Vec<Said>, ending: Option<EndKind>) -> Self {
        Self { held: answer.map(Held::new), said, ending, lost: false, over: false }
    }

    /// About an answer that is gone.
    pub(super) fn about_lost_words() -> Self {
        Self { held: None, said: Vec::new(), ending: None, lost: true, over: false }
    }

    pub(super) fn heard(&mut self, utterance: UtteranceId, heard: &str) {
        if let Some(said) = self.said.iter_mut().find(|said| said.utterance == utterance) {
            said.heard = Some(heard.to_owned());
        }
    }
}

impl TurnMachine {
    /// What is in the history and is being said; nothing while the voice is being stopped for an earlier reason.
    pub(super) fn being_said(&self) -> Vec<Said> {
        if self.awaiting_cut {
            return Vec::new();
        }
        let said = |utterance: &UtteranceId| {
            let text = self.history.text_of(*utterance)?.to_owned();
            Some(Said { utterance: *utterance, text, heard: None })
        };
        self.speaking.iter().filter_map(said).collect()
    }

    /// The caller did interrupt: what was kept back is void.
    pub(super) fn believe(&mut self) {
        if let Some(doubt) = self.doubt.take() {
            self.effects.push(Effect::Disarm(TurnTimer::FalseAlarm));
            self.effects.extend(doubt.held.and_then(|held| held.answer.step()).map(Effect::StopModel));
        }
    }

    /// The caller did not interrupt: Otto goes on, once it is known from where.
    pub(super) fn false_alarm(&mut self) {
        let Some(doubt) = self.doubt.as_mut() else { return };
        if self.awaiting_cut {
            doubt.over = true;
            return;
        }
        let Some(doubt) = self.doubt.take() else { return };
        self.drop_guess();
        self.caller.finals.clear();
        self.caller.interim.clear();
        (self.caller.open, self.caller.stable) = (false, false);
        self.effects.extend([TurnTimer::FalseAlarm, TurnTimer::Stable].map(Effect::Disarm));
        self.effects.push(Effect::Ignored);
        self.take_up_again(doubt);
        self.ask_when_ready();
        self.end_if_all_is_said();
    }

    fn take_up_again(&mut self, doubt: Doubt) {
        let Doubt { mut held, said, ending, lost, .. } = doubt;
        for said in said {
            match held.as_mut().filter(|held| held.answer.utterance() == Some(said.utterance)) {
                Some(held) if held.answer.step().is_some() => {
                    let utterance = self.say_rest(said.rest());
                    held.answer.say_again(said.rest(), utterance);
                }
                _ => self.say_to_the_end(said.rest()),
            }
        }
        self.ending = ending;
        let wanted = held.as_ref().and_then(|held| held.answer.end());
        self.effects.extend(ending.or(wanted).map(Effect::Ending));
        if let Some(held) = held {
            self.release(held);
        } else if lost {
            self.answer = Some(Answer::going_on(self.turn));
        }
    }

    /// Says the rest of a reply that goes on.
    fn say_rest(&mut self, text: &str) -> Option<UtteranceId> {
        if text.trim().is_empty() {
            return None;
        }
        self.last_utterance = self.last_utterance.next();
        let (turn, utterance) = (self.turn, self.last_utterance);
        self.speaking.insert(utterance);
        self.effects.push(Effect::Say { turn, utterance, text: text.to_owned() });
        Some(utterance)
    }

    /// Says the rest of something that was complete.
    fn say_to_the_end(&mut self, text: &str) {
        if let Some(utterance) = self.say_rest(text) {
            let (turn, text) = (self.turn, text.to_owned());
            self.effects.push(Effect::Finish(utterance));
            self.note(HistoryOp::Add(Entry::Assistant { turn, utterance, text, tool_calls: Vec::new() }));
        }
    }
}
