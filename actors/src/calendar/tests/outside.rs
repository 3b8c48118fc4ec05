//! The calendar outside: what it adds to the free times, how the outbox reaches it, and what comes back from it.

use std::time::Duration;

use chrono::TimeDelta;

use super::*;
use crate::domain::{AppointmentStatus, BookedTime};
use crate::ports::{CalendarChange, CalendarEvent, CalendarJob, CalendarRow, CalendarWork, EventNow, Settled, Tell};
use crate::testing::calendar::{FakeCalendar, FakeRecords, away, locked_out, refused};

struct Bench {
    store: Arc<FakeStore>,
    calendar: Arc<FakeCalendar>,
    records: Arc<FakeRecords>,
    actor: Mailbox<CalendarMsg>,
}

impl Bench {
    async fn new() -> Self {
        Self::with(FakeRecords::default(), |_| {}).await
    }

    async fn with(records: FakeRecords, prepare: impl FnOnce(&FakeCalendar)) -> Self {
        let (calendar, records) = (Arc::<FakeCalendar>::default(), Arc::new(records));
        prepare(&calendar);
        let outside = CalendarOutside { calendar: calendar.clone(), records: records.clone(), tell: Tell::Nothing };
        let store = Arc::<FakeStore>::default();
        let args = CalendarArgs {
            store: store.clone(),
            shop: Arc::new(Shop::default()),
            clock: Arc::new(FakeClock::monday_morning()),
            outside: Some(outside),
        };
        let actor = actor::spawn(CalendarActor, args, None).await.unwrap();
        calendar
            .asked
            .until("the first look for changes", |asked| asked.iter().any(|l| l.starts_with("changes")))
            .await;
        Self { store, calendar, records, actor }
    }

    /// The free times of Tuesday, and how long the answer took.
    async fn tuesday(&self) -> (Vec<String>, Duration) {
        self.tuesday_but_for(None).await
    }

    /// The same for the move of an appointment.
    async fn tuesday_but_for(&self, id: Option<i64>) -> (Vec<String>, Duration) {
        let (asked, but_for) = (Instant::now(), id.map(AppointmentId));
        let date = "2026-11-24".parse().unwrap();
        let ask = |reply_to| CalendarMsg::FreeOn { date, minutes: 60, but_for, reply_to };
        let free = self.actor.ask(limits::READ_TIMEOUT_MS, ask).await.unwrap().unwrap();
        (free.iter().map(|at| at.format("%H:%M").to_string()).collect(), asked.elapsed())
    }

    async fn busy_bays(&self, from: &str, to: &str, but_for: Option<i64>) -> Vec<BayId> {
        let (from, to, but_for) = (from.parse().unwrap(), to.parse().unwrap(), but_for.map(AppointmentId));
        let ask = |reply_to| CalendarMsg::BusyBays { from, to, but_for, reply_to };
        self.actor.ask(ms(100), ask).await.unwrap()
    }

    /// Questions for busy times so far.
    fn questions(&self) -> usize {
        self.calendar.asked.all().iter().filter(|line| line.starts_with("busy")).count()
    }

    fn add(&self, row: i64, appointment: i64, version: i64, work: CalendarWork) {
        let appointment = AppointmentId(appointment);
        self.records.add(CalendarJob { row: CalendarRow(row), appointment, version, attempts: 0, work });
        self.actor.cast(CalendarMsg::OutboxFilled).unwrap();
    }

    async fn written(&self, count: usize) -> Vec<String> {
        self.calendar.written.until("deliveries", |written| written.len() >= count).await;
        self.calendar.written.all()
    }
}

fn busy(from: &str, to: &str) -> BookedTime {
    BookedTime { bay: BayId(1), starts_at: from.parse().unwrap(), ends_at: to.parse().unwrap() }
}

fn put(appointment: i64, version: i64) -> CalendarWork {
    let starts_at: DateTime<Utc> = "2026-11-24T15:00:00Z".parse().unwrap();
    CalendarWork::Put(Box::new(CalendarEvent {
        appointment: AppointmentId(appointment),
        version,
        bay: BayId(1),
        starts_at,
        ends_at: starts_at + TimeDelta::minutes(30),
        service: "Oil change".into(),
        customer: "A customer".into(),
        vehicle: None,
        concerns: None,
        email: None,
    }))
}

const ALL_TUESDAY: [&str; 12] =
    ["09:00", "09:30", "10:00", "10:30", "11:00", "13:00", "13:30", "14:00", "14:30", "15:00", "15:30", "16:00"];

