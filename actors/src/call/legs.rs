//! The legs of a call: how each is started from the session, and started again when it fails.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::session::Pending;
use super::{CallMsg, CallRef, CallState, CallTimer};
use crate::actor::{self, ActorError, ActorId, Mailbox, Upward};
use crate::events::{ActorRestarted, LegFailed, emit};
use crate::media::{MediaActor, MediaArgs, MediaMsg};
use crate::names::Leg;
use crate::playback::{PlaybackActor, PlaybackArgs, PlaybackMsg};
use crate::stt::{SttActor, SttArgs, SttMsg};
use crate::supervision::{self, Restarts, Verdict};
use crate::turn::{Resume, TurnActor, TurnArgs, TurnMsg};
use otto_proto::v1::{self, call_event::Body};

/// One leg: its present incarnation, if it has one, and its failures.
pub(super) struct Slot<M> {
    mailbox: Option<Mailbox<M>>,
    restarts: Restarts,
    lost_at: Option<Instant>,
}

impl<M: Send + 'static> Slot<M> {
    fn new(leg: Leg) -> Self {
        Self { mailbox: None, restarts: Restarts::new(supervision::leg(leg)), lost_at: None }
    }

    /// Sends to the leg; false while it is being restarted. What must not be lost is kept by the call and given to the
    /// next incarnation.
    pub(super) fn cast(&self, msg: M) -> bool {
        self.mailbox.as_ref().is_some_and(|mailbox| mailbox.cast(msg).is_ok())
    }

    /// Ends the leg, so that its last report has been made.
    pub(super) async fn end(&mut self, within: Duration) {
        if let Some(mailbox) = self.mailbox.take() {
            mailbox.stop_and_wait(within).await;
        }
    }

    fn is(&self, id: ActorId) -> bool {
        self.mailbox.as_ref().is_some_and(|mailbox| mailbox.id() == id)
    }

    fn lose(&mut self) -> Verdict {
        self.mailbox = None;
        self.lost_at = Some(Instant::now());
        self.restarts.failed(Instant::now())
    }

    fn crash(&self) {
        if let Some(mailbox) = &self.mailbox {
            mailbox.crash();
        }
    }
}

pub(super) struct Legs {
    pub(super) media: Slot<MediaMsg>,
    pub(super) stt: Slot<SttMsg>,
    pub(super) turn: Slot<TurnMsg>,
    pub(super) playback: Slot<PlaybackMsg>,
}

impl Legs {
    pub(super) fn new() -> Self {
        Self {
            media: Slot::new(Leg::Media),
            stt: Slot::new(Leg::Stt),
            turn: Slot::new(Leg::Turn),
            playback: Slot::new(Leg::Playback),
        }
    }

    /// Which leg an actor is.
    pub(super) fn which(&self, id: ActorId) -> Option<Leg> {
        let found = [
            (self.media.is(id), Leg::Media),
            (self.stt.is(id), Leg::Stt),
            (self.turn.is(id), Leg::Turn),
            (self.playback.is(id), Leg::Playback),
        ];
        found.into_iter().find_map(|(is, leg)| is.then_some(leg))
    }

    fn lose(&mut self, leg: Leg) -> Verdict {
        match leg {
            Leg::Media => self.media.lose(),
            Leg::Stt => self.stt.lose(),
            Leg::Turn => self.turn.lose(),
            Leg::Playback => self.playback.lose(),
        }
    }

    fn is_up(&self, leg: Leg) -> bool {
        match leg {
            Leg::Media => self.media.mailbox.is_some(),
            Leg::Stt => self.stt.mailbox.is_some(),
            Leg::Turn => self.turn.mailbox.is_some(),
            Leg::Playback => self.playback.mailbox.is_some(),
        }
    }

    fn take_lost_at(&mut self, leg: Leg) -> Option<Instant> {
        match leg {
            Leg::Media => self.media.lost_at.take(),
            Leg::Stt => self.stt.lost_at.take(),
            Leg::Turn => self.turn.lost_at.take(),
            Leg::Playback => self.playback.lost_at.take(),
        }
    }

    pub(super) fn crash(&self, leg: Leg) {
        match leg {
            Leg::Media => self.media.crash(),
            Leg::Stt => self.stt.crash(),
            Leg::Turn => self.turn.crash(),
            Leg::Playback => self.playback.crash(),
        }
    }
}

impl CallState {
    /// A leg has failed: it is started again, soon or after a pause, or given up.
    pub(super) fn leg_failed(&mut self, myself: &CallRef, leg: Leg, reason: &str) {
        emit(LegFailed { call: &self.session.call, leg, reason });
        self.note(Body::LegLost(v1::LegLost { leg: leg.to_string(), reason: reason.to_owned() }));
        match self.legs.lose(leg) {
            // By message, so that everything the dead incarnation has reported is dealt with first.
            Verdict::RestartAfter(pause) if pause.is_zero() => self.tell_self(myself, CallMsg::Restart(leg)),
            Verdict::RestartAfter(pause) => {
                self.timers.arm(&self.tasks, CallTimer::Restart(leg), pause, myself, CallMsg::Due);
            }
            Verdict::GiveUp => self.live(myself, super::machine::Input::LegGivenUp),
        }
    }

