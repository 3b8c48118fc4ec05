//! What is heard while sessions come and go.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::machine::{Effect, Input, SttMachine};
use super::*;
use crate::ports::{SttInput, Transcript};
use crate::testing::log::Log;
use crate::testing::stt::FakeStt;
use crate::testing::{fatal, ms, passing};

// The decisions -------------------------------------------------------------------------------------------------------

fn transcript(text: &str, is_final: bool, speech_final: bool, end_ms: u64) -> Input {
    let (text, audio_end) = (text.to_owned(), ms(end_ms));
    let words = Transcript { text, is_final, speech_final, audio_end, ..Transcript::default() };
    Input::Event { session: 1, event: SttEvent::Transcript(words) }
}

fn line(effect: &Effect) -> String {
    match effect {
        Effect::Connect { session } => format!("connect {session}"),
        Effect::ConnectAfter(pause) => format!("wait {}", pause.as_millis()),
        Effect::Fail(_) => "fail".into(),
        Effect::Report(SttReport::Words { text, is_final, speech_final, .. }) => {
            format!("{text}{}{}", if *is_final { "." } else { "" }, if *speech_final { "|" } else { "" })
        }
        Effect::Report(SttReport::UtteranceEnd) => "end".into(),
        Effect::Report(SttReport::Trouble(_)) => "trouble".into(),
        Effect::Report(other) => format!("{other:?}"),
    }
}

#[track_caller]
fn check(inputs: Vec<Input>, expected: &[&str]) {
    let mut machine = SttMachine::default();
    machine.step(Input::Start);
    let effects: Vec<_> = inputs.into_iter().flat_map(|input| machine.step(input)).map(|e| line(&e)).collect();
    assert_eq!(effects, expected);
}

#[test]
fn words_are_reported_as_they_come() {
    check(
        vec![
            transcript("my", false, false, 500),
            transcript("my car", true, false, 1_000),
            transcript("squeaks", true, true, 2_000),
            Input::Event { session: 1, event: SttEvent::SpeechStarted },
            Input::Event { session: 1, event: SttEvent::UtteranceEnd },
        ],
        &["my", "my car.", "squeaks.|", "end"],
    );
}

#[test]
fn a_second_final_of_the_same_audio_adds_no_words_but_may_end_the_utterance() {
    check(vec![transcript("hello", true, false, 1_000), transcript("hello", true, false, 1_000)], &["hello."]);
    check(vec![transcript("hello", true, false, 1_000), transcript("hello", true, true, 1_000)], &["hello.", ".|"]);
    check(vec![transcript("hello", true, false, 1_000), transcript("", true, true, 1_000)], &["hello.", ".|"]);
}

#[test]
fn a_session_that_was_replaced_is_not_listened_to() {
    let lost = |session| Input::Lost { session, error: passing() };
    check(
        vec![lost(1), Input::Due, transcript("old", true, true, 9_000), lost(1)],
        &["trouble", "wait 100", "connect 2"],
    );
}

#[test]
fn times_of_a_new_session_begin_anew() {
    let words = Transcript { text: "two".into(), is_final: true, audio_end: ms(100), ..Transcript::default() };
    let second = Input::Event { session: 2, event: SttEvent::Transcript(words) };
    let lost = Input::Lost { session: 1, error: passing() };
    check(
        vec![transcript("one", true, false, 5_000), lost, Input::Due, second],
        &["one.", "trouble", "wait 100", "connect 2", "two."],
    );
}

#[test]
fn attempts_back_off_until_the_leg_fails() {
    let mut machine = SttMachine::default();
    let mut seen = Vec::new();
    for session in 1..=9 {
        machine.step(Input::Due);
        let effects = machine.step(Input::Lost { session, error: passing() });
        seen.extend(effects.iter().map(line).filter(|l| l != "trouble"));
    }
    assert_eq!(
        seen,
        ["wait 100", "wait 200", "wait 400", "wait 800", "wait 1600", "wait 2000", "wait 2000", "wait 2000", "fail"]
    );
    check(vec![Input::Lost { session: 1, error: fatal() }], &["fail"]);
    let slow_down = VendorError { retry_after: Some(ms(60_000)), ..passing() };
    check(vec![Input::Lost { session: 1, error: slow_down }], &["trouble", "wait 2000"]);
}

// The actor -----------------------------------------------------------------------------------------------------------

struct Ear {
    stt: Arc<FakeStt>,
    voice: VoiceRing,
    actor: SttRef,
    reports: Log<String>,
    _scope: TaskScope,
}

