//! What the legs report becomes messages to other legs, journal records and tool calls. Legs do not know each other.

use std::sync::Arc;

use tokio::time::Instant;

use super::machine::Input;
use super::outbound::appointment_of;
use super::pickup::Input as PickupInput;
use super::{CallMsg, CallRef, CallState, Lookup, RunningTool, prompt};
use crate::crm::{CrmMsg, CrmRef};
use crate::dialogue::Reader;
use crate::domain::{Appointment, Customer, PhoneNumber, TurnId};
use crate::events::{BargedIn, GuessEnded, VendorTrouble, emit};
use crate::history::{Entry, HistoryOp};
use crate::limits;
use crate::media::MediaReport;
use crate::metrics::Metric;
use crate::names::{ActorKind, Leg};
use crate::playback::PlaybackMsg;
use crate::ports::{ToolCall, VendorError};
use crate::stt::SttReport;
use crate::tools::{Learned, ToolJob, ToolOutcome, ToolRouter};
use crate::turn::{Guessed, Hops, Situation, TurnMsg, TurnReport};
use otto_proto::v1::{self, call_event::Body};

impl CallState {
    // The caller ------------------------------------------------------------------------------------------------------

    pub(super) fn look_caller_up(&mut self, myself: &CallRef) {
        let Some(phone) = self.session.identity.phone.clone() else {
            return self.caller_found(myself, None, None);
        };
        let (crm, purpose, myself) = (self.outside.router.crm.clone(), self.session.purpose, myself.clone());
        self.tasks.spawn(async move {
            let (customer, appointment) = tokio::join!(who_has(&crm, &phone), appointment_of(&crm, purpose));
            let _ = myself.cast(CallMsg::CallerFound(customer, appointment.map(Box::new)));
        });
    }

    pub(super) fn caller_found(
        &mut self,
        myself: &CallRef,
        customer: Option<Customer>,
        appointment: Option<Box<Appointment>>,
    ) {
        // A slow answer is older than what the call has learned meanwhile.
        if self.session.identity.customer.is_none() {
            self.session.identity.customer = customer;
        }
        self.errand_found(appointment);
        self.show_identity();
        if self.caller_known == Lookup::Pending {
            self.caller_known = Lookup::Done;
            self.record_start();
            if self.outbound.is_some() {
                self.prepare_greeting(myself);
                self.picked_up(myself, PickupInput::Known);
            } else if self.line.is_some() {
                self.greet();
            } else {
                self.prepare_greeting(myself);
            }
        }
    }

    /// A greeting by name is synthesised while the stream is being opened.
    fn prepare_greeting(&self, myself: &CallRef) {
        if self.session.identity.customer.is_none() {
            return;
        }
        let (phrases, text, myself) = (Arc::clone(&self.outside.phrases), self.greeting(), myself.clone());
        self.tasks.spawn(async move {
            // Without it the greeting is said like any other text.
            if let Ok(prepared) = phrases.prepare(text).await {
                let _ = myself.cast(CallMsg::Prepared(prepared));
            }
        });
    }

    fn greeting(&self) -> String {
        if let Some(greeting) = self.outbound.as_ref().and_then(|_| self.outbound_greeting()) {
            return greeting;
        }
        let shop = &self.outside.shop;
        let name = self.session.identity.customer.as_ref().map(Customer::first_name);
        let wording = if name.is_some() { &shop.wording.greeting_known } else { &shop.wording.greeting_unknown };
        shop.say(wording, name)
    }

    pub(super) fn greet(&mut self) {
        if self.caller_known == Lookup::Greeted || self.line.is_none() {
            return;
        }
        if self.caller_known == Lookup::Pending {
            self.record_start();
        }
        self.caller_known = Lookup::Greeted;
        let text = self.greeting();
        self.note(Body::Greeted(v1::Greeted { known_caller: self.session.identity.customer.is_some() }));
        self.session.greeting = Some(text.clone());
        self.legs.turn.cast(TurnMsg::Greet { text });
    }

    fn show_identity(&self) {
        self.shown_identity.store(Arc::new(self.session.identity.clone()));
    }

    pub(super) fn situation(&self) -> Situation {
        let (identity, shop) = (Arc::clone(&self.shown_identity), Arc::clone(&self.outside.shop));
        let (clock, purpose) = (Arc::clone(&self.outside.clock), self.session.purpose);
        let mut reader = Reader::default();
        Box::new(move |history| prompt::situation(&shop, purpose, &identity.load(), clock.now(), history, &mut reader))
    }

