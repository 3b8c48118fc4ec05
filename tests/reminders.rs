//! Calls that Otto places, end to end: the evening's round makes rows, the simulated Twilio rings, somebody or something
//! answers, and the records say what came of it. No language model is set, so that the built-in dialogue speaks.

mod answered;
mod texts;
mod unanswered;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use otto::app::App;
use otto::config::{Environment, Settings};
use otto_actors::domain::{Appointment, CallSid, NewAppointment, PhoneNumber, Reminder, ReminderStatus, TurnId};
use otto_actors::effects::{EffectId, Fence};
use otto_actors::ports::{Booking, BookingCustomer, Channel, Clock, Render};
use otto_actors::reminders::RemindersMsg;
use otto_sim::twilio::{Answer, CallReport, Step};
use otto_sim::{Seed, World, WorldSettings};
use sqlx::Row as _;
use tempfile::TempDir;
use tokio::time::{Instant, timeout};

use crate::postgres::Database;
use crate::support::{MARIA, PATIENCE, monday};

/// Six in the evening in Springfield, on the day before the only appointment of the day after: Maria's oil change on
/// Wednesday, November 25 at 9 AM.
const SIX: &str = "2026-11-25T00:00:00Z";

fn six() -> DateTime<Utc> {
    SIX.parse().expect("a time")
}

/// The engine's clock and Twilio's, set by hand; time goes on from there.
struct Hand(Mutex<(DateTime<Utc>, Instant)>);

impl Hand {
    fn at(time: DateTime<Utc>) -> Arc<Self> {
        Arc::new(Self(Mutex::new((time, Instant::now()))))
    }

    fn set(&self, time: DateTime<Utc>) {
        *self.0.lock().expect("no panic") = (time, Instant::now());
    }
}

impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        let (time, since) = *self.0.lock().expect("no panic");
        time + since.elapsed()
    }
}

/// An engine half an hour before its evening's round.
struct Evening {
    world: World,
    app: App,
    clock: Arc<Hand>,
    folder: TempDir,
    database: Option<Database>,
}

/// What a line of the call log says.
#[derive(Debug, PartialEq, Eq)]
struct Logged {
    status: String,
    answered_by: Option<String>,
    duration_s: Option<i64>,
    outcome: Option<String>,
}

impl Evening {
    /// One whose database is a file, without text messages.
    async fn open(seed: u64) -> Self {
        Self::open_with(seed, None, false).await
    }

    async fn open_with(seed: u64, database: Option<Database>, texts: bool) -> Self {
        println!("seed {seed}");
        let world = World::start(WorldSettings::quick(Seed(seed))).await.expect("a world");
        let folder = tempfile::tempdir().expect("a folder");
        let file = format!("sqlite://{}", folder.path().join("otto.db").display());
        let url = database.as_ref().map_or(file, |database| database.url.clone());
        let mut variables: Vec<_> = world.env().into_iter().filter(|(name, _)| !name.starts_with("OPENAI")).collect();
        let own = [("PORT", "0"), ("WARM_SOCKETS", "0"), ("DATABASE_URL", &url)];
        variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        if texts {
            variables.extend(world.texting_env());
        }
        let environment: Environment = variables.into_iter().collect();
        let settings = Settings::read(&environment, None).expect("settings");
        let zone = settings.shop.time_zone;
        let clock = Hand::at(six() - TimeDelta::minutes(30));
        let twilios = Arc::clone(&clock);
        world.twilio.set_clock(move || twilios.now());
        let app = App::start_at(settings, Arc::clone(&clock) as Arc<dyn Clock>).await.expect("an engine");
        app.store.seed_demo(monday(), zone).await.expect("customers");
        world.connect_engine(app.public.base().clone(), app.address);
        Self { world, app, clock, folder, database }
    }

    /// Sets the clock, and has the engine look at once.
    fn it_is(&self, time: DateTime<Utc>) {
        self.clock.set(time);
        self.look();
    }

    /// Has the engine look for calls that are due, as if one had been added.
    fn look(&self) {
        let _ = self.app.reminders.cast(RemindersMsg::Added);
    }

    /// Maria's telephone.
    fn phone(&self, answers: Vec<Answer>) {
        self.world.twilio.phone(MARIA, answers);
    }

    /// The round is made, and Maria is called; what is said and heard there.
    async fn call(&self, answer: Answer) -> CallReport {
        self.phone(vec![answer]);
        self.it_is(six());
        self.talk(0).await
    }

    /// The n-th call that somebody or something took, when it is over.
    async fn talk(&self, n: usize) -> CallReport {
        timeout(PATIENCE, self.world.twilio.talks().wait_for(n)).await.expect("a call that is answered and ends")
    }

