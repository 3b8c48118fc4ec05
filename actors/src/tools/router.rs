//! Runs one tool call and always ends in exactly one result: reads the arguments, asks the shared actors, keeps the time.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::access::{Access, Identity};
use super::args;
use super::booking::{appointment_json, store_failure, unavailable};
use super::{Tool, failure, success};
use crate::calendar::CalendarRef;
use crate::crm::{CrmMsg, CrmRef};
use crate::domain::Shop;
use crate::domain::customer::fact_matches;
use crate::effects::{EffectId, Fence};
use crate::events::{ToolEnded, emit};
use crate::limits;
use crate::ports::{Clock, ToolCall};
use crate::turn::EndKind;

/// Longest arguments that are read, in bytes.
const ARGUMENTS_MAX_BYTES: usize = 16 * 1024;

/// What comes of a tool: a result either way, `Err` when it did not do what was asked.
pub(super) type Ran = Result<Value, Value>;

/// One tool call, with what it may do.
#[derive(Debug)]
pub struct ToolJob {
    /// Its identity.
    pub effect: EffectId,
    /// Open while its turn is not over.
    pub fence: Fence,
    /// What the model asked for.
    pub call: ToolCall,
}

/// What came of a tool call.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolOutcome {
    /// JSON for the model.
    pub content: String,
    /// The call is to end.
    pub end: Option<EndKind>,
    /// What the call has learned about its caller.
    pub learned: Option<Learned>,
}

/// What a call learns about its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learned {
    /// One more fact has matched.
    Verified,
    /// A booking may have put the caller on file: look again.
    OnFile,
}

/// Runs tools for every call.
#[derive(Clone)]
pub struct ToolRouter {
    /// Customers and bookings.
    pub crm: CrmRef,
    /// Free times.
    pub calendar: CalendarRef,
    /// Services and hours.
    pub shop: Arc<Shop>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Whether there is somebody to transfer to.
    pub can_transfer: bool,
}

impl ToolRouter {
    /// Decides what a tool call may do; for the call's actor, which owns the identity.
    pub fn admit(name: &str, identity: &mut Identity) -> Option<(Tool, Access)> {
        Tool::named(name).map(|tool| (tool, identity.admit(tool)))
    }

    /// Runs a tool call that was admitted.
    pub async fn run(&self, job: ToolJob, admitted: Option<(Tool, Access)>) -> ToolOutcome {
        let call = job.effect.call.clone();
        let Some((tool, access)) = admitted else {
            emit(ToolEnded { call: &call, tool: "unknown", result: "refused" });
            return outcome(failure("unknown_tool", "There is no such tool."));
        };
        let identity = match access {
            Access::Granted(identity) => *identity,
            Access::Denied { error, message } => {
                emit(ToolEnded { call: &call, tool: tool.name(), result: "denied" });
                return outcome(failure(error, message));
            }
        };
        let fence = job.fence.clone();
        let slow =
            || failure("unknown_outcome", "No answer in time. Do not claim that it was done, and try again once.");
        let ran =
            timeout(limits::TOOL_TIMEOUT_MS, self.dispatch(tool, job, identity)).await.unwrap_or_else(|_| Err(slow()));
        emit(ToolEnded { call: &call, tool: tool.name(), result: if ran.is_ok() { "ok" } else { "refused" } });
        let fine = ran.is_ok();
        let mut outcome = outcome(ran.unwrap_or_else(|refused| refused));
        if fine {
            outcome.end = end_of(tool).filter(|_| fence.is_open());
            outcome.learned = learned_by(tool);
        }
        outcome
    }

