//! The form fields that the platform posts: those of every voice webhook, of status callbacks and of stream callbacks.

use std::sync::Arc;

use chrono::Utc;
use uuid::Uuid;

use super::call::Call;
use super::{Stream, webhook};

impl Call {
    /// The fields of every voice webhook.
    pub(super) fn params(&self, status: &str) -> Vec<(String, String)> {
        let own = &self.shared.phone_number;
        let (from, to, direction) = match &self.outbound {
            Some(call) => (call.from.as_str(), call.to.as_str(), "outbound-api"),
            None => (self.plan.from.as_str(), self.plan.to.as_deref().unwrap_or(own), "inbound"),
        };
        let mut params: Vec<(String, String)> = [
            ("CallSid", self.call_sid.as_str()),
            ("AccountSid", &self.shared.account_sid),
            ("From", from),
            ("To", to),
            ("Caller", from),
            ("Called", to),
            ("CallStatus", status),
            ("ApiVersion", "2010-04-01"),
            ("Direction", direction),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        for (side, place) in
            [("From", "CHICAGO"), ("To", "SPRINGFIELD"), ("Caller", "CHICAGO"), ("Called", "SPRINGFIELD")]
        {
            for (field, value) in [("City", place), ("State", "IL"), ("Zip", "62701"), ("Country", "US")] {
                params.push((format!("{side}{field}"), value.to_owned()));
            }
        }
        params
    }

    /// The fields of a status callback.
    pub(super) fn status_params(&mut self, status: &str) -> Vec<(String, String)> {
        let mut params = self.params(status);
        let mut add = |name: &str, value: String| params.push((name.to_owned(), value));
        add("Timestamp", Utc::now().to_rfc2822());
        add("CallbackSource", "call-progress-events".to_owned());
        add("SequenceNumber", self.sequence.to_string());
        if !["queued", "ringing", "in-progress"].contains(&status) {
            let seconds = self.recorder.report.started.elapsed().as_secs();
            add("CallDuration", seconds.to_string());
            add("Duration", seconds.div_ceil(60).max(1).to_string());
            add("SipResponseCode", "200".to_owned());
        }
        self.sequence += 1;
        params
    }

    /// Posts a stream's status callback, without waiting for the answer.
    pub(super) fn stream_status(&self, stream: &Stream, stream_sid: &str, event: &str) {
        let Some(callback) = &stream.status_callback else { return };
        let Ok(url) = self.engine.absolute(&self.document, callback) else { return };
        let name = stream.name.clone().unwrap_or_else(|| stream_sid.to_owned());
        let params: Vec<(String, String)> = [
            ("AccountSid", self.shared.account_sid.clone()),
            ("CallSid", self.call_sid.clone()),
            ("StreamSid", stream_sid.to_owned()),
            ("StreamName", name),
            ("StreamEvent", event.to_owned()),
            ("Timestamp", Utc::now().to_rfc3339()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        let (shared, engine) = (Arc::clone(&self.shared), self.engine.clone());
        let stop = self.shared.scope.stop.clone();
        self.shared.scope.tasks.spawn(async move {
            let token = Uuid::new_v4().to_string();
            stop.run_until_cancelled(webhook::post(&shared, &engine, &url, &params, &token)).await;
        });
    }
}
