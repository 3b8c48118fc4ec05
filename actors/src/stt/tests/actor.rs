//! The actor and its sessions: what they are sent, and what is lost with them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::ports::SttInput;
use crate::testing::log::Log;
use crate::testing::stt::FakeStt;

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
    ear.reports.until("the words", |all| all == ["Hears", "one two."]).await;
    ear.stt.breaks(passing()).await;
    (4..=5).for_each(|n| ear.voice.push(frame(n)));
    ear.sent_until(2, 5).await;
    assert_eq!(ear.sent(2), [3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_sent_faster_than_it_was_spoken_and_no_faster_than_the_vendor_takes() {
    let ear = ear(FakeStt::default(), true).await;
    (0..170).for_each(|n| ear.voice.push(frame(n)));
    ear.sent_until(1, 169).await;
    let times: Vec<_> = ear.stt.inputs.all().into_iter().map(|(_, at, _)| at).collect();
    let took = times[160] - times[0];
    let spoken = Duration::from_millis(20 * 160);
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

#[tokio::test(start_paused = true)]
async fn words_of_an_ear_that_dies_before_it_has_reported_them_are_heard_by_the_next() {
    let ear = ear(FakeStt::default(), true).await;
    (1..=3).for_each(|n| ear.voice.push(frame(n)));
    ear.sent_until(1, 3).await;
    ear.reports.until("the ear hears", |all| all == ["Hears"]).await;
    // It dies of the message before the words.
    ear.actor.crash();
    ear.stt.event(transcript("one two three", true, true, 60)).await;
    ear.actor.ended().await;
    let scope = TaskScope::root();
    let args = SttArgs {
        up: Upward::to(&ear.actor, |_| unreachable!("nothing is said to it")),
        port: ear.stt.clone(),
        voice: Some(ear.voice.clone()),
        tasks: scope.child(),
    };
    let _next = crate::actor::spawn(SttActor, args, None).await.unwrap();
    ear.sent_until(2, 3).await;
    assert_eq!(ear.sent(2), [1, 2, 3]);
    assert_eq!(ear.reports.all(), ["Hears"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_does_not_answer_a_voice_is_replaced_and_nothing_said_is_lost() {
    let ear = ear(FakeStt::default(), false).await;
    ear.actor.cast(SttMsg::Listen(ear.voice.clone())).unwrap();
    // Two seconds of silence that a session may be spared, then a voice, in real time.
    for n in 0..300 {
        ear.voice.push(if n < 100 { Bytes::from_static(&[0xFF; 160]) } else { frame(7) });
        tokio::time::sleep(ms(20)).await;
    }
    ear.reports.until("the trouble", |all| all == ["Deaf", "trouble"]).await;
    // The backlog takes four fifths of its length.
    tokio::time::sleep(ms(3_500)).await;
    let expected = [[0xFF; 25].as_slice(), &[7; 200]].concat();
    assert_eq!(ear.sent(2), expected, "all of the voice, after 500 ms of silence");
    ear.stt.event(SttEvent::SpeechStarted).await;
    ear.reports.until("the return", |all| all == ["Deaf", "trouble", "Hears"]).await;
}
