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

const QUIET: u8 = 0xFF;

impl Ear {
    /// The caller's line, in real time.
    async fn line(&self, n: u8, milliseconds: u64) {
        for _ in 0..milliseconds / 20 {
            self.voice.push(frame(n));
            tokio::time::sleep(ms(20)).await;
        }
    }

    /// An interim that comes now, about the first so many milliseconds.
    async fn interim(&self, text: &str, end: u64) {
        self.stt.event(transcript(text, false, false, end)).await;
        tokio::time::sleep(ms(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_is_quiet_behind_all_that_was_said_has_fallen_silent() {
    let ear = ear(FakeStt::default(), true).await;
    ear.line(7, 400).await;
    ear.line(QUIET, 100).await;
    // The words lack the end of the voice.
    ear.interim("one", 380).await;
    ear.line(QUIET, 140).await;
    assert_eq!(ear.reports.all(), ["Hears", "one"]);
    ear.interim("one two", 420).await;
    assert_eq!(ear.reports.all(), ["Hears", "one", "one two", "FellSilent"], "it has been quiet for 240 ms");
    ear.line(QUIET, 3_000).await;
    // Long silence travels in parcels, and words are about the session's audio.
    ear.line(7, 400).await;
    ear.line(QUIET, 60).await;
    ear.interim("three", 3_900 + 140 + 60).await;
    ear.line(QUIET, 100).await;
    assert_eq!(ear.reports.all().last().unwrap(), "three", "it has been quiet for 160 ms");
    ear.line(QUIET, 40).await;
    assert_eq!(ear.reports.all().last().unwrap(), "FellSilent");
}

#[tokio::test(start_paused = true)]
async fn a_pause_between_words_is_no_silence() {
    let ear = ear(FakeStt::default(), true).await;
    ear.line(7, 400).await;
    ear.line(QUIET, 180).await;
    ear.interim("one", 500).await;
    ear.line(7, 200).await;
    ear.line(QUIET, 1_000).await;
    ear.interim("one two", 760).await;
    assert_eq!(ear.reports.all(), ["Hears", "one", "one two"], "the words lack the end of the voice");
    // What is final may be all; an end of the utterance speaks for itself.
    ear.stt.event(transcript("one two", true, false, 1_500)).await;
    ear.stt.event(transcript("one two", true, true, 1_600)).await;
    ear.reports.until("the end", |all| all[3..] == ["one two.", "FellSilent", "one two.|"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_behind_does_not_take_what_it_lacks_for_silence() {
    let ear = ear(FakeStt::default(), true).await;
    ear.line(7, 100).await;
    ear.stt.breaks(passing()).await;
    ear.line(QUIET, 80).await;
    // Three seconds are behind when the next session opens: a word, a pause, another word.
    for n in [[7; 50], [QUIET; 50], [7; 50]].concat() {
        ear.voice.push(frame(n));
    }
    ear.line(QUIET, 1_500).await;
    ear.interim("one", 1_500).await;
    tokio::time::sleep(ms(10)).await;
    assert_eq!(ear.reports.all().last().unwrap(), "one", "the other word has come, and is still to be sent");
    ear.line(QUIET, 3_000).await;
    ear.interim("one two", 4_000).await;
    assert_eq!(ear.reports.all().last().unwrap(), "FellSilent");
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
