//! Requests to Twilio against its own OpenAPI document (`specs/twilio_api_2010.json`): paths, parameters and their values
//! are the ones that it describes.

use serde_json::Value;

const DOCUMENT: &str = include_str!("specs/twilio_api_2010.json");
const FORM: &str = "application/x-www-form-urlencoded";

/// Checks a request, with its parameters decoded, and says which operation it is. `method` is in lower case.
#[track_caller]
pub(crate) fn check(method: &str, path: &str, params: &[(String, String)]) -> String {
    let document: Value = serde_json::from_str(DOCUMENT).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let fits = |template: &str| values(template, path).is_some();
    let (template, item) = paths.iter().find(|(template, _)| fits(template)).unwrap_or_else(|| panic!("{path}"));
    let operation = &item[method];
    let described = operation["parameters"].as_array().unwrap_or_else(|| panic!("no {method} of {path}"));
    let schema_of = |place: &str, name: &str| {
        let known = described.iter().find(|known| known["in"] == place && known["name"] == name);
        known.map_or(&Value::Null, |known| &known["schema"])
    };
    for (name, value) in values(template, path).expect("it fits") {
        fits_schema(&document, schema_of("path", name), name, value);
    }
    let form = &operation["requestBody"]["content"][FORM]["schema"];
    for required in form["required"].as_array().into_iter().flatten() {
        assert!(params.iter().any(|(name, _)| required == name), "{required} is missing: {params:?}");
    }
    for (name, value) in params {
        let schema = if method == "get" { schema_of("query", name) } else { &form["properties"][name] };
        fits_schema(&document, schema, name, value);
    }
    operation["operationId"].as_str().expect("a name").to_owned()
}

#[track_caller]
fn fits_schema(document: &Value, schema: &Value, name: &str, value: &str) {
    assert!(schema.is_object(), "{name} is not in the document");
    let reference = schema["$ref"].as_str().and_then(|path| document.pointer(path.trim_start_matches('#')));
    let schema = reference.unwrap_or(schema);
    let length = value.len() as u64;
    assert!(schema["minLength"].as_u64().is_none_or(|least| least <= length), "{name}: {value}");
    assert!(schema["maxLength"].as_u64().is_none_or(|most| length <= most), "{name}: {value}");
    assert!(schema["enum"].as_array().is_none_or(|words| words.iter().any(|word| word == value)), "{name}={value}");
    if schema["type"] == "integer" {
        let number: u64 = value.parse().unwrap_or_else(|_| panic!("{name}={value}"));
        assert!(schema["maximum"].as_u64().is_none_or(|most| number <= most), "{name}={value}");
    }
    if schema["format"] == "uri" {
        assert!(value.starts_with("https://") || value.starts_with("http://"), "{name}={value}");
    }
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
    let calls = format!("/2010-04-01/Accounts/{}/Calls.json", sid("AC"));
    let call = calls.replace(".json", &format!("/{}.json", sid("CA")));
    let of = |method: &str, path: &str, name: &str, value: &str| {
        let params = [(name.to_owned(), value.to_owned())];
        std::panic::catch_unwind(|| check(method, path, &params)).ok()
    };
    for (method, path, name, value, operation) in [
        ("post", &call, "Status", "completed", "UpdateCall"),
        ("post", &call, "Twiml", "<Response/>", "UpdateCall"),
        ("get", &calls, "StartTime>", "2026-11-22", "ListCall"),
        ("get", &calls, "PageSize", "1000", "ListCall"),
    ] {
        assert_eq!(of(method, path, name, value), Some(operation.to_owned()), "{name}={value}");
    }
    for (method, path, name, value) in [
        ("post", &call, "Status", "gone"),
        ("post", &call, "TwiML", "<Response/>"),
        ("post", &call, "Url", "otto.example"),
        ("post", &call, "TimeLimit", "long"),
        ("put", &call, "Status", "completed"),
        ("post", &call.replace(".json", ""), "Status", "completed"),
        ("post", &call.replace("CA0", "CA"), "Status", "completed"),
        ("post", &call.replace("Calls", "Call"), "Status", "completed"),
        ("post", &calls, "To", "+15555550123"),
        ("get", &calls, "StartTime>=", "2026-11-22"),
        ("get", &calls, "PageSize", "1001"),
        ("get", &calls, "Url", "https://otto.example"),
    ] {
        assert_eq!(of(method, path, name, value), None, "{method} {path} {name}={value}");
    }
}
