//! Who the caller is and what that allows. Pure.
//!
//! Caller id alone may be greeted by first name and may book. Seeing or changing what is on file needs one more fact;
//! three wrong answers lock that for the call. Whatever changes or guesses something has a number of tries in a call,
//! which are counted when they are asked, so that asking in parallel gains nothing. A tool call that is asked again as it
//! was (a turn that is started again does so) is the same try.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::Deserialize;

use super::Tool;
use crate::domain::{AppointmentId, Customer, PhoneNumber};
use crate::ports::ToolCall;

/// Wrong answers that a call has.
const VERIFICATION_ATTEMPTS: usize = 3;
/// Names that a call may search for.
const SEARCHES: usize = 3;
/// Messages that a call may leave.
const MESSAGES: usize = 5;
/// Times that a reminder call may ask who has answered: the telephone may be handed on.
const ANSWERS: usize = 3;
/// Call-backs that a call may ask for.
const CALL_BACKS: usize = 3;
/// Times that a call may ask for no more calls.
const STOPS: usize = 3;
/// Changes of the caller's own record: few, since a number that is refused says that somebody has it.
const UPDATES: usize = 5;
/// Tries of each other tool that changes something or asks somebody outside.
const CHANGES: usize = 20;

/// Who the caller is, as far as is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The caller id, when it is not withheld.
    pub phone: Option<PhoneNumber>,
    /// The customer with that number, or the one whom the caller has proven to be.
    pub customer: Option<Customer>,
    /// One more fact has matched.
    pub verified: bool,
    /// What Otto has placed the call for, when it is about an appointment.
    pub errand: Option<Errand>,
    /// Booked in this call: not what was on file before, and the caller's own to move or cancel.
    booked: Vec<AppointmentId>,
    /// A customer found by name and digits, who may now be verified.
    claimed: Option<Customer>,
    tried: Vec<Try>,
}

/// A call that Otto has placed about an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errand {
    /// Which.
    pub appointment: AppointmentId,
    /// Who has answered.
    pub party: Party,
}

/// Who has answered a call that Otto has placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Party {
    /// Nobody has said so yet.
    #[default]
    Unknown,
    /// The customer, as they say. That, and their number, is enough to hear of the appointment and to confirm it.
    Customer,
    /// Somebody else. Whoever says after that to be the customer after all has to prove it.
    Another,
}

/// One tool call that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Try {
    tool: Tool,
    id: String,
    /// A model that uses a name twice for different arguments tries twice.
    arguments: u64,
}

/// What a call learns about its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Learned {
    /// One more fact has matched what is on file of this customer.
    Verified(Box<Customer>),
    /// This customer has the caller's name and digits, and may be verified.
    Claimed(Box<Customer>),
    /// The caller has put this customer on file in this call, and so knows all that is there.
    Created(Box<Customer>),
    /// What is on file of the caller now.
    OnFile(Box<Customer>),
    /// This was booked, for whom it is now on file.
    Booked(AppointmentId, Option<Box<Customer>>),
    /// Whoever has answered the call is the customer, as they say.
    IsCustomer,
    /// A fact could not be compared, which is no wrong answer.
    NotCompared(ToolCall),
}

/// What a tool call may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// It may run, as this caller.
    Granted(Box<Identity>),
    /// It may not; with a reason for the model.
    Denied {
        /// A short name of the reason.
        error: &'static str,
        /// What the model should do instead.
        message: &'static str,
    },
}

type Denial = (&'static str, &'static str);

const NOT_VERIFIED: Denial = (
    "not_verified",
    "First verify the caller: ask for date of birth, street address, VIN or licence plate, then call verify_identity.",
);
const LOCKED: Denial = ("locked", "Verification is locked for this call. Offer that a colleague helps.");
const NOT_ON_FILE: Denial =
    ("not_on_file", "The caller's number is not on file, so there is nothing to see or change.");
const NOTHING_TO_VERIFY: Denial =
    ("not_on_file", "The caller's number is not on file, so there is nothing to verify against.");
const WITHHELD: Denial = (
    "no_caller_id",
    "The caller's number is withheld, so nothing can be booked in this call. Offer that a colleague helps.",
);
const ON_FILE: Denial =
    ("on_file", "The caller is on file already: use update_customer, after verify_identity, to change what is there.");
const NO_NUMBER: Denial =
    ("no_caller_id", "The caller's number is withheld, so nobody can be called there. Offer to take a message.");
const NO_REMINDER: Denial = ("not_a_reminder", "This call is no reminder of an appointment.");
const ANOTHER: Denial = (
    "not_the_customer",
    "The customer has not answered: disclose nothing, ask to have the customer call back, and say goodbye. Whoever is \
     the customer after all has to pass verify_identity.",
);
const NO_NEED: Denial = ("on_file", "The caller's number is on file: nobody needs to be searched for.");
const TOO_OFTEN: Denial =
    ("too_often", "This was tried too often in this call. Say so, and offer that a colleague helps.");

