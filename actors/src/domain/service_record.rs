//! Work that was done on a vehicle: what a customer means by "what did you do last time?".

use chrono::NaiveDate;

use super::{Money, VehicleId};

/// One visit's work on a vehicle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRecord {
    /// The vehicle.
    pub vehicle: VehicleId,
    /// When, in the shop's zone.
    pub done_on: NaiveDate,
    /// What the odometer showed, in the country's unit.
    pub mileage: Option<i64>,
    /// What was done.
    pub work: String,
    /// Which parts went in.
    pub parts: Option<String>,
    /// What it cost.
    pub cost: Option<Money>,
    /// When it is due again.
    pub next_due_on: Option<NaiveDate>,
}
