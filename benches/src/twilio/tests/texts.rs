//! Text messages: from the engine with what becomes of them, and from customers with what the engine answers.

use super::desk::{BASE, CALLEE, Desk};
use super::*;
use crate::When;

async fn send_text(desk: &Desk) -> (u16, Value) {
    let url = format!("{BASE}/texted?order=5");
    let form =
        [("To", CALLEE), ("From", crate::PHONE_NUMBER), ("Body", "See you tomorrow at 9."), ("StatusCallback", &url)];
    desk.post("/Messages.json", &form).await
}

#[tokio::test]
async fn the_engine_is_told_what_becomes_of_a_message() {
    for (fate, fault, told, error) in [
        (Fate::Delivered, None, vec!["sent", "delivered"], ""),
        (Fate::Undelivered(30003), None, vec!["sent", "undelivered"], "30003"),
        (Fate::Failed(30007), None, vec!["failed"], "30007"),
        (Fate::Delivered, Some(TwilioFault::ReorderStatus), vec!["delivered", "sent"], ""),
        (Fate::Delivered, Some(TwilioFault::DuplicateStatus), vec!["sent", "sent", "delivered"], ""),
        (Fate::Delivered, Some(TwilioFault::LoseStatus), vec!["delivered"], ""),
    ] {
        let desk = Desk::speaking().await;
        desk.world.twilio.text_fates(CALLEE, vec![fate]);
        if let Some(fault) = fault.clone() {
            desk.world.twilio.knobs().inject(fault, When::Next(1));
        }
        let (status, message) = send_text(&desk).await;
        assert_eq!((status, message["status"].as_str()), (201, Some("queued")), "{message}");
        desk.hooks.wait_for(told.len() - 1).await;
        assert_eq!(desk.told("/texted?order=5", "MessageStatus"), told, "{fate:?} {fault:?}");
        let sid = message["sid"].as_str().unwrap();
        assert!(desk.told("/texted", "MessageSid").iter().all(|told| told == sid));
        let (_, kept) = desk.get(&format!("/Messages/{sid}.json")).await;
        assert_eq!(kept["error_code"].as_u64().map_or(String::new(), |code| code.to_string()), error);
        desk.close().await;
    }
}

#[tokio::test]
async fn a_customer_writes_and_is_answered() {
    let twiml = "<Response><Message>You are confirmed.</Message></Response>";
    let desk = Desk::open("", twiml, async |_| {}).await;
    let answer = desk.world.twilio.text(CALLEE, "C").await;
    assert_eq!((answer.status, answer.replies), (200, vec!["You are confirmed.".to_owned()]));
    let hook = desk.hooks.last().unwrap();
    assert_eq!(hook.target, "/api/v1/webhooks/inbound-sms");
    let fields = ["From", "To", "Body", "NumMedia", "SmsStatus"].map(|name| hook.get(name).to_owned());
    assert_eq!(fields, [CALLEE, crate::PHONE_NUMBER, "C", "0", "received"]);
    assert!(hook.get("MessageSid").starts_with("SM"));
    assert_eq!(desk.world.twilio.text(CALLEE, " stop ").await.replies, [""; 0], "who wants none gets none");
    let (status, refused) = send_text(&desk).await;
    assert_eq!((status, refused["code"].as_u64()), (400, Some(21610)));
    assert_eq!(desk.world.twilio.text(CALLEE, "Start").await.replies.len(), 1);
    assert_eq!(send_text(&desk).await.0, 201);
    assert_eq!(desk.world.twilio.violations().all(), []);
    desk.close().await;
}
