//! What tool calls change. Each action carries what makes the tool's result of it, since the result is stored with it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::{
    Appointment, AppointmentId, BayId, Customer, CustomerFacts, CustomerId, NewAppointment, NewCustomer, NewReminder,
    NewVehicle, PhoneNumber, Vehicle,
};

use super::{OptOut, TextKind};

/// Turns an appointment, as it is after the change, into the result of the tool.
pub type Render = Arc<dyn Fn(&Appointment, &Customer) -> Value + Send + Sync>;
/// Turns a customer, as they are after the change, into the result of the tool.
pub type RenderCustomer = Arc<dyn Fn(&Customer) -> Value + Send + Sync>;
/// Turns a new vehicle into the result of the tool.
pub type RenderVehicle = Arc<dyn Fn(&Vehicle) -> Value + Send + Sync>;
/// Makes the result of the tool that took a message.
pub type RenderMessage = Arc<dyn Fn() -> Value + Send + Sync>;

/// A change that a tool call asks for.
#[derive(Clone)]
#[allow(missing_docs, reason = "the fields are named by what they are")]
pub enum Action {
    /// Books the first free bay, and adds the customer first if it is a new one (or finds the one with that number).
    /// [`StoreError::JustTaken`](super::StoreError::JustTaken) when no bay is free.
    Book { booking: Booking, render: Render },
    /// Moves, confirms or calls off an appointment. `NotFound` when it is not that customer's, `NotOpen` when it is
    /// past changing, `JustTaken` when no bay is free at the new time.
    ChangeAppointment { change: AppointmentChange, render: Render },
    /// Puts a new customer on file. `OnFile("phone")` when the number is there already. Consent to be called lifts the wish
    /// of that number not to be.
    CreateCustomer { new: NewCustomer, facts: CustomerFacts, render: RenderCustomer },
    /// Changes what is on file of a customer. `OnFile("phone")` when the new number is somebody else's. Consent to be
    /// called lifts the wish of the number on file not to be; that strangers have it is lifted by a `caller` from there.
    UpdateCustomer { customer: CustomerId, facts: CustomerFacts, caller: Option<PhoneNumber>, render: RenderCustomer },
    /// Puts a vehicle on file. `OnFile("vehicle")` when the customer has that VIN on file already.
    AddVehicle { customer: CustomerId, vehicle: NewVehicle, render: RenderVehicle },
    /// Takes a message for the people of the shop.
    TakeMessage { message: NewMessage, render: RenderMessage },
    /// Notes that the caller wants to be called back, or that the people of the shop are to do it.
    RequestCallBack { new: NewReminder, render: RenderMessage },
    /// Notes that a number does not want calls any more; a customer's consent goes with it when they said so themselves.
    StopReminders { opt_out: OptOut, customer: Option<CustomerId>, render: RenderMessage },
}

impl Action {
    /// A short name for queries by hand: that of the tool.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Book { .. } => "book_appointment",
            Self::ChangeAppointment { change, .. } => match change.step {
                AppointmentStep::Move { .. } => "reschedule_appointment",
                AppointmentStep::Confirm => "confirm_appointment",
                AppointmentStep::Cancel { .. } => "cancel_appointment",
            },
            Self::CreateCustomer { .. } => "create_customer",
            Self::UpdateCustomer { .. } => "update_customer",
            Self::AddVehicle { .. } => "add_vehicle",
            Self::TakeMessage { .. } => "take_message",
            Self::RequestCallBack { .. } => "request_call_back",
            Self::StopReminders { .. } => "stop_reminders",
        }
    }
}

/// What to book, and for whom.
#[derive(Debug, Clone)]
pub struct Booking {
    /// For whom.
    pub customer: BookingCustomer,
    /// What; the `customer` in it is set by the store for a new one.
    pub appointment: NewAppointment,
    /// Bays that it had better not use, such as those that are taken in the calendar outside.
    pub avoid: Vec<BayId>,
    /// The customer gets a text message about it.
    pub text: bool,
}

/// For whom a booking is.
#[derive(Debug, Clone)]
pub enum BookingCustomer {
    /// Somebody on file.
    OnFile(CustomerId),
    /// Somebody who is put on file with the booking.
    New(NewCustomer),
}

/// A change of an appointment that is on file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppointmentChange {
    /// Which.
    pub appointment: AppointmentId,
    /// Whose it must be.
    pub customer: CustomerId,
    /// What.
    pub step: AppointmentStep,
    /// The customer gets a text message about it, when it is moved or called off.
    pub text: bool,
}

/// What becomes of an appointment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppointmentStep {
    /// Another time, in the same bay where that is free. It counts as scheduled again.
    Move {
        /// When work starts.
        starts_at: DateTime<Utc>,
        /// Bays that it had better not use, because something else than the appointment itself takes them.
        avoid: Vec<BayId>,
    },
    /// The customer said again that they come.
    Confirm,
    /// Called off.
    Cancel {
        /// In the customer's words.
        reason: Option<String>,
    },
}

impl AppointmentStep {
    /// What the customer gets a text message about.
    #[must_use]
    pub fn text(&self) -> Option<TextKind> {
        match self {
            Self::Move { .. } => Some(TextKind::Moved),
            Self::Cancel { .. } => Some(TextKind::Cancelled),
            Self::Confirm => None,
        }
    }
}

/// A message for the people of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Where to call back.
    pub caller: Option<PhoneNumber>,
    /// Who it is, if they are on file.
    pub customer: Option<CustomerId>,
    /// Who they say they are.
    pub name: Option<String>,
    /// What they say.
    pub text: String,
}
