//! Two processes book the same slots in one PostgreSQL at once.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use otto::store::{Address, Records, open_store};
use otto_actors::domain::{CallSid, CustomerId, NewAppointment, NewCustomer, PhoneNumber, ShopBay, TurnId};
use otto_actors::effects::{EffectId, Fence};
use otto_actors::ports::{Booking, BookingCustomer, StoreError};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::postgres::Database;

const SLOTS: usize = 100;
/// Of each process.
const ATTEMPTS: usize = 1_000;
/// At the same time, of each process.
const AT_ONCE: usize = 20;
const PATIENCE: Duration = Duration::from_secs(120);
/// Tell the second process what to do.
const URL_VARIABLE: &str = "OTTO_TEST_RACE_URL";
const NUMBER_VARIABLE: &str = "OTTO_TEST_RACE_NUMBER";

fn first_slot() -> DateTime<Utc> {
    "2026-11-24T15:00:00Z".parse().expect("a time")
}

async fn open(url: &str) -> Arc<dyn Records> {
    let address = Address { url: url.into(), read_url: None, pool: 20 };
    open_store(&address).await.expect("a database")
}

/// The n-th attempt of a process. Both go through the slots in the same order, so that they want the same at once.
async fn attempt(store: Arc<dyn Records>, process: usize, n: usize) -> Result<(), StoreError> {
    let caller = process * ATTEMPTS + n;
    let slot = n % SLOTS;
    let appointment = NewAppointment {
        customer: CustomerId(0),
        vehicle: None,
        service: "Oil change".into(),
        starts_at: first_slot() + chrono::Duration::minutes(30 * slot as i64),
        minutes: 30,
        concerns: None,
        estimate: None,
        booked_by: "phone",
    };
    let phone = PhoneNumber::parse(&format!("+1555555{caller:04}")).expect("a number");
    let since = first_slot().date_naive();
    let customer = BookingCustomer::New(NewCustomer { name: format!("Customer {caller}"), phone, since });
    let call = CallSid::parse(&format!("CA{caller:032}")).expect("a SID");
    let effect = EffectId { call, turn: TurnId(1), tool_call_id: "call_1".into() };
    let booking = Booking { customer, appointment, avoid: Vec::new(), text: false };
    store.book(&effect, &Fence::open(), booking, Arc::new(|a, _| json!(a.id))).await.map(|_| ())
}

/// Not a test of its own: what each of the two processes does. It says how many bookings it made.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "one of the processes of the test below, which runs it"]
async fn one_process() {
    let (Ok(url), Ok(process)) = (std::env::var(URL_VARIABLE), std::env::var(NUMBER_VARIABLE)) else { return };
    let process: usize = process.parse().expect("a number");
    let store = open(&url).await;
    println!("\nready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("the word");
    let mut tasks = Vec::new();
    for worker in 0..AT_ONCE {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            let mut won = 0;
            for n in (worker..ATTEMPTS).step_by(AT_ONCE) {
                match attempt(Arc::clone(&store), process, n).await {
                    Ok(()) => won += 1,
                    Err(StoreError::JustTaken) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            won
        }));
    }
    let mut won = 0;
    for task in tasks {
        won += task.await.expect("no panic");
    }
    println!("\nbooked {won}");
}

struct Process {
    child: Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
}

impl Process {
    fn start(url: &str, number: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "two_processes::one_process", "--ignored", "--nocapture"]);
        command.env(URL_VARIABLE, url).env(NUMBER_VARIABLE, number.to_string()).kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, lines }
    }

    /// What comes after that word in a line.
    async fn says(&mut self, word: &str) -> String {
        let heard = async {
            while let Some(line) = self.lines.next_line().await.expect("a line") {
                if let Some(rest) = line.strip_prefix(word) {
                    return rest.trim().to_owned();
                }
            }
            panic!("the process ended before it said {word:?}");
        };
        timeout(PATIENCE, heard).await.expect("in time")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_2000_attempts_on_100_slots_by_two_processes_100_are_booked() {
    let database = Database::create().await;
    let store = open(&database.url).await;
    store.sync_bays(&[ShopBay { name: "Bay 1".into(), calendar: Some("calendar-1".into()) }]).await.expect("a bay");
    let mut processes = [Process::start(&database.url, 0), Process::start(&database.url, 1)];
    for process in &mut processes {
        process.says("ready").await;
    }
    for process in &mut processes {
        process.child.stdin.as_mut().expect("a pipe").write_all(b"go\n").await.expect("it listens");
    }
    let mut won = Vec::new();
    for process in &mut processes {
        won.push(process.says("booked").await.parse::<usize>().expect("a number"));
    }
    println!("booked by each process: {won:?}");
    assert_eq!(won.iter().sum::<usize>(), SLOTS);
    let end = first_slot() + chrono::Duration::days(30);
    let booked = store.booked_between(first_slot(), end).await.expect("an answer");
    assert_eq!(booked.len(), SLOTS);
    assert!(booked.windows(2).all(|two| two[0].ends_at <= two[1].starts_at), "no two overlap");
    assert_eq!(store.undelivered().await, Ok(SLOTS as u64), "and each has its order to the calendar");
    store.close().await;
}