    // Media and speech to text ----------------------------------------------------------------------------------------

    pub(super) fn media(&mut self, myself: &CallRef, report: MediaReport) {
        match report {
            // Nothing was asked yet, or nothing is asked any more.
            MediaReport::Key(_) if !self.is_talking() => {}
            MediaReport::Key(key) => {
                self.note(Body::Dtmf(v1::Dtmf { digit: key.to_string() }));
                let number = self.session.pressed(key);
                self.announce(number);
                self.legs.turn.cast(TurnMsg::Key(key));
            }
            MediaReport::Played(epoch, position) => {
                self.legs.playback.cast(PlaybackMsg::Played(epoch, position));
            }
            MediaReport::Closed { hung_up } => self.live(myself, Input::Closed { hung_up }),
        }
    }

    pub(super) fn stt(&mut self, myself: &CallRef, report: SttReport) {
        match report {
            SttReport::Trouble(error) => self.trouble(ActorKind::Stt, &error),
            SttReport::GivenUp => self.give_leg_up(myself, Leg::Stt, "the caller cannot be heard"),
            heard if !self.is_for_the_turn(myself, &heard) => {}
            heard => {
                let number = self.session.heard(&heard);
                self.announce(number);
                self.pass_on(heard);
            }
        }
    }

    /// Before something that is kept until the turn has settled it.
    pub(super) fn announce(&self, number: Option<u64>) {
        if let Some(number) = number {
            self.legs.turn.cast(TurnMsg::Next(number));
        }
    }

    pub(super) fn pass_on(&mut self, report: SttReport) {
        let msg = match report {
            SttReport::Words { text, is_final, speech_final, waited, until } => {
                TurnMsg::Words { text, is_final, speech_final, waited, until }
            }
            SttReport::FellSilent => TurnMsg::FellSilent,
            SttReport::UtteranceEnd => TurnMsg::UtteranceEnd,
            SttReport::Eager(text) => TurnMsg::Eager(text),
            SttReport::Resumed => TurnMsg::Resumed,
            SttReport::Deaf => TurnMsg::Deaf,
            SttReport::Hears => TurnMsg::Hears,
            SttReport::GivenUp | SttReport::Trouble(_) => return,
        };
        self.legs.turn.cast(msg);
    }

    pub(super) fn trouble(&mut self, actor: ActorKind, error: &VendorError) {
        emit(VendorTrouble { call: &self.session.call, actor, error });
    }

    // The turn --------------------------------------------------------------------------------------------------------

    pub(super) fn turn(&mut self, myself: &CallRef, report: TurnReport) {
        match report {
            TurnReport::Begin(turn) => self.begin_turn(turn),
            TurnReport::Settled(number) => self.session.settled(number),
            TurnReport::History(op) => self.history(op),
            TurnReport::Say { turn, utterance, text } => self.say(turn, utterance, text),
            TurnReport::Finish(utterance) => self.finish_utterance(utterance),
            TurnReport::Hush => self.hush(),
            TurnReport::BargeIn(text) => {
                emit(BargedIn { call: &self.session.call });
                self.note(Body::BargeIn(v1::BargeIn { text }));
            }
            TurnReport::RunTool { turn, call } => self.run_tool(myself, turn, call),
            TurnReport::GoesOn => self.session.goes_on = true,
            TurnReport::Guessed(guessed) => self.guessed(guessed),
            TurnReport::Ending(kind) => self.session.ending = Some(kind),
            TurnReport::End(kind) => self.live(myself, Input::EndWanted(kind)),
            TurnReport::Timed { turn, hops } => self.timed(turn, &hops),
            TurnReport::Spent(end) => self.facts.spent(&end),
            TurnReport::Trouble(error) => self.trouble(ActorKind::Turn, &error),
        }
    }

    /// From here on no earlier turn can speak, book or hang up.
    fn begin_turn(&mut self, turn: TurnId) {
        self.turn_clock.advance_to(turn);
        self.session.turn = turn;
        self.session.ending = None;
    }

    fn guessed(&mut self, guessed: Guessed) {
        self.session.wasted_guesses += u32::from(guessed == Guessed::Wasted);
        let outcome = match guessed {
            Guessed::Used => "used",
            Guessed::Wasted => "wasted",
            Guessed::Capped => "capped",
        };
        emit(GuessEnded { call: &self.session.call, outcome });
    }

