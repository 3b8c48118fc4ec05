//! Tests of what is said and what was heard: the decisions as a script, and the whole actor with a voice and an ear.

mod actor;
mod away;
mod outages;
mod script;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::PlaybackReport;
use super::machine::{Effect, Input, PlaybackMachine, PlaybackTimer};
use super::phrases::{Phrases, Prepared, Repertoire};
use super::pump::{Flush, Over, Pumped};
use crate::domain::{TurnId, UtteranceId};
use crate::media_plane::{Epoch, Playout};
use crate::speech::{AudioSpan, Utterance};
use crate::testing::tts::FakeTts;

/// A machine, the line that it speaks on, and everything that it wanted.
struct Bench {
    machine: PlaybackMachine,
    line: Playout,
    session: u64,
    log: Vec<String>,
}

fn utterance(id: u64, text: &str, audio: Option<(u64, Option<u64>)>) -> Utterance {
    let audio = audio.map(|(start, end)| AudioSpan { epoch: Epoch(0), start, end });
    Utterance { text: text.into(), complete: true, audio, ..Utterance::new(UtteranceId(id), TurnId(1)) }
}

/// Nothing is ready but the audio of "Hello.": 2,400 samples.
fn repertoire() -> Repertoire {
    let shared = Arc::new(Phrases::new(Arc::<FakeTts>::default()));
    let prepared = Some(Prepared { text: "Hello.".into(), audio: Bytes::from_static(&[b'h'; 2_400]) });
    Repertoire { shared, prepared, filler: "One moment.".into() }
}

impl Bench {
    /// A machine whose line is not open yet.
    fn closed(unfinished: Vec<Utterance>) -> Self {
        let machine = PlaybackMachine::new(unfinished, repertoire());
        Self { machine, line: Playout::silent(Instant::now()), session: 0, log: Vec::new() }
    }

    /// A machine that is ready to speak.
    fn ready() -> Self {
        let mut bench = Self::closed(Vec::new());
        bench.does(Input::Open).pumps(Pumped::Connected).log.clear();
        bench
    }

    /// Since the start or the last clear, so many samples were sent and so many of them have been played.
    fn line(&mut self, sent: u64, played: u64) -> &mut Self {
        let left = Duration::from_micros((sent - played) * 125);
        (self.line.sent, self.line.ends_at) = (sent, Instant::now() + left);
        self
    }

    fn does(&mut self, input: Input) -> &mut Self {
        for effect in self.machine.step(input, self.line, Instant::now()) {
            match &effect {
                Effect::Clear | Effect::ClearLine => {
                    let epoch = Epoch(self.line.epoch.0 + 1);
                    self.line = Playout { epoch, ..Playout::silent(Instant::now()) };
                }
                Effect::Connect { session, .. } => self.session = *session,
                _ => {}
            }
            self.log.push(line(&effect));
        }
        self
    }

    fn says(&mut self, id: u64, text: &str) -> &mut Self {
        self.does(Input::Say { turn: TurnId(1), utterance: UtteranceId(id), text: text.into() })
    }

    fn finishes(&mut self, id: u64) -> &mut Self {
        self.does(Input::Finish(UtteranceId(id)))
    }

    fn says_whole(&mut self, id: u64, text: &str) -> &mut Self {
        self.says(id, text).finishes(id)
    }

    fn pumps(&mut self, what: Pumped) -> &mut Self {
        let session = self.session;
        self.does(Input::Pumped { session, what })
    }

    fn begins(&mut self, position: u64) -> &mut Self {
        let (epoch, first_byte) = (self.line.epoch, Instant::now());
        self.pumps(Pumped::Began { epoch, position, first_byte })
    }

    fn ends(&mut self, position: u64) -> &mut Self {
        let epoch = self.line.epoch;
        self.pumps(Pumped::Ended { epoch, position })
    }

    fn loses_session(&mut self) -> &mut Self {
        self.pumps(Pumped::Lost(crate::testing::passing()))
    }

    fn played(&mut self, position: u64) -> &mut Self {
        let epoch = self.line.epoch;
        self.does(Input::Played(epoch, position))
    }

    fn due(&mut self, timer: PlaybackTimer) -> &mut Self {
        self.does(Input::Due(timer))
    }

    /// Forgets what was wanted so far.
    fn then(&mut self) -> &mut Self {
        self.log.clear();
        self
    }

    /// Everything that was wanted, but for timers and where audio lies.
    #[track_caller]
    fn wanted(&self, expected: &[&str]) {
        let log: Vec<_> = self.log.iter().filter(|l| !l.starts_with("arm") && !l.starts_with("placed")).collect();
        assert_eq!(log, expected.iter().collect::<Vec<_>>());
    }

    fn armed(&self) -> Vec<&str> {
        self.log.iter().filter_map(|l| l.strip_prefix("arm ")).filter(|l| !l.starts_with("Quiet")).collect()
    }
}

fn line(effect: &Effect) -> String {
    match effect {
        Effect::Begin { position } => format!("begin at {position}"),
        Effect::Connect { session, over: Over::Socket, .. } => format!("connect {session}"),
        Effect::Connect { session, over: Over::Requests, .. } => format!("connect {session} over requests"),
        Effect::Play(audio) => format!("play {}", audio.len()),
        Effect::End => "end".into(),
        Effect::Fill(audio) => format!("fill {}", audio.len()),
        Effect::Speak(text) => format!("speak {text}"),
        Effect::Flush(Flush::Beginning) => "flush the beginning".into(),
        Effect::Flush(Flush::End) => "flush".into(),
        Effect::Seal => "seal".into(),
        Effect::Clear => "clear".into(),
        Effect::ClearLine => "clear line".into(),
        Effect::Arm(timer, after) => format!("arm {timer:?} {}", after.as_millis()),
        Effect::Report(report) => report_line(report),
    }
}

fn report_line(report: &PlaybackReport) -> String {
    match report {
        PlaybackReport::Started { utterance, .. } => format!("started {utterance}"),
        PlaybackReport::Placed { utterance, .. } => format!("placed {utterance}"),
        PlaybackReport::Spoken { utterance, text } => format!("spoken {utterance}: {text}"),
        PlaybackReport::Cut(heard) => {
            let heard: Vec<_> = heard.iter().map(|(id, _, text)| format!("{id}: {text}")).collect();
            format!("cut [{}]", heard.join(", "))
        }
        PlaybackReport::Trouble(_) => "trouble".into(),
        PlaybackReport::Mute { rest } => format!("mute: {rest}"),
    }
}