impl Identity {
    /// Somebody with that number, or with a number that is withheld; nothing else is known.
    #[must_use]
    pub fn of(phone: Option<PhoneNumber>) -> Self {
        Self { phone, ..Self::default() }
    }

    /// Decides about one tool call, and counts it if its tool has a number of tries.
    pub fn admit(&mut self, tool: Tool, call: &ToolCall) -> Access {
        match self.counted(tool, call).and_then(|again| if again { Ok(()) } else { self.may(tool, call) }) {
            Ok(()) => {
                self.count(tool, call);
                if tool == Tool::AnswerReminder {
                    self.heed(call);
                }
                Access::Granted(Box::new(self.clone()))
            }
            Err((error, message)) => Access::Denied { error, message },
        }
    }

    /// Somebody else than the customer has answered, and has not proven to be the customer after all.
    #[must_use]
    pub fn is_another(&self) -> bool {
        self.errand.is_some_and(|errand| errand.party == Party::Another) && !self.verified
    }

    /// Whoever is on the line may be taken for the customer: they call from that number, or have said so when Otto called.
    #[must_use]
    pub fn speaks_for_customer(&self) -> bool {
        self.verified || self.errand.is_none_or(|errand| errand.party == Party::Customer)
    }

    /// Whom a fact is compared with: whoever has the caller's number, or was found by name and digits.
    #[must_use]
    pub fn to_verify(&self) -> Option<&Customer> {
        self.customer.as_ref().or(self.claimed.as_ref())
    }

    /// The customer was found by name: anybody can know that, so the fact must be a better one.
    #[must_use]
    pub fn is_only_claimed(&self) -> bool {
        self.customer.is_none()
    }