#[tokio::test(start_paused = true)]
async fn what_the_calendar_has_is_not_offered_and_it_is_asked_once() {
    let bench = Bench::with(FakeRecords::default(), |calendar| {
        calendar.change(|c| {
            c.busy.taken = vec![busy("2026-11-24T15:00:00Z", "2026-11-24T21:00:00Z")];
            c.takes = ms(200);
        });
    })
    .await;
    let answers = tokio::join!(bench.tuesday(), bench.tuesday(), bench.tuesday());
    for (free, took) in [answers.0, answers.1, answers.2] {
        assert_eq!(free, ["15:00", "15:30", "16:00"]);
        assert_eq!(took, ms(200));
    }
    assert_eq!(bench.questions(), 1, "one question for all");
    tokio::time::advance(limits::BUSY_KEPT_MS - ms(500)).await;
    assert_eq!((bench.tuesday().await.1, bench.questions()), (ms(0), 1), "still believed");
    tokio::time::advance(ms(500)).await;
    assert_eq!((bench.tuesday().await.1, bench.questions()), (ms(200), 2));
}

#[tokio::test(start_paused = true)]
async fn a_calendar_that_does_not_answer_costs_a_moment_and_frees_nothing() {
    let bench = Bench::with(FakeRecords::default(), |_| {}).await;
    bench.calendar.change(|c| c.takes = Duration::from_secs(60));
    assert_eq!(bench.tuesday().await, (ALL_TUESDAY.map(str::to_owned).to_vec(), limits::BUSY_WAIT_MS));
    // Fourteen days of a full search are no more patient than one.
    let asked = Instant::now();
    let ask = |reply_to| CalendarMsg::NextFree {
        from: "2026-11-23".parse().unwrap(),
        minutes: 60,
        count: 1_000,
        but_for: None,
        reply_to,
    };
    bench.actor.ask(limits::READ_TIMEOUT_MS, ask).await.unwrap().unwrap();
    assert_eq!(asked.elapsed(), limits::BUSY_WAIT_MS);
}

#[tokio::test(start_paused = true)]
async fn failing_and_not_knowing_leave_the_databases_answer() {
    let bench = Bench::new().await;
    bench.calendar.change(|c| c.fails = Some((1, away)));
    assert_eq!(bench.tuesday().await, (ALL_TUESDAY.map(str::to_owned).to_vec(), ms(0)));
    bench.calendar.change(|c| c.busy.unknown = vec![BayId(1)]);
    assert_eq!(bench.tuesday().await.0, ALL_TUESDAY);
    assert_eq!(bench.questions(), 2, "a failure is not kept");
}

