//! The life of a call: waits for its stream, talks, takes its leave, is over. Pure.

use super::CallTimer;
use crate::domain::PhoneNumber;
use crate::limits;
use crate::registry::StreamEnd;
use crate::turn::EndKind;

/// The outcome of a call that a human took over.
pub(super) const TRANSFERRED: &str = "transferred";

#[derive(Debug)]
pub(super) enum Input {
    /// The call was admitted.
    Begun,
    /// The media stream is open.
    Attached,
    /// The media stream has closed.
    Closed { hung_up: bool },
    /// All is said.
    EndWanted(EndKind),
    /// A leg has failed too often.
    LegGivenUp,
    /// Otto cannot speak any more; this was not heard.
    Mute { rest: String, ending: Option<EndKind> },
    /// Twilio asks what comes after the stream.
    StreamEnded,
    /// Twilio says that the call is over.
    Over,
    /// The process ends, whatever goes on.
    ShutDown,
    /// Twilio was told over REST.
    Told,
    /// Twilio could not be told.
    NotTold,
    /// A timer is over.
    Due(CallTimer),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Arm(CallTimer),
    /// The stream is lost, and the next one is waited for.
    Part,
    /// What Twilio is to do when it asks.
    Verdict(StreamEnd),
    CloseLine,
    /// Twilio has not asked: tell it over REST. The answer is [`Input::Told`].
    Tell(StreamEnd),
    /// As [`Effect::Tell`], while the caller hears nothing: the answer comes soon.
    TellSoon(StreamEnd),
    /// The end, with the outcome for the call log.
    Finish(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// Admitted; the stream is to come.
    Expecting,
    Talking,
    /// The stream is lost; Twilio asks, and opens another one.
    Parted,
    /// Twilio is being told to go on in Otto's place; the stream is still open.
    Yielding {
        end: StreamEnd,
        outcome: &'static str,
    },
    /// Otto has ended the stream; Twilio will ask.
    Leaving {
        end: StreamEnd,
        outcome: &'static str,
    },
    Over,
}

#[derive(Debug)]
pub(super) struct Life {
    phase: Phase,
    escalation: Option<PhoneNumber>,
    losses: u32,
}

impl Life {
    pub(super) fn new(escalation: Option<PhoneNumber>) -> Self {
        Self { phase: Phase::Expecting, escalation, losses: 0 }
    }

    /// Whether a leg that fails is worth starting again.
    pub(super) fn needs_legs(&self) -> bool {
        matches!(self.phase, Phase::Expecting | Phase::Talking | Phase::Parted)
    }

    /// Whether the call goes on on the next stream.
    pub(super) fn is_parted(&self) -> bool {
        self.phase == Phase::Parted
    }

    pub(super) fn step(&mut self, input: Input) -> Vec<Effect> {
        match (self.phase.clone(), input) {
            (Phase::Expecting, Input::Begun) => vec![Effect::Arm(CallTimer::Attach), Effect::Arm(CallTimer::Longest)],
            (Phase::Expecting | Phase::Parted, Input::Attached) => {
                self.phase = Phase::Talking;
                Vec::new()
            }
            (Phase::Expecting, Input::Due(CallTimer::Attach)) => self.finish("never_streamed"),
            (Phase::Expecting, Input::StreamEnded | Input::Over) => self.finish("never_streamed"),
            (Phase::Talking, Input::Closed { hung_up: true }) => self.unasked("hangup_by_caller"),
            (Phase::Talking, Input::Closed { hung_up: false } | Input::StreamEnded) => self.part(),
            (Phase::Parted, Input::Due(CallTimer::Rejoin)) => self.unasked("stream_lost"),
            (Phase::Parted, Input::Closed { hung_up: true }) => self.unasked("hangup_by_caller"),
            (Phase::Talking | Phase::Parted, Input::Over) => self.unasked("hangup_by_caller"),
            (Phase::Talking | Phase::Parted, Input::EndWanted(kind)) => self.wanted(kind),
            (Phase::Talking | Phase::Parted, Input::Due(CallTimer::Longest)) => self.wanted(EndKind::HangUp),
            (Phase::Expecting | Phase::Talking | Phase::Parted, Input::LegGivenUp) => {
                self.leave(StreamEnd::Apologise, "failed")
            }
            (Phase::Expecting | Phase::Talking | Phase::Parted, Input::ShutDown) => {
                self.leave(StreamEnd::Apologise, "shut_down")
            }
            // Given up before the stream came: without its end Twilio would not ask.
            (Phase::Leaving { .. }, Input::Attached) => vec![Effect::CloseLine],
            (Phase::Talking, Input::Mute { rest, ending }) => self.mute(rest, ending),
            (Phase::Yielding { end, outcome }, Input::NotTold) => self.leave(end, outcome),
            // A stream that has ended meanwhile means that Twilio goes on, or asks how to.
            (
                Phase::Yielding { outcome, .. },
                Input::Told | Input::Closed { .. } | Input::StreamEnded | Input::Over,
            )
            | (Phase::Leaving { outcome, .. }, Input::Told | Input::NotTold | Input::StreamEnded | Input::Over) => {
                self.finish(outcome)
            }
            (Phase::Leaving { end, .. }, Input::Due(CallTimer::Leave)) => vec![Effect::Tell(end)],
            _ => Vec::new(),
        }
    }

