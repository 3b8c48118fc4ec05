//! The columns of each table that become a domain type, in one place: `concat!` takes them, so that every statement is
//! a literal.

macro_rules! customer_columns {
    () => {
        "id, name, phone, email, birth_date, street, city, postal_code, customer_since, kind, preferences, \
         reminder_consent, notes"
    };
}

macro_rules! vehicle_columns {
    () => {
        "id, customer_id, vin, plate, year, make, model, trim, mileage, next_service_on"
    };
}

macro_rules! appointment_columns {
    () => {
        "id, customer_id, vehicle_id, service, starts_at, minutes, bay_id, status, concerns, estimate_cents, \
         booked_by, cancel_reason, version"
    };
}

macro_rules! reminder_columns {
    () => {
        "id, kind, appointment_id, customer_id, phone, about, due_at, until, status, attempts, failures, next_at, \
         dialled_at, call_sid, outcome, reason"
    };
}

/// Which appointments `a` of a time ($1 until $2) lead to a reminder: those of customers who agree to be called, unless
/// another call about them waits, or has reached the customer since the day of the calls began ($3).
macro_rules! may_be_reminded {
    () => {
        "a.starts_at >= $1 AND a.starts_at < $2 AND a.status IN ('scheduled', 'confirmed') \
         AND EXISTS (SELECT 1 FROM customers AS who WHERE who.id = a.customer_id AND who.reminder_consent IS TRUE \
         AND NOT EXISTS (SELECT 1 FROM opt_outs AS n WHERE n.phone = who.phone AND n.channel = 'voice')) \
         AND NOT EXISTS (SELECT 1 FROM reminders AS other WHERE other.appointment_id = a.id AND other.kind <> 'evening' \
         AND (other.status IN ('pending', 'dialling', 'calling') OR (other.status = 'done' \
         AND other.dialled_at >= $3 AND other.outcome NOT IN ('screened', 'wrong_number'))))"
    };
}