    /// Calls that were placed.
    fn placed(&self) -> usize {
        self.world.twilio.outbound_calls().len()
    }

    /// Waits until something is so.
    async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{what}: {:?}", self.rows().await)
    }

    /// All calls that were to be placed, latest first.
    async fn rows(&self) -> Vec<Reminder> {
        let (from, to) = (six() - TimeDelta::days(2), six() + TimeDelta::days(10));
        self.app.store.reminders_between(from, to, 100).await.expect("the store answers")
    }

    /// Waits until the only row is so.
    async fn row(&self, what: &str, wanted: impl Fn(&Reminder) -> bool) -> Reminder {
        self.until(what, async || {
            let rows = self.rows().await;
            assert!(rows.len() < 2, "{rows:?}");
            rows.into_iter().find(|row| wanted(row))
        })
        .await
    }

    /// Waits until the only row is in this state, with this outcome or reason.
    async fn row_is(&self, status: ReminderStatus, why: &str) -> Reminder {
        let of = |row: &Reminder| row.outcome.map_or(row.reason.clone().unwrap_or_default(), |o| o.as_str().to_owned());
        self.row(&format!("{status:?} {why}"), |row| row.status == status && of(row).contains(why)).await
    }

    /// Maria's oil change.
    async fn appointment(&self) -> Appointment {
        let phone = PhoneNumber::parse(MARIA).expect("a number");
        let maria = self.app.store.customer_by_phone(&phone).await.expect("an answer").expect("on file");
        let all = self.app.store.appointments_of(maria.id).await.expect("an answer");
        all.into_iter().find(|appointment| appointment.service == "Oil change").expect("an oil change")
    }

    /// Maria books another oil change.
    async fn books_again(&self, at: &str) {
        let first = self.appointment().await;
        let appointment = NewAppointment {
            customer: first.customer,
            vehicle: first.vehicle,
            service: first.service,
            starts_at: at.parse().expect("a time"),
            minutes: first.minutes,
            concerns: None,
            estimate: None,
            booked_by: "phone",
        };
        let customer = BookingCustomer::OnFile(first.customer);
        let booking = Booking { customer, appointment, avoid: Vec::new(), text: false };
        let call = CallSid::parse(&format!("CA{:032}", 1)).expect("a SID");
        let effect = EffectId { call, turn: TurnId(1), tool_call_id: "call_1".into() };
        let render: Render = Arc::new(|appointment, _| serde_json::json!(appointment.id));
        self.app.store.book(&effect, &Fence::open(), booking, render).await.expect("a booking");
    }

    /// Waits until the call log has the end of this call.
    async fn logged(&self, call: &str) -> Logged {
        let url = format!("sqlite://{}", self.folder.path().join("otto.db").display());
        let pool = sqlx::SqlitePool::connect(&url).await.expect("the database");
        let sql = "SELECT call_status, answered_by, duration_s, outcome FROM call_logs WHERE call_sid = ?";
        let logged = self
            .until("the call log has the end", async || {
                let row = sqlx::query(sql).bind(call).fetch_optional(&pool).await.expect("a table")?;
                let status: Option<String> = row.get(0);
                let over =
                    !matches!(status.as_deref(), None | Some("queued" | "initiated" | "ringing" | "in-progress"));
                let status = status.filter(|_| over)?;
                Some(Logged { status, answered_by: row.get(1), duration_s: row.get(2), outcome: row.get(3) })
            })
            .await;
        pool.close().await;
        logged
    }

    /// The end of every test: no call is left, nothing was against a protocol, and everything ends.
    async fn close(self) {
        self.until("the calls are over", async || {
            let view = self.app.calls.view().await.ok()?;
            assert_eq!(view.residue, 0, "something is left of an ended call");
            (view.live.is_empty() && view.ending == 0).then_some(())
        })
        .await;
        let Self { world, app, folder, database, .. } = self;
        assert_eq!(world.twilio.violations().all(), []);
        app.stop(Duration::from_secs(5)).await;
        world.shutdown().await;
        assert_eq!(world.tasks(), 0);
        drop((folder, database));
    }
}

/// Says a text after Otto has finished.
fn then(text: &str) -> [Step; 2] {
    [crate::support::listen(), Step::Say(text.to_owned())]
}

/// A person who answers each of Otto's utterances, and waits for the end.
fn person(answers: &[&str]) -> Answer {
    let steps = answers.iter().flat_map(|text| then(text)).chain([crate::support::until_hang_up()]);
    Answer::Person(steps.collect())
}
