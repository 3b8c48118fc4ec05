//! Evenings on a simulated clock and real databases: nodes that look for calls, die in mid-look and come back, and a
//! telephone company that loses answers. Nobody is called twice, and nobody is forgotten.

mod checker;
mod telephone;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{join, join_all};
use otto::store::{Address, Records, open_store};
use otto_actors::domain::shop::Span;
use otto_actors::domain::{Reminder, ReminderStatus, Shop, ShopBay};
use otto_actors::ports::{Clock, ReminderStore};
use otto_actors::reminders::{Lines, Looked, OpenLines, Pace, RemindersArgs, heard, look};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use self::checker::{Evening, check};
use self::telephone::Telephone;
use crate::postgres::Database;

const BAYS: usize = 50;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// A database of a test's own.
enum Place {
    File(tempfile::TempDir),
    Server(Database),
}

impl Place {
    async fn postgres() -> Self {
        Self::Server(Database::create().await)
    }

    fn sqlite() -> Self {
        Self::File(tempfile::tempdir().expect("a folder"))
    }

    fn url(&self) -> String {
        match self {
            Self::File(folder) => format!("sqlite://{}", folder.path().join("otto.db").display()),
            Self::Server(database) => database.url.clone(),
        }
    }

    async fn open(&self) -> Arc<dyn Records> {
        let address = Address { url: self.url().into(), read_url: None, pool: 20 };
        open_store(&address).await.expect("a database")
    }

    async fn run(&self, sql: String) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        match self {
            Self::File(_) => {
                let mut connection = SqliteConnection::connect(&self.url()).await.expect("it opens");
                sql.execute(&mut connection).await.expect("rows");
            }
            Self::Server(_) => {
                let mut connection = PgConnection::connect(&self.url()).await.expect("it answers");
                sql.execute(&mut connection).await.expect("rows");
            }
        }
    }

    /// So many customers who agreed to be called, with appointments in half hours from a time on, all bays at once.
    async fn fill(&self, first: usize, count: usize, from: DateTime<Utc>) {
        let (mut customers, mut appointments) = (Vec::new(), Vec::new());
        for n in first..first + count {
            let place = n - first;
            let starts_at = from + TimeDelta::minutes(30 * i64::try_from(place / BAYS).expect("few"));
            let (starts, ends) = (rfc3339(starts_at), rfc3339(starts_at + TimeDelta::minutes(30)));
            customers.push(format!("({n}, 'Customer {n}', '+1555555{n:04}', TRUE)"));
            let bay = place % BAYS + 1;
            appointments.push(format!("({n}, 'Oil change', '{starts}', '{ends}', 30, {bay}, 'seed')"));
        }
        self.run(format!(
            "INSERT INTO customers (id, name, phone, reminder_consent) VALUES {}; INSERT INTO appointments \
             (customer_id, service, starts_at, ends_at, minutes, bay_id, booked_by) VALUES {}",
            customers.join(", "),
            appointments.join(", ")
        ))
        .await;
    }
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// So many lines that they are never the reason to wait.
struct ManyLines;

#[async_trait::async_trait]
impl Lines for ManyLines {
    async fn open(&self) -> OpenLines {
        OpenLines { free: 2_000, all: 2_000 }
    }
}

/// Looks are told the time; nobody asks this.
struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> DateTime<Utc> {
        panic!("a look has read a clock")
    }
}

struct Node {
    name: String,
    args: RemindersArgs,
    pace: Pace,
    wakes_at: DateTime<Utc>,
}

/// An evening to be simulated.
struct Plan {
    seed: u64,
    shop: Shop,
    /// When each node starts.
    nodes: Vec<DateTime<Utc>>,
    /// Calls fail, answers are lost.
    trouble: bool,
    /// How often a node dies in a look.
    deaths: f64,
    /// By then everything is at its end.
    ends: DateTime<Utc>,
}

