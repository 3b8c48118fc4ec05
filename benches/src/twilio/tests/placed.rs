//! Calls that the engine places: how they ring and end, what takes them, and what the engine is told.

use super::desk::{CALLEE, Desk};
use super::*;
use crate::When;

const AMD: [(&str, &str); 2] = [("MachineDetection", "DetectMessageEnd"), ("AsyncAmd", "true")];
const STREAM: &str = r#"<Response><Connect><Stream url="wss://otto.test:8443/media"/></Connect></Response>"#;

fn machine(beep: bool) -> Answer {
    Answer::Machine { greeting: "Leave a message.".into(), beep }
}

/// A desk whose stream says something once machine detection has spoken, and then hangs up.
async fn listening() -> Desk {
    let verdict = Arc::new(tokio::sync::Notify::new());
    let told = Arc::clone(&verdict);
    let desk = Desk::open(STREAM, "", move |mut socket: WebSocket| {
        let told = Arc::clone(&told);
        async move {
            let sid = until(&mut socket, "start").await.unwrap()["streamSid"].clone();
            let drain = async { while let Some(Ok(_)) = socket.recv().await {} };
            tokio::select! { () = told.notified() => {}, () = drain => return }
            send(&mut socket, &sid, media("Hi Maria. ")).await;
            send(&mut socket, &sid, mark("said")).await;
            until(&mut socket, "mark").await;
            let _ = socket.send(Message::Close(None)).await;
        }
    })
    .await;
    let hooks = desk.hooks.clone();
    desk.world.scope().tasks.spawn(async move {
        for index in 0.. {
            if hooks.wait_for(index).await.target.starts_with("/amd") {
                return verdict.notify_one();
            }
        }
    });
    desk
}

#[tokio::test]
async fn nobody_talks() {
    for (answer, told, sip) in [
        (Answer::Busy, vec!["initiated", "busy"], "486"),
        (Answer::Failed, vec!["initiated", "failed"], "404"),
        (Answer::NoAnswer, vec!["initiated", "ringing", "no-answer"], "487"),
    ] {
        let desk = Desk::speaking().await;
        desk.world.twilio.phone(CALLEE, vec![answer.clone()]);
        let sid = desk.dial(&[("Timeout", "5")]).await;
        let ended = desk.world.twilio.ended_calls().wait_for(0).await;
        let last = desk.hooks.wait_for(told.len() - 1).await;
        assert_eq!(desk.told("/status?reminder=3", "CallStatus"), told, "{answer:?}");
        assert_eq!((last.get("SipResponseCode"), last.get("CallDuration")), (sip, "0"), "{answer:?}");
        let (_, call) = desk.get(&format!("/Calls/{sid}.json")).await;
        assert_eq!((call["status"].as_str(), call["duration"].as_str()), (told.last().copied(), None), "{answer:?}");
        assert_eq!(ended.duration_s(), None);
        desk.close().await;
    }
}

#[tokio::test]
async fn a_person_answers_and_the_engine_is_told_of_everything_in_order() {
    let desk = Desk::speaking().await;
    desk.world.twilio.phone(CALLEE, vec![Answer::Person(vec![])]);
    let sid = desk.dial(&[]).await;
    let report = desk.world.twilio.talks().wait_for(0).await;
    assert!(report.is_clean(), "{report:?}");
    assert!(report.events.iter().any(|event| event.what == What::TwilioSaid("See you".into())));
    assert_eq!(desk.told("/status", "CallStatus"), ["initiated", "ringing", "in-progress", "completed"]);
    assert_eq!(desk.told("/status", "SequenceNumber"), ["0", "1", "2", "3"]);
    assert_eq!(desk.told("/status", "CallDuration").last().map(String::as_str), Some("1"));
    let document = desk.hooks.all().into_iter().find(|hook| hook.target.starts_with("/document")).unwrap();
    assert_eq!(document.target, "/document?appointment_id=7&attempt=1");
    let parties = ["CallSid", "From", "To", "Direction", "AnsweredBy"].map(|name| document.get(name).to_owned());
    assert_eq!(parties, [sid.as_str(), crate::PHONE_NUMBER, CALLEE, "outbound-api", ""]);
    desk.close().await;
}

