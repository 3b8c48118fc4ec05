//! Messages as Twilio sends them, messages that are wrong in one way each, and messages that nobody should send.

use bytes::Bytes;
use futures_util::FutureExt as _;
use otto_actors::media_plane::{Voice, VoiceRing};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const START: &str = r#"{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"accountSid":"AC1",
    "streamSid":"MZ1","callSid":"CA1","tracks":["inbound"],
    "mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"token":"t"}}}"#;
const MEDIA: &str = r#"{"event":"media","sequenceNumber":"4","streamSid":"MZ1","media":{"track":"inbound","chunk":"2",
    "timestamp":"5","payload":"AQID"}}"#;
const OTHERS: &str = r#"{"event":"media","streamSid":"MZ2","media":{"track":"inbound","payload":"BAUG"}}"#;
const STOP: &str =
    r#"{"event":"stop","sequenceNumber":"5","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}"#;

fn started() -> MediaParser {
    MediaParser::started(StreamSid::parse("MZ1").unwrap(), CallSid::parse("CA1").unwrap())
}

fn audio() -> Parsed {
    Parsed::Event(MediaEvent::Audio(Bytes::from_static(&[1, 2, 3])))
}

fn anomaly(anomaly: MediaAnomaly) -> Parsed {
    Parsed::Event(MediaEvent::Anomaly(anomaly))
}

