//! The parameters of a webhook. Unknown ones may appear at any time and all are signed, so every pair is kept, in order
//! and with repetitions.

use otto_actors::domain::{AnsweredBy, PhoneNumber};

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

/// What stands in place of a withheld caller id, beside text: BLOCKED, UNKNOWN, ANONYMOUS, RESTRICTED and UNAVAILABLE, spelt
/// on the keys of a telephone. All who withhold theirs would be one caller.
const WITHHELD: [&str; 5] = ["+2562533", "+8656696", "+266696687", "+7378742833", "+86282452253"];

/// The number in a field; none when it is withheld, or no number at all.
#[must_use]
pub fn number(form: &Form, name: &str) -> Option<PhoneNumber> {
    let text = form.get(name).filter(|text| !WITHHELD.contains(text))?;
    PhoneNumber::parse(text).ok()
}

/// Longest name of a message that is accepted, in characters. Twilio's own have 34.
const SID_MAX_CHARS: usize = 64;

/// Whether a text is Twilio's name for a message: `SM` or `MM` and letters or digits.
#[must_use]
pub fn is_message_sid(text: &str) -> bool {
    let tail = text.strip_prefix("SM").or_else(|| text.strip_prefix("MM")).unwrap_or_default();
    !tail.is_empty() && text.len() <= SID_MAX_CHARS && tail.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// What has answered a call, in the words of Twilio's callbacks. None for `machine_start`, since its greeting is not over
/// yet, and for words that are not known.
#[must_use]
pub fn answered_by(word: &str) -> Option<AnsweredBy> {
    match word {
        "human" => Some(AnsweredBy::Human),
        "fax" => Some(AnsweredBy::Fax),
        "unknown" => Some(AnsweredBy::Unknown),
        "machine_end_beep" | "machine_end_silence" | "machine_end_other" => Some(AnsweredBy::Machine),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withheld_caller_id_is_no_number() {
        for text in WITHHELD.into_iter().chain(["anonymous", "client:ann", "sip:ann@example.com", ""]) {
            assert_eq!(number(&Form(vec![("From".into(), text.into())]), "From"), None, "{text}");
        }
        let form = Form::parse(b"From=%2B15555550123");
        assert_eq!(number(&form, "From"), PhoneNumber::parse("+15555550123").ok());
        assert_eq!(number(&form, "To"), None);
    }

    #[test]
    fn values_are_decoded_and_kept_in_order() {
        let form = Form::parse(b"From=%2B15555550123&a=x+y%20&Empty=&a=2");
        assert_eq!(form.get("From"), Some("+15555550123"));
        assert_eq!(form.get("a"), Some("x y "));
        assert_eq!((form.get("Empty"), form.get("from")), (None, None));
        assert_eq!(form.pairs().count(), 4);
    }
}
