//! The parameters of a webhook. Unknown ones may appear at any time and all are signed, so every pair is kept, in order
//! and with repetitions.

/// A form as Twilio posts it. It holds personal data, so it cannot be printed.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads an `application/x-www-form-urlencoded` body; any bytes are one.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The first value of that name, unless it is empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All pairs, as a signature covers them.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_kept_in_order() {
        let form = Form::parse(b"From=%2B15555550123&a=x+y%20&Empty=&a=2");
        assert_eq!(form.get("From"), Some("+15555550123"));
        assert_eq!(form.get("a"), Some("x y "));
        assert_eq!((form.get("Empty"), form.get("from")), (None, None));
        assert_eq!(form.pairs().count(), 4);
    }
}
