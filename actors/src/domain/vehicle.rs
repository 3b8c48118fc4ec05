//! Vehicles on file.

use chrono::NaiveDate;

use super::{CustomerId, VehicleId, Vin};

/// A customer's vehicle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vehicle {
    /// The row.
    pub id: VehicleId,
    /// Its owner.
    pub customer: CustomerId,
    /// Vehicle identification number, 17 characters for vehicles since 1981.
    pub vin: Option<String>,
    /// Licence plate as written.
    pub plate: Option<String>,
    /// Model year.
    pub year: Option<i32>,
    /// Maker.
    pub make: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Trim level, such as EX.
    pub trim: Option<String>,
    /// What the odometer showed last, in the country's unit.
    pub mileage: Option<i64>,
    /// When it is due.
    pub next_service_on: Option<NaiveDate>,
}

impl Vehicle {
    /// A vehicle of which nothing else is known.
    #[must_use]
    pub fn new(id: VehicleId, customer: CustomerId) -> Self {
        Self {
            id,
            customer,
            vin: None,
            plate: None,
            year: None,
            make: None,
            model: None,
            trim: None,
            mileage: None,
            next_service_on: None,
        }
    }
}

/// A vehicle to be put on file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewVehicle {
    /// Vehicle identification number; a customer has it once.
    pub vin: Option<Vin>,
    /// Licence plate as written.
    pub plate: Option<String>,
    /// Model year.
    pub year: Option<i32>,
    /// Maker.
    pub make: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Trim level, such as EX.
    pub trim: Option<String>,
    /// What the odometer shows, in the country's unit.
    pub mileage: Option<i64>,
}
