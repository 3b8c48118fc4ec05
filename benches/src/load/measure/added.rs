//! The latency that Otto itself adds to a turn: what is left of the pause when the vendors' delays, the wait for the end of
//! the utterance and speech itself are taken out. Pure; every moment is on the load side's clock.

use std::time::Duration;

use tokio::time::Instant;

use crate::load::ledger::Trace;
use crate::openai::Answered;

/// What Otto added to one turn, part by part. The parts do not overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::load) struct Added {
    /// The caller's last frame with sound was written: until it was at the recogniser.
    pub(in crate::load) ear: Duration,
    /// The recogniser ended the utterance: until the model was asked. Nothing when it had been asked ahead.
    pub(in crate::load) ask: Duration,
    /// Whether the model was asked before the utterance had ended.
    pub(in crate::load) ahead: bool,
    /// The model's calls were written: until it was asked with their results. All rounds together; `None` without any.
    pub(in crate::load) tools: Option<Duration>,
    /// The model had written the first clause and the utterance had ended: until the clause was at the voice.
    pub(in crate::load) voice: Duration,
    /// The voice's first audio was written: until it was at the caller's side.
    pub(in crate::load) mouth: Duration,
}

impl Added {
    /// All parts together.
    pub(in crate::load) fn sum(&self) -> Duration {
        self.ear + self.ask + self.tools.unwrap_or_default() + self.voice + self.mouth
    }

    /// Puts a turn together. `said_at` is when the caller's last frame with sound was about to be written, `received_at`
    /// when Otto's next sound had arrived. `None` when a part was not seen, and when something else than the answer was
    /// heard first: a filler.
    pub(super) fn of(trace: &Trace, said_at: Instant, received_at: Instant) -> Option<Self> {
        let (end, spoken) = (trace.end?, trace.spoken.as_ref()?);
        let mouth = received_at.checked_duration_since(spoken.began)?;
        // The one whose words were there last before the voice had them; those before were asked in vain.
        let in_time = |answer: &&Answered| answer.texts.first().is_some_and(|(_, at)| *at <= spoken.asked);
        let answer = trace.answers.iter().filter(in_time).max_by_key(|answer| answer.asked)?;
        let clause = spoken.text.trim().chars().count();
        let (_, written) = answer.texts.iter().find(|(characters, _)| *characters >= clause).or(answer.texts.last())?;
        let (first, tools) = before_tools(trace, answer, end.at);
        Some(Added {
            ear: end.heard_at.saturating_duration_since(said_at),
            ask: first.asked.saturating_duration_since(end.at),
            ahead: first.asked < end.at,
            tools,
            voice: spoken.asked.saturating_duration_since((*written).max(end.at)),
            mouth,
        })
    }
}

/// Follows an answer back over rounds of tools: the first answer of the turn, and what the rounds took.
fn before_tools<'a>(trace: &'a Trace, answer: &'a Answered, turn_end: Instant) -> (&'a Answered, Option<Duration>) {
    let (mut first, mut tools) = (answer, None);
    while first.after_tools {
        let called = |before: &&Answered| before.calls && before.ended.is_some_and(|ended| ended <= first.asked);
        let Some(before) = trace.answers.iter().filter(called).max_by_key(|before| before.ended) else { break };
        let ended = before.ended.unwrap_or(turn_end).max(turn_end);
        tools = Some(tools.unwrap_or_default() + first.asked.saturating_duration_since(ended));
        first = before;
    }
    (first, tools)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deepgram_tts::Spoken;
    use crate::load::ledger::TurnEnd;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// An answer asked at a time, with pieces of text (characters, written at), ended at a time.
    fn answer(base: Instant, asked: u64, texts: &[(usize, u64)], ended: u64) -> Answered {
        let texts = texts.iter().map(|(characters, at)| (*characters, base + ms(*at))).collect();
        let label = "c1q1".to_owned();
        let ended = Some(base + ms(ended));
        Answered { label, asked: base + ms(asked), after_tools: false, calls: false, texts, ended }
    }

    /// The caller's last sound leaves at 0, is heard at 4, the utterance ends at 300; a clause of ten characters is at the
    /// voice at `voice`, its audio leaves at `voice + 20` and arrives 3 later.
    fn check(answers: impl Fn(Instant) -> Vec<Answered>, voice: u64, expected: Option<Added>) {
        let base = Instant::now();
        let at = |after: u64| base + ms(after);
        let spoken = Spoken { text: "c1q1 We do".into(), asked: at(voice), began: at(voice + 20) };
        let end = Some(TurnEnd { at: at(300), heard_at: at(4) });
        let trace = Trace { end, answers: answers(base), spoken: Some(spoken), ..Trace::default() };
        assert_eq!(Added::of(&trace, base, at(voice + 23)), expected);
    }

    #[test]
    fn vendors_and_the_wait_for_the_end_do_not_count() {
        let expected = Added { ear: ms(4), ask: ms(2), voice: ms(5), mouth: ms(3), ..Added::default() };
        check(|base| vec![answer(base, 302, &[(4, 310), (11, 320), (40, 330)], 340)], 325, Some(expected));
        assert_eq!(expected.sum(), ms(14));
    }

    #[test]
    fn a_model_that_was_asked_ahead_leaves_what_follows_the_end() {
        let expected = Added { ear: ms(4), ahead: true, voice: ms(6), mouth: ms(3), ..Added::default() };
        let ahead = |base| vec![answer(base, 150, &[(40, 160)], 170), answer(base, 200, &[(40, 210)], 220)];
        check(ahead, 306, Some(expected));
    }

    #[test]
    fn rounds_of_tools_count_between_the_models_answers() {
        let rounds = |base| {
            let called = Answered { calls: true, ..answer(base, 302, &[], 310) };
            vec![called, Answered { after_tools: true, ..answer(base, 317, &[(40, 330)], 340) }]
        };
        let expected =
            Added { ear: ms(4), ask: ms(2), tools: Some(ms(7)), voice: ms(1), mouth: ms(3), ..Added::default() };
        check(rounds, 331, Some(expected));
    }

    #[test]
    fn a_turn_whose_parts_are_unknown_is_not_measured() {
        check(|_| Vec::new(), 325, None);
        let base = Instant::now();
        let spoken = Spoken { text: "c1q1".into(), asked: base + ms(310), began: base + ms(320) };
        let end = Some(TurnEnd { at: base + ms(300), heard_at: base });
        let trace =
            Trace { end, answers: vec![answer(base, 302, &[(9, 305)], 306)], spoken: Some(spoken), ..Trace::default() };
        assert_eq!(Added::of(&trace, base, base + ms(315)), None, "a filler was heard first");
        assert!(Added::of(&trace, base, base + ms(325)).is_some());
    }
}
