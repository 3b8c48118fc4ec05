//! The ports of calls to be placed and of text messages, as a table of contents like `ports.rs`.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use otto_actors::domain::{
    Appointment, CallSid, Customer, NewReminder, OutboxId, PhoneNumber, Reminder, ReminderId, Round,
};
use otto_actors::ports::{
    CallClaim, CallSettled, Channel, DueCall, OptOut, ReminderStore, StoreError, TextProgress, TextStore,
};

use super::dialect::Database;

fn not_there<T>() -> Result<T, StoreError> {
    Err(StoreError::Refused("not there yet".into()))
}

#[async_trait]
impl ReminderStore for Database {
    async fn make_round(&self, _: &Round, _: DateTime<Utc>) -> Result<Option<u64>, StoreError> {
        not_there()
    }
    async fn round_of(&self, _: &Round) -> Result<Vec<(Appointment, Customer)>, StoreError> {
        not_there()
    }
    async fn add_reminder(&self, _: &NewReminder, _: DateTime<Utc>) -> Result<ReminderId, StoreError> {
        not_there()
    }
    async fn miss_overdue(&self, _: DateTime<Utc>, _: bool) -> Result<Vec<ReminderId>, StoreError> {
        not_there()
    }
    async fn claim_calls(&self, _: &CallClaim<'_>) -> Result<Vec<DueCall>, StoreError> {
        not_there()
    }
    async fn settle_call(&self, _: ReminderId, _: u32, _: &CallSettled, _: DateTime<Utc>) -> Result<bool, StoreError> {
        not_there()
    }
    async fn reminder(&self, _: ReminderId) -> Result<Option<Reminder>, StoreError> {
        not_there()
    }
    async fn reminder_of_call(&self, _: &CallSid) -> Result<Option<Reminder>, StoreError> {
        not_there()
    }
    async fn reminders_between(&self, _: DateTime<Utc>, _: DateTime<Utc>, _: u32) -> Result<Vec<Reminder>, StoreError> {
        not_there()
    }
    async fn opt_out(&self, _: &OptOut, _: DateTime<Utc>) -> Result<(), StoreError> {
        not_there()
    }
    async fn opt_in(&self, _: &PhoneNumber, _: Channel) -> Result<(), StoreError> {
        not_there()
    }
    async fn has_opted_out(&self, _: &PhoneNumber, _: Channel) -> Result<bool, StoreError> {
        not_there()
    }
}

#[async_trait]
impl TextStore for Database {
    async fn text_progress(&self, _: &TextProgress, _: DateTime<Utc>) -> Result<(), StoreError> {
        not_there()
    }
    async fn text_of(&self, _: OutboxId) -> Result<Option<String>, StoreError> {
        not_there()
    }
    async fn confirm_by_text(
        &self,
        _: &PhoneNumber,
        _: DateTime<Utc>,
    ) -> Result<Option<(Appointment, Customer)>, StoreError> {
        not_there()
    }
}
