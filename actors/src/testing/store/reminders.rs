//! The rules of calls to be placed and of text messages on the records in memory, the same as the databases'.

use chrono::{DateTime, Utc};

use super::Records;
use crate::domain::{
    Appointment, AppointmentId, AppointmentStatus, CallSid, Customer, CustomerId, NewReminder, OutboxId, PhoneNumber,
    Reminder, ReminderId, ReminderKind, ReminderOutcome, ReminderStatus, Round, reasons,
};
use crate::ports::{
    AppointmentChange, AppointmentStep, CallClaim, CallSettled, Channel, DueCall, DueTask, OptOut, Order, StoreError,
    TextKind, TextOrder, TextProgress,
};

/// A row that still leads to a call.
fn is_open(row: &Reminder) -> bool {
    matches!(row.status, ReminderStatus::Pending | ReminderStatus::Dialling | ReminderStatus::Calling)
}

fn is_under_way(row: &Reminder) -> bool {
    is_open(row) && row.status != ReminderStatus::Pending
}

/// Another call about an appointment waits, or has reached the customer since the day of the round's calls began.
fn reminds(row: &Reminder, appointment: AppointmentId, round: &Round) -> bool {
    let unreached = [Some(ReminderOutcome::Screened), Some(ReminderOutcome::WrongNumber)];
    let today = row.dialled_at.is_some_and(|at| round.day_from <= at);
    let reached = row.status == ReminderStatus::Done && today && !unreached.contains(&row.outcome);
    row.kind != ReminderKind::Evening && row.appointment == Some(appointment) && (is_open(row) || reached)
}

impl Records {
    pub(super) fn make_round(&mut self, round: &Round) -> Option<u64> {
        if self.rounds.contains_key(&round.of) {
            return None;
        }
        self.rounds.insert(round.of, *round);
        let people = self.round_of(round);
        for (appointment, customer) in &people {
            let id = self.add_row(&NewReminder {
                kind: ReminderKind::Evening,
                appointment: Some(appointment.id),
                customer: Some(customer.id),
                phone: customer.phone.clone(),
                about: None,
                due_at: round.due_at,
                until: round.until,
                for_staff: false,
            });
            self.evenings.insert(id, round.of);
        }
        Some(people.len() as u64)
    }

    pub(super) fn round_of(&self, round: &Round) -> Vec<(Appointment, Customer)> {
        let of_date = |a: &&Appointment| a.status.is_open() && round.from <= a.starts_at && a.starts_at < round.to;
        let agreed = |c: &&Customer| c.reminder_consent == Some(true) && !self.has_opted_out(&c.phone, Channel::Voice);
        let who = |a: &Appointment| self.customers.iter().filter(agreed).find(|c| c.id == a.customer).cloned();
        let pair = |a: &Appointment| Some((a.clone(), who(a)?));
        let untold = |a: &&Appointment| !self.reminders.iter().any(|row| reminds(row, a.id, round));
        let mut people: Vec<_> = self.appointments.iter().filter(of_date).filter(untold).filter_map(pair).collect();
        people.sort_by_key(|(a, _)| (a.starts_at, a.id));
        people
    }

    pub(super) fn add_reminder(&mut self, new: &NewReminder) -> ReminderId {
        let replaced = |row: &&mut Reminder| {
            new.kind == ReminderKind::CallBack
                && (row.kind, row.status) == (ReminderKind::CallBack, ReminderStatus::Pending)
                && row.phone == new.phone
        };
        for row in self.reminders.iter_mut().filter(replaced) {
            (row.status, row.reason) = (ReminderStatus::Skipped, Some(reasons::REPLACED.into()));
        }
        let asks_once = new.kind == ReminderKind::Requested && !new.for_staff;
        let open = self.open_reminder_of(new.appointment).filter(|_| asks_once);
        open.unwrap_or_else(|| self.add_row(new))
    }

    pub(super) fn open_reminder_of(&self, appointment: Option<AppointmentId>) -> Option<ReminderId> {
        let same =
            |row: &&Reminder| row.kind != ReminderKind::CallBack && row.appointment == appointment && is_open(row);
        self.reminders.iter().find(same).map(|row| row.id)
    }

    fn add_row(&mut self, new: &NewReminder) -> ReminderId {
        let id = ReminderId(self.reminders.last().map_or(1, |row| row.id.0 + 1));
        self.reminders.push(Reminder {
            id,
            kind: new.kind,
            appointment: new.appointment,
            customer: new.customer,
            phone: new.phone.clone(),
            about: new.about.clone(),
            due_at: new.due_at,
            until: new.until,
            status: if new.for_staff { ReminderStatus::ForStaff } else { ReminderStatus::Pending },
            attempts: 0,
            failures: 0,
            next_at: new.due_at,
            dialled_at: None,
            call: None,
            outcome: None,
            reason: None,
        });
        id
    }

