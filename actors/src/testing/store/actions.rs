//! What tool calls change in the records in memory. A change works on a copy, so that a closed fence leaves nothing.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Records;
use crate::domain::{
    Appointment, AppointmentId, AppointmentStatus, BayId, BookedTime, Customer, CustomerFacts, CustomerId, NewCustomer,
    NewVehicle, OutboxId, PhoneNumber, Vehicle, VehicleId,
};
use crate::effects::{EffectId, Fence};
use crate::ports::{
    Action, AppointmentChange, AppointmentStep, Booking, BookingCustomer, CalendarOrder, Order, StoreError, TextKind,
};

/// The id after those that are there.
fn next_id(rows: usize) -> i64 {
    i64::try_from(rows).unwrap() + 1
}

impl Records {
    pub(super) fn act(&mut self, effect: &EffectId, fence: &Fence, action: Action) -> Result<Value, StoreError> {
        if let Some(stored) = self.effects.get(effect) {
            return Ok(stored.clone());
        }
        let mut after = self.clone();
        let result = after.carry_out(action)?;
        if !fence.is_open() {
            return Err(StoreError::Fenced);
        }
        after.effects.insert(effect.clone(), result.clone());
        *self = after;
        Ok(result)
    }

    fn carry_out(&mut self, action: Action) -> Result<Value, StoreError> {
        match action {
            Action::Book { booking, render } => self.book(booking).map(|(a, c)| render(&a, &c)),
            Action::ChangeAppointment { change, render } => self.change(change).map(|(a, c)| render(&a, &c)),
            Action::CreateCustomer { new, facts, render } => {
                self.free_phone(&new.phone, None)?;
                let id = self.add_new(&new);
                self.update(id, facts, Some(&new.phone)).map(|c| render(&c))
            }
            Action::UpdateCustomer { customer, facts, caller, render } => {
                self.update(customer, facts, caller.as_ref()).map(|c| render(&c))
            }
            Action::AddVehicle { customer, vehicle, render } => self.add_vehicle(customer, vehicle).map(|v| render(&v)),
            Action::TakeMessage { message, render } => {
                self.messages.push(message);
                Ok(render())
            }
            Action::RequestCallBack { new, render } => {
                self.add_reminder(&new);
                Ok(render())
            }
            Action::StopReminders { opt_out, customer, render } => {
                self.stop_reminders(&opt_out, customer);
                Ok(render())
            }
        }
    }

    pub(super) fn taken(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        without: Option<AppointmentId>,
    ) -> Vec<BookedTime> {
        let holds = |a: &&Appointment| {
            !matches!(a.status, AppointmentStatus::Cancelled | AppointmentStatus::NoShow) && Some(a.id) != without
        };
        let time = |a: &Appointment| BookedTime { bay: a.bay, starts_at: a.starts_at, ends_at: a.ends_at() };
        let overlaps = |t: &BookedTime| t.starts_at < to && from < t.ends_at;
        self.appointments.iter().filter(holds).map(time).filter(overlaps).collect()
    }

    fn free_bay(&self, wanted: &Appointment, avoid: &[BayId]) -> Result<BayId, StoreError> {
        let taken = self.taken(wanted.starts_at, wanted.ends_at(), Some(wanted.id));
        let mut bays = std::iter::once(wanted.bay).filter(|bay| bay.0 > 0).chain((1..=self.bays).map(BayId));
        bays.find(|bay| !avoid.contains(bay) && taken.iter().all(|t| t.bay != *bay)).ok_or(StoreError::JustTaken)
    }

    fn book(&mut self, booking: Booking) -> Result<(Appointment, Customer), StoreError> {
        let new = booking.appointment;
        let id = AppointmentId(next_id(self.appointments.len()));
        let mut appointment = Appointment::new(id, CustomerId(0), new.service, new.starts_at, new.minutes, BayId(0));
        appointment.bay = self.free_bay(&appointment, &booking.avoid)?;
        let customer = match booking.customer {
            BookingCustomer::OnFile(id) => self.customer(id)?,
            BookingCustomer::New(new) => match self.customers.iter().find(|c| c.phone == new.phone).cloned() {
                Some(customer) => customer,
                None => {
                    let id = self.add_new(&new);
                    self.customer(id)?
                }
            },
        };
        let own: Vec<_> = self.vehicles.iter().filter(|v| v.customer == customer.id).map(|v| v.id).collect();
        let vehicle = match (new.vehicle, own.as_slice()) {
            (Some(named), own) if !own.contains(&named) => return Err(StoreError::NotFound("vehicle")),
            (None, [only]) => Some(*only),
            (named, _) => named,
        };
        appointment = Appointment {
            customer: customer.id,
            vehicle,
            concerns: new.concerns,
            estimate: new.estimate,
            booked_by: new.booked_by.into(),
            ..appointment
        };
        self.order(Order::CalendarUpsert, &appointment, appointment.bay);
        if booking.text {
            self.text(TextKind::Booked, &appointment);
        }
        self.appointments.push(appointment.clone());
        Ok((appointment, customer))
    }

