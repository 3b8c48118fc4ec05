//! Requests to Twilio against its own OpenAPI document (`specs/twilio_api_2010.json`): paths, parameters and their values
//! are the ones that it describes.

use otto_sim::twilio::RestRequest;
use serde_json::Value;

const DOCUMENT: &str = include_str!("specs/twilio_api_2010.json");
const FORM: &str = "application/x-www-form-urlencoded";

/// Checks requests, all of which were POSTs, and says which operations they were.
#[track_caller]
pub(crate) fn check(requests: &[RestRequest]) -> Vec<String> {
    let document: Value = serde_json::from_str(DOCUMENT).expect("JSON");
    requests.iter().map(|request| check_one(&document, request)).collect()
}

#[track_caller]
fn check_one(document: &Value, request: &RestRequest) -> String {
    let paths = document["paths"].as_object().expect("paths");
    let fits = |template: &str| values(template, &request.path).is_some();
    let (template, path) = paths.iter().find(|(template, _)| fits(template)).unwrap_or_else(|| panic!("{request:?}"));
    let operation = &path["post"];
    for (name, value) in values(template, &request.path).expect("it fits") {
        let known = operation["parameters"].as_array().expect("parameters").iter().find(|p| p["name"] == name);
        let schema = &known.unwrap_or_else(|| panic!("{name} is not in the document"))["schema"];
        let length = value.len() as u64;
        assert!(schema["minLength"].as_u64().is_none_or(|least| least <= length), "{name}: {value}");
        assert!(schema["maxLength"].as_u64().is_none_or(|most| length <= most), "{name}: {value}");
    }
    let form = &operation["requestBody"]["content"][FORM]["schema"];
    for required in form["required"].as_array().into_iter().flatten() {
        assert!(request.params.iter().any(|(name, _)| required == name), "{required} is missing: {request:?}");
    }
    for (name, value) in &request.params {
        let known = &form["properties"][name];
        assert!(known.is_object(), "{name} is not in the document");
        let reference = known["$ref"].as_str().and_then(|path| document.pointer(path.trim_start_matches('#')));
        let schema = reference.unwrap_or(known);
        if let Some(allowed) = schema["enum"].as_array() {
            assert!(allowed.iter().any(|word| word == value), "{name}={value}");
        }
    }
    operation["operationId"].as_str().expect("a name").to_owned()
}

/// What stands in the places of a template; none when the path is not of that form.
fn values<'a>(template: &'a str, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let pairs = template.iter().zip(&path).map(|(template, part)| match template.strip_prefix('{') {
        Some(place) => {
            let (name, end) = place.split_once('}')?;
            let value = part.strip_suffix(end)?;
            Some(Some((name, value)))
        }
        None => (template == part).then_some(None),
    });
    if template.len() != path.len() {
        return None;
    }
    Some(pairs.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
}

#[test]
fn what_the_document_does_not_describe_is_found() {
    let sid = |kind: &str| format!("{kind}{}", "0".repeat(32));
    let path = format!("/2010-04-01/Accounts/{}/Calls/{}.json", sid("AC"), sid("CA"));
    let of = |path: &str, name: &str, value: &str| {
        let request =
            RestRequest { path: path.to_owned(), params: vec![(name.to_owned(), value.to_owned())], status: 200 };
        std::panic::catch_unwind(|| check(&[request])).ok()
    };
    assert_eq!(of(&path, "Status", "completed"), Some(vec!["UpdateCall".to_owned()]));
    assert_eq!(of(&path, "Twiml", "<Response/>"), Some(vec!["UpdateCall".to_owned()]));
    for (path, name, value) in [
        (path.as_str(), "Status", "gone"),
        (&path, "TwiML", "<Response/>"),
        (&path.replace(".json", ""), "Status", "completed"),
        (&path.replace("CA0", "CA"), "Status", "completed"),
        (&path.replace("Calls", "Call"), "Status", "completed"),
    ] {
        assert_eq!(of(path, name, value), None, "{path} {name}={value}");
    }
}
