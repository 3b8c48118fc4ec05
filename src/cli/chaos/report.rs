//! What came of the chaos: who finished, what was booked, how long anybody heard nothing, what is left.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use otto_actors::domain::PhoneNumber;
use otto_actors::registry::RegistryView;
use otto_sim::twilio::{CallReport, Side};

use super::callers::Caller;
use super::killer::Kills;
use crate::app::App;

/// Longer than this nobody hears nothing.
const SILENCE_MAX: Duration = Duration::from_secs(4);
/// Fewer kills than this in a call prove nothing.
const KILLS_MIN: u32 = 3;

pub(super) struct Report {
    calls: usize,
    finished: usize,
    wanted: usize,
    made: usize,
    doubled: usize,
    fewest_kills: u32,
    leg_kills: u32,
    shared_kills: u32,
    longest_silence: Duration,
    residue: u64,
    /// What went wrong, a line each.
    complaints: Vec<String>,
}

impl Report {
    pub(super) async fn of(
        app: &App,
        callers: &[Caller],
        calls: &[Option<CallReport>],
        kills: &Kills,
        view: &RegistryView,
    ) -> anyhow::Result<Self> {
        let mut report = Self {
            calls: calls.len(),
            finished: 0,
            wanted: callers.len(),
            made: 0,
            doubled: 0,
            fewest_kills: u32::MAX,
            leg_kills: kills.legs.values().sum(),
            shared_kills: kills.shared,
            longest_silence: Duration::ZERO,
            residue: view.residue + (view.live.len() + view.ending) as u64,
            complaints: Vec::new(),
        };
        for (caller, call) in callers.iter().zip(calls) {
            report.look_at_call(caller, call.as_ref(), kills);
            report.look_at_booking(app, caller).await?;
        }
        Ok(report)
    }

    fn look_at_call(&mut self, caller: &Caller, call: Option<&CallReport>, kills: &Kills) {
        let Some(call) = call else {
            return self.complaints.push(format!("{}: stuck", caller.phone));
        };
        let finished = call.hung_up_by == Side::Otto && call.is_clean();
        self.finished += usize::from(finished);
        if !finished {
            let (by, late, odd) = (call.hung_up_by, &call.timeouts, &call.violations);
            self.complaints.push(format!("{} {}: hung up by {by:?}, {late:?} {odd:?}", caller.phone, call.call_sid));
        }
        self.fewest_kills = self.fewest_kills.min(kills.legs.get(&call.call_sid).copied().unwrap_or_default());
        self.longest_silence = self.longest_silence.max(longest_silence(call));
    }

    async fn look_at_booking(&mut self, app: &App, caller: &Caller) -> anyhow::Result<()> {
        let phone = PhoneNumber::parse(&caller.phone)?;
        let booked: Vec<NaiveDateTime> = match app.store.customer_by_phone(&phone).await? {
            Some(customer) => {
                let all = app.store.upcoming(customer.id, DateTime::<Utc>::MIN_UTC).await?;
                all.iter().map(|a| a.starts_at.with_timezone(&caller.zone).naive_local()).collect()
            }
            None => Vec::new(),
        };
        self.made += usize::from(booked.contains(&caller.wants));
        self.doubled += booked.len().saturating_sub(1);
        if booked != [caller.wants] {
            self.complaints.push(format!("{}: wanted {}, has {booked:?}", caller.phone, caller.wants));
        }
        Ok(())
    }

    pub(super) fn held(&self) -> bool {
        self.finished == self.calls
            && self.made == self.wanted
            && self.doubled == 0
            && self.residue == 0
            && self.fewest_kills >= KILLS_MIN
            && self.longest_silence <= SILENCE_MAX
    }
}

/// The longest time in which neither the caller nor Otto spoke.
fn longest_silence(call: &CallReport) -> Duration {
    let otto = call.heard.iter().map(|u| (u.began, u.ended));
    let caller = call.said.iter().map(|s| (s.began, s.ended));
    let mut sounds: Vec<_> = otto.chain(caller).collect();
    sounds.sort_unstable();
    let mut quiet_since = sounds.first().map(|(began, _)| *began).unwrap_or_default();
    let mut longest = Duration::ZERO;
    for (began, ended) in sounds {
        longest = longest.max(began.saturating_sub(quiet_since));
        quiet_since = quiet_since.max(ended);
    }
    longest
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for complaint in &self.complaints {
            writeln!(f, "  ! {complaint}")?;
        }
        writeln!(f, "calls finished     {} of {}", self.finished, self.calls)?;
        writeln!(f, "bookings           {} wanted, {} made, {} doubled", self.wanted, self.made, self.doubled)?;
        writeln!(
            f,
            "kills              {} legs (at least {} in a call), {} shared actors",
            self.leg_kills, self.fewest_kills, self.shared_kills
        )?;
        writeln!(f, "longest silence    {:.1} s", self.longest_silence.as_secs_f64())?;
        writeln!(f, "residue            {}", self.residue)?;
        writeln!(f, "{}", if self.held() { "all held" } else { "NOT ALL HELD" })
    }
}
