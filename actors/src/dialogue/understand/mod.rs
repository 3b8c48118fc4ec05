//! Where a conversation stands, computed from the whole of it: who calls, what they want, what is still open.

mod afterwards;
mod apply;
mod asked;
mod calling;
mod existing;
mod goals;
mod heard;
mod offer;
mod results;

use std::collections::VecDeque;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use serde_json::Value;

use super::slots::facts::SaidFact;
use super::slots::times::TimeWish;
use super::wording::{self, Question};
use super::{ASKED_TO_REMIND, PLACED};
use crate::domain::Shop;
use crate::ports::{Message, ModelRequest, ToolCall};
pub(super) use calling::{CallTime, Reminder};
pub(super) use existing::Existing;
pub(super) use goals::{Goal, Why};
pub(super) use offer::{Offer, Substitute};

/// Who calls, as far as the situation and the tools have said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// On file.
    Known,
    /// Not on file.
    New,
    /// The number is withheld: nothing can be booked.
    Withheld,
}

/// Something that the caller has not been told yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// Booked, as `an oil change on Tuesday, November 24 at 9 AM`.
    Booked(String),
    /// The caller's appointments, and whether they called to confirm one.
    Appointments { list: Vec<String>, confirming: bool },
    /// Cancelled, as `oil change on Wednesday, November 25 at 9 AM` if that is known.
    Cancelled(Option<String>),
    /// Moved to this time, if that is known.
    Moved(Option<NaiveDateTime>),
    /// Confirmed, as above.
    Confirmed(Option<String>),
    /// Somebody will call then, as `Tuesday, November 24 at 9 AM` if that is known.
    WillCall(Option<String>),
    /// The number is not called any more.
    CallsStopped { wrong_number: bool },
}

/// A question that is answered at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Info {
    Hours(Option<NaiveDate>),
    Price(Option<String>),
    Services,
    Address,
}

/// A tool did not do what was asked, for no fault of the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The records cannot be reached.
    Unavailable,
    /// Nobody knows whether it was done.
    UnknownOutcome,
    /// The time that was chosen cannot be booked.
    NotBookable,
}

/// What belongs to the caller's latest turn alone.
#[derive(Debug, Clone, Default)]
pub(super) struct Turn {
    /// The caller has agreed to the booking that was read out.
    pub(super) consent: bool,
    /// The caller wants to be connected.
    pub(super) connect: bool,
    /// A colleague is to call back.
    pub(super) call_back: bool,
    /// A colleague is to be told to call back, for this reason.
    pub(super) message: Option<Why>,
    /// The colleague could not be told.
    pub(super) not_noted: bool,
    /// The appointment stays as it is.
    pub(super) kept: bool,
    /// The customer will be there.
    pub(super) comes: bool,
    /// Nobody can be called at the time that was named.
    pub(super) call_refused: bool,
    /// Nothing is left to say in a call that Otto has placed.
    pub(super) over: bool,
    pub(super) goodbye: bool,
    pub(super) repeat: bool,
    pub(super) wait: bool,
    pub(super) hello: bool,
    /// What was under way is dropped.
    pub(super) abandoned: bool,
    /// The booking that was read out is wrong in some way.
    pub(super) change: bool,
    pub(super) infos: Vec<Info>,
    pub(super) fact: Option<SaidFact>,
    /// The fact was checked and is not what is on file.
    pub(super) no_match: bool,
    /// The time that was asked for is not free.
    pub(super) not_free: Option<NaiveTime>,
    pub(super) trouble: Option<Trouble>,
    /// A VIN whose check digit is wrong.
    pub(super) doubtful_vin: bool,
}

