//! Speculation: the model is asked before the caller has finished, and what it answers is kept back until the caller has
//! said these very words. A reply that is kept back says nothing, runs nothing and is not in the history.

use super::{Answer, Effect, Guessed, Question, Step, TurnMachine, TurnTimer, words};
use crate::limits;
use crate::ports::{ModelEvent, VendorError};

/// An answer whose events wait.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) answer: Answer,
    events: Vec<Result<ModelEvent, VendorError>>,
}

impl Held {
    pub(super) fn new(answer: Answer) -> Self {
        Self { answer, events: Vec::new() }
    }
}

/// The answer to what the caller will probably have said.
#[derive(Debug)]
pub(super) struct Guess {
    words: String,
    held: Held,
}

impl TurnMachine {
    /// The speech-to-text itself thinks that the caller has finished.
    pub(super) fn eager(&mut self, text: &str) {
        self.words(text, false, false, None);
        self.words_are_stable();
    }

    pub(super) fn goes_on_speaking(&mut self) {
        self.caller.stable = false;
        self.drop_guess();
    }

    /// The words are other words now.
    pub(super) fn words_changed(&mut self) {
        (self.caller.stable, self.caller.silent) = (false, false);
        let said = self.caller.said();
        if self.guess.as_ref().is_some_and(|guess| !words::same(&guess.words, &said) || !self.caller.keys.is_empty()) {
            self.drop_guess();
        }
        if self.rules.speculates && self.caller.keys.is_empty() && !said.is_empty() {
            self.effects.push(Effect::Arm(TurnTimer::Stable));
        }
    }

    pub(super) fn fell_silent(&mut self) {
        self.caller.silent = true;
        self.words_are_stable();
    }

    /// These words are probably all: the caller is quiet, or they have not changed for a while.
    pub(super) fn words_are_stable(&mut self) {
        if !std::mem::replace(&mut self.caller.stable, true) {
            self.effects.push(Effect::Disarm(TurnTimer::Stable));
            self.guess();
        }
    }

    /// Asks ahead, if the caller has the turn and the history is true.
    pub(super) fn guess(&mut self) {
        let words = self.caller.said();
        let ready = self.rules.speculates && self.caller.stable && self.guess.is_none() && self.history_is_true();
        let has_turn = self.caller.open || !self.is_busy();
        if !ready || !has_turn || words.is_empty() || !self.caller.keys.is_empty() {
            return;
        }
        if self.wasted >= limits::SPECULATIONS_WASTED_PER_CALL {
            return self.effects.push(Effect::Guessed(Guessed::Capped));
        }
        let step = self.next_request();
        let mut answer = Answer::waiting(self.turn);
        answer.asked(step);
        self.effects.push(Effect::AskModel(Question { step, guess: Some(words.clone()) }));
        self.guess = Some(Guess { words, held: Held::new(answer) });
    }

    /// The guess, if the caller has said just that; another one is dropped.
    pub(super) fn take_guess(&mut self, said: &str, keys: &str) -> Option<Guess> {
        let right = |guess: &mut Guess| keys.is_empty() && words::same(&guess.words, said);
        let taken = self.guess.take_if(right);
        self.drop_guess();
        taken
    }

    /// The caller has said so: the reply goes on as if it had begun now.
    pub(super) fn confirm(&mut self, guess: Guess) {
        self.effects.push(Effect::Guessed(Guessed::Used));
        self.release(guess.held);
    }

    pub(super) fn drop_guess(&mut self) {
        if let Some(guess) = self.guess.take() {
            self.wasted += 1;
            self.effects.extend(guess.held.answer.step().map(Effect::StopModel));
            self.effects.push(Effect::Guessed(Guessed::Wasted));
        }
    }

    // Replies that are kept back --------------------------------------------------------------------------------------

    /// An event of a reply that nobody may hear yet, or of one that is over.
    pub(super) fn keep_back(&mut self, step: Step, event: Result<ModelEvent, VendorError>) {
        if self.guess.as_ref().is_some_and(|guess| guess.held.answer.is_at(step)) && event.is_err() {
            return self.drop_guess();
        }
        let guess = self.guess.as_mut().map(|guess| &mut guess.held);
        let doubt = self.doubt.as_mut().and_then(|doubt| doubt.held.as_mut());
        if let Some(held) = guess.into_iter().chain(doubt).find(|held| held.answer.is_at(step)) {
            held.events.push(event);
        }
    }

    /// What was kept back happens now, in the present turn.
    pub(super) fn release(&mut self, held: Held) {
        let step = held.answer.step();
        self.answer = Some(held.answer.moved_to(self.turn));
        for event in held.events {
            if let Some(step) = step {
                self.model(step, event);
            }
        }
    }
}
