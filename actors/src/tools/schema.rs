//! Strict JSON schemas from the argument types: every object closed, every property required, an optional one nullable.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// The schema of an argument type, in the form that the vendors' strict mode demands.
pub(super) fn strict<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| {
        s.inline_subschemas = true;
        s.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(close).transform(&mut schema);
    schema.remove("title");
    schema.remove("description");
    schema.to_value()
}

fn close(schema: &mut Schema) {
    // Not understood by strict mode; the rules they stand for are checked when the arguments are read.
    for keyword in ["format", "default", "minLength", "maxLength", "minimum"] {
        schema.remove(keyword);
    }
    choose(schema);
    if schema.get("type") != Some(&json!("object")) {
        return;
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let names: Vec<String> = properties.map(|p| p.keys().cloned().collect()).unwrap_or_default();
    schema.insert("properties".into(), properties_or_none(schema));
    schema.insert("required".into(), json!(names));
    schema.insert("additionalProperties".into(), json!(false));
}

/// Strict mode refuses `oneOf`, which is how a choice of explained words comes out: it becomes a plain list of the words,
/// and their explanations one text.
fn choose(schema: &mut Schema) {
    let Some(Value::Array(choices)) = schema.remove("oneOf") else { return };
    let words: Vec<&Value> = choices.iter().filter_map(|choice| choice.get("const")).collect();
    let explained = choices.iter().filter_map(|choice| {
        Some(format!("{}: {}", choice.get("const")?.as_str()?, choice.get("description")?.as_str()?))
    });
    let about = schema.get("description").and_then(Value::as_str).map(str::to_owned);
    let description: Vec<String> = about.into_iter().chain(explained).collect();
    schema.insert("description".into(), json!(description.join(" ")));
    schema.insert("enum".into(), json!(words));
    schema.insert("type".into(), json!("string"));
}

fn properties_or_none(schema: &Schema) -> Value {
    schema.get("properties").cloned().unwrap_or_else(|| json!({}))
}
