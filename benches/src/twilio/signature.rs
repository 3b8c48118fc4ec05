//! `X-Twilio-Signature`: base64 of HMAC-SHA1 over the URL and the sorted form parameters.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// Signs a request as Twilio does. `url` is the URL as configured with Twilio, in the scheme that it is dialled with
/// (`wss://` for a media stream); `params` are the decoded form fields, none for a GET or a WebSocket.
pub fn sign(url: &str, params: &[(String, String)], token: &str) -> String {
    let mut message = url.to_owned();
    // A set: repeated names appear once for each of their values, in order.
    for (name, value) in params.iter().collect::<BTreeSet<_>>() {
        message.push_str(name);
        message.push_str(value);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(message.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of Twilio's own SDKs: token `12345`.
    fn check(url: &str, params: &[(&str, &str)], expected: &str) {
        let params: Vec<_> = params.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        assert_eq!(sign(url, &params, "12345"), expected);
    }

    #[test]
    fn signs_as_the_sdks_do() {
        check(
            "https://example.com/myapp.php?foo=1&bar=2",
            &[
                ("CallSid", "CA1234567890ABCDE"),
                ("Caller", "+14158675310"),
                ("Digits", "1234"),
                ("From", "+14158675310"),
                ("To", "+18005551212"),
            ],
            "L/OH5YylLD5NRKLltdqwSvS0BnU=",
        );
        check(
            "http://mycompany.com/myapp.php?foo=1&bar=2",
            &[("CallSid", "CA1234567890ABCDE"), ("Digits", "1234"), ("From", "+14158675309"), ("To", "+18005551212")],
            "HpS7PBa1Agvt4OtO+wZp75IuQa0=",
        );
        check(
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            &[
                ("CallSid", "CA1234567890ABCDE"),
                ("Caller", "+14158675309"),
                ("Digits", "1234"),
                ("From", "+14158675309"),
                ("To", "+18005551212"),
            ],
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        );
    }

    #[test]
    fn a_repeated_name_signs_each_of_its_values_once() {
        let params = [("a", "2"), ("a", "1"), ("a", "2")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        let unique = [("a", "1"), ("a", "2")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(sign("https://x/", &params, "t"), sign("https://x/", &unique, "t"));
    }
}
