//! A customer calls and books an oil change.

use anyhow::Context as _;
use chrono::Utc;
use chrono_tz::Tz;
use otto_actors::domain::{Appointment, PhoneNumber};
use otto_sim::World;
use otto_sim::twilio::{CallPlan, Step};

use super::screen::Printer;
use super::{CALLER, listen, print_row, say, until_hang_up};
use crate::app::App;

/// What is booked.
const SERVICE: &str = "Oil change";

/// Shows the call and the row; whether it is there.
pub(super) async fn show(app: &App, world: &World, zone: Tz) -> anyhow::Result<bool> {
    let booked = call(app, world).await?;
    println!("\nThe row in `appointments`:");
    match &booked {
        Some(appointment) => print_row(appointment, zone),
        None => println!("  none: the booking is not there"),
    }
    Ok(booked.is_some())
}

fn script() -> Vec<Step> {
    vec![
        listen(),
        say("Hi, I need an oil change on Tuesday."),
        listen(),
        say("The first one, please."),
        listen(),
        say("No, that's all. Thank you."),
        until_hang_up(),
    ]
}

/// Places the call, prints it, and returns what it booked.
async fn call(app: &App, world: &World) -> anyhow::Result<Option<Appointment>> {
    let phone = PhoneNumber::parse(CALLER)?;
    let customer = app.store.customer_by_phone(&phone).await?.context("the demo's customer is not on file")?;
    let before = app.store.upcoming(customer.id, Utc::now()).await?;
    let printer = Printer::start(&app.live);
    let report = world.call(CallPlan::new(CALLER, script())).report().await;
    printer.finish(&report).await;
    let after = app.store.upcoming(customer.id, Utc::now()).await?;
    let new = after.into_iter().find(|a| !before.iter().any(|b| b.id == a.id) && a.service == SERVICE);
    Ok(new)
}