    pub(super) fn miss_overdue(&mut self, now: DateTime<Utc>, texts: bool) -> Vec<ReminderId> {
        self.skip_unwanted(now);
        let mut missed = Vec::new();
        let overdue = |row: &&mut Reminder| row.status == ReminderStatus::Pending && row.until <= now;
        for row in self.reminders.iter_mut().filter(overdue) {
            row.status = ReminderStatus::Missed;
            row.reason.get_or_insert_with(|| reasons::WINDOW_OVER.into());
            missed.push((row.id, row.appointment));
        }
        for appointment in missed.iter().filter(|_| texts).filter_map(|(_, appointment)| *appointment) {
            self.text_reminder(appointment, now);
        }
        missed.into_iter().map(|(id, _)| id).collect()
    }

    pub(super) fn claim_calls(&mut self, claim: &CallClaim<'_>) -> Vec<DueCall> {
        let (now, look_at) = (claim.now, claim.now + claim.lease);
        self.skip_unwanted(now);
        let doubtful = |row: &&mut Reminder| is_under_way(row) && row.next_at <= now;
        let mut claimed = Vec::new();
        for row in self.reminders.iter_mut().filter(doubtful).take(CallClaim::LOOKS as usize) {
            row.next_at = look_at;
            let calling = row.status == ReminderStatus::Calling;
            let task = if calling { DueTask::Look } else { DueTask::Reconcile };
            claimed.push(DueCall { reminder: row.clone(), task });
        }
        let due = |row: &&Reminder| row.status == ReminderStatus::Pending && row.next_at <= now && now < row.until;
        let mut fresh: Vec<_> = self.reminders.iter().filter(due).map(|row| (self.starts_at(row), row.id)).collect();
        fresh.sort();
        let this_second = |row: &&Reminder| is_under_way(row) && row.dialled_at == Some(now);
        let dialled = u32::try_from(self.reminders.iter().filter(this_second).count()).unwrap();
        let mut left = claim.limit.min(claim.per_second.saturating_sub(dialled));
        for (_, id) in fresh {
            let phone = self.row(id).unwrap().phone.clone();
            if left == 0 || self.reminders.iter().any(|other| other.phone == phone && is_under_way(other)) {
                continue;
            }
            left -= 1;
            let row = self.row(id).unwrap();
            row.begin(now, look_at);
            claimed.push(DueCall { reminder: row.clone(), task: DueTask::Dial });
        }
        claimed
    }

    pub(super) fn settle_call(
        &mut self,
        id: ReminderId,
        attempt: u32,
        settled: &CallSettled,
        now: DateTime<Utc>,
    ) -> bool {
        let Some(row) = self.row(id) else { return false };
        let changed = settled.apply(row, attempt);
        if let (true, CallSettled::Missed { text: true, .. }, Some(about)) = (changed, settled, row.appointment) {
            self.text_reminder(about, now);
        }
        changed
    }

    /// What came of a conversation in a call that Otto placed.
    pub(super) fn talked(&mut self, call: &CallSid, (id, outcome): (ReminderId, ReminderOutcome)) {
        if let Some(row) = self.row(id) {
            row.talked(call, outcome);
        }
    }

    pub(super) fn opt_out(&mut self, opt_out: &OptOut) {
        if !self.has_opted_out(&opt_out.phone, opt_out.channel) {
            self.opt_outs.push(opt_out.clone());
        }
    }

    /// The customer with that number agrees to be called.
    pub(super) fn lift_opt_out(&mut self, phone: &PhoneNumber, caller: Option<&PhoneNumber>) {
        let own = caller == Some(phone);
        let lifted =
            |o: &OptOut| (&o.phone, o.channel) == (phone, Channel::Voice) && (own || o.reason != OptOut::WRONG_NUMBER);
        self.opt_outs.retain(|o| !lifted(o));
    }

    pub(super) fn has_opted_out(&self, phone: &PhoneNumber, channel: Channel) -> bool {
        self.opt_outs.iter().any(|own| (&own.phone, own.channel) == (phone, channel))
    }

    pub(super) fn stop_reminders(&mut self, opt_out: &OptOut, customer: Option<CustomerId>) {
        self.opt_out(opt_out);
        let Some(customer) = customer else { return };
        if opt_out.reason == OptOut::ASKED {
            let own = self.customers.iter_mut().filter(|c| c.id == customer);
            own.for_each(|c| c.reminder_consent = Some(false));
        }
        let waiting = |row: &&mut Reminder| row.customer == Some(customer) && row.status == ReminderStatus::Pending;
        for row in self.reminders.iter_mut().filter(waiting) {
            (row.status, row.reason) = (ReminderStatus::Skipped, Some(reasons::OPTED_OUT.into()));
        }
    }

