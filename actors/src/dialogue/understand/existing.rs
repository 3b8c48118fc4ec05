//! Appointments that there are: which of them is meant, and what came of changing one.

use chrono::NaiveDateTime;
use serde_json::Value;

use super::heard::Heard;
use super::results::{Answer, date_times};
use super::{Goal, News, State, Why};
use crate::dialogue::slots::services::FoundService;
use crate::dialogue::slots::times::{Choice, TimeWish};
use crate::dialogue::wording;
use crate::domain::spoken;

/// An appointment of the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dialogue) struct Existing {
    /// As the tools name it.
    pub(in crate::dialogue) id: Value,
    pub(in crate::dialogue) service: String,
    spoken: String,
    at: Option<NaiveDateTime>,
}

impl Existing {
    pub(super) fn read(data: &Value) -> Option<Self> {
        let text = |key: &str| data[key].as_str().unwrap_or_default();
        let (service, spoken) = (data["service"].as_str()?, data["spoken"].as_str()?);
        let id = if data["appointment_id"].is_null() { &data["id"] } else { &data["appointment_id"] };
        let at = date_times(&format!("{} {}", text("date"), text("time"))).first().copied();
        Some(Self { id: id.clone(), service: service.to_owned(), spoken: spoken.to_owned(), at })
    }

    /// One of which the service and the time are known.
    pub(super) fn booked(id: &Value, service: &str, at: NaiveDateTime) -> Self {
        Self { id: id.clone(), service: service.to_owned(), spoken: spoken::date_time(at), at: Some(at) }
    }

    /// When it is, if that is known.
    pub(super) const fn at(&self) -> Option<NaiveDateTime> {
        self.at
    }

    /// `oil change on Wednesday, November 25 at 9 AM`.
    pub(in crate::dialogue) fn what(&self) -> String {
        format!("{} on {}", self.service.to_lowercase(), self.spoken)
    }

    /// The same with an article.
    pub(in crate::dialogue) fn listed(&self) -> String {
        format!("{} on {}", wording::with_article(&self.service), self.spoken)
    }
}

impl State {
    /// The tools have listed the caller's appointments.
    pub(super) fn upcoming(&mut self, answer: &Answer) {
        if !answer.success {
            return match answer.error.as_str() {
                "not_verified" => self.verified = false,
                "not_on_file" => self.hand_over(Why::NotOnFile),
                "locked" => self.hand_over(Why::NotVerified),
                error => self.failed(error),
            };
        }
        self.verified = true;
        let listed = answer.data["appointments"].as_array().or_else(|| answer.data.as_array());
        let list: Vec<Existing> = listed.into_iter().flatten().filter_map(Existing::read).collect();
        let changes = self.goals.iter().any(|goal| self.changes_existing(*goal));
        if list.is_empty() || !changes {
            let confirming = self.goals.iter().any(|g| matches!(g, Goal::Upcoming { confirming: true }));
            self.goals.retain(|g| !g.is_about_existing());
            self.latest = if let [only] = list.as_slice() { Some(only.clone()) } else { None };
            self.news.push(News::Appointments { list: list.iter().map(Existing::listed).collect(), confirming });
        } else {
            self.pick_among(&list);
        }
        self.appointments = Some(list);
    }

    /// Whether a goal takes one appointment in particular.
    pub(in crate::dialogue) fn changes_existing(&self, goal: Goal) -> bool {
        match goal {
            Goal::Cancel | Goal::Move => true,
            Goal::Upcoming { confirming } => confirming && self.can("confirm_appointment"),
            _ => false,
        }
    }

    /// The only one there is, or the only one on the day or for the service that the caller has named.
    fn pick_among(&mut self, list: &[Existing]) {
        let on_day = |a: &&Existing| self.date.is_some() && a.at.map(|at| at.date()) == self.date;
        let for_service = |a: &&Existing| match &self.service {
            Some(service) => *service == a.service,
            None => self.service_choices.contains(&a.service),
        };
        let by_day: Vec<&Existing> = list.iter().filter(on_day).collect();
        let by_service: Vec<&Existing> = list.iter().filter(for_service).collect();
        let found = [list.iter().collect(), by_day, by_service].into_iter().find(|found| found.len() == 1);
        if let Some(picked) = found.and_then(|found| found.first().copied().cloned()) {
            self.pick(picked);
        }
    }

    /// This one is to be changed, and no other.
    pub(super) fn mean(&mut self, goal: Goal, one: Option<Existing>) {
        let Some(one) = one else { return };
        self.goals.retain(|g| *g != goal);
        self.goals.push_front(goal);
        self.appointments = Some(vec![one.clone()]);
        self.pick(one);
    }

