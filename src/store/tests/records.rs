//! What is written comes back exactly: customers, vehicles, history, appointments, the journal, bays.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use otto_actors::domain::{
    Appointment, AppointmentId, BayId, Customer, CustomerFacts, CustomerId, CustomerKind, Money, NewAppointment,
    NewCustomer, NewVehicle, Shop, ShopBay, TurnId, Vehicle, VehicleId, Vin,
};
use otto_actors::effects::Fence;
use otto_actors::ports::{
    Action, Booking, BookingCustomer, CallEnd, CallFacts, CallRecord, JournalRow, NewMessage, Render, StoreError,
};
use serde_json::{Value, json};

use super::lab::{Lab, Opening, appointment, at, book, by_new, customer, effect, phone, today};
use crate::store::{Records, SeedPlan, Seeded};

type Outcome = Result<Value, StoreError>;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn create(store: &Arc<dyn Records>, call: usize, name: &str, n: usize, facts: CustomerFacts) -> Outcome {
    let new = NewCustomer { name: name.into(), phone: phone(n), since: today() };
    let action = Action::CreateCustomer { new, facts, render: Arc::new(|c| json!(c.id)) };
    store.act(&effect(call, "create"), &Fence::open(), action).await
}

async fn update(store: &Arc<dyn Records>, call: usize, customer: CustomerId, facts: CustomerFacts) -> Outcome {
    let action = Action::UpdateCustomer { customer, facts, caller: None, render: Arc::new(|c| json!(c.name)) };
    store.act(&effect(call, "update"), &Fence::open(), action).await
}

async fn add_vehicle(store: &Arc<dyn Records>, call: usize, customer: CustomerId, vehicle: NewVehicle) -> Outcome {
    let action = Action::AddVehicle { customer, vehicle, render: Arc::new(|v| json!(v.id)) };
    store.act(&effect(call, "vehicle"), &Fence::open(), action).await
}

fn all_facts() -> CustomerFacts {
    CustomerFacts {
        name: None,
        phone: None,
        email: Some("jo@example.com".into()),
        birth_date: Some(day("1985-02-28")),
        street: Some("1 Straße, \"upstairs\"; --".into()),
        city: Some("Springfield".into()),
        postal_code: Some("62701".into()),
        kind: Some(CustomerKind::Business),
        preferences: Some("mornings".into()),
        reminder_consent: Some(false),
        notes: Some("line one\nline two 🚗".into()),
    }
}

pub(in crate::store) async fn every_field_of_a_customer_comes_back(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let id = create(&lab.one, 1, " Jo O'Neil ", 1, all_facts()).await.unwrap();
    let again = create(&lab.two, 1, " Jo O'Neil ", 1, all_facts()).await.unwrap();
    assert_eq!(id, again);
    let read = lab.two.customer_by_phone(&phone(1)).await.unwrap().unwrap();
    let facts = all_facts();
    let expected = Customer {
        email: facts.email,
        birth_date: facts.birth_date,
        street: facts.street,
        city: facts.city,
        postal_code: facts.postal_code,
        since: Some(today()),
        kind: CustomerKind::Business,
        preferences: facts.preferences,
        reminder_consent: Some(false),
        notes: facts.notes,
        ..Customer::new(CustomerId(id.as_i64().unwrap()), "Jo O'Neil", phone(1))
    };
    assert_eq!(read, expected);
    let change = CustomerFacts {
        name: Some("Jo Smith".into()),
        phone: Some(phone(2)),
        reminder_consent: Some(true),
        ..CustomerFacts::default()
    };
    assert_eq!(update(&lab.two, 2, read.id, change).await, Ok(json!("Jo Smith")));
    let read = lab.one.customer(read.id).await.unwrap().unwrap();
    let changed = Customer { name: "Jo Smith".into(), phone: phone(2), reminder_consent: Some(true), ..expected };
    assert_eq!(read, changed, "what is not named stays");
    assert_eq!(lab.one.customers_by_name("smith", 5).await.unwrap(), [changed]);
    let nobody = update(&lab.one, 3, CustomerId(4_711), CustomerFacts::default()).await;
    assert_eq!(nobody, Err(StoreError::NotFound("customer")));
}

