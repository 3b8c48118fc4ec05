//! The arguments of the tools. Their doc comments are what the model reads; what they say beyond types is checked when
//! the tool runs.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::{AppointmentId, IdentityFact, VehicleId};

/// A tool that needs nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// `search_customers_by_name`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchCustomersByName {
    /// First and last name, as the caller said them.
    pub(super) name: String,
    /// The last four digits of the phone number that is on file, as the caller said them; null when not asked yet.
    pub(super) phone_last_four: Option<String>,
}

/// `get_available_slots`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetAvailableSlots {
    /// The day, as YYYY-MM-DD.
    pub(super) date: String,
    /// How long in minutes, only if it must be longer than the service takes; else null.
    pub(super) duration_minutes: Option<i64>,
    /// The service, by its name in the list.
    #[serde(alias = "service")]
    pub(super) service_type: Option<String>,
    /// To move an appointment: its appointment_id, so that its own time counts as free; else null.
    #[schemars(with = "Option<i64>")]
    pub(super) appointment_id: Option<AppointmentId>,
}

/// `book_appointment`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BookAppointment {
    /// The service, by its name in the list.
    #[serde(alias = "service")]
    pub(super) service_type: String,
    /// The day, as YYYY-MM-DD.
    pub(super) date: String,
    /// The time of day in the shop's zone, as HH:MM on the 24-hour clock.
    pub(super) time: String,
    /// Full name of a caller who is not on file; null for one who is.
    pub(super) customer_name: Option<String>,
    /// The caller's vehicle, by its vehicle_id; null if it is their only one or unknown.
    #[schemars(with = "Option<i64>")]
    pub(super) vehicle_id: Option<VehicleId>,
    /// What the caller says is wrong with the vehicle, or null.
    pub(super) concerns: Option<String>,
    /// Whether the caller agrees to be called the evening before; null when not asked.
    pub(super) reminder_consent: Option<bool>,
}

/// `cancel_appointment`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelAppointment {
    /// The appointment_id that a tool returned.
    #[schemars(with = "i64")]
    pub(super) appointment_id: AppointmentId,
    /// Why, as the caller says, or null.
    pub(super) reason: Option<String>,
}

/// `reschedule_appointment`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RescheduleAppointment {
    /// The appointment_id that a tool returned.
    #[schemars(with = "i64")]
    pub(super) appointment_id: AppointmentId,
    /// The new day, as YYYY-MM-DD.
    pub(super) new_date: String,
    /// The new time of day in the shop's zone, as HH:MM on the 24-hour clock.
    pub(super) new_time: String,
}

/// `confirm_appointment`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfirmAppointment {
    /// The appointment_id that a tool returned.
    #[schemars(with = "i64")]
    pub(super) appointment_id: AppointmentId,
}

/// `verify_identity`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyIdentity {
    /// Which fact the caller said.
    pub(super) fact: IdentityFact,
    /// What the caller said; a date of birth as YYYY-MM-DD.
    pub(super) value: String,
}

/// `create_customer`. There is no phone number in it: a new record belongs to the number that calls, so that nobody can
/// put somebody else's number on file, nor learn from a refusal whose number is there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateCustomer {
    /// Full name, first name first.
    pub(super) name: String,
    /// E-mail address for invitations, or null.
    pub(super) email: Option<String>,
    /// Date of birth as YYYY-MM-DD, or null.
    pub(super) birth_date: Option<String>,
    /// Street and house number, or null.
    pub(super) street: Option<String>,
    /// City, or null.
    pub(super) city: Option<String>,
    /// Postal code, or null.
    pub(super) postal_code: Option<String>,
    /// Whether the caller agrees to be called before appointments; null when not asked.
    pub(super) reminder_consent: Option<bool>,
}

/// `update_customer`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateCustomer {
    /// New full name, or null to keep it.
    pub(super) name: Option<String>,
    /// New phone number, ten digits with the area code or international, or null to keep it.
    pub(super) phone: Option<String>,
    /// New e-mail address, or null to keep it.
    pub(super) email: Option<String>,
    /// Corrected date of birth as YYYY-MM-DD, or null to keep it.
    pub(super) birth_date: Option<String>,
    /// New street and house number, or null to keep it.
    pub(super) street: Option<String>,
    /// New city, or null to keep it.
    pub(super) city: Option<String>,
    /// New postal code, or null to keep it.
    pub(super) postal_code: Option<String>,
    /// What the caller likes, such as a time of day; null to keep it.
    pub(super) preferences: Option<String>,
    /// Whether the caller agrees to be called before appointments; null to keep it.
    pub(super) reminder_consent: Option<bool>,
}

/// `decode_vin`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecodeVin {
    /// The vehicle identification number as the caller said it.
    pub(super) vin: String,
}

/// `add_vehicle`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddVehicle {
    /// Vehicle identification number, or null.
    pub(super) vin: Option<String>,
    /// Licence plate, or null.
    pub(super) plate: Option<String>,
    /// Model year, or null.
    pub(super) year: Option<i64>,
    /// Maker, or null.
    pub(super) make: Option<String>,
    /// Model, or null.
    pub(super) model: Option<String>,
    /// Trim level, or null.
    pub(super) trim: Option<String>,
    /// What the odometer shows, or null.
    pub(super) mileage: Option<i64>,
}

/// `take_message`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TakeMessage {
    /// What the people of the shop should know.
    pub(super) message: String,
    /// Who the caller says they are, or null.
    pub(super) caller_name: Option<String>,
    /// Where to call back, if it is another number than the caller's; else null.
    pub(super) call_back_number: Option<String>,
}

/// `answer_reminder`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerReminder {
    /// True only when the person on the line has said that they are the customer who was asked for.
    pub(super) is_customer: bool,
}

/// `request_call_back`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestCallBack {
    /// The day, as YYYY-MM-DD.
    pub(super) date: String,
    /// The time of day in the shop's zone, as HH:MM on the 24-hour clock.
    pub(super) time: String,
    /// What the call is to be about, in the caller's words, or null.
    pub(super) about: Option<String>,
    /// Who is to call.
    pub(super) by: CalledBy,
}

/// Who makes a call-back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CalledBy {
    /// You yourself.
    Otto,
    /// A colleague, because the caller wants to talk to a person.
    Person,
}

/// `stop_reminders`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StopReminders {
    /// Why this number is not to be called any more.
    pub(super) reason: StopReason,
}

/// Why a number is not to be called any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StopReason {
    /// The person on the line does not want to be called.
    Asked,
    /// The customer who was asked for cannot be reached at this number.
    WrongNumber,
}

/// `transfer_to_human` and `end_call`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ending {
    /// Why, in a few words.
    #[allow(dead_code, reason = "for the journal, which keeps the arguments as they are")]
    pub(super) reason: String,
}
