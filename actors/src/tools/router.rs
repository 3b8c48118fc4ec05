//! Runs one tool call and always ends in exactly one result: asks the shared actors, keeps the time, says what the call
//! has learned.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::access::{Access, Identity, Learned};
use super::args;
use super::catalogue::Tool;
use super::reading::parse;
use super::results::{Ran, failure, interrupted, store_failure, unavailable, unknown_outcome};
use crate::calendar::CalendarRef;
use crate::crm::{Answer, CrmMsg, CrmRef, Write};
use crate::domain::{CustomerId, Shop};
use crate::effects::{EffectId, Fence};
use crate::events::{ToolDenied, ToolEnded, emit};
use crate::limits;
use crate::notifier::NotifierRef;
use crate::ports::{Action, Clock, ToolCall, VinDecoder};
use crate::turn::EndKind;

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
    /// It did what was asked.
    pub success: bool,
    /// The call is to end.
    pub end: Option<EndKind>,
    /// What the call has learned about its caller.
    pub learned: Option<Learned>,
}

/// Runs tools for every call.
#[derive(Clone)]
pub struct ToolRouter {
    /// Customers and bookings.
    pub crm: CrmRef,
    /// Free times.
    pub calendar: CalendarRef,
    /// Who sends text messages.
    pub notifier: NotifierRef,
    /// Who knows vehicles by their numbers; without, the numbers' own rules say what they can.
    pub vins: Option<Arc<dyn VinDecoder>>,
    /// Services and hours.
    pub shop: Arc<Shop>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Whether there is somebody to transfer to.
    pub can_transfer: bool,
    /// Otto can call people.
    pub can_dial: bool,
    /// Customers get text messages about what becomes of their appointments.
    pub sends_texts: bool,
}

/// A tool call that was admitted, on its way.
pub(super) struct Run {
    pub(super) effect: EffectId,
    pub(super) fence: Fence,
    pub(super) identity: Identity,
}

/// A tool call that did what was asked.
pub(super) struct Done {
    pub(super) result: Value,
    pub(super) learned: Option<Learned>,
}

impl From<Value> for Done {
    fn from(result: Value) -> Self {
        Self { result, learned: None }
    }
}

impl ToolRouter {
    /// Decides what a tool call may do; for the call's actor, which owns the identity.
    pub fn admit(call: &ToolCall, identity: &mut Identity) -> Option<(Tool, Access)> {
        Tool::named(&call.name).map(|tool| (tool, identity.admit(tool, call)))
    }

    /// Runs a tool call that was admitted. It comes to a result even when a tool panics: the call waits for one.
    pub async fn run(&self, job: ToolJob, admitted: Option<(Tool, Access)>) -> ToolOutcome {
        let call = job.effect.call.clone();
        let Some((tool, access)) = admitted else {
            emit(ToolEnded { call: &call, tool: "unknown", result: "refused" });
            emit(ToolDenied { call: &call, tool: "unknown", reason: "unknown_tool" });
            return refused(&failure("unknown_tool", "There is no such tool."));
        };
        let identity = match access {
            Access::Granted(identity) => *identity,
            Access::Denied { error, message } => {
                emit(ToolEnded { call: &call, tool: tool.name(), result: "denied" });
                emit(ToolDenied { call: &call, tool: tool.name(), reason: error });
                return refused(&failure(error, message));
            }
        };
        let (fence, asked) = (job.fence.clone(), job.call.clone());
        // What a tool leaves behind when it panics is its own job and nothing that is shared.
        let ran = AssertUnwindSafe(timeout(limits::TOOL_TIMEOUT_MS, self.dispatch(tool, job, identity))).catch_unwind();
        let (ran, result) = match ran.await {
            Ok(Ok(Ok(done))) => (Ok(done), "ok"),
            Ok(Ok(Err(refusal))) => (Err(refusal), "refused"),
            Ok(Err(_)) => (Err(unknown_outcome()), "timed_out"),
            Err(_) => (Err(unknown_outcome()), "failed"),
        };
        emit(ToolEnded { call: &call, tool: tool.name(), result });
        match ran {
            Ok(Done { result, learned }) => {
                let end = end_of(tool).filter(|_| fence.is_open());
                ToolOutcome { content: result.to_string(), success: true, end, learned }
            }
            Err(result) if tool == Tool::VerifyIdentity => {
                if result["error"] == "no_match" {
                    emit(ToolDenied { call: &call, tool: tool.name(), reason: "no_match" });
                    return refused(&result);
                }
                ToolOutcome { learned: Some(Learned::NotCompared(asked)), ..refused(&result) }
            }
            Err(result) => refused(&result),
        }
    }

