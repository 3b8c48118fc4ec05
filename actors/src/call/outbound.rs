//! Calls that Otto has placed: what the call knows of them, and what it does as pickup.rs decides. Apart from the rest of
//! the call, because a call that somebody else has placed begins at once.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::machine::Input as LifeInput;
use super::pickup::{Effect, Input, Pickup};
use super::{CallMsg, CallRef, CallState, CallTimer};
use crate::crm::{CrmMsg, CrmRef};
use crate::domain::{Appointment, Customer, Shop, spoken};
use crate::limits;
use crate::ports::ToolSpec;
use crate::registry::Purpose;
use crate::stt::SttReport;
use crate::tools::{Errand, Party};
use crate::turn::{EndKind, TurnMsg};

/// What only a call has that Otto has placed.
pub(super) struct Outbound {
    pub(super) pickup: Pickup,
    /// When the appointment is that the call is about.
    starts_at: Option<DateTime<Utc>>,
}

impl Outbound {
    /// For a call of this purpose; none when somebody else has placed it.
    pub(super) fn of(purpose: Purpose, shop: &Shop) -> Option<Self> {
        (purpose != Purpose::Inbound).then(|| Self { pickup: Pickup::new(shop), starts_at: None })
    }
}

/// The appointment that the call is about, if it can be read.
pub(super) async fn appointment_of(crm: &CrmRef, purpose: Purpose) -> Option<Appointment> {
    let Purpose::Reminder { appointment: id, .. } = purpose else { return None };
    let ask = |reply_to| CrmMsg::Appointment { id, reply_to };
    crm.ask_again(limits::READ_TIMEOUT_MS, ask).await.ok().and_then(Result::ok).flatten()
}

impl CallState {
    /// It is known who was called. An appointment that is not theirs, or not to come any more, is none.
    pub(super) fn errand_found(&mut self, appointment: Option<Box<Appointment>>) {
        let (now, customer) = (self.outside.clock.now(), self.session.identity.customer.as_ref().map(|c| c.id));
        let stands = |a: &Appointment| Some(a.customer) == customer && a.status.is_open() && a.starts_at > now;
        let (Some(outbound), Some(found)) = (&mut self.outbound, appointment.map(|found| *found).filter(stands)) else {
            return;
        };
        outbound.starts_at = Some(found.starts_at);
        self.session.identity.errand = Some(Errand { appointment: found.id, party: Party::Unknown });
    }

    /// What the model may call in this call.
    pub(super) fn tools(&self) -> Arc<[ToolSpec]> {
        match self.session.purpose {
            Purpose::Reminder { .. } => Arc::clone(&self.outside.reminder_tools),
            Purpose::Inbound | Purpose::CallBack { .. } => Arc::clone(&self.outside.tools),
        }
    }

    /// How a call begins that Otto has placed; none when Otto does not know whom to ask for.
    pub(super) fn outbound_greeting(&self) -> Option<String> {
        let (shop, name) = (&self.outside.shop, self.session.identity.customer.as_ref().map(Customer::first_name));
        match self.session.purpose {
            Purpose::Reminder { .. } => {
                self.session.identity.errand.and(name).map(|name| shop.say(&shop.wording.reminder_greeting, Some(name)))
            }
            _ => Some(shop.say(&shop.wording.call_back_greeting, name)),
        }
    }

    /// Something was learned of who or what has answered. False when it is no part of the conversation.
    pub(super) fn picked_up(&mut self, myself: &CallRef, input: Input) -> bool {
        let Some(outbound) = &mut self.outbound else { return true };
        let mut passes = false;
        for effect in outbound.pickup.step(input, Instant::now()) {
            match effect {
                Effect::Quiet(after) => {
                    self.timers.arm(&self.tasks, CallTimer::PickupQuiet, after, myself, CallMsg::Due);
                }
                Effect::Longest => self.arm(myself, CallTimer::PickupLongest),
                Effect::Greet => self.greet_or_leave(),
                Effect::LeaveMessage => self.leave_message(myself),
                Effect::HangUp => self.live(myself, LifeInput::EndWanted(EndKind::HangUp)),
                Effect::Pass => passes = true,
            }
        }
        passes
    }

    /// What was heard becomes a turn only in a conversation.
    pub(super) fn is_for_the_turn(&mut self, myself: &CallRef, heard: &SttReport) -> bool {
        self.picked_up(myself, Input::Heard(heard.clone()))
    }

    /// Whether keys are part of the conversation.
    pub(super) fn is_talking(&self) -> bool {
        self.outbound.as_ref().is_none_or(|outbound| outbound.pickup.is_talking())
    }

    fn greet_or_leave(&mut self) {
        if self.outbound_greeting().is_some() {
            return self.greet();
        }
        // Somebody's telephone has rung, and Otto does not know why.
        let shop = &self.outside.shop;
        self.leave(shop.say(&shop.wording.apology, None));
    }

    /// First name, shop, day and time, and nothing else: anybody may listen to it.
    fn leave_message(&mut self, myself: &CallRef) {
        let (shop, starts_at) = (&self.outside.shop, self.outbound.as_ref().and_then(|outbound| outbound.starts_at));
        let name = self.session.identity.customer.as_ref().map(Customer::first_name);
        let text = match (self.session.purpose, starts_at) {
            (Purpose::CallBack { .. }, _) => shop.say(&shop.wording.call_back_voicemail, name),
            (_, Some(at)) => {
                // It is not known when it will be listened to: "tomorrow" would be wrong then.
                let when = format!("on {}", spoken::date_time(at.with_timezone(&shop.time_zone).naive_local()));
                shop.say(&shop.wording.voicemail, name).replace("{when}", &when)
            }
            // There is nothing to remind of.
            (_, None) => return self.live(myself, LifeInput::EndWanted(EndKind::HangUp)),
        };
        self.leave(text);
    }

    /// Says this, whatever was being said, and hangs up. Nothing that is heard counts any more.
    fn leave(&mut self, text: String) {
        (self.session.greeting, self.session.farewell) = (None, Some(text.clone()));
        self.session.pending.clear();
        self.legs.turn.cast(TurnMsg::Leave { text });
    }
}