#[tokio::test]
async fn only_the_events_that_were_asked_for_are_told() {
    let desk = Desk::speaking().await;
    desk.world.twilio.phone(CALLEE, vec![Answer::Busy]);
    let url = format!("{}/status", desk::BASE);
    let form = [("To", CALLEE), ("From", crate::PHONE_NUMBER), ("Twiml", "<Response/>"), ("StatusCallback", &url)];
    assert_eq!(desk.post("/Calls.json", &form).await.0, 201);
    desk.hooks.wait_for(0).await;
    desk.world.twilio.ended_calls().wait_for(0).await;
    assert_eq!(desk.told("/", "CallStatus"), ["busy"]);
    desk.close().await;
}

#[tokio::test]
async fn machine_detection_beside_the_call() {
    for (answer, expected, heard) in [
        (Answer::Person(vec![Step::WaitForHangUp(Duration::from_secs(9))]), "human", "Hello?"),
        (machine(true), "machine_end_beep", "Leave a message."),
        (machine(false), "machine_end_silence", "Leave a message."),
        (Answer::Fax, "fax", ""),
        (Answer::Unsure(vec![Step::WaitForHangUp(Duration::from_secs(9))]), "unknown", ""),
    ] {
        let desk = listening().await;
        desk.world.twilio.phone(CALLEE, vec![answer.clone()]);
        let sid = desk.dial(&[AMD[0], AMD[1], ("MachineDetectionTimeout", "5")]).await;
        let report = desk.world.twilio.talks().wait_for(0).await;
        assert!(report.is_clean(), "{answer:?} {report:?}");
        assert_eq!(desk.told("/amd?reminder=3", "AnsweredBy"), [expected], "{answer:?}");
        assert_eq!(report.heard_text(), "Hi Maria.", "{answer:?}");
        let said: Vec<&str> = report.said.iter().map(|said| said.text.as_str()).collect();
        assert_eq!(said.join(" "), heard);
        assert!(report.said.iter().all(|said| said.ended < report.heard[0].began), "the verdict comes after the words");
        assert_eq!(desk.get(&format!("/Calls/{sid}.json")).await.1["answered_by"], expected);
        desk.close().await;
    }
}

#[tokio::test]
async fn machine_detection_before_the_document() {
    for (mode, answer, expected) in [
        ("DetectMessageEnd", machine(true), "machine_end_beep"),
        ("Enable", machine(true), "machine_start"),
        ("Enable", Answer::Person(vec![]), "human"),
    ] {
        let desk = Desk::speaking().await;
        desk.world.twilio.phone(CALLEE, vec![answer]);
        desk.dial(&[("MachineDetection", mode)]).await;
        desk.world.twilio.talks().wait_for(0).await;
        assert_eq!(desk.told("/document", "AnsweredBy"), [expected]);
        assert_eq!(desk.told("/amd", "AnsweredBy"), [""; 0]);
        desk.close().await;
    }
}

#[tokio::test]
async fn status_callbacks_are_lost_doubled_or_late() {
    let all = ["initiated", "ringing", "in-progress", "completed"];
    for (fault, when, told) in [
        (TwilioFault::LoseStatus, When::Next(2), vec!["in-progress", "completed"]),
        (
            TwilioFault::DuplicateStatus,
            When::Next(1),
            vec!["initiated", "initiated", "ringing", "in-progress", "completed"],
        ),
        (TwilioFault::ReorderStatus, When::Next(1), vec!["ringing", "initiated", "in-progress", "completed"]),
        (TwilioFault::ReorderStatus, When::Always, all.into_iter().rev().collect()),
    ] {
        let desk = Desk::speaking().await;
        desk.world.twilio.phone(CALLEE, vec![Answer::Person(vec![])]);
        desk.world.twilio.knobs().inject(fault.clone(), when);
        desk.dial(&[]).await;
        desk.world.twilio.talks().wait_for(0).await;
        assert_eq!(desk.told("/status", "CallStatus"), told, "{fault:?}");
        desk.close().await;
    }
}

