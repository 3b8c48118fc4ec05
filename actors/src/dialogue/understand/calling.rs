//! Calls that Otto has placed, and calls that people want or do not want: who has answered, what they are reminded of, when
//! to call again.

use chrono::{Days, NaiveDate, NaiveTime};
use serde_json::Value;

use super::existing::Existing;
use super::heard::Heard;
use super::results::Answer;
use super::{Goal, News, State, Why};
use crate::dialogue::intents::{Assent, Intent};
use crate::dialogue::slots::times::TimeWish;
use crate::dialogue::wording::Question;
use crate::domain::Shop;

/// What a call is that reminds of an appointment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::dialogue) struct Reminder {
    /// Whoever is on the line has said that they are the customer, or that they are not.
    pub(in crate::dialogue) said: Option<bool>,
    /// What of it the tools have noted: until then nothing is known and nothing may be told.
    pub(in crate::dialogue) answered: Option<bool>,
    /// What the customer is reminded of, if there still is something.
    pub(in crate::dialogue) appointment: Option<Existing>,
    pub(in crate::dialogue) vehicle: Option<String>,
    /// `tomorrow, Tuesday, November 24 at 9 AM`.
    pub(in crate::dialogue) coming: String,
    /// They have said that they will not be there.
    pub(in crate::dialogue) cannot: bool,
}

/// When somebody wants to be called, as far as they have said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::dialogue) struct CallTime {
    pub(in crate::dialogue) date: Option<NaiveDate>,
    pub(in crate::dialogue) time: Option<NaiveTime>,
}

impl State {
    // Who has answered ------------------------------------------------------------------------------------------------

    /// The greeting asks who is there, however the shop words it.
    pub(super) fn asks_who_is_there(&self, text: &str) -> bool {
        let unanswered = self.reminder.as_ref().is_some_and(|reminder| reminder.answered.is_none());
        let named = self.first_name.as_deref().is_some_and(|name| text.contains(name));
        unanswered && named && text.trim_end().ends_with('?')
    }

    /// Yes or no to what a reminder call asks; whether it was an answer.
    pub(super) fn answer_in_reminder(&mut self, asked: Question, heard: &Heard) -> bool {
        let (yes, no) = (heard.assent == Some(Assent::Yes), heard.assent == Some(Assent::No));
        let same_time = self.is_reminded_time(heard);
        let Some(reminder) = self.reminder.as_mut().filter(|_| self.goals.contains(&Goal::Remind)) else {
            return false;
        };
        let keeps = heard.has(Intent::ConfirmReminder) || (yes && heard.has_no_condition());
        match asked {
            Question::IsIt if reminder.answered.is_none() => {
                reminder.said = heard.is_customer.or(reminder.said);
                return heard.is_customer.is_some();
            }
            Question::WillCome | Question::MoveOrCancel if reminder.answered != Some(true) => return false,
            Question::WillCome if keeps && same_time => self.turn.comes = true,
            Question::MoveOrCancel if heard.has(Intent::ConfirmReminder) => self.turn.comes = true,
            Question::WillCome | Question::MoveOrCancel if !same_time => self.want_change(Goal::Move, heard),
            Question::WillCome if no => reminder.cannot = true,
            Question::MoveOrCancel if no => {
                self.goals.retain(|goal| *goal != Goal::Remind);
                self.turn.kept = true;
            }
            _ => return false,
        }
        true
    }

    /// No other day or time was named than that of the appointment.
    fn is_reminded_time(&self, heard: &Heard) -> bool {
        let at = self.reminder.as_ref().and_then(|reminder| reminder.appointment.as_ref()?.at());
        let same_day = heard.date.is_none_or(|date| at.is_some_and(|at| at.date() == date));
        let same_time = match heard.wish {
            Some(TimeWish::At(time)) => at.is_some_and(|at| at.time() == time),
            Some(TimeWish::Between(from, to)) => at.is_some_and(|at| from <= at.time() && at.time() < to),
            None => true,
        };
        same_day && same_time
    }

    pub(super) fn reminder_answered(&mut self, arguments: &Value, answer: &Answer) {
        let Some(reminder) = self.reminder.as_mut() else { return };
        match answer.error.as_str() {
            _ if answer.success => reminder.answered = arguments["is_customer"].as_bool(),
            "not_the_customer" => reminder.answered = Some(false),
            "not_open" | "not_a_reminder" => reminder.answered = Some(true),
            error => return self.failed(error),
        }
        if reminder.answered == Some(true) {
            reminder.appointment = Existing::read(&answer.data);
            self.latest.clone_from(&reminder.appointment);
            reminder.vehicle = answer.data["vehicle"].as_str().map(str::to_owned);
            let coming = answer.data["coming"].as_str().or(answer.data["spoken"].as_str());
            reminder.coming = coming.unwrap_or_default().to_owned();
        }
        // Whoever has said already that they cannot come need not be asked.
        let wish = self.goals.iter().copied().find(|goal| matches!(goal, Goal::Cancel | Goal::Move));
        if let Some(goal) = wish.filter(|_| self.reminded().is_some()) {
            self.goals.retain(|goal| *goal != Goal::Remind);
            self.mean(goal, self.reminded());
        }
    }

