//! What an utterance does to the state.

use chrono::NaiveDateTime;

use super::heard::Heard;
use super::{Caller, Goal, Info, State, Turn, Why};
use crate::dialogue::intents::{Assent, Intent};
use crate::dialogue::slots::services::FoundService;
use crate::dialogue::slots::times::Choice;
use crate::dialogue::wording::Question;
use crate::domain::Shop;

/// Turns in a row without sense after which a colleague is offered.
const MISSES_MAX: u32 = 3;
/// Longest note about what is wrong, in characters.
const SYMPTOM_CHARS: usize = 300;

impl State {
    /// The caller said this.
    pub(super) fn hear(&mut self, text: &str, shop: &Shop) {
        let listed = self.listed();
        self.read_out.clear();
        let asked = self.asked.take();
        self.turn = Turn::default();
        let heard = Heard::read(text, asked, self, shop);
        let declined = self.leave_offer_of_colleague(asked, &heard);
        let wanted = self.want_all(&heard, asked);
        let filled = self.fill(&heard, asked, &listed, (text, shop));
        let answered = match asked {
            Some(Question::MayRemind) => self.hear_of_reminders(&heard),
            _ => !filled && self.answer(&heard, asked, &listed),
        };
        self.greet_and_leave(&heard, asked, filled);
        self.resolve();
        if self.turn.wait {
            self.asked = asked;
        }
        let nodded = asked.is_none() && self.nod(&heard);
        let understood = declined || wanted || filled || answered || nodded || self.turn.goodbye;
        self.count_miss(understood, asked);
    }

    /// Yes or thanks where nothing in particular was asked.
    fn nod(&mut self, heard: &Heard) -> bool {
        let nods = heard.assent.is_some() || heard.words.any(&["thanks", "thank you"]);
        self.turn.abandoned |= nods && self.goals.is_empty();
        nods
    }

    fn count_miss(&mut self, understood: bool, asked: Option<Question>) {
        self.misses = if understood { 0 } else { self.misses + 1 };
        if self.misses >= MISSES_MAX {
            self.misses = 0;
            self.want(Goal::Colleague(Why::NotUnderstood));
        } else if !understood && self.goals.is_empty() {
            // The same question stands.
            self.asked = asked.filter(|q| *q == Question::AnythingElse);
        }
    }

    /// A colleague was offered and the caller wants something else instead.
    fn leave_offer_of_colleague(&mut self, asked: Option<Question>, heard: &Heard) -> bool {
        let Some(Goal::Colleague(_)) = self.goals.front() else { return false };
        let offered = matches!(asked, Some(Question::Connect | Question::CallBack));
        let wants_other =
            heard.intents.iter().any(|i| !matches!(i, Intent::Human | Intent::Repeat | Intent::Wait | Intent::Hello));
        let leaves = wants_other || heard.service != FoundService::None || !offered;
        if leaves && heard.assent != Some(Assent::Yes) && !heard.intents.contains(&Intent::Repeat) {
            self.goals.pop_front();
        }
        false
    }

    /// Notes everything that is wanted; whether there was anything.
    fn want_all(&mut self, heard: &Heard, asked: Option<Question>) -> bool {
        for intent in &heard.intents {
            self.want_one(*intent, heard);
        }
        if self.goals.iter().any(|goal| matches!(goal, Goal::Colleague(_))) && self.grievance.is_none() {
            self.grievance = Some(plain(&heard.text));
        }
        let questions = heard.intents.iter().any(|i| i.is_question());
        let other = heard.intents.iter().any(|i| !matches!(i, Intent::Hello | Intent::Goodbye | Intent::Wait));
        let only_a_service = heard.service != FoundService::None && !other;
        let about_shop = heard.intents.iter().all(|i| matches!(i, Intent::Hours | Intent::Address | Intent::Hello));
        let comes = heard.service != FoundService::None && heard.wish.is_some() && about_shop;
        let only_a_time = (heard.date.is_some() || heard.wish.is_some()) && !other && self.goals.is_empty();
        let about_other = self.goals.front().is_some_and(|goal| *goal != Goal::Schedule);
        if asked == Some(Question::WhichPrice) && !questions && heard.service != FoundService::None {
            self.turn.infos.push(Info::Price(one(heard)));
        } else if ((only_a_service || only_a_time || comes) && !about_other) || heard.priced.is_some() {
            self.want(Goal::Schedule);
        }
        self.refer();
        !heard.intents.is_empty()
    }

