//! Who or what has answered a call that Otto has placed: when to greet, when to leave a message, when to hang up. Pure.
//!
//! Otto listens first. A person says a word or two and waits; a machine talks. The telephone company's verdict may come
//! before, while or after Otto speaks, or not at all. What is said before the greeting is no turn.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{AnsweredBy, Shop};
use crate::limits;
use crate::stt::SttReport;

/// Words by which what was heard before the greeting is known when it is repeated as final.
const TAIL_WORDS: usize = 2;

#[derive(Debug, Clone)]
pub(super) enum Input {
    /// The media stream is open.
    Opened,
    /// Whom Otto calls is known, as far as it can be.
    Known,
    /// The other side was heard.
    Heard(SttReport),
    /// The telephone company says what has answered.
    Verdict(AnsweredBy),
    /// Nobody has said anything for as long as was asked for.
    Quiet,
    /// Enough time has passed.
    Longest,
    /// The conversation has come to something: it is with a person.
    Proven,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Say when nothing was heard for so long.
    Quiet(Duration),
    /// Say when [`limits::PICKUP_LONGEST_MS`] have passed.
    Longest,
    /// Begin the conversation.
    Greet,
    /// Stop whatever is being said, leave a message and hang up.
    LeaveMessage,
    /// Hang up.
    HangUp,
    /// What was heard is a part of the conversation.
    Pass,
}

/// What is to be done once it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Plan {
    Greet,
    LeaveMessage,
    HangUp,
}

/// What has become of a call that Otto has placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// Nobody has said anything, and nobody knows what has answered.
    Nobody,
    /// Somebody or something has answered.
    Somebody,
    /// A message was left.
    Machine,
    /// It was no use to talk.
    Screen,
}

#[derive(Debug)]
pub(super) struct Pickup {
    /// What screening services say, plain.
    screening: Vec<String>,
    /// What answering machines say, plain.
    machines: Vec<String>,
    opened: bool,
    known: bool,
    plan: Option<Plan>,
    carried_out: Option<Plan>,
    proven: bool,
    /// Words or a verdict were heard of.
    answered: bool,
    /// When the other side began to speak.
    since: Option<Instant>,
    finals: String,
    interim: String,
    /// Words that were not final when Otto began to greet: their final is no turn.
    tail: Option<String>,
    /// Long words have ended, and the verdict is waited for.
    patient: bool,
}

impl Pickup {
    pub(super) fn new(shop: &Shop) -> Self {
        let lists = || shop.languages.iter().filter_map(|language| shop.listening.get(language));
        let screening = lists().flat_map(|list| &list.screening).map(|phrase| plain(phrase)).collect();
        let machines = lists().flat_map(|list| &list.machines).map(|phrase| plain(phrase)).collect();
        let (finals, interim) = Default::default();
        Self {
            screening,
            machines,
            opened: false,
            known: false,
            plan: None,
            carried_out: None,
            proven: false,
            answered: false,
            since: None,
            finals,
            interim,
            tail: None,
            patient: false,
        }
    }

    pub(super) fn reached(&self) -> Reached {
        match self.carried_out {
            Some(Plan::HangUp) => Reached::Screen,
            Some(Plan::LeaveMessage) => Reached::Machine,
            _ if self.answered => Reached::Somebody,
            _ => Reached::Nobody,
        }
    }

    /// The conversation goes on: keys count.
    pub(super) fn is_talking(&self) -> bool {
        self.carried_out == Some(Plan::Greet)
    }

