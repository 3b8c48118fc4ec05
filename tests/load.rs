//! A hundred calls at once: all are answered, and nothing of them is left.

use otto_sim::twilio::{CallPlan, Side};

use crate::support::{PATIENCE, Tweaks, Workshop, goodbye, listen, say, until_hang_up};
use otto_sim::openai::{Reply, Request, Role};

const CALLS: usize = 100;

fn knows_the_hours(request: &Request) -> Reply {
    let asked = request.messages.iter().filter(|m| m.role == Role::User).count();
    if asked == 1 { Reply::say("We are open from nine to five.") } else { goodbye() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_calls_at_once_are_all_answered() {
    let workshop = Workshop::open_with(41, Tweaks::default(), knows_the_hours).await;
    let steps = || vec![listen(), say("When are you open?"), listen(), say("Thanks, goodbye."), until_hang_up()];
    let place = |n: usize| {
        let plan = CallPlan::new(format!("+1555556{n:04}"), steps()).with_max_duration(PATIENCE);
        workshop.world.call(plan)
    };
    let handles: Vec<_> = (0..CALLS).map(place).collect();
    for handle in handles {
        let report = handle.report().await;
        assert!(report.is_clean(), "{:?} {:?}", report.timeouts, report.violations);
        assert!(report.heard_text().contains("We are open from nine to five."), "{}", report.heard_text());
        assert_eq!(report.hung_up_by, Side::Otto);
    }
    workshop.settle().await;
    assert_eq!(workshop.world.twilio.live_calls(), 0);
    workshop.close().await;
}
