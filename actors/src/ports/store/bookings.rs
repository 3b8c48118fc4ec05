//! Reading what is booked. Writing is an [`Action`](super::Action).

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::domain::{Appointment, AppointmentId, Bay, BookedTime, CustomerId};

/// Appointments and bays, as they are now: a customer who has just booked finds the booking.
#[async_trait]
pub trait BookingStore: Send + Sync {
    /// One appointment.
    async fn appointment(&self, id: AppointmentId) -> Result<Option<Appointment>, StoreError>;

    /// A customer's scheduled and confirmed appointments that start at or after `from`, earliest first.
    async fn upcoming(&self, customer: CustomerId, from: DateTime<Utc>) -> Result<Vec<Appointment>, StoreError>;

    /// All times in which a bay is taken that overlap `from..to`.
    async fn booked_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<BookedTime>, StoreError>;

    /// The bays that take appointments, oldest row first.
    async fn bays(&self) -> Result<Vec<Bay>, StoreError>;

    /// How many bays take appointments.
    async fn bay_count(&self) -> Result<usize, StoreError>;
}
