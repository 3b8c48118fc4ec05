//! Many callers want the same slot: one gets it, the others hear that it was just taken.

use otto_sim::openai::{Reply, Request, Role};
use otto_sim::twilio::CallPlan;
use serde_json::json;

use crate::support::{PATIENCE, Tweaks, Workshop, listen, say, until_hang_up};

const CALLERS: usize = 50;

/// Books one and the same slot for everybody, then says what came of it.
fn wants_one_slot(request: &Request) -> Reply {
    let last = request.messages.last().expect("a message");
    match last.role {
        Role::Tool => {
            let said = last.content.clone().unwrap_or_default();
            let text = if said.contains("just_taken") { "Just taken, sorry." } else { "You have it." };
            Reply::say(text).and_call("end_call", &json!({ "reason": "done" }))
        }
        _ => Reply::call(
            "book_appointment",
            &json!({
                "service_type": "Oil change", "date": "2026-12-01", "time": "10:00",
                "customer_name": "A New Customer", "concerns": null
            }),
        ),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_callers_race_for_one_slot_and_one_wins() {
    let workshop = Workshop::open_with(51, Tweaks::default(), wants_one_slot).await;
    let place = |n: usize| {
        let steps = vec![listen(), say("Ten please."), until_hang_up()];
        workshop.world.call(CallPlan::new(format!("+1555557{n:04}"), steps).with_max_duration(PATIENCE))
    };
    let handles: Vec<_> = (0..CALLERS).map(place).collect();
    let (mut won, mut lost) = (0, 0);
    for handle in handles {
        let heard = handle.report().await.heard_text();
        won += usize::from(heard.contains("You have it."));
        lost += usize::from(heard.contains("Just taken, sorry."));
    }
    assert_eq!((won, lost), (1, CALLERS - 1));
    workshop.close().await;
}
