//! Google Calendar through its adapter and through the engine, against the simulated one.

use chrono::{DateTime, TimeDelta, Utc};
use otto::vendors::google::{ChannelToken, GoogleAccess, GoogleCalendar, GoogleShop};
use otto_actors::domain::{AppointmentId, BayId, BookedTime};
use otto_actors::ports::{BusyTimes, Calendar as _, CalendarError, CalendarEvent, EventNow, Put, VendorErrorKind};
use otto_sim::google_calendar::{CLIENT_ID, CLIENT_SECRET, CalendarFault, REFRESH_TOKEN};
use otto_sim::{Seed, When, World, WorldSettings};
use serde_json::{Value, json};

use crate::discovery;
use crate::support::{MARIA, Tweaks, Workshop, listen, say};

const BAY_1: &str = "bay1@group.calendar.google.com";
const BAY_2: &str = "bay2@group.calendar.google.com";
/// The id of the event of appointment 42.
const EVENT_42: &str = "otto000000000000002a";

struct Bench {
    world: World,
    calendar: GoogleCalendar,
}

impl Bench {
    async fn new(seed: u64) -> Self {
        Self::notified(seed, None).await
    }

    async fn notified(seed: u64, notify: Option<&str>) -> Self {
        println!("seed {seed}");
        let world = World::start(WorldSettings::quick(Seed(seed))).await.expect("a world");
        let bays = vec![(BayId(1), BAY_1.into()), (BayId(2), BAY_2.into())];
        Self { calendar: open(&world, bays, notify), world }
    }

    /// The same Google for other bays.
    fn open(&self, bays: Vec<(BayId, String)>) -> GoogleCalendar {
        open(&self.world, bays, None)
    }

    fn fault(&self, fault: CalendarFault, when: When) {
        self.world.calendar.knobs().inject(fault, when);
    }

    fn event(&self, calendar: &str) -> Value {
        self.world.calendar.event(calendar, EVENT_42).expect("the event")
    }

    /// Requests so far, such as `POST 409`, the token's left out.
    fn answers(&self) -> Vec<String> {
        let all = self.world.calendar.requests().all();
        let api = all.iter().filter(|request| request.line != "POST /token");
        api.map(|r| format!("{} {}", r.line.split(' ').next().unwrap_or(""), r.status)).collect()
    }

    fn token_requests(&self) -> usize {
        self.world.calendar.requests().all().iter().filter(|request| request.line == "POST /token").count()
    }

    async fn busy(&self) -> Result<BusyTimes, CalendarError> {
        self.calendar.busy(at("2026-12-01T00:00:00Z"), at("2026-12-08T00:00:00Z")).await
    }

    /// The end of every test: all requests were as the vendor describes them.
    async fn close(self) {
        discovery::check(&self.world.calendar.requests().all());
        self.world.shutdown().await;
    }
}

