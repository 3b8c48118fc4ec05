//! The workshop's world as plain types with their rules: no actors, no I/O, no clock.

pub mod appointment;
mod attempt;
pub mod bay;
pub mod customer;
pub mod ids;
mod listening;
pub mod money;
pub mod phone;
pub mod reminder;
pub mod service_record;
pub mod shop;
pub mod slots;
pub mod spoken;
mod street;
pub mod vehicle;
pub mod vin;
mod wmi;

pub use appointment::{Appointment, AppointmentStatus, BookedTime, NewAppointment};
pub use attempt::reasons;
pub use bay::{Bay, ShopBay};
pub use customer::{Customer, CustomerFacts, CustomerKind, IdentityFact, NewCustomer};
pub use ids::{
    AppointmentId, BayId, CallSid, CustomerId, OutboxId, ReminderId, StreamSid, TurnId, UtteranceId, VehicleId,
};
pub use money::Money;
pub use phone::PhoneNumber;
pub use reminder::{
    AnsweredBy, CallStatus, NewReminder, Reminder, ReminderKind, ReminderOutcome, ReminderStatus, Round,
};
pub use service_record::ServiceRecord;
pub use shop::{Service, Shop};
pub use vehicle::{NewVehicle, Vehicle};
pub use vin::{Vin, VinError};