struct Notes;

impl Behaviour for Notes {
    const KIND: ActorKind = ActorKind::Call;
    type Msg = SttReport;
    type Args = Log<String>;
    type State = Log<String>;

    async fn start(&self, _: &Mailbox<SttReport>, log: Log<String>) -> Result<Log<String>, ActorError> {
        Ok(log)
    }

    async fn handle(&self, _: &Mailbox<SttReport>, report: SttReport, log: &mut Log<String>) -> Result<(), ActorError> {
        log.push(line(&Effect::Report(report)));
        Ok(())
    }
}

async fn ear(stt: FakeStt, open: bool) -> Ear {
    let (stt, voice, reports, scope) =
        (Arc::new(stt), VoiceRing::default(), Log::<String>::default(), TaskScope::root());
    let notes = crate::actor::spawn(Notes, reports.clone(), None).await.unwrap();
    let args = SttArgs {
        up: Upward::to(&notes, |report| report),
        port: stt.clone(),
        voice: open.then(|| voice.clone()),
        tasks: scope.child(),
    };
    let actor = crate::actor::spawn(SttActor, args, None).await.unwrap();
    Ear { stt, voice, actor, reports, _scope: scope }
}

fn frame(n: u8) -> Bytes {
    Bytes::from(vec![n; 160])
}

impl Ear {
    /// The first samples of the frames that a session was sent.
    fn sent(&self, session: usize) -> Vec<u8> {
        let audio = |(number, _, input): (usize, _, SttInput)| match input {
            SttInput::Audio(audio) if number == session => Some(audio[0]),
            _ => None,
        };
        self.stt.inputs.all().into_iter().filter_map(audio).collect()
    }

    async fn sent_until(&self, session: usize, last: u8) {
        self.stt.inputs.until("audio", |_| self.sent(session).last() == Some(&last)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_opened_before_the_stream_gets_the_voice_from_its_start() {
    let ear = ear(FakeStt::default(), false).await;
    tokio::time::sleep(ms(1_000)).await;
    ear.voice.push(frame(1));
    ear.actor.cast(SttMsg::Listen(ear.voice.clone())).unwrap();
    ear.voice.push(frame(2));
    ear.sent_until(1, 2).await;
    assert_eq!(ear.sent(1), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_opens_while_sessions_fail_is_not_lost() {
    let stt = FakeStt::default();
    stt.refusals.lock().unwrap().extend([passing(), passing()]);
    let ear = ear(stt, false).await;
    tokio::time::sleep(ms(50)).await;
    ear.actor.cast(SttMsg::Listen(ear.voice.clone())).unwrap();
    ear.voice.push(frame(1));
    ear.sent_until(3, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_session_hears_again_what_was_not_understood() {
    let ear = ear(FakeStt::default(), true).await;
    (1..=3).for_each(|n| ear.voice.push(frame(n)));
    ear.sent_until(1, 3).await;
    // Forty milliseconds are understood.
    let words = Transcript { text: "one two".into(), is_final: true, audio_end: ms(40), ..Transcript::default() };
    ear.stt.event(SttEvent::Transcript(words)).await;
    ear.reports.until("the words", |all| all == ["one two."]).await;
    ear.stt.breaks(passing()).await;
    (4..=5).for_each(|n| ear.voice.push(frame(n)));
    ear.sent_until(2, 5).await;
    assert_eq!(ear.sent(2), [3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_sent_faster_than_it_was_spoken_and_no_faster_than_the_vendor_takes() {
    let ear = ear(FakeStt::default(), true).await;
    (0..200).for_each(|n| ear.voice.push(frame(n)));
    ear.sent_until(1, 199).await;
    let times: Vec<_> = ear.stt.inputs.all().into_iter().map(|(_, at, _)| at).collect();
    let took = times[190] - times[0];
    let spoken = Duration::from_millis(20 * 190);
    assert!(took >= spoken * 4 / 5 && took < spoken * 9 / 10, "{took:?} for {spoken:?}");
}

#[tokio::test(start_paused = true)]
async fn silence_is_kept_alive() {
    let ear = ear(FakeStt::default(), true).await;
    ear.voice.push(frame(1));
    tokio::time::sleep(ms(20_100)).await;
    let kept = ear.stt.inputs.all().into_iter().filter(|(_, _, input)| *input == SttInput::KeepAlive).count();
    assert_eq!(kept, 5);
}
