//! Reads single variables into types and collects what is wrong. Knows no variable by name.

use std::str::FromStr;

use otto_actors::domain::PhoneNumber;
use secrecy::SecretString;
use url::{Host, Url};

use super::Environment;

/// Longest piece of a wrong value that is shown.
const SHOWN_MAX_CHARS: usize = 80;

/// Whether traffic to this address stays on the machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// A wrong value as it may be shown: cut short, and not at all where it could hold a password.
fn shown(value: &str) -> String {
    if value.contains('@') {
        return "a value with an @ in it".to_owned();
    }
    let cut: String = value.chars().take(SHOWN_MAX_CHARS).collect();
    format!("{cut:?}{}", if cut.len() < value.len() { "…" } else { "" })
}

/// The environment and the problems found in it so far.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    pub(super) problems: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        Self { environment, problems: Vec::new() }
    }

    /// The text of a variable.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.environment.get(name)
    }

    /// Notes a problem with a value that may be shown.
    pub(super) fn wrong(&mut self, name: &str, value: &str, expected: &str) {
        self.problems.push(format!("{name}: found {}, expected {expected}", shown(value)));
    }

    /// Notes a problem in words.
    pub(super) fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// A value that a function accepts; none (and a problem) when it does not.
    pub(super) fn parse<T>(&mut self, name: &str, expected: &str, accept: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.get(name)?;
        let value = accept(text);
        if value.is_none() {
            self.wrong(name, text, expected);
        }
        value
    }

    /// A value from its text, within bounds.
    pub(super) fn number<T>(&mut self, name: &str, least: T, most: T, default: T) -> T
    where
        T: FromStr + PartialOrd + std::fmt::Display + Copy,
    {
        let expected = format!("a number from {least} to {most}");
        let accept = |text: &str| text.parse().ok().filter(|n| *n >= least && *n <= most);
        self.parse(name, &expected, accept).unwrap_or(default)
    }

    /// Text without white space or control characters.
    pub(super) fn word(&mut self, name: &str, default: &str) -> String {
        let accept =
            |text: &str| (!text.contains(|c: char| c.is_whitespace() || c.is_control())).then(|| text.to_owned());
        self.parse(name, "a name without spaces", accept).unwrap_or_else(|| default.to_owned())
    }

    /// A secret; its value is never shown.
    pub(super) fn secret(&mut self, name: &str) -> Option<SecretString> {
        let text = self.get(name)?;
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            self.problem(format!("{name}: found spaces or control characters in it, expected a secret without them"));
            return None;
        }
        Some(SecretString::from(text.to_owned()))
    }

    /// A phone number; its value is never shown.
    pub(super) fn phone(&mut self, name: &str) -> Option<PhoneNumber> {
        let text = self.get(name)?;
        let number = PhoneNumber::parse(text).ok();
        if number.is_none() {
            self.problem(format!("{name}: found text that is no phone number, expected E.164, such as +15555550123"));
        }
        number
    }

    /// The address of a vendor: encrypted, or on this machine. A `/` at the end of its path is dropped.
    pub(super) fn vendor_url(&mut self, name: &str, default: &str) -> Option<Url> {
        self.url(name, Some(default), &["https"], &["http"])
    }

    /// An address with one of these schemes, or one of the plain ones on this machine.
    pub(super) fn url(&mut self, name: &str, default: Option<&str>, secure: &[&str], plain: &[&str]) -> Option<Url> {
        let example = default.map_or_else(|| format!("{}://otto.example.com", secure[0]), str::to_owned);
        let expected = if plain.is_empty() {
            format!("an address such as {example}, without user, query and fragment")
        } else {
            format!("an address such as {example}, without user, query and fragment ({}:// on loopback only)", plain[0])
        };
        let accept = |text: &str| {
            let mut url = Url::parse(text).ok()?;
            let fits = secure.contains(&url.scheme()) || (plain.contains(&url.scheme()) && is_loopback(&url));
            let bare = url.username().is_empty() && url.password().is_none();
            let bare = bare && url.query().is_none() && url.fragment().is_none();
            let path = url.path().trim_end_matches('/').to_owned();
            url.set_path(&path);
            (fits && bare && url.has_host()).then_some(url)
        };
        if self.get(name).is_none() {
            return default.and_then(accept);
        }
        self.parse(name, &expected, accept)
    }
}
