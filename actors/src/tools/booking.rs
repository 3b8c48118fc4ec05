//! Finding times and booking them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use serde_json::{Value, json};

use super::args::{BookAppointment, GetAvailableSlots};
use super::router::{Ran, ToolRouter};
use super::{Identity, failure, success};
use crate::actor::AskError;
use crate::calendar::CalendarMsg;
use crate::crm::{BookingWrite, CrmMsg};
use crate::domain::slots::{self, SlotError};
use crate::domain::{Appointment, Customer, NewAppointment, NewCustomer, Service, Shop, spoken};
use crate::effects::{EffectId, Fence};
use crate::limits;
use crate::ports::{Booking, BookingCustomer, StoreError};

/// Times that are offered when a day is full or a time is gone.
const NEXT_FREE: usize = 4;
/// Longest name, in characters.
const NAME_MAX_CHARS: usize = 100;
/// Longest text about what is wrong, in characters.
const CONCERNS_MAX_CHARS: usize = 1_000;

impl ToolRouter {
    pub(super) async fn available_slots(&self, args: GetAvailableSlots) -> Ran {
        let service = self.service(&args.service)?;
        let date = parse_date(&args.date)?;
        let minutes = service.minutes;
        let ask = |reply_to| CalendarMsg::FreeOn { date, minutes, reply_to };
        let free = self.calendar.ask_again(limits::READ_TIMEOUT_MS, ask).await;
        let free = free.map_err(|e| unavailable(&e))?.map_err(|e| store_failure(&e))?;
        if free.is_empty() {
            let why = self.why_nothing_is_free(date, minutes);
            let next = self.next_free(date, minutes).await;
            return Err(failure("nothing_free", format!("{why} {next}")));
        }
        let times: Vec<String> = free.iter().map(|at| at.format("%H:%M").to_string()).collect();
        let data = json!({ "date": date, "service": service.name, "minutes": minutes, "slots": times });
        Ok(success(data, format!("{} times are free on {}.", free.len(), date.format("%A, %B %-d"))))
    }

    fn why_nothing_is_free(&self, date: NaiveDate, minutes: u32) -> String {
        let now = self.clock.now();
        let opens = self.shop.open_on(date).map(|hours| date.and_time(hours.from));
        match opens.map(|at| slots::check_start(&self.shop, at, minutes, now)) {
            None => format!("{}.", sentence(&SlotError::Closed(date))),
            Some(Err(error @ SlotError::TooFar { .. })) => format!("{}.", sentence(&error)),
            _ if date < now.with_timezone(&self.shop.time_zone).date_naive() => format!("{date} is in the past."),
            _ => format!("Nothing is free on {date}."),
        }
    }

    async fn next_free(&self, from: NaiveDate, minutes: u32) -> String {
        let today = self.clock.now().with_timezone(&self.shop.time_zone).date_naive();
        let from = from.max(today);
        let ask = |reply_to| CalendarMsg::NextFree { from, minutes, count: NEXT_FREE, reply_to };
        match self.calendar.ask_again(limits::READ_TIMEOUT_MS, ask).await {
            Ok(Ok(free)) if !free.is_empty() => {
                let times: Vec<String> = free.iter().map(|at| at.format("%A %Y-%m-%d %H:%M").to_string()).collect();
                format!("The next free times: {}.", times.join(", "))
            }
            _ => "Ask the caller for another day.".into(),
        }
    }

