//! What the model may ask for. A tool is a capability: the router, not the prompt, decides what this call may see and
//! change, and every result has one shape.

mod access;
mod args;
mod booking;
mod router;
mod schema;
#[cfg(test)]
mod tests;

pub use access::{Access, Identity};
pub use router::{Learned, ToolJob, ToolOutcome, ToolRouter};

use std::sync::Arc;

use serde_json::{Value, json};

use crate::ports::ToolSpec;

/// The tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Tool {
    LookupCustomer,
    GetAvailableSlots,
    BookAppointment,
    GetUpcomingAppointments,
    VerifyIdentity,
    TransferToHuman,
    EndCall,
}

impl Tool {
    const ALL: [Self; 7] = [
        Self::LookupCustomer,
        Self::GetAvailableSlots,
        Self::BookAppointment,
        Self::GetUpcomingAppointments,
        Self::VerifyIdentity,
        Self::TransferToHuman,
        Self::EndCall,
    ];

    /// The name that the model uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LookupCustomer => "lookup_customer",
            Self::GetAvailableSlots => "get_available_slots",
            Self::BookAppointment => "book_appointment",
            Self::GetUpcomingAppointments => "get_upcoming_appointments",
            Self::VerifyIdentity => "verify_identity",
            Self::TransferToHuman => "transfer_to_human",
            Self::EndCall => "end_call",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    const fn description(self) -> &'static str {
        match self {
            Self::LookupCustomer => {
                "Says whether the caller's number is on file, and the first name. Call it before the first booking."
            }
            Self::GetAvailableSlots => "Free times for a service on one day. Offer only times that it returned.",
            Self::BookAppointment => {
                "Books a free time after the caller has agreed to it. For a caller who is not on file, ask for the \
                 full name first and give it."
            }
            Self::GetUpcomingAppointments => {
                "The caller's coming appointments. Needs verify_identity to have succeeded in this call."
            }
            Self::VerifyIdentity => {
                "Checks one fact that the caller has said: date of birth, street, VIN or licence plate. Three failures \
                 lock it for this call."
            }
            Self::TransferToHuman => "Connects the caller with a colleague, after you have said so.",
            Self::EndCall => {
                "Ends the call after what you say along with it has been heard. Say goodbye in the same reply."
            }
        }
    }

    fn parameters(self) -> Value {
        match self {
            Self::LookupCustomer => schema::strict::<args::LookupCustomer>(),
            Self::GetAvailableSlots => schema::strict::<args::GetAvailableSlots>(),
            Self::BookAppointment => schema::strict::<args::BookAppointment>(),
            Self::GetUpcomingAppointments => schema::strict::<args::GetUpcomingAppointments>(),
            Self::VerifyIdentity => schema::strict::<args::VerifyIdentity>(),
            Self::TransferToHuman => schema::strict::<args::TransferToHuman>(),
            Self::EndCall => schema::strict::<args::EndCall>(),
        }
    }
}

/// The tools as the model sees them. A transfer is offered only where there is somebody to transfer to.
#[must_use]
pub fn specs(can_transfer: bool) -> Arc<[ToolSpec]> {
    let offered = |tool: &Tool| can_transfer || *tool != Tool::TransferToHuman;
    let spec =
        |tool: Tool| ToolSpec { name: tool.name(), description: tool.description(), parameters: tool.parameters() };
    Tool::ALL.into_iter().filter(offered).map(spec).collect()
}

/// A result that did what was asked.
fn success(data: Value, message: impl Into<String>) -> Value {
    json!({ "success": true, "data": data, "message": message.into() })
}

/// A result that did not; `message` helps the model to ask the right question.
fn failure(error: &str, message: impl Into<String>) -> Value {
    json!({ "success": false, "error": error, "message": message.into() })
}