    /// A time without a day is on the day of the appointment that is moved: "move it to eleven".
    pub(super) fn stay_on_day(&mut self) {
        if self.goals.front() == Some(&Goal::Move) && self.date.is_none() && self.wish.is_some() {
            self.date = self.picked.as_ref().and_then(|picked| picked.at).map(|at| at.date());
        }
    }

    /// The appointment that the conversation has come to is for this.
    pub(in crate::dialogue) fn has_booked(&self, service: &str) -> bool {
        self.latest.as_ref().is_some_and(|latest| latest.service == service)
    }

    /// What is to be changed was booked in this call.
    pub(in crate::dialogue) fn changes_own(&self) -> bool {
        self.picked.as_ref().is_some_and(|picked| self.own.contains(&picked.id))
    }

    fn pick(&mut self, picked: Existing) {
        let moves = self.goals.front() == Some(&Goal::Move);
        if moves {
            self.service = Some(picked.service.clone());
            // "My Tuesday appointment" says which one it is, not where it goes.
            if self.wish.is_none() && picked.at.map(|at| at.date()) == self.date {
                self.date = None;
            }
        }
        self.picked = Some(picked);
    }

    /// The caller says which of their appointments they mean.
    pub(super) fn name_appointment(&mut self, heard: &Heard) -> bool {
        let Some(list) = &self.appointments else { return false };
        let by_place = match heard.choice {
            Some(Choice::Nth(index)) => list.get(index),
            Some(Choice::Last) => list.last(),
            _ => None,
        };
        let fits = |a: &&Existing| {
            let same_day = heard.date.is_some() && a.at.map(|at| at.date()) == heard.date;
            let same_time = matches!(heard.wish, Some(TimeWish::At(time)) if a.at.map(|at| at.time()) == Some(time));
            let same_service = match &heard.service {
                FoundService::One(name) => *name == a.service,
                FoundService::Several(names) => names.contains(&a.service),
                FoundService::None => false,
            };
            same_day || same_time || same_service
        };
        let fitting: Vec<&Existing> = list.iter().filter(fits).collect();
        let by_name = if let [only] = fitting[..] { Some(only) } else { None };
        let Some(picked) = by_place.or(by_name).cloned() else { return false };
        self.pick(picked);
        true
    }

    /// The appointment that a tool has changed, as far as it is known.
    fn changed_one(&self, arguments: &Value) -> Option<Existing> {
        let is_it = |one: &&Existing| one.id == arguments["appointment_id"];
        let listed = self.appointments.iter().flatten();
        self.latest.iter().chain(listed).find(is_it).or(self.picked.as_ref()).cloned()
    }

    pub(super) fn cancelled(&mut self, arguments: &Value, answer: &Answer) {
        self.turn.consent = false;
        if !answer.success {
            return self.not_changed(answer, Why::Cancel);
        }
        let one = self.changed_one(arguments);
        self.news.push(News::Cancelled(one.as_ref().map(Existing::what)));
        self.latest = self.latest.take().filter(|latest| one.is_none_or(|one| one.id != latest.id));
        self.changed(Goal::Cancel);
    }

    pub(super) fn moved(&mut self, arguments: &Value, answer: &Answer) {
        self.turn.consent = false;
        if answer.success {
            let text = |key: &str| arguments[key].as_str().unwrap_or_default();
            let to = format!("{} {}", text("new_date"), text("new_time"));
            let to = date_times(&to).first().copied().or(self.chosen);
            let at_new_time = |(one, to): (Existing, _)| Existing::booked(&one.id, &one.service, to);
            self.latest = self.changed_one(arguments).zip(to).map(at_new_time);
            self.news.push(News::Moved(to));
            return self.changed(Goal::Move);
        }
        if !self.time_refused(answer) {
            self.not_changed(answer, Why::Reschedule);
        }
    }

    pub(super) fn confirmed(&mut self, answer: &Answer) {
        if !answer.success {
            return self.not_changed(answer, Why::Failing);
        }
        self.latest = self.picked.clone().or_else(|| self.reminded());
        self.news.push(News::Confirmed(self.latest.as_ref().map(Existing::what)));
        self.goals.retain(|goal| *goal != Goal::Remind);
        self.changed(Goal::Upcoming { confirming: true });
    }

    /// It is done: what was listed is no longer true.
    fn changed(&mut self, goal: Goal) {
        (self.appointments, self.picked) = (None, None);
        self.goals.retain(|g| *g != goal);
        if !self.goals.contains(&Goal::Schedule) {
            self.forget_booking();
        }
    }

    fn not_changed(&mut self, answer: &Answer, why: Why) {
        match answer.error.as_str() {
            "not_verified" => self.verified = false,
            "not_found" => {
                (self.appointments, self.picked) = (None, None);
                self.failed("not_found");
            }
            "locked" => self.hand_over(Why::NotVerified),
            error @ ("unavailable" | "unknown_outcome" | "") => self.failed(error),
            _ => self.hand_over(why),
        }
    }
}