fn open(world: &World, bays: Vec<(BayId, String)>, notify: Option<&str>) -> GoogleCalendar {
    let env = world.env();
    let url = |name: &str| env.iter().find(|(key, _)| key == name).expect("set").1.parse().expect("a URL");
    let access = GoogleAccess {
        client_id: CLIENT_ID.into(),
        client_secret: CLIENT_SECRET.into(),
        refresh_token: REFRESH_TOKEN.into(),
        api_url: url("GOOGLE_API_URL"),
        token_url: url("GOOGLE_TOKEN_URL"),
    };
    let address = "123 Main Street, Springfield".into();
    let shop = GoogleShop { bays, zone: chrono_tz::America::Chicago, address };
    let notify = notify.map(|text| text.parse().expect("a URL"));
    GoogleCalendar::new(access, shop, notify).expect("TLS")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn appointment(version: i64, bay: i64, starts_at: &str) -> CalendarEvent {
    CalendarEvent {
        appointment: AppointmentId(42),
        version,
        bay: BayId(bay),
        starts_at: at(starts_at),
        ends_at: at(starts_at) + TimeDelta::minutes(30),
        service: "Oil change".into(),
        customer: "A Customer".into(),
        vehicle: Some("2003 Honda Accord".into()),
        concerns: None,
        email: Some("customer@example.com".into()),
    }
}

const NINE: &str = "2026-12-01T15:00:00Z";
const TEN: &str = "2026-12-01T16:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn an_event_says_all_that_the_shop_needs() {
    let bench = Bench::new(2101).await;
    assert_eq!(bench.calendar.put(&appointment(1, 1, NINE)).await, Ok(Put::Written));
    let event = bench.event(BAY_1);
    for (field, expected) in [
        ("summary", json!("Oil change - A Customer")),
        ("description", json!("2003 Honda Accord")),
        ("location", json!("123 Main Street, Springfield")),
        ("start", json!({"dateTime": "2026-12-01T09:00:00-06:00", "timeZone": "America/Chicago"})),
        ("end", json!({"dateTime": "2026-12-01T09:30:00-06:00", "timeZone": "America/Chicago"})),
        ("attendees", json!([{"email": "customer@example.com"}])),
        ("extendedProperties", json!({"private": {"appointment_id": "42", "version": "1"}})),
    ] {
        assert_eq!(event[field], expected, "{field}");
    }
    let insert = bench.world.calendar.requests().last().expect("a request");
    assert_eq!(insert.query, "sendUpdates=all", "the customer is invited");
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_makes_no_second_event() {
    let bench = Bench::new(2102).await;
    bench.fault(CalendarFault::LostAnswer, When::Next(1));
    let lost = bench.calendar.put(&appointment(1, 1, NINE)).await;
    assert!(matches!(&lost, Err(CalendarError::Away(error)) if error.kind == VendorErrorKind::TimedOut), "{lost:?}");
    assert_eq!(bench.calendar.put(&appointment(1, 1, NINE)).await, Ok(Put::Written));
    assert_eq!(bench.world.calendar.events(BAY_1).len(), 1);
    assert_eq!(bench.answers(), ["POST 409", "GET 200"], "found as it should be");
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_replaces_and_an_older_one_does_not() {
    let bench = Bench::new(2103).await;
    bench.calendar.put(&appointment(1, 1, NINE)).await.expect("written");
    let etag = bench.event(BAY_1)["etag"].as_str().map(str::to_owned);
    assert_eq!(bench.calendar.put(&appointment(3, 1, TEN)).await, Ok(Put::Written));
    let patch = bench.world.calendar.requests().all().into_iter().find(|r| r.line.starts_with("PATCH"));
    assert_eq!(patch.expect("a patch").if_match, etag);
    assert_eq!(bench.calendar.put(&appointment(2, 1, NINE)).await, Ok(Put::NewerThere));
    assert_eq!(bench.event(BAY_1)["start"]["dateTime"], "2026-12-01T10:00:00-06:00");
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_changes_meanwhile_is_looked_at_again() {
    let bench = Bench::new(2104).await;
    bench.calendar.put(&appointment(1, 1, NINE)).await.expect("written");
    // The first request of a change is the look at the event, the second is the change.
    bench.fault(CalendarFault::Slow(1), When::Next(1));
    bench.fault(CalendarFault::Status(412, "conditionNotMet"), When::Next(1));
    assert_eq!(bench.calendar.put(&appointment(2, 1, TEN)).await, Ok(Put::Written));
    assert_eq!(bench.answers()[1..5], ["GET 200", "PATCH 412", "GET 200", "PATCH 200"]);
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_is_in_one_bay_and_comes_back() {
    let bench = Bench::new(2105).await;
    let where_it_is = || [BAY_1, BAY_2].map(|bay| bench.world.calendar.events(bay).len());
    for (version, bay, expected) in [(1, 1, [1, 0]), (2, 2, [0, 1]), (3, 1, [1, 0])] {
        bench.calendar.put(&appointment(version, bay, NINE)).await.expect("written");
        assert_eq!(where_it_is(), expected, "version {version}");
    }
    for _ in 0..2 {
        bench.calendar.remove(AppointmentId(42)).await.expect("gone, or gone already");
        assert_eq!(where_it_is(), [0, 0]);
    }
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_inside_a_good_answer_are_unknown_and_never_free() {
    let bench = Bench::new(2106).await;
    bench.world.calendar.add_busy(BAY_2, NINE, TEN);
    let busy = BookedTime { bay: BayId(2), starts_at: at(NINE), ends_at: at(TEN) };
    assert_eq!(bench.busy().await, Ok(BusyTimes { taken: vec![busy], unknown: vec![] }));
    bench.fault(CalendarFault::FreeBusyErrors, When::Next(2));
    assert_eq!(bench.busy().await, Ok(BusyTimes { taken: vec![], unknown: vec![BayId(1), BayId(2)] }));
    assert!(matches!(bench.calendar.check().await, Err(CalendarError::NoAccess(_))));
    assert_eq!(bench.calendar.check().await, Ok(()));
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_what_is_to_be_done() {
    let bench = Bench::new(2107).await;
    for (fault, expected) in [
        (CalendarFault::Status(403, "userRateLimitExceeded"), "away 0"),
        (CalendarFault::Status(403, "quotaExceeded"), "away 600"),
        (CalendarFault::Limited(7), "away 7"),
        (CalendarFault::Status(500, "backendError"), "away 0"),
        (CalendarFault::Status(403, "insufficientPermissions"), "no access 0"),
        (CalendarFault::Status(404, "notFound"), "no access 0"),
        (CalendarFault::Status(400, "invalid"), "refused 0"),
    ] {
        bench.fault(fault.clone(), When::Next(1));
        let error = bench.calendar.put(&appointment(1, 1, NINE)).await.expect_err("a refusal");
        let what = match &error {
            CalendarError::Away(_) => "away",
            CalendarError::NoAccess(_) => "no access",
            CalendarError::Refused(_) => "refused",
        };
        let wait = error.vendor().retry_after.unwrap_or_default().as_secs();
        assert_eq!(format!("{what} {wait}"), expected, "{fault:?}");
    }
    assert!(bench.world.calendar.events(BAY_1).is_empty());
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_answer_is_not_asked_again_and_again() {
    let bench = Bench::new(2108).await;
    bench.fault(CalendarFault::Status(503, "backendError"), When::Always);
    for _ in 0..20 {
        bench.busy().await.expect_err("an outage");
    }
    assert_eq!(bench.answers().len(), 5, "the breaker is open");
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_serves_all_and_is_renewed() {
    let bench = Bench::new(2109).await;
    let (a, b, c) = tokio::join!(bench.busy(), bench.busy(), bench.busy());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(bench.token_requests(), 1, "single flight");
    bench.fault(CalendarFault::TokenVoid, When::Next(1));
    assert!(bench.busy().await.is_ok(), "a void token is replaced at once");
    assert_eq!(bench.token_requests(), 2);
    bench.close().await;
    let bench = Bench::new(2110).await;
    bench.world.calendar.knobs().update(|settings| settings.token_life_s = 0);
    for count in 1..=3 {
        assert!(bench.busy().await.is_ok());
        assert_eq!(bench.token_requests(), count, "a token at its end is not used");
    }
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_grant_is_final_and_google_is_left_alone() {
    let bench = Bench::new(2111).await;
    bench.fault(CalendarFault::TokenStatus(503), When::Next(1));
    assert!(matches!(bench.busy().await, Err(CalendarError::Away(_))), "trouble of the token endpoint passes");
    bench.fault(CalendarFault::InvalidGrant, When::Always);
    for _ in 0..5 {
        let error = bench.busy().await.expect_err("no access");
        assert_eq!(error.to_string(), "no access: google-calendar: rejected: token: HTTP 400 invalid_grant");
    }
    assert_eq!((bench.token_requests(), bench.answers().len()), (2, 0));
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_change_comes_back_by_increments() {
    let bench = Bench::new(2112).await;
    bench.world.calendar.knobs().update(|settings| settings.page_events = 2);
    for hour in 10..15 {
        bench.world.calendar.add_busy(
            BAY_1,
            &format!("2026-12-02T{hour}:00:00Z"),
            &format!("2026-12-02T{hour}:30:00Z"),
        );
    }
    bench.calendar.put(&appointment(1, 1, NINE)).await.expect("written");
    let first = bench.calendar.changes(BayId(1), None).await.expect("a list");
    assert!(first.full && first.events.len() == 1, "others' events are left out: {first:?}");

    let later =
        json!({"start": {"dateTime": "2026-12-01T13:00:00-06:00"}, "end": {"dateTime": "2026-12-01T14:00:00-06:00"}});
    assert!(bench.world.calendar.edit(BAY_1, EVENT_42, &later));
    let moved = bench.calendar.changes(BayId(1), Some(&first.token)).await.expect("a list");
    let planned = EventNow::Planned { starts_at: at("2026-12-01T19:00:00Z"), ends_at: at("2026-12-01T20:00:00Z") };
    let change = &moved.events[0];
    assert_eq!((change.appointment, change.version, change.now), (AppointmentId(42), Some(1), planned));
    assert!(!moved.full && moved.events.len() == 1);

    assert!(bench.world.calendar.cancel(BAY_1, EVENT_42));
    let gone = bench.calendar.changes(BayId(1), Some(&moved.token)).await.expect("a list");
    assert_eq!(gone.events.iter().map(|change| change.now).collect::<Vec<_>>(), [EventNow::Cancelled]);
    assert!(bench.calendar.changes(BayId(1), Some(&gone.token)).await.expect("a list").events.is_empty());

    bench.world.calendar.forget_syncs();
    let again = bench.calendar.changes(BayId(1), Some(&gone.token)).await.expect("a full list");
    assert!(again.full && again.events.len() == 1, "deleted events are in a full list too: {again:?}");
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_found_in_whichever_calendar_it_is() {
    let mut bench = Bench::new(2117).await;
    let find = async |bench: &Bench| {
        let found = bench.calendar.find(AppointmentId(42)).await;
        found.map(|found| found.map(|change| (change.bay, change.version, change.now)))
    };
    let planned = |from| EventNow::Planned { starts_at: at(from), ends_at: at(from) + TimeDelta::minutes(30) };
    assert_eq!(find(&bench).await, Ok(None), "it was never there");
    bench.calendar.put(&appointment(1, 1, NINE)).await.expect("written");
    assert_eq!(find(&bench).await, Ok(Some((BayId(1), Some(1), planned(NINE)))));
    assert!(bench.world.calendar.move_to(BAY_1, BAY_2, EVENT_42));
    assert_eq!(find(&bench).await, Ok(Some((BayId(2), Some(1), planned(NINE)))), "with the version that Otto wrote");
    bench.fault(CalendarFault::LostAnswer, When::Next(1));
    let lost = find(&bench).await;
    assert!(matches!(lost, Err(CalendarError::Away(_))), "half of the calendars say nothing: {lost:?}");
    bench.calendar.put(&appointment(2, 1, TEN)).await.expect("written");
    assert_eq!(find(&bench).await, Ok(Some((BayId(1), Some(2), planned(TEN)))), "put back where Otto has it");
    assert!(bench.world.calendar.cancel(BAY_1, EVENT_42));
    assert_eq!(find(&bench).await, Ok(None), "deleted");
    bench.calendar = bench.open(vec![(BayId(1), BAY_1.into()), (BayId(3), "shut@group.calendar.google.com".into())]);
    let shut = find(&bench).await;
    assert!(matches!(shut, Err(CalendarError::NoAccess(_))), "it may be where Otto is not let in: {shut:?}");
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn google_is_asked_once_to_announce_changes() {
    let address = "https://otto.example/api/v1/webhooks/calendar/notification";
    let bench = Bench::notified(2113, Some(address)).await;
    for _ in 0..2 {
        bench.calendar.changes(BayId(1), None).await.expect("a list");
    }
    let requests = bench.world.calendar.requests().all();
    let watches: Vec<_> = requests.iter().filter(|request| request.line.ends_with("/events/watch")).collect();
    assert_eq!((watches.len(), &watches[0].body["address"]), (1, &json!(address)));
    assert!(ChannelToken::of(&CLIENT_SECRET.into()).is(watches[0].body["token"].as_str().expect("a token")));
    assert!(!watches[0].body.to_string().contains(CLIENT_SECRET));
    bench.close().await;
}

/// An engine whose bay has a calendar.
async fn workshop(seed: u64) -> Workshop {
    let variables = vec![
        ("GOOGLE_CLIENT_ID", CLIENT_ID),
        ("GOOGLE_CLIENT_SECRET", CLIENT_SECRET),
        ("GOOGLE_REFRESH_TOKEN", REFRESH_TOKEN),
        ("GOOGLE_CALENDAR_IDS", BAY_1),
    ];
    let tweaks = Tweaks { variables, ..Tweaks::default() };
    Workshop::open_with(seed, tweaks, otto_sim::openai::Receptionist).await
}

/// What Otto says when Maria asks for Tuesday.
async fn asks_for_tuesday(workshop: &Workshop) -> String {
    let steps = vec![listen(), say("Hi, I need an oil change on Tuesday."), listen()];
    workshop.call(MARIA, steps).await.heard_text()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_offered_what_is_free_in_both() {
    let workshop = workshop(2114).await;
    // Tuesday in Springfield, from nine to three.
    workshop.world.calendar.add_busy(BAY_1, "2026-11-24T15:00:00Z", "2026-11-24T21:00:00Z");
    let heard = asks_for_tuesday(&workshop).await;
    assert!(heard.contains("three o'clock") && !heard.contains("nine o'clock"), "{heard}");
    discovery::check(&workshop.world.calendar.requests().all());
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_in_trouble_is_seen_by_operators_and_not_by_callers() {
    let workshop = workshop(2115).await;
    let health = async || {
        let answer = reqwest::get(workshop.url("/health/calendar")).await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON")["status"].clone())
    };
    assert_eq!(health().await, (200, json!("ok")));
    workshop.world.calendar.knobs().inject(CalendarFault::Status(500, "backendError"), When::Always);
    assert_eq!(health().await, (503, json!("away")));
    let heard = asks_for_tuesday(&workshop).await;
    assert!(heard.contains("nine o'clock"), "answered from the database: {heard}");
    workshop.world.calendar.knobs().heal();
    workshop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_prove_themselves() {
    let workshop = workshop(2116).await;
    let token = ChannelToken::of(&CLIENT_SECRET.into());
    for (token, expected) in [(token.expose(), 200), ("a guess", 403)] {
        let request = reqwest::Client::new().post(workshop.url("/api/v1/webhooks/calendar/notification"));
        let request = request.header("X-Goog-Channel-Token", token).header("X-Goog-Resource-State", "exists");
        assert_eq!(request.send().await.expect("an answer").status(), expected);
    }
    workshop.close().await;
}
