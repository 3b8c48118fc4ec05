//! How a turn that was started again goes on: what it owes the caller is read from the history and from what is being
//! said.

use super::doubt::Doubt;
use super::{Answer, Effect, Resume, TurnMachine, TurnTimer};

impl TurnMachine {
    pub(super) fn resume(&mut self, resume: Resume) {
        self.speaking.extend(resume.speaking);
        (self.ending, self.awaiting_cut) = (resume.ending, resume.hushing);
        // Fillers are not in the history either, but a reply in the making is the last that is said.
        let broke_off = self.speaking.last().is_some_and(|last| !self.history.has_utterance(*last));
        let broke_off = broke_off && self.ending.is_none();
        let was_interrupted = self.history.answered_last().is_some_and(|turn| turn < self.turn);
        let goes_on = !self.history.answer_is_owed();
        if goes_on && !resume.goes_on && !broke_off && !was_interrupted {
            return self.end_if_all_is_said();
        }
        // A reply that broke off is cut, and begun again or gone on with.
        if broke_off {
            self.resuming = true;
            self.hush();
        }
        let answer = self.answer_after_tools();
        if was_interrupted {
            self.wait_for_the_caller();
        } else {
            self.answer = Some(if goes_on { Answer::going_on(self.turn) } else { answer });
        }
        self.ask_when_ready();
    }

    /// Tool calls without a result are run again, which their identity makes harmless. Those of an interrupted turn run
    /// in that turn, which may not act any more: they only say what had come of them.
    fn answer_after_tools(&mut self) -> Answer {
        let calls = self.history.unanswered();
        let (ours, old): (Vec<_>, Vec<_>) = calls.iter().partition(|(turn, _)| *turn == self.turn);
        self.orphans.extend(old.into_iter().map(|(_, call)| call.id.clone()));
        let said = self.history.said_last(self.turn).filter(|_| self.ending.is_some() || !ours.is_empty());
        let ours = ours.into_iter().map(|(_, call)| call.id.clone());
        let answer = Answer::resumed(self.turn, ours, said, self.ending.take());
        self.effects.extend(calls.into_iter().map(|(turn, call)| Effect::RunTool { turn, call }));
        answer
    }

    /// The caller had interrupted. The words that are final follow; if there are none, it was nothing, and what the old
    /// incarnation kept back is gone.
    fn wait_for_the_caller(&mut self) {
        self.caller.open = true;
        self.doubt = Some(Doubt::about_lost_words());
        self.effects.push(Effect::Arm(TurnTimer::FalseAlarm));
    }
}
