//! What the vendor's models refuse on either interface: see section 0 of the sheet that this was written from.

use serde_json::Value;

use super::wire::ApiError;

/// Whether the model is one of those that think.
pub(super) fn is_newer(model: &str) -> bool {
    model.starts_with("gpt-5") || model.starts_with("gpt-6")
}

/// Whether the model cannot be told not to think.
pub(super) fn always_thinks(model: &str) -> bool {
    model.starts_with("gpt-6-astra") || model.starts_with("gpt-6.1-sol")
}

/// Checks the effort, which was given as `param`, and the temperature, which goes with effort `none` alone.
pub(super) fn check_thinking(
    model: &str,
    effort: Option<&str>,
    param: &str,
    temperature: &Value,
) -> Result<(), ApiError> {
    let known = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
    let lacks_minimal = model.starts_with("gpt-5.6") || model.starts_with("gpt-6");
    let refused = effort.is_some_and(|effort| {
        !known.contains(&effort)
            || (effort == "none" && always_thinks(model))
            || (effort == "minimal" && lacks_minimal)
            || !(is_newer(model) || model.starts_with('o'))
    });
    if refused {
        let text = format!("Unsupported value: '{param}' does not support this value with this model.");
        return Err(ApiError::unsupported(&text, param));
    }
    if is_newer(model) && effort != Some("none") && temperature.as_f64().is_some_and(|value| value != 1.0) {
        let text = "Unsupported value: 'temperature' does not support this value with this model. Only the default (1) \
                    value is supported.";
        return Err(ApiError::unsupported(text, "temperature"));
    }
    Ok(())
}
