//! TwiML: the document that a webhook answers, read into verbs. Names are case-sensitive, as they are for Twilio.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// A document that cannot be run (Twilio's error 12100).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TwimlError {
    /// It is no XML.
    #[error("document parse failure: {0}")]
    Parse(String),
    /// It is XML and no TwiML.
    #[error("the root element is not <Response> but <{0}>")]
    Root(String),
}

/// A bidirectional stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// Where to connect, always `wss://`.
    pub url: String,
    /// `<Parameter>` names and values.
    pub parameters: Vec<(String, String)>,
    /// Where `stream-started`, `stream-stopped` and `stream-error` are posted.
    pub status_callback: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// One verb of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Connects the call to a stream and waits for its end.
    Connect {
        /// Asked when the stream has ended; without it the next verb runs.
        action: Option<String>,
        /// The stream.
        stream: Stream,
    },
    /// Speaks a text.
    Say(String),
    /// Waits, in seconds.
    Pause(u64),
    /// Ends the call.
    Hangup,
    /// Refuses the call.
    Reject,
    /// Connects the caller to other numbers.
    Dial {
        /// Asked when the other leg has ended.
        action: Option<String>,
        /// The numbers.
        numbers: Vec<String>,
    },
    /// Goes on with another document.
    Redirect(String),
    /// Answers a text message with a text.
    Message(String),
    /// A verb that the simulator does not run.
    Other(String),
}

/// An element, its attributes, its text and what is in it.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn attribute(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    fn content(&self) -> String {
        self.text.trim().to_owned()
    }
}

/// Reads a document.
pub fn parse(document: &str) -> Result<Vec<Verb>, TwimlError> {
    let root = tree(document)?;
    if root.name != "Response" {
        return Err(TwimlError::Root(root.name));
    }
    Ok(root.children.iter().map(verb).collect())
}

fn verb(element: &Element) -> Verb {
    match element.name.as_str() {
        "Connect" => match element.named("Stream").next() {
            Some(child) => Verb::Connect { action: element.attribute("action"), stream: stream(child) },
            None => Verb::Other("Connect without Stream".to_owned()),
        },
        "Say" => Verb::Say(element.content()),
        "Pause" => Verb::Pause(element.attribute("length").and_then(|length| length.parse().ok()).unwrap_or(1)),
        "Hangup" => Verb::Hangup,
        "Reject" => Verb::Reject,
        "Dial" => Verb::Dial { action: element.attribute("action"), numbers: numbers(element) },
        "Redirect" => Verb::Redirect(element.content()),
        "Message" => Verb::Message(message(element)),
        other => Verb::Other(other.to_owned()),
    }
}

fn stream(element: &Element) -> Stream {
    let parameters = element.named("Parameter").map(|parameter| {
        (parameter.attribute("name").unwrap_or_default(), parameter.attribute("value").unwrap_or_default())
    });
    Stream {
        url: element.attribute("url").unwrap_or_default(),
        parameters: parameters.collect(),
        status_callback: element.attribute("statusCallback"),
        name: element.attribute("name"),
    }
}

/// The text stands in the element itself or in a `<Body>`.
fn message(element: &Element) -> String {
    element.named("Body").next().map_or_else(|| element.content(), Element::content)
}

fn numbers(element: &Element) -> Vec<String> {
    let named: Vec<String> = element.named("Number").map(Element::content).collect();
    if named.is_empty() { vec![element.content()] } else { named }
}

fn tree(document: &str) -> Result<Element, TwimlError> {
    let parse_error = |error: &dyn std::fmt::Display| TwimlError::Parse(error.to_string());
    let mut reader = Reader::from_str(document);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|error| parse_error(&error))? {
            Event::Start(start) => open.push(element(&start)?),
            Event::Empty(start) => {
                let child = element(&start)?;
                close(&mut open, child);
            }
            Event::End(_) => {
                let child = open.pop().unwrap_or_default();
                close(&mut open, child);
            }
            Event::Text(text) => append(&mut open, &text.xml10_content()),
            Event::CData(data) => append(&mut open, &data.xml10_content()),
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref().map_err(|error| parse_error(&error))? {
                    Some(character) => character.to_string(),
                    None => entity(&reference.xml10_content()).to_owned(),
                };
                append(&mut open, &resolved);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let mut roots = open.pop().map(|holder| holder.children).unwrap_or_default();
    if roots.len() == 1 { Ok(roots.remove(0)) } else { Err(TwimlError::Parse("no single root element".to_owned())) }
}

fn close(open: &mut [Element], child: Element) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(child);
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, TwimlError> {
    let mut element = Element { name: start.name().as_ref().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| TwimlError::Parse(error.to_string()))?;
        let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0);
        let value = value.map_err(|error| TwimlError::Parse(error.to_string()))?.into_owned();
        element.attributes.push((attribute.key.as_ref().to_owned(), value));
    }
    Ok(element)
}

fn entity(name: &str) -> &'static str {
    match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_stream_with_its_parameters_and_its_action() {
        let document = r#"<?xml version="1.0" encoding="UTF-8"?>
            <Response><Connect action="https://h/after?a=1&amp;b=2"><Stream url="wss://h/media">
            <Parameter name="token" value="a&lt;b"/></Stream></Connect><Say>Rock &amp; roll</Say></Response>"#;
        let stream = Stream {
            url: "wss://h/media".into(),
            parameters: vec![("token".into(), "a<b".into())],
            ..Stream::default()
        };
        let connect = Verb::Connect { action: Some("https://h/after?a=1&b=2".into()), stream };
        assert_eq!(parse(document), Ok(vec![connect, Verb::Say("Rock & roll".into())]));
    }

    #[test]
    fn reads_a_transfer_and_refuses_what_is_no_twiml() {
        let document = "<Response><Dial action='/x'><Number>+15550001</Number></Dial><Hangup/></Response>";
        let dial = Verb::Dial { action: Some("/x".into()), numbers: vec!["+15550001".into()] };
        assert_eq!(parse(document), Ok(vec![dial, Verb::Hangup]));
        let message = "<Response><Message>Bye &amp; bye</Message><Message><Body>b</Body></Message></Response>";
        assert_eq!(parse(message), Ok(vec![Verb::Message("Bye & bye".into()), Verb::Message("b".into())]));
        assert_eq!(parse("<html/>"), Err(TwimlError::Root("html".into())));
        assert!(matches!(parse("<Response><Say>"), Err(TwimlError::Parse(_))));
        assert!(matches!(parse("hello"), Err(TwimlError::Parse(_))));
    }
}
