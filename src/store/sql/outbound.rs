//! The ports of calls to be placed and of text messages, as a table of contents like `ports.rs`.

use async_trait::async_trait;
use backon::Retryable as _;
use chrono::{DateTime, Utc};
use otto_actors::domain::{
    Appointment, AppointmentId, CallSid, Customer, NewReminder, OutboxId, PhoneNumber, Reminder, ReminderId, Round,
};
use otto_actors::ports::{
    CallClaim, CallSettled, Channel, DueCall, OptOut, ReminderStore, StoreError, TakenMessage, TextProgress, TextStore,
};

use super::dialect::{Database, store_error};
use super::{opt_outs, reads, reminders, texts};
use crate::store::contention;

#[async_trait]
impl ReminderStore for Database {
    async fn make_round(&self, round: &Round, now: DateTime<Utc>) -> Result<Option<u64>, StoreError> {
        write!(self, |tx| reminders::make_round(tx, round, now))
    }

    async fn round_of(&self, round: &Round) -> Result<Vec<(Appointment, Customer)>, StoreError> {
        reads::round_of(self.reader(), round).await
    }

    async fn add_reminder(&self, new: &NewReminder, now: DateTime<Utc>) -> Result<ReminderId, StoreError> {
        write!(self, |tx| reminders::add(tx, new, now))
    }

    async fn miss_overdue(&self, now: DateTime<Utc>, texts: bool) -> Result<Vec<ReminderId>, StoreError> {
        write!(self, |tx| reminders::miss_overdue(tx, now, texts))
    }

    async fn claim_calls(&self, claim: &CallClaim<'_>) -> Result<Vec<DueCall>, StoreError> {
        write!(self, |tx| reminders::claim(tx, claim))
    }

    async fn settle_call(
        &self,
        id: ReminderId,
        attempt: u32,
        settled: &CallSettled,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        write!(self, |tx| reminders::settle(tx, (id, attempt), settled, now))
    }

    async fn reminder(&self, id: ReminderId) -> Result<Option<Reminder>, StoreError> {
        reads::reminder(self.reader(), id).await
    }

    async fn open_reminder_of(&self, appointment: AppointmentId) -> Result<Option<ReminderId>, StoreError> {
        let mut connection = self.reader().acquire().await.map_err(store_error)?;
        reminders::open_for(&mut connection, appointment).await
    }

    async fn reminder_of_call(&self, call: &CallSid) -> Result<Option<Reminder>, StoreError> {
        reads::reminder_of_call(self.reader(), call).await
    }

    async fn reminders_between(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Reminder>, StoreError> {
        reads::reminders_between(self.reader(), from, to, limit).await
    }

    async fn opt_out(&self, opt_out: &OptOut, now: DateTime<Utc>) -> Result<(), StoreError> {
        write!(self, |tx| opt_outs::add(tx, opt_out, now))
    }

    async fn opt_in(&self, phone: &PhoneNumber, channel: Channel) -> Result<(), StoreError> {
        write!(self, |tx| opt_outs::remove(tx, phone, channel))
    }

    async fn has_opted_out(&self, phone: &PhoneNumber, channel: Channel) -> Result<bool, StoreError> {
        reads::has_opted_out(self.reader(), phone, channel).await
    }

    async fn messages_since(&self, since: DateTime<Utc>, limit: u32) -> Result<Vec<TakenMessage>, StoreError> {
        reads::messages_since(self.reader(), since, limit).await
    }
}

#[async_trait]
impl TextStore for Database {
    async fn text_progress(&self, progress: &TextProgress, now: DateTime<Utc>) -> Result<(), StoreError> {
        write!(self, |tx| texts::progress(tx, progress, now))
    }

    async fn text_of(&self, order: OutboxId) -> Result<Option<String>, StoreError> {
        reads::text_of(self.reader(), order).await
    }

    async fn confirm_by_text(
        &self,
        phone: &PhoneNumber,
        now: DateTime<Utc>,
    ) -> Result<Option<(Appointment, Customer)>, StoreError> {
        write!(self, |tx| texts::confirm(tx, phone, now))
    }
}