/// Where a conversation stands.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) now: NaiveDateTime,
    pub(super) caller: Caller,
    pub(super) verified: bool,
    /// What may be called; without a list, anything.
    tools: Option<Vec<&'static str>>,
    pub(super) goals: VecDeque<Goal>,
    pub(super) service: Option<String>,
    pub(super) service_choices: Vec<String>,
    pub(super) date: Option<NaiveDate>,
    pub(super) wish: Option<TimeWish>,
    pub(super) chosen: Option<NaiveDateTime>,
    pub(super) offer: Option<Offer>,
    page: usize,
    narrow: bool,
    /// The free times that another model has read out last.
    read_out: Vec<NaiveDateTime>,
    /// It is not known what exactly another model wants the caller to agree to.
    unsure: bool,
    /// The caller's appointments, when they are known.
    pub(super) appointments: Option<Vec<Existing>>,
    /// The one of them that is to be changed.
    pub(super) picked: Option<Existing>,
    /// The appointment that the conversation has come to last: booked, moved, confirmed, or the only one read out.
    pub(super) latest: Option<Existing>,
    /// What was booked in this call, as the tools name it: the caller's to change without more.
    pub(super) own: Vec<Value>,
    /// Otto has placed the call.
    pub(super) outbound: bool,
    /// Set in a call that reminds of an appointment.
    pub(super) reminder: Option<Reminder>,
    pub(super) call_time: CallTime,
    /// Whether the caller may be reminded of appointments, if they have said so in this call.
    pub(super) reminder_consent: Option<bool>,
    /// They have been asked that, in this call or before it.
    pub(super) asked_to_remind: bool,
    /// The first name on file.
    pub(super) first_name: Option<String>,
    /// What the caller said when a colleague became necessary.
    pub(super) grievance: Option<String>,
    pub(super) name: Option<String>,
    pub(super) vehicle: Option<String>,
    pub(super) symptom: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) vin: Option<String>,
    pub(super) asked: Option<Question>,
    pub(super) looked_up: bool,
    pub(super) news: Vec<News>,
    pub(super) last_news: Vec<News>,
    /// Turns in a row in which nothing was understood.
    pub(super) misses: u32,
    /// Tool failures since the last success.
    pub(super) failures: u32,
    pub(super) nobody_there: bool,
    pub(super) turn: Turn,
}

/// Reads a conversation.
#[must_use]
pub fn understand(request: &ModelRequest, shop: &Shop) -> State {
    State::begin(request).read(&request.history, shop)
}

/// The conversation without words of Otto's at its end: they broke off, and the caller still waits for an answer.
pub(super) fn answered_part(history: &[Message]) -> &[Message] {
    let is_owed = |message: &Message| match message {
        Message::User(_) | Message::Tool { .. } => true,
        Message::Assistant { tool_calls, .. } => !tool_calls.is_empty(),
    };
    history.iter().rposition(is_owed).map_or(history, |last| &history[..=last])
}

/// The tool call that a result answers: the latest of its name.
fn call_of<'a>(id: &str, before: &'a [Message]) -> Option<&'a ToolCall> {
    before.iter().rev().find_map(|message| match message {
        Message::Assistant { tool_calls, .. } => tool_calls.iter().rev().find(|call| call.id == id),
        Message::User(_) | Message::Tool { .. } => None,
    })
}

impl State {
    pub(super) fn read(mut self, history: &[Message], shop: &Shop) -> Self {
        self.read_on(answered_part(history), 0, shop);
        self
    }

    /// Goes on with a conversation of which so many messages have been read.
    pub(super) fn read_on(&mut self, history: &[Message], read: usize, shop: &Shop) {
        for (at, message) in history.iter().enumerate().skip(read) {
            self.take_in(message, &history[..at], shop);
        }
    }

    fn take_in(&mut self, message: &Message, before: &[Message], shop: &Shop) {
        match message {
            Message::User(text) => self.hear(text, shop),
            Message::Assistant { text, .. } => self.said(text, shop),
            Message::Tool { tool_call_id, content } => {
                if let Some(call) = call_of(tool_call_id, before) {
                    let arguments = serde_json::from_str(&call.arguments).unwrap_or(Value::Null);
                    self.learn(&call.name, &arguments, content, shop);
                }
            }
        }
    }

