//! Vehicles on file.

use super::{CustomerId, VehicleId};

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
}