    async fn dispatch(&self, tool: Tool, job: ToolJob, identity: Identity) -> Ran {
        // A booking asks the store all the same, behind the same fence: it may have been made before the interruption, and
        // then this is the way to hear of it.
        if !job.fence.is_open() && tool != Tool::BookAppointment {
            return Err(failure("interrupted", "The caller interrupted; this was not carried out."));
        }
        let arguments = job.call.arguments;
        match tool {
            Tool::LookupCustomer => {
                parse::<args::LookupCustomer>(&arguments)?;
                Ok(lookup(&identity))
            }
            Tool::GetAvailableSlots => self.available_slots(parse(&arguments)?).await,
            Tool::BookAppointment => self.book(job.effect, job.fence, identity, parse(&arguments)?).await,
            Tool::GetUpcomingAppointments => {
                parse::<args::GetUpcomingAppointments>(&arguments)?;
                self.upcoming(&identity).await
            }
            Tool::VerifyIdentity => self.verify(&identity, parse(&arguments)?).await,
            // Their reason is for the journal: however it is written, the caller has heard what is to happen.
            Tool::TransferToHuman => self.transfer(),
            Tool::EndCall => Ok(success(json!({}), "The call ends when everything has been said.")),
        }
    }

    fn transfer(&self) -> Ran {
        if self.can_transfer {
            Ok(success(json!({}), "The caller is connected when everything has been said."))
        } else {
            Err(failure("nobody_there", "Nobody can take the call now. Offer that a colleague calls back."))
        }
    }

    async fn upcoming(&self, identity: &Identity) -> Ran {
        let Some(customer) = &identity.customer else { return Err(failure("not_on_file", "Nobody is on file.")) };
        let (customer, from) = (customer.id, self.clock.now());
        let ask = |reply_to| CrmMsg::Upcoming { customer, from, reply_to };
        let found = self.crm.ask_again(limits::READ_TIMEOUT_MS, ask).await;
        let found = found.map_err(|e| unavailable(&e))?.map_err(|e| store_failure(&e))?;
        let list: Vec<Value> = found.iter().map(|a| appointment_json(&self.shop, a)).collect();
        Ok(success(json!({ "appointments": list }), format!("{} coming appointments.", found.len())))
    }

    async fn verify(&self, identity: &Identity, args: args::VerifyIdentity) -> Ran {
        let Some(customer) = &identity.customer else { return Err(failure("not_on_file", "Nobody is on file.")) };
        let id = customer.id;
        let ask = |reply_to| CrmMsg::Vehicles { customer: id, reply_to };
        let vehicles = self.crm.ask_again(limits::READ_TIMEOUT_MS, ask).await;
        let vehicles = vehicles.map_err(|e| unavailable(&e))?.map_err(|e| store_failure(&e))?;
        if fact_matches(args.fact, &args.value, customer, &vehicles) {
            Ok(success(json!({}), "The caller is verified."))
        } else {
            Err(failure("no_match", "That is not what is on file. Ask for another fact; do not say what is on file."))
        }
    }
}

fn lookup(identity: &Identity) -> Value {
    match &identity.customer {
        Some(customer) => {
            let data = json!({
                "known": true,
                "customer_id": customer.id,
                "first_name": customer.first_name(),
                "verified": identity.verified,
            });
            success(data, "The caller is on file.")
        }
        None => success(json!({ "known": false }), "The caller is not on file. Ask for the full name before booking."),
    }
}

const fn end_of(tool: Tool) -> Option<EndKind> {
    match tool {
        Tool::EndCall => Some(EndKind::HangUp),
        Tool::TransferToHuman => Some(EndKind::Transfer),
        _ => None,
    }
}

const fn learned_by(tool: Tool) -> Option<Learned> {
    match tool {
        Tool::VerifyIdentity => Some(Learned::Verified),
        Tool::BookAppointment => Some(Learned::OnFile),
        _ => None,
    }
}

fn outcome(result: Value) -> ToolOutcome {
    ToolOutcome { content: result.to_string(), end: None, learned: None }
}

fn parse<T: DeserializeOwned>(arguments: &str) -> Result<T, Value> {
    if arguments.len() > ARGUMENTS_MAX_BYTES {
        return Err(failure("bad_arguments", format!("Too long: at most {ARGUMENTS_MAX_BYTES} bytes.")));
    }
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    serde_json::from_str(arguments)
        .map_err(|error| failure("bad_arguments", format!("The arguments do not fit the schema: {error}.")))
}
