//! The documents that tell Twilio what to do with a call. Written with an XML writer, so that nothing that is said or
//! configured can become an element.

use std::io;

use otto_actors::domain::PhoneNumber;
use otto_actors::ports::StreamEnd;
use quick_xml::Writer;
use quick_xml::events::BytesText;

type Xml = Writer<Vec<u8>>;

/// Connects the call's audio with a socket. `stream_url` is a `wss://` URL without a query, which Twilio would drop;
/// `action_url` is asked what to do when the stream has ended; `params` arrive with the stream's `start`.
#[must_use]
pub fn connect_stream(stream_url: &str, action_url: &str, params: &[(&str, &str)]) -> String {
    document(|xml| {
        let connect = xml.create_element("Connect").with_attributes([("action", action_url), ("method", "POST")]);
        connect.write_inner_content(|xml| {
            let stream = xml.create_element("Stream").with_attribute(("url", stream_url));
            stream.write_inner_content(|xml| params.iter().try_for_each(|param| parameter(xml, *param)))?;
            Ok(())
        })?;
        Ok(())
    })
}

/// What the shop's documents at the end of a stream say and where they lead.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Said when something went wrong.
    pub apology: String,
    /// The human who takes over, if there is one.
    pub human: Option<PhoneNumber>,
    /// Asked, after a transfer, what to do next; absolute.
    pub dial_ended_url: String,
}

impl Ending {
    /// What a call does after its stream, or in place of it.
    #[must_use]
    pub fn document(&self, end: &StreamEnd) -> String {
        document(|xml| self.write(xml, end))
    }

    fn write(&self, xml: &mut Xml, stream_end: &StreamEnd) -> io::Result<()> {
        match stream_end {
            StreamEnd::HangUp => end(xml),
            StreamEnd::Transfer(to) => dial_number(xml, to, Some(&self.dial_ended_url)),
            StreamEnd::Apologise => leave(xml, &self.apology, self.human.as_ref()),
            StreamEnd::Say { text, then } => {
                say(xml, text)?;
                self.write(xml, then)
            }
        }
    }
}

/// Ends the call.
#[must_use]
pub fn hangup() -> String {
    document(end)
}

/// Answers a text message, or does not.
#[must_use]
pub fn message(text: Option<&str>) -> String {
    document(|xml| {
        let Some(text) = text else { return Ok(()) };
        let text: String = text.chars().filter(|c| is_xml(*c)).collect();
        xml.create_element("Message").write_text_content(BytesText::new(&text)).map(|_| ())
    })
}

/// Says something and ends the call.
#[must_use]
pub fn say_and_hangup(text: &str) -> String {
    document(|xml| leave(xml, text, None))
}

/// Says something and connects the caller with a number; the call ends with that conversation.
#[must_use]
pub fn say_and_dial(text: &str, number: &PhoneNumber) -> String {
    document(|xml| leave(xml, text, Some(number)))
}

fn leave(xml: &mut Xml, text: &str, human: Option<&PhoneNumber>) -> io::Result<()> {
    say(xml, text)?;
    if let Some(human) = human {
        dial_number(xml, human, None)?;
    }
    end(xml)
}

fn document(content: impl FnOnce(&mut Xml) -> io::Result<()>) -> String {
    let mut xml = Writer::new(Vec::new());
    let written = xml.create_element("Response").write_inner_content(content).map(|_| ());
    debug_assert!(written.is_ok(), "writing to memory does not fail");
    String::from_utf8(xml.into_inner()).unwrap_or_default()
}

fn parameter(xml: &mut Xml, (name, value): (&str, &str)) -> io::Result<()> {
    xml.create_element("Parameter").with_attributes([("name", name), ("value", value)]).write_empty().map(|_| ())
}

fn say(xml: &mut Xml, text: &str) -> io::Result<()> {
    let text: String = text.chars().filter(|c| is_xml(*c)).collect();
    xml.create_element("Say").write_text_content(BytesText::new(&text)).map(|_| ())
}

