//! The arguments of the tools. Their doc comments are what the model reads.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::IdentityFact;

/// `lookup_customer`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LookupCustomer {}

/// `get_available_slots`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetAvailableSlots {
    /// The day, as YYYY-MM-DD.
    pub(super) date: String,
    /// The service, by its name in the list.
    pub(super) service: String,
}

/// `book_appointment`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BookAppointment {
    /// The service, by its name in the list.
    pub(super) service: String,
    /// The day, as YYYY-MM-DD.
    pub(super) date: String,
    /// The time of day in the shop's zone, as HH:MM on the 24-hour clock.
    pub(super) time: String,
    /// Full name of a caller who is not on file; null for one who is.
    pub(super) customer_name: Option<String>,
    /// What the caller says is wrong with the vehicle, or null.
    pub(super) concerns: Option<String>,
}

/// `get_upcoming_appointments`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetUpcomingAppointments {}

/// `verify_identity`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyIdentity {
    /// Which fact the caller said.
    pub(super) fact: IdentityFact,
    /// What the caller said; a date of birth as YYYY-MM-DD.
    pub(super) value: String,
}

/// `transfer_to_human`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferToHuman {
    /// Why, in a few words.
    #[allow(dead_code, reason = "for the journal, which keeps the arguments as they are")]
    pub(super) reason: String,
}

/// `end_call`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndCall {
    /// Why, in a few words.
    #[allow(dead_code, reason = "for the journal, which keeps the arguments as they are")]
    pub(super) reason: String,
}
