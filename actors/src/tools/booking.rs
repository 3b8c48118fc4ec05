//! Finding times and booking them.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use chrono::{NaiveDate, Weekday};
use serde_json::{Value, json};

use super::access::{Identity, Learned};
use super::args::{BookAppointment, GetAvailableSlots};
use super::customers::rendered;
use super::reading;
use super::results::{Ran, failure, local, not_bookable, sentence, store_failure, success, unavailable};
use super::router::{Done, Run, ToolRouter};
use crate::calendar::CalendarMsg;
use crate::crm::CrmMsg;
use crate::domain::slots::{self, SlotError};
use crate::domain::{
    Appointment, AppointmentId, Customer, CustomerFacts, CustomerId, NewAppointment, NewCustomer, Service, Shop, spoken,
};
use crate::effects::EffectId;
use crate::limits;
use crate::ports::{Action, Booking, BookingCustomer};

/// Times that are offered when a day is full or a time is gone.
const NEXT_FREE: usize = 4;
/// Longest text about what is wrong, in characters.
const CONCERNS_MAX_CHARS: usize = 1_000;

impl ToolRouter {
    pub(super) async fn available_slots(&self, run: &Run, args: GetAvailableSlots) -> Ran {
        let named = args.service_type.as_deref().filter(|name| !name.trim().is_empty());
        let named = named.ok_or_else(|| failure("service_needed", "Ask which service the caller needs."))?;
        let (service, date) = (self.service(named)?, reading::date(&args.date)?);
        let (minutes, but_for) = match args.appointment_id {
            // It is moved as long as it is.
            Some(id) => (self.own(run, id).await?.minutes, Some(id)),
            None => (self.minutes(service, args.duration_minutes)?, None),
        };
        let ask = |reply_to| CalendarMsg::FreeOn { date, minutes, but_for, reply_to };
        let free = self.calendar.ask_again(limits::READ_TIMEOUT_MS, ask).await;
        let free = free.map_err(|e| unavailable(&e))?.map_err(|e| store_failure(&e))?;
        if free.is_empty() {
            let why = self.why_nothing_is_free(date, minutes);
            let next = self.next_free(date, minutes, but_for).await;
            return Err(failure("nothing_free", format!("{why} {next}")));
        }
        let times: Vec<String> = free.iter().map(|at| at.format("%H:%M").to_string()).collect();
        let data = json!({ "date": date, "service": service.name, "minutes": minutes, "slots": times });
        Ok(success(data, format!("{} times are free on {}.", free.len(), date.format("%A, %B %-d"))))
    }

    /// How long the bay is held: never shorter than the service takes, since it is booked for that long.
    fn minutes(&self, service: &Service, wanted: Option<i64>) -> Result<u32, Value> {
        let longest = longest_day_minutes(&self.shop);
        let wanted = reading::number(wanted, "duration_minutes", 1..=longest.into())?;
        let wanted = wanted.and_then(|minutes| u32::try_from(minutes).ok());
        Ok(wanted.map_or(service.minutes, |minutes| minutes.max(service.minutes)))
    }

    fn why_nothing_is_free(&self, date: NaiveDate, minutes: u32) -> String {
        let now = self.clock.now();
        let opens = self.shop.open_on(date).map(|hours| date.and_time(hours.from));
        match opens.map(|at| slots::check_start(&self.shop, at, minutes, now)) {
            None => format!("{}.", sentence(&SlotError::Closed(date))),
            Some(Err(error @ SlotError::TooFar { .. })) => format!("{}.", sentence(&error)),
            _ if date < self.today() => format!("{date} is in the past."),
            _ => format!("Nothing is free on {date}."),
        }
    }

    /// The day on the shop's calendar.
    pub(super) fn today(&self) -> NaiveDate {
        local(&self.shop, self.clock.now()).date()
    }

    async fn next_free(&self, from: NaiveDate, minutes: u32, but_for: Option<AppointmentId>) -> String {
        let from = from.max(self.today());
        let ask = |reply_to| CalendarMsg::NextFree { from, minutes, count: NEXT_FREE, but_for, reply_to };
        match self.calendar.ask_again(limits::READ_TIMEOUT_MS, ask).await {
            Ok(Ok(free)) if !free.is_empty() => {
                let times: Vec<String> = free.iter().map(|at| at.format("%A %Y-%m-%d %H:%M").to_string()).collect();
                format!("The next free times: {}.", times.join(", "))
            }
            _ => "Ask the caller for another day.".into(),
        }
    }

    /// Whoever loses a time hears of the next ones.
    pub(super) async fn or_next_free(
        &self,
        ran: Ran,
        (date, minutes): (NaiveDate, u32),
        but_for: Option<AppointmentId>,
    ) -> Ran {
        match ran {
            Err(result) if result["error"] == "just_taken" => {
                let next = self.next_free(date, minutes, but_for).await;
                Err(failure("just_taken", format!("That time has just been taken. {next}")))
            }
            ran => ran,
        }
    }

