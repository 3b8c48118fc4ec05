//! How a write runs: in a file of its own, because the ports of both tables of contents use it.

/// A write in a transaction, again while the database gives it up for the sake of another one.
macro_rules! write {
    ($database:expr, |$tx:ident| $write:expr) => {{
        let attempt = || async {
            let mut transaction = $database.begin().await?;
            let $tx = &mut *transaction;
            let outcome = $write.await?;
            transaction.commit().await.map_err(store_error)?;
            Ok(outcome)
        };
        attempt.retry(contention::patience()).when(contention::again).await
    }};
}