    /// A leg says itself that starting it again would not help.
    pub(super) fn give_leg_up(&mut self, myself: &CallRef, leg: Leg, reason: &str) {
        emit(LegFailed { call: &self.session.call, leg, reason });
        self.note(Body::LegLost(v1::LegLost { leg: leg.to_string(), reason: reason.to_owned() }));
        self.live(myself, super::machine::Input::LegGivenUp);
    }

    /// Starts a leg again from the session.
    pub(super) async fn restart(&mut self, myself: &CallRef, leg: Leg) {
        // What lives on a stream that is being given up begins anew when it is gone.
        let given_up = self.life.is_parted() && self.line.is_some() && leg != Leg::Turn;
        if !self.life.needs_legs() || self.legs.is_up(leg) || given_up {
            return;
        }
        if let Err(error) = self.start_leg(myself, leg).await {
            return self.leg_failed(myself, leg, &error.to_string());
        }
        emit(ActorRestarted { actor: leg.kind() });
        let after = self.legs.take_lost_at(leg).map(|at| at.elapsed()).unwrap_or_default();
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        self.note(Body::LegRestored(v1::LegRestored { leg: leg.to_string(), after_ms }));
    }

    /// Starts a leg; one that does not start has failed.
    pub(super) async fn start_or_fail(&mut self, myself: &CallRef, leg: Leg) {
        if let Err(error) = self.start_leg(myself, leg).await {
            self.leg_failed(myself, leg, &error.to_string());
        }
    }

    /// On the heap: it is rare, and what a call keeps for its longest message it keeps all the time.
    async fn start_leg(&mut self, myself: &CallRef, leg: Leg) -> Result<(), ActorError> {
        match leg {
            Leg::Media => Box::pin(self.start_media(myself)).await,
            Leg::Stt => Box::pin(self.start_stt(myself)).await,
            Leg::Turn => Box::pin(self.start_turn(myself)).await,
            Leg::Playback => Box::pin(self.start_playback(myself)).await,
        }
    }

    async fn start_media(&mut self, myself: &CallRef) -> Result<(), ActorError> {
        // Without a stream there is nothing to attend to.
        let Some(line) = self.line.clone() else { return Ok(()) };
        let up = Upward::to(myself, CallMsg::Media);
        let args = MediaArgs { call: self.session.call.clone(), up, line, tasks: self.tasks.child() };
        self.legs.media.mailbox = Some(actor::spawn(MediaActor, args, Some(myself.cell())).await?);
        Ok(())
    }

    async fn start_stt(&mut self, myself: &CallRef) -> Result<(), ActorError> {
        let args = SttArgs {
            up: Upward::to(myself, CallMsg::Stt),
            port: Arc::clone(&self.outside.stt),
            voice: self.line.as_ref().map(crate::media_plane::MediaLine::voice),
            tasks: self.tasks.child(),
        };
        self.legs.stt.mailbox = Some(actor::spawn(SttActor, args, Some(myself.cell())).await?);
        Ok(())
    }

    async fn start_playback(&mut self, myself: &CallRef) -> Result<(), ActorError> {
        if self.hushing {
            self.hush_without_playback();
        }
        let args = PlaybackArgs {
            up: Upward::to(myself, CallMsg::Playback),
            port: Arc::clone(&self.outside.tts),
            out: self.line.as_ref().map(crate::media_plane::MediaLine::out),
            unfinished: self.unfinished.clone(),
            phrases: Arc::clone(&self.outside.phrases),
            prepared: self.prepared.clone(),
            filler: self.outside.shop.say(&self.outside.shop.wording.filler, None),
            tasks: self.tasks.child(),
        };
        self.legs.playback.mailbox = Some(actor::spawn(PlaybackActor, args, Some(myself.cell())).await?);
        Ok(())
    }

    async fn start_turn(&mut self, myself: &CallRef) -> Result<(), ActorError> {
        let again = self.legs.turn.lost_at.is_some();
        let speaking = self.unfinished.iter().map(|utterance| utterance.id).collect();
        let args = TurnArgs {
            up: Upward::to(myself, CallMsg::Turn),
            model: Arc::clone(&self.outside.model),
            shop: Arc::clone(&self.outside.shop),
            instructions: Arc::clone(&self.outside.instructions),
            situation: self.situation(),
            tools: self.tools(),
            history: self.session.history.clone(),
            turn: self.session.turn,
            last_utterance: self.session.last_utterance,
            speculates: self.outside.speculates,
            wasted_guesses: self.session.wasted_guesses,
            can_transfer: self.outside.escalation.is_some(),
            outbound: self.outbound.is_some(),
            resume: again.then_some(Resume {
                speaking,
                ending: self.session.ending,
                hushing: self.hushing,
                goes_on: self.session.goes_on,
            }),
            tasks: self.tasks.child(),
        };
        self.legs.turn.mailbox = Some(actor::spawn(TurnActor, args, Some(myself.cell())).await?);
        if self.session.deaf {
            self.legs.turn.cast(TurnMsg::Deaf);
        }
        if let Some(text) = self.session.greeting.clone() {
            self.legs.turn.cast(TurnMsg::Greet { text });
        }
        if let Some(text) = self.session.farewell.clone() {
            self.legs.turn.cast(TurnMsg::Leave { text });
        }
        for (number, pending) in self.session.pending.clone() {
            self.announce(Some(number));
            match pending {
                Pending::Heard(report) => self.pass_on(report),
                Pending::Key(key) => {
                    self.legs.turn.cast(TurnMsg::Key(key));
                }
            }
        }
        Ok(())
    }
}