    pub(super) fn text_progress(&mut self, progress: &TextProgress) {
        match self.texts.iter_mut().find(|text| text.order == progress.order) {
            Some(known) if known.sid == progress.sid && progress.follows(&known.status) => *known = progress.clone(),
            Some(_) => {}
            None => {
                self.texts.push(progress.clone());
                let about = |(id, order): &(OutboxId, Order)| match order {
                    Order::Text(text) if *id == progress.order => Some((*id, text.appointment)),
                    _ => None,
                };
                self.texted.extend(self.outbox.iter().find_map(about));
            }
        }
    }

    pub(super) fn confirm_by_text(
        &mut self,
        phone: &PhoneNumber,
        now: DateTime<Utc>,
    ) -> Result<Option<(Appointment, Customer)>, StoreError> {
        let Some(customer) = self.customers.iter().find(|c| c.phone == *phone).cloned() else { return Ok(None) };
        let coming = |a: &&Appointment| a.customer == customer.id && a.status.is_open() && a.starts_at > now;
        let latest = self
            .texted
            .iter()
            .rev()
            .filter(|(order, _)| self.has_come(*order))
            .find_map(|(_, about)| self.appointments.iter().filter(coming).find(|a| a.id == *about));
        let scheduled = |a: &Appointment| a.status == AppointmentStatus::Scheduled;
        let earliest = || self.appointments.iter().filter(coming).min_by_key(|a| (!scheduled(a), a.starts_at, a.id));
        match latest.or_else(earliest).cloned() {
            Some(appointment) if appointment.status == AppointmentStatus::Scheduled => {
                let step = AppointmentStep::Confirm;
                let (appointment, customer) = (appointment.id, customer.id);
                self.change(AppointmentChange { appointment, customer, step, text: false }).map(Some)
            }
            confirmed => Ok(confirmed.map(|appointment| (appointment, customer))),
        }
    }

    fn has_come(&self, order: OutboxId) -> bool {
        let failed = |text: &TextProgress| ["failed", "undelivered", "canceled"].contains(&&*text.status);
        self.texts.iter().any(|text| text.order == order && !failed(text))
    }

    /// Orders a text message about an appointment as it is now.
    pub(super) fn text(&mut self, about: TextKind, appointment: &Appointment) {
        self.push(Order::Text(TextOrder { about, appointment: appointment.id, version: appointment.version }));
    }

    fn text_reminder(&mut self, id: AppointmentId, now: DateTime<Utc>) {
        let coming = |a: &&Appointment| a.id == id && a.status.is_open() && a.starts_at > now;
        if let Some(appointment) = self.appointments.iter().find(coming).cloned() {
            self.text(TextKind::Reminder, &appointment);
        }
    }

    /// Due reminders get the number on file, and what is due ends when it is not to be called.
    fn skip_unwanted(&mut self, now: DateTime<Utc>) {
        let due = |row: &Reminder| row.status == ReminderStatus::Pending && (row.next_at <= now || row.until <= now);
        for at in 0..self.reminders.len() {
            let mut row = self.reminders[at].clone();
            if !due(&row) {
                continue;
            }
            let customer = self.customers.iter().find(|c| Some(c.id) == row.customer);
            let on_file = customer.filter(|_| row.kind != ReminderKind::CallBack).map(|c| c.phone.clone());
            row.phone = on_file.unwrap_or(row.phone);
            if let Some(reason) = self.unwanted(&row, customer, now) {
                (row.status, row.reason) = (ReminderStatus::Skipped, Some(reason.into()));
            }
            self.reminders[at] = row;
        }
    }

    fn unwanted(&self, row: &Reminder, customer: Option<&Customer>, now: DateTime<Utc>) -> Option<&'static str> {
        let appointment = self.appointments.iter().find(|a| Some(a.id) == row.appointment);
        let consent = customer.and_then(|c| c.reminder_consent);
        let round = self.evenings.get(&row.id).and_then(|of| self.rounds.get(of));
        let elsewhere = |a: &Appointment| round.is_some_and(|r| a.starts_at < r.from || r.to <= a.starts_at);
        let agrees = match row.kind {
            ReminderKind::Evening => consent == Some(true),
            ReminderKind::Requested => consent != Some(false),
            ReminderKind::CallBack => true,
        };
        match appointment {
            Some(a) if !a.status.is_open() => Some(reasons::APPOINTMENT_CLOSED),
            Some(a) if a.starts_at <= now => Some(reasons::APPOINTMENT_BEGUN),
            Some(a) if elsewhere(a) => Some(reasons::APPOINTMENT_MOVED),
            _ if !agrees => Some(reasons::NO_CONSENT),
            _ if self.has_opted_out(&row.phone, Channel::Voice) => Some(reasons::OPTED_OUT),
            _ => None,
        }
    }

    fn row(&mut self, id: ReminderId) -> Option<&mut Reminder> {
        self.reminders.iter_mut().find(|row| row.id == id)
    }

    /// By when a row is in order: its appointment's time, or else its own.
    fn starts_at(&self, row: &Reminder) -> DateTime<Utc> {
        self.appointments.iter().find(|a| Some(a.id) == row.appointment).map_or(row.due_at, |a| a.starts_at)
    }
}