struct Simulation {
    plan: Plan,
    rng: StdRng,
    nodes: Vec<Node>,
    telephone: Arc<Telephone>,
    deaths: usize,
}

/// Lets a future go on so many times, then drops it, as a process that dies does.
async fn dies_after<T>(polls: usize, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut left) = (Box::pin(work), polls);
    std::future::poll_fn(move |context| match left {
        0 => std::task::Poll::Ready(None),
        _ => {
            left -= 1;
            work.as_mut().poll(context).map(Some)
        }
    })
    .await
}

impl Simulation {
    async fn new(place: &Place, plan: Plan) -> Self {
        println!("seed {}", plan.seed);
        let telephone = Arc::new(Telephone::new(plan.seed, plan.trouble));
        let shop = Arc::new(plan.shop.clone());
        let mut nodes = Vec::new();
        for (n, wakes_at) in plan.nodes.iter().enumerate() {
            let store = place.open().await;
            let (telephony, lines, shop) = (Some(telephone.clone() as _), Arc::new(ManyLines), shop.clone());
            let args = RemindersArgs { store, telephony, lines, shop, clock: Arc::new(NoClock) };
            nodes.push(Node { name: format!("node {n}"), args, pace: Pace::default(), wakes_at: *wakes_at });
        }
        let rng = StdRng::seed_from_u64(plan.seed);
        Self { plan, rng, nodes, telephone, deaths: 0 }
    }

    async fn run(&mut self) {
        let pause = TimeDelta::minutes(5);
        let mut check_at = self.nodes[0].wakes_at + pause;
        loop {
            let wakes = self.nodes.iter().map(|node| node.wakes_at);
            let now = wakes.chain(self.telephone.next_report()).min().expect("a node");
            if now >= self.plan.ends || (check_at <= now && self.is_over().await) {
                return;
            }
            check_at = if check_at <= now { now + pause } else { check_at };
            self.telephone.at(now);
            self.go_on(now).await;
        }
    }

    /// Whether every row has ended.
    async fn is_over(&self) -> bool {
        let rows = rows(self.nodes[0].args.store.as_ref()).await;
        let over = |row: &Reminder| matches!(row.status, ReminderStatus::Done | ReminderStatus::Missed);
        !rows.is_empty() && rows.iter().all(over)
    }

    /// Every node whose time has come looks, and every word that has come is heard, all at once.
    async fn go_on(&mut self, now: DateTime<Utc>) {
        let reports = self.telephone.arrived(now);
        let (mut looks, mut words) = (Vec::new(), Vec::new());
        for report in &reports {
            let (dies, node) = (self.dies(self.plan.deaths / 10.0), self.rng.random_range(0..self.nodes.len()));
            // One that is down hears nothing.
            if self.nodes[node].wakes_at <= now + TimeDelta::seconds(15) {
                self.nodes[node].pace.answered(report.reminder);
                let args = self.nodes[node].args.clone();
                words.push(async move {
                    let hears = heard(&args, report.reminder, report.attempt, &report.progress, now);
                    dies_after(dies.unwrap_or(usize::MAX), hears).await
                });
            }
        }
        let dies: Vec<_> = (0..self.nodes.len()).map(|_| self.dies(self.plan.deaths)).collect();
        for (node, dies) in self.nodes.iter_mut().zip(dies).filter(|(node, _)| node.wakes_at <= now) {
            looks.push(async move {
                let Node { name, args, pace, wakes_at } = node;
                let looked = dies_after(dies.unwrap_or(usize::MAX), look(args, name, pace, now)).await;
                let Some(Looked { again_in }) = looked else { return Some(node) };
                *wakes_at = now + again_in;
                None
            });
        }
        let (dead, _) = join(join_all(looks), join_all(words)).await;
        for dead in dead.into_iter().flatten() {
            self.deaths += 1;
            // Another process takes its place after a while.
            (dead.name, dead.pace) = (format!("{} again", dead.name), Pace::default());
            dead.wakes_at = now + TimeDelta::seconds(self.rng.random_range(20..200));
        }
    }

