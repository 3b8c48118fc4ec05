//! `X-Twilio-Signature`: base64 of HMAC-SHA1 over the URL that Twilio was given and the sorted parameters, keyed with
//! the account's Auth Token (protocols/twilio.md, section 2).
//!
//! The URL is built from the configured public address and never from the request's `Host`, which a proxy may change.
//! It is tried with and without its port, since Twilio's products differ in that.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use subtle::{Choice, ConstantTimeEq};
use url::Url;

/// The header that carries the signature, in lower case.
pub const HEADER: &str = "x-twilio-signature";
/// The query parameter with the hash of a body that is not a form.
const BODY_HASH: &str = "bodySHA256=";

/// Checks what claims to come from Twilio.
#[derive(Clone)]
pub struct SignatureCheck {
    token: SecretString,
    base: Url,
}

impl SignatureCheck {
    /// A check for requests to a public base URL, signed with an account's Auth Token.
    #[must_use]
    pub fn new(token: SecretString, base: Url) -> Self {
        Self { token, base }
    }

    /// Whether a form that was posted to a path (with its query, as it was requested) is signed.
    pub fn form<'a>(&self, target: &str, params: impl Iterator<Item = (&'a str, &'a str)>, header: &str) -> bool {
        let params = canonical(params);
        self.any(self.urls(self.base.scheme(), target), &params, header)
    }

    /// Whether the handshake of a media socket is signed. Its URL is the `wss://` one of the `<Stream>`, and Twilio may
    /// append a slash.
    #[must_use]
    pub fn socket(&self, target: &str, header: &str) -> bool {
        let with_slash = format!("{}/", target.trim_end_matches('/'));
        let urls = self.urls("wss", target).chain(self.urls("wss", &with_slash)).collect::<Vec<_>>();
        self.any(urls.into_iter(), "", header)
    }

    /// Whether a body that is no form is signed: the URL carries its hash, and both must be right.
    #[must_use]
    pub fn body(&self, target: &str, body: &[u8], header: &str) -> bool {
        let claimed = target.split(['?', '&']).find_map(|pair| pair.strip_prefix(BODY_HASH)).unwrap_or_default();
        let body_fits = claimed.as_bytes().ct_eq(sha256_hex(body).as_bytes());
        bool::from(body_fits) & self.any(self.urls(self.base.scheme(), target), "", header)
    }

    /// Signs as Twilio does.
    #[cfg(test)]
    pub(crate) fn sign<'a>(&self, url: &str, params: impl Iterator<Item = (&'a str, &'a str)>) -> String {
        sign(&self.token, url, &canonical(params))
    }

    /// The URLs that Twilio may have signed for a path: with the port as configured, without any, and with the standard
    /// one. A fragment and user information are never signed.
    fn urls(&self, scheme: &str, target: &str) -> impl Iterator<Item = String> {
        let host = self.base.host_str().unwrap_or_default();
        let standard = if matches!(scheme, "https" | "wss") { 443 } else { 80 };
        let port = self.base.port().unwrap_or(standard);
        let prefix = self.base.path().trim_end_matches('/');
        let path = target.split('#').next().unwrap_or_default();
        [format!("{scheme}://{host}{prefix}{path}"), format!("{scheme}://{host}:{port}{prefix}{path}")].into_iter()
    }

    /// All URLs are tried, so that the time says nothing about which one was right.
    fn any(&self, urls: impl Iterator<Item = String>, params: &str, header: &str) -> bool {
        let fits = urls.fold(Choice::from(0), |found, url| {
            found | sign(&self.token, &url, params).as_bytes().ct_eq(header.trim().as_bytes())
        });
        fits.into()
    }
}

/// Names in the order of their bytes, each with its unique values in order, written without separators.
fn canonical<'a>(params: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in params {
        sorted.entry(name).or_default().insert(value);
    }
    let mut text = String::new();
    for (name, values) in sorted {
        for value in values {
            text.push_str(name);
            text.push_str(value);
        }
    }
    text
}