    pub(super) async fn book(&self, effect: EffectId, fence: Fence, identity: Identity, args: BookAppointment) -> Ran {
        let service = self.service(&args.service)?.clone();
        let date = parse_date(&args.date)?;
        let at = date.and_time(parse_time(&args.time)?);
        let starts_at = slots::check_start(&self.shop, at, service.minutes, self.clock.now())
            .map_err(|e| failure("not_bookable", format!("{}.", sentence(&e))))?;
        let (customer, id) = booking_customer(&identity, args.customer_name.as_deref())?;
        let concerns = bounded(args.concerns, "concerns", CONCERNS_MAX_CHARS)?;
        let minutes = service.minutes;
        let appointment = NewAppointment {
            customer: id,
            vehicle: None,
            service: service.name.clone(),
            starts_at,
            minutes,
            concerns,
            estimate: None,
            booked_by: "phone",
        };
        let shop = std::sync::Arc::clone(&self.shop);
        let render = std::sync::Arc::new(move |a: &Appointment, c: &Customer| booked(&shop, &service, a, c));
        let write = BookingWrite { effect, fence, booking: Booking { customer, appointment }, render };
        let ask = |reply_to| CrmMsg::Book { write: Box::new(write.clone()), reply_to };
        match self.crm.ask_again(limits::WRITE_TIMEOUT_MS, ask).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(StoreError::JustTaken)) => {
                let next = self.next_free(date, minutes).await;
                Err(failure("just_taken", format!("That time has just been taken. {next}")))
            }
            Ok(Err(error)) => Err(store_failure(&error)),
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn service(&self, name: &str) -> Result<&Service, Value> {
        self.shop.service(name).ok_or_else(|| {
            let names: Vec<&str> = self.shop.services.iter().map(|s| s.name.as_str()).collect();
            failure("unknown_service", format!("There is no such service. Expected one of: {}.", names.join(", ")))
        })
    }
}

/// The tool's result, stored with the booking.
fn booked(shop: &Shop, service: &Service, appointment: &Appointment, customer: &Customer) -> Value {
    let at = appointment.starts_at.with_timezone(&shop.time_zone).naive_local();
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
    name: Option<&str>,
) -> Result<(BookingCustomer, crate::domain::CustomerId), Value> {
    if let Some(customer) = &identity.customer {
        return Ok((BookingCustomer::OnFile(customer.id), customer.id));
    }
    let phone = identity.phone.clone().ok_or_else(|| failure("no_caller_id", "The caller's number is withheld."))?;
    let name = bounded(name.map(str::to_owned), "customer_name", NAME_MAX_CHARS)?.ok_or_else(|| {
        failure("name_needed", "The caller is not on file: ask for the full name, then book with it.")
    })?;
    Ok((BookingCustomer::New(NewCustomer { name, phone }), crate::domain::CustomerId(0)))
}

fn bounded(text: Option<String>, what: &str, max_chars: usize) -> Result<Option<String>, Value> {
    let text = text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    match &text {
        Some(t) if t.chars().count() > max_chars => {
            Err(failure("too_long", format!("{what} is too long: at most {max_chars} characters.")))
        }
        Some(t) if t.chars().any(char::is_control) => {
            Err(failure("bad_text", format!("{what} has control characters.")))
        }
        _ => Ok(text),
    }
}

fn parse_date(text: &str) -> Result<NaiveDate, Value> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d")
        .map_err(|_| failure("bad_date", "The date is not understood. Expected YYYY-MM-DD, such as 2027-03-09."))
}

fn parse_time(text: &str) -> Result<NaiveTime, Value> {
    NaiveTime::parse_from_str(text.trim(), "%H:%M").map_err(|_| {
        failure("bad_time", "The time is not understood. Expected HH:MM on the 24-hour clock, such as 14:30.")
    })
}

/// What an appointment looks like to the model.
pub(super) fn appointment_json(shop: &Shop, appointment: &Appointment) -> Value {
    let at: NaiveDateTime = appointment.starts_at.with_timezone(&shop.time_zone).naive_local();
    json!({
        "appointment_id": appointment.id,
        "service": appointment.service,
        "date": at.date(),
        "time": at.format("%H:%M").to_string(),
        "spoken": spoken::date_time(at),
        "status": appointment.status.as_str(),
    })
}

pub(super) fn store_failure(error: &StoreError) -> Value {
    match error {
        StoreError::Fenced => failure("interrupted", "The caller interrupted; this was not carried out."),
        StoreError::NotFound(what) => failure("not_found", format!("There is no such {what}.")),
        _ => failure("unavailable", "The records cannot be reached right now. Apologise and offer to try again."),
    }
}

pub(super) fn unavailable(error: &AskError) -> Value {
    match error {
        AskError::TimedOut => failure(
            "unknown_outcome",
            "No answer in time. It may have been carried out: do not claim either, and try again once.",
        ),
        AskError::Unavailable | AskError::Lost => {
            failure("unavailable", "The records cannot be reached right now. Apologise and offer to try again.")
        }
    }
}

fn sentence(error: &SlotError) -> String {
    spoken::capital(&error.to_string())
}
