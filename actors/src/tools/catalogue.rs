//! The tools by name, with what the model reads of them. Apart, because it is text: the same for every call of a shop, so
//! that the vendor can cache it.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::to_raw_value;

use super::{args, schema};
use crate::ports::ToolSpec;

/// The tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Tool {
    LookupCustomer,
    SearchCustomersByName,
    VerifyIdentity,
    GetAvailableSlots,
    BookAppointment,
    GetUpcomingAppointments,
    CancelAppointment,
    RescheduleAppointment,
    ConfirmAppointment,
    CreateCustomer,
    UpdateCustomer,
    DecodeVin,
    AddVehicle,
    GetServiceHistory,
    TakeMessage,
    AnswerReminder,
    RequestCallBack,
    StopReminders,
    TransferToHuman,
    EndCall,
}

impl Tool {
    pub(crate) const ALL: [Self; 20] = [
        Self::LookupCustomer,
        Self::SearchCustomersByName,
        Self::VerifyIdentity,
        Self::GetAvailableSlots,
        Self::BookAppointment,
        Self::GetUpcomingAppointments,
        Self::CancelAppointment,
        Self::RescheduleAppointment,
        Self::ConfirmAppointment,
        Self::CreateCustomer,
        Self::UpdateCustomer,
        Self::DecodeVin,
        Self::AddVehicle,
        Self::GetServiceHistory,
        Self::TakeMessage,
        Self::AnswerReminder,
        Self::RequestCallBack,
        Self::StopReminders,
        Self::TransferToHuman,
        Self::EndCall,
    ];

