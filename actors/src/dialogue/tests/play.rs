//! Plays a call against tools that answer as the real ones do.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::dialogue::{ASKED_TO_REMIND, BuiltInDialogue, PLACED};
use crate::domain::Shop;
use crate::ports::{Message, ModelRequest, ToolCall, ToolSpec};
use crate::tools;

/// Replies in one turn; the engine allows no more.
const STEPS_MAX: usize = 8;

/// Tools that a call has only when its script says so.
const OPTIONAL: [&str; 4] = ["cancel_appointment", "reschedule_appointment", "confirm_appointment", "take_message"];

const REMINDER: &str = "to remind the customer of an appointment";
const CALL_BACK: &str = "because the customer asked to be called back";

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Known,
    New,
    Withheld,
    Verified,
}

impl Who {
    pub(super) fn named(name: &str) -> Self {
        match name {
            "new" => Self::New,
            "withheld" => Self::Withheld,
            "verified" => Self::Verified,
            _ => Self::Known,
        }
    }
}

/// A call in progress.
pub(super) struct Call {
    pub(super) who: Who,
    pub(super) can_transfer: bool,
    /// A caller on file has not said yet whether they may be reminded.
    pub(super) is_unasked: bool,
    /// Two appointments are on file.
    pub(super) has_two: bool,
    /// Otto has placed the call, and for this.
    errand: Option<&'static str>,
    more_tools: Vec<&'static str>,
    pub(super) history: Vec<Message>,
    /// What Otto said in answer to the last words.
    pub(super) said: String,
    /// Results that were prepared, by tool.
    pub(super) results: Vec<(String, String)>,
    calls: Vec<(String, Value)>,
    dialogue: BuiltInDialogue,
}

impl Call {
    pub(super) fn new() -> Self {
        let greeting = "Thanks for calling Otto's Auto, this is Otto. How can I help you today?";
        Self {
            who: Who::Known,
            can_transfer: false,
            is_unasked: false,
            has_two: false,
            errand: None,
            more_tools: Vec::new(),
            history: vec![Message::Assistant { text: greeting.into(), tool_calls: Vec::new() }],
            said: String::new(),
            results: Vec::new(),
            calls: Vec::new(),
            dialogue: BuiltInDialogue::new(Arc::new(Shop::default())),
        }
    }

    pub(super) fn request(&self) -> ModelRequest {
        let caller = match self.who {
            Who::Known => "The caller's number is on file; first name Maria; not verified.",
            Who::Verified => "The caller's number is on file; first name Maria; verified.",
            Who::New => "The caller's number is not on file.",
            Who::Withheld => "The caller's number is withheld: nothing can be booked in this call.",
        };
        let is_asked = matches!(self.who, Who::Known | Who::Verified) && !self.is_unasked;
        let asked = if is_asked { format!(" {ASKED_TO_REMIND}") } else { String::new() };
        let errand = self.errand.map(|why| format!("\n{PLACED} {why}.")).unwrap_or_default();
        ModelRequest {
            instructions: "You are Otto.".into(),
            situation: format!("Now: Monday 2026-11-23 09:00 (America/Chicago).\n{caller}{asked}{errand}"),
            history: self.history.clone(),
            tools: self.tools(),
        }
    }

    /// The tools that every call has, and those that the script offers beyond them.
    fn tools(&self) -> Arc<[ToolSpec]> {
        let reminds = self.errand == Some(REMINDER);
        let specs = if reminds { tools::reminder_specs(self.can_transfer) } else { tools::specs(self.can_transfer) };
        let basic = specs.iter().filter(|tool| !OPTIONAL.contains(&tool.name)).cloned();
        let more = |name: &&'static str| ToolSpec { name, description: "", parameters: Default::default() };
        basic.chain(self.more_tools.iter().map(more)).collect()
    }

