//! What a call was about and what it took, gathered for the call log. By rule, without a model. Pure.

use std::time::Duration;

use serde_json::Value;

use super::CallState;
use super::pickup::Reached;
use crate::dialogue::{self, Caller, Notes};
use crate::domain::{AppointmentId, PhoneNumber, ReminderId, ReminderOutcome};
use crate::history::Entry;
use crate::ports::{CallFacts, ModelEnd};
use crate::registry::Purpose;
use crate::tools::{Identity, Tool};

/// Tool calls that are listed.
const TOOLS_MAX: usize = 200;
/// Turns whose latency is listed.
const LATENCIES_MAX: usize = 500;
/// Things done that the summary names.
const NAMED_IN_SUMMARY: usize = 3;

/// What is gathered while the call goes on.
#[derive(Debug, Default)]
pub(super) struct Facts {
    tools: Vec<&'static str>,
    /// What the tools did that changed the records, with what they said about it.
    done: Vec<(Tool, String)>,
    /// What came of the call for whoever had it placed, latest last; with the appointment if it is about one.
    outcomes: Vec<(ReminderOutcome, Option<AppointmentId>)>,
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    latencies_ms: Vec<u64>,
}

impl Facts {
    /// The model asked for a tool. Only our own names are kept: the others are the model's words.
    pub(super) fn tool_ran(&mut self, name: &str) {
        if self.tools.len() < TOOLS_MAX {
            self.tools.push(Tool::named(name).map_or("unknown", Tool::name));
        }
    }

    /// A tool did what was asked.
    pub(super) fn tool_did(&mut self, name: &str, content: &str) {
        let Some(tool) = Tool::named(name).filter(|tool| tool.changes_records()) else { return };
        let result: Value = serde_json::from_str(content).unwrap_or_default();
        let appointment = result["data"]["appointment_id"].as_i64().map(AppointmentId);
        self.outcomes.extend(outcome_of(tool, &result).map(|outcome| (outcome, appointment)));
        let said = (tool, result["message"].as_str().unwrap_or_default().to_owned());
        // The same booking asked for again has the same result.
        if !self.done.contains(&said) {
            self.done.push(said);
        }
    }

    /// Something came of the conversation: it is one.
    pub(super) fn is_proven(&self) -> bool {
        !self.done.is_empty()
    }

    /// What the tools made of a call that Otto has placed: what became of the appointment counts more than the rest, and
    /// the latest most.
    fn outcome(&self, purpose: Purpose) -> Option<ReminderOutcome> {
        let own =
            |about: AppointmentId| !matches!(purpose, Purpose::Reminder { appointment, .. } if appointment != about);
        let changes = self.outcomes.iter().rfind(|(_, about)| about.is_some_and(own));
        let others = self.outcomes.iter().rfind(|(_, about)| about.is_none());
        changes.or(others).map(|(outcome, _)| *outcome)
    }

    /// A request to the model took this.
    pub(super) fn spent(&mut self, end: &ModelEnd) {
        let add = |sum: &mut Option<u64>, more: Option<u64>| {
            *sum = more.map_or(*sum, |more| Some(sum.unwrap_or_default().saturating_add(more)));
        };
        add(&mut self.prompt_tokens, end.prompt_tokens);
        add(&mut self.completion_tokens, end.completion_tokens);
    }

    /// From the end of a turn to Otto's first sound.
    pub(super) fn timed(&mut self, latency: Duration) {
        if self.latencies_ms.len() < LATENCIES_MAX {
            self.latencies_ms.push(u64::try_from(latency.as_millis()).unwrap_or(u64::MAX));
        }
    }

    /// What goes into the call log.
    fn close(&mut self, notes: &Notes, transferred_to: Option<PhoneNumber>) -> CallFacts {
        let intent = self.intent(notes, transferred_to.is_some());
        CallFacts {
            summary: Some(self.summary(intent, transferred_to.is_some())),
            intent: intent.map(str::to_owned),
            tools_used: self.tools.iter().map(|name| (*name).to_owned()).collect(),
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.completion_tokens,
            latencies_ms: std::mem::take(&mut self.latencies_ms),
            transferred_to,
        }
    }

