//! The tools that a request offers. A client offers the same ones in every request, so that they are read and checked
//! once.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::request::{Endpoint, json};
use super::schema;
use super::wire::ApiError;

/// A tool on offer.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Whether arguments follow the schema strictly.
    pub strict: bool,
    /// JSON schema of its arguments.
    pub parameters: Value,
}

/// The tools that were offered last, by their text.
#[derive(Debug, Default)]
pub(super) struct Menu {
    last: Mutex<Option<Offered>>,
}

#[derive(Debug)]
struct Offered {
    endpoint: Endpoint,
    text: Box<str>,
    tools: Arc<[Tool]>,
}

impl Menu {
    /// Reads a body's `tools`, as JSON text.
    pub(super) fn read(&self, endpoint: Endpoint, text: &str) -> Result<Arc<[Tool]>, ApiError> {
        if let Some(last) = &*self.last.lock().unwrap_or_else(PoisonError::into_inner)
            && last.endpoint == endpoint
            && *last.text == *text
        {
            return Ok(Arc::clone(&last.tools));
        }
        let list = json::<Value>(text.as_bytes())?;
        let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
        let tools = list.iter().enumerate().map(|(index, tool)| read(endpoint, index, tool));
        let tools: Arc<[Tool]> = tools.collect::<Result<_, _>>()?;
        let offered = Offered { endpoint, text: text.into(), tools: Arc::clone(&tools) };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(offered);
        Ok(tools)
    }
}

/// In a response's request tools are flat, and strict unless it says otherwise.
fn read(endpoint: Endpoint, index: usize, value: &Value) -> Result<Tool, ApiError> {
    let at = format!("tools[{index}]");
    let (function, strict_unless_said, prefix) = match endpoint {
        Endpoint::ChatCompletions => (&value["function"], false, "function."),
        Endpoint::Responses => (value, true, ""),
    };
    if value["type"].as_str() != Some("function") {
        return Err(ApiError::bad_request("Invalid value for type.", Some(&format!("{at}.type"))));
    }
    let name = function["name"].as_str().unwrap_or_default().to_owned();
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(legal) {
        let text = format!("Invalid '{prefix}name': string does not match pattern '^[a-zA-Z0-9_-]+$'.");
        return Err(ApiError::bad_request(&text, Some(&format!("{at}.{prefix}name"))));
    }
    let strict = function["strict"].as_bool().unwrap_or(strict_unless_said);
    let parameters = function["parameters"].clone();
    if strict {
        schema::check_strict(&name, &parameters)
            .map_err(|text| ApiError::bad_request(&text, Some(&format!("{at}.{prefix}parameters"))))?;
    }
    Ok(Tool { name, strict, parameters })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_offered_last_counts_for_its_own_interface_and_text_alone() {
        let menu = Menu::default();
        let parameters = json!({"type": "object"});
        let loose = json!([{"type": "function", "function": {"name": "a", "parameters": parameters}, "name": "b",
            "strict": false, "parameters": parameters}]);
        let name = |endpoint, text: &str| menu.read(endpoint, text).map(|tools| tools[0].name.clone()).ok();
        for _ in 0..2 {
            assert_eq!(name(Endpoint::ChatCompletions, &loose.to_string()).as_deref(), Some("a"));
            assert_eq!(name(Endpoint::Responses, &loose.to_string()).as_deref(), Some("b"));
        }
        let strict = loose.to_string().replace("false", "true");
        assert_eq!(name(Endpoint::Responses, &strict), None, "a strict schema lists its fields");
    }
}
