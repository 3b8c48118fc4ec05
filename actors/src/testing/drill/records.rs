//! What befalls the workshop's records in a drill.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::sleep;

use super::fault::{Phase, What};
use super::stage::Stage;
use crate::ports::StoreError;
use crate::root::Shared;
use crate::testing::ms;
use crate::testing::store::{Asked, Gate};

/// Longer than anybody waits for the records.
const LATE: Duration = Duration::from_secs(20);

/// Stands in front of the records.
pub(super) struct Trouble(pub(super) Stage);

impl Trouble {
    async fn strikes(&self) -> Result<(), StoreError> {
        let what = self.0.fault().what;
        let is_ours = matches!(what, What::StoreSlow | What::StoreFails | What::StoreHangs);
        if !is_ours || !self.0.strikes(|_| true) {
            return Ok(());
        }
        self.0.note(format!("the records: {what:?}"));
        match what {
            What::StoreSlow => {
                sleep(ms(3_000)).await;
                Ok(())
            }
            What::StoreHangs => {
                sleep(LATE).await;
                Err(StoreError::Unavailable("locked for too long".into()))
            }
            _ => {
                sleep(ms(50)).await;
                Err(StoreError::Unavailable("busy".into()))
            }
        }
    }
}

#[async_trait]
impl Gate for Trouble {
    async fn before(&self, asked: Asked<'_>) -> Result<(), StoreError> {
        let of_calendar = self.0.fault().what == What::Shared(Shared::Calendar);
        match asked {
            Asked::Times if of_calendar => self.0.reached(Phase::Tool),
            Asked::Booking(name) => {
                self.0.note(format!("booking {name} begins"));
                self.0.reached(Phase::Tool);
            }
            Asked::Caller | Asked::Times => {}
        }
        self.strikes().await?;
        sleep(if matches!(asked, Asked::Booking(_)) { self.0.pace.booking } else { ms(50) }).await;
        Ok(())
    }

    async fn booked(&self, done: bool) {
        self.0.note(if done { "booked" } else { "not booked" });
        if self.0.strikes(|what| what == What::StoreLate) {
            self.0.note("the records answer late");
            sleep(LATE).await;
        }
    }
}
