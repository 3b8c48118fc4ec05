//! The subset of JSON schema that strict tools may use, checked as the vendor does: one bad schema fails the request.

use serde_json::{Map, Value};

/// Nesting that the vendor allows.
const MAX_DEPTH: usize = 10;

const UNSUPPORTED: [&str; 6] = ["allOf", "not", "dependentRequired", "if", "then", "else"];

/// Checks the parameters of the strict tool `name`; the error is the vendor's sentence.
pub(super) fn check_strict(name: &str, parameters: &Value) -> Result<(), String> {
    if parameters["type"].as_str() != Some("object") {
        return Err(invalid(name, "schema must be a JSON Schema of 'type: \"object\"'"));
    }
    check(name, parameters, 0)
}

fn check(name: &str, schema: &Value, depth: usize) -> Result<(), String> {
    let Some(fields) = schema.as_object() else { return Ok(()) };
    if depth > MAX_DEPTH {
        return Err(invalid(name, "schema is nested too deeply"));
    }
    if let Some(keyword) = UNSUPPORTED.iter().find(|keyword| fields.contains_key(**keyword)) {
        return Err(invalid(name, &format!("'{keyword}' is not permitted")));
    }
    if allows_object(&schema["type"]) || fields.contains_key("properties") {
        check_object(name, fields)?;
    }
    children(fields).into_iter().try_for_each(|child| check(name, child, depth + 1))
}

fn allows_object(kind: &Value) -> bool {
    kind == "object" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
}

fn check_object(name: &str, fields: &Map<String, Value>) -> Result<(), String> {
    if fields.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Err(invalid(name, "'additionalProperties' is required to be supplied and to be false"));
    }
    let Some(properties) = fields.get("properties").and_then(Value::as_object) else { return Ok(()) };
    let required = fields.get("required").and_then(Value::as_array);
    let listed = |key: &str| required.is_some_and(|list| list.iter().any(|entry| entry == key));
    match properties.keys().find(|key| !listed(key)) {
        Some(missing) => {
            let what = "'required' is required to be supplied and to be an array including every key in properties";
            Err(invalid(name, &format!("{what}. Missing '{missing}'")))
        }
        None => Ok(()),
    }
}

/// Every schema within a schema.
fn children(fields: &Map<String, Value>) -> Vec<&Value> {
    let maps = ["properties", "$defs", "definitions"].into_iter().filter_map(|key| fields.get(key)?.as_object());
    let lists = ["anyOf", "oneOf"].into_iter().filter_map(|key| fields.get(key)?.as_array());
    maps.flat_map(|map| map.values()).chain(lists.flatten()).chain(fields.get("items")).collect()
}

fn invalid(name: &str, what: &str) -> String {
    format!("Invalid schema for function '{name}': In context=(), {what}.")
}
