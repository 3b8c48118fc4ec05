//! What Otto says and does next, given where the conversation stands. Pure.

mod calling;
mod colleague;
mod existing;
mod schedule;

use serde_json::{Value, json};

use super::Reply;
use super::understand::{Goal, Info, News, State, Why};
use super::wording::{self, Question, ask};
use crate::domain::Shop;

/// What Otto says and does next.
#[must_use]
pub fn decide(state: &State, shop: &Shop) -> Reply {
    let mut draft = Draft { state, shop, parts: Vec::new(), calls: Vec::new() };
    draft.tell_news();
    draft.answer_questions();
    if state.turn.over {
        draft.take_leave("nothing is left to say");
    } else if let Some(why) = state.turn.message {
        draft.take_message(why);
    } else if state.turn.goodbye && state.goals.is_empty() {
        draft.goodbye();
    } else {
        draft.go_on();
    }
    draft.into_reply()
}

/// A reply in the making.
struct Draft<'a> {
    state: &'a State,
    shop: &'a Shop,
    parts: Vec<String>,
    calls: Vec<(&'static str, Value)>,
}

impl Draft<'_> {
    fn say(&mut self, text: impl Into<String>) {
        self.parts.push(text.into());
    }

    fn ask(&mut self, question: Question) {
        self.say(ask(&question, self.state.misses));
    }

    fn call(&mut self, tool: &'static str, arguments: Value) {
        self.calls.push((tool, arguments));
    }

    fn into_reply(self) -> Reply {
        let text = self.parts.join(" ");
        if text.is_empty() && self.calls.is_empty() {
            return Reply { text: ask(&Question::HowHelp, 0), calls: Vec::new() };
        }
        Reply { text, calls: self.calls }
    }

    fn tell_news(&mut self) {
        let again = self.state.turn.repeat && self.state.goals.is_empty();
        let news = if again { &self.state.last_news } else { &self.state.news };
        for item in news {
            let text = match item {
                News::Booked(what) => wording::booked(what),
                News::Appointments { list, confirming } => wording::appointments(list, *confirming),
                News::Cancelled(what) => wording::cancelled(what.as_deref()),
                News::Moved(to) => wording::moved(*to),
                News::Confirmed(what) => wording::confirmed(what.as_deref()),
                News::WillCall(when) => wording::will_call(when.as_deref()),
                News::CallsStopped { wrong_number } => wording::calls_stopped(*wrong_number),
            };
            self.say(text);
        }
        if self.state.turn.call_back {
            self.say(wording::WILL_CALL_BACK);
        }
        if self.state.turn.not_noted {
            self.say(wording::NOT_NOTED);
        }
        if self.state.turn.kept {
            self.say(wording::KEPT);
        }
        if self.state.turn.doubtful_vin && self.state.turn.fact.is_none() {
            self.say(wording::DOUBTFUL_VIN);
        }
    }

    fn answer_questions(&mut self) {
        for info in &self.state.turn.infos {
            let text = match info {
                Info::Hours(date) => wording::hours(self.shop, *date),
                Info::Price(Some(service)) => wording::price(self.shop, service),
                Info::Price(None) => continue,
                Info::Services => wording::services(self.shop),
                Info::Address => wording::address(self.shop),
            };
            self.say(text);
        }
        if self.state.turn.wait {
            self.say(wording::TAKE_YOUR_TIME);
        }
    }

    fn goodbye(&mut self) {
        if self.state.outbound {
            return self.take_leave("the customer has said goodbye");
        }
        self.say(self.shop.say(&self.shop.wording.goodbye, None));
        self.end("the caller has said goodbye");
    }

    fn end(&mut self, reason: &str) {
        if self.state.can("end_call") {
            self.call("end_call", json!({ "reason": reason }));
        }
    }

    fn go_on(&mut self) {
        let Some(goal) = self.state.goals.front() else { return self.close() };
        if self.state.turn.wait {
            return;
        }
        self.beg_pardon();
        match goal {
            Goal::Schedule => self.schedule(),
            Goal::Cancel | Goal::Move | Goal::Upcoming { .. } => self.existing(*goal),
            Goal::Remind => self.remind(),
            Goal::CallLater => self.call_later(),
            Goal::StopCalls { wrong_number } => self.stop_calls(*wrong_number),
            Goal::Colleague(why) => self.colleague(*why),
        }
    }

    fn beg_pardon(&mut self) {
        match self.state.misses {
            0 => {}
            1 => self.say(wording::FIRST_MISS),
            _ => self.say(wording::SECOND_MISS),
        }
    }

    /// Nothing is under way.
    fn close(&mut self) {
        let turn = &self.state.turn;
        let answered = !self.parts.is_empty();
        if turn.wait {
            return;
        }
        match turn.infos.last() {
            Some(Info::Price(Some(service))) if !self.state.has_booked(service) => return self.ask(Question::WantBook),
            Some(Info::Price(None)) => return self.ask(Question::WhichPrice),
            _ => {}
        }
        if turn.hello {
            self.say(if self.state.asked.is_none() { wording::HELLO } else { wording::SURE });
            return self.ask(Question::HowHelp);
        }
        if turn.abandoned && !answered {
            self.say(wording::ALL_RIGHT);
        } else if !answered {
            self.beg_pardon();
            if self.state.asked != Some(Question::AnythingElse) {
                return self.ask(Question::HowHelp);
            }
        }
        self.ask(Question::AnythingElse);
    }

    /// Calls a tool that the conversation cannot do without.
    fn run(&mut self, tool: &'static str, arguments: Value) {
        // What was not understood is no longer the question.
        self.parts.retain(|part| part != wording::FIRST_MISS && part != wording::SECOND_MISS);
        if self.state.can(tool) { self.call(tool, arguments) } else { self.colleague(Why::Failing) }
    }

    fn trouble(&mut self) {
        use super::understand::Trouble;
        let text = match self.state.turn.trouble {
            Some(Trouble::UnknownOutcome) => wording::UNKNOWN_OUTCOME,
            _ => wording::UNAVAILABLE,
        };
        self.say(text);
        self.ask(Question::Retry);
    }
}