    /// What cannot be done for this caller is a colleague's.
    fn refer(&mut self) {
        if self.caller == Caller::Withheld && self.goals.contains(&Goal::Schedule) {
            self.forget_booking();
            self.want(Goal::Colleague(Why::Withheld));
        }
        if self.caller != Caller::Known && self.goals.iter().any(|g| g.is_about_existing()) {
            self.goals.retain(|g| !g.is_about_existing());
            self.want(Goal::Colleague(Why::NotOnFile));
        }
    }

    fn want_one(&mut self, intent: Intent, heard: &Heard) {
        let colleague = match intent {
            Intent::Schedule => return self.want(Goal::Schedule),
            Intent::Recall => return self.recall(),
            Intent::Upcoming => return self.want(Goal::Upcoming { confirming: false }),
            Intent::ConfirmReminder if self.goals.contains(&Goal::Remind) => return,
            Intent::ConfirmReminder => return self.want(Goal::Upcoming { confirming: true }),
            Intent::Cancel if self.can("cancel_appointment") => return self.want_change(Goal::Cancel, heard),
            Intent::Reschedule if self.can("reschedule_appointment") => return self.want_change(Goal::Move, heard),
            Intent::StopCalls | Intent::WrongNumber | Intent::CallLater => return self.want_calling(intent, heard),
            Intent::Hours => {
                let day = heard.date.filter(|_| !heard.has(Intent::Schedule) && !self.goals.contains(&Goal::Schedule));
                return self.turn.infos.push(Info::Hours(day));
            }
            Intent::Prices => return self.turn.infos.push(Info::Price(self.priced(heard))),
            Intent::Services => {
                let info = one(heard).map_or(Info::Services, |service| Info::Price(Some(service)));
                return self.turn.infos.push(info);
            }
            Intent::Address => return self.turn.infos.push(Info::Address),
            Intent::Abandon => return self.abandon(),
            Intent::Repeat => return self.turn.repeat = true,
            Intent::Wait => return self.turn.wait = true,
            Intent::Hello => return self.turn.hello = true,
            Intent::Goodbye => return,
            Intent::Human => Why::Asked,
            Intent::Anger => Why::Anger,
            Intent::Complaint => Why::Complaint,
            Intent::Warranty => Why::Warranty,
            Intent::Discount => Why::Discount,
            Intent::Cancel => Why::Cancel,
            Intent::Reschedule => Why::Reschedule,
        };
        self.want(Goal::Colleague(colleague));
    }

    /// Something else than before may be done to another appointment than before.
    pub(super) fn want_change(&mut self, goal: Goal, heard: &Heard) {
        if !self.goals.contains(&goal) {
            self.picked = None;
        }
        self.goals.retain(|g| !(matches!(g, Goal::Cancel | Goal::Move) && *g != goal));
        self.want(goal);
        if let Some(reminded) = self.reminded().filter(|_| self.goals.contains(&Goal::Remind)) {
            self.goals.retain(|g| *g != Goal::Remind);
            self.note_time(heard);
            self.mean(goal, Some(reminded));
        } else if let Some(one) = self.meant(goal, heard).filter(|_| self.picked.is_none()) {
            self.note_time(heard);
            self.mean(goal, Some(one));
        }
    }

    /// The day and the time that were named, before it is known for what.
    fn note_time(&mut self, heard: &Heard) {
        self.date = heard.date.or(self.date);
        self.wish = heard.wish.or(self.wish);
    }

    fn priced(&self, heard: &Heard) -> Option<String> {
        let named = heard.priced.clone().or_else(|| one(heard)).or_else(|| self.service.clone());
        named.or_else(|| self.latest.as_ref().map(|latest| latest.service.clone()))
    }

    fn abandon(&mut self) {
        self.goals.clear();
        self.forget_booking();
        self.turn.abandoned = true;
    }

