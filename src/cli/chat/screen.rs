//! What the terminal shows of a call, and when it is the caller's turn.

use std::collections::HashMap;
use std::io::Write as _;
use std::time::Duration;

use otto_proto::v1::{CallEvent, call_event::Body};
use tokio::time::Instant;

/// Otto has said something, no tool is running and nothing has followed for this long: the caller's turn.
const QUIET: Duration = Duration::from_millis(400);
/// Otto says nothing at all: the caller may say something all the same.
const PATIENCE: Duration = Duration::from_secs(30);

/// Prints a call.
pub(super) struct Screen {
    shows_tools: bool,
    /// The caller types here and sees it; otherwise what came through the pipe is printed.
    is_terminal: bool,
    waiting: bool,
    has_answered: bool,
    tools: HashMap<String, String>,
    changed_at: Instant,
}

impl Screen {
    /// A call in which Otto speaks first.
    pub(super) fn new(shows_tools: bool, is_terminal: bool) -> Self {
        let tools = HashMap::new();
        Self { shows_tools, is_terminal, waiting: true, has_answered: false, tools, changed_at: Instant::now() }
    }

    /// Prints one event; true for the last of the call.
    pub(super) fn show(&mut self, event: &CallEvent) -> bool {
        match &event.body {
            Some(Body::OttoSaid(said)) => {
                self.has_answered = true;
                self.line(&format!("Otto: {}", said.text.trim()));
            }
            Some(Body::ToolCalled(call)) => {
                self.tools.insert(call.tool_call_id.clone(), call.arguments.clone());
            }
            Some(Body::ToolReturned(done)) => {
                let arguments = self.tools.remove(&done.tool_call_id).unwrap_or_default();
                if self.shows_tools {
                    self.line(&format!("      ({} {arguments} -> {})", done.name, done.content));
                }
            }
            Some(Body::LegLost(lost)) => self.line(&format!("      ({} was lost: {})", lost.leg, lost.reason)),
            Some(Body::Ended(end)) => {
                self.line(&format!("The call is over ({}).", end.outcome));
                return true;
            }
            _ => return false,
        }
        self.changed_at = Instant::now();
        false
    }

    fn line(&mut self, text: &str) {
        if self.is_terminal && !self.waiting {
            // Over the prompt.
            print!("\r");
        }
        println!("{text}");
        if self.is_terminal && !self.waiting {
            self.waiting = true;
        }
    }

    /// Whether Otto has the turn.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// When the turn goes to the caller, unless something happens before.
    pub(super) fn quiet_at(&self) -> Instant {
        let is_done = self.has_answered && self.tools.is_empty();
        self.changed_at + if is_done { QUIET } else { PATIENCE }
    }

    /// The caller's turn.
    pub(super) fn prompt(&mut self) {
        self.waiting = false;
        if self.is_terminal {
            print!("You:  ");
            // A terminal that cannot be written to shows nothing anyway.
            let _ = std::io::stdout().flush();
        }
    }

    /// The caller has said something.
    pub(super) fn typed(&mut self, text: &str) {
        if !self.is_terminal {
            println!("You:  {}", text.trim());
        }
        (self.waiting, self.has_answered, self.changed_at) = (true, false, Instant::now());
    }

    /// The caller is gone: nothing more is read.
    pub(super) fn leave(&mut self) {
        (self.waiting, self.has_answered, self.changed_at) = (true, false, Instant::now());
    }
}
