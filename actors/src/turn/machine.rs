//! The decisions of a turn: when it ends, what is asked of the model, what is said, which tools run, what an
//! interruption undoes. Pure: inputs in, effects out, no clock. Here is what the caller does; the rest is in machine/.

mod asking;
mod contract;
mod doubt;
mod guessing;
mod quiet;
mod resuming;
mod saying;

pub(super) use contract::{Effect, Input, Question, Rules, Standing, Texts, TurnTimer};
pub use contract::{EndKind, Guessed, Resume};

use std::collections::{BTreeSet, HashSet};

use super::answer::{Answer, Step};
use super::words;
use crate::domain::{TurnId, UtteranceId};
use crate::history::{Entry, History, HistoryOp};
use crate::limits;
use doubt::Doubt;
use guessing::Guess;
use quiet::Quiet;

/// A turn, and the conversation it belongs to.
#[derive(Debug)]
pub(super) struct TurnMachine {
    rules: Rules,
    history: History,
    turn: TurnId,
    last_utterance: UtteranceId,
    /// What the caller has done in the turn that is not over.
    caller: Caller,
    answer: Option<Answer>,
    /// The answer to what the caller will probably have said.
    guess: Option<Guess>,
    /// Guesses in vain.
    wasted: u32,
    /// The answer that may have been interrupted by nothing.
    doubt: Option<Doubt>,
    speaking: BTreeSet<UtteranceId>,
    ending: Option<EndKind>,
    /// Tool calls of interrupted turns that have no result yet.
    orphans: HashSet<String>,
    awaiting_cut: bool,
    /// What is said last, once the voice has stopped.
    leaving: Option<String>,
    resuming: bool,
    quiet: Quiet,
    /// Answers in a row that came to nothing.
    troubles: u32,
    /// Requests to the model.
    requests: u32,
    effects: Vec<Effect>,
}

/// What the caller has done since the last turn was over.
#[derive(Debug, Default)]
struct Caller {
    /// The turn has begun with an interruption, but its words are not complete.
    open: bool,
    finals: String,
    interim: String,
    /// The words do not change any more, as far as one can tell.
    stable: bool,
    /// All that was said until the caller fell silent is in the words.
    silent: bool,
    /// Where in the stream the last word of the interim ends.
    interim_until: Option<u64>,
    /// The words that a turn was ended on before they were final: their final is no new turn.
    taken: String,
    /// Where in the stream they end. What the vendor makes of the same sound later may be written otherwise.
    taken_until: Option<u64>,
    /// Listening noises, said while Otto spoke, that may turn out to be an answer.
    murmur: String,
    keys: String,
    /// The turn before was one of keys.
    after_keys: bool,
}

impl Caller {
    fn said(&self) -> String {
        words::join(&self.finals, &self.interim)
    }

    /// Whether these are the words that a turn was ended on.
    fn were_taken(&self, text: &str, until: Option<u64>) -> bool {
        let lie_before = |(until, taken)| until <= taken + limits::LATE_FINAL_SAMPLES;
        let same_sound = !self.taken.is_empty() && until.zip(self.taken_until).is_some_and(lie_before);
        same_sound || words::same(text, &self.taken)
    }

    fn has_begun(&self) -> bool {
        self.open || !self.finals.is_empty() || !self.interim.is_empty() || !self.keys.is_empty()
    }
}

impl TurnMachine {
    pub(super) fn new(rules: Rules, standing: Standing) -> Self {
        let Standing { history, turn, last_utterance, wasted } = standing;
        let (caller, speaking, orphans, quiet, effects) = Default::default();
        Self {
            rules,
            history,
            turn,
            last_utterance,
            caller,
            answer: None,
            guess: None,
            wasted,
            doubt: None,
            speaking,
            ending: None,
            orphans,
            awaiting_cut: false,
            leaving: None,
            resuming: false,
            quiet,
            troubles: 0,
            requests: 0,
            effects,
        }
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    pub(super) fn turn(&self) -> TurnId {
        self.turn
    }

    /// Takes one input and says what is to be done about it, in order.
    pub(super) fn step(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Greet(text) => self.greet(text),
            Input::Leave(text) => self.leave(text),
            Input::Words { text, is_final, speech_final, until } => {
                self.words(&text, is_final, speech_final, until);
            }
            Input::FellSilent => self.fell_silent(),
            Input::UtteranceEnd => self.speech_ended(),
            Input::Eager(text) => self.eager(&text),
            Input::Resumed => self.goes_on_speaking(),
            Input::Deaf => self.deaf(true),
            Input::Hears => self.deaf(false),
            Input::Key(key) => self.key(key),
            Input::Due(timer) => self.due(timer),
            Input::Model { step, event } => self.model(step, event),
            Input::Paused(step) => self.model_pauses(step),
            Input::ToolDone { tool_call_id, content, end } => self.tool_done(tool_call_id, content, end),
            Input::Spoken(utterance) => self.spoken(utterance),
            Input::Cut(heard) => self.cut(heard),
            Input::Resume(resume) => self.resume(resume),
        }
        self.watch_the_silence();
        std::mem::take(&mut self.effects)
    }