    pub(super) fn change(&mut self, change: AppointmentChange) -> Result<(Appointment, Customer), StoreError> {
        let own = |a: &Appointment| a.id == change.appointment && a.customer == change.customer;
        let at = self.appointments.iter().position(own).ok_or(StoreError::NotFound("appointment"))?;
        let mut appointment = self.appointments[at].clone();
        if !appointment.status.is_open() {
            return Err(StoreError::NotOpen(appointment.status));
        }
        appointment.version += 1;
        let old_bay = appointment.bay;
        let text = change.step.text().filter(|_| change.text);
        match change.step {
            AppointmentStep::Confirm => appointment.status = AppointmentStatus::Confirmed,
            AppointmentStep::Cancel { reason } => {
                appointment.status = AppointmentStatus::Cancelled;
                appointment.cancel_reason = reason;
            }
            AppointmentStep::Move { starts_at, avoid } => {
                appointment.starts_at = starts_at;
                appointment.status = AppointmentStatus::Scheduled;
                appointment.bay = self.free_bay(&appointment, &avoid)?;
            }
        }
        let cancelled = appointment.status == AppointmentStatus::Cancelled;
        if cancelled || appointment.bay != old_bay {
            self.order(Order::CalendarDelete, &appointment, old_bay);
        }
        if !cancelled {
            self.order(Order::CalendarUpsert, &appointment, appointment.bay);
        }
        if let Some(about) = text {
            self.text(about, &appointment);
        }
        self.appointments[at] = appointment.clone();
        let customer = self.customer(appointment.customer)?;
        Ok((appointment, customer))
    }

    fn order(&mut self, order: fn(CalendarOrder) -> Order, about: &Appointment, bay: BayId) {
        self.push(order(CalendarOrder { appointment: about.id, bay, version: about.version }));
    }

    pub(super) fn push(&mut self, order: Order) {
        let id = OutboxId(self.outbox.last().map_or(1, |(id, _)| id.0 + 1));
        self.outbox.push((id, order));
    }

    fn customer(&self, id: CustomerId) -> Result<Customer, StoreError> {
        self.customers.iter().find(|c| c.id == id).cloned().ok_or(StoreError::NotFound("customer"))
    }

    fn add_new(&mut self, new: &NewCustomer) -> CustomerId {
        let id = CustomerId(next_id(self.customers.len()));
        let customer = Customer::new(id, new.name.clone(), new.phone.clone());
        self.customers.push(Customer { since: Some(new.since), ..customer });
        id
    }

    fn free_phone(&self, phone: &PhoneNumber, owner: Option<CustomerId>) -> Result<(), StoreError> {
        let taken = self.customers.iter().any(|c| c.phone == *phone && Some(c.id) != owner);
        if taken { Err(StoreError::OnFile("phone")) } else { Ok(()) }
    }

    fn update(
        &mut self,
        id: CustomerId,
        facts: CustomerFacts,
        caller: Option<&PhoneNumber>,
    ) -> Result<Customer, StoreError> {
        let agrees = facts.reminder_consent == Some(true);
        let old = self.customer(id)?;
        let new = Customer {
            name: facts.name.unwrap_or(old.name),
            phone: facts.phone.unwrap_or(old.phone),
            email: facts.email.or(old.email),
            birth_date: facts.birth_date.or(old.birth_date),
            street: facts.street.or(old.street),
            city: facts.city.or(old.city),
            postal_code: facts.postal_code.or(old.postal_code),
            kind: facts.kind.unwrap_or(old.kind),
            preferences: facts.preferences.or(old.preferences),
            reminder_consent: facts.reminder_consent.or(old.reminder_consent),
            notes: facts.notes.or(old.notes),
            ..old
        };
        self.free_phone(&new.phone, Some(id))?;
        self.customers.iter_mut().filter(|c| c.id == id).for_each(|c| *c = new.clone());
        if agrees {
            self.lift_opt_out(&new.phone, caller);
        }
        Ok(new)
    }

    fn add_vehicle(&mut self, customer: CustomerId, new: NewVehicle) -> Result<Vehicle, StoreError> {
        self.customer(customer)?;
        let vin = new.vin.map(|vin| vin.as_str().to_owned());
        if vin.is_some() && self.vehicles.iter().any(|v| v.customer == customer && v.vin == vin) {
            return Err(StoreError::OnFile("vehicle"));
        }
        let vehicle = Vehicle {
            vin,
            plate: new.plate,
            year: new.year,
            make: new.make,
            model: new.model,
            trim: new.trim,
            mileage: new.mileage,
            ..Vehicle::new(VehicleId(next_id(self.vehicles.len())), customer)
        };
        self.vehicles.push(vehicle.clone());
        Ok(vehicle)
    }
}