    /// The name that the model uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LookupCustomer => "lookup_customer",
            Self::SearchCustomersByName => "search_customers_by_name",
            Self::VerifyIdentity => "verify_identity",
            Self::GetAvailableSlots => "get_available_slots",
            Self::BookAppointment => "book_appointment",
            Self::GetUpcomingAppointments => "get_upcoming_appointments",
            Self::CancelAppointment => "cancel_appointment",
            Self::RescheduleAppointment => "reschedule_appointment",
            Self::ConfirmAppointment => "confirm_appointment",
            Self::CreateCustomer => "create_customer",
            Self::UpdateCustomer => "update_customer",
            Self::DecodeVin => "decode_vin",
            Self::AddVehicle => "add_vehicle",
            Self::GetServiceHistory => "get_service_history",
            Self::TakeMessage => "take_message",
            Self::AnswerReminder => "answer_reminder",
            Self::RequestCallBack => "request_call_back",
            Self::StopReminders => "stop_reminders",
            Self::TransferToHuman => "transfer_to_human",
            Self::EndCall => "end_call",
        }
    }

    /// The tool of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// Whether it changes the records. Such a change may have been made before an interruption; the store knows.
    #[must_use]
    pub const fn changes_records(self) -> bool {
        matches!(
            self,
            Self::BookAppointment
                | Self::CancelAppointment
                | Self::RescheduleAppointment
                | Self::ConfirmAppointment
                | Self::CreateCustomer
                | Self::UpdateCustomer
                | Self::AddVehicle
                | Self::TakeMessage
                | Self::RequestCallBack
                | Self::StopReminders
        )
    }

    const fn description(self) -> &'static str {
        match self {
            Self::LookupCustomer => {
                "Says whether the caller's number is on file, and the first name. Call it before the first booking. \
                 After verify_identity it also gives contact data and vehicles."
            }
            Self::SearchCustomersByName => {
                "Finds the record of a caller whose number is not on file and who says they are a customer. Ask for \
                 first and last name and the last four digits of the number on file, then verify_identity."
            }
            Self::VerifyIdentity => {
                "Checks one fact that the caller has said: date of birth, street, VIN or licence plate. Three failures \
                 lock it for this call."
            }
            Self::GetAvailableSlots => "Free times for a service on one day. Offer only times that it returned.",
            Self::BookAppointment => {
                "Books a free time after the caller has agreed to it. For a caller who is not on file, ask for the \
                 full name first and give it."
            }
            Self::GetUpcomingAppointments => {
                "The caller's coming appointments. Needs verify_identity to have succeeded in this call."
            }
            Self::CancelAppointment => {
                "Cancels an appointment after the caller has agreed. Needs verify_identity, unless it was booked in \
                 this call."
            }
            Self::RescheduleAppointment => {
                "Moves an appointment to a free time after the caller has agreed to it. Look for free times first, with \
                 its appointment_id. Needs verify_identity, unless it was booked in this call."
            }
            Self::ConfirmAppointment => {
                "Notes that the caller will come to an appointment. Needs verify_identity, unless this call is its \
                 reminder."
            }
            Self::CreateCustomer => {
                "Puts a caller who is not on file on file, under the number they call from. Not needed to book."
            }
            Self::UpdateCustomer => {
                "Changes the caller's contact data after you have read the new data back. Needs verify_identity."
            }
            Self::DecodeVin => {
                "What a vehicle is by its identification number. Read the result back; suggestions are what the \
                 caller may have said instead."
            }
            Self::AddVehicle => {
                "Puts a vehicle of the caller on file; give the VIN, the plate, or maker and model. Needs \
                 verify_identity."
            }
            Self::GetServiceHistory => "What was done on the caller's vehicles, latest first. Needs verify_identity.",
            Self::TakeMessage => "Leaves a message for a colleague, when nobody can take the call or the caller asks.",
            Self::AnswerReminder => {
                "Says whether the person who has answered this reminder call is the customer. Call it as soon as they \
                 have said so. For the customer it returns the appointment; for anybody else nothing may be disclosed."
            }
            Self::RequestCallBack => {
                "Notes that the caller wants to be called at another time, on the number of this call. Ask for day and \
                 time first."
            }
            Self::StopReminders => {
                "Notes that the number of this call is not to be called any more, because the person does not want it or \
                 the number is wrong. Call it at once when they say so."
            }
            Self::TransferToHuman => "Connects the caller with a colleague, after you have said so.",
            Self::EndCall => {
                "Ends the call after what you say along with it has been heard. Say goodbye in the same reply."
            }
        }
    }

    pub(super) fn parameters(self) -> Value {
        match self {
            Self::LookupCustomer | Self::GetUpcomingAppointments | Self::GetServiceHistory => {
                schema::strict::<args::Nothing>()
            }
            Self::SearchCustomersByName => schema::strict::<args::SearchCustomersByName>(),
            Self::VerifyIdentity => schema::strict::<args::VerifyIdentity>(),
            Self::GetAvailableSlots => schema::strict::<args::GetAvailableSlots>(),
            Self::BookAppointment => schema::strict::<args::BookAppointment>(),
            Self::CancelAppointment => schema::strict::<args::CancelAppointment>(),
            Self::RescheduleAppointment => schema::strict::<args::RescheduleAppointment>(),
            Self::ConfirmAppointment => schema::strict::<args::ConfirmAppointment>(),
            Self::CreateCustomer => schema::strict::<args::CreateCustomer>(),
            Self::UpdateCustomer => schema::strict::<args::UpdateCustomer>(),
            Self::DecodeVin => schema::strict::<args::DecodeVin>(),
            Self::AddVehicle => schema::strict::<args::AddVehicle>(),
            Self::TakeMessage => schema::strict::<args::TakeMessage>(),
            Self::AnswerReminder => schema::strict::<args::AnswerReminder>(),
            Self::RequestCallBack => schema::strict::<args::RequestCallBack>(),
            Self::StopReminders => schema::strict::<args::StopReminders>(),
            Self::TransferToHuman | Self::EndCall => schema::strict::<args::Ending>(),
        }
    }
}

/// The tools as the model sees them. A transfer is offered only where there is somebody to transfer to.
#[must_use]
pub fn specs(can_transfer: bool) -> Arc<[ToolSpec]> {
    specs_of(|tool| tool != Tool::AnswerReminder && (can_transfer || tool != Tool::TransferToHuman))
}

/// The same in a call that Otto has placed to remind of an appointment.
#[must_use]
pub fn reminder_specs(can_transfer: bool) -> Arc<[ToolSpec]> {
    specs_of(|tool| can_transfer || tool != Tool::TransferToHuman)
}

fn specs_of(offered: impl Fn(Tool) -> bool) -> Arc<[ToolSpec]> {
    let spec = |tool: Tool| {
        // A value always becomes JSON.
        let parameters = to_raw_value(&tool.parameters()).unwrap_or_default();
        ToolSpec { name: tool.name(), description: tool.description(), parameters }
    };
    Tool::ALL.into_iter().filter(|tool| offered(*tool)).map(spec).collect()
}
