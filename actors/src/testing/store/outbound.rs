//! The ports of calls to be placed and of text messages, in memory, as a table of contents.

use crate::domain::{
    Appointment, AppointmentId, CallSid, Customer, NewReminder, OutboxId, PhoneNumber, Reminder, ReminderId, Round,
};
use crate::ports::{
    CallClaim, CallSettled, Channel, DueCall, NewMessage, OptOut, ReminderStore, StoreError, TakenMessage,
    TextProgress, TextStore,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{FakeStore, Records};

impl FakeStore {
    fn on<T>(&self, what: impl FnOnce(&mut Records) -> T) -> T {
        what(&mut self.records.lock().unwrap())
    }

    pub(crate) fn reminders(&self) -> Vec<Reminder> {
        self.on(|records| records.reminders.clone())
    }
}

#[async_trait]
impl ReminderStore for FakeStore {
    async fn make_round(&self, round: &Round, _now: DateTime<Utc>) -> Result<Option<u64>, StoreError> {
        Ok(self.on(|records| records.make_round(round)))
    }

    async fn round_of(&self, round: &Round) -> Result<Vec<(Appointment, Customer)>, StoreError> {
        Ok(self.on(|records| records.round_of(round)))
    }

    async fn add_reminder(&self, new: &NewReminder, _now: DateTime<Utc>) -> Result<ReminderId, StoreError> {
        Ok(self.on(|records| records.add_reminder(new)))
    }

    async fn miss_overdue(&self, now: DateTime<Utc>, texts: bool) -> Result<Vec<ReminderId>, StoreError> {
        Ok(self.on(|records| records.miss_overdue(now, texts)))
    }

    async fn claim_calls(&self, claim: &CallClaim<'_>) -> Result<Vec<DueCall>, StoreError> {
        self.on(|records| match &records.claims_fail {
            Some(error) => Err(error.clone()),
            None => Ok(records.claim_calls(claim)),
        })
    }

    async fn settle_call(
        &self,
        id: ReminderId,
        attempt: u32,
        settled: &CallSettled,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        Ok(self.on(|records| records.settle_call(id, attempt, settled, now)))
    }

    async fn reminder(&self, id: ReminderId) -> Result<Option<Reminder>, StoreError> {
        Ok(self.reminders().into_iter().find(|row| row.id == id))
    }

    async fn open_reminder_of(&self, appointment: AppointmentId) -> Result<Option<ReminderId>, StoreError> {
        Ok(self.on(|records| records.open_reminder_of(Some(appointment))))
    }

    async fn reminder_of_call(&self, call: &CallSid) -> Result<Option<Reminder>, StoreError> {
        Ok(self.reminders().into_iter().find(|row| row.call.as_ref() == Some(call)))
    }

    async fn reminders_between(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Reminder>, StoreError> {
        let mut due = self.reminders();
        due.retain(|row| from <= row.due_at && row.due_at < to);
        due.sort_by_key(|row| std::cmp::Reverse((row.due_at, row.id)));
        due.truncate(limit as usize);
        Ok(due)
    }

    async fn opt_out(&self, opt_out: &OptOut, _now: DateTime<Utc>) -> Result<(), StoreError> {
        self.on(|records| records.opt_out(opt_out));
        Ok(())
    }

    async fn opt_in(&self, phone: &PhoneNumber, channel: Channel) -> Result<(), StoreError> {
        self.on(|records| records.opt_outs.retain(|own| (&own.phone, own.channel) != (phone, channel)));
        Ok(())
    }

    async fn has_opted_out(&self, phone: &PhoneNumber, channel: Channel) -> Result<bool, StoreError> {
        Ok(self.on(|records| records.has_opted_out(phone, channel)))
    }

    /// Neither when nor in which call is kept here.
    async fn messages_since(&self, since: DateTime<Utc>, limit: u32) -> Result<Vec<TakenMessage>, StoreError> {
        let call = CallSid::parse("CA1").unwrap();
        let taken = |message: &NewMessage| TakenMessage { at: since, call: call.clone(), message: message.clone() };
        Ok(self.on(|records| records.messages.iter().rev().take(limit as usize).map(taken).collect()))
    }
}

#[async_trait]
impl TextStore for FakeStore {
    async fn text_progress(&self, progress: &TextProgress, _now: DateTime<Utc>) -> Result<(), StoreError> {
        self.on(|records| records.text_progress(progress));
        Ok(())
    }

    async fn text_of(&self, order: OutboxId) -> Result<Option<String>, StoreError> {
        Ok(self.on(|records| records.texts.iter().find(|text| text.order == order).map(|text| text.sid.clone())))
    }

    async fn confirm_by_text(
        &self,
        phone: &PhoneNumber,
        now: DateTime<Utc>,
    ) -> Result<Option<(Appointment, Customer)>, StoreError> {
        self.on(|records| records.confirm_by_text(phone, now))
    }
}