fn dial_number(xml: &mut Xml, number: &PhoneNumber, action_url: Option<&str>) -> io::Result<()> {
    let attributes = action_url.into_iter().flat_map(|url| [("action", url), ("method", "POST")]);
    let dial = xml.create_element("Dial").with_attributes(attributes);
    dial.write_inner_content(|xml| {
        xml.create_element("Number").write_text_content(BytesText::new(number.as_e164())).map(|_| ())
    })?;
    Ok(())
}

fn end(xml: &mut Xml) -> io::Result<()> {
    xml.create_element("Hangup").write_empty().map(|_| ())
}

/// XML 1.0 has no way to write the other characters, not even escaped.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quick_xml::Reader;
    use quick_xml::events::Event;

    fn number() -> PhoneNumber {
        PhoneNumber::parse("+15555550123").unwrap()
    }

    #[test]
    fn documents_are_twilios() {
        assert_eq!(
            connect_stream("wss://h/media", "https://h/after?a=1&b=2", &[("token", "t"), ("k", "\"<&>'")]),
            "<Response><Connect action=\"https://h/after?a=1&amp;b=2\" method=\"POST\"><Stream url=\"wss://h/media\">\
             <Parameter name=\"token\" value=\"t\"/><Parameter name=\"k\" value=\"&quot;&lt;&amp;&gt;&apos;\"/></Stream>\
             </Connect></Response>"
        );
        assert_eq!(hangup(), "<Response><Hangup/></Response>");
        assert_eq!(message(Some("R&D")), "<Response><Message>R&amp;D</Message></Response>");
        assert_eq!(
            say_and_hangup("Tom & <Jerry>\0"),
            "<Response><Say>Tom &amp; &lt;Jerry&gt;</Say><Hangup/></Response>"
        );
        assert_eq!(
            say_and_dial("Hi", &number()),
            "<Response><Say>Hi</Say><Dial><Number>+15555550123</Number></Dial><Hangup/></Response>"
        );
    }

    #[test]
    fn the_end_of_a_stream_has_a_document() {
        let human = Some(number());
        let ending = Ending { apology: "Sorry.".into(), human, dial_ended_url: "https://h/after".into() };
        let dial = "<Dial action=\"https://h/after\" method=\"POST\"><Number>+15555550123</Number></Dial>";
        let sorry = "<Say>Sorry.</Say><Dial><Number>+15555550123</Number></Dial><Hangup/>";
        let say = |then| StreamEnd::Say { text: "We open at nine & close at five.".into(), then: Box::new(then) };
        let rest = "<Say>We open at nine &amp; close at five.</Say>";
        for (end, expected) in [
            (StreamEnd::HangUp, "<Hangup/>".to_owned()),
            (StreamEnd::Transfer(number()), dial.to_owned()),
            (StreamEnd::Apologise, sorry.to_owned()),
            (say(StreamEnd::HangUp), format!("{rest}<Hangup/>")),
            (say(StreamEnd::Transfer(number())), format!("{rest}{dial}")),
            (say(StreamEnd::Apologise), format!("{rest}{sorry}")),
        ] {
            assert_eq!(ending.document(&end), format!("<Response>{expected}</Response>"));
        }
        let alone = Ending { human: None, ..ending };
        let expected = format!("<Response>{rest}<Say>Sorry.</Say><Hangup/></Response>");
        assert_eq!(alone.document(&say(StreamEnd::Apologise)), expected);
    }

    proptest! {
        #[test]
        fn no_text_becomes_an_element(text in "\\PC*|[<>&'\"/a]*") {
            let document = say_and_hangup(&text);
            let mut reader = Reader::from_str(&document);
            let mut elements = 0;
            loop {
                match reader.read_event() {
                    Ok(Event::Eof) => break,
                    Ok(Event::Start(_) | Event::Empty(_)) => elements += 1,
                    Ok(_) => {}
                    Err(error) => return Err(TestCaseError::fail(error.to_string())),
                }
            }
            prop_assert_eq!(elements, 3);
        }
    }
}
