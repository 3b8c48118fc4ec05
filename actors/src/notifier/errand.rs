//! A round through the outbox: claims the orders for text messages, makes the texts, has them sent and notes what became of
//! them. Apart from the actor, whose mailbox must not wait for Twilio.

use std::sync::Arc;

use chrono::TimeDelta;
use rand::Rng as _;
use tokio::time::timeout;

use super::events::{TextSettled, TextsStuck};
use super::machine::{self, Next};
use super::{NotifierArgs, NotifierMsg, Over};
use crate::actor::Mailbox;
use crate::backoff;
use crate::events::emit;
use crate::limits;
use crate::ports::{
    Channel, Claim, DialError, Order, OutboxRow, StoreError, Telephony, Text, TextOrder, TextProgress, VendorError,
    VendorErrorKind,
};

/// Tells the actor that the round is over, also when it panicked.
struct Tell(Mailbox<NotifierMsg>);

impl Drop for Tell {
    fn drop(&mut self) {
        // The actor may be gone; so is the need.
        let _ = self.0.cast(NotifierMsg::Over(Over(())));
    }
}

/// Sends until nothing is due.
pub(super) async fn run(source: Arc<NotifierArgs>, worker: Arc<str>, actor: Mailbox<NotifierMsg>) {
    let _tell = Tell(actor);
    let Some(company) = &source.telephony else { return };
    loop {
        let claim = Claim {
            kind: "text",
            worker: &worker,
            limit: limits::TEXTS_BATCH_ROWS,
            lease: limits::OUTBOX_LEASE_MS,
            now: source.clock.now(),
        };
        match source.store.claim_due(&claim).await {
            Ok(rows) if rows.is_empty() => return,
            Ok(rows) => {
                for row in rows {
                    if let Err(error) = deliver(&source, company.as_ref(), &row).await {
                        // The row comes again when its lease ends.
                        emit(TextsStuck { error: &error });
                    }
                }
            }
            Err(error) => return emit(TextsStuck { error: &error }),
        }
    }
}

async fn deliver(source: &NotifierArgs, company: &dyn Telephony, row: &OutboxRow) -> Result<(), StoreError> {
    // No other order has a kind that begins like this.
    let Order::Text(order) = &row.order else { return Ok(()) };
    let next = attempt(source, company, row, order).await?;
    emit(TextSettled { order: row.id, next: &next });
    let (store, now) = (&source.store, source.clock.now());
    match next {
        Next::Sent(sid) => {
            let progress = TextProgress { order: row.id, sid, status: "queued".into(), error_code: None };
            source.texts.text_progress(&progress, now).await?;
            store.delivered(row, now).await?;
        }
        Next::Dropped(_) => drop(store.delivered(row, now).await?),
        Next::Later(at, reason) => drop(store.failed(row, at, &reason).await?),
        Next::Parked(reason) => drop(store.parked(row, now, &reason).await?),
    }
    Ok(())
}

async fn attempt(
    source: &NotifierArgs,
    company: &dyn Telephony,
    row: &OutboxRow,
    order: &TextOrder,
) -> Result<Next, StoreError> {
    let now = source.clock.now();
    let Some(appointment) = source.store.appointment(order.appointment).await? else {
        return Ok(Next::Dropped("the appointment is gone"));
    };
    if !machine::is_true(order, &appointment, now) {
        return Ok(Next::Dropped("the appointment is not like that any more"));
    }
    let Some(customer) = source.store.customer(appointment.customer).await? else {
        return Ok(Next::Dropped("the customer is gone"));
    };
    if source.reminders.has_opted_out(&customer.phone, Channel::Text).await? {
        return Ok(Next::Dropped("the number wants no messages"));
    }
    if let Some(sid) = source.texts.text_of(row.id).await? {
        return Ok(Next::Sent(sid));
    }
    let body = machine::body(order, &appointment, &customer, &source.shop);
    let text = Text { to: customer.phone, body, order: row.id };
    let chance = rand::rng().random();
    match sent_before(company, row, &text, now).await {
        Ok(Some(sid)) => Ok(Next::Sent(sid)),
        Ok(None) => {
            if let Some(morning) = machine::waits_until(order, &source.shop, now) {
                return Ok(Next::Later(morning, "customers are not texted at this hour".into()));
            }
            let sent = timeout(limits::TEXT_TIMEOUT_MS, company.text(&text)).await;
            let sent = sent.unwrap_or_else(|_| Err(DialError::Unknown(slow())));
            Ok(machine::after(sent, row.attempts, now, chance))
        }
        Err(error) => Ok(Next::Later(machine::later(now, backoff::after(row.attempts, chance)), error.to_string())),
    }
}

/// After a first attempt whose end is unknown Twilio is asked before it is told again.
async fn sent_before(
    company: &dyn Telephony,
    row: &OutboxRow,
    text: &Text,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Option<String>, VendorError> {
    if row.attempts <= 1 {
        return Ok(None);
    }
    let since = now - TimeDelta::from_std(limits::TEXT_LOOK_BACK_MS).unwrap_or_default();
    let sent =
        timeout(limits::TEXT_TIMEOUT_MS, company.texts_to(&text.to, since)).await.unwrap_or_else(|_| Err(slow()))?;
    Ok(machine::sent_before(&sent, &text.body).map(|sent| sent.sid.clone()))
}

fn slow() -> VendorError {
    VendorError::new("twilio", VendorErrorKind::TimedOut, "no answer in time")
}