    /// Facts that were tried.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.tries(Tool::VerifyIdentity)
    }

    /// Takes over what came of a tool call.
    pub fn learn(&mut self, learned: Learned) {
        match learned {
            Learned::Verified(customer) | Learned::Created(customer) => {
                (self.customer, self.claimed, self.verified) = (Some(*customer), None, true);
            }
            Learned::Claimed(customer) => self.claimed = Some(*customer),
            Learned::OnFile(customer) => self.on_file(*customer),
            Learned::Booked(id, customer) => {
                if !self.booked.contains(&id) {
                    self.booked.push(id);
                }
                customer.into_iter().for_each(|customer| self.on_file(*customer));
            }
            Learned::IsCustomer => {
                let known = self.errand.as_mut().filter(|errand| errand.party == Party::Unknown);
                known.into_iter().for_each(|errand| errand.party = Party::Customer);
            }
            Learned::NotCompared(call) => {
                let not_compared = Try::new(Tool::VerifyIdentity, &call);
                self.tried.retain(|tried| *tried != not_compared);
            }
        }
    }

    /// A fact about one customer says nothing about another.
    fn on_file(&mut self, customer: Customer) {
        self.verified &= self.customer.as_ref().is_some_and(|known| known.id == customer.id);
        self.customer = Some(customer);
    }

    fn may(&self, tool: Tool, call: &ToolCall) -> Result<(), Denial> {
        match tool {
            Tool::LookupCustomer | Tool::DecodeVin => Ok(()),
            // The times that an appointment leaves free tell when it is.
            Tool::GetAvailableSlots if appointment_of(call).is_none() || self.is_of_this_call(call, &self.booked) => {
                Ok(())
            }
            Tool::TakeMessage | Tool::TransferToHuman | Tool::EndCall => Ok(()),
            Tool::AnswerReminder if self.errand.is_none() => Err(NO_REMINDER),
            Tool::AnswerReminder | Tool::BookAppointment | Tool::CreateCustomer if self.is_another() => Err(ANOTHER),
            Tool::AnswerReminder => Ok(()),
            Tool::RequestCallBack | Tool::StopReminders => self.phone.as_ref().map(|_| ()).ok_or(NO_NUMBER),
            Tool::BookAppointment => self.phone.as_ref().or(self.proven()).map(|_| ()).ok_or(WITHHELD),
            Tool::CreateCustomer if self.customer.is_some() => Err(ON_FILE),
            Tool::CreateCustomer => self.phone.as_ref().map(|_| ()).ok_or(WITHHELD),
            Tool::SearchCustomersByName if self.customer.is_some() => Err(NO_NEED),
            Tool::SearchCustomersByName => Ok(()),
            Tool::VerifyIdentity => self.to_verify().map(|_| ()).ok_or(NOTHING_TO_VERIFY),
            Tool::CancelAppointment | Tool::RescheduleAppointment if self.is_of_this_call(call, &self.booked) => Ok(()),
            Tool::ConfirmAppointment if self.is_of_this_call(call, self.reminded().as_slice()) => Ok(()),
            Tool::GetAvailableSlots
            | Tool::GetUpcomingAppointments
            | Tool::CancelAppointment
            | Tool::RescheduleAppointment
            | Tool::ConfirmAppointment
            | Tool::UpdateCustomer
            | Tool::AddVehicle
            | Tool::GetServiceHistory => self.must_be_verified(),
        }
    }

    fn must_be_verified(&self) -> Result<(), Denial> {
        match () {
            () if self.verified && self.customer.is_some() => Ok(()),
            () if self.to_verify().is_none() => Err(NOT_ON_FILE),
            () if self.attempts() >= VERIFICATION_ATTEMPTS => Err(LOCKED),
            () => Err(NOT_VERIFIED),
        }
    }

    /// That somebody else has answered holds from the moment it is asked, for whatever is asked along with it.
    fn heed(&mut self, call: &ToolCall) {
        #[derive(Deserialize)]
        struct Answer {
            is_customer: bool,
        }
        let answer = serde_json::from_str::<Answer>(&call.arguments);
        if let (Ok(Answer { is_customer: false }), Some(errand)) = (answer, self.errand.as_mut()) {
            errand.party = Party::Another;
        }
    }

    /// What may be confirmed without a fact.
    fn reminded(&self) -> Option<AppointmentId> {
        self.errand.filter(|errand| errand.party == Party::Customer).map(|errand| errand.appointment)
    }

    /// The number of somebody whom the caller has proven to be.
    fn proven(&self) -> Option<&PhoneNumber> {
        self.customer.as_ref().filter(|_| self.verified).map(|customer| &customer.phone)
    }

    fn is_of_this_call(&self, call: &ToolCall, own: &[AppointmentId]) -> bool {
        self.customer.is_some() && appointment_of(call).is_some_and(|id| own.contains(&id))
    }

    /// Whether this very tool call was counted before; an error when there is no try left.
    fn counted(&self, tool: Tool, call: &ToolCall) -> Result<bool, Denial> {
        if self.tried.contains(&Try::new(tool, call)) {
            return Ok(true);
        }
        let used_up = tries_of(tool).is_some_and(|tries| self.tries(tool) >= tries);
        match tool {
            _ if !used_up => Ok(false),
            Tool::VerifyIdentity if self.verified => Ok(false),
            Tool::VerifyIdentity => Err(LOCKED),
            _ => Err(TOO_OFTEN),
        }
    }

    fn count(&mut self, tool: Tool, call: &ToolCall) {
        let new = Try::new(tool, call);
        let counts = tries_of(tool).is_some_and(|tries| self.tries(tool) < tries);
        if counts && !self.tried.contains(&new) {
            self.tried.push(new);
        }
    }

    fn tries(&self, tool: Tool) -> usize {
        self.tried.iter().filter(|tried| tried.tool == tool).count()
    }
}

/// The appointment that a tool call names.
fn appointment_of(call: &ToolCall) -> Option<AppointmentId> {
    #[derive(Deserialize)]
    struct About {
        appointment_id: Option<AppointmentId>,
    }
    serde_json::from_str::<About>(&call.arguments).ok()?.appointment_id
}

impl Try {
    fn new(tool: Tool, call: &ToolCall) -> Self {
        let mut hasher = DefaultHasher::new();
        call.arguments.hash(&mut hasher);
        Self { tool, id: call.id.clone(), arguments: hasher.finish() }
    }
}

/// How often a call may use a tool; none when it changes nothing and tells nothing new.
const fn tries_of(tool: Tool) -> Option<usize> {
    match tool {
        Tool::VerifyIdentity => Some(VERIFICATION_ATTEMPTS),
        Tool::SearchCustomersByName => Some(SEARCHES),
        Tool::TakeMessage => Some(MESSAGES),
        Tool::AnswerReminder => Some(ANSWERS),
        Tool::RequestCallBack => Some(CALL_BACKS),
        Tool::StopReminders => Some(STOPS),
        Tool::UpdateCustomer => Some(UPDATES),
        Tool::BookAppointment
        | Tool::CancelAppointment
        | Tool::RescheduleAppointment
        | Tool::ConfirmAppointment
        | Tool::CreateCustomer
        | Tool::AddVehicle
        | Tool::DecodeVin => Some(CHANGES),
        Tool::LookupCustomer
        | Tool::GetAvailableSlots
        | Tool::GetUpcomingAppointments
        | Tool::GetServiceHistory
        | Tool::TransferToHuman
        | Tool::EndCall => None,
    }
}