#[tokio::test]
async fn the_engine_takes_a_call_back() {
    let desk = Desk::speaking().await;
    let sid = desk.dial(&[]).await;
    desk.hooks.wait_for(1).await;
    let path = format!("/Calls/{sid}.json");
    assert_eq!(desk.post(&path, &[("Twiml", "<Response/>")]).await.1["code"], 21220, "it rings");
    assert_eq!(desk.post(&path, &[("Status", "canceled")]).await.0, 200);
    assert_eq!(desk.world.twilio.ended_calls().wait_for(0).await.status, "canceled");
    desk.hooks.wait_for(2).await;
    assert_eq!(desk.told("/status", "CallStatus"), ["initiated", "ringing", "canceled"]);
    desk.close().await;
}

#[tokio::test]
async fn calls_beyond_the_accounts_pace_wait() {
    let desk = Desk::speaking().await;
    desk.world.twilio.phone(CALLEE, vec![Answer::Busy; 3]);
    let began = tokio::time::Instant::now();
    for _ in 0..3 {
        desk.dial(&[]).await;
    }
    desk.world.twilio.ended_calls().wait_for(2).await;
    let second = desk.world.twilio.knobs().settings().second;
    assert!(began.elapsed() >= second * 2, "{:?}", began.elapsed());
    let times: Vec<_> = desk.world.twilio.call_records().iter().map(|call| call.started.unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    desk.close().await;
}

#[tokio::test]
async fn requests_that_make_no_call() {
    let desk = Desk::speaking().await;
    let whole = [("To", CALLEE), ("From", crate::PHONE_NUMBER), ("Url", "https://otto.test/x")];
    for (name, value, code) in [
        ("To", "", 21201),
        ("To", "5550123", 21211),
        ("From", "", 21213),
        ("From", "+12175550199", 21210),
        ("Url", "", 21205),
        ("Url", "https://my_host/x", 21205),
        ("StatusCallback", "status", 21205),
        ("StatusCallbackEvent", "hangup", 20001),
        ("MachineDetection", "Yes", 20001),
        ("MachineDetectionTimeout", "2", 20001),
        ("AsyncAmd", "1", 20001),
        ("Timeout", "0", 20001),
    ] {
        let mut form: Vec<_> = whole.into_iter().filter(|(other, _)| *other != name).collect();
        form.push((name, value));
        let (status, body) = desk.post("/Calls.json", &form).await;
        assert_eq!((status, body["code"].as_u64()), (400, Some(code)), "{name}={value}: {body}");
    }
    for (fault, status, calls) in [
        (TwilioFault::RestStatus { status: 429 }, 429, 0),
        (TwilioFault::RestStatus { status: 500 }, 500, 0),
        (TwilioFault::RestAccepted { status: 500 }, 500, 1),
    ] {
        desk.world.twilio.knobs().inject(fault, When::Next(1));
        assert_eq!(desk.post("/Calls.json", &whole).await.0, status);
        assert_eq!(desk.world.twilio.outbound_calls().len(), calls);
    }
    for (fault, calls) in [(TwilioFault::RestLostAnswer, 2), (TwilioFault::RestStall, 3)] {
        desk.world.twilio.knobs().inject(fault, When::Next(1));
        let answer = tokio::time::timeout(Duration::from_millis(100), desk.post("/Calls.json", &whole)).await;
        assert!(answer.is_err(), "no answer");
        assert_eq!(desk.world.twilio.outbound_calls().len(), calls);
    }
    desk.close().await;
}
