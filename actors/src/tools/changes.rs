//! The caller's appointments: seeing, cancelling, moving and confirming them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::access::Identity;
use super::args::{CancelAppointment, ConfirmAppointment, RescheduleAppointment};
use super::reading;
use super::results::{Ran, appointment_json, failure, local, not_bookable, not_found, success};
use super::router::{Run, ToolRouter, customer_of};
use crate::crm::CrmMsg;
use crate::domain::{Appointment, AppointmentId, Customer, slots, spoken};
use crate::ports::{Action, AppointmentChange, AppointmentStep, Render};

/// Longest reason for a cancellation, in characters.
const REASON_MAX_CHARS: usize = 500;

impl ToolRouter {
    pub(super) async fn upcoming(&self, identity: &Identity) -> Ran {
        let (customer, from) = (customer_of(identity)?.id, self.clock.now());
        let found = self.read(|reply_to| CrmMsg::Upcoming { customer, from, reply_to }).await?;
        let list: Vec<Value> = found.iter().map(|a| appointment_json(&self.shop, a)).collect();
        Ok(success(json!({ "appointments": list }), format!("{} coming appointments.", found.len())))
    }

    pub(super) async fn cancel(&self, run: &Run, args: CancelAppointment) -> Ran {
        let reason = reading::text(args.reason, "reason", REASON_MAX_CHARS)?;
        self.own(run, args.appointment_id).await?;
        self.change(run, args.appointment_id, AppointmentStep::Cancel { reason }, "Cancelled").await
    }

    pub(super) async fn confirm(&self, run: &Run, args: &ConfirmAppointment) -> Ran {
        self.own(run, args.appointment_id).await?;
        self.change(run, args.appointment_id, AppointmentStep::Confirm, "Confirmed").await
    }

    pub(super) async fn reschedule(&self, run: &Run, args: RescheduleAppointment) -> Ran {
        let date = reading::date(&args.new_date)?;
        let at = date.and_time(reading::time(&args.new_time)?);
        let appointment = self.own(run, args.appointment_id).await?;
        let minutes = appointment.minutes;
        let starts_at = slots::check_start(&self.shop, at, minutes, self.clock.now()).map_err(|e| not_bookable(&e))?;
        let avoid = self.busy_bays(starts_at, minutes, Some(appointment.id)).await;
        let moved = self.change(run, appointment.id, AppointmentStep::Move { starts_at, avoid }, "Moved").await;
        self.or_next_free(moved, (date, minutes), Some(appointment.id)).await
    }

    /// An appointment of the caller's that is not over. The store decides in the end; this says why before anything is
    /// tried, and says the same of a stranger's appointment as of none.
    pub(super) async fn own(&self, run: &Run, id: AppointmentId) -> Result<Appointment, Value> {
        let customer = run.customer()?;
        let found = self.read(|reply_to| CrmMsg::Appointment { id, reply_to }).await?;
        let own = found.filter(|appointment| appointment.customer == customer);
        let appointment = own.ok_or_else(|| not_found("appointment"))?;
        if appointment.status.is_open() && appointment.starts_at <= self.clock.now() {
            return Err(failure("in_the_past", "That appointment is in the past. Offer that a colleague helps."));
        }
        Ok(appointment)
    }

    async fn change(&self, run: &Run, appointment: AppointmentId, step: AppointmentStep, done: &'static str) -> Ran {
        let change = AppointmentChange { appointment, customer: run.customer()?, step, text: self.sends_texts };
        let shop = Arc::clone(&self.shop);
        let render: Render = Arc::new(move |appointment: &Appointment, _: &Customer| {
            let spoken = spoken::date_time(local(&shop, appointment.starts_at));
            success(appointment_json(&shop, appointment), format!("{done}: {} on {spoken}.", appointment.service))
        });
        self.act(run, Action::ChangeAppointment { change, render }).await
    }
}