    fn due(&mut self, timer: TurnTimer) {
        match timer {
            TurnTimer::Silence => self.waited_for_more(Self::speech_ended),
            TurnTimer::Stable => self.words_are_stable(),
            TurnTimer::FalseAlarm => self.false_alarm(),
            TurnTimer::Murmur => self.forget_murmur(),
            TurnTimer::Keys => self.waited_for_more(Self::end_of_turn),
            TurnTimer::Filler => self.tools_take_long(),
            TurnTimer::Retry => self.ask_after_pause(),
            timer => self.silence_is_long(timer),
        }
    }

    // Words -----------------------------------------------------------------------------------------------------------

    fn words(&mut self, text: &str, is_final: bool, speech_final: bool, until: Option<u64>) {
        if text.is_empty() {
            if is_final {
                self.retracted();
            }
        } else if !self.caller.were_taken(text, until) && !self.take_up(text, is_final, until) {
            return;
        }
        if speech_final && self.doubt.is_some() {
            // All that was final was a listening noise.
            self.false_alarm();
        } else if speech_final {
            self.speech_ended();
        }
    }

    /// Some words; false when they are no more than a listening noise.
    fn take_up(&mut self, text: &str, is_final: bool, until: Option<u64>) -> bool {
        self.caller.taken.clear();
        self.quiet.prompts = 0;
        if self.is_busy() && !self.caller.open && !self.only_says_deaf() {
            if !self.rules.listening.interrupts(text) {
                self.murmured(text, is_final);
                return false;
            }
            self.interrupt(text, !is_final);
        }
        let before = self.caller.said();
        if is_final {
            let finals = words::join(&self.caller.finals, text);
            self.caller.finals = finals.chars().take(limits::USER_TEXT_MAX_CHARS).collect();
            self.caller.interim.clear();
        } else {
            text.clone_into(&mut self.caller.interim);
            self.caller.interim_until = until;
        }
        if self.rules.listening.interrupts(&self.caller.finals) {
            self.believe();
        }
        let changed = !words::same(&before, &self.caller.said());
        if changed {
            self.words_changed();
        }
        self.wait_for_more(changed, is_final);
        true
    }

    /// Words that are repeated, as on a line with noise, are no reason to wait longer.
    fn wait_for_more(&mut self, changed: bool, is_final: bool) {
        match &mut self.doubt {
            None if !self.quiet.deaf && (changed || is_final) => self.effects.push(Effect::Arm(TurnTimer::Silence)),
            Some(doubt) if changed => {
                doubt.over = false;
                self.effects.push(Effect::Arm(TurnTimer::FalseAlarm));
            }
            _ => {}
        }
    }

    /// What the speech-to-text took for words was none.
    fn retracted(&mut self) {
        if self.doubt.is_some() {
            return self.false_alarm();
        }
        if !self.caller.interim.is_empty() {
            self.caller.interim.clear();
            self.words_changed();
        }
    }

    /// A noise while Otto speaks: an answer, if it turns out that he was about to end with a question.
    fn murmured(&mut self, text: &str, is_final: bool) {
        if is_final {
            self.caller.murmur = words::join(&self.caller.murmur, text);
            self.effects.push(Effect::Arm(TurnTimer::Murmur));
        }
    }

    fn forget_murmur(&mut self) {
        let murmured = !std::mem::take(&mut self.caller.murmur).is_empty();
        if murmured && !self.caller.has_begun() {
            self.effects.push(Effect::Ignored);
        }
    }

    fn answer_was_murmured(&self) -> bool {
        let silent = self.speaking.is_empty() && !self.is_busy();
        silent && !self.caller.murmur.is_empty() && self.history.ends_with_question()
    }

    // Keys ------------------------------------------------------------------------------------------------------------

