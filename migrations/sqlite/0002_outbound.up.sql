-- Calls that Otto places, and text messages. The same as in migrations/postgres.

-- The first shape of this table was never written to.
DROP TABLE reminders;

-- One call that Otto is to place. A node claims a row with a lease and counts the attempt before it dials: whoever finds
-- the row after that node's death asks Twilio before it dials again.
CREATE TABLE reminders (
    id             INTEGER PRIMARY KEY,
    kind           TEXT NOT NULL CHECK (kind IN ('evening', 'requested', 'call_back')),
    appointment_id INTEGER REFERENCES appointments (id) ON DELETE CASCADE,
    -- The date of the appointment in the shop's zone; of the evening's calls alone.
    due_on         TEXT CHECK (due_on GLOB '????-??-??'),
    customer_id    INTEGER REFERENCES customers (id) ON DELETE CASCADE,
    -- E.164. The number that is on file when the call is placed goes first.
    phone          TEXT NOT NULL,
    about          TEXT,
    due_at         TEXT NOT NULL CHECK (due_at GLOB '????-??-??T??:??:??Z'),
    -- After this it is missed.
    until          TEXT NOT NULL CHECK (until GLOB '????-??-??T??:??:??Z'),
    status         TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'dialling', 'calling', 'done', 'missed', 'skipped', 'for_staff')),
    -- Attempts that were made, the present one included; the number names the present one.
    attempts       INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- Of these, those that do not count, such as while Twilio was away.
    failures       INTEGER NOT NULL DEFAULT 0 CHECK (failures BETWEEN 0 AND attempts),
    -- When the next attempt, or the next look at the present one, is due.
    next_at        TEXT NOT NULL CHECK (next_at GLOB '????-??-??T??:??:??Z'),
    dialled_at     TEXT CHECK (dialled_at GLOB '????-??-??T??:??:??Z'),
    lease_owner    TEXT,
    lease_until    TEXT CHECK (lease_until GLOB '????-??-??T??:??:??Z'),
    call_sid       TEXT,
    outcome        TEXT CHECK (outcome IN ('answered', 'confirmed', 'rescheduled', 'cancelled', 'voicemail', 'opted_out',
                                           'wrong_number', 'call_later', 'transferred', 'screened')),
    reason         TEXT,
    created_at     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    updated_at     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    UNIQUE (appointment_id, due_on),
    CHECK ((kind = 'evening') = (due_on IS NOT NULL)),
    CHECK (kind = 'call_back' OR appointment_id IS NOT NULL),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
    CHECK ((status = 'done') = (outcome IS NOT NULL))
) STRICT;

CREATE INDEX reminders_open ON reminders (next_at) WHERE status IN ('pending', 'dialling', 'calling');
CREATE INDEX reminders_by_time ON reminders (due_at);
CREATE INDEX reminders_by_call ON reminders (call_sid) WHERE call_sid IS NOT NULL;
CREATE INDEX reminders_by_appointment ON reminders (appointment_id) WHERE appointment_id IS NOT NULL;
CREATE INDEX reminders_by_phone ON reminders (phone) WHERE status IN ('dialling', 'calling');

-- Of what the people of the shop ask for, one at a time for an appointment.
CREATE UNIQUE INDEX reminders_requested_once ON reminders (appointment_id)
    WHERE kind = 'requested' AND status IN ('pending', 'dialling', 'calling');

-- The dates whose round was made, with their bounds: who books after that has just been spoken to.
CREATE TABLE reminder_rounds (
    due_on  TEXT PRIMARY KEY CHECK (due_on GLOB '????-??-??'),
    from_at TEXT NOT NULL CHECK (from_at GLOB '????-??-??T??:??:??Z'),
    -- Exclusive.
    to_at   TEXT NOT NULL CHECK (to_at GLOB '????-??-??T??:??:??Z'),
    made_at TEXT NOT NULL CHECK (made_at GLOB '????-??-??T??:??:??Z')
) STRICT;

-- Numbers that do not want to be called or texted.
CREATE TABLE opt_outs (
    phone      TEXT NOT NULL,
    channel    TEXT NOT NULL CHECK (channel IN ('voice', 'text')),
    reason     TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    PRIMARY KEY (phone, channel)
) STRICT;

-- Text messages that Twilio has taken, by the row of the outbox that ordered them.
CREATE TABLE texts (
    outbox_id   INTEGER PRIMARY KEY REFERENCES outbox (id) ON DELETE CASCADE,
    message_sid TEXT NOT NULL,
    -- In Twilio's words.
    status      TEXT NOT NULL,
    error_code  INTEGER,
    updated_at  TEXT NOT NULL CHECK (updated_at GLOB '????-??-??T??:??:??Z')
) STRICT;

CREATE INDEX texts_by_sid ON texts (message_sid);

-- How Twilio sees the call, beside how the conversation ended.
ALTER TABLE call_logs ADD COLUMN call_status TEXT CHECK (call_status IN ('queued', 'initiated', 'ringing', 'in-progress',
    'completed', 'busy', 'no-answer', 'failed', 'canceled'));
ALTER TABLE call_logs ADD COLUMN answered_by TEXT CHECK (answered_by IN ('human', 'machine', 'fax', 'unknown'));
ALTER TABLE call_logs ADD COLUMN duration_s INTEGER CHECK (duration_s >= 0);