pub(in crate::store) async fn a_number_is_on_file_once(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    create(&lab.one, 1, "A", 1, CustomerFacts::default()).await.unwrap();
    let taken = Err(StoreError::OnFile("phone"));
    assert_eq!(create(&lab.two, 2, "B", 1, all_facts()).await, taken);
    let second = create(&lab.one, 3, "C", 2, CustomerFacts::default()).await.unwrap();
    let steal = CustomerFacts { phone: Some(phone(1)), ..CustomerFacts::default() };
    assert_eq!(update(&lab.two, 4, CustomerId(second.as_i64().unwrap()), steal).await, taken);
    let first = lab.two.customer_by_phone(&phone(1)).await.unwrap().unwrap();
    assert_eq!((first.name.as_str(), first.email), ("A", None));
    assert_eq!(lab.count("SELECT count(*) FROM customers").await, 2);
}

pub(in crate::store) async fn names_are_found_by_the_beginnings_of_their_words(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    for (n, name) in
        ["Maria Lopez", "Mario Rossi", "Anna-Maria O'Brien", "José 100%", "Lopez Trucks"].iter().enumerate()
    {
        create(&lab.one, n, name, n, CustomerFacts::default()).await.unwrap();
    }
    for (asked, limit, expected) in [
        ("maria", 5, vec!["Anna-Maria O'Brien", "Maria Lopez"]),
        ("MARI", 5, vec!["Anna-Maria O'Brien", "Maria Lopez", "Mario Rossi"]),
        ("MARI", 1, vec!["Anna-Maria O'Brien"]),
        ("mar lop", 5, vec!["Maria Lopez"]),
        ("obrien", 5, vec!["Anna-Maria O'Brien"]),
        ("josé", 5, vec!["José 100%"]),
        ("aria", 5, vec![]),
        ("%", 5, vec![]),
        ("_", 5, vec![]),
        ("", 5, vec![]),
    ] {
        let found = lab.two.customers_by_name(asked, limit).await.unwrap();
        assert_eq!(found.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), expected, "{asked:?}");
    }
}

pub(in crate::store) async fn every_field_of_a_vehicle_comes_back(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    create(&lab.one, 1, "A", 1, CustomerFacts::default()).await.unwrap();
    let owner = customer(&lab.one, 1).await;
    let new = NewVehicle {
        vin: Some(Vin::parse("1HGCM82633A004352").unwrap()),
        plate: Some("AB 123".into()),
        year: Some(2003),
        make: Some("Honda".into()),
        model: Some("Accord".into()),
        trim: Some("EX".into()),
        mileage: Some(3_000_000_000),
    };
    let id = add_vehicle(&lab.one, 2, owner, new.clone()).await.unwrap();
    let expected = Vehicle {
        vin: Some("1HGCM82633A004352".into()),
        plate: new.plate.clone(),
        year: new.year,
        make: new.make.clone(),
        model: new.model.clone(),
        trim: new.trim.clone(),
        mileage: new.mileage,
        ..Vehicle::new(VehicleId(id.as_i64().unwrap()), owner)
    };
    assert_eq!(lab.two.vehicles_of(owner).await.unwrap(), [expected]);
    assert_eq!(add_vehicle(&lab.two, 3, owner, new.clone()).await, Err(StoreError::OnFile("vehicle")));
    assert_eq!(add_vehicle(&lab.two, 4, CustomerId(4_711), new).await, Err(StoreError::NotFound("customer")));
    add_vehicle(&lab.two, 5, owner, NewVehicle::default()).await.unwrap();
    assert_eq!(lab.one.vehicles_of(owner).await.unwrap().len(), 2);
}

pub(in crate::store) async fn history_is_in_order_and_money_is_exact(open: fn(usize) -> Opening) {
    let lab = demonstrated(open).await;
    let maria = lab.two.customer_by_phone(&phone(101)).await.unwrap().unwrap();
    let all = lab.two.service_history(maria.id, 10).await.unwrap();
    let shown: Vec<_> = all.iter().map(|r| (r.work.as_str(), r.cost.map(|c| c.to_string()), r.mileage)).collect();
    let expected = [
        ("Oil change", Some("64.90".to_owned()), Some(145_100)),
        ("Brake service", Some("389.00".to_owned()), Some(139_800)),
    ];
    assert_eq!(shown, expected);
    assert_eq!(all[0].done_on, day("2026-06-05"));
    assert_eq!(all[0].next_due_on, Some(day("2026-12-02")));
    assert_eq!(lab.two.service_history(maria.id, 1).await.unwrap().len(), 1);
    assert_eq!(lab.count("SELECT CAST(sum(cost_cents) AS BIGINT) FROM service_history").await, 87_575);
}

