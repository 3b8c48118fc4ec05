//! What a vehicle is, by its identification number.

use async_trait::async_trait;

use crate::domain::vin::{DecodedVin, Vin};

/// Says what a vehicle is. There is always an answer; it says how sure it is.
#[async_trait]
pub trait VinDecoder: Send + Sync {
    /// Decodes a number, within [`crate::limits::VIN_DECODE_TIMEOUT_MS`].
    async fn decode(&self, vin: &Vin) -> DecodedVin;
}
