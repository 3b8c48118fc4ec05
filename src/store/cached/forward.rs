//! The ports that a store before another store does not touch: each call goes on as it is. A macro, because the tests
//! put a store of their own in between.

/// Implements bookings, journal and outbox by calling the store behind.
macro_rules! forward_the_rest {
    ($type:ty, |$this:ident| $store:expr) => {
        const _: () = {
            use chrono::{DateTime, Utc};
            use otto_actors::domain::{Appointment, AppointmentId, Bay, BookedTime, CallSid};
            use otto_actors::ports::{
                BookingStore, CallEnd, CallProgress, CallRecord, Claim, JournalRow, JournalStore, OutboxRow,
                OutboxStore,
            };

            type Answered<T> = Result<T, StoreError>;

            #[async_trait]
            impl BookingStore for $type {
                async fn appointment(&self, id: AppointmentId) -> Answered<Option<Appointment>> {
                    let $this = self;
                    $store.appointment(id).await
                }
                async fn upcoming(&self, customer: CustomerId, from: DateTime<Utc>) -> Answered<Vec<Appointment>> {
                    let $this = self;
                    $store.upcoming(customer, from).await
                }
                async fn booked_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Answered<Vec<BookedTime>> {
                    let $this = self;
                    $store.booked_between(from, to).await
                }
                async fn bays(&self) -> Answered<Vec<Bay>> {
                    let $this = self;
                    $store.bays().await
                }
                async fn bay_count(&self) -> Answered<usize> {
                    let $this = self;
                    $store.bay_count().await
                }
            }

            #[async_trait]
            impl JournalStore for $type {
                async fn append_events(&self, events: &[JournalRow]) -> Answered<()> {
                    let $this = self;
                    $store.append_events(events).await
                }
                async fn call_started(&self, call: &CallRecord) -> Answered<()> {
                    let $this = self;
                    $store.call_started(call).await
                }
                async fn call_ended(&self, call: &CallSid, end: &CallEnd) -> Answered<()> {
                    let $this = self;
                    $store.call_ended(call, end).await
                }
                async fn call_progress(&self, progress: &CallProgress) -> Answered<()> {
                    let $this = self;
                    $store.call_progress(progress).await
                }
            }

            #[async_trait]
            impl OutboxStore for $type {
                async fn claim_due(&self, claim: &Claim<'_>) -> Answered<Vec<OutboxRow>> {
                    let $this = self;
                    $store.claim_due(claim).await
                }
                async fn delivered(&self, row: &OutboxRow, now: DateTime<Utc>) -> Answered<bool> {
                    let $this = self;
                    $store.delivered(row, now).await
                }
                async fn failed(&self, row: &OutboxRow, again_at: DateTime<Utc>, reason: &str) -> Answered<bool> {
                    let $this = self;
                    $store.failed(row, again_at, reason).await
                }
                async fn parked(&self, row: &OutboxRow, now: DateTime<Utc>, reason: &str) -> Answered<bool> {
                    let $this = self;
                    $store.parked(row, now, reason).await
                }
                async fn given_up(&self) -> Answered<u64> {
                    let $this = self;
                    $store.given_up().await
                }
                async fn undelivered(&self) -> Answered<u64> {
                    let $this = self;
                    $store.undelivered().await
                }
            }
        };
    };
}
