//! The caller's vehicles: what a number says, putting one on file, what was done on them.

use std::sync::Arc;

use chrono::Datelike as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::access::Identity;
use super::args::{AddVehicle, DecodeVin};
use super::reading;
use super::results::{Ran, failure, success};
use super::router::{Run, ToolRouter, customer_of};
use crate::crm::CrmMsg;
use crate::domain::vin::{Certainty, DecodedVin};
use crate::domain::{NewVehicle, ServiceRecord, Vehicle, Vin};
use crate::limits;
use crate::ports::Action;

/// Visits that are told at once.
const HISTORY_ROWS: u32 = 10;
/// Longest licence plate, in characters.
const PLATE_MAX_CHARS: usize = 12;
/// Longest maker, model or trim level, in characters.
const MODEL_MAX_CHARS: usize = 40;
/// No car is older.
const FIRST_YEAR: i64 = 1900;
/// More than any odometer shows.
const MILEAGE_MAX: i64 = 2_000_000;

impl ToolRouter {
    pub(super) async fn decode_vin(&self, args: &DecodeVin) -> Ran {
        let vin = reading::vin(&args.vin)?;
        let offline = || vin.decode_offline(self.today().year());
        let decoded = match &self.vins {
            // The decoder keeps the time itself; this one holds if it does not.
            Some(vins) => timeout(limits::VIN_DECODE_TIMEOUT_MS, vins.decode(&vin)).await.unwrap_or_else(|_| offline()),
            None => offline(),
        };
        Ok(success(decoded_json(&vin, &decoded), how_sure(decoded.certainty)))
    }

    pub(super) async fn add_vehicle(&self, run: &Run, args: AddVehicle) -> Ran {
        let vehicle = self.new_vehicle(args)?;
        let customer = run.customer()?;
        let render = Arc::new(|vehicle: &Vehicle| success(vehicle_json(vehicle), "The vehicle is on file now."));
        self.act(run, Action::AddVehicle { customer, vehicle, render }).await
    }

    fn new_vehicle(&self, args: AddVehicle) -> Result<NewVehicle, Value> {
        let vin = args.vin.filter(|vin| !vin.trim().is_empty()).map(|vin| reading::vin(&vin)).transpose()?;
        if vin.as_ref().is_some_and(Vin::is_wrong) {
            let message = "The check digit of that VIN is wrong: a character was misheard. Use decode_vin and read it \
                           back, or leave the VIN out.";
            return Err(failure("bad_vin", message));
        }
        // Next year's models are sold this year.
        let years = FIRST_YEAR..=i64::from(self.today().year()) + 1;
        let year = reading::number(args.year, "year", years)?;
        let vehicle = NewVehicle {
            vin,
            plate: reading::text(args.plate, "plate", PLATE_MAX_CHARS)?,
            year: year.and_then(|year| i32::try_from(year).ok()),
            make: reading::text(args.make, "make", MODEL_MAX_CHARS)?,
            model: reading::text(args.model, "model", MODEL_MAX_CHARS)?,
            trim: reading::text(args.trim, "trim", MODEL_MAX_CHARS)?,
            mileage: reading::number(args.mileage, "mileage", 0..=MILEAGE_MAX)?,
        };
        let named = vehicle.vin.is_some() || vehicle.plate.is_some() || vehicle.make.is_some();
        let needed = || failure("vehicle_needed", "Ask for the maker and model, the licence plate or the VIN.");
        named.then_some(vehicle).ok_or_else(needed)
    }

    pub(super) async fn service_history(&self, identity: &Identity) -> Ran {
        let customer = customer_of(identity)?.id;
        let done = self.read(|reply_to| CrmMsg::History { customer, limit: HISTORY_ROWS, reply_to }).await?;
        let vehicles = self.read(|reply_to| CrmMsg::Vehicles { customer, reply_to }).await?;
        let visits: Vec<Value> = done.iter().map(|record| record_json(record, &vehicles)).collect();
        Ok(success(json!({ "visits": visits }), format!("{} visits on file, latest first.", visits.len())))
    }
}

/// What a vehicle on file looks like to the model.
pub(super) fn vehicle_json(vehicle: &Vehicle) -> Value {
    json!({
        "vehicle_id": vehicle.id,
        "year": vehicle.year,
        "make": vehicle.make,
        "model": vehicle.model,
        "trim": vehicle.trim,
        "plate": vehicle.plate,
        "vin": vehicle.vin,
        "mileage": vehicle.mileage,
        "next_service_on": vehicle.next_service_on,
    })
}

/// `2003 Honda Accord`, as far as it is known.
pub(super) fn named(vehicle: &Vehicle) -> String {
    let parts = [vehicle.year.map(|year| year.to_string()), vehicle.make.clone(), vehicle.model.clone()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn record_json(record: &ServiceRecord, vehicles: &[Vehicle]) -> Value {
    let vehicle = vehicles.iter().find(|vehicle| vehicle.id == record.vehicle);
    let named = vehicle.map(named);
    json!({
        "date": record.done_on,
        "vehicle": named,
        "mileage": record.mileage,
        "work": record.work,
        "parts": record.parts,
        "cost": record.cost,
        "next_due_on": record.next_due_on,
    })
}

fn decoded_json(vin: &Vin, decoded: &DecodedVin) -> Value {
    let suggestions: Vec<&str> = decoded.suggestions.iter().map(Vin::as_str).collect();
    json!({
        "vin": vin.as_str(),
        "year": decoded.year,
        "make": decoded.make,
        "model": decoded.model,
        "trim": decoded.trim,
        "body": decoded.body,
        "fuel": decoded.fuel,
        "suggestions": suggestions,
    })
}

const fn how_sure(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Sure => "The number is right and known.",
        Certainty::Likely => "Nothing speaks against the number. Ask whether year, maker and model are right.",
        Certainty::Doubtful => {
            "A character was probably misheard: read the number back, with a suggestion if there is one."
        }
        Certainty::Unknown => "The number says nothing about a vehicle. Ask for it again, or for maker and model.",
    }
}
