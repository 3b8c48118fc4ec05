//! Text messages: which are sent, what they say, and that none is sent twice.

mod decisions;

use std::sync::Arc;

use super::*;
use crate::actor;
use crate::domain::{Appointment, AppointmentId, AppointmentStatus, BayId, CustomerId, OutboxId, PhoneNumber};
use crate::ports::{Channel, DialError, OptOut, Order, TextKind, TextOrder};
use crate::testing::store::{FakeStore, KNOWN_PHONE, Records};
use crate::testing::telephony::{FakeTelephony, OnText};
use crate::testing::{FakeClock, fatal, ms, passing};

/// A notifier with one order about Maria's appointment of tomorrow, and what is behind it.
struct Bench {
    store: Arc<FakeStore>,
    company: Arc<FakeTelephony>,
    notifier: Mailbox<NotifierMsg>,
}

impl Bench {
    /// On a Monday at eight in the morning.
    async fn new(company: FakeTelephony, change: impl FnOnce(&mut Records)) -> Self {
        Self::at("2026-11-23T14:00:00Z", company, change).await
    }

    async fn at(now: &str, company: FakeTelephony, change: impl FnOnce(&mut Records)) -> Self {
        let store = FakeStore::default();
        store.change(|records| {
            let at = "2026-11-24T16:00:00Z".parse().unwrap();
            records.appointments =
                vec![Appointment::new(AppointmentId(1), CustomerId(1), "Oil change", at, 30, BayId(1))];
            let order = TextOrder { about: TextKind::Booked, appointment: AppointmentId(1), version: 1 };
            records.outbox = vec![(OutboxId(7), Order::Text(order))];
            change(records);
        });
        let (store, company) = (Arc::new(store), Arc::new(company));
        let args = NotifierArgs {
            store: store.clone(),
            texts: store.clone(),
            reminders: store.clone(),
            telephony: Some(company.clone()),
            shop: Arc::new(Shop::default()),
            clock: Arc::new(FakeClock::at(now)),
        };
        let notifier = actor::spawn(NotifierActor, args, None).await.unwrap();
        Self { store, company, notifier }
    }

    /// What was asked of the company after this long, and whether an order still waits.
    async fn after(&self, seconds: u64) -> (usize, bool) {
        tokio::time::sleep(ms(seconds * 1_000)).await;
        (self.company.texted.all().len(), !self.store.records.lock().unwrap().outbox.is_empty())
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_is_sent_once_and_noted() {
    let bench = Bench::new(FakeTelephony::texting([]), |_| {}).await;
    assert_eq!(bench.after(60).await, (1, false));
    let text = bench.company.texted.all().remove(0);
    assert_eq!((text.to.as_e164(), text.order), (KNOWN_PHONE, OutboxId(7)));
    assert!(text.body.contains("Oil change"), "{}", text.body);
    let noted = bench.store.records.lock().unwrap().texts.clone();
    assert_eq!((noted[0].order, noted[0].sid.as_str()), (OutboxId(7), "SM1"));
    bench.notifier.stop();
}

#[tokio::test(start_paused = true)]
async fn a_text_whose_answer_was_lost_is_looked_for_and_not_sent_again() {
    let bench = Bench::new(FakeTelephony::texting([OnText::TakenInSilence]), |_| {}).await;
    assert_eq!(bench.after(30).await, (1, true), "Twilio's list has the time to show it");
    assert_eq!(bench.after(120).await, (1, false));
    assert_eq!(bench.store.records.lock().unwrap().texts[0].sid, "SM1");
}

#[tokio::test(start_paused = true)]
async fn what_twilio_has_not_taken_comes_again_and_what_it_refuses_does_not() {
    let later = OnText::Fails(DialError::NotNow(passing()));
    let bench = Bench::new(FakeTelephony::texting([later.clone(), later]), |_| {}).await;
    assert_eq!(bench.after(120).await, (3, false));
    let bench = Bench::new(FakeTelephony::texting([OnText::Fails(DialError::Refused(fatal()))]), |_| {}).await;
    assert_eq!(bench.after(3_600).await, (1, false));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_that_is_not_true_or_not_wanted() {
    let called_off = |records: &mut Records| records.appointments[0].status = AppointmentStatus::Cancelled;
    let opted_out = |records: &mut Records| {
        let phone = PhoneNumber::parse(KNOWN_PHONE).unwrap();
        records.opt_outs = vec![OptOut { phone, channel: Channel::Text, reason: "asked" }];
    };
    let gone = |records: &mut Records| records.appointments.clear();
    for change in [called_off as fn(&mut Records), opted_out, gone] {
        let bench = Bench::new(FakeTelephony::texting([]), change).await;
        assert_eq!(bench.after(60).await, (0, false));
    }
}

#[tokio::test(start_paused = true)]
async fn a_reminder_waits_for_the_morning_and_what_was_just_done_does_not() {
    let three = "2026-11-24T09:00:00Z";
    let before_nine = 6 * 60 * 60 - 60;
    for (about, starts_at, at_once, in_the_morning) in [
        (TextKind::Reminder, "2026-11-24T16:00:00Z", (0, true), (1, false)),
        (TextKind::Booked, "2026-11-24T16:00:00Z", (1, false), (1, false)),
        (TextKind::Moved, "2026-11-24T16:00:00Z", (1, false), (1, false)),
        // By then it has begun.
        (TextKind::Reminder, "2026-11-24T15:00:00Z", (0, true), (0, false)),
    ] {
        let bench = Bench::at(three, FakeTelephony::texting([]), |records| {
            records.appointments[0].starts_at = starts_at.parse().unwrap();
            let order = TextOrder { about, appointment: AppointmentId(1), version: 1 };
            records.outbox = vec![(OutboxId(7), Order::Text(order))];
        })
        .await;
        assert_eq!(bench.after(before_nine).await, at_once, "{about:?} {starts_at}");
        assert_eq!(bench.after(120).await, in_the_morning, "{about:?} {starts_at}");
        bench.notifier.stop();
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_number_to_send_from_orders_wait_untouched() {
    let bench = Bench::new(FakeTelephony::default(), |_| {}).await;
    assert_eq!(bench.after(60).await, (0, true));
}