    pub(super) async fn book(&self, run: &Run, args: BookAppointment) -> Result<Done, Value> {
        let service = self.service(&args.service_type)?.clone();
        let date = reading::date(&args.date)?;
        let at = date.and_time(reading::time(&args.time)?);
        let minutes = service.minutes;
        let starts_at = slots::check_start(&self.shop, at, minutes, self.clock.now()).map_err(|e| not_bookable(&e))?;
        let (customer, id) = booking_customer(&run.identity, args.customer_name, self.today())?;
        let appointment = NewAppointment {
            customer: id,
            vehicle: args.vehicle_id,
            service: service.name.clone(),
            starts_at,
            minutes,
            concerns: reading::text(args.concerns, "concerns", CONCERNS_MAX_CHARS)?,
            estimate: None,
            booked_by: "phone",
        };
        let (shop, seen) = (Arc::clone(&self.shop), Arc::<ArcSwapOption<Customer>>::default());
        let whose = Arc::clone(&seen);
        let render = Arc::new(move |a: &Appointment, c: &Customer| {
            whose.store(Some(Arc::new(c.clone())));
            booked(&shop, &service, a, c)
        });
        let avoid = self.busy_bays(starts_at, minutes, None).await;
        let action = Action::Book { booking: Booking { customer, appointment, avoid, text: self.sends_texts }, render };
        let result = self.or_next_free(self.act(run, action).await, (date, minutes), None).await?;
        let customer = match (&run.identity.customer, seen.load_full()) {
            (Some(customer), _) => Some(customer.clone()),
            (None, Some(customer)) => Some(Arc::unwrap_or_clone(customer)),
            (None, None) => self.by_phone(&run.identity).await,
        };
        let noted = match (&customer, args.reminder_consent) {
            (Some(customer), Some(consent)) => self.note_consent(run, customer, consent).await,
            _ => None,
        };
        let news = noted.or(customer.filter(|_| run.identity.customer.is_none()));
        Ok(Done { learned: booked_for(&result, news), result })
    }

    /// Whether the customer may be called before the appointment, written after the booking under a name that follows
    /// from the booking's: a booking that is asked for again writes it again. The booking stands without it. Gives what
    /// is on file then.
    async fn note_consent(&self, run: &Run, customer: &Customer, consent: bool) -> Option<Customer> {
        // A wish not to be called stands beside the consent, and is lifted with it.
        if !consent && customer.reminder_consent == Some(false) {
            return None;
        }
        let tool_call_id = format!("{}:consent", run.effect.tool_call_id);
        let effect = EffectId { tool_call_id, ..run.effect.clone() };
        let run = Run { effect, fence: run.fence.clone(), identity: run.identity.clone() };
        let facts = CustomerFacts { reminder_consent: Some(consent), ..CustomerFacts::default() };
        let (render, seen) = rendered("Noted.");
        // Without it the customer is asked another time.
        let (customer, caller) = (customer.id, run.identity.phone.clone());
        let _ = self.act(&run, Action::UpdateCustomer { customer, facts, caller, render }).await;
        seen.load_full().map(Arc::unwrap_or_clone)
    }

    /// Whoever has the caller's number now, as far as that can be said.
    pub(super) async fn by_phone(&self, identity: &Identity) -> Option<Customer> {
        let phone = identity.phone.as_ref()?;
        self.read(|reply_to| CrmMsg::FindByPhone { phone: phone.clone(), reply_to }).await.ok()?.customer
    }

    fn service(&self, name: &str) -> Result<&Service, Value> {
        self.shop.service(name.trim()).ok_or_else(|| {
            let names: Vec<&str> = self.shop.services.iter().map(|s| s.name.as_str()).collect();
            failure("unknown_service", format!("There is no such service. Expected one of: {}.", names.join(", ")))
        })
    }
}

/// The booking is this call's, and its customer is on file now.
fn booked_for(result: &Value, customer: Option<Customer>) -> Option<Learned> {
    let id = AppointmentId(result["data"]["appointment_id"].as_i64()?);
    Some(Learned::Booked(id, customer.map(Box::new)))
}

/// The longest that the shop is open on any day.
fn longest_day_minutes(shop: &Shop) -> u32 {
    let days = std::iter::successors(Some(Weekday::Mon), |day| Some(day.succ())).take(7);
    let open = days.filter_map(|day| shop.hours.on(day)).map(|hours| (hours.to - hours.from).num_minutes());
    open.max().and_then(|minutes| u32::try_from(minutes).ok()).unwrap_or(shop.grid_minutes)
}

/// The tool's result, stored with the booking.
fn booked(shop: &Shop, service: &Service, appointment: &Appointment, customer: &Customer) -> Value {
    let at = local(shop, appointment.starts_at);
    let data = json!({
        "appointment_id": appointment.id,
        "service": appointment.service,
        "date": at.date(),
        "time": at.format("%H:%M").to_string(),
        "spoken": spoken::date_time(at),
        "minutes": appointment.minutes,
        "first_name": customer.first_name(),
        "price_from": service.price_from,
        "price_to": service.price_to,
    });
    success(data, format!("Booked: {} on {}.", appointment.service, spoken::date_time(at)))
}

fn booking_customer(
    identity: &Identity,
    name: Option<String>,
    today: NaiveDate,
) -> Result<(BookingCustomer, CustomerId), Value> {
    if let Some(customer) = &identity.customer {
        return Ok((BookingCustomer::OnFile(customer.id), customer.id));
    }
    let phone = identity.phone.clone().ok_or_else(|| failure("no_caller_id", "The caller's number is withheld."))?;
    let name = reading::name(name, "customer_name")?.ok_or_else(|| {
        failure("name_needed", "The caller is not on file: ask for the full name, then book with it.")
    })?;
    Ok((BookingCustomer::New(NewCustomer { name, phone, since: today }), CustomerId(0)))
}