#[tokio::test(start_paused = true)]
async fn a_booking_hears_which_bays_to_avoid() {
    let bench = Bench::new().await;
    bench.calendar.change(|c| c.busy.taken = vec![busy("2026-11-24T15:00:00Z", "2026-11-24T16:00:00Z")]);
    for (from, to, expected) in [
        ("2026-11-24T15:30:00Z", "2026-11-24T16:30:00Z", vec![BayId(1)]),
        ("2026-11-24T16:00:00Z", "2026-11-24T16:30:00Z", vec![]),
    ] {
        assert_eq!(bench.busy_bays(from, to, None).await, expected, "{from}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_appointment_is_not_in_the_way_of_its_own_move() {
    let bench = Bench::new().await;
    let all = [on_file(7, AppointmentStatus::Confirmed), on_file(8, AppointmentStatus::Cancelled)];
    bench.store.change(|records| records.appointments = all.to_vec());
    // From nine to ten it is the appointment's own event, from ten to eleven something else; the calendar joins them.
    bench.calendar.change(|c| c.busy.taken = vec![busy("2026-11-24T15:00:00Z", "2026-11-24T17:00:00Z")]);
    let after_eleven = &ALL_TUESDAY[4..];
    for id in [None, Some(8), Some(4_711)] {
        assert_eq!(bench.tuesday_but_for(id).await.0, after_eleven, "{id:?}");
    }
    assert_eq!(bench.tuesday_but_for(Some(7)).await.0, [&["09:00"], after_eleven].concat());
    for (from, to, but_for, expected) in [
        ("2026-11-24T15:00:00Z", "2026-11-24T15:30:00Z", None, vec![BayId(1)]),
        ("2026-11-24T15:00:00Z", "2026-11-24T16:00:00Z", Some(7), vec![]),
        ("2026-11-24T15:30:00Z", "2026-11-24T16:30:00Z", Some(7), vec![BayId(1)]),
    ] {
        assert_eq!(bench.busy_bays(from, to, but_for).await, expected, "{from} {but_for:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_booked_reaches_the_calendar_and_is_seen_there_at_once() {
    let bench = Bench::new().await;
    assert_eq!(bench.tuesday().await.0, ALL_TUESDAY);
    bench.calendar.change(|c| c.busy.taken = vec![busy("2026-11-24T15:00:00Z", "2026-11-24T16:00:00Z")]);
    bench.add(1, 7, 1, put(7, 1));
    assert_eq!(bench.written(1).await, ["put 7 v1"]);
    bench.records.settled.until("settled", |settled| settled == [(CalendarRow(1), Settled::Delivered)]).await;
    tokio::task::yield_now().await;
    assert_eq!(bench.tuesday().await.0, ALL_TUESDAY[2..], "busy times from before are not believed");
}

#[tokio::test(start_paused = true)]
async fn a_calendar_that_is_away_delays_and_loses_nothing() {
    for (error, count) in [(away as fn() -> _, 4), (locked_out, 4)] {
        let bench = Bench::new().await;
        bench.calendar.change(|c| c.fails = Some((count, error)));
        let began = Instant::now();
        bench.add(1, 7, 1, put(7, 1));
        assert_eq!(bench.written(1).await, ["put 7 v1"]);
        // 1 + 2 + 4 + 8 seconds, each up to a fifth longer and noticed within a second.
        let took = began.elapsed();
        assert!(took >= Duration::from_secs(15) && took <= Duration::from_secs(22), "{took:?}");
        assert_eq!(bench.records.settled.len(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_put_aside_and_holds_nothing_up() {
    let bench = Bench::new().await;
    bench.calendar.change(|c| c.fails = Some((1, refused)));
    bench.add(1, 7, 1, put(7, 1));
    bench.records.settled.until("put aside", |s| matches!(s.last(), Some((_, Settled::Parked(_))))).await;
    bench.add(2, 8, 1, put(8, 1));
    assert_eq!(bench.written(1).await, ["put 8 v1"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_is_settled_without_asking() {
    let bench = Bench::new().await;
    bench.add(1, 7, 1, CalendarWork::Leave);
    bench.records.settled.until("settled", |settled| settled == [(CalendarRow(1), Settled::Delivered)]).await;
    assert_eq!(bench.calendar.written.all(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_older_version_never_comes_after_a_newer_one() {
    let bench = Bench::with(FakeRecords::careless(), |_| {}).await;
    bench.calendar.change(|c| c.takes = ms(100));
    bench.add(1, 7, 1, put(7, 1));
    bench.add(2, 7, 2, put(7, 2));
    bench.add(3, 7, 3, CalendarWork::Remove);
    bench.records.settled.until("all settled", |settled| settled.len() == 3).await;
    assert_eq!(bench.calendar.written.all(), ["remove 7"]);
}

#[tokio::test(start_paused = true)]
async fn many_rows_are_delivered_a_few_at_a_time() {
    let bench = Bench::new().await;
    bench.calendar.change(|c| c.takes = ms(1_000));
    let began = Instant::now();
    (1..=40).for_each(|n| bench.add(n, n, 1, put(n, 1)));
    bench.written(40).await;
    let rounds = u32::try_from(40 / limits::OUTBOX_CONCURRENCY).unwrap();
    assert!(began.elapsed() >= ms(1_000) * rounds, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_dies_with_a_row_gives_it_back() {
    let bench = Bench::new().await;
    bench.calendar.change(|c| c.takes = Duration::from_secs(10));
    bench.add(1, 7, 1, put(7, 1));
    bench.calendar.asked.until("the delivery begins", |asked| asked.iter().any(|line| line == "put 7 v1")).await;
    bench.actor.kill();
    let outside =
        CalendarOutside { calendar: bench.calendar.clone(), records: bench.records.clone(), tell: Tell::Nothing };
    let (store, shop) = (Arc::new(FakeStore::default()), Arc::new(Shop::default()));
    let args = CalendarArgs { store, shop, clock: Arc::new(LaterClock), outside: Some(outside) };
    let _next = actor::spawn(CalendarActor, args, None).await.unwrap();
    assert_eq!(bench.written(1).await, ["put 7 v1"]);
}

/// Another node's clock, when the lease is over.
struct LaterClock;

impl Clock for LaterClock {
    fn now(&self) -> DateTime<Utc> {
        FakeClock::monday_morning().now()
            + TimeDelta::from_std(limits::OUTBOX_LEASE_MS).unwrap()
            + TimeDelta::minutes(1)
    }
}

const AT_TEN: EventNow = EventNow::Planned {
    starts_at: DateTime::from_timestamp(1_795_536_000, 0).unwrap(),
    ends_at: DateTime::from_timestamp(1_795_539_600, 0).unwrap(),
};

fn change(appointment: i64, bay: i64, now: EventNow) -> CalendarChange {
    let (appointment, bay) = (AppointmentId(appointment), BayId(bay));
    CalendarChange { appointment, bay, version: Some(1), etag: "\"2\"".into(), updated: None, now }
}

#[tokio::test(start_paused = true)]
async fn changes_come_in_by_notice_and_by_themselves_and_the_token_goes_on() {
    let bench = Bench::new().await;
    let change = change(7, 1, AT_TEN);
    bench.calendar.change(|c| c.changes = vec![change.clone()]);
    bench.actor.cast(CalendarMsg::OutsideChanged).unwrap();
    bench.records.applied.until("the change", |applied| applied == [change.clone()]).await;
    bench.calendar.asked.until("its token", |asked| asked.iter().any(|line| line == "changes since t1")).await;
    let began = Instant::now();
    bench.calendar.asked.until("the next look", |asked| asked.iter().any(|line| line == "changes since t2")).await;
    assert!(began.elapsed() >= limits::CALENDAR_SYNC_EVERY_MS);
}

#[tokio::test(start_paused = true)]
async fn changes_that_cannot_be_read_come_again() {
    let bench = Bench::new().await;
    bench.calendar.change(|c| c.fails = Some((1, away)));
    bench.actor.cast(CalendarMsg::OutsideChanged).unwrap();
    let tried_twice = |asked: &[String]| asked.iter().filter(|line| *line == "changes since t1").count() == 2;
    bench.calendar.asked.until("the same token again", tried_twice).await;
}

/// An appointment on file, in bay 1.
fn on_file(id: i64, status: AppointmentStatus) -> Appointment {
    let at = "2026-11-24T15:00:00Z".parse().unwrap();
    Appointment { status, ..Appointment::new(AppointmentId(id), CustomerId(1), "Oil change", at, 60, BayId(1)) }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_gone_from_one_calendar_is_looked_for_in_the_others() {
    let bench = Bench::new().await;
    let all = [on_file(7, AppointmentStatus::Scheduled), on_file(8, AppointmentStatus::Cancelled)];
    bench.store.change(|records| records.appointments = all.to_vec());
    let (in_bay_2, gone) = (change(7, 2, AT_TEN), |appointment| change(appointment, 1, EventNow::Cancelled));
    for (found, expected) in [(Some(in_bay_2.clone()), in_bay_2), (None, gone(7))] {
        bench.calendar.change(|c| (c.changes, c.found) = (vec![gone(7), gone(8)], found));
        bench.actor.cast(CalendarMsg::OutsideChanged).unwrap();
        let last = [expected, gone(8)];
        bench.records.applied.until("what is true", |applied| applied.ends_with(&last)).await;
    }
    let looked_for = bench.calendar.asked.all().into_iter().filter(|line| line.starts_with("find"));
    assert_eq!(looked_for.collect::<Vec<_>>(), ["find 7", "find 7"], "what is called off needs no search");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_not_believed_before_every_calendar_was_asked() {
    let bench = Bench::new().await;
    bench.store.change(|records| records.appointments = vec![on_file(7, AppointmentStatus::Scheduled)]);
    let gone = change(7, 1, EventNow::Cancelled);
    bench.calendar.change(|c| {
        c.changes = vec![gone.clone()];
        c.find_fails = true;
    });
    bench.actor.cast(CalendarMsg::OutsideChanged).unwrap();
    bench.calendar.asked.until("the search", |asked| asked.iter().any(|line| line == "find 7")).await;
    bench.calendar.change(|c| {
        c.changes = vec![gone.clone()];
        c.find_fails = false;
    });
    bench.records.applied.until("the next round", |applied| applied == [gone.clone()]).await;
    let asked = bench.calendar.asked.all().into_iter().filter(|line| line == "changes since t1").count();
    assert_eq!(asked, 2, "with the same token");
}