pub(in crate::store) async fn every_field_of_an_appointment_comes_back(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let mut booking = by_new(1, at(15, 0), 45);
    let wanted = NewAppointment {
        concerns: Some("squeaks".into()),
        estimate: Some(Money::parse("1234567.89").unwrap()),
        ..booking.appointment
    };
    booking.appointment = wanted.clone();
    let result = book(&lab.one, 1, booking).await.unwrap();
    let id = AppointmentId(result["appointment"].as_i64().unwrap());
    let bay = BayId(result["bay"].as_i64().unwrap());
    let expected = Appointment {
        concerns: wanted.concerns,
        estimate: wanted.estimate,
        ..Appointment::new(id, customer(&lab.one, 1).await, "Oil change", at(15, 0), 45, bay)
    };
    assert_eq!(lab.two.appointment(id).await, Ok(Some(expected)));
    assert_eq!(lab.two.appointment(AppointmentId(4_711)).await, Ok(None));
    for minutes in [0, 1_441, u32::MAX] {
        let outcome = book(&lab.one, minutes as usize % 97 + 10, by_new(2, at(18, 0), minutes)).await;
        assert!(matches!(outcome, Err(StoreError::Refused(_))), "{minutes}: {outcome:?}");
    }
}

/// Chicago's clocks went back on 2026-11-01: half past one happened twice.
pub(in crate::store) async fn instants_are_the_same_on_both_sides_of_a_clock_change(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let (first, second) = (time("2026-11-01T01:30:00-05:00"), time("2026-11-01T01:30:00-06:00"));
    book(&lab.one, 1, by_new(1, first, 60)).await.unwrap();
    book(&lab.one, 2, by_new(1, second, 60)).await.unwrap();
    let found = lab.two.upcoming(customer(&lab.two, 1).await, DateTime::<Utc>::MIN_UTC).await.unwrap();
    assert_eq!(found.iter().map(|a| a.starts_at).collect::<Vec<_>>(), [first, second]);
}

pub(in crate::store) async fn a_message_is_taken_once(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let message = NewMessage { caller: Some(phone(1)), customer: None, name: None, text: " call me ".into() };
    for store in [&lab.one, &lab.two] {
        let action = Action::TakeMessage { message: message.clone(), render: Arc::new(|| json!("noted")) };
        assert_eq!(store.act(&effect(1, "message"), &Fence::open(), action).await, Ok(json!("noted")));
    }
    assert_eq!(lab.count("SELECT count(*) FROM messages WHERE body = 'call me'").await, 1);
}

pub(in crate::store) async fn the_journal_takes_an_event_once(open: fn(usize) -> Opening) {
    let lab = open(1).await;
    let event = |seq, kind, payload: &'static [u8]| JournalRow {
        call: effect(1, "").call,
        seq,
        at: time("2026-11-24T15:00:00.250Z") + TimeDelta::seconds(seq.cast_signed()),
        turn: TurnId(seq + 10),
        kind,
        payload: Bytes::from_static(payload),
    };
    let batch = [event(1, "heard", b"a"), event(2, "said", b"bc"), event(1, "again", b"again")];
    lab.one.append_events(&batch).await.unwrap();
    lab.one.append_events(&batch).await.unwrap();
    lab.two.append_events(&[event(2, "other", b"other"), event(3, "heard", b"d")]).await.unwrap();
    lab.one.append_events(&[]).await.unwrap();
    assert_eq!(lab.count("SELECT count(*) FROM call_events").await, 3);
    let exact = "SELECT count(*) FROM call_events WHERE turn = seq + 10 AND \
                 (seq = 1 AND kind = 'heard' AND length(payload) = 1 AND at = '2026-11-24T15:00:01.250Z' OR \
                  seq = 2 AND kind = 'said' AND length(payload) = 2 AND at = '2026-11-24T15:00:02.250Z' OR \
                  seq = 3 AND kind = 'heard' AND length(payload) = 1 AND at = '2026-11-24T15:00:03.250Z')";
    assert_eq!(lab.count(exact).await, 3);
}

