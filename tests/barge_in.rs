//! The caller interrupts: Otto falls silent at once, and remembers only what was heard.

use otto_sim::openai::{Reply, Request, Role};
use otto_sim::twilio::Step;

use crate::support::{MARIA, Tweaks, Workshop, goodbye, last_said_by_otto, listen, say, until_hang_up};

const LONG: &str = "We do oil changes, tire rotations, brake inspections and batteries. Each of them takes about half an \
                    hour, and you can wait here with a cup of coffee. The prices depend on your car, of course.";

fn talks_at_length(request: &Request) -> Reply {
    let asked = request.messages.iter().filter(|m| m.role == Role::User).count();
    if asked == 1 { Reply::say(LONG) } else { goodbye() }
}

#[tokio::test(flavor = "multi_thread")]
async fn otto_stops_and_the_history_is_cut_to_what_was_heard() {
    let workshop = Workshop::open_with(21, Tweaks::default(), talks_at_length).await;
    let steps = vec![
        listen(),
        say("What do you do?"),
        Step::BargeIn { after_ms: 900, text: "Wait, that is enough for me.".into() },
        until_hang_up(),
    ];
    let report = workshop.call(MARIA, steps).await;
    assert!(report.is_clean(), "{:?} {:?}", report.timeouts, report.violations);
    assert_eq!(report.clears, 1);
    assert!(report.bytes_discarded > 0, "audio that was not heard is thrown away");
    let cut = report.heard.iter().find(|utterance| utterance.cut).expect("an utterance that was cut");
    assert!(LONG.starts_with(&cut.text()), "{}", cut.text());

    let after = workshop.world.openai.requests().last().expect("a request after the interruption");
    let remembered = last_said_by_otto(&after);
    let (heard, known) = (cut.words.len(), remembered.split_whitespace().count());
    assert!(LONG.starts_with(&remembered), "{remembered}");
    assert!(known.abs_diff(heard) <= 1, "heard {heard} words, remembered {known}: {remembered}");
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listening_noises_do_not_interrupt() {
    let workshop = Workshop::open_with(22, Tweaks::default(), talks_at_length).await;
    let steps = vec![
        listen(),
        say("What do you do?"),
        Step::BargeIn { after_ms: 400, text: "Uh-huh.".into() },
        listen(),
        say("Thanks, that is all."),
        until_hang_up(),
    ];
    let report = workshop.call(MARIA, steps).await;
    assert!(report.is_clean(), "{:?} {:?}", report.timeouts, report.violations);
    assert_eq!(report.clears, 0);
    assert!(report.heard_text().contains("The prices depend on your car, of course."), "{}", report.heard_text());
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_goodbye_does_not_hang_up() {
    let brain = |request: &Request| {
        let asked = request.messages.iter().filter(|m| m.role == Role::User).count();
        match asked {
            1 => Reply::say("Goodbye, and thank you very much for calling us today, drive safely and see you soon!")
                .and_call("end_call", &serde_json::json!({ "reason": "done" })),
            2 => Reply::say("Yes, we open at nine."),
            _ => goodbye(),
        }
    };
    let workshop = Workshop::open_with(23, Tweaks::default(), brain).await;
    let steps = vec![
        listen(),
        say("That was all."),
        Step::BargeIn { after_ms: 300, text: "Oh wait, when do you open?".into() },
        listen(),
        say("Thanks, bye."),
        until_hang_up(),
    ];
    let report = workshop.call(MARIA, steps).await;
    assert!(report.is_clean(), "{:?} {:?}", report.timeouts, report.violations);
    assert!(report.heard_text().contains("Yes, we open at nine."), "{}", report.heard_text());
    workshop.close().await;
}