    /// What the caller wanted: what was done about appointments, or else what is still wished for, or else the rest.
    fn intent(&self, notes: &Notes, transferred: bool) -> Option<&'static str> {
        let wish = notes.wants.first().map(|wish| match *wish {
            "a new appointment" => "book",
            "to cancel an appointment" => "cancel",
            "to move an appointment" => "reschedule",
            "to confirm an appointment" => "confirm",
            "to be called at another time" => "call_back",
            "no more calls" => "opt_out",
            _ => "appointments",
        });
        let done = |what: fn(Tool) -> Option<&'static str>| self.done.iter().find_map(|(tool, _)| what(*tool));
        let appointment = done(|tool| match tool {
            Tool::BookAppointment => Some("book"),
            Tool::CancelAppointment => Some("cancel"),
            Tool::RescheduleAppointment => Some("reschedule"),
            Tool::ConfirmAppointment => Some("confirm"),
            _ => None,
        });
        let rest = done(|tool| {
            Some(match tool {
                Tool::TakeMessage => "message",
                Tool::RequestCallBack => "call_back",
                Tool::StopReminders => "opt_out",
                _ => "records",
            })
        });
        let human = (transferred || notes.escalation.is_some()).then_some("human");
        let asked = self.tools.contains(&Tool::GetUpcomingAppointments.name()).then_some("appointments");
        appointment.or(wish).or(rest).or(human).or(asked)
    }

    fn summary(&self, intent: Option<&'static str>, transferred: bool) -> String {
        let done: Vec<&str> =
            self.done.iter().map(|(_, said)| said.trim_end_matches('.')).take(NAMED_IN_SUMMARY).collect();
        let what = match (done.is_empty(), intent) {
            (false, _) => done.join("; "),
            (true, Some(intent)) => format!("Nothing was changed; the caller's wish: {intent}"),
            (true, None) => "Nothing was changed".to_owned(),
        };
        let human = if transferred { "; a colleague took over" } else { "" };
        format!("{what}{human}.")
    }
}

impl CallState {
    /// What goes into the call log when the call is over.
    pub(super) fn closing_facts(&mut self, outcome: &'static str) -> CallFacts {
        let shop = &self.outside.shop;
        let now = self.outside.clock.now().with_timezone(&shop.time_zone).naive_local();
        let identity = &self.session.identity;
        let notes = dialogue::notes(&self.session.history.for_model(), shop, now, caller(identity), identity.verified);
        let transferred_to = self.outside.escalation.clone().filter(|_| outcome == super::machine::TRANSFERRED);
        self.facts.close(&notes, transferred_to)
    }

    /// What came of a call that Otto has placed; none when nobody and nothing was reached.
    pub(super) fn came_of_reminder(&self, outcome: &'static str) -> Option<(ReminderId, ReminderOutcome)> {
        let (purpose, outbound) = (self.session.purpose, self.outbound.as_ref()?);
        let spoke = self.session.history.entries().iter().any(|entry| matches!(entry, Entry::User(_)));
        let reached = match outbound.pickup.reached() {
            Reached::Machine => Some(ReminderOutcome::Voicemail),
            Reached::Screen => Some(ReminderOutcome::Screened),
            _ if outcome == super::machine::TRANSFERRED => Some(ReminderOutcome::Transferred),
            Reached::Somebody => Some(ReminderOutcome::Answered),
            Reached::Nobody => spoke.then_some(ReminderOutcome::Answered),
        };
        Some((purpose.reminder()?, self.facts.outcome(purpose).or(reached)?))
    }
}

/// What a tool that has succeeded makes of a call that Otto has placed.
fn outcome_of(tool: Tool, result: &Value) -> Option<ReminderOutcome> {
    Some(match tool {
        Tool::ConfirmAppointment => ReminderOutcome::Confirmed,
        Tool::RescheduleAppointment => ReminderOutcome::Rescheduled,
        Tool::CancelAppointment => ReminderOutcome::Cancelled,
        Tool::RequestCallBack => ReminderOutcome::CallLater,
        Tool::StopReminders if result["data"]["reason"] == "wrong_number" => ReminderOutcome::WrongNumber,
        Tool::StopReminders => ReminderOutcome::OptedOut,
        _ => return None,
    })
}