    fn history(&mut self, op: HistoryOp) {
        self.session.goes_on &= matches!(op, HistoryOp::Cut { .. });
        if let HistoryOp::Add(Entry::User(text)) = &op {
            let said = Body::CallerSaid(v1::CallerSaid { text: text.clone() });
            self.note(said);
        }
        if matches!(op, HistoryOp::Add(Entry::Assistant { .. })) {
            self.session.greeting = None;
        }
        if let (HistoryOp::Add(Entry::Assistant { text, .. }), Some(farewell)) = (&op, &self.session.farewell)
            && text == farewell
        {
            self.session.farewell = None;
        }
        self.session.history.apply(op);
        let snapshot = self.session.snapshot(self.outside.clock.now());
        self.outside.journal.session(self.session.call.clone(), snapshot);
    }

    fn timed(&mut self, turn: TurnId, hops: &Hops) {
        let ms = |d: std::time::Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        for (hop, took) in hops.named() {
            let labels = vec![metrics::Label::from_static_parts("hop", hop)];
            Metric::TurnHopSeconds.histogram(labels).record(took.as_secs_f64());
        }
        let timed = v1::TurnTimed {
            endpointing_ms: ms(hops.endpointing),
            model_first_token_ms: ms(hops.model_first_token),
            first_clause_ms: ms(hops.first_clause),
            speech_first_byte_ms: ms(hops.speech_first_byte),
            media_out_ms: ms(hops.media_out),
        };
        self.facts.timed(hops.named().iter().map(|(_, took)| *took).sum());
        self.recorder.record(turn, Body::TurnTimed(timed));
    }

    // Tools -----------------------------------------------------------------------------------------------------------

    fn run_tool(&mut self, myself: &CallRef, turn: TurnId, call: ToolCall) {
        if self.running_tools.contains_key(&call.id) {
            // Asked for by a turn that has been started again; the result is on its way.
            return;
        }
        let effect = self.identities.of(&self.session.call, turn, &call);
        let running = RunningTool { name: call.name.clone(), turn, effect: effect.clone(), since: Instant::now() };
        self.running_tools.insert(call.id.clone(), running);
        self.note(Body::ToolCalled(v1::ToolCalled {
            tool_call_id: call.id.clone(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
        }));
        self.facts.tool_ran(&call.name);
        let admitted = ToolRouter::admit(&call, &mut self.session.identity);
        let job = ToolJob { effect, fence: self.turn_clock.fence(turn), call };
        let (router, myself) = (self.outside.router.clone(), myself.clone());
        self.tasks.spawn(async move {
            let tool_call_id = job.call.id.clone();
            let outcome = router.run(job, admitted).await;
            let _ = myself.cast(CallMsg::ToolDone { tool_call_id, outcome });
        });
    }

    pub(super) fn tool_done(&mut self, myself: &CallRef, tool_call_id: String, outcome: ToolOutcome) {
        let ToolOutcome { content, success, end, learned } = outcome;
        let ran = self.running_tools.remove(&tool_call_id);
        // Its turn may have ended on the way from the tool to here; then nothing ends the call.
        let end = end.filter(|_| ran.as_ref().is_some_and(|ran| ran.turn == self.session.turn));
        if let Some(RunningTool { name, effect, since, .. }) = ran {
            if success {
                self.identities.done(&name, &effect);
                self.facts.tool_did(&name, &content);
            }
            if self.facts.is_proven() || learned == Some(Learned::IsCustomer) {
                self.picked_up(myself, PickupInput::Proven);
            }
            self.note(Body::ToolReturned(v1::ToolReturned {
                tool_call_id: tool_call_id.clone(),
                name,
                content: content.clone(),
                took_ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
            }));
        }
        if let Some(learned) = learned {
            self.session.identity.learn(learned);
        }
        self.show_identity();
        if end.is_some() {
            self.session.ending = end;
        }
        self.legs.turn.cast(TurnMsg::ToolDone { tool_call_id, content, end });
    }
}

/// Who has this number. A caller who cannot be looked up is greeted like one who is not on file.
async fn who_has(crm: &CrmRef, phone: &PhoneNumber) -> Option<Customer> {
    let began = Instant::now();
    let ask = |reply_to| CrmMsg::FindByPhone { phone: phone.clone(), reply_to };
    let found = crm.ask_again(limits::READ_TIMEOUT_MS, ask).await.ok()?.ok()?;
    let source = metrics::Label::from_static_parts("source", found.source.as_str());
    Metric::CustomerLookupSeconds.histogram(vec![source]).record(began.elapsed().as_secs_f64());
    found.customer
}