pub(in crate::store) async fn a_call_is_one_line_whatever_arrives_first(open: fn(usize) -> Opening) {
    let lab = demonstrated(open).await;
    let maria = customer(&lab.one, 101).await;
    let call = |n| effect(n, "").call;
    let start = |n| CallRecord {
        call: call(n),
        direction: "inbound",
        caller: Some(phone(101)),
        customer: Some(maria),
        started_at: time("2026-11-24T15:00:00Z"),
    };
    let facts = CallFacts {
        summary: Some("Booked.".into()),
        intent: Some("book".into()),
        tools_used: vec!["book_appointment".into()],
        prompt_tokens: Some(5_000_000_000),
        completion_tokens: Some(20),
        latencies_ms: vec![800, 1_200],
        transferred_to: Some(phone(9)),
    };
    let end = CallEnd {
        ended_at: time("2026-11-24T15:02:00Z"),
        outcome: "hangup_by_caller",
        turns: 4,
        transcript: "Caller: hello".into(),
        facts,
        reminder: None,
    };
    lab.one.call_started(&start(1)).await.unwrap();
    lab.one.call_started(&start(1)).await.unwrap();
    lab.one.call_ended(&call(1), &end).await.unwrap();
    lab.two.call_ended(&call(2), &end).await.unwrap();
    lab.two.call_started(&start(2)).await.unwrap();
    let whole = "SELECT count(*) FROM call_logs WHERE status = 'ended' AND direction = 'inbound' AND turns = 4 \
                 AND caller = '+15555550101' AND customer_id IS NOT NULL AND transcript = 'Caller: hello' \
                 AND started_at = '2026-11-24T15:00:00Z' AND ended_at = '2026-11-24T15:02:00Z' \
                 AND summary = 'Booked.' AND intent = 'book' AND prompt_tokens = 5000000000 \
                 AND completion_tokens = 20 AND transferred_to = '+15555550009' \
                 AND CAST(latencies_ms AS TEXT) LIKE '[800,%1200]' \
                 AND CAST(tools_used AS TEXT) = '[\"book_appointment\"]'";
    assert_eq!(lab.count(whole).await, 2);
}

async fn demonstrated(open: fn(usize) -> Opening) -> Lab {
    let lab = open(1).await;
    lab.one.seed_demo(day("2026-11-22"), chrono_tz::America::Chicago).await.unwrap();
    lab
}

pub(in crate::store) async fn bays_follow_the_settings(open: fn(usize) -> Opening) {
    let lab = demonstrated(open).await;
    let named = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        ShopBay::list(&names, &["calendar-x".into()])
    };
    let (from, to) = (time("2026-11-01T00:00:00Z"), time("2026-12-20T00:00:00Z"));
    assert_eq!(lab.two.booked_between(from, to).await.unwrap().len(), 3);
    lab.one.sync_bays(&named(&["Lift", "Pit"])).await.unwrap();
    let bays = lab.two.bays().await.unwrap();
    let shown: Vec<_> = bays.iter().map(|b| (b.name.as_str(), b.calendar.as_deref())).collect();
    assert_eq!(shown, [("Lift", Some("calendar-x")), ("Pit", None)]);
    assert_eq!(lab.two.bay_count().await, Ok(2), "the old bay takes no more");
    assert_eq!(lab.count("SELECT count(*) FROM bays").await, 3, "and is kept for its appointments");
    assert_eq!(lab.two.booked_between(from, to).await.unwrap().len(), 0, "they take nothing from the other bays");
    lab.one.sync_bays(&named(&["Bay 1", "Pit"])).await.unwrap();
    assert_eq!(lab.count("SELECT count(*) FROM bays").await, 2, "what nothing refers to goes");
    assert_eq!(lab.two.booked_between(from, to).await.unwrap().len(), 3);
}