    async fn dispatch(&self, tool: Tool, job: ToolJob, identity: Identity) -> Result<Done, Value> {
        // A change asks the store all the same, behind the same fence: it may have been made before the interruption, and
        // then this is the way to hear of it.
        if !job.fence.is_open() && !tool.changes_records() {
            return Err(interrupted());
        }
        let arguments = job.call.arguments;
        let run = Run { effect: job.effect, fence: job.fence, identity };
        match tool {
            Tool::BookAppointment => self.book(&run, parse(&arguments)?).await,
            Tool::CreateCustomer => self.create_customer(&run, parse(&arguments)?).await,
            Tool::UpdateCustomer => self.update_customer(&run, parse(&arguments)?).await,
            Tool::VerifyIdentity => self.verify(&run.identity, &parse(&arguments)?).await,
            Tool::AnswerReminder => self.answer_reminder(&run.identity, &parse(&arguments)?).await,
            Tool::SearchCustomersByName => self.search(parse(&arguments)?).await,
            _ => self.dispatch_plain(tool, &run, &arguments).await.map(Done::from),
        }
    }

    /// The tools of which the call learns nothing.
    async fn dispatch_plain(&self, tool: Tool, run: &Run, arguments: &str) -> Ran {
        match tool {
            Tool::GetAvailableSlots => self.available_slots(run, parse(arguments)?).await,
            Tool::CancelAppointment => self.cancel(run, parse(arguments)?).await,
            Tool::RescheduleAppointment => self.reschedule(run, parse(arguments)?).await,
            Tool::ConfirmAppointment => self.confirm(run, &parse(arguments)?).await,
            Tool::DecodeVin => self.decode_vin(&parse(arguments)?).await,
            Tool::AddVehicle => self.add_vehicle(run, parse(arguments)?).await,
            Tool::TakeMessage => self.take_message(run, parse(arguments)?).await,
            Tool::RequestCallBack => self.request_call_back(run, parse(arguments)?).await,
            Tool::StopReminders => self.stop_reminders(run, &parse(arguments)?).await,
            // Their reason is for the journal: however it is written, the caller has heard what is to happen.
            Tool::TransferToHuman => self.transfer(),
            Tool::EndCall => Ok(Self::end_call()),
            _ => {
                parse::<args::Nothing>(arguments)?;
                self.dispatch_reads(tool, &run.identity).await
            }
        }
    }

    async fn dispatch_reads(&self, tool: Tool, identity: &Identity) -> Ran {
        match tool {
            Tool::GetUpcomingAppointments => self.upcoming(identity).await,
            Tool::GetServiceHistory => self.service_history(identity).await,
            _ => self.lookup(identity).await,
        }
    }

    /// Asks the CrmActor, and again when it was started anew meanwhile.
    pub(super) async fn read<T: Send + 'static>(&self, ask: impl Fn(Answer<T>) -> CrmMsg + Send) -> Result<T, Value> {
        let found = self.crm.ask_again(limits::READ_TIMEOUT_MS, ask).await;
        found.map_err(|e| unavailable(&e))?.map_err(|e| store_failure(&e))
    }

    /// Changes the records, once. The result is what the action makes of the change, or made of it when it was first
    /// carried out.
    pub(super) async fn act(&self, run: &Run, action: Action) -> Ran {
        let write = Write { effect: run.effect.clone(), fence: run.fence.clone(), action };
        let ask = |reply_to| CrmMsg::Act { write: Box::new(write.clone()), reply_to };
        let done = self.crm.ask_again(limits::WRITE_TIMEOUT_MS, ask).await;
        let done = done.map_err(|e| unavailable(&e))?.map_err(|e| store_failure(&e))?;
        self.tell_outside();
        Ok(done)
    }
}

impl Run {
    /// The customer on whom this tool call may act.
    pub(super) fn customer(&self) -> Result<CustomerId, Value> {
        customer_of(&self.identity).map(|customer| customer.id)
    }
}

/// The customer of a call whose admission has found one.
pub(super) fn customer_of(identity: &Identity) -> Result<&crate::domain::Customer, Value> {
    identity.customer.as_ref().ok_or_else(|| failure("not_on_file", "Nobody is on file."))
}

const fn end_of(tool: Tool) -> Option<EndKind> {
    match tool {
        Tool::EndCall => Some(EndKind::HangUp),
        Tool::TransferToHuman => Some(EndKind::Transfer),
        _ => None,
    }
}

fn refused(result: &Value) -> ToolOutcome {
    ToolOutcome { content: result.to_string(), success: false, end: None, learned: None }
}

/// A result without data.
pub(super) fn nothing() -> Value {
    json!({})
}
