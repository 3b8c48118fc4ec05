//! The schemas are what vendors' strict modes take: closed objects, everything required, few keywords.

use std::collections::BTreeSet;

use super::*;
use crate::ports::ToolSpec;

/// Keywords that strict mode understands: `oneOf`, `format`, `pattern` and the like are refused with the whole request.
const ALLOWED: [&str; 10] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "description",
    "enum",
    "const",
    "items",
    "anyOf",
    "$defs",
];

fn check_schema(schema: &Value, at: &str) {
    let Some(fields) = schema.as_object() else { panic!("{at}: not an object: {schema}") };
    for keyword in fields.keys() {
        assert!(ALLOWED.contains(&keyword.as_str()), "{at}: strict mode does not know {keyword}: {schema}");
    }
    if fields.get("type") == Some(&"object".into()) {
        let properties = fields["properties"].as_object().unwrap();
        let required: BTreeSet<_> = fields["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(required, properties.keys().map(String::as_str).collect(), "{at}: all are required");
        assert_eq!(fields["additionalProperties"], false, "{at}: closed");
        properties.iter().for_each(|(name, property)| check_schema(property, &format!("{at}.{name}")));
    }
    for list in ["anyOf"].iter().filter_map(|keyword| fields.get(*keyword)?.as_array()) {
        list.iter().for_each(|schema| check_schema(schema, at));
    }
    fields.get("items").into_iter().for_each(|schema| check_schema(schema, at));
}

fn parameters(spec: &ToolSpec) -> Value {
    serde_json::from_str(spec.parameters.get()).unwrap()
}

#[test]
fn every_schema_is_strict_in_all_its_parts() {
    for spec in reminder_specs(true).iter() {
        let parameters = parameters(spec);
        assert_eq!(parameters["type"], "object", "{}", spec.name);
        check_schema(&parameters, spec.name);
    }
}

#[test]
fn every_tool_is_named_and_explained() {
    let specs = reminder_specs(true);
    let names: BTreeSet<_> = specs.iter().map(|spec| spec.name).collect();
    assert_eq!(names.len(), Tool::ALL.len());
    for spec in specs.iter() {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        assert!(spec.name.len() <= 64 && spec.name.chars().all(fits), "{}", spec.name);
        assert!(spec.description.len() > 20, "{}", spec.name);
        for (name, property) in parameters(spec)["properties"].as_object().unwrap() {
            assert!(property["description"].as_str().is_some_and(|d| d.len() > 10), "{}.{name}: {property}", spec.name);
        }
    }
}

#[test]
fn the_facts_of_an_identity_are_a_closed_list() {
    let text = Tool::VerifyIdentity.parameters().to_string();
    for fact in ["date_of_birth", "street", "vin", "plate"] {
        assert!(text.contains(&format!("\"{fact}\"")), "{text}");
    }
}

#[test]
fn a_transfer_is_offered_only_where_somebody_is() {
    let offers = |can_transfer| specs(can_transfer).iter().any(|spec| spec.name == "transfer_to_human");
    assert_eq!((offers(true), offers(false)), (true, false));
    let reminds = |specs: Arc<[crate::ports::ToolSpec]>| specs.iter().any(|spec| spec.name == "answer_reminder");
    assert_eq!((reminds(reminder_specs(true)), reminds(specs(true))), (true, false));
}