    pub(super) fn step(&mut self, input: Input, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Opened => {
                self.opened = true;
                effects.extend([Effect::Quiet(limits::PICKUP_SILENCE_MS), Effect::Longest]);
            }
            Input::Known => self.known = true,
            Input::Heard(report) => effects.extend(self.heard(&report, now)),
            Input::Verdict(by) => self.verdict(by),
            Input::Quiet => effects.extend(self.quiet(now)),
            Input::Longest => self.want(Plan::Greet),
            Input::Proven => self.proven = true,
        }
        effects.extend(self.carry_out());
        effects
    }

    fn verdict(&mut self, by: AnsweredBy) {
        if self.proven {
            return;
        }
        self.answered = true;
        self.want(match by {
            AnsweredBy::Human | AnsweredBy::Unknown => Plan::Greet,
            AnsweredBy::Machine => Plan::LeaveMessage,
            AnsweredBy::Fax => Plan::HangUp,
        });
    }

    fn heard(&mut self, report: &SttReport, now: Instant) -> Option<Effect> {
        match report {
            SttReport::Words { text, is_final, speech_final, .. } => self.words(text, *is_final, *speech_final, now),
            SttReport::UtteranceEnd if self.carried_out.is_none() => self.utterance_ended(now),
            SttReport::Deaf | SttReport::Hears => Some(Effect::Pass),
            _ => self.is_talking().then_some(Effect::Pass),
        }
    }

    fn words(&mut self, text: &str, is_final: bool, speech_final: bool, now: Instant) -> Option<Effect> {
        if is_final {
            self.finals = format!("{} {text}", self.finals);
            self.interim.clear();
        } else {
            text.clone_into(&mut self.interim);
        }
        if self.carried_out.is_some_and(|done| done != Plan::Greet) {
            return None;
        }
        if self.is_screened() {
            self.want(Plan::HangUp);
            return None;
        }
        if self.is_talking() {
            if speech_final {
                self.finals.clear();
            }
            return (!self.is_tail(text, is_final)).then_some(Effect::Pass);
        }
        if text.is_empty() && !speech_final {
            return None;
        }
        self.answered |= !text.is_empty();
        self.patient &= text.is_empty();
        self.since = self.since.or((!text.is_empty()).then_some(now));
        if speech_final { self.utterance_ended(now) } else { Some(Effect::Quiet(limits::PICKUP_SILENCE_MS)) }
    }

    /// The other side has finished, or pauses.
    fn utterance_ended(&mut self, now: Instant) -> Option<Effect> {
        let since = self.since?;
        let said = plain(&self.said());
        let few = said.split_whitespace().count() <= limits::PICKUP_SHORT_WORDS;
        let is_machine = self.machines.iter().any(|phrase| said.contains(phrase.as_str()));
        if few && !is_machine && now.duration_since(since) <= limits::PICKUP_SHORT_MS {
            self.want(Plan::Greet);
            return None;
        }
        (!std::mem::replace(&mut self.patient, true)).then_some(Effect::Quiet(limits::PICKUP_VERDICT_MS))
    }

    fn quiet(&mut self, now: Instant) -> Option<Effect> {
        if self.carried_out.is_some() {
            return None;
        }
        if self.since.is_some() && !self.patient {
            // The silence is no part of what was said.
            let ended = now.checked_sub(limits::PICKUP_SILENCE_MS).unwrap_or(now);
            return self.utterance_ended(ended);
        }
        self.want(Plan::Greet);
        None
    }

    fn said(&self) -> String {
        format!("{} {}", self.finals, self.interim)
    }

    fn is_screened(&self) -> bool {
        let said = plain(&self.said());
        !self.proven && self.screening.iter().any(|phrase| said.contains(phrase.as_str()))
    }

    /// The words that were being said when Otto began to greet, until they are final.
    fn is_tail(&mut self, text: &str, is_final: bool) -> bool {
        let count = |text: &str| text.split_whitespace().count();
        let Some(tail) = &self.tail else { return false };
        let same = text.is_empty() || count(text) <= count(tail) + TAIL_WORDS;
        if is_final || !same {
            self.tail = None;
        }
        same
    }

    /// What outweighs the rest wins; what has been done is not done again.
    fn want(&mut self, plan: Plan) {
        self.plan = self.plan.max(Some(plan));
    }

    fn carry_out(&mut self) -> Option<Effect> {
        let plan = self.plan.filter(|plan| self.carried_out.is_none_or(|done| done == Plan::Greet && *plan > done))?;
        let ready = self.opened && (self.known || plan == Plan::HangUp);
        if !ready {
            return None;
        }
        self.carried_out = Some(plan);
        Some(match plan {
            Plan::Greet => {
                self.tail = (!self.interim.is_empty()).then(|| std::mem::take(&mut self.interim));
                self.finals.clear();
                Effect::Greet
            }
            Plan::LeaveMessage => Effect::LeaveMessage,
            Plan::HangUp => Effect::HangUp,
        })
    }
}

/// Words in lower case with one space around each, without marks.
fn plain(text: &str) -> String {
    let lower: String = text.chars().flat_map(char::to_lowercase).collect();
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty());
    words.fold(String::from(" "), |all, word| all + word + " ")
}