    /// Otto has placed the call: the greeting is another one.
    pub(super) fn placed(&mut self, reminds: bool) {
        let wording = Shop::default().wording;
        let text = if reminds { &wording.reminder_greeting } else { &wording.call_back_greeting };
        self.errand = Some(if reminds { REMINDER } else { CALL_BACK });
        let text = Shop::default().say(text, Some("Maria"));
        self.history = vec![Message::Assistant { text, tool_calls: Vec::new() }];
    }

    pub(super) fn offers(&mut self, rest: &str) {
        for name in rest.split(' ') {
            let known = OPTIONAL.into_iter().find(|tool| *tool == name);
            self.more_tools.push(known.unwrap_or_else(|| panic!("no such tool: {name}")));
        }
    }

    /// Another model said this.
    pub(super) fn another_said(&mut self, text: &str) {
        self.history.push(Message::Assistant { text: text.to_owned(), tool_calls: Vec::new() });
    }

    /// Another model called this tool along with what it said last.
    pub(super) fn another_did(&mut self, rest: &str) {
        let (call, content) = rest.split_once(" -> ").expect("a call and its result");
        let (name, arguments) = call.split_once(' ').expect("a tool and its arguments");
        let id = format!("call_{}", self.history.len());
        let call = ToolCall { id: id.clone(), name: name.to_owned(), arguments: arguments.to_owned() };
        match self.history.last_mut() {
            Some(Message::Assistant { tool_calls, .. }) if tool_calls.is_empty() => tool_calls.push(call),
            _ => self.history.push(Message::Assistant { text: String::new(), tool_calls: vec![call] }),
        }
        self.history.push(Message::Tool { tool_call_id: id, content: content.to_owned() });
    }

    /// The caller said this to another model.
    pub(super) fn user(&mut self, text: &str) {
        self.history.push(Message::User(text.to_owned()));
    }

    pub(super) fn prepare(&mut self, rest: &str) {
        let (name, result) = rest.split_once(' ').expect("a tool and its result");
        self.results.push((name.to_owned(), result.to_owned()));
    }

    /// Only this much of Otto's last words was heard.
    pub(super) fn cut(&mut self, heard: &str) {
        if let Some(Message::Assistant { text, .. }) =
            self.history.iter_mut().rev().find(|m| matches!(m, Message::Assistant { .. }))
        {
            heard.clone_into(text);
        }
        let empty = |m: &Message| matches!(m, Message::Assistant { text, tool_calls } if text.is_empty() && tool_calls.is_empty());
        self.history.retain(|m| !empty(m));
    }

    /// The caller says something; Otto answers until nothing is left to do.
    pub(super) fn hear(&mut self, text: &str) {
        self.user(text);
        self.go_on();
    }

    /// Otto answers until nothing is left to do.
    pub(super) fn go_on(&mut self) {
        self.said.clear();
        for _ in 0..STEPS_MAX {
            if !self.step() {
                return;
            }
        }
        panic!("tools are called without end after {:?}", self.history);
    }

    /// One reply; whether another one must follow.
    fn step(&mut self) -> bool {
        let reply = self.dialogue.answer(&self.request());
        assert!(!(reply.text.trim().is_empty() && reply.calls.is_empty()), "an empty reply");
        self.said = format!("{} {}", self.said, reply.text).trim().to_owned();
        let place = self.history.len();
        let named = reply.calls.into_iter().enumerate().map(|(number, (name, arguments))| ToolCall {
            id: format!("{place}-{number}"),
            name: name.to_owned(),
            arguments: arguments.to_string(),
        });
        let tool_calls: Vec<ToolCall> = named.collect();
        self.history.push(Message::Assistant { text: reply.text, tool_calls: tool_calls.clone() });
        let mut over = tool_calls.is_empty();
        for call in tool_calls {
            let arguments: Value = serde_json::from_str(&call.arguments).expect("JSON");
            let prepared = self.results.iter().position(|(name, _)| *name == call.name);
            let content =
                prepared.map(|at| self.results.remove(at).1).unwrap_or_else(|| self.result(&call.name, &arguments));
            let done = content.contains("\"success\":true");
            over |= done && matches!(call.name.as_str(), "end_call" | "transfer_to_human");
            over |= content.contains("interrupted");
            if done && call.name == "verify_identity" {
                self.who = Who::Verified;
            }
            self.history.push(Message::Tool { tool_call_id: call.id, content });
            self.calls.push((call.name, arguments));
        }
        !over
    }