fn sign(token: &SecretString, url: &str, params: &str) -> String {
    // HMAC takes a key of any length, so this does not fail.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.expose_secret().as_bytes()) else { return String::new() };
    mac.update(url.as_bytes());
    mac.update(params.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// TLS brings the hash along; a crate of its own would serve this line only.
fn sha256_hex(body: &[u8]) -> String {
    let rustls::SupportedCipherSuite::Tls13(suite) = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256
    else {
        return String::new();
    };
    let hash = suite.common.hash_provider.hash(body);
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: [(&str, &str); 5] = [
        ("To", "+18005551212"),
        ("CallSid", "CA1234567890ABCDE"),
        ("From", "+14158675309"),
        ("Digits", "1234"),
        ("Caller", "+14158675309"),
    ];

    fn check(base: &str) -> SignatureCheck {
        SignatureCheck::new(SecretString::from("12345"), base.parse().unwrap())
    }

    fn form_is_signed(base: &str, target: &str, params: &[(&str, &str)], header: &str) -> bool {
        check(base).form(target, params.iter().copied(), header)
    }

    #[test]
    fn the_vendors_vectors_fit() {
        let target = "/myapp.php?foo=1&bar=2";
        let other = FORM.map(|(name, value)| match name {
            "From" | "Caller" => (name, "+14158675310"),
            _ => (name, value),
        });
        assert!(form_is_signed("https://example.com", target, &other, "L/OH5YylLD5NRKLltdqwSvS0BnU="));
        assert!(form_is_signed("http://mycompany.com", target, &FORM[..4], "HpS7PBa1Agvt4OtO+wZp75IuQa0="));
        assert!(form_is_signed("https://mycompany.com", target, &FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
        assert!(form_is_signed("https://mycompany.com:443/", target, &FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
        let body = br#"{"CallSid":"CA1234567890ABCDE","Caller":"+12349013030"}"#;
        let target = "/myapp?bodySHA256=5ccde7145dfb8f56479710896586cb9d5911809d83afbe34627818790db0aec9";
        let check = check("https://example.com");
        assert!(check.body(target, body, "hPXmLwIy3Fgqv1i9KPmH/HhQ6zo="));
        assert!(!check.body(target, b"{}", "hPXmLwIy3Fgqv1i9KPmH/HhQ6zo="));
    }

    #[test]
    fn any_change_breaks_it() {
        let good = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
        let (base, target) = ("https://mycompany.com", "/myapp.php?foo=1&bar=2");
        for header in ["", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "L/OH5YylLD5NRKLltdqwSvS0BnU="] {
            assert!(!form_is_signed(base, target, &FORM, header));
        }
        assert!(!form_is_signed(base, "/myapp.php?foo=1", &FORM, good));
        assert!(!form_is_signed("https://other.com", target, &FORM, good));
        assert!(!form_is_signed(base, target, &FORM[1..], good));
    }

    #[test]
    fn ports_are_tried_both_ways() {
        let token = SecretString::from("12345");
        for (base, url, expected) in [
            ("https://h:8443", "https://h:8443/p", true),
            ("https://h:8443", "https://h/p", true),
            ("https://h", "https://h:443/p", true),
            ("http://h", "http://h:80/p", true),
            ("https://h", "https://h:8443/p", false),
            ("https://h/prefix/", "https://h/prefix/p", true),
        ] {
            let header = sign(&token, url, "");
            assert_eq!(form_is_signed(base, "/p", &[], &header), expected, "{base} {url}");
        }
    }

    #[test]
    fn handshakes_are_signed_for_wss() {
        let token = SecretString::from("12345");
        for (base, url, expected) in [
            ("https://h", "wss://h/media", true),
            ("https://h", "wss://h/media/", true),
            ("https://h", "wss://h:443/media/", true),
            ("http://127.0.0.1:8000", "wss://127.0.0.1:8000/media", true),
            ("http://127.0.0.1:8000", "wss://127.0.0.1/media", true),
            ("https://h", "https://h/media", false),
            ("https://h", "wss://h/other", false),
        ] {
            assert_eq!(check(base).socket("/media", &sign(&token, url, "")), expected, "{base} {url}");
        }
    }

    #[test]
    fn repeated_names_are_unique_and_sorted() {
        let params = [("b", "2"), ("a", "z"), ("b", "1"), ("b", "2"), ("B", " ")];
        assert_eq!(canonical(params.into_iter()), "B azb1b2");
    }
}
