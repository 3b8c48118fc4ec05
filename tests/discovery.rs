//! Requests to Google against its own discovery document (`specs/google_calendar_v3.json`): methods, parameters and bodies
//! are the ones that it describes.

use otto_sim::google_calendar::CalendarRequest;
use serde_json::Value;

const DOCUMENT: &str = include_str!("specs/google_calendar_v3.json");

/// Checks requests and says which methods they were.
#[track_caller]
pub(crate) fn check(requests: &[CalendarRequest]) -> Vec<String> {
    let document: Value = serde_json::from_str(DOCUMENT).expect("JSON");
    let api = requests.iter().filter(|request| !request.line.ends_with("/token"));
    api.map(|request| check_one(&document, request)).collect()
}

#[track_caller]
fn check_one(document: &Value, request: &CalendarRequest) -> String {
    let (verb, path) = request.line.split_once(' ').expect("a method and a path");
    let base = format!("/{}", document["servicePath"].as_str().expect("a path"));
    let path = path.strip_prefix(&base).unwrap_or_else(|| panic!("{path} is not below {base}"));
    let methods = document["methods"].as_object().expect("methods");
    let fits = |method: &Value| method["httpMethod"] == verb && matches(method["path"].as_str().unwrap_or(""), path);
    let (name, method) = methods.iter().find(|(_, method)| fits(method)).unwrap_or_else(|| panic!("{verb} {path}"));
    for pair in request.query.split('&').filter(|pair| !pair.is_empty()) {
        let (parameter, value) = pair.split_once('=').expect("a value");
        let known = &method["parameters"][parameter];
        assert_eq!(known["location"], "query", "{name}: {parameter}");
        if let Some(allowed) = known["enum"].as_array() {
            assert!(allowed.iter().any(|word| word == value), "{name}: {parameter}={value}");
        }
    }
    match method["request"].as_str() {
        Some(schema) => check_value(document, &document["schemas"][schema], &request.body, name),
        None => assert_eq!(request.body, Value::Null, "{name} takes no body"),
    }
    name.clone()
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len() && template.iter().zip(path).all(|(t, p)| t.starts_with('{') || *t == p)
}

#[track_caller]
fn check_value(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        return check_value(document, &document["schemas"][name], value, at);
    }
    match (schema["type"].as_str(), value) {
        (Some("object"), Value::Object(fields)) => {
            for (name, value) in fields {
                let known = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
                assert!(!known.is_null(), "{at}.{name} is not in the document");
                check_value(document, known, value, &format!("{at}.{name}"));
            }
        }
        (Some("array"), Value::Array(items)) => {
            items.iter().for_each(|item| check_value(document, &schema["items"], item, at));
        }
        (Some("string"), Value::String(_)) | (Some("boolean"), Value::Bool(_)) => {}
        (Some("integer"), Value::Number(number)) if number.is_i64() => {}
        (kind, _) => panic!("{at}: expected {kind:?}, found {value}"),
    }
}