    fn begin(request: &ModelRequest) -> Self {
        // What is known of the call and the moment; hints for other models may follow.
        let lines: Vec<&str> = request.situation.lines().take(SITUATION_LINES).collect();
        let situation = lines.join("\n");
        let caller = match () {
            () if situation.contains("withheld") => Caller::Withheld,
            () if situation.contains("not on file") => Caller::New,
            () if situation.contains("on file") => Caller::Known,
            () => Caller::New,
        };
        let mut state = Self::new(now(&situation), caller, situation.contains("; verified"));
        let tools: Vec<&'static str> = request.tools.iter().map(|tool| tool.name).collect();
        state.first_name =
            situation.split("first name ").nth(1).and_then(|rest| rest.split(';').next()).map(str::to_owned);
        state.asked_to_remind = situation.contains(ASKED_TO_REMIND);
        state.outbound = request.situation.lines().nth(SITUATION_LINES).is_some_and(|line| line.starts_with(PLACED));
        if tools.contains(&"answer_reminder") {
            state.reminder = Some(Reminder::default());
            state.goals.push_front(Goal::Remind);
        }
        state.tools = Some(tools);
        state
    }

    /// A conversation that has not begun.
    pub(super) fn new(now: NaiveDateTime, caller: Caller, verified: bool) -> Self {
        Self {
            now,
            caller,
            verified,
            tools: None,
            goals: VecDeque::new(),
            service: None,
            service_choices: Vec::new(),
            date: None,
            wish: None,
            chosen: None,
            offer: None,
            page: 0,
            narrow: false,
            read_out: Vec::new(),
            unsure: false,
            appointments: None,
            picked: None,
            latest: None,
            own: Vec::new(),
            outbound: false,
            reminder: None,
            call_time: CallTime::default(),
            reminder_consent: None,
            asked_to_remind: false,
            first_name: None,
            grievance: None,
            name: None,
            vehicle: None,
            symptom: None,
            phone: None,
            vin: None,
            asked: Some(Question::HowHelp),
            looked_up: false,
            news: Vec::new(),
            last_news: Vec::new(),
            misses: 0,
            failures: 0,
            nobody_there: false,
            turn: Turn::default(),
        }
    }

    /// Whether a tool may be called.
    pub(super) fn can(&self, tool: &str) -> bool {
        self.tools.as_ref().is_none_or(|tools| tools.contains(&tool))
    }

    /// Otto said this, as far as it was heard.
    fn said(&mut self, text: &str, shop: &Shop) {
        if text.trim().is_empty() {
            return;
        }
        (self.read_out, self.unsure) = (Vec::new(), false);
        let mut question = wording::question_in(text);
        if question.is_none() {
            question = self.asked_by_another(text);
            if self.asks_who_is_there(text) {
                question = Some(Question::IsIt);
            }
            self.read_out = self.read_out(text, shop);
            if matches!(question, Some(Question::Confirm | Question::MoveIt)) {
                self.adopt_proposal();
            }
        }
        // "Take your time" leaves the question open.
        if question.is_some() || !self.turn.wait {
            self.asked = question;
        }
        self.turn.infos.clear();
        if !self.news.is_empty() {
            self.last_news = std::mem::take(&mut self.news);
        }
    }
}

/// Lines of the situation that say who calls and what time it is.
const SITUATION_LINES: usize = 2;

/// `Now: Monday 2026-11-23 09:00 (America/Chicago).`
fn now(situation: &str) -> NaiveDateTime {
    let after = situation.split("Now:").nth(1).unwrap_or_default();
    let words: Vec<&str> = after.split_whitespace().take(3).collect();
    let read = |pair: &[&str]| NaiveDateTime::parse_from_str(&pair.join(" "), "%Y-%m-%d %H:%M").ok();
    words.windows(2).find_map(read).unwrap_or_else(|| chrono::Utc::now().naive_utc())
}
