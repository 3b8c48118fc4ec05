//! What a speech-to-text session's events mean, when to connect again, and when the caller counts as unheard. Pure.

use std::time::Duration;

use super::{Heard, SttReport};
use crate::limits;
use crate::ports::{SttEvent, Transcript, VendorError};

/// Sessions that may be lost in a row without a sign of life in between; then the leg gives up.
const LOST_IN_A_ROW: u32 = 8;
/// Sessions that may be refused after they were open, without words in between: what was sent may be bad, or was once.
const REJECTED_IN_A_ROW: u32 = 1;
/// The pause before the second attempt; each further one doubles it.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest pause: the caller waits.
const PAUSE_MAX: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) enum Input {
    /// The incarnation begins.
    Start,
    /// The caller's voice is there from now on.
    Listen,
    /// A session is open.
    Opened { session: u64 },
    /// A session has been sent nearly all that was said.
    CaughtUp { session: u64 },
    /// A session says nothing to a voice that can be heard.
    Unheard { session: u64 },
    /// A session has said something.
    Event { session: u64, event: SttEvent, heard: Heard },
    /// A session has heard all that was said, and the line is quiet.
    FellSilent { session: u64 },
    /// A session is over, or could not be opened.
    Lost { session: u64, error: VendorError },
    /// A timer is over.
    Due(SttTimer),
}

#[derive(Debug, PartialEq)]
pub(super) enum Effect {
    /// Open a session; `patience` is for one that follows a session which did not answer.
    Connect {
        session: u64,
        patience: bool,
    },
    /// Set a timer anew.
    Arm(SttTimer, Duration),
    /// Forget a timer.
    Disarm(SttTimer),
    Report(SttReport),
    /// The voice up to this position need not be kept any longer; comes after the report of what it said.
    Settle(u64),
}

/// The timers of the ears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum SttTimer {
    /// The pause before the next attempt is over.
    Connect,
    /// The caller has not been heard for a moment.
    Deaf,
    /// The caller has not been heard for too long.
    GiveUp,
}

#[derive(Debug, Default)]
pub(super) struct SttMachine {
    session: u64,
    open: bool,
    /// The caller's voice is there.
    listening: bool,
    /// The caller is not heard: no session, or one that is behind or does not answer.
    away: bool,
    /// [`SttReport::Deaf`] was reported.
    deaf: bool,
    /// An incarnation before this one may have reported it.
    perhaps_deaf: bool,
    /// No session has answered since one did not.
    unheard: bool,
    /// The session in use has been sent nearly all that was said.
    caught_up: bool,
    /// An eager end was reported, and neither its end nor a resumption since.
    eager: bool,
    over: bool,
    lost_in_a_row: u32,
    rejected_in_a_row: u32,
    /// Final words up to here in the session's audio have been reported.
    reported_until: Option<Duration>,
}

impl SttMachine {
    /// A machine at the beginning of an incarnation; with the voice there already the turn may believe it deaf.
    pub(super) fn new(listening: bool) -> Self {
        Self { listening, perhaps_deaf: listening, ..Self::default() }
    }

    pub(super) fn step(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.over {
            return effects;
        }
        match input {
            Input::Start => {
                self.connect(&mut effects);
                self.go_away(&mut effects);
            }
            Input::Listen => self.listen(&mut effects),
            Input::Opened { session } if session == self.session => self.open = true,
            Input::CaughtUp { session } if session == self.session => self.caught_up(&mut effects),
            Input::Unheard { session } if session == self.session => self.unheard(&mut effects),
            Input::Event { session, event, heard } if session == self.session => {
                self.event(event, heard, &mut effects);
            }
            Input::FellSilent { session } if session == self.session => {
                effects.push(Effect::Report(SttReport::FellSilent));
            }
            Input::Lost { session, error } if session == self.session => self.lost(&error, &mut effects),
            Input::Due(timer) => self.due(timer, &mut effects),
            // Of a session that was replaced.
            Input::Opened { .. }
            | Input::CaughtUp { .. }
            | Input::Unheard { .. }
            | Input::Event { .. }
            | Input::FellSilent { .. }
            | Input::Lost { .. } => {}
        }
        effects
    }

    fn due(&mut self, timer: SttTimer, effects: &mut Vec<Effect>) {
        match timer {
            SttTimer::Connect => self.connect(effects),
            SttTimer::Deaf => self.say_deaf(effects),
            SttTimer::GiveUp => self.give_up(effects),
        }
    }

    fn connect(&mut self, effects: &mut Vec<Effect>) {
        self.session += 1;
        // Times of a new session start at zero.
        self.reported_until = None;
        self.caught_up = false;
        effects.push(Effect::Connect { session: self.session, patience: self.unheard });
    }

    // Away and back ---------------------------------------------------------------------------------------------------