    fn wanted(&mut self, kind: EndKind) -> Vec<Effect> {
        let (end, outcome) = self.ending(kind);
        self.leave(end, outcome)
    }

    fn ending(&self, kind: EndKind) -> (StreamEnd, &'static str) {
        match (kind, self.escalation.clone()) {
            (EndKind::Transfer, Some(to)) => (StreamEnd::Transfer(to), TRANSFERRED),
            (EndKind::Transfer, None) | (EndKind::HangUp, _) => (StreamEnd::HangUp, "hangup_by_otto"),
        }
    }

    /// Twilio says what Otto could not say, and an apology unless the call was about to end anyway.
    fn mute(&mut self, rest: String, ending: Option<EndKind>) -> Vec<Effect> {
        let (then, outcome) = ending.map_or((StreamEnd::Apologise, "failed"), |kind| self.ending(kind));
        let text: String = rest.chars().take(limits::SAY_INSTEAD_MAX_CHARS).collect();
        let end = if text.is_empty() { then } else { StreamEnd::Say { text, then: Box::new(then) } };
        self.phase = Phase::Yielding { end: end.clone(), outcome };
        vec![Effect::Verdict(end.clone()), Effect::TellSoon(end)]
    }

    fn leave(&mut self, end: StreamEnd, outcome: &'static str) -> Vec<Effect> {
        self.phase = Phase::Leaving { end: end.clone(), outcome };
        vec![Effect::Verdict(end), Effect::CloseLine, Effect::Arm(CallTimer::Leave)]
    }

    /// Nobody has hung up: the caller is still there.
    fn part(&mut self) -> Vec<Effect> {
        if self.losses == limits::STREAM_LOSSES {
            return self.unasked("stream_lost");
        }
        self.losses += 1;
        self.phase = Phase::Parted;
        vec![Effect::Part, Effect::Arm(CallTimer::Rejoin)]
    }

    fn unasked(&mut self, outcome: &'static str) -> Vec<Effect> {
        let mut effects = vec![Effect::Verdict(StreamEnd::Apologise)];
        effects.extend(self.finish(outcome));
        effects
    }