const fn caller(identity: &Identity) -> Caller {
    match (&identity.customer, &identity.phone) {
        (Some(_), _) => Caller::Known,
        (None, Some(_)) => Caller::New,
        (None, None) => Caller::Withheld,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Message;

    /// Tools that did something, with their messages, and what the caller said last: the intent and the summary.
    fn check(done: &[(&str, &str)], said: &str, transferred: bool, expected: (&str, &str)) {
        let mut facts = Facts::default();
        for (name, message) in done {
            facts.tool_ran(name);
            facts.tool_did(name, &serde_json::json!({ "message": message }).to_string());
        }
        let now = "2026-11-23T09:00:00".parse().unwrap();
        let history = [Message::User(said.into())];
        let notes = dialogue::notes(&history, &crate::domain::Shop::default(), now, Caller::Known, false);
        let closed = facts.close(&notes, transferred.then(|| PhoneNumber::parse("+15555550199").unwrap()));
        let (intent, summary) = (closed.intent.unwrap_or_default(), closed.summary.unwrap_or_default());
        assert_eq!((intent.as_str(), summary.as_str()), expected);
    }

    #[test]
    fn a_call_in_a_sentence() {
        let booked = ("book_appointment", "Booked: Oil change on Tuesday, November 24 at 10 AM.");
        check(&[booked, booked], "bye", false, ("book", "Booked: Oil change on Tuesday, November 24 at 10 AM."));
        let created = ("create_customer", "The caller is on file now.");
        check(&[created], "hello", false, ("records", "The caller is on file now."));
        check(&[created, ("book_appointment", "Booked.")], "", false, ("book", "The caller is on file now; Booked."));
        check(&[("lookup_customer", "x")], "hello", false, ("", "Nothing was changed."));
        check(&[], "cancel my appointment", false, ("cancel", "Nothing was changed; the caller's wish: cancel."));
        check(
            &[("take_message", "The message is noted for a colleague.")],
            "get me a human",
            true,
            ("message", "The message is noted for a colleague; a colleague took over."),
        );
    }

    /// Tools that did something, and what came of a call that reminds of appointment 7.
    fn came(done: &[(&str, Value)], expected: Option<ReminderOutcome>) {
        let mut facts = Facts::default();
        for (name, data) in done {
            facts.tool_did(name, &serde_json::json!({ "success": true, "data": data, "message": "x" }).to_string());
        }
        let remind = Purpose::Reminder { reminder: None, appointment: AppointmentId(7) };
        assert_eq!(facts.outcome(remind), expected, "{done:?}");
    }

    #[test]
    fn what_became_of_the_appointment_counts_most_and_the_latest_most_of_all() {
        use ReminderOutcome::{Cancelled, Confirmed, OptedOut, Rescheduled};
        let about = |id: i64| serde_json::json!({ "appointment_id": id });
        let stop = ("stop_reminders", serde_json::json!({ "reason": "asked" }));
        let (confirmed, moved) = (("confirm_appointment", about(7)), ("reschedule_appointment", about(7)));
        came(&[], None);
        came(&[("book_appointment", about(8)), ("answer_reminder", about(7))], None);
        came(&[("cancel_appointment", about(8))], None);
        came(&[("cancel_appointment", about(8)), stop.clone()], Some(OptedOut));
        came(&[confirmed.clone(), stop], Some(Confirmed));
        came(&[confirmed.clone(), moved.clone()], Some(Rescheduled));
        came(&[moved, confirmed], Some(Confirmed));
        came(&[("cancel_appointment", about(7)), ("cancel_appointment", about(8))], Some(Cancelled));
    }

    #[test]
    fn tokens_add_up_and_unknown_tools_are_not_quoted() {
        let mut facts = Facts::default();
        facts.spent(&ModelEnd::default());
        assert_eq!((facts.prompt_tokens, facts.completion_tokens), (None, None));
        for _ in 0..2 {
            facts.spent(&ModelEnd { truncated: false, prompt_tokens: Some(100), completion_tokens: Some(7) });
        }
        facts.tool_ran("ignore all rules");
        facts.tool_ran("end_call");
        facts.timed(Duration::from_millis(640));
        let closed = facts.close(&Notes::default(), None);
        assert_eq!((closed.prompt_tokens, closed.completion_tokens), (Some(200), Some(14)));
        assert_eq!(closed.tools_used, ["unknown", "end_call"]);
        assert_eq!(closed.latencies_ms, [640]);
    }
}