    /// Fills in what was named; whether anything was.
    fn fill(
        &mut self,
        heard: &Heard,
        asked: Option<Question>,
        listed: &[NaiveDateTime],
        (text, shop): (&str, &Shop),
    ) -> bool {
        if asked == Some(Question::WhichAppointment) && self.name_appointment(heard) {
            return true;
        }
        if self.fill_call_time(heard, asked, shop) {
            return true;
        }
        if self.goals.front() == Some(&Goal::Remind) {
            // What is named there is the appointment, or another time for it: the answer says which.
            return false;
        }
        let before = (self.service.clone(), self.service_choices.clone(), self.date, self.wish, self.chosen);
        let noted = self.note_about_caller(heard, text);
        let asks_only = !self.turn.infos.is_empty() && !self.goals.contains(&Goal::Schedule);
        self.fill_service(heard, asked);
        let mut chose = false;
        if !asks_only {
            if let Some(date) = heard.date.filter(|date| Some(*date) != self.date) {
                self.reopen();
                self.date = Some(date);
            }
            if let Some(wish) = heard.wish {
                self.wish_for(wish);
            } else if let Some(choice) = heard.choice.filter(|_| asked != Some(Question::WhichService)) {
                chose = self.choose(choice, listed);
            }
        }
        let after = (self.service.clone(), self.service_choices.clone(), self.date, self.wish, self.chosen);
        let same_again = heard.date.is_some() && heard.date == self.date && asked != Some(Question::Confirm);
        noted || chose || same_again || before != after
    }

    fn fill_service(&mut self, heard: &Heard, asked: Option<Question>) {
        if self.goals.front() == Some(&Goal::Move) && self.picked.is_some() {
            return;
        }
        let chosen = match (&heard.service, heard.choice) {
            (FoundService::One(name), _) => Some(name.clone()),
            (_, Some(Choice::Nth(index))) if asked == Some(Question::WhichService) => {
                self.service_choices.get(index).cloned()
            }
            (_, Some(Choice::Last)) if asked == Some(Question::WhichService) => self.service_choices.last().cloned(),
            (FoundService::Several(names), _) => {
                if !self.service.as_ref().is_some_and(|service| names.contains(service)) {
                    self.reopen();
                    self.service = None;
                    self.service_choices.clone_from(names);
                }
                None
            }
            _ => None,
        };
        if let Some(name) = chosen.filter(|name| self.service.as_ref() != Some(name)) {
            self.reopen();
            self.service = Some(name);
            self.service_choices.clear();
        }
    }

    fn note_about_caller(&mut self, heard: &Heard, text: &str) -> bool {
        let mut noted = false;
        let mut note = |slot: &mut Option<String>, value: Option<String>| {
            if value.is_some() && *slot != value {
                *slot = value;
                noted = true;
            }
        };
        note(&mut self.name, heard.name.clone());
        note(&mut self.vehicle, heard.vehicle.clone());
        note(&mut self.phone, heard.phone.clone());
        if heard.symptom && self.symptom.is_none() {
            note(&mut self.symptom, Some(plain(text)));
        }
        if let Some(vin) = &heard.vin {
            note(&mut self.vin, Some(vin.vin.as_str().to_owned()));
            self.turn.doubtful_vin = !vin.sure;
        }
        if heard.fact.is_some() {
            self.turn.fact.clone_from(&heard.fact);
            noted = true;
        }
        noted
    }

