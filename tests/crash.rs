//! A process that is killed again and again while callers book, move and cancel: afterwards the database, the outbox and
//! the calendar agree, and every answer that a caller has heard is true.

mod life;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, Utc};
use otto::store::Records;
use otto_actors::domain::{AppointmentId, BayId, CustomerId, ShopBay};
use otto_sim::google_calendar::CalendarFault;
use otto_sim::{Seed, When, World, WorldSettings};
use rand::Rng as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::{Instant, sleep_until};

use self::life::{Answered, CallerState, Held, PLAN_VARIABLE, Plan, SLOTS, identity, open, slot};
use crate::postgres::Database;

const CALLERS: usize = 20;
/// A life ends so long after its first answer, at most.
const LIFE_MAX_MS: u64 = 250;
/// One life in so many ends so long after its start: before its first answer, mostly.
const EARLY_DEATHS: u32 = 10;
/// How long a life may take to begin, and the last one to deliver everything.
const PATIENCE: Duration = Duration::from_secs(60);
const BAYS: [&str; 2] = ["bay1@group.calendar.google.com", "bay2@group.calendar.google.com"];

/// What callers have heard: each answer, by caller and request.
type Heard = BTreeMap<(usize, u64), Option<Held>>;

struct Trial {
    world: World,
    plan: Plan,
    heard: Heard,
}

impl Trial {
    async fn new(seed: u64, database: String) -> Self {
        println!("seed {seed}");
        let world = World::start(WorldSettings::quick(Seed(seed))).await.expect("a world");
        let env: BTreeMap<String, String> = world.env().into_iter().collect();
        let (api, token) = (env["GOOGLE_API_URL"].clone(), env["GOOGLE_TOKEN_URL"].clone());
        let callers = vec![CallerState::default(); CALLERS];
        let store = open(&database).await;
        let bays = BAYS.map(|id| ShopBay { name: id.into(), calendar: Some(id.into()) });
        store.sync_bays(&bays).await.expect("bays");
        store.close().await;
        for (fault, chance) in [
            (CalendarFault::LostAnswer, 0.01),
            (CalendarFault::Status(503, "backendError"), 0.03),
            (CalendarFault::Status(412, "conditionNotMet"), 0.02),
        ] {
            world.calendar.knobs().inject(fault, When::Probability(chance));
        }
        let plan = Plan { database, api, token, seed, number: 0, last: false, callers };
        Self { world, plan, heard: Heard::new() }
    }

    /// A life from its start to its end: `None` lets it end by itself.
    async fn life(&mut self, ends: Option<Death>) {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "crash::life::one_life", "--ignored", "--nocapture"]).stdout(Stdio::piped());
        command.env(PLAN_VARIABLE, serde_json::to_string(&self.plan).expect("JSON")).kill_on_drop(true);
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut until = Instant::now() + ends.filter(|death| death.early).map_or(PATIENCE, |death| death.after);
        let (mut delivered, mut answered) = (false, false);
        loop {
            tokio::select! {
                line = lines.next_line() => match line.expect("a line") {
                    Some(line) => {
                        delivered |= line == "delivered";
                        if self.hear(&line) && !answered {
                            answered = true;
                            until = ends.map_or(until, |death| Instant::now() + death.after);
                        }
                    }
                    None => break,
                },
                () = sleep_until(until) => {
                    assert!(ends.is_some(), "the last life does not come to its end");
                    // SIGKILL; the end of its output ends the loop.
                    child.start_kill().expect("it is ours");
                    until += PATIENCE;
                }
            }
        }
        child.wait().await.expect("it has ended");
        assert!(delivered || ends.is_some(), "the last life has failed");
        self.plan.number += 1;
    }

    /// Takes a line for what it is. Whether it was an answer.
    fn hear(&mut self, line: &str) -> bool {
        // A line that was cut off was not heard.
        let answered = line.strip_prefix("answered ").and_then(|json| serde_json::from_str::<Answered>(json).ok());
        let Some(Answered { caller, request, result }) = answered else { return false };
        let state = &mut self.plan.callers[caller];
        assert_eq!(request, state.next);
        state.hear(result.as_ref());
        self.heard.insert((caller, request), result);
        true
    }

    async fn kill_again_and_again(&mut self, kills: u32) {
        let mut rng = Seed(self.plan.seed).rng("deaths");
        for _ in 0..kills {
            let after = Duration::from_millis(rng.random_range(0..LIFE_MAX_MS));
            self.life(Some(Death { after, early: rng.random_ratio(1, EARLY_DEATHS) })).await;
        }
        self.world.calendar.knobs().heal();
        self.plan.last = true;
        self.life(None).await;
    }

    /// Every appointment as its caller heard of it last.
    fn appointments(&self) -> BTreeMap<i64, Held> {
        // In the order of each caller's requests.
        self.heard.values().flatten().map(|held| (held.appointment, held.clone())).collect()
    }
}

