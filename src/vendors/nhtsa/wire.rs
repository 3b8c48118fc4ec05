//! What the register answers, and how far that is to be believed. Every value is text, and empty when it is missing; the
//! set of values grows.
//!
//! Source: vPIC's own list of error codes (GetVehicleVariableValuesList, "Error Code") and recorded answers.

use otto_actors::domain::Vin;
use otto_actors::domain::vin::{Certainty, DecodedVin, VinSource};
use serde::Deserialize;

/// The answer to `DecodeVinValues`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    #[serde(default)]
    pub(super) results: Vec<Vehicle>,
}

/// One vehicle, flat.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Vehicle {
    make: Option<String>,
    model: Option<String>,
    model_year: Option<String>,
    trim: Option<String>,
    body_class: Option<String>,
    fuel_type_primary: Option<String>,
    #[serde(rename = "SuggestedVIN")]
    suggested_vin: Option<String>,
    error_code: Option<String>,
}

/// Codes of a number that is none: incomplete, an impossible model year, impossible characters.
const ASK_AGAIN: [u32; 3] = [6, 11, 400];
/// Codes of a number with characters that were probably misheard: the check digit, or corrected positions.
const MISHEARD: [u32; 5] = [1, 2, 3, 4, 5];
/// The code of a number that is clean.
const CLEAN: u32 = 0;

impl Vehicle {
    pub(super) fn decoded(self, vin: &Vin) -> DecodedVin {
        let certainty = self.certainty(vin);
        let register =
            self.suggested_vin.as_deref().and_then(|text| Vin::parse(text).ok()).filter(|other| other != vin);
        let suggestions = match (certainty, register) {
            (Certainty::Sure | Certainty::Likely, _) => Vec::new(),
            (_, Some(suggested)) => vec![suggested],
            (_, None) => vin.likely_meant(),
        };
        DecodedVin {
            make: text(self.make),
            model: text(self.model),
            year: text(self.model_year).and_then(|year| year.parse().ok()),
            trim: text(self.trim),
            body: text(self.body_class),
            fuel: text(self.fuel_type_primary),
            certainty,
            suggestions,
            source: VinSource::Register,
        }
    }

    fn certainty(&self, vin: &Vin) -> Certainty {
        // A list such as "1,7,400"; old answers have the text in it as well.
        let list = self.error_code.as_deref().unwrap_or_default();
        let codes: Vec<u32> = list.split([',', ';']).filter_map(leading_number).collect();
        let has = |some: &[u32]| codes.iter().any(|code| some.contains(code));
        let has_make = self.make.as_deref().is_some_and(|make| !make.trim().is_empty());
        if has(&ASK_AGAIN) {
            Certainty::Unknown
        } else if has(&MISHEARD) && (vin.is_wrong() || !has(&[1]) || !has_make) {
            Certainty::Doubtful
        } else if !has_make {
            Certainty::Unknown
        } else if codes == [CLEAN] {
            Certainty::Sure
        } else {
            // Not registered for the American market, without details, or with a check digit that need not be one.
            Certainty::Likely
        }
    }
}

fn text(value: Option<String>) -> Option<String> {
    value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn leading_number(text: &str) -> Option<u32> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_say_how_far_to_believe() {
        let (right, wrong, european) = ("1HGCM82633A004352", "1HGCM82633A004353", "WAULDAF87PN012341");
        for (vin, make, codes, expected) in [
            (right, "HONDA", "0", Certainty::Sure),
            (right, "HONDA", "0 - VIN decoded clean. Check Digit (9th position) is correct", Certainty::Sure),
            (right, "HONDA", "8,14", Certainty::Likely),
            (right, "HONDA", "12", Certainty::Likely),
            (right, "", "7", Certainty::Unknown),
            (wrong, "HONDA", "1", Certainty::Doubtful),
            (wrong, "HONDA", "1,14", Certainty::Doubtful),
            (wrong, "HONDA", "5,14", Certainty::Doubtful),
            (wrong, "", "1,7,400", Certainty::Unknown),
            (wrong, "", "1,11,14,400", Certainty::Unknown),
            (wrong, "", "6", Certainty::Unknown),
            // In Europe the ninth character is no check digit.
            (european, "AUDI", "1", Certainty::Likely),
        ] {
            let vehicle = Vehicle { make: Some(make.into()), error_code: Some(codes.into()), ..Vehicle::default() };
            assert_eq!(vehicle.certainty(&Vin::parse(vin).unwrap()), expected, "{vin} {codes}");
        }
    }

    #[test]
    fn values_are_text_and_may_be_missing() {
        let json = r#"{"Count":1,"Results":[{"Make":"TESLA","Model":"","ModelYear":"2023","Trim":null,"New":"x",
            "SuggestedVIN":"","ErrorCode":"0"}]}"#;
        let answer: Answer = serde_json::from_str(json).unwrap();
        let vin = Vin::parse("1HGCM82633A004352").unwrap();
        let decoded = answer.results.into_iter().next().unwrap().decoded(&vin);
        assert_eq!((decoded.make.as_deref(), decoded.model, decoded.year), (Some("TESLA"), None, Some(2023)));
        assert_eq!((decoded.trim, decoded.suggestions), (None, vec![]));
    }

    #[test]
    fn the_registers_suggestion_comes_before_our_own() {
        let wrong = Vin::parse("1HGCM82633A004353").unwrap();
        let suggested = Some("1HGCM82633A004352".to_owned());
        let vehicle = Vehicle { suggested_vin: suggested, error_code: Some("2".into()), ..Vehicle::default() };
        assert_eq!(vehicle.decoded(&wrong).suggestions, [Vin::parse("1HGCM82633A004352").unwrap()]);
    }
}
