//! The form fields that the platform posts: those of every voice webhook, of status callbacks and of stream callbacks.

use std::sync::Arc;

use uuid::Uuid;

use super::call::Call;
use super::callbacks::Params;
use super::registry::CallRecord;
use super::webhook::Product;
use super::{Stream, webhook};

pub(super) fn owned<const N: usize>(fields: [(&str, &str); N]) -> Params {
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// Who speaks with whom.
#[derive(Clone, Debug)]
pub(super) struct Parties {
    pub(super) account_sid: String,
    pub(super) call_sid: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) direction: &'static str,
}

impl Parties {
    pub(super) fn of(account_sid: &str, record: &CallRecord) -> Self {
        Parties {
            account_sid: account_sid.to_owned(),
            call_sid: record.sid.clone(),
            from: record.from.clone(),
            to: record.to.clone(),
            direction: record.direction,
        }
    }

    /// The fields of every voice webhook.
    pub(super) fn voice(&self, status: &str) -> Params {
        let Parties { account_sid, call_sid, from, to, direction } = self;
        let mut params = owned([
            ("CallSid", call_sid),
            ("AccountSid", account_sid),
            ("From", from),
            ("To", to),
            ("Caller", from),
            ("Called", to),
            ("CallStatus", status),
            ("ApiVersion", "2010-04-01"),
            ("Direction", direction),
        ]);
        params.extend(["From", "To", "Caller", "Called"].into_iter().flat_map(place));
        params
    }
}

/// Where a party is; the workshop's side is in Springfield.
pub(super) fn place(side: &str) -> Params {
    let city = if matches!(side, "From" | "Caller") { "CHICAGO" } else { "SPRINGFIELD" };
    let fields = [("City", city), ("State", "IL"), ("Zip", "62701"), ("Country", "US")];
    fields.map(|(field, value)| (format!("{side}{field}"), value.to_owned())).to_vec()
}

impl Call {
    /// Posts a stream's status callback, without waiting for the answer.
    pub(super) fn stream_status(&self, stream: &Stream, stream_sid: &str, event: &str) {
        let Some(callback) = &stream.status_callback else { return };
        let Ok(url) = self.engine.absolute(&self.document, callback) else { return };
        let name = stream.name.as_deref().unwrap_or(stream_sid);
        let params = owned([
            ("AccountSid", &self.shared.account_sid),
            ("CallSid", &self.parties.call_sid),
            ("StreamSid", stream_sid),
            ("StreamName", name),
            ("StreamEvent", event),
            ("Timestamp", &self.shared.clock.now().to_rfc3339()),
        ]);
        let (shared, engine) = (Arc::clone(&self.shared), self.engine.clone());
        let stop = self.shared.scope.stop.clone();
        self.shared.scope.tasks.spawn(async move {
            let token = Uuid::new_v4().to_string();
            stop.run_until_cancelled(webhook::post(&shared, &engine, &url, &params, Product::Voice, &token)).await;
        });
    }
}