    /// After how many steps a node dies in what it does now, if it does.
    fn dies(&mut self, chance: f64) -> Option<usize> {
        self.rng.random_bool(chance).then(|| self.rng.random_range(0..40))
    }

    async fn evening(mut self, place: &Place) -> (Evening, Vec<Reminder>) {
        self.run().await;
        assert_eq!(self.plan.deaths > 0.0, self.deaths > 5, "{} nodes died", self.deaths);
        let store = place.open().await;
        let rows = rows(store.as_ref()).await;
        let evening = check(&self.plan.shop, &rows, &self.telephone.log());
        println!("{}: {evening:?}, nodes that died {}", store.kind(), self.deaths);
        (evening, rows)
    }
}

async fn rows(store: &dyn ReminderStore) -> Vec<Reminder> {
    let (from, to) = (utc("2026-01-01T00:00:00Z"), utc("2027-01-01T00:00:00Z"));
    store.reminders_between(from, to, 10_000).await.expect("rows")
}

/// Ten calls a second, so that a thousand take minutes.
fn shop() -> Shop {
    let mut shop = Shop::default();
    shop.reminders.calls_per_second = 10;
    shop
}

/// An empty shop with its bays.
async fn with_bays(place: Place) -> Place {
    let bays: Vec<_> = (1..=BAYS).map(|n| ShopBay { name: format!("Bay {n}"), calendar: None }).collect();
    place.open().await.sync_bays(&bays).await.expect("bays");
    place
}

/// When the first call was placed for appointments at a time, each of which came to one call.
async fn begins(place: &Place, shop: Shop, appointments: &str, starts: &str) -> DateTime<Utc> {
    place
        .run(
            "DELETE FROM reminders; DELETE FROM reminder_rounds; DELETE FROM appointments; DELETE FROM customers"
                .into(),
        )
        .await;
    place.fill(1, 20, utc(appointments)).await;
    let starts = utc(starts);
    let plan =
        Plan { seed: 1, shop, nodes: vec![starts], trouble: false, deaths: 0.0, ends: starts + TimeDelta::hours(3) };
    let simulation = Simulation::new(place, plan).await;
    let telephone = simulation.telephone.clone();
    let (evening, _) = simulation.evening(place).await;
    assert_eq!(evening, Evening { done: 20, missed: 0, calls: 20 }, "{appointments}");
    telephone.log()[0].at
}

async fn both_changes_of_the_clocks_and_closed_days(place: Place) {
    let place = with_bays(place).await;
    let open_sundays = {
        let mut shop = shop();
        shop.hours.sunday = Some(Span { from: time("09:00:00"), to: time("17:00:00") });
        shop
    };
    let closed_monday = Shop { holidays: ["2026-11-23".parse().expect("a date")].into(), ..shop() };
    for (shop, appointments, starts, expected) in [
        // The clocks go forward on Sunday 2026-03-08 and back on Sunday 2026-11-01, in the night.
        (shop(), "2026-03-09T15:00:00Z", "2026-03-07T23:50:05Z", "2026-03-08T00:00:05Z"),
        (open_sundays.clone(), "2026-03-09T15:00:00Z", "2026-03-08T22:50:05Z", "2026-03-08T23:00:05Z"),
        (shop(), "2026-03-10T15:00:00Z", "2026-03-09T22:50:05Z", "2026-03-09T23:00:05Z"),
        (shop(), "2026-11-02T15:00:00Z", "2026-10-31T22:50:05Z", "2026-10-31T23:00:05Z"),
        (open_sundays, "2026-11-02T15:00:00Z", "2026-11-01T23:50:05Z", "2026-11-02T00:00:05Z"),
        (shop(), "2026-11-03T15:00:00Z", "2026-11-02T23:50:05Z", "2026-11-03T00:00:05Z"),
        (closed_monday, "2026-11-24T15:00:00Z", "2026-11-21T23:50:05Z", "2026-11-22T00:00:05Z"),
    ] {
        assert_eq!(begins(&place, shop, appointments, starts).await, utc(expected), "{appointments}");
    }
}

