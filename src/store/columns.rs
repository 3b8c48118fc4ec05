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
         booked_by, calendar_event_id, cancel_reason, version"
    };
}
