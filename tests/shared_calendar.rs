//! The engine and Google share a calendar: what Otto books is shown there, what people change there is true for Otto.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use otto::vendors::google::ChannelToken;
use otto_actors::domain::{Appointment, AppointmentStatus, CallSid, TurnId};
use otto_actors::effects::{EffectId, Fence};
use otto_actors::ports::{Action, AppointmentChange, AppointmentStep};
use otto_sim::google_calendar::{CLIENT_ID, CLIENT_SECRET, CalendarFault, REFRESH_TOKEN};
use otto_sim::{PHONE_NUMBER, When};
use serde_json::{Value, json};

use crate::discovery;
use crate::support::{MARIA, PATIENCE, Tweaks, Workshop, books_on_tuesday};

const BAY: &str = "bay1@group.calendar.google.com";
const BAY_2: &str = "bay2@group.calendar.google.com";

/// An engine whose bay has a calendar.
async fn workshop(seed: u64) -> Workshop {
    Workshop::open_with(seed, with_calendars(BAY), otto_sim::openai::Receptionist).await
}

/// An engine whose two bays have a calendar each, and that sends text messages.
async fn workshop_of_two(seed: u64) -> Workshop {
    let mut tweaks = with_calendars("bay1@group.calendar.google.com,bay2@group.calendar.google.com");
    tweaks.variables.push(("TWILIO_SMS_NUMBER", PHONE_NUMBER));
    tweaks.shop_file = Some("bays = [\"Bay 1\", \"Bay 2\"]");
    Workshop::open_with(seed, tweaks, otto_sim::openai::Receptionist).await
}

fn with_calendars(ids: &'static str) -> Tweaks {
    let variables = vec![
        ("GOOGLE_CLIENT_ID", CLIENT_ID),
        ("GOOGLE_CLIENT_SECRET", CLIENT_SECRET),
        ("GOOGLE_REFRESH_TOKEN", REFRESH_TOKEN),
        ("GOOGLE_CALENDAR_IDS", ids),
    ];
    Tweaks { variables, ..Tweaks::default() }
}

/// What was booked in the call: one appointment.
async fn booked(workshop: &Workshop) -> Appointment {
    let all = workshop.appointments(MARIA).await;
    let mut by_phone = all.into_iter().filter(|appointment| appointment.booked_by == "phone");
    let booked = by_phone.next().expect("a booking");
    assert_eq!(by_phone.next(), None);
    booked
}

/// Waits until something is so.
async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("{what}"))
}

fn event_id(appointment: &Appointment) -> String {
    format!("otto{:016x}", appointment.id.0)
}

/// When the calendar shows an appointment, if it does. It never shows it twice.
fn shown(workshop: &Workshop, appointment: &Appointment) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    shown_in(workshop, BAY, appointment)
}

fn shown_in(workshop: &Workshop, bay: &str, appointment: &Appointment) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let own = |event: &Value| event["extendedProperties"]["private"]["appointment_id"] == appointment.id.to_string();
    let events: Vec<Value> = workshop.world.calendar.events(bay).into_iter().filter(own).collect();
    assert!(events.len() <= 1, "{events:?}");
    let event = events.first()?;
    assert_eq!(event["id"], event_id(appointment));
    let time = |name: &str| event[name]["dateTime"].as_str().expect("a time").parse::<DateTime<Utc>>().expect("a time");
    Some((time("start"), time("end")))
}

async fn now(workshop: &Workshop, appointment: &Appointment) -> Appointment {
    workshop.app.store.appointment(appointment.id).await.expect("an answer").expect("on file")
}

/// The calendar shows an appointment as it is on file.
async fn agree(workshop: &Workshop, appointment: &Appointment) {
    until("the calendar shows what is on file", async || {
        let on_file = now(workshop, appointment).await;
        let open = on_file.status != AppointmentStatus::Cancelled;
        let expected = open.then(|| (on_file.starts_at, on_file.ends_at()));
        let settled = workshop.app.store.undelivered().await == Ok(0);
        (settled && shown(workshop, appointment) == expected).then_some(())
    })
    .await;
}