    fn listen(&mut self, effects: &mut Vec<Effect>) {
        self.listening = true;
        if !self.open {
            self.go_away(effects);
        }
    }

    /// The caller is not heard from now on; before there is a voice nothing is missed.
    fn go_away(&mut self, effects: &mut Vec<Effect>) {
        if !self.listening || self.away {
            return;
        }
        self.away = true;
        effects.push(Effect::Arm(SttTimer::Deaf, limits::STT_DEAF_AFTER_MS));
        effects.push(Effect::Arm(SttTimer::GiveUp, limits::STT_AWAY_MAX_MS));
    }

    fn unheard(&mut self, effects: &mut Vec<Effect>) {
        self.unheard = true;
        self.go_away(effects);
        self.say_deaf(effects);
    }

    fn say_deaf(&mut self, effects: &mut Vec<Effect>) {
        effects.push(Effect::Disarm(SttTimer::Deaf));
        if !std::mem::replace(&mut self.deaf, true) {
            effects.push(Effect::Report(SttReport::Deaf));
        }
    }

    fn caught_up(&mut self, effects: &mut Vec<Effect>) {
        self.caught_up = true;
        if !self.unheard {
            self.back(effects);
        }
    }

    fn back(&mut self, effects: &mut Vec<Effect>) {
        if std::mem::take(&mut self.away) {
            effects.extend([Effect::Disarm(SttTimer::Deaf), Effect::Disarm(SttTimer::GiveUp)]);
        }
        let deaf = std::mem::take(&mut self.deaf) | std::mem::take(&mut self.perhaps_deaf);
        if self.listening && deaf {
            effects.push(Effect::Report(SttReport::Hears));
        }
    }

    fn lost(&mut self, error: &VendorError, effects: &mut Vec<Effect>) {
        let was_open = std::mem::take(&mut self.open);
        effects.push(Effect::Report(SttReport::Trouble(error.clone())));
        if std::mem::take(&mut self.eager) {
            // The end that was announced will be announced anew.
            effects.push(Effect::Report(SttReport::Resumed));
        }
        self.go_away(effects);
        self.lost_in_a_row += 1;
        self.rejected_in_a_row += u32::from(!error.is_transient());
        let useless = !error.is_transient() && (!was_open || self.rejected_in_a_row > REJECTED_IN_A_ROW);
        if useless || self.lost_in_a_row > LOST_IN_A_ROW {
            return self.give_up(effects);
        }
        let doubled = PAUSE_FIRST.saturating_mul(1 << (self.lost_in_a_row - 1).min(8));
        let pause = error.retry_after.unwrap_or_default().max(doubled).min(PAUSE_MAX);
        effects.push(Effect::Arm(SttTimer::Connect, pause));
    }

    fn give_up(&mut self, effects: &mut Vec<Effect>) {
        self.over = true;
        effects.push(Effect::Report(SttReport::GivenUp));
    }

    // What is heard ---------------------------------------------------------------------------------------------------

    fn event(&mut self, event: SttEvent, heard: Heard, effects: &mut Vec<Effect>) {
        self.lost_in_a_row = 0;
        self.unheard = false;
        if self.caught_up {
            self.back(effects);
        } else if self.away {
            // It hears, but what was said a while ago.
            effects.push(Effect::Arm(SttTimer::GiveUp, limits::STT_AWAY_MAX_MS));
        }
        let report = match event {
            SttEvent::Transcript(transcript) => self.transcript(transcript, heard.until),
            SttEvent::UtteranceEnd => Some(SttReport::UtteranceEnd),
            SttEvent::EagerEndOfTurn(text) => {
                self.eager = true;
                Some(SttReport::Eager(text))
            }
            SttEvent::TurnResumed => {
                self.eager = false;
                Some(SttReport::Resumed)
            }
            // Sound without words moves nothing.
            SttEvent::SpeechStarted | SttEvent::Alive => None,
        };
        effects.extend(report.map(Effect::Report));
        effects.extend(heard.understood.map(Effect::Settle));
    }

    fn transcript(&mut self, transcript: Transcript, until: Option<u64>) -> Option<SttReport> {
        let Transcript { mut text, is_final, speech_final, audio_end, last_word_end, .. } = transcript;
        let waited = last_word_end.map(|end| audio_end.saturating_sub(end)).unwrap_or_default();
        self.eager &= !speech_final;
        // Without words an interim says nothing; a final takes back the interim before it.
        if text.is_empty() && !is_final {
            return None;
        }
        if is_final && !text.is_empty() {
            self.rejected_in_a_row = 0;
            if self.reported_until.is_some_and(|until| audio_end <= until) {
                // A second final of the same words; it may still be the one that says that the speaker has stopped.
                if !speech_final {
                    return None;
                }
                text.clear();
            }
            self.reported_until = self.reported_until.max(Some(audio_end));
        }
        Some(SttReport::Words { text, is_final, speech_final, waited, until })
    }
}
