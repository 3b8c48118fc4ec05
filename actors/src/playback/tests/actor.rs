//! The whole actor, with a voice and an ear.

use std::sync::Arc;

use super::*;
use crate::actor::{self, Upward};
use crate::domain::StreamSid;
use crate::media_plane::{MediaLine, MediaListener, MediaSignal};
use crate::playback::{PlaybackActor, PlaybackArgs, PlaybackMsg, PlaybackRef};
use crate::ports::{MediaFrame, TtsInput};
use crate::tasks::TaskScope;
use crate::testing::log::Log;
use crate::testing::ms;
use crate::testing::phone::Phone;
use crate::testing::tts::{FakeTts, Faults};

pub(super) struct Talk {
    pub(super) actor: PlaybackRef,
    pub(super) tts: Arc<FakeTts>,
    pub(super) phone: Phone,
    reports: Log<String>,
    pub(super) phrases: Arc<Phrases>,
    scope: TaskScope,
}

impl Talk {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With faults from the beginning.
    pub(super) async fn with(spoil: impl FnOnce(&mut Faults)) -> Self {
        let (scope, phone, tts, reports) =
            (TaskScope::root(), Phone::new(), Arc::<FakeTts>::default(), Log::<String>::default());
        spoil(&mut tts.faults.lock().unwrap());
        let phrases = Arc::new(Phrases::new(tts.clone()));
        let (source, sink) = phone.socket();
        let line = MediaLine::open(StreamSid::parse("MZ1").unwrap(), source, sink, &scope);
        let noted = reports.clone();
        let args = PlaybackArgs {
            up: Upward::to(&actor::spawn(Notes, noted, None).await.unwrap(), |report| report),
            port: tts.clone(),
            out: Some(line.out()),
            unfinished: Vec::new(),
            phrases: phrases.clone(),
            prepared: None,
            filler: "One moment.".into(),
            tasks: scope.child(),
        };
        let actor = actor::spawn(PlaybackActor, args, None).await.unwrap();
        let to = actor.clone();
        line.listen(MediaListener::new(move |signal| match signal {
            MediaSignal::Played(epoch, position) => to.cast(PlaybackMsg::Played(epoch, position)).is_ok(),
            _ => true,
        }));
        Self { actor, tts, phone, reports, phrases, scope }
    }

    pub(super) fn says(&self, id: u64, text: &str) {
        let (turn, utterance) = (TurnId(1), UtteranceId(id));
        self.actor.cast(PlaybackMsg::Say { turn, utterance, text: text.into() }).unwrap();
        self.actor.cast(PlaybackMsg::Finish(utterance)).unwrap();
    }

    pub(super) async fn reported(&self, wanted: &str) {
        self.reports.until(wanted, |all| all.iter().any(|r| r == wanted)).await;
    }

    pub(super) async fn ends(self) {
        self.actor.stop_and_wait(ms(1_000)).await;
        let remains = self.scope.remains();
        drop((self.scope, self.actor));
        assert_eq!(remains.wait(ms(1_000)).await, 0);
    }
}

/// An actor that writes down what it is told.
struct Notes;

impl crate::actor::Behaviour for Notes {
    const KIND: crate::names::ActorKind = crate::names::ActorKind::Call;
    type Msg = PlaybackReport;
    type Args = Log<String>;
    type State = Log<String>;

    async fn start(
        &self,
        _: &crate::actor::Mailbox<PlaybackReport>,
        log: Log<String>,
    ) -> Result<Log<String>, crate::actor::ActorError> {
        Ok(log)
    }

