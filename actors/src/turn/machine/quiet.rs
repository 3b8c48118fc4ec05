//! What Otto says so that a silence is never unexplained: while an answer is due, while he cannot hear, and when the
//! caller says nothing. One timer at a time watches the silence; which one follows from the state.

use super::{Effect, EndKind, TurnMachine, TurnTimer, UtteranceId};

/// How a silence is being dealt with.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    /// The timer that watches the silence.
    watch: Option<TurnTimer>,
    /// Times in a row that the caller was asked whether anybody is there.
    pub(super) prompts: u32,
    pub(super) deaf: bool,
    /// The answer is due to somebody who has waited already.
    pub(super) overdue: bool,
    /// The caller was told that Otto cannot hear.
    told_deaf: bool,
    /// What the caller was told last of it.
    notice: Option<UtteranceId>,
}

impl TurnMachine {
    /// After each step: the timer that the silence of now calls for, which goes on running if it runs already.
    pub(super) fn watch_the_silence(&mut self) {
        let wanted = self.silence();
        if wanted != self.quiet.watch {
            self.restart_the_silence();
            self.effects.extend(wanted.map(Effect::Arm));
            self.quiet.watch = wanted;
        }
    }

    /// The caller has just been heard.
    pub(super) fn restart_the_silence(&mut self) {
        self.effects.extend(self.quiet.watch.take().map(Effect::Disarm));
    }

    /// Otto has waited for more in silence, and none has come.
    pub(super) fn waited_for_more(&mut self, end: fn(&mut Self)) {
        end(self);
        self.quiet.overdue = true;
    }

    fn silence(&self) -> Option<TurnTimer> {
        if !self.speaking.is_empty() || self.awaiting_cut || self.ending.is_some() || self.doubt.is_some() {
            return None;
        }
        if let Some(answer) = &self.answer {
            return Some(match answer.fillers() {
                0 if self.quiet.overdue => TurnTimer::Overdue,
                0 => TurnTimer::Thinking,
                _ => TurnTimer::StillThinking,
            });
        }
        if self.quiet.deaf {
            return Some(if self.quiet.told_deaf { TurnTimer::StillDeaf } else { TurnTimer::Deaf });
        }
        let has_spoken = !self.history.entries().is_empty();
        (has_spoken && !self.caller.has_begun()).then_some(TurnTimer::Quiet)
    }

    pub(super) fn silence_is_long(&mut self, timer: TurnTimer) {
        if self.quiet.watch.take_if(|watch| *watch == timer).is_none() {
            return;
        }
        match timer {
            TurnTimer::Thinking | TurnTimer::Overdue | TurnTimer::StillThinking => self.filler(),
            TurnTimer::Deaf | TurnTimer::StillDeaf => self.say_deaf(),
            _ => self.ask_who_is_there(),
        }
    }

    /// Tools run, and nothing was said along with them: the first filler comes early.
    pub(super) fn tools_take_long(&mut self) {
        let in_silence = matches!(self.quiet.watch, Some(TurnTimer::Thinking | TurnTimer::Overdue));
        if in_silence && self.answer.as_ref().is_some_and(super::Answer::works_in_silence) {
            self.filler();
        }
    }

    fn filler(&mut self) {
        let Some(answer) = self.answer.as_mut() else { return };
        let texts = &self.rules.texts;
        let text = if answer.fillers() == 0 { texts.filler.clone() } else { texts.filler_again.clone() };
        answer.count_filler();
        self.say_whole(text, false);
    }

    fn say_deaf(&mut self) {
        let texts = &self.rules.texts;
        let told = std::mem::replace(&mut self.quiet.told_deaf, true);
        let text = if told { texts.filler_again.clone() } else { texts.deaf.clone() };
        self.say_whole(text, true);
        self.quiet.notice = Some(self.last_utterance);
    }

    /// Whether nothing sounds but the word that Otto cannot hear, and he still cannot. What is heard then was said before
    /// it, and does not interrupt it: the caller would be left in silence again.
    pub(super) fn only_says_deaf(&self) -> bool {
        let only_notice = self.speaking.iter().all(|utterance| Some(*utterance) == self.quiet.notice);
        self.quiet.deaf && only_notice && self.answer.is_none() && self.ending.is_none()
    }

    fn ask_who_is_there(&mut self) {
        self.quiet.prompts += 1;
        let texts = &self.rules.texts;
        match self.quiet.prompts {
            1 => self.say_whole(texts.still_there.clone(), true),
            2 => self.say_whole(texts.still_there_again.clone(), true),
            _ => self.take_leave(texts.silent_goodbye.clone(), EndKind::HangUp),
        }
    }

    /// What the caller has begun to say goes on when Otto hears again: until then no silence ends it, unless the caller
    /// had fallen silent before.
    pub(super) fn deaf(&mut self, deaf: bool) {
        let was_deaf = std::mem::replace(&mut self.quiet.deaf, deaf);
        // Whoever hears again may count the stream's samples anew.
        self.caller.taken_until = None;
        self.quiet.told_deaf &= deaf;
        if deaf && !self.caller.silent {
            self.effects.push(Effect::Disarm(TurnTimer::Silence));
        } else if !deaf && was_deaf && self.doubt.is_none() && !self.caller.said().is_empty() {
            self.effects.push(Effect::Arm(TurnTimer::Silence));
        }
    }
}
