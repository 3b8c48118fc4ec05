//! The evening before an appointment: the round makes a row, Otto calls the customer, and the customer confirms. The engine
//! has a clock of its own, which is set to the moment of the round.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use otto_actors::domain::{
    Appointment, AppointmentStatus, PhoneNumber, Reminder, ReminderOutcome, Round, Shop, spoken,
};
use otto_actors::ports::Clock;
use otto_actors::reminders::RemindersMsg;
use otto_sim::World;
use otto_sim::twilio::{Answer, Step};
use tokio::time::{Instant, sleep, timeout};

use super::screen::Printer;
use super::{CALLER, PATIENCE, listen, print_row, say, until_hang_up};
use crate::app::App;
use crate::store::Records;

/// How long the whole call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Between two looks at a row that is about to change.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A clock that is set by hand; time goes on from there.
pub(super) struct Evening(Mutex<(DateTime<Utc>, Instant)>);

impl Evening {
    fn set(&self, time: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (time, Instant::now());
    }
}

impl Clock for Evening {
    fn now(&self) -> DateTime<Utc> {
        let (time, since) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        time + since.elapsed()
    }
}

/// What is shown, and when.
pub(super) struct Scene {
    /// The engine's clock, a minute before the round.
    pub(super) clock: Arc<Evening>,
    appointment: Appointment,
    round: Round,
    shop: Shop,
}

impl Scene {
    /// The customer's next appointment, and the evening before it.
    pub(super) async fn of(store: &dyn Records, shop: &Shop) -> anyhow::Result<Self> {
        let phone = PhoneNumber::parse(CALLER)?;
        let customer = store.customer_by_phone(&phone).await?.context("the demo's customer is not on file")?;
        let coming = store.upcoming(customer.id, Utc::now()).await?;
        let appointment = coming.into_iter().next().context("the demo's customer has no appointment")?;
        let date = appointment.starts_at.with_timezone(&shop.time_zone).date_naive();
        let round = Round::of(shop, date).context("the shop is not open before the appointment")?;
        let clock = Evening(Mutex::new((round.due_at - TimeDelta::minutes(1), Instant::now())));
        Ok(Self { clock: Arc::new(clock), appointment, round, shop: shop.clone() })
    }

    /// Lets it be that evening, and shows the call and the rows; whether the appointment is confirmed.
    pub(super) async fn show(&self, app: &App, world: &World) -> anyhow::Result<bool> {
        let clock = Arc::clone(&self.clock);
        world.twilio.set_clock(move || clock.now());
        world.twilio.phone(CALLER, vec![Answer::Person(script())]);
        let zone = self.shop.time_zone;
        let local = |at: DateTime<Utc>| spoken::date_time(at.with_timezone(&zone).naive_local());
        println!("It is {}: reminders for {}.\n", local(self.round.due_at), self.round.of);
        let printer = Printer::start(&app.live);
        self.clock.set(self.round.due_at);
        let _ = app.reminders.cast(RemindersMsg::Added);
        let talk = timeout(CALL_TIMEOUT, world.twilio.talks().wait_for(0)).await;
        printer.finish(&talk.context("nobody was called")?).await;
        let row = self.row(app).await?;
        println!("\nThe row in `reminders`:");
        match &row {
            Some(row) => print_reminder(row, local),
            None => println!("  none: the round made no row"),
        }
        let appointment = app.store.appointment(self.appointment.id).await?.context("the appointment is gone")?;
        println!("The row in `appointments`:");
        print_row(&appointment, zone);
        let confirmed = row.is_some_and(|row| row.outcome == Some(ReminderOutcome::Confirmed));
        Ok(confirmed && appointment.status == AppointmentStatus::Confirmed)
    }

    /// The row of the call, when it says what came of it: Twilio's word that it is over may come before the conversation's.
    async fn row(&self, app: &App) -> anyhow::Result<Option<Reminder>> {
        let began = Instant::now();
        loop {
            let rows = app.store.reminders_between(self.round.due_at, self.round.until, 10).await?;
            let row = rows.into_iter().find(|row| row.appointment == Some(self.appointment.id));
            let told = |row: &Reminder| row.outcome.is_some_and(|outcome| outcome != ReminderOutcome::Answered);
            if row.as_ref().is_some_and(told) || began.elapsed() > PATIENCE {
                return Ok(row);
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

fn script() -> Vec<Step> {
    vec![
        listen(),
        say("Yes, this is Maria."),
        listen(),
        say("Yes, I'll be there."),
        listen(),
        say("No, that's all. Thank you."),
        until_hang_up(),
    ]
}

fn print_reminder(row: &Reminder, local: impl Fn(DateTime<Utc>) -> String) {
    println!(
        "  id {} | appointment {} | due {} | attempts {} | {} | {}",
        row.id,
        row.appointment.map_or_else(String::new, |id| id.to_string()),
        local(row.due_at),
        row.attempts,
        row.status.as_str(),
        row.outcome.map_or("no outcome", ReminderOutcome::as_str)
    );
}
