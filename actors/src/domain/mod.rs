//! The workshop's world as plain types with their rules: no actors, no I/O, no clock.

pub mod appointment;
pub mod customer;
pub mod ids;
pub mod phone;
pub mod shop;
pub mod slots;
pub mod spoken;
pub mod vehicle;

pub use appointment::{Appointment, AppointmentStatus, BookedTime, NewAppointment};
pub use customer::{Customer, IdentityFact, NewCustomer};
pub use ids::{AppointmentId, BayId, CallSid, CustomerId, StreamSid, TurnId, UtteranceId, VehicleId};
pub use phone::PhoneNumber;
pub use shop::{Service, Shop};
pub use vehicle::{Vehicle, Vin, VinError};