    /// What the customer on the line is reminded of.
    pub(super) fn reminded(&self) -> Option<Existing> {
        self.reminder.as_ref().filter(|reminder| reminder.answered == Some(true))?.appointment.clone()
    }

    // Whether reminders are welcome -----------------------------------------------------------------------------------

    /// Whether the caller may be reminded. It is asked once: what is neither a clear yes nor a clear no is no answer.
    pub(super) fn hear_of_reminders(&mut self, heard: &Heard) -> bool {
        if heard.has(Intent::Repeat) || heard.has(Intent::Wait) {
            return false;
        }
        self.asked_to_remind = true;
        if heard.agrees_plainly() {
            self.reminder_consent = Some(true);
        } else if heard.refuses_plainly() {
            self.reminder_consent = Some(false);
        }
        true
    }

    // Another time ----------------------------------------------------------------------------------------------------

    pub(super) fn want_calling(&mut self, intent: Intent, heard: &Heard) {
        if intent == Intent::StopCalls {
            // Who does not want to be called need not be asked about one sort of calls.
            (self.reminder_consent, self.asked_to_remind) = (Some(false), true);
        }
        match intent {
            Intent::StopCalls => self.stop_calls(false),
            Intent::WrongNumber if self.outbound => self.stop_calls(true),
            Intent::CallLater if self.outbound || heard.words.any(&["call", "ring", "phone"]) => {
                self.goals.retain(|goal| *goal != Goal::CallLater);
                self.goals.push_front(Goal::CallLater);
            }
            _ => {}
        }
    }

    /// Whoever was called and does not want that wants nothing else; whoever has called goes on with what they want.
    fn stop_calls(&mut self, wrong_number: bool) {
        if self.outbound {
            self.goals.clear();
            self.forget_booking();
        }
        self.goals.retain(|goal| !matches!(goal, Goal::CallLater | Goal::StopCalls { .. }));
        self.goals.push_front(Goal::StopCalls { wrong_number });
    }

    /// When to call again: only while that is the question, or along with the wish.
    pub(super) fn fill_call_time(&mut self, heard: &Heard, asked: Option<Question>, shop: &Shop) -> bool {
        let about = asked == Some(Question::WhenCall) || heard.has(Intent::CallLater);
        if !about || self.goals.front() != Some(&Goal::CallLater) {
            return false;
        }
        let time = heard.wish.map(|wish| match wish {
            TimeWish::At(time) => time,
            TimeWish::Between(from, _) => from.max(shop.reminders.window.from),
        });
        self.call_time.date = heard.date.or(self.call_time.date);
        self.call_time.time = time.or(self.call_time.time);
        heard.date.is_some() || time.is_some()
    }

    /// The day and the time to call at, when both are known: a time alone is the next one.
    pub(in crate::dialogue) fn call_at(&self) -> Option<(NaiveDate, NaiveTime)> {
        let time = self.call_time.time?;
        let next = if time > self.now.time() { 0 } else { 1 };
        let date = self.call_time.date.or(self.now.date().checked_add_days(Days::new(next)))?;
        Some((date, time))
    }

    pub(super) fn call_noted(&mut self, answer: &Answer) {
        match answer.error.as_str() {
            _ if answer.success => {
                let spoken = answer.data["spoken"].as_str().map(str::to_owned);
                self.news.push(News::WillCall(spoken));
                self.calling_is_settled();
            }
            "in_the_past" | "too_far" | "outside_calling_hours" | "bad_date" | "bad_time" => {
                self.call_time = CallTime::default();
                self.turn.call_refused = true;
            }
            "no_caller_id" | "too_often" => self.hand_over(Why::Asked),
            error => self.failed(error),
        }
    }

    pub(super) fn calls_stopped(&mut self, answer: &Answer) {
        let Some(Goal::StopCalls { wrong_number }) = self.goals.front().copied() else { return };
        if !answer.success {
            return self.failed(&answer.error);
        }
        self.news.push(News::CallsStopped { wrong_number });
        self.calling_is_settled();
    }

    /// There is nothing more to say in a call that Otto has placed.
    fn calling_is_settled(&mut self) {
        self.call_time = CallTime::default();
        self.goals.retain(|goal| !matches!(goal, Goal::CallLater | Goal::StopCalls { .. } | Goal::Remind));
        self.turn.over = self.outbound && self.goals.is_empty();
    }
}