    fn finish(&mut self, outcome: &'static str) -> Vec<Effect> {
        self.phase = Phase::Over;
        vec![Effect::Finish(outcome)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(inputs: Vec<Input>, expected: &[Effect]) {
        let mut life = Life::new(PhoneNumber::parse("+15555550100").ok());
        let effects: Vec<Effect> = inputs.into_iter().flat_map(|input| life.step(input)).collect();
        let told: Vec<&Effect> = effects.iter().filter(|e| !matches!(e, Effect::Arm(_))).collect();
        assert_eq!(told, expected.iter().collect::<Vec<_>>());
    }

    #[test]
    fn otto_says_goodbye_and_twilio_asks() {
        check(
            vec![Input::Begun, Input::Attached, Input::EndWanted(EndKind::HangUp), Input::StreamEnded],
            &[Effect::Verdict(StreamEnd::HangUp), Effect::CloseLine, Effect::Finish("hangup_by_otto")],
        );
    }

    #[test]
    fn twilio_does_not_ask_and_is_told() {
        check(
            vec![Input::Attached, Input::EndWanted(EndKind::HangUp), Input::Due(CallTimer::Leave), Input::Told],
            &[
                Effect::Verdict(StreamEnd::HangUp),
                Effect::CloseLine,
                Effect::Tell(StreamEnd::HangUp),
                Effect::Finish("hangup_by_otto"),
            ],
        );
    }

    #[test]
    fn the_caller_hangs_up_and_a_late_end_changes_nothing() {
        check(
            vec![Input::Attached, Input::Closed { hung_up: true }, Input::EndWanted(EndKind::HangUp), Input::Over],
            &[Effect::Verdict(StreamEnd::Apologise), Effect::Finish("hangup_by_caller")],
        );
    }

    #[test]
    fn a_lost_stream_is_waited_for_as_often_as_is_bearable() {
        let lost = || Input::Closed { hung_up: false };
        let mut inputs = vec![Input::Attached];
        for _ in 0..limits::STREAM_LOSSES {
            inputs.extend([lost(), lost(), Input::StreamEnded, Input::Attached]);
        }
        let mut parted: Vec<Effect> = (0..limits::STREAM_LOSSES).map(|_| Effect::Part).collect();
        inputs.push(Input::StreamEnded);
        parted.extend([Effect::Verdict(StreamEnd::Apologise), Effect::Finish("stream_lost")]);
        check(inputs, &parted);
    }

    #[test]
    fn what_ends_a_call_ends_it_without_a_stream_too() {
        let sorry = || Effect::Verdict(StreamEnd::Apologise);
        for (input, expected) in [
            (Input::Due(CallTimer::Rejoin), vec![sorry(), Effect::Finish("stream_lost")]),
            (Input::Over, vec![sorry(), Effect::Finish("hangup_by_caller")]),
            (Input::Closed { hung_up: true }, vec![sorry(), Effect::Finish("hangup_by_caller")]),
            (Input::EndWanted(EndKind::HangUp), vec![Effect::Verdict(StreamEnd::HangUp), Effect::CloseLine]),
            (Input::LegGivenUp, vec![sorry(), Effect::CloseLine]),
            (Input::ShutDown, vec![sorry(), Effect::CloseLine]),
        ] {
            let expected: Vec<Effect> = std::iter::once(Effect::Part).chain(expected).collect();
            check(vec![Input::Attached, Input::StreamEnded, input], &expected);
        }
    }

    #[test]
    fn the_end_of_the_process_is_an_end_with_an_apology() {
        check(
            vec![Input::Attached, Input::ShutDown, Input::ShutDown, Input::StreamEnded],
            &[Effect::Verdict(StreamEnd::Apologise), Effect::CloseLine, Effect::Finish("shut_down")],
        );
    }

    #[test]
    fn a_call_without_a_stream_is_given_up() {
        check(vec![Input::Begun, Input::Due(CallTimer::Attach)], &[Effect::Finish("never_streamed")]);
    }

    #[test]
    fn a_leg_that_cannot_be_kept_alive_ends_in_an_apology() {
        check(
            vec![Input::Attached, Input::LegGivenUp, Input::Closed { hung_up: false }, Input::StreamEnded],
            &[Effect::Verdict(StreamEnd::Apologise), Effect::CloseLine, Effect::Finish("failed")],
        );
    }

    fn mute(ending: Option<EndKind>) -> Input {
        Input::Mute { rest: "We open at nine.".into(), ending }
    }

    fn says(then: StreamEnd) -> StreamEnd {
        StreamEnd::Say { text: "We open at nine.".into(), then: Box::new(then) }
    }

    #[test]
    fn a_call_that_cannot_speak_is_given_to_twilio() {
        let colleague = StreamEnd::Transfer(PhoneNumber::parse("+15555550100").unwrap());
        for (ending, then, outcome) in [
            (None, StreamEnd::Apologise, "failed"),
            (Some(EndKind::HangUp), StreamEnd::HangUp, "hangup_by_otto"),
            (Some(EndKind::Transfer), colleague, "transferred"),
        ] {
            let end = says(then);
            check(
                vec![Input::Attached, mute(ending), Input::Closed { hung_up: true }, Input::Told, Input::StreamEnded],
                &[Effect::Verdict(end.clone()), Effect::TellSoon(end), Effect::Finish(outcome)],
            );
        }
    }

    #[test]
    fn a_call_that_cannot_speak_and_cannot_be_given_away_is_asked_for() {
        let end = says(StreamEnd::Apologise);
        check(
            vec![Input::Attached, mute(None), Input::NotTold, Input::Closed { hung_up: false }, Input::StreamEnded],
            &[
                Effect::Verdict(end.clone()),
                Effect::TellSoon(end.clone()),
                Effect::Verdict(end),
                Effect::CloseLine,
                Effect::Finish("failed"),
            ],
        );
    }

    #[test]
    fn a_call_that_is_given_up_before_its_stream_closes_the_stream_when_it_comes() {
        check(
            vec![Input::Begun, Input::LegGivenUp, Input::Attached, Input::StreamEnded],
            &[Effect::Verdict(StreamEnd::Apologise), Effect::CloseLine, Effect::CloseLine, Effect::Finish("failed")],
        );
    }

    #[test]
    fn a_transfer_goes_to_the_escalation_number() {
        let to = PhoneNumber::parse("+15555550100").unwrap();
        check(
            vec![Input::Attached, Input::EndWanted(EndKind::Transfer), Input::StreamEnded],
            &[Effect::Verdict(StreamEnd::Transfer(to)), Effect::CloseLine, Effect::Finish("transferred")],
        );
    }
}
