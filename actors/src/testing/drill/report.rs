//! What came of a drill, and what was wrong with it.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use super::caller::{Ended, Story};
use super::manners;
use crate::domain::shop::Wording;
use crate::ports::StreamEnd;

/// The longest that a caller may hear nothing and not know why.
const SILENCE_MAX: Duration = Duration::from_secs(4);

/// What became of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Booked, goodbye.
    Booked,
    /// Transferred to a human.
    Transferred,
    /// Twilio says sorry in Otto's place.
    Apologised,
    /// None of these.
    Lost,
}

/// One cell of the table.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    pub(crate) longest_silence: Duration,
    /// Everything that must not be, in words.
    pub(crate) wrongs: Vec<String>,
    /// What happened, with milliseconds.
    pub(crate) log: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Booked => "booked",
            Outcome::Transferred => "transfer",
            Outcome::Apologised => "apology",
            Outcome::Lost => "LOST",
        };
        let wrong = if self.wrongs.is_empty() { "" } else { " !" };
        let text = format!("{outcome} {:.1}{wrong}", self.longest_silence.as_secs_f64());
        f.pad(&text)
    }
}

/// What the world looks like after the call.
pub(super) struct Aftermath {
    pub(super) story: Story,
    pub(super) verdict: StreamEnd,
    pub(super) told: Vec<StreamEnd>,
    pub(super) bookings: usize,
    pub(super) struck: bool,
    /// Actors and tasks that are left; none when the call does not end.
    pub(super) residue: Option<u64>,
    pub(super) wrongs: Vec<String>,
    pub(super) log: Vec<String>,
}

impl Aftermath {
    pub(super) fn judge(self) -> Report {
        let (outcome, heard) = (self.outcome(), self.heard());
        let mut wrongs = self.wrongs.clone();
        let longest_silence = self.story.longest_silence;
        if !self.struck {
            wrongs.push("the moment of the fault never came".into());
        }
        if outcome == Outcome::Lost {
            wrongs.push(format!("neither finished nor handed over: {:?}, {:?}", self.story.ended, self.end()));
        }
        if longest_silence > SILENCE_MAX {
            wrongs.push(format!("silence of {} ms", longest_silence.as_millis()));
        }
        if self.bookings > 1 {
            wrongs.push(format!("{} bookings", self.bookings));
        }
        if self.bookings == 0 && heard.iter().any(|answer| answer.contains("You're booked")) {
            wrongs.push("a booking was claimed and not made".into());
        }
        wrongs.extend(heard.iter().flat_map(|answer| said_twice(answer)));
        match self.residue {
            Some(0) => {}
            Some(left) => wrongs.push(format!("{left} parts of the call are left")),
            None => wrongs.push("the call does not end".into()),
        }
        Report { outcome, longest_silence, wrongs, log: self.log }
    }

    fn outcome(&self) -> Outcome {
        match (self.end(), self.story.ended) {
            (_, Ended::Never) => Outcome::Lost,
            (StreamEnd::Transfer(_), _) => Outcome::Transferred,
            (StreamEnd::HangUp, _) | (_, Ended::ByCaller) if self.bookings == 1 => Outcome::Booked,
            (StreamEnd::Apologise, Ended::ByOtto) => Outcome::Apologised,
            _ => Outcome::Lost,
        }
    }

    /// What Twilio does in the end: as it was told, or as it was answered.
    fn end(&self) -> &StreamEnd {
        match self.told.last().unwrap_or(&self.verdict) {
            StreamEnd::Say { then, .. } => then,
            end => end,
        }
    }

    /// Everything that was heard, what Twilio said in Otto's place included.
    fn heard(&self) -> Vec<String> {
        let mut answers = self.story.answers.clone();
        if let (StreamEnd::Say { text, .. }, Some(last)) =
            (self.told.last().unwrap_or(&self.verdict), answers.last_mut())
        {
            last.push('|');
            last.push_str(text);
        }
        answers
    }
}

/// What is said while the caller waits may come again when the wait is long.
fn is_waiting(sentence: &str) -> bool {
    let wording = Wording::default();
    [wording.filler, wording.filler_again, wording.deaf].iter().any(|text| text.contains(sentence))
}

fn said_twice(answer: &str) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let sentences = manners::whole_sentences(answer).into_iter().filter(|sentence| !is_waiting(sentence));
    sentences.for_each(|s| *counts.entry(s).or_default() += 1);
    let twice = counts.into_iter().filter(|(_, count)| *count > 1);
    twice.map(|(sentence, count)| format!("heard {count} times: {sentence:?}")).collect()
}