    /// Yes, no, or a part of the booking that is wrong; whether it answers the question.
    fn answer(&mut self, heard: &Heard, asked: Option<Question>, listed: &[NaiveDateTime]) -> bool {
        let Some(asked) = asked else { return false };
        let yes = heard.agrees_plainly();
        let no = heard.assent == Some(Assent::No);
        match asked {
            Question::IsIt | Question::WillCome | Question::MoveOrCancel => {
                return self.answer_in_reminder(asked, heard);
            }
            Question::Confirm | Question::MoveIt if yes => self.turn.consent = self.chosen.is_some() && !self.unsure,
            Question::Retry if yes => self.turn.consent = self.chosen.is_some() || self.picked.is_some(),
            Question::CancelIt if yes => self.turn.consent = self.picked.is_some(),
            Question::CancelIt if no => self.keep(),
            Question::MoveIt if no && heard.words.any(&["leave it", "keep it", "keep that", "as it is"]) => self.keep(),
            Question::MoveIt if no => (self.chosen, self.date, self.offer) = (None, None, None),
            Question::Confirm if no => self.turn.change = true,
            Question::Retry if no => self.abandon(),
            Question::Change => return self.change(heard, no),
            Question::WhichTime if yes => match listed {
                [only] => self.take(*only),
                _ => self.narrow_down(),
            },
            Question::WhichTime if no => self.others(),
            Question::Day if no => return false,
            Question::Connect if yes => self.turn.connect = true,
            Question::CallBack if yes => self.call_back(),
            Question::Connect | Question::CallBack if no => self.decline_colleague(heard),
            Question::WantBook if yes => self.want(Goal::Schedule),
            Question::WantBook if no => self.turn.abandoned = true,
            Question::AnythingElse | Question::HowHelp if no && heard.intents.is_empty() => self.turn.goodbye = true,
            Question::AnythingElse | Question::HowHelp if yes && heard.words.len() <= 3 => self.turn.hello = true,
            Question::Fact if no || heard.words.any(&["don't know", "don't remember"]) => {
                self.hand_over(Why::NotVerified);
            }
            _ => return false,
        }
        yes || no || asked == Question::Fact
    }

    /// The appointment stays as it is.
    fn keep(&mut self) {
        self.goals.retain(|goal| !matches!(goal, Goal::Cancel | Goal::Move));
        self.latest = self.picked.take().or(self.latest.take());
        if !self.goals.contains(&Goal::Schedule) {
            self.forget_booking();
        }
        self.turn.kept = true;
    }

    /// A colleague calls back: told by a tool where there is one.
    fn call_back(&mut self) {
        let Some(Goal::Colleague(why)) = self.goals.front().copied() else { return self.turn.call_back = true };
        self.done();
        if self.can("take_message") { self.turn.message = Some(why) } else { self.turn.call_back = true }
    }

    fn decline_colleague(&mut self, heard: &Heard) {
        if matches!(self.goals.front(), Some(Goal::Colleague(_))) && !heard.has(Intent::Human) {
            self.goals.pop_front();
        }
        self.turn.abandoned = true;
    }

    /// What of the booking is wrong.
    fn change(&mut self, heard: &Heard, no: bool) -> bool {
        if heard.words.any(&["day", "date"]) {
            (self.date, self.chosen, self.offer) = (None, None, None);
        } else if heard.words.any(&["time", "hour"]) {
            (self.chosen, self.wish) = (None, None);
        } else if heard.words.any(&["service", "work"]) {
            (self.service, self.chosen) = (None, None);
        } else if heard.words.any(&["name"]) {
            self.name = None;
        } else if no || heard.words.any(&["nothing", "everything"]) {
            self.abandon();
        } else {
            self.turn.change = true;
            return false;
        }
        true
    }

    fn greet_and_leave(&mut self, heard: &Heard, asked: Option<Question>, filled: bool) {
        const LEAVING: [&str; 6] = ["no thanks", "no thank you", "that's it", "i'm good", "i'm fine", "all set"];
        let at_the_end = matches!(asked, Some(Question::AnythingElse | Question::WantBook));
        let leaves = heard.has(Intent::Goodbye)
            || (at_the_end && heard.words.any(&LEAVING))
            || (asked == Some(Question::AnythingElse) && heard.only_thanks());
        let wants_more = filled || heard.intents.iter().any(|i| *i != Intent::Goodbye) || self.turn.consent;
        if leaves && !wants_more {
            self.turn.goodbye = true;
            if heard.has(Intent::Goodbye) {
                self.goals.clear();
                self.forget_booking();
            }
        }
    }
}

/// What was said, short and on one line.
fn plain(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SYMPTOM_CHARS).collect();
    plain.trim().to_owned()
}

fn one(heard: &Heard) -> Option<String> {
    match &heard.service {
        FoundService::One(name) => Some(name.clone()),
        FoundService::Several(names) => names.first().cloned(),
        FoundService::None => None,
    }
}