/// When a life ends: so long after its first answer, or after its very start.
#[derive(Clone, Copy)]
struct Death {
    after: Duration,
    early: bool,
}

/// Nothing is lost: every answer is stored. Nothing is doubled: what no caller was told of is not there.
async fn check_database(trial: &Trial, store: &dyn Records) {
    for (&(caller, request), result) in &trial.heard {
        let stored = store.effect(&identity(caller, request)).await.expect("an answer");
        assert_eq!(stored, result.as_ref().map(|held| json!(held)), "caller {caller} request {request}");
    }
    let appointments = trial.appointments();
    for held in appointments.values() {
        let found = store.appointment(AppointmentId(held.appointment)).await.expect("an answer").expect("on file");
        let is = (found.customer.0, found.bay.0, found.starts_at, found.version, found.status.as_str());
        assert_eq!(is, (held.customer, held.bay, held.starts_at, held.version, held.status.as_str()));
    }
    let mut customers: Vec<i64> = appointments.values().map(|held| held.customer).collect();
    customers.sort_unstable();
    customers.dedup();
    assert!(customers.len() <= CALLERS, "a caller is on file twice");
    let mut on_file = 0;
    for customer in customers {
        on_file += store.appointments_of(CustomerId(customer)).await.expect("an answer").len();
    }
    assert_eq!(on_file, appointments.len(), "appointments that no caller was told of");
    let mut booked = store.booked_between(slot(0), slot(SLOTS + 1)).await.expect("an answer");
    booked.sort_by_key(|time| (time.bay, time.starts_at));
    let overlap =
        |two: &[otto_actors::domain::BookedTime]| two[0].bay == two[1].bay && two[0].ends_at > two[1].starts_at;
    assert!(!booked.windows(2).any(overlap), "a bay is taken twice");
    assert_eq!((store.undelivered().await, store.given_up().await), (Ok(0), Ok(0)), "the outbox is empty");
}

/// The calendar has an event for every appointment that takes place, where and when it does, and no other.
async fn check_calendar(trial: &Trial, store: &dyn Records) {
    let bays = store.bays().await.expect("the bays");
    let calendar_of = |bay: i64| bays.iter().find(|b| b.id == BayId(bay)).and_then(|b| b.calendar.clone());
    let mut expected: Vec<(String, String, DateTime<Utc>)> = Vec::new();
    for held in trial.appointments().values().filter(|held| held.status != "cancelled") {
        let calendar = calendar_of(held.bay).expect("a calendar");
        expected.push((calendar, held.appointment.to_string(), held.starts_at));
    }
    let event = |calendar: &str, event: &Value| {
        let id = event["extendedProperties"]["private"]["appointment_id"].as_str().expect("whose").to_owned();
        let at = DateTime::parse_from_rfc3339(event["start"]["dateTime"].as_str().expect("when")).expect("a time");
        (calendar.to_owned(), id, at.to_utc())
    };
    let events = BAYS.iter().flat_map(|id| trial.world.calendar.events(id).into_iter().map(move |e| (id, e)));
    let mut shown: Vec<_> = events.map(|(id, e)| event(id, &e)).collect();
    expected.sort();
    shown.sort();
    assert_eq!(shown, expected, "the calendar agrees with the database");
}

async fn survives(kills: u32, seed: u64, database: String) {
    let began = Instant::now();
    let mut trial = Trial::new(seed, database).await;
    trial.kill_again_and_again(kills).await;
    let store = open(&trial.plan.database).await;
    check_database(&trial, &*store).await;
    check_calendar(&trial, &*store).await;
    let done = trial.heard.values().flatten().count();
    let changed = trial.heard.values().flatten().filter(|held| held.version > 1).count();
    println!(
        "{kills} kills in {:?}: {} answers, {done} effects, of them {changed} changes; {} requests to the calendar",
        began.elapsed(),
        trial.heard.len(),
        trial.world.calendar.requests().all().len()
    );
    assert!(done > kills as usize && changed > kills as usize / 4, "the lives were too short to prove anything");
    store.close().await;
    trial.world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_200_kills_sqlite_and_the_calendar_keep_what_callers_were_told() {
    let folder = tempfile::tempdir().expect("a folder");
    survives(200, 4_401, format!("sqlite://{}", folder.path().join("otto.db").display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_100_kills_postgresql_and_the_calendar_keep_what_callers_were_told() {
    let database = Database::create().await;
    survives(100, 4_402, database.url.clone()).await;
}
