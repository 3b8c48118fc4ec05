//! Bays follow the shop's settings, and so do their calendars.

use chrono::Utc;
use otto_actors::domain::{BayId, ShopBay};
use otto_actors::ports::StoreError;

use super::dialect::{Connection, store_error};
use super::{appointments, calendar, outbox};

/// Adds new names, retires those that are gone, and removes what nothing refers to. A bay that has another calendar than
/// before begins anew with it: what is coming is shown there, and the calendar is read from its beginning.
pub(super) async fn sync(tx: &mut Connection, bays: &[ShopBay]) -> Result<(), StoreError> {
    let retire = "UPDATE bays SET active = FALSE";
    sqlx::query(retire).execute(&mut *tx).await.map_err(store_error)?;
    let mut changed = Vec::new();
    for bay in bays {
        let keep = "INSERT INTO bays (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET active = TRUE";
        sqlx::query(keep).bind(&bay.name).execute(&mut *tx).await.map_err(store_error)?;
        changed.extend(change_calendar(tx, bay).await?);
    }
    if have_calendars(tx).await? {
        for bay in &changed {
            appointments::renew(tx, *bay, Utc::now()).await?;
        }
    } else {
        outbox::forget_calendar_orders(tx).await?;
    }
    for bay in changed {
        calendar::forget_sync_token(tx, bay).await?;
    }
    let remove = "DELETE FROM bays WHERE NOT active AND id NOT IN (SELECT bay_id FROM appointments)";
    sqlx::query(remove).execute(tx).await.map(|_| ()).map_err(store_error)
}

/// Gives a bay its calendar. Returns the bay if it had another one, or none.
async fn change_calendar(tx: &mut Connection, bay: &ShopBay) -> Result<Option<BayId>, StoreError> {
    let sql = "UPDATE bays SET calendar_id = $2 WHERE name = $1 AND calendar_id IS DISTINCT FROM $2 RETURNING id";
    let changed: Option<i64> =
        sqlx::query_scalar(sql).bind(&bay.name).bind(&bay.calendar).fetch_optional(tx).await.map_err(store_error)?;
    Ok(changed.map(BayId))
}

/// Whether there is a calendar outside.
pub(super) async fn have_calendars(tx: &mut Connection) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM bays WHERE active AND calendar_id IS NOT NULL";
    let count: i64 = sqlx::query_scalar(sql).fetch_one(tx).await.map_err(store_error)?;
    Ok(count > 0)
}