    async fn handle(
        &self,
        _: &crate::actor::Mailbox<PlaybackReport>,
        report: PlaybackReport,
        log: &mut Log<String>,
    ) -> Result<(), crate::actor::ActorError> {
        log.push(report_line(&report));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_clause_is_heard_before_the_rest_is_known() {
    for rest in ["it is so.", ""] {
        let talk = Talk::new().await;
        let (turn, utterance) = (TurnId(1), UtteranceId(1));
        let says = |text: &str| talk.actor.cast(PlaybackMsg::Say { turn, utterance, text: text.into() }).unwrap();
        says("Well now, ");
        talk.phone.hears("Well now, ").await;
        tokio::time::sleep(ms(1_000)).await;
        assert!(!talk.reports.all().iter().any(|report| report.starts_with("spoken")), "it has not ended");
        if !rest.is_empty() {
            says(rest);
        }
        talk.actor.cast(PlaybackMsg::Finish(utterance)).unwrap();
        talk.phone.hears(&format!("Well now, {rest}")).await;
        talk.reported(&format!("spoken 1: Well now, {rest}")).await;
        talk.ends().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_is_heard_and_reported() {
    let talk = Talk::new().await;
    talk.says(1, "Good morning. ");
    talk.says(2, "How are you?");
    talk.phone.hears("Good morning. How are you?").await;
    talk.reported("spoken 2: How are you?").await;
    assert_eq!(talk.reports.all().iter().filter(|r| r.starts_with("spoken")).count(), 2);
    talk.ends().await;
}

#[tokio::test(start_paused = true)]
async fn text_after_an_interruption_waits_until_the_vendor_has_forgotten() {
    let talk = Talk::new().await;
    talk.tts.faults.lock().unwrap().clear_takes = ms(500);
    talk.says(1, "A sentence that is long enough.");
    talk.phone.hears("A sent").await;
    talk.actor.cast(PlaybackMsg::Hush).unwrap();
    talk.says(2, "The answer.");
    talk.phone.hears("The answer.").await;
    talk.reported("cut [1: A]").await;
    let given = talk.tts.inputs.all();
    let at = |wanted: &TtsInput| given.iter().find(|(_, _, input)| input == wanted).map(|(_, at, _)| *at).unwrap();
    let waited = at(&TtsInput::Speak("The answer.".into())) - at(&TtsInput::Clear);
    assert!(waited >= ms(500), "{waited:?}");
    talk.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_does_not_answer_a_clear_is_replaced() {
    let talk = Talk::new().await;
    talk.tts.faults.lock().unwrap().clear_takes = ms(60_000);
    talk.says(1, "A sentence that is long enough.");
    talk.phone.hears("A sent").await;
    talk.actor.cast(PlaybackMsg::Hush).unwrap();
    talk.says(2, "The answer.");
    talk.phone.hears("The answer.").await;
    assert_eq!(talk.tts.requests.all(), ["The answer."]);
    talk.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_breaks_is_said_again_from_a_sentence() {
    let talk = Talk::new().await;
    talk.tts.faults.lock().unwrap().break_after_chunks = Some(6);
    talk.says(1, "First sentence. Second sentence. Third one.");
    talk.reported("spoken 1: First sentence. Second sentence. Third one.").await;
    talk.phone.hears("First sentence. Second sentence. Third one.").await;
    assert_eq!(talk.tts.connects.len(), 2);
    talk.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_says_nothing_is_replaced() {
    let talk = Talk::new().await;
    talk.tts.faults.lock().unwrap().mute = true;
    talk.says(1, "Hello there.");
    talk.reports.until("trouble", |all| all.iter().any(|r| r == "trouble")).await;
    talk.tts.faults.lock().unwrap().mute = false;
    talk.phone.hears("Hello there.").await;
    talk.ends().await;
}

#[tokio::test(start_paused = true)]
async fn speech_to_which_no_mark_comes_back_is_over_by_the_clock() {
    let talk = Talk::new().await;
    talk.phone.loses_marks();
    talk.says(1, "Hello there.");
    talk.reported("spoken 1: Hello there.").await;
    talk.ends().await;
}

#[tokio::test(start_paused = true)]
async fn an_interruption_while_a_session_is_being_opened_leaves_no_hole_in_the_line() {
    let talk = Talk::new().await;
    talk.says(1, "A sentence that is whole. ");
    talk.phone.hears("A sent").await;
    // The session breaks while whole audio is on its way, and is being opened again when the caller interrupts.
    talk.tts.faults.lock().unwrap().break_after_chunks = Some(0);
    talk.says(2, "Lost.");
    talk.reports.until("trouble", |all| all.iter().any(|r| r == "trouble")).await;
    tokio::time::sleep(ms(110)).await;
    assert_eq!(talk.tts.connects.len(), 2);
    talk.actor.cast(PlaybackMsg::Hush).unwrap();
    tokio::time::sleep(ms(100)).await;
    talk.says(3, "The answer is yes.");
    talk.reported("spoken 3: The answer is yes.").await;
    // Positions of the new epoch begin at its beginning.
    let marks = talk.phone.frames.all().into_iter().filter_map(|(_, f)| match f {
        MediaFrame::Mark(name) => name.strip_prefix("1:").map(str::to_owned),
        _ => None,
    });
    assert_eq!(marks.last(), Some((18 * 400).to_string()));
    assert!(talk.tts.script().contains(&"The answer is yes.".to_owned()));
    talk.ends().await;
}
