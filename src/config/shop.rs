//! The shop's file, `otto.toml`: finds it and reads it over the defaults.

use std::path::Path;

use otto_actors::domain::Shop;
use toml::{Table, Value};

use super::Environment;

/// The shop's file in the working directory; it need not exist.
pub const SHOP_FILE: &str = "otto.toml";
/// Names another file, which must exist.
pub const SHOP_FILE_VARIABLE: &str = "OTTO_TOML";

/// The text of the shop's file, if there is one.
pub(super) fn find(environment: &Environment) -> Result<Option<String>, String> {
    let named = environment.get(SHOP_FILE_VARIABLE);
    let path = Path::new(named.unwrap_or(SHOP_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => Ok(None),
        Err(error) => {
            let name = if named.is_some() { SHOP_FILE_VARIABLE } else { SHOP_FILE };
            let shown = path.display();
            Err(format!("{name}: found {shown}, which cannot be read ({}), expected a TOML file", error.kind()))
        }
    }
}

/// Reads the file's text over the defaults; what is wrong goes to `problems`.
pub(super) fn read(text: Option<&str>, problems: &mut Vec<String>) -> Shop {
    match parse(text.unwrap_or_default()) {
        Ok(shop) => {
            problems.extend(shop.problems().into_iter().map(|problem| format!("{SHOP_FILE}: {problem}")));
            shop
        }
        Err(problem) => {
            problems.push(format!("{SHOP_FILE}: {}", problem.trim_end().replace('\n', " ")));
            Shop::default()
        }
    }
}

fn parse(text: &str) -> Result<Shop, String> {
    let mut table: Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
    // TOML has no word for "none", and a left-out lunch is the default one.
    let no_lunch = table.get("lunch").and_then(Value::as_bool) == Some(false);
    if no_lunch {
        table.remove("lunch");
    }
    table.iter_mut().for_each(|(_, value)| dates_as_text(value));
    let shop: Shop = table.try_into().map_err(|e: toml::de::Error| e.to_string())?;
    Ok(if no_lunch { Shop { lunch: None, ..shop } } else { shop })
}

/// TOML's own dates are as good as quoted ones.
fn dates_as_text(value: &mut Value) {
    match value {
        Value::Datetime(date) => *value = Value::String(date.to_string()),
        Value::Array(values) => values.iter_mut().for_each(dates_as_text),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| dates_as_text(value)),
        _ => {}
    }
}
