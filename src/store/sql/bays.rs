//! Bays follow the shop's settings.

use otto_actors::domain::ShopBay;
use otto_actors::ports::StoreError;

use super::dialect::{Connection, store_error};

/// Adds new names, retires those that are gone, and removes what nothing refers to.
pub(super) async fn sync(tx: &mut Connection, bays: &[ShopBay]) -> Result<(), StoreError> {
    let retire = "UPDATE bays SET active = FALSE";
    sqlx::query(retire).execute(&mut *tx).await.map_err(store_error)?;
    for bay in bays {
        let keep = "INSERT INTO bays (name, calendar_id) VALUES ($1, $2) \
                    ON CONFLICT (name) DO UPDATE SET active = TRUE, calendar_id = excluded.calendar_id";
        sqlx::query(keep).bind(&bay.name).bind(&bay.calendar).execute(&mut *tx).await.map_err(store_error)?;
    }
    let remove = "DELETE FROM bays WHERE NOT active AND id NOT IN (SELECT bay_id FROM appointments)";
    sqlx::query(remove).execute(tx).await.map(|_| ()).map_err(store_error)
}