async fn change(workshop: &Workshop, of: &Appointment, number: u64, step: AppointmentStep) {
    let change = AppointmentChange { appointment: of.id, customer: of.customer, step, text: false };
    let call = CallSid::parse(&format!("CA{:032}", 1)).expect("a SID");
    let effect = EffectId { call, turn: TurnId(number), tool_call_id: "call_1".into() };
    let action = Action::ChangeAppointment { change, render: Arc::new(|a, _| json!(a.id)) };
    workshop.app.store.act(&effect, &Fence::open(), action).await.expect("changed");
}

async fn notify(workshop: &Workshop) {
    let request = reqwest::Client::new().post(workshop.url("/api/v1/webhooks/calendar/notification"));
    let token = ChannelToken::of(&CLIENT_SECRET.into());
    let request = request.header("X-Goog-Channel-Token", token.expose()).header("X-Goog-Resource-State", "exists");
    assert_eq!(request.send().await.expect("an answer").status(), 200);
}

/// A colleague drags the event to another time.
async fn staff_moves(workshop: &Workshop, of: &Appointment, to: DateTime<Utc>) {
    let time = |at: DateTime<Utc>| json!({ "dateTime": at.to_rfc3339() });
    let change = json!({ "start": time(to), "end": time(to + TimeDelta::minutes(i64::from(of.minutes))) });
    assert!(workshop.world.calendar.edit(BAY, &event_id(of), &change));
    notify(workshop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_while_google_is_away_is_shown_when_it_is_back_and_follows_every_change() {
    let workshop = workshop(2_201).await;
    let knobs = workshop.world.calendar.knobs();
    knobs.inject(CalendarFault::Status(503, "backendError"), When::Always);
    workshop.call(MARIA, books_on_tuesday()).await;
    let booked = &booked(&workshop).await;
    assert_eq!(shown(&workshop, booked), None);
    knobs.heal();
    agree(&workshop, booked).await;
    let (later, free) = (booked.starts_at + TimeDelta::hours(1), Vec::new());
    knobs.inject(CalendarFault::Status(412, "conditionNotMet"), When::Next(1));
    knobs.inject(CalendarFault::LostAnswer, When::Next(1));
    change(&workshop, booked, 1, AppointmentStep::Move { starts_at: later, avoid: free }).await;
    agree(&workshop, booked).await;
    assert_eq!(shown(&workshop, booked).map(|(from, _)| from), Some(later));
    knobs.inject(CalendarFault::Status(403, "rateLimitExceeded"), When::Next(1));
    change(&workshop, booked, 2, AppointmentStep::Cancel { reason: None }).await;
    agree(&workshop, booked).await;
    assert_eq!(shown(&workshop, booked), None);
    discovery::check(&workshop.world.calendar.requests().all());
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_staff_change_in_google_is_true_for_otto() {
    let workshop = workshop(2_202).await;
    workshop.call(MARIA, books_on_tuesday()).await;
    let booked = &booked(&workshop).await;
    agree(&workshop, booked).await;
    let afternoon = booked.starts_at + TimeDelta::hours(5);
    staff_moves(&workshop, booked, afternoon).await;
    until("it is moved", async || (now(&workshop, booked).await.starts_at == afternoon).then_some(())).await;
    agree(&workshop, booked).await;
    workshop.world.calendar.forget_syncs();
    notify(&workshop).await;
    assert!(workshop.world.calendar.cancel(BAY, &event_id(booked)));
    notify(&workshop).await;
    until("it is called off", async || {
        (now(&workshop, booked).await.status == AppointmentStatus::Cancelled).then_some(())
    })
    .await;
    assert_eq!(now(&workshop, booked).await.version, 3, "each change happened once");
    agree(&workshop, booked).await;
    workshop.close().await;
}

/// What the customer got: e-mails of Google's about a deleted event, and text messages.
fn heard(workshop: &Workshop) -> (usize, Vec<String>) {
    let requests = workshop.world.calendar.requests().all();
    let mailed = requests.iter().filter(|r| r.line.starts_with("DELETE") && r.query == "sendUpdates=all").count();
    (mailed, workshop.world.twilio.messages().all().into_iter().map(|message| message.body).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_staff_drag_into_another_bays_calendar_moves_the_appointment_there() {
    let workshop = workshop_of_two(2_204).await;
    workshop.call(MARIA, books_on_tuesday()).await;
    let booked = &booked(&workshop).await;
    agree(&workshop, booked).await;
    let drag = async |from: &str, to: &str| {
        assert!(workshop.world.calendar.move_to(from, to, &event_id(booked)));
        notify(&workshop).await;
    };
    let version = async |version: i64| {
        until("it has moved", async || (now(&workshop, booked).await.version == version).then_some(())).await;
        until("it is delivered", async || (workshop.app.store.undelivered().await == Ok(0)).then_some(())).await;
        now(&workshop, booked).await
    };
    let bays = workshop.app.store.bays().await.expect("the bays");
    let times = Some((booked.starts_at, booked.ends_at()));
    // There and back, each time with the other calendar telling of it first.
    for (n, (from, to, bay)) in [(BAY, BAY_2, bays[1].id), (BAY_2, BAY, bays[0].id)].into_iter().enumerate() {
        drag(from, to).await;
        let moved = version(n as i64 + 2).await;
        assert_eq!((moved.bay, moved.starts_at, moved.status), (bay, booked.starts_at, booked.status));
        assert_eq!((shown_in(&workshop, from, booked), shown_in(&workshop, to, booked)), (None, times));
    }
    // Google says nothing of one calendar: nothing is decided, and later it is.
    let knobs = workshop.world.calendar.knobs();
    knobs.inject(CalendarFault::Status(503, "backendError"), When::Next(2));
    drag(BAY, BAY_2).await;
    notify(&workshop).await;
    assert_eq!(version(4).await.bay, bays[1].id);
    let (mailed, texts) = heard(&workshop);
    assert_eq!((mailed, texts.len()), (0, 1), "the customer hears of the booking alone: {texts:?}");
    discovery::check(&workshop.world.calendar.requests().all());
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_hears_by_text_message_of_what_staff_change() {
    let workshop = workshop_of_two(2_205).await;
    workshop.call(MARIA, books_on_tuesday()).await;
    let booked = &booked(&workshop).await;
    agree(&workshop, booked).await;
    staff_moves(&workshop, booked, booked.starts_at + TimeDelta::hours(5)).await;
    let told = async |count: usize, words: &str| {
        until(words, async || heard(&workshop).1.get(count).filter(|text| text.contains(words)).map(|_| ())).await;
    };
    told(1, "2 PM").await;
    agree(&workshop, booked).await;
    assert!(workshop.world.calendar.cancel(BAY, &event_id(booked)));
    notify(&workshop).await;
    told(2, "cancelled").await;
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_google_refuses_is_kept_for_the_operators() {
    let workshop = workshop(2_203).await;
    workshop.world.calendar.knobs().inject(CalendarFault::Status(400, "invalid"), When::Always);
    workshop.call(MARIA, books_on_tuesday()).await;
    booked(&workshop).await;
    until("it is given up", async || (workshop.app.store.given_up().await == Ok(1)).then_some(())).await;
    workshop.world.calendar.knobs().heal();
    let health = reqwest::get(workshop.url("/health/calendar")).await.expect("an answer");
    assert_eq!(health.json::<Value>().await.expect("JSON")["status"], "degraded");
    let metrics = reqwest::get(workshop.url("/metrics")).await.expect("an answer").text().await.expect("a text");
    assert!(metrics.contains("otto_calendar_outbox_rows{state=\"parked\"}"), "the gauge is there");
    workshop.close().await;
}
