//! What a booking has to do with the calendar outside: it keeps clear of what is taken there, and is shown there at once.
//! Apart from the tools, because neither may keep one of them from its work.

use chrono::{DateTime, TimeDelta, Utc};

use super::router::ToolRouter;
use crate::calendar::CalendarMsg;
use crate::domain::{AppointmentId, BayId};
use crate::limits;
use crate::notifier::NotifierMsg;

impl ToolRouter {
    /// The bays that an appointment had better not use. What is not known is no restriction, nor is the appointment itself.
    pub(super) async fn busy_bays(
        &self,
        from: DateTime<Utc>,
        minutes: u32,
        but_for: Option<AppointmentId>,
    ) -> Vec<BayId> {
        let to = from + TimeDelta::minutes(i64::from(minutes));
        let ask = |reply_to| CalendarMsg::BusyBays { from, to, but_for, reply_to };
        self.calendar.ask(limits::READ_TIMEOUT_MS, ask).await.unwrap_or_default()
    }

    /// A change was written: its orders can be delivered. If nobody hears it, the next look into the outbox finds them.
    pub(super) fn tell_outside(&self) {
        let _ = self.calendar.cast(CalendarMsg::OutboxFilled);
        if self.sends_texts {
            let _ = self.notifier.cast(NotifierMsg::OutboxFilled);
        }
    }
}