    fn key(&mut self, key: char) {
        self.quiet.prompts = 0;
        self.believe();
        if key == '#' {
            if !self.caller.has_begun() {
                return self.effects.push(Effect::Ignored);
            }
            return self.end_of_turn();
        }
        if self.is_busy() && !self.caller.open {
            self.interrupt("", false);
        }
        if self.caller.keys.len() < limits::KEYS_PER_TURN {
            self.caller.keys.push(key);
        }
        self.words_changed();
        self.effects.push(Effect::Arm(TurnTimer::Keys));
    }

    // Turns -----------------------------------------------------------------------------------------------------------

    fn is_busy(&self) -> bool {
        self.answer.is_some() || !self.speaking.is_empty() || self.ending.is_some()
    }

    /// The caller takes the turn: what the old one still wanted is void from here on. On words that are not final the
    /// answer is kept, in case that it was nothing.
    fn interrupt(&mut self, text: &str, doubtful: bool) {
        self.give_up_the_turn(doubtful);
        if !self.speaking.is_empty() {
            self.hush();
            self.effects.push(Effect::BargeIn(text.to_owned()));
        }
    }

    fn give_up_the_turn(&mut self, doubtful: bool) {
        let answer = self.answer.take();
        self.effects.extend([TurnTimer::Filler, TurnTimer::Retry, TurnTimer::Silence].map(Effect::Disarm));
        self.restart_the_silence();
        self.caller.murmur.clear();
        if let Some(answer) = &answer {
            self.orphans.extend(answer.running_tools().cloned());
            if let Some(step) = answer.step().filter(|_| !doubtful) {
                self.effects.push(Effect::StopModel(step));
            }
            self.note_unfinished(answer);
        }
        let doubt = Doubt::about(answer, self.being_said(), self.ending.take());
        self.doubt = doubtful.then_some(doubt);
        self.open_turn();
    }

    /// What a reply has said so far, until it is known how much of it was heard.
    fn note_unfinished(&mut self, answer: &Answer) {
        let Some(utterance) = answer.utterance().filter(|u| !self.history.has_utterance(*u)) else { return };
        let (turn, text) = (answer.turn(), answer.given().to_owned());
        self.note(HistoryOp::Add(Entry::Assistant { turn, utterance, text, tool_calls: Vec::new() }));
    }

    fn open_turn(&mut self) {
        if !self.caller.open {
            self.caller.open = true;
            self.turn = self.turn.next();
            self.effects.push(Effect::Begin(self.turn));
        }
    }

    /// The caller says no more, as far as the words go: keys have their own time, and words that are in doubt too.
    fn speech_ended(&mut self) {
        if self.caller.keys.is_empty() && self.doubt.is_none() {
            self.end_of_turn();
        }
    }

    /// The caller has finished: two ends of one utterance are one, for nothing is left to end the second time.
    fn end_of_turn(&mut self) {
        self.quiet.overdue = false;
        let said = self.caller.said();
        let keys = std::mem::take(&mut self.caller.keys);
        self.caller.finals.clear();
        self.caller.taken = std::mem::take(&mut self.caller.interim);
        self.caller.taken_until = self.caller.interim_until.take();
        self.caller.stable = false;
        self.effects.extend([TurnTimer::Silence, TurnTimer::Stable, TurnTimer::Keys].map(Effect::Disarm));
        if said.is_empty() && keys.is_empty() {
            return;
        }
        let guess = self.take_guess(&said, &keys);
        self.caller.murmur.clear();
        self.open_turn();
        self.caller.open = false;
        let only_keys = said.is_empty();
        let after_keys = std::mem::replace(&mut self.caller.after_keys, only_keys);
        let wants_human = only_keys && keys == "0" && !after_keys;
        self.note(HistoryOp::Add(Entry::User(user_text(said, &keys, wants_human))));
        match guess {
            Some(guess) => return self.confirm(guess),
            None if wants_human && self.rules.can_transfer => {
                self.effects.push(Effect::Ending(EndKind::Transfer));
                self.answer = Some(Answer::ending(self.turn, EndKind::Transfer));
            }
            None => self.answer = Some(Answer::waiting(self.turn)),
        }
        self.ask_when_ready();
    }
}

fn user_text(said: String, keys: &str, wants_human: bool) -> String {
    match (said.is_empty(), keys.is_empty()) {
        (_, true) => said,
        (true, false) if wants_human => "(keys pressed: 0, which asks for a human)".into(),
        (true, false) => format!("(keys pressed: {keys})"),
        (false, false) => format!("{said} (keys pressed: {keys})"),
    }
}
