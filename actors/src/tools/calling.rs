//! Calls that Otto has placed or is to place: who has answered, being called at another time, not being called any more.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::access::{Identity, Learned};
use super::args::{AnswerReminder, CalledBy, RequestCallBack, StopReason, StopReminders};
use super::reading;
use super::results::{Ran, appointment_json, failure, local, not_found, success};
use super::router::{Done, Run, ToolRouter, customer_of, nothing};
use super::vehicles::named;
use crate::crm::CrmMsg;
use crate::domain::slots::instant;
use crate::domain::{Appointment, NewReminder, PhoneNumber, ReminderKind, spoken};
use crate::ports::{Action, Channel, OptOut};

/// Days ahead that a call can be asked for.
const CALL_BACK_DAYS_MAX: i64 = 14;
/// A time that has just passed, as "now" has when it is understood, is now.
const JUST_NOW: TimeDelta = TimeDelta::minutes(5);
/// Longest text about what a call is to be about, in characters.
const ABOUT_MAX_CHARS: usize = 500;

impl ToolRouter {
    /// Whoever says that they are the customer hears of the appointment; to anybody else there is nothing to tell.
    pub(super) async fn answer_reminder(&self, identity: &Identity, args: &AnswerReminder) -> Result<Done, Value> {
        let customer = customer_of(identity)?;
        if !args.is_customer {
            let name = customer.first_name();
            let message = format!(
                "Disclose nothing of what the call is about. Ask to have {name} call {} back, and say goodbye.",
                self.shop.name
            );
            return Ok(success(nothing(), message).into());
        }
        let appointment = self.reminded_of(identity).await?.ok_or_else(|| {
            failure("not_open", "There is nothing to remind of any more. Say so, apologise and say goodbye.")
        })?;
        let id = customer.id;
        let vehicles = self.read(|reply_to| CrmMsg::Vehicles { customer: id, reply_to }).await?;
        let vehicle = vehicles.iter().find(|vehicle| Some(vehicle.id) == appointment.vehicle).map(named);
        let at = local(&self.shop, appointment.starts_at);
        let mut data = appointment_json(&self.shop, &appointment);
        data["vehicle"] = vehicle.filter(|name| !name.is_empty()).into();
        data["coming"] = spoken::coming(at, self.today()).into();
        let message = "Say service, vehicle, day and time, and ask whether they will come. confirm_appointment needs no \
                       more; to move or to cancel it needs verify_identity first.";
        Ok(Done { result: success(data, message), learned: Some(Learned::IsCustomer) })
    }

    /// The appointment that the call is about, while it stands and is still to come.
    async fn reminded_of(&self, identity: &Identity) -> Result<Option<Appointment>, Value> {
        let (Some(errand), Some(customer)) = (identity.errand, &identity.customer) else { return Ok(None) };
        let id = errand.appointment;
        let found = self.read(|reply_to| CrmMsg::Appointment { id, reply_to }).await?;
        let stands =
            |a: &Appointment| a.customer == customer.id && a.status.is_open() && a.starts_at > self.clock.now();
        Ok(found.filter(stands))
    }

    pub(super) async fn request_call_back(&self, run: &Run, args: RequestCallBack) -> Ran {
        let phone = number_of(&run.identity)?;
        let at = reading::date(&args.date)?.and_time(reading::time(&args.time)?);
        let by_person = args.by == CalledBy::Person || !self.can_dial;
        let (due_at, until) = self.call_time(at, by_person)?;
        let about = reading::text(args.about, "about", ABOUT_MAX_CHARS)?;
        // Asked for another time, a reminder stays a reminder while there is something to remind of.
        let reminded = self.reminded_of(&run.identity).await?.filter(|appointment| appointment.starts_at > until);
        let new = NewReminder {
            kind: ReminderKind::CallBack,
            appointment: reminded.map(|appointment| appointment.id),
            customer: run.identity.customer.as_ref().map(|customer| customer.id),
            phone,
            about,
            due_at,
            until,
            for_staff: by_person,
        };
        let spoken = spoken::date_time(local(&self.shop, due_at));
        let who = if by_person { "A colleague" } else { "Otto" };
        let render = Arc::new(move || {
            let data = json!({ "date": at.date(), "time": at.format("%H:%M").to_string(), "spoken": spoken });
            success(data, format!("{who} will call on {spoken}."))
        });
        self.act(run, Action::RequestCallBack { new, render }).await
    }

    /// When the call is due and until when it makes sense: in the time in which people may be called.
    fn call_time(&self, at: NaiveDateTime, by_person: bool) -> Result<(DateTime<Utc>, DateTime<Utc>), Value> {
        let now = self.clock.now();
        let due_at = instant(self.shop.time_zone, at);
        if due_at + JUST_NOW < now {
            return Err(failure("in_the_past", "That time has passed. Ask for another one."));
        }
        if due_at > now + TimeDelta::days(CALL_BACK_DAYS_MAX) {
            let message = format!("That is too far ahead: at most {CALL_BACK_DAYS_MAX} days. Ask for an earlier day.");
            return Err(failure("too_far", message));
        }
        let (from, until) = self.shop.calling_window(due_at);
        if due_at < from && !by_person {
            let window = self.shop.reminders.window;
            let (from, to) = (spoken::time(window.from), spoken::time(window.to));
            let message = format!("People are called from {from} to {to} only. Ask for a time between them.");
            return Err(failure("outside_calling_hours", message));
        }
        Ok((due_at.max(now), until))
    }

    pub(super) async fn stop_reminders(&self, run: &Run, args: &StopReminders) -> Ran {
        let identity = &run.identity;
        let phone = number_of(identity)?;
        let (reason, message) = match args.reason {
            StopReason::Asked => (OptOut::ASKED, "This number will not be called any more."),
            StopReason::WrongNumber => (OptOut::WRONG_NUMBER, "This number will not be called any more. Apologise."),
        };
        // Only the customer takes back what the customer has agreed to.
        let own = args.reason == StopReason::Asked && identity.speaks_for_customer();
        let customer = identity.customer.as_ref().filter(|_| own).map(|customer| customer.id);
        let opt_out = OptOut { phone, channel: Channel::Voice, reason };
        let render = Arc::new(move || success(json!({ "reason": reason }), message));
        self.act(run, Action::StopReminders { opt_out, customer, render }).await
    }
}

/// The number at the other end of the line.
fn number_of(identity: &Identity) -> Result<PhoneNumber, Value> {
    identity.phone.clone().ok_or_else(|| not_found("number"))
}
