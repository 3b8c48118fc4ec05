ALTER TABLE call_logs DROP COLUMN duration_s;
ALTER TABLE call_logs DROP COLUMN answered_by;
ALTER TABLE call_logs DROP COLUMN call_status;
DROP TABLE texts;
DROP TABLE opt_outs;
DROP TABLE reminder_rounds;
DROP TABLE reminders;
CREATE TABLE reminders (
    id             INTEGER PRIMARY KEY,
    appointment_id INTEGER NOT NULL REFERENCES appointments (id) ON DELETE CASCADE,
    due_on         TEXT    NOT NULL CHECK (due_on GLOB '????-??-??'),
    status         TEXT    NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'claimed', 'dialled', 'done', 'failed', 'skipped')),
    attempts       INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    lease_owner    TEXT,
    lease_until    TEXT CHECK (lease_until GLOB '????-??-??T??:??:??Z'),
    call_sid       TEXT,
    outcome        TEXT,
    last_error     TEXT,
    created_at     TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    updated_at     TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    UNIQUE (appointment_id, due_on),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
) STRICT;
CREATE INDEX reminders_open ON reminders (due_on) WHERE status IN ('pending', 'claimed');
