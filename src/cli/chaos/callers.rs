//! The callers of the chaos: each wants one slot that nobody else wants, so that every booking can be checked.

use std::time::Duration;

use anyhow::bail;
use chrono::{DateTime, Days, NaiveDateTime, Utc};
use chrono_tz::Tz;
use otto_actors::domain::{Shop, slots};
use otto_sim::openai::{Reply, Request, Role};
use otto_sim::twilio::{CallPlan, Step};
use serde_json::json;

/// What every caller books.
const SERVICE: &str = "Oil change";
/// Quiet that a caller takes for the end of Otto's sentence, in milliseconds: longer than a killed leg needs to return.
const QUIET_MS: u64 = 900;
/// How long a caller waits for anything.
const PATIENCE: Duration = Duration::from_secs(15);

/// A caller and the slot that they want.
pub(super) struct Caller {
    pub(super) phone: String,
    pub(super) wants: NaiveDateTime,
    /// The shop's: `wants` is in it.
    pub(super) zone: Tz,
}

/// One caller for each of the next free slots.
pub(super) fn plan(shop: &Shop, calls: u32, now: DateTime<Utc>) -> anyhow::Result<Vec<Caller>> {
    let Some(service) = shop.service(SERVICE) else { bail!("the shop has no {SERVICE}") };
    let today = now.with_timezone(&shop.time_zone).date_naive();
    let days = (1..=u64::from(shop.booking_horizon_days)).map(|day| today + Days::new(day));
    let free = days.flat_map(|day| slots::free_on(shop, day, service.minutes, &[], shop.bays.len(), now));
    let caller = |(n, wants)| Caller { phone: format!("+1555558{n:04}"), wants, zone: shop.time_zone };
    let callers: Vec<Caller> = (0..calls).zip(free).map(caller).collect();
    if callers.len() < calls as usize {
        bail!("--calls: found {calls}, expected at most {}: that many slots can be booked", callers.len());
    }
    Ok(callers)
}

impl Caller {
    /// The script: asks for the slot, hears that it is booked, says goodbye.
    pub(super) fn call(&self, patience: Duration) -> CallPlan {
        let listen = || Step::WaitForSilence { quiet_ms: QUIET_MS, timeout: PATIENCE };
        let steps = vec![
            listen(),
            Step::Say(format!("Please book me in for {}.", self.wants.format("%Y-%m-%d %H:%M"))),
            Step::WaitForWords("booked".into(), PATIENCE),
            listen(),
            Step::Say("That is all, thank you.".into()),
            Step::WaitForHangUp(PATIENCE),
        ];
        CallPlan::new(self.phone.clone(), steps).with_max_duration(patience)
    }
}

/// A model that books the slot that the caller names, says what came of it, and takes its leave.
pub(super) fn books_what_is_asked(request: &Request) -> Reply {
    let asked = request.messages.iter().filter(|m| m.role == Role::User).filter_map(|m| m.content.as_deref());
    let wanted = asked.clone().find_map(slot_in);
    let thanked = asked.clone().any(|text| text.contains("That is all"));
    let result = request.messages.iter().rev().find(|m| m.role == Role::Tool).and_then(|m| m.content.as_deref());
    match (thanked, result, wanted) {
        (true, ..) => Reply::say("Goodbye, and drive safely!").and_call("end_call", &json!({ "reason": "done" })),
        (_, Some(done), _) if done.contains("\"success\":true") => {
            Reply::say("Fine, that is done. You are booked. Is there anything else that I can do for you?")
        }
        (_, _, Some((date, time))) => book(&date, &time),
        _ => Reply::say("Which day and time would you like?"),
    }
}

fn book(date: &str, time: &str) -> Reply {
    let arguments = json!({
        "service_type": SERVICE, "date": date, "time": time, "customer_name": "Chaos Caller", "concerns": null
    });
    Reply::call("book_appointment", &arguments)
}

fn slot_in(text: &str) -> Option<(String, String)> {
    let mut words = text.split_whitespace();
    let date = words.find(|word| word.starts_with("20"))?;
    let time = words.next()?.trim_end_matches('.');
    Some((date.to_owned(), time.to_owned()))
}
