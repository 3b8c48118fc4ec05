//! NHTSA's vPIC: `GET /vehicles/DecodeVinValues/{vin}`, for a few known vehicles; every other VIN gets the check-digit
//! verdict alone. Without `format=json` it answers XML, as the real one does.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::knobs::{Knobs, Latency};
use crate::record::Log;
use crate::seed::Seed;
use crate::server::Scope;

/// VIN, make, model, year, fuel and cylinders of the vehicles that are known.
const KNOWN: [(&str, &str, &str, &str, &str, &str); 5] = [
    ("1HGCM82633A004352", "HONDA", "Accord", "2003", "Gasoline", "6"),
    ("1FTFW1CT5DFC10312", "FORD", "F-150", "2013", "Gasoline", "6"),
    ("WAULDAF87PN012340", "AUDI", "A8", "2023", "Gasoline", "6"),
    ("1C6RR7FT0KS643289", "RAM", "1500", "2019", "Gasoline", "8"),
    ("7XJBB3236TS001714", "RIVIAN", "R1S", "2026", "Electric", ""),
];

/// How the service behaves when it is well.
#[derive(Clone, Debug, PartialEq)]
pub struct NhtsaSettings {
    /// Delay of every answer.
    pub latency: Latency,
}

impl Default for NhtsaSettings {
    fn default() -> Self {
        NhtsaSettings { latency: Latency::new(80.0, 40.0) }
    }
}

/// What can go wrong with a request.
#[derive(Clone, Debug, PartialEq)]
pub enum NhtsaFault {
    /// An HTTP error, such as 429 or 503.
    Status(u16),
    /// No answer.
    Stall,
    /// A late answer, in milliseconds.
    Slow(u64),
    /// An HTML page with status 200.
    Html,
}

/// The simulated service. Clones share everything.
#[derive(Clone, Debug)]
pub struct Nhtsa {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    knobs: Knobs<NhtsaSettings, NhtsaFault>,
    requests: Log<String>,
    scope: Scope,
}

impl Nhtsa {
    pub(crate) fn new(seed: Seed, settings: NhtsaSettings, scope: Scope) -> Self {
        let knobs = Knobs::new(seed, "nhtsa", settings);
        Nhtsa { shared: Arc::new(Shared { knobs, requests: Log::default(), scope }) }
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().route("/vehicles/DecodeVinValues/{vin}", get(decode)).with_state(self.clone())
    }

    /// Settings and faults.
    pub fn knobs(&self) -> &Knobs<NhtsaSettings, NhtsaFault> {
        &self.shared.knobs
    }

    /// Every VIN that was asked for.
    pub fn requests(&self) -> &Log<String> {
        &self.shared.requests
    }
}

async fn decode(State(nhtsa): State<Nhtsa>, Path(vin): Path<String>, RawQuery(query): RawQuery) -> Response {
    let shared = &nhtsa.shared;
    shared.requests.push(vin.clone());
    let fault = shared.knobs.draw_fault();
    let extra = match fault {
        Some(NhtsaFault::Stall) => Duration::MAX,
        Some(NhtsaFault::Slow(ms)) => Duration::from_millis(ms),
        _ => Duration::ZERO,
    };
    let wait = shared.knobs.delay(shared.knobs.settings().latency).saturating_add(extra);
    shared.scope.run(tokio::time::sleep(wait)).await;
    match fault {
        Some(NhtsaFault::Status(status)) => {
            StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE).into_response()
        }
        Some(NhtsaFault::Html) => ([(header::CONTENT_TYPE, "text/html")], "<html>Maintenance</html>").into_response(),
        _ => answer(&vin.to_uppercase(), query.as_deref().unwrap_or_default()),
    }
}

fn answer(vin: &str, query: &str) -> Response {
    let result = values(vin);
    if form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "format" && value == "json") {
        let message = "Results returned successfully. NOTE: Any missing decoded values should be interpreted as NHTSA \
                       does not have data on the specific variable.";
        let criteria = format!("VIN:{vin}");
        return Json(json!({"Count": 1, "Message": message, "SearchCriteria": criteria, "Results": [result]}))
            .into_response();
    }
    let body = format!(
        "<Response><Count>1</Count><Results><DecodedVINValues><VIN>{vin}</VIN></DecodedVINValues></Results></Response>"
    );
    ([(header::CONTENT_TYPE, "application/xml; charset=utf-8")], body).into_response()
}

/// The flat object: every value is a string, a missing one is empty.
fn values(vin: &str) -> Value {
    let known = KNOWN.iter().find(|(number, ..)| *number == vin);
    let (_, make, model, year, fuel, cylinders) = known.copied().unwrap_or(("", "", "", "", "", ""));
    let (code, text) = verdict(vin, known.is_some());
    json!({"VIN": vin, "Make": make, "Model": model, "ModelYear": year, "Trim": "", "BodyClass": "",
        "VehicleType": if make.is_empty() { "" } else { "PASSENGER CAR" }, "FuelTypePrimary": fuel,
        "EngineCylinders": cylinders, "DisplacementL": "", "DriveType": "", "EngineModel": "", "Manufacturer": make,
        "PlantCountry": "", "SuggestedVIN": "", "PossibleValues": "", "AdditionalErrorText": "",
        "ErrorCode": code, "ErrorText": text})
}

fn verdict(vin: &str, known: bool) -> (&'static str, &'static str) {
    let legal = |c: char| c.is_ascii_digit() || (c.is_ascii_uppercase() && !"IOQ".contains(c));
    match () {
        () if vin.chars().any(|c| !legal(c) && c != '*') => ("400", "400 - Invalid Characters Present"),
        () if vin.len() != 17 => ("6", "6 - Incomplete VIN"),
        () if !check_digit_is_right(vin) => ("1", "1 - Check Digit (9th position) does not calculate properly"),
        () if known => ("0", "0 - VIN decoded clean. Check Digit (9th position) is correct"),
        () => (
            "7,14",
            "7 - Manufacturer is not registered with NHTSA; 14 - Unable to provide information for some characters",
        ),
    }
}

/// 49 CFR 565.15: letters have values, positions have weights, the remainder by 11 is the ninth character.
fn check_digit_is_right(vin: &str) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value = |c: char| match c {
        'A'..='H' => c as u32 - 'A' as u32 + 1,
        'J'..='R' => c as u32 - 'J' as u32 + 1,
        'S'..='Z' => c as u32 - 'S' as u32 + 2,
        _ => c.to_digit(10).unwrap_or(0),
    };
    let sum: u32 = vin.chars().zip(WEIGHTS).map(|(c, weight)| value(c) * weight).sum();
    let expected = if sum % 11 == 10 { 'X' } else { char::from_digit(sum % 11, 10).unwrap_or('0') };
    vin.chars().nth(8) == Some(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_those_of_published_numbers() {
        for (vin, code) in [
            ("1HGCM82633A004352", "0"),
            ("1M8GDM9AXKP042788", "7,14"),
            ("5UXWX7C5XBA000000", "1"),
            ("1HGCM82633", "6"),
            ("1HGCM82633A00435O", "400"),
        ] {
            assert_eq!(values(vin)["ErrorCode"], code, "{vin}");
        }
        assert!(KNOWN.iter().all(|(vin, ..)| check_digit_is_right(vin)));
    }
}
