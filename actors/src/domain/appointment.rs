//! Appointments: a vehicle in a bay for a time.

use chrono::{DateTime, Utc};

use super::{AppointmentId, BayId, CustomerId, Money, VehicleId};

/// Where an appointment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppointmentStatus {
    /// Booked.
    Scheduled,
    /// The customer said again that they come.
    Confirmed,
    /// The vehicle is in the bay.
    InProgress,
    /// Done.
    Completed,
    /// Called off; the bay is free again.
    Cancelled,
    /// The customer did not come.
    NoShow,
}

impl AppointmentStatus {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Confirmed => "confirmed",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::NoShow => "no_show",
        }
    }

    /// Whether it may still be moved, confirmed or called off.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Scheduled | Self::Confirmed)
    }

    /// Reads the word in the database.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        use AppointmentStatus::{Cancelled, Completed, Confirmed, InProgress, NoShow, Scheduled};
        [Scheduled, Confirmed, InProgress, Completed, Cancelled, NoShow].into_iter().find(|s| s.as_str() == word)
    }
}

/// An appointment on file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appointment {
    /// The row.
    pub id: AppointmentId,
    /// Whose it is.
    pub customer: CustomerId,
    /// The vehicle, where it is known.
    pub vehicle: Option<VehicleId>,
    /// Name of the service as in the shop's list.
    pub service: String,
    /// When work starts.
    pub starts_at: DateTime<Utc>,
    /// How long the bay is held, in minutes.
    pub minutes: u32,
    /// The bay that is held.
    pub bay: BayId,
    /// Where it stands.
    pub status: AppointmentStatus,
    /// What the caller said is wrong.
    pub concerns: Option<String>,
    /// What it will probably cost.
    pub estimate: Option<Money>,
    /// How it came about, such as `phone`.
    pub booked_by: String,
    /// Why it was called off.
    pub cancel_reason: Option<String>,
    /// Counts its changes from 1: what was made from a lower version is out of date.
    pub version: i64,
}

impl Appointment {
    /// A booked appointment of which nothing else is known.
    #[must_use]
    pub fn new(
        id: AppointmentId,
        customer: CustomerId,
        service: impl Into<String>,
        starts_at: DateTime<Utc>,
        minutes: u32,
        bay: BayId,
    ) -> Self {
        Self {
            id,
            customer,
            vehicle: None,
            service: service.into(),
            starts_at,
            minutes,
            bay,
            status: AppointmentStatus::Scheduled,
            concerns: None,
            estimate: None,
            booked_by: "phone".into(),
            cancel_reason: None,
            version: 1,
        }
    }

    /// When the bay is free again.
    #[must_use]
    pub fn ends_at(&self) -> DateTime<Utc> {
        self.starts_at + chrono::Duration::minutes(i64::from(self.minutes))
    }
}

/// An appointment to be made. Which bay it gets is decided with the write, among those that are free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAppointment {
    /// Whose it is.
    pub customer: CustomerId,
    /// The vehicle, where it is known.
    pub vehicle: Option<VehicleId>,
    /// Name of the service as in the shop's list.
    pub service: String,
    /// When work starts.
    pub starts_at: DateTime<Utc>,
    /// How long the bay is held, in minutes.
    pub minutes: u32,
    /// What the caller said is wrong.
    pub concerns: Option<String>,
    /// What it will probably cost.
    pub estimate: Option<Money>,
    /// How it came about, such as `phone`.
    pub booked_by: &'static str,
}

/// A time in which a bay is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookedTime {
    /// The bay.
    pub bay: BayId,
    /// From.
    pub starts_at: DateTime<Utc>,
    /// Until, exclusive.
    pub ends_at: DateTime<Utc>,
}

impl BookedTime {
    /// What is left of it before and after another time in the same bay.
    pub fn without(self, other: Option<Self>) -> impl Iterator<Item = Self> {
        let overlaps = |o: &Self| o.bay == self.bay && o.starts_at < self.ends_at && self.starts_at < o.ends_at;
        let parts = match other.filter(overlaps) {
            Some(other) => [Self { ends_at: other.starts_at, ..self }, Self { starts_at: other.ends_at, ..self }],
            // The second part is empty.
            None => [self, Self { ends_at: self.starts_at, ..self }],
        };
        parts.into_iter().filter(|part| part.starts_at < part.ends_at)
    }
}