pub(in crate::store) async fn the_only_vehicle_is_taken_and_a_foreign_one_is_refused(open: fn(usize) -> Opening) {
    let lab = demonstrated(open).await;
    let (maria, james) = (customer(&lab.one, 101).await, customer(&lab.one, 102).await);
    let hers = lab.one.vehicles_of(maria).await.unwrap()[0].id;
    let his = lab.one.vehicles_of(james).await.unwrap()[1].id;
    let book = async |call: usize, who, vehicle| {
        let starts_at = at(0, 0) + chrono::Duration::days(30) + chrono::Duration::hours(call as i64);
        let wanted = NewAppointment { vehicle, ..appointment(starts_at, 30) };
        let customer = BookingCustomer::OnFile(who);
        let booking = Booking { customer, appointment: wanted, avoid: Vec::new(), text: false };
        let render: Render = Arc::new(|a, _| json!(a.vehicle));
        lab.two.book(&effect(call, "book"), &Fence::open(), booking, render).await
    };
    assert_eq!(book(1, maria, None).await, Ok(json!(hers)));
    assert_eq!(book(2, james, None).await, Ok(Value::Null), "he has two");
    assert_eq!(book(3, james, Some(his)).await, Ok(json!(his)));
    assert_eq!(book(4, james, Some(hers)).await, Err(StoreError::NotFound("vehicle")));
    let all = lab.one.appointments_of(james).await.unwrap();
    assert_eq!(all.len(), 3, "the demonstration's and two");
    assert!(all.is_sorted_by_key(|a| a.starts_at));
}

pub(in crate::store) async fn the_demonstration_is_added_once(open: fn(usize) -> Opening) {
    let lab = demonstrated(open).await;
    let totals = "SELECT (SELECT count(*) FROM customers) * 10000 + (SELECT count(*) FROM vehicles) * 1000 \
                  + (SELECT count(*) FROM appointments) * 100 + (SELECT count(*) FROM service_history)";
    let before = lab.count(totals).await;
    assert_eq!(before, 66_306, "6 customers, 6 vehicles, 3 appointments, 6 works");
    lab.two.seed_demo(day("2026-11-22"), chrono_tz::America::Chicago).await.unwrap();
    assert_eq!(lab.count(totals).await, before);
    let local = "SELECT count(*) FROM appointments WHERE starts_at = '2026-11-24T15:00:00Z'";
    assert_eq!(lab.count(local).await, 1, "nine in the morning in Chicago");
}

pub(in crate::store) async fn a_workshop_for_trials_is_added_once(open: fn(usize) -> Opening) {
    let lab = demonstrated(open).await;
    let plan = SeedPlan { customers: 1_200, seed: 7, today: day("2026-11-22"), shop: Shop::default() };
    let seeded = lab.one.seed(&plan).await.unwrap();
    assert_eq!((seeded.customers, seeded.appointments), (1_200, 600));
    assert!(seeded.vehicles > 1_000 && seeded.works > seeded.vehicles, "{seeded:?}");
    assert_eq!(lab.count("SELECT count(*) FROM customers WHERE search_name LIKE ' %'").await, 1_206);
    let coming = lab.two.booked_between(at(0, 0), at(24 * 90, 0)).await.unwrap();
    assert!(coming.len() > 200, "{}", coming.len());
    assert_eq!(lab.two.seed(&plan).await, Ok(Seeded::default()), "all are there already");
}

pub(in crate::store) async fn requests_that_are_given_up_leave_a_booking_with_its_effect_or_nothing(
    open: fn(usize) -> Opening,
) {
    let lab = open(1).await;
    let mut tasks = Vec::new();
    for n in 0..60_usize {
        let store = Arc::clone(&lab.one);
        let starts_at = at(0, 0) + chrono::Duration::hours(n as i64);
        tasks.push(tokio::spawn(async move { book(&store, n, by_new(1, starts_at, 30)).await }));
        for _ in 0..n {
            tokio::task::yield_now().await;
        }
        // An earlier one, wherever it stands.
        tasks[n / 2].abort();
    }
    for task in tasks {
        let _ = task.await;
    }
    book(&lab.two, 100, by_new(1, at(100, 0), 30)).await.unwrap();
    let whole = "SELECT abs((SELECT count(*) FROM effects) - (SELECT count(*) FROM appointments)) \
                 + abs((SELECT count(*) FROM outbox) - (SELECT count(*) FROM appointments))";
    assert_eq!(lab.count(whole).await, 0);
    let kept = lab.count("SELECT count(*) FROM appointments").await;
    assert!(kept >= 30, "the later half was not given up");
}