fn time(text: &str) -> chrono::NaiveTime {
    text.parse().expect("a time")
}

/// A node is down from 17:50 to 18:40, and a second one until after eight.
async fn a_node_that_was_down_catches_up(place: Place) {
    let place = with_bays(place).await;
    place.fill(1, 300, utc("2026-11-24T14:00:00Z")).await;
    let (starts, ends) = (utc("2026-11-24T00:40:00Z"), utc("2026-11-24T02:30:00Z"));
    let plan = Plan { seed: 2, shop: shop(), nodes: vec![starts], trouble: false, deaths: 0.0, ends };
    let (evening, rows) = Simulation::new(&place, plan).await.evening(&place).await;
    assert_eq!(evening, Evening { done: 300, missed: 0, calls: 300 });
    assert!(rows.iter().all(|row| row.dialled_at.is_some_and(|at| at >= starts)));

    place.fill(301, 50, utc("2026-11-25T14:00:00Z")).await;
    let (starts, ends) = (utc("2026-11-25T02:05:00Z"), utc("2026-11-25T02:30:00Z"));
    let plan = Plan { seed: 2, shop: shop(), nodes: vec![starts], trouble: false, deaths: 0.0, ends };
    let mut late = Simulation::new(&place, plan).await;
    late.run().await;
    assert_eq!(late.telephone.log().len(), 0, "nobody is called after eight");
    let rows = late.nodes[0].args.store.reminders_between(utc("2026-11-25T00:00:00Z"), ends, 1_000).await;
    let missed = |row: &Reminder| row.status == ReminderStatus::Missed && row.reason.as_deref() == Some("window_over");
    assert_eq!(rows.expect("rows").into_iter().filter(missed).count(), 50);
}

/// Everybody answers, and nodes die in mid-batch all the time: each of 1,000 is called exactly once.
async fn of_1000_each_is_called_exactly_once(place: Place) {
    let place = with_bays(place).await;
    place.fill(1, 1_000, utc("2026-11-24T14:00:00Z")).await;
    let (starts, ends) = (utc("2026-11-23T23:59:30Z"), utc("2026-11-24T02:30:00Z"));
    let plan = Plan { seed: 3, shop: shop(), nodes: vec![starts; 2], trouble: false, deaths: 0.4, ends };
    let (evening, _) = Simulation::new(&place, plan).await.evening(&place).await;
    assert_eq!(evening, Evening { done: 1_000, missed: 0, calls: 1_000 });
}

/// Nodes die, answers are lost, customers are busy.
async fn in_trouble_nobody_is_called_twice_or_forgotten(place: Place) {
    let place = with_bays(place).await;
    place.fill(1, 300, utc("2026-11-24T14:00:00Z")).await;
    let (starts, ends) = (utc("2026-11-23T23:59:30Z"), utc("2026-11-24T08:30:00Z"));
    let mut shop = shop();
    shop.reminders.retry_minutes = 10;
    let plan = Plan { seed: 4, shop, nodes: vec![starts; 2], trouble: true, deaths: 0.25, ends };
    let (evening, _) = Simulation::new(&place, plan).await.evening(&place).await;
    assert_eq!(evening.done + evening.missed, 300);
    assert!(evening.done > 250 && evening.calls > 300, "{evening:?}: most are reached, some not at once");
}

macro_rules! on_both {
    ($($scenario:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")] async fn $scenario() { super::$scenario(super::Place::sqlite()).await }
            )+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")] async fn $scenario() {
                super::$scenario(super::Place::postgres().await).await
            })+
        }
    };
}

on_both!(
    both_changes_of_the_clocks_and_closed_days,
    a_node_that_was_down_catches_up,
    of_1000_each_is_called_exactly_once,
    in_trouble_nobody_is_called_twice_or_forgotten,
);
