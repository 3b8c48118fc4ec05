//! What a demonstration prints while a call goes on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use otto_actors::journal::LiveEvents;
use otto_proto::v1::{CallEvent, TurnTimed, call_event::Body};
use otto_sim::twilio::CallReport;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

/// How long the last events of a call may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Prints one call, while it goes on.
pub(super) struct Printer(JoinHandle<()>);

impl Printer {
    /// Prints the next call.
    pub(super) fn start(live: &LiveEvents) -> Self {
        let mut live = live.subscribe();
        Self(tokio::spawn(async move {
            let mut screen = Screen::default();
            loop {
                match live.recv().await {
                    Ok(event) if screen.show(&event) => return,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        }))
    }

    /// Waits for the call's last event, which is on its way, and prints what went wrong.
    pub(super) async fn finish(self, report: &CallReport) {
        let _ = tokio::time::timeout(PATIENCE, self.0).await;
        for problem in &report.timeouts {
            println!("  ! the caller waited in vain: {problem}");
        }
        for violation in &report.violations {
            println!("  ! protocol violation {}: {}", violation.code, violation.message);
        }
    }
}

/// Prints events as lines.
#[derive(Default)]
struct Screen {
    began_ms: i64,
    tools: HashMap<String, String>,
}

impl Screen {
    /// Prints one event; true for the last of the call.
    fn show(&mut self, event: &Arc<CallEvent>) -> bool {
        if self.began_ms == 0 {
            self.began_ms = event.at_ms;
        }
        match &event.body {
            Some(Body::Started(_)) => self.line(event, "call", "the phone rings"),
            Some(Body::CallerSaid(said)) => self.line(event, "caller", &said.text),
            Some(Body::OttoSaid(said)) => self.line(event, "Otto", said.text.trim()),
            Some(Body::BargeIn(_)) => self.line(event, "", "(the caller interrupts)"),
            Some(Body::ToolCalled(call)) => {
                self.tools.insert(call.tool_call_id.clone(), call.arguments.clone());
            }
            Some(Body::ToolReturned(done)) => {
                let arguments = self.tools.remove(&done.tool_call_id).unwrap_or_default();
                self.line(event, "tool", &format!("{} {arguments} ({} ms)", done.name, done.took_ms));
            }
            Some(Body::TurnTimed(hops)) => self.line(event, "", &hops_line(hops)),
            Some(Body::LegLost(lost)) => self.line(event, "", &format!("({} was lost: {})", lost.leg, lost.reason)),
            Some(Body::Ended(end)) => {
                self.line(event, "call", &format!("ended ({}) after {} turns", end.outcome, end.turns));
                return true;
            }
            _ => {}
        }
        false
    }

    fn line(&self, event: &CallEvent, who: &str, what: &str) {
        let ms = event.at_ms - self.began_ms;
        println!("{:>3}.{:03}  {who:>6}  {what}", ms / 1_000, ms % 1_000);
    }
}

/// The pause that the caller hears, by hop.
fn hops_line(t: &TurnTimed) -> String {
    let hops = [
        ("end of turn", t.endpointing_ms),
        ("model", t.model_first_token_ms),
        ("first clause", t.first_clause_ms),
        ("voice", t.speech_first_byte_ms),
        ("media", t.media_out_ms),
    ];
    let total: u64 = hops.iter().map(|(_, ms)| ms).sum();
    let parts: Vec<String> = hops.iter().map(|(name, ms)| format!("{name} {ms}")).collect();
    format!("  latency {total} ms = {} ms", parts.join(" + "))
}
