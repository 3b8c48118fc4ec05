//! Who does not want to be called or texted, and who does again.

use std::sync::Arc;

use otto_actors::domain::{CustomerFacts, CustomerId, NewCustomer, PhoneNumber, ReminderStatus, reasons};
use otto_actors::effects::Fence;
use otto_actors::ports::{Action, Channel, OptOut, RenderMessage};
use serde_json::json;

use super::lab::{Lab, Opening, at, effect, phone, today};
use super::reminders::{call_back, now, with_rows};

pub(super) async fn opt_out(lab: &Lab, n: usize) {
    let wish = OptOut { phone: phone(n), channel: Channel::Voice, reason: OptOut::ASKED };
    lab.one.opt_out(&wish, at(0, 0)).await.unwrap();
}

async fn is_out(lab: &Lab, n: usize) -> bool {
    lab.two.has_opted_out(&phone(n), Channel::Voice).await.unwrap()
}

pub(in crate::store) async fn opting_out_and_in(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let out = async |channel| lab.two.has_opted_out(&phone(1), channel).await.unwrap();
    assert!(!out(Channel::Voice).await && !out(Channel::Text).await);
    opt_out(&lab, 1).await;
    opt_out(&lab, 1).await;
    assert!(out(Channel::Voice).await && !out(Channel::Text).await);
    lab.one.opt_in(&phone(1), Channel::Text).await.unwrap();
    assert!(out(Channel::Voice).await, "the other channel");
    lab.one.opt_in(&phone(1), Channel::Voice).await.unwrap();
    assert!(!out(Channel::Voice).await);
}

pub(in crate::store) async fn a_tool_asks_for_a_call_and_stops_them(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let (booked, rows) = with_rows(&lab, 2).await;
    let act = async |n: usize, action: Action| {
        for store in [&lab.one, &lab.two] {
            let done = store.act(&effect(n, "tool"), &Fence::open(), action.clone()).await;
            assert_eq!(done, Ok(json!("noted")));
        }
    };
    let render: RenderMessage = Arc::new(|| json!("noted"));
    act(1, Action::RequestCallBack { new: call_back(9), render: Arc::clone(&render) }).await;
    assert_eq!(lab.count("SELECT count(*) FROM reminders WHERE kind = 'call_back'").await, 1);
    for (n, reason, consents) in [(0, OptOut::WRONG_NUMBER, 2), (1, OptOut::ASKED, 1)] {
        let opt_out = OptOut { phone: phone(n), channel: Channel::Voice, reason };
        let customer = Some(booked[n].owner);
        act(2 + n, Action::StopReminders { opt_out, customer, render: Arc::clone(&render) }).await;
        let row = now(&lab, rows[n]).await;
        assert_eq!((row.status, row.reason.as_deref()), (ReminderStatus::Skipped, Some(reasons::OPTED_OUT)));
        assert!(is_out(&lab, n).await);
        assert_eq!(lab.count("SELECT count(*) FROM customers WHERE reminder_consent").await, consents, "{reason}");
    }
    let stranger = OptOut { phone: phone(40), channel: Channel::Voice, reason: OptOut::ASKED };
    act(4, Action::StopReminders { opt_out: stranger, customer: None, render }).await;
    assert!(is_out(&lab, 40).await);
}

fn agrees(customer: CustomerId, consent: Option<bool>, caller: Option<PhoneNumber>) -> Action {
    let facts = CustomerFacts { reminder_consent: consent, ..CustomerFacts::default() };
    Action::UpdateCustomer { customer, facts, caller, render: Arc::new(|_| json!("changed")) }
}

pub(in crate::store) async fn who_agrees_again_is_called_again(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let (booked, _) = with_rows(&lab, 1).await;
    let owner = booked[0].owner;
    for (n, (reason, consent, caller, still_out)) in [
        (OptOut::ASKED, Some(true), Some(phone(0)), false),
        (OptOut::ASKED, Some(true), Some(phone(9)), false),
        (OptOut::ASKED, Some(true), None, false),
        (OptOut::ASKED, Some(false), Some(phone(0)), true),
        (OptOut::ASKED, None, Some(phone(0)), true),
        // Strangers have the number on file, unless it is the customer who calls from there.
        (OptOut::WRONG_NUMBER, Some(true), Some(phone(9)), true),
        (OptOut::WRONG_NUMBER, Some(true), Some(phone(0)), false),
    ]
    .into_iter()
    .enumerate()
    {
        lab.run("DELETE FROM opt_outs").await.unwrap();
        for wish in [(0, Channel::Voice), (0, Channel::Text), (1, Channel::Voice)] {
            let wish = OptOut { phone: phone(wish.0), channel: wish.1, reason };
            lab.one.opt_out(&wish, at(0, 0)).await.unwrap();
        }
        let action = agrees(owner, consent, caller);
        lab.two.act(&effect(n, "consent"), &Fence::open(), action).await.unwrap();
        assert_eq!(is_out(&lab, 0).await, still_out, "{n}");
        assert!(is_out(&lab, 1).await, "{n}: another number");
        assert_eq!(lab.one.has_opted_out(&phone(0), Channel::Text).await, Ok(true), "{n}: text messages");
    }
    opt_out(&lab, 5).await;
    let facts = CustomerFacts { reminder_consent: Some(true), ..CustomerFacts::default() };
    let new = NewCustomer { name: "Jo".into(), phone: phone(5), since: today() };
    let action = Action::CreateCustomer { new, facts, render: Arc::new(|_| json!("created")) };
    lab.one.act(&effect(20, "create"), &Fence::open(), action).await.unwrap();
    assert!(!is_out(&lab, 5).await, "a new customer who agrees");
}