#[test]
fn a_stream_introduces_itself_and_speaks() {
    let mut parser = MediaParser::new();
    assert_eq!(parser.parse(MEDIA), anomaly(MediaAnomaly::BeforeStart));
    assert_eq!(parser.parse(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#), Parsed::Connected);
    let Parsed::Start(start) = parser.parse(START) else { panic!("no start") };
    assert_eq!((start.account.as_str(), start.call.as_str(), start.stream.as_str()), ("AC1", "CA1", "MZ1"));
    assert_eq!((start.token.as_deref(), start.is_mulaw_8k), (Some("t"), true));
    assert_eq!(parser.parse(MEDIA), audio());
    assert_eq!(parser.parse(START), anomaly(MediaAnomaly::SecondStart));
    assert_eq!(parser.parse(STOP), Parsed::Event(MediaEvent::Stop));
}

#[test]
fn what_may_differ_is_accepted() {
    for text in [
        r#"{"event":"media","sequenceNumber":4,"streamSid":"MZ1","media":{"chunk":2,"timestamp":5,"payload":"AQID"}}"#,
        r#"{"event":"media","streamSid":"MZ1","new":{"a":[1]},"media":{"track":"inbound","payload":"AQID","x":null}}"#,
        r#"{"media":{"payload":"\u0041QID"},"streamSid":"\u004dZ1","event":"med\u0069a"}"#,
    ] {
        assert_eq!(started().parse(text), audio(), "{text}");
    }
    let bare = r#"{"event":"start","streamSid":"MZ1","start":{"callSid":"CA1"}}"#;
    let Parsed::Start(start) = MediaParser::new().parse(bare) else { panic!("no start") };
    assert_eq!((start.token, start.is_mulaw_8k), (None, true));
    let wide = START.replace("8000", "\"16000\"");
    let Parsed::Start(start) = MediaParser::new().parse(&wide) else { panic!("no start") };
    assert!(!start.is_mulaw_8k);
}

#[test]
fn keys_and_marks_are_passed_on() {
    let message = |body: Value| {
        let mut message = json!({"streamSid": "MZ1", "sequenceNumber": "5"});
        message.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        started().parse(&message.to_string())
    };
    let dtmf = |digit: &str| message(json!({"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": digit}}));
    assert_eq!(dtmf("#"), Parsed::Event(MediaEvent::Dtmf('#')));
    for bad in ["", "12", "x", "é"] {
        assert_eq!(dtmf(bad), anomaly(MediaAnomaly::Malformed), "{bad}");
    }
    let mark = message(json!({"event": "mark", "mark": {"name": "u1:2"}}));
    assert_eq!(mark, Parsed::Event(MediaEvent::Mark("u1:2".into())));
    let outbound = message(json!({"event": "media", "media": {"track": "outbound", "payload": "AQID"}}));
    assert_eq!(outbound, Parsed::Ignored);
}

#[test]
fn each_fault_has_its_name() {
    use MediaAnomaly::*;
    let large = format!(r#"{{"event":"media","streamSid":"MZ1","media":{{"payload":"{}"}}}}"#, "A".repeat(70_000));
    for (text, expected) in [
        ("", Malformed),
        ("null", Malformed),
        ("{}", Malformed),
        (r#"["media","MZ1",{"payload":"AQID"},null,null,null,null]"#, Malformed),
        (r#"{"event":7}"#, Malformed),
        (r#"{"event":"media","streamSid":"MZ1"}"#, Malformed),
        (r#"{"event":"media","media":{"payload":"AQID"}}"#, Malformed),
        (r#"{"event":"media","streamSid":"MZ1","media":{"payload":7}}"#, Malformed),
        (r#"{"event":"media","streamSid":"MZ1","media":{"payload":""}}"#, BadPayload),
        (r#"{"event":"media","streamSid":"MZ1","media":{"payload":"!!"}}"#, BadPayload),
        (r#"{"event":"mark","streamSid":"MZ1"}"#, Malformed),
        (r#"{"event":"stop","streamSid":"MZ1","stop":{"callSid":"CA2"}}"#, WrongStream),
        (r#"{"event":"stop","streamSid":"MZ2","stop":{"callSid":"CA1"}}"#, WrongStream),
        (r#"{"event":"brandnew","streamSid":"MZ1"}"#, UnknownEvent),
        (OTHERS, WrongStream),
        (large.as_str(), TooLarge),
    ] {
        assert_eq!(started().parse(text), anomaly(expected), "{text:.90}");
    }
    for text in [
        r#"{"event":"start","streamSid":"MZ1"}"#,
        r#"{"event":"start","streamSid":"MZ1","start":{"callSid":"no"}}"#,
        r#"{"event":"start","streamSid":"MZ1","start":{"streamSid":"MZ2","callSid":"CA1"}}"#,
        r#"{"event":"start","start":{"callSid":"CA1"}}"#,
    ] {
        assert_eq!(MediaParser::new().parse(text), anomaly(Malformed), "{text}");
    }
}

#[test]
fn frames_are_twilios() {
    let writer = MediaWriter::new(&StreamSid::parse("MZ1").unwrap());
    for (frame, expected) in [
        (
            MediaFrame::Audio(Bytes::from_static(&[0xff, 0xfe, 0xfd, 0xfc])),
            json!({"event": "media", "streamSid": "MZ1", "media": {"payload": "//79/A=="}}),
        ),
        (MediaFrame::Mark("a\"b".into()), json!({"event": "mark", "streamSid": "MZ1", "mark": {"name": "a\"b"}})),
        (MediaFrame::Clear, json!({"event": "clear", "streamSid": "MZ1"})),
    ] {
        assert_eq!(serde_json::from_str::<Value>(&writer.write(&frame)).unwrap(), expected);
    }
}

/// Checks the one thing that no input may break.
fn holds_no_foreign_audio(parsed: &Parsed, text: &str) -> bool {
    !matches!(parsed, Parsed::Event(MediaEvent::Audio(_))) || text.contains("MZ1")
}

proptest! {
    #[test]
    fn any_text_is_survived(text in ".*") {
        prop_assert!(holds_no_foreign_audio(&started().parse(&text), &text));
        MediaParser::new().parse(&text);
    }

    #[test]
    fn any_damage_is_survived(
        which in 0usize..4,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<char>()), 1..6),
    ) {
        let mut text: Vec<char> = [START, MEDIA, OTHERS, STOP][which].chars().collect();
        for (at, with) in &damage {
            let at = at.index(text.len());
            text[at] = *with;
        }
        let text: String = text.into_iter().collect();
        prop_assert!(holds_no_foreign_audio(&started().parse(&text), &text));
        MediaParser::new().parse(&text);
    }

    #[test]
    fn audio_survives_the_way_there_and_back(audio in proptest::collection::vec(any::<u8>(), 1..400)) {
        let frame = MediaFrame::Audio(Bytes::from(audio.clone()));
        let text = MediaWriter::new(&StreamSid::parse("MZ1").unwrap()).write(&frame);
        prop_assert_eq!(started().parse(&text), Parsed::Event(MediaEvent::Audio(Bytes::from(audio))));
    }
}

/// Fifty times a second in every call: from the message to what the recogniser is sent.
#[test]
fn a_frame_on_its_way_takes_no_memory_once_the_call_has_begun() {
    let payload = STANDARD.encode_to_string([0x20; 160]);
    let message =
        format!(r#"{{"event":"media","streamSid":"MZ1","media":{{"track":"inbound","payload":"{payload}"}}}}"#);
    let (mut parser, ring) = (started(), VoiceRing::default());
    let mut reader = ring.reader();
    let mut frames = |count: usize| {
        for _ in 0..count {
            let Parsed::Event(MediaEvent::Audio(audio)) = parser.parse(&message) else { panic!("no audio") };
            ring.push(audio);
            let Some(Voice::Frame(audio, end)) = reader.next().now_or_never() else { panic!("no frame") };
            assert_eq!(&audio[..], [0x20; 160]);
            ring.settle(end - 160);
        }
    };
    frames(100);
    let taken = allocation_counter::measure(|| frames(1_000));
    assert_eq!(taken.count_total, 0, "{taken:?}");
}
