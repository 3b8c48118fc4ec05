//! Any order of inputs: the turn never panics, and what must always hold does.

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::limits::SPECULATIONS_WASTED_PER_CALL;
use crate::ports::Message;
use crate::testing::fatal;

/// Something that may happen next; names are chosen among those that exist when it does.
#[derive(Debug, Clone)]
enum Happens {
    Words {
        text: &'static str,
        is_final: bool,
        speech_final: bool,
    },
    FellSilent,
    UtteranceEnd,
    Eager(&'static str),
    Resumed,
    Deaf,
    Hears,
    Due(TurnTimer),
    Key(char),
    Text(&'static str),
    ToolCall(u8),
    Done {
        truncated: bool,
    },
    Fails {
        finally: bool,
    },
    Pauses,
    /// A reply that is not the latest one goes on too.
    OldText(usize),
    /// A running tool ends.
    ToolDone {
        which: usize,
        end: bool,
    },
    /// What is being said is heard to its end, or not at all.
    Heard,
    Cut,
    Greet,
    Leave,
    /// The actor dies and is started again from the session.
    Dies,
}

const TIMERS: [TurnTimer; 13] = [
    TurnTimer::Silence,
    TurnTimer::Stable,
    TurnTimer::FalseAlarm,
    TurnTimer::Murmur,
    TurnTimer::Keys,
    TurnTimer::Filler,
    TurnTimer::Thinking,
    TurnTimer::Overdue,
    TurnTimer::StillThinking,
    TurnTimer::Deaf,
    TurnTimer::StillDeaf,
    TurnTimer::Quiet,
    TurnTimer::Retry,
];

fn happens() -> impl Strategy<Value = Happens> {
    let said = || prop::sample::select(vec!["", "okay", "wait", "book it", "no"]);
    let words = said();
    prop_oneof![
        4 => (words, any::<bool>(), any::<bool>())
            .prop_map(|(text, is_final, speech_final)| Happens::Words { text, is_final, speech_final }),
        2 => Just(Happens::FellSilent),
        1 => Just(Happens::UtteranceEnd),
        1 => said().prop_map(Happens::Eager),
        1 => Just(Happens::Resumed),
        1 => Just(Happens::Deaf),
        1 => Just(Happens::Hears),
        8 => prop::sample::select(TIMERS.to_vec()).prop_map(Happens::Due),
        1 => prop::sample::select(vec!['0', '1', '#']).prop_map(Happens::Key),
        4 => prop::sample::select(vec!["Well, yes. ", "and", " ", "more text. "]).prop_map(Happens::Text),
        3 => (0_u8..4).prop_map(Happens::ToolCall),
        4 => prop::bool::weighted(0.2).prop_map(|truncated| Happens::Done { truncated }),
        1 => any::<bool>().prop_map(|finally| Happens::Fails { finally }),
        1 => Just(Happens::Pauses),
        1 => (0_usize..4).prop_map(Happens::OldText),
        4 => (0_usize..4, prop::bool::weighted(0.3)).prop_map(|(which, end)| Happens::ToolDone { which, end }),
        3 => Just(Happens::Heard),
        3 => Just(Happens::Cut),
        1 => Just(Happens::Greet),
        1 => Just(Happens::Leave),
        1 => Just(Happens::Dies),
    ]
}

/// The rest of the call as a turn sees it.
struct Around {
    machine: TurnMachine,
    /// Requests that were asked and not stopped, the latest last.
    asked: Vec<Asked>,
    history: History,
    turn: TurnId,
    last: UtteranceId,
    speaking: Vec<UtteranceId>,
    complete: HashSet<UtteranceId>,
    armed: HashSet<TurnTimer>,
    hushing: bool,
    running: Vec<(TurnId, String)>,
    ending: Option<EndKind>,
    goes_on: bool,
    wasted: u32,
    /// The caller has said something since the last whole answer.
    owed: bool,
    /// An actor has died since, and may not know that it was answered.
    died: bool,
    ran: HashSet<(TurnId, String)>,
    /// Ends since the last goodbye was wanted.
    ends: u32,
}

impl Around {
    fn new() -> Self {
        let (history, speaking, complete, armed, running, ran) = Default::default();
        let (asked, turn, last, hushing, ending) = Default::default();
        let (goes_on, wasted, owed, died, ends) = Default::default();
        let machine = fresh();
        Self {
            machine,
            asked,
            history,
            turn,
            last,
            speaking,
            complete,
            armed,
            hushing,
            running,
            ending,
            goes_on,
            wasted,
            owed,
            died,
            ran,
            ends,
        }
    }

    fn input(&mut self, happens: Happens) -> Option<Input> {
        let step = self.asked.last().map(|asked| asked.step);
        let event = |step: Option<Step>, event| step.map(|step| Input::Model { step, event });
        match happens {
            Happens::Words { text, is_final, speech_final } => Some(words(text, is_final, speech_final)),
            Happens::FellSilent => Some(Input::FellSilent),
            Happens::UtteranceEnd => Some(Input::UtteranceEnd),
            Happens::Eager(text) => Some(Input::Eager(text.into())),
            Happens::Resumed => Some(Input::Resumed),
            Happens::Deaf => Some(Input::Deaf),
            Happens::Hears => Some(Input::Hears),
            Happens::Due(timer) => self.due(timer),
            Happens::Key(key) => Some(Input::Key(key)),
            Happens::Text(text) => event(step, Ok(ModelEvent::Text(text.into()))),
            Happens::ToolCall(n) => event(step, Ok(ModelEvent::ToolCall(call(&format!("c{n}"))))),
            Happens::Done { truncated } => {
                event(step, Ok(ModelEvent::Done(ModelEnd { truncated, ..ModelEnd::default() })))
            }
            Happens::Fails { finally: false } => event(step, Err(passing())),
            Happens::Fails { finally: true } => event(step, Err(fatal())),
            Happens::Pauses => step.map(Input::Paused),
            Happens::OldText(which) => {
                let step = self.asked.get(which).map(|asked| asked.step);
                event(step, Ok(ModelEvent::Text("Old words. ".into())))
            }
            Happens::ToolDone { which, end } => self.tool_done(which, end),
            Happens::Heard => self.heard(),
            Happens::Cut => self.hushing.then(|| self.cut()),
            Happens::Leave => Some(Input::Leave("Goodbye".into())),
            Happens::Greet => (self.turn == TurnId(0)).then(|| Input::Greet("Hello".into())),
            // A call that ends starts no leg again.
            Happens::Dies => (self.ends == 0).then(|| self.dies()),
        }
    }

    fn due(&mut self, timer: TurnTimer) -> Option<Input> {
        self.armed.remove(&timer).then_some(Input::Due(timer))
    }

    fn heard(&mut self) -> Option<Input> {
        let first = *self.speaking.first().filter(|first| !self.hushing && self.complete.contains(first))?;
        self.speaking.remove(0);
        Some(Input::Spoken(first))
    }

    fn tool_done(&mut self, which: usize, end: bool) -> Option<Input> {
        if self.running.is_empty() {
            return None;
        }
        let (turn, tool_call_id) = self.running.remove(which % self.running.len());
        // As the router does: a closed fence ends nothing.
        let end = (end && turn == self.turn).then_some(EndKind::HangUp);
        if end.is_some() {
            (self.ending, self.ends) = (end, 0);
        }
        Some(Input::ToolDone { tool_call_id, content: "{}".into(), end })
    }

    fn cut(&mut self) -> Input {
        self.hushing = false;
        let turn = self.turn;
        Input::Cut(self.speaking.drain(..).map(|id| (id, turn, "Well".into())).collect())
    }

    fn dies(&mut self) -> Input {
        let (history, turn, last_utterance) = (self.history.clone(), self.turn, self.last);
        self.machine = TurnMachine::new(rules(), Standing { history, turn, last_utterance, wasted: self.wasted });
        self.asked.clear();
        self.died = true;
        self.armed.clear();
        let (speaking, ending, hushing) = (self.speaking.clone(), self.ending, self.hushing);
        Input::Resume(Resume { speaking, ending, hushing, goes_on: self.goes_on })
    }

    fn takes(&mut self, effect: Effect) -> Result<(), TestCaseError> {
        match effect {
            Effect::Begin(turn) => {
                prop_assert!(turn > self.turn, "turns only grow");
                (self.turn, self.ending, self.ends) = (turn, None, 0);
            }
            Effect::History(op) => {
                self.goes_on &= matches!(op, HistoryOp::Cut { .. });
                self.history.apply(op);
            }
            Effect::GoesOn => self.goes_on = true,
            Effect::Ignored => self.asked.iter_mut().for_each(|asked| asked.turn = self.turn),
            Effect::AskModel(Question { step, guess }) => {
                prop_assert!(!self.hushing, "asked before it was known what was heard");
                prop_assert!(self.history.unanswered().is_empty(), "asked before all tools were back");
                prop_assert!(guess.is_some() || self.owed || self.died, "asked for a second answer");
                self.asked.push(Asked { step, turn: self.turn, is_guess: guess.is_some() });
                check_request(&self.history.for_model())?;
            }
            Effect::StopModel(stopped) => self.asked.retain(|asked| asked.step != stopped),
            Effect::RetryAfter(_) => drop(self.armed.insert(TurnTimer::Retry)),
            Effect::Guessed(Guessed::Used) => {
                let turn = self.turn;
                let used = |asked: &mut Asked| (asked.is_guess, asked.turn) = (false, turn);
                self.asked.iter_mut().filter(|asked| asked.is_guess).for_each(used);
            }
            Effect::Guessed(Guessed::Wasted) => self.wasted += 1,
            Effect::Guessed(Guessed::Capped) => prop_assert!(self.wasted >= SPECULATIONS_WASTED_PER_CALL),
            Effect::Say { turn, utterance, .. } => {
                prop_assert_eq!(turn, self.turn, "an old turn speaks");
                prop_assert!(!self.hushing || turn == TurnId(0), "speaks before it has stopped");
                self.last = self.last.max(utterance);
                if !self.speaking.contains(&utterance) {
                    self.speaking.push(utterance);
                }
            }
            Effect::Finish(utterance) => drop(self.complete.insert(utterance)),
            Effect::Arm(timer) => drop(self.armed.insert(timer)),
            Effect::Disarm(timer) => drop(self.armed.remove(&timer)),
            Effect::Hush => {
                prop_assert!(!self.hushing, "two hushes for one cut");
                self.hushing = true;
            }
            Effect::RunTool { turn, call } => self.runs(turn, call.id)?,
            Effect::Ending(kind) => (self.ending, self.ends) = (Some(kind), 0),
            Effect::End(_) => {
                prop_assert!(self.ending.is_some(), "an end that nobody asked for");
                prop_assert!(self.speaking.is_empty(), "an end before all was heard");
                self.ends += 1;
                prop_assert!(self.ends <= 1, "two ends of one goodbye");
            }
            _ => {}
        }
        Ok(())
    }

    /// What a reply does, it does when nothing is in doubt; and one whole answer is enough.
    fn takes_all(&mut self, input: &Input, effects: Vec<Effect>) -> Result<(), TestCaseError> {
        if let Input::Model { step, event: Ok(_) } = input {
            let asked = self.asked.iter().find(|asked| asked.step == *step).copied();
            let may_act = asked.is_some_and(|asked| !asked.is_guess && asked.turn == self.turn);
            prop_assert!(may_act || effects.iter().all(is_harmless), "{asked:?} acts: {effects:?}");
        }
        let adds = |effect: &Effect| matches!(effect, Effect::History(HistoryOp::Add(Entry::Assistant { tool_calls, .. })) if tool_calls.is_empty());
        let goes_on = |effect: &Effect| matches!(effect, Effect::GoesOn | Effect::AskModel(_));
        let whole = matches!(input, Input::Model { .. }) && effects.iter().any(adds) && !effects.iter().any(goes_on);
        for effect in effects {
            if matches!(effect, Effect::History(HistoryOp::Add(Entry::User(_)))) {
                (self.owed, self.died) = (true, false);
            }
            self.takes(effect)?;
        }
        self.owed &= !whole;
        Ok(())
    }

    /// A tool runs in the turn that acts, or again in the turn in which it was asked for.
    fn runs(&mut self, turn: TurnId, id: String) -> Result<(), TestCaseError> {
        let again = !self.ran.insert((turn, id.clone()));
        prop_assert!(turn == self.turn || again, "an old turn acts: {id}");
        prop_assert_eq!(self.ran.iter().filter(|(_, ran)| *ran == id).count(), 1, "one call in two turns");
        if self.running.iter().all(|(_, running)| *running != id) {
            self.running.push((turn, id));
        }
        Ok(())
    }
}

/// Whether an effect is nothing that the caller hears or finds done.
fn is_harmless(effect: &Effect) -> bool {
    use Effect::{Arm, Disarm, Guessed, StopModel};
    matches!(effect, Arm(_) | Disarm(_) | Guessed(_) | StopModel(_))
}

/// A request to the model.
#[derive(Debug, Clone, Copy)]
struct Asked {
    step: Step,
    /// The turn that it answers.
    turn: TurnId,
    is_guess: bool,
}

/// Every tool call has exactly one result right after it, in order, and its name is its own.
fn check_request(messages: &[Message]) -> Result<(), TestCaseError> {
    let mut expected: Vec<String> = Vec::new();
    let mut names = HashSet::new();
    for message in messages {
        match message {
            Message::Tool { tool_call_id, .. } => {
                prop_assert!(!expected.is_empty(), "a result without a call");
                prop_assert_eq!(&expected.remove(0), tool_call_id);
            }
            Message::User(_) => prop_assert!(expected.is_empty(), "a call without a result"),
            Message::Assistant { tool_calls, .. } => {
                prop_assert!(expected.is_empty(), "a call without a result");
                expected = tool_calls.iter().map(|c| c.id.clone()).collect();
                prop_assert!(expected.iter().all(|id| names.insert(id.clone())), "two calls of one name");
            }
        }
    }
    prop_assert!(expected.is_empty(), "a call without a result");
    Ok(())
}

/// Another one each time, unless `PROPTEST_RNG_SEED` says which.
fn seed() -> RngSeed {
    let given = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(rand::random);
    println!("PROPTEST_RNG_SEED={seed}");
    RngSeed::Fixed(seed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, rng_seed: seed(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens(story in prop::collection::vec(happens(), 1..80)) {
        let mut around = Around::new();
        for next in story {
            let Some(input) = around.input(next) else { continue };
            let effects = around.machine.step(input.clone());
            around.takes_all(&input, effects)?;
            prop_assert_eq!(around.machine.history(), &around.history, "two histories");
            check_request(&around.history.for_model())?;
        }
    }
}