    fn result(&self, tool: &str, arguments: &Value) -> String {
        let closed = json!({ "success": false, "error": "nothing_free",
            "message": "The shop is closed on that day. The next free times: Monday 2026-11-30 09:00, Monday 2026-11-30 09:30, Monday 2026-11-30 10:00." });
        let sundays = ["2026-11-29", "2026-12-06"];
        match tool {
            "lookup_customer" => {
                json!({ "success": true, "data": { "known": matches!(self.who, Who::Known | Who::Verified) } })
            }
            "get_available_slots" if sundays.iter().any(|day| arguments["date"] == *day) => closed,
            "get_available_slots" => json!({ "success": true, "data": { "date": arguments["date"],
                "service": arguments["service_type"],
                "slots": ["09:00", "09:30", "10:00", "10:30", "14:00", "14:30", "15:30"] } }),
            "answer_reminder" if arguments["is_customer"] == true => json!({ "success": true, "data": {
                "appointment_id": 7, "service": "Oil change", "date": "2026-11-24", "time": "10:00",
                "spoken": "Tuesday, November 24 at 10 AM", "status": "scheduled", "vehicle": "2003 Honda Accord",
                "coming": "tomorrow, Tuesday, November 24 at 10 AM" } }),
            "request_call_back" => {
                let at = format!("{} {}", arguments["date"], arguments["time"]).replace('"', "");
                json!({ "success": true, "data": { "spoken": at } })
            }
            "book_appointment" => {
                json!({ "success": true, "data": { "appointment_id": 9, "service": arguments["service_type"],
                "date": arguments["date"], "time": arguments["time"] } })
            }
            "get_upcoming_appointments" if self.who == Who::Verified => {
                let oil = json!({ "appointment_id": 7, "service": "Oil change", "date": "2026-11-25",
                    "time": "09:00", "spoken": "Wednesday, November 25 at 9 AM", "status": "scheduled" });
                let brakes = json!({ "appointment_id": 8, "service": "Brake service", "date": "2026-12-01",
                    "time": "14:00", "spoken": "Tuesday, December 1 at 2 PM", "status": "scheduled" });
                let list = if self.has_two { vec![oil, brakes] } else { vec![oil] };
                json!({ "success": true, "data": { "appointments": list } })
            }
            "get_upcoming_appointments" => json!({ "success": false, "error": "not_verified", "message": "" }),
            _ => json!({ "success": true, "data": {} }),
        }
        .to_string()
    }

    /// The next call that has not been looked at must be this one; arguments that are not named are not compared.
    pub(super) fn expect_call(&mut self, rest: &str) -> Result<(), String> {
        let (name, arguments) = rest.split_once(' ').unwrap_or((rest, "{}"));
        let wanted: Value = serde_json::from_str(arguments).map_err(|e| format!("{arguments}: {e}"))?;
        if self.calls.is_empty() {
            return Err(format!("expected a call of {name}, there is none; Otto said {:?}", self.said));
        }
        let (called, with) = self.calls.remove(0);
        let same = wanted.as_object().into_iter().flatten().all(|(key, value)| with[key] == *value);
        if called == name && same {
            Ok(())
        } else {
            Err(format!("expected {name} {arguments}, called {called} {with}"))
        }
    }

    pub(super) fn all_calls_expected(&mut self) -> Result<(), String> {
        match self.calls.first() {
            None => Ok(()),
            Some((name, with)) => Err(format!("unexpected call of {name} {with}; Otto said {:?}", self.said)),
        }
    }
}
