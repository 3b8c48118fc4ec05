-- The tables. How to read them by hand; migrations/postgres has the same ones:
--
-- * An instant is UTC text of one fixed form, 2026-11-24T15:00:00Z, so that text order is time order; the journal's
--   `at` has milliseconds besides: 2026-11-24T15:00:00.250Z. A date is YYYY-MM-DD in the shop's zone.
-- * Money is in whole cents, never a binary fraction: 8950 is 89.50.
-- * A flag is 0 or 1. JSON is text.

CREATE TABLE bays (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    calendar_id TEXT,
    -- 0: no longer in the shop's settings, kept because appointments refer to it; it takes no new ones.
    active      INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1))
) STRICT;

CREATE TABLE customers (
    id               INTEGER PRIMARY KEY,
    name             TEXT NOT NULL CHECK (trim(name) <> ''),
    -- The words of the name in lower case, each after a space: what a search by name looks through.
    search_name      TEXT NOT NULL DEFAULT '',
    -- E.164: caller id finds the customer by it.
    phone            TEXT NOT NULL UNIQUE CHECK (phone GLOB '+[1-9]*' AND substr(phone, 2) NOT GLOB '*[^0-9]*'),
    email            TEXT,
    birth_date       TEXT CHECK (birth_date GLOB '????-??-??'),
    street           TEXT,
    city             TEXT,
    postal_code      TEXT,
    customer_since   TEXT CHECK (customer_since GLOB '????-??-??'),
    kind             TEXT NOT NULL DEFAULT 'private' CHECK (kind IN ('private', 'business')),
    preferences      TEXT,
    -- NULL: never asked.
    reminder_consent INTEGER CHECK (reminder_consent IN (0, 1)),
    notes            TEXT,
    created_at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    updated_at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;

CREATE TABLE vehicles (
    id              INTEGER PRIMARY KEY,
    customer_id     INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    vin             TEXT,
    plate           TEXT,
    year            INTEGER CHECK (year BETWEEN 1885 AND 2200),
    make            TEXT,
    model           TEXT,
    trim            TEXT,
    mileage         INTEGER CHECK (mileage >= 0),
    next_service_on TEXT CHECK (next_service_on GLOB '????-??-??'),
    created_at      TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    updated_at      TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    -- A car that is sold may be on file twice, but not twice with one owner.
    UNIQUE (customer_id, vin)
) STRICT;

CREATE INDEX vehicles_by_vin ON vehicles (vin) WHERE vin IS NOT NULL;
CREATE INDEX vehicles_by_plate ON vehicles (plate) WHERE plate IS NOT NULL;

CREATE TABLE appointments (
    id                INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: calendar events are named after it
    customer_id       INTEGER NOT NULL REFERENCES customers (id),
    vehicle_id        INTEGER REFERENCES vehicles (id) ON DELETE SET NULL,
    service           TEXT    NOT NULL,
    starts_at         TEXT    NOT NULL CHECK (starts_at GLOB '????-??-??T??:??:??Z'),
    -- Exclusive: the next appointment may start then.
    ends_at           TEXT    NOT NULL,
    minutes           INTEGER NOT NULL CHECK (minutes BETWEEN 1 AND 1440),
    bay_id            INTEGER NOT NULL REFERENCES bays (id),
    status            TEXT    NOT NULL DEFAULT 'scheduled'
        CHECK (status IN ('scheduled', 'confirmed', 'in_progress', 'completed', 'cancelled', 'no_show')),
    concerns          TEXT,
    estimate_cents    INTEGER CHECK (estimate_cents >= 0),
    booked_by         TEXT    NOT NULL,
    -- The call in which it was booked; NULL when it was no call.
    call_sid          TEXT,
    calendar_event_id TEXT,
    cancel_reason     TEXT,
    -- Counts its changes: of two orders to the calendar, the one with the higher number is newer.
    version           INTEGER NOT NULL DEFAULT 1,
    created_at        TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    updated_at        TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    CHECK (ends_at = strftime('%Y-%m-%dT%H:%M:%SZ', starts_at, '+' || minutes || ' minutes'))
) STRICT;

CREATE INDEX appointments_by_bay ON appointments (bay_id, starts_at);
CREATE INDEX appointments_by_customer ON appointments (customer_id, starts_at);
CREATE INDEX appointments_by_start ON appointments (starts_at);

-- A bay holds one vehicle at a time. The constraint lives here, so that no writer can get around it: not a second
-- node, not a retry, not a statement by hand. Called off and missed appointments free their bay.
CREATE TRIGGER appointments_hold_their_bay_insert
BEFORE INSERT ON appointments
WHEN NEW.status NOT IN ('cancelled', 'no_show')
BEGIN
    SELECT RAISE(ABORT, 'slot taken')
    WHERE EXISTS (
        SELECT 1 FROM appointments AS other
        WHERE other.bay_id = NEW.bay_id
          AND other.status NOT IN ('cancelled', 'no_show')
          AND other.starts_at < NEW.ends_at
          AND other.ends_at > NEW.starts_at
    );
END;

CREATE TRIGGER appointments_hold_their_bay_update
BEFORE UPDATE OF id, bay_id, starts_at, ends_at, status ON appointments
WHEN NEW.status NOT IN ('cancelled', 'no_show')
BEGIN
    SELECT RAISE(ABORT, 'slot taken')
    WHERE EXISTS (
        SELECT 1 FROM appointments AS other
        WHERE other.bay_id = NEW.bay_id
          AND other.id <> OLD.id
          AND other.status NOT IN ('cancelled', 'no_show')
          AND other.starts_at < NEW.ends_at
          AND other.ends_at > NEW.starts_at
    );
END;

CREATE TABLE service_history (
    id          INTEGER PRIMARY KEY,
    vehicle_id  INTEGER NOT NULL REFERENCES vehicles (id) ON DELETE CASCADE,
    done_on     TEXT    NOT NULL CHECK (done_on GLOB '????-??-??'),
    mileage     INTEGER CHECK (mileage >= 0),
    work        TEXT    NOT NULL,
    parts       TEXT,
    cost_cents  INTEGER CHECK (cost_cents >= 0),
    next_due_on TEXT CHECK (next_due_on GLOB '????-??-??'),
    created_at  TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;

CREATE INDEX service_history_by_vehicle ON service_history (vehicle_id, done_on);

-- The start and the end of a call arrive in separate writes, in either order when the database was away between them:
-- what only the start knows may be NULL.
CREATE TABLE call_logs (
    call_sid          TEXT PRIMARY KEY,
    direction         TEXT CHECK (direction IN ('inbound', 'outbound')),
    status            TEXT    NOT NULL CHECK (status IN ('in_progress', 'ended')),
    caller            TEXT,
    customer_id       INTEGER REFERENCES customers (id) ON DELETE SET NULL,
    started_at        TEXT CHECK (started_at GLOB '????-??-??T??:??:??Z'),
    ended_at          TEXT CHECK (ended_at GLOB '????-??-??T??:??:??Z'),
    transcript        TEXT,
    summary           TEXT,
    intent            TEXT,
    tools_used        TEXT CHECK (json_valid(tools_used)),
    -- How it ended, such as hangup_by_caller.
    outcome           TEXT,
    turns             INTEGER CHECK (turns >= 0),
    prompt_tokens     INTEGER CHECK (prompt_tokens >= 0),
    completion_tokens INTEGER CHECK (completion_tokens >= 0),
    -- Of each turn, in milliseconds from its end to Otto's first sound.
    latencies_ms      TEXT CHECK (json_valid(latencies_ms)),
    transferred_to    TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX call_logs_by_start ON call_logs (started_at);
CREATE INDEX call_logs_by_customer ON call_logs (customer_id) WHERE customer_id IS NOT NULL;

-- What a tool call did, written in the transaction that did it. The same identity again returns `result`.
CREATE TABLE effects (
    call_sid     TEXT    NOT NULL,
    turn         INTEGER NOT NULL CHECK (turn >= 0),
    tool_call_id TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    result       TEXT    NOT NULL CHECK (json_valid(result)),
    created_at   TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    PRIMARY KEY (call_sid, turn, tool_call_id)
) STRICT, WITHOUT ROWID;

-- What callers asked Otto to tell the people of the shop.
CREATE TABLE messages (
    id          INTEGER PRIMARY KEY,
    call_sid    TEXT NOT NULL,
    caller      TEXT,
    customer_id INTEGER REFERENCES customers (id) ON DELETE SET NULL,
    name        TEXT,
    body        TEXT NOT NULL CHECK (trim(body) <> ''),
    created_at  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;

CREATE INDEX messages_by_time ON messages (created_at);

-- What must still be done outside (calendar events, SMS), written in the transaction that decided it. A worker claims
-- rows with a lease. Rows of one subject are delivered one after the other, in the order of their ids.
CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    kind            TEXT    NOT NULL,
    -- What it is about, such as appointment:17.
    subject         TEXT    NOT NULL,
    payload         TEXT    NOT NULL CHECK (json_valid(payload)),
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- NULL: at once.
    next_attempt_at TEXT CHECK (next_attempt_at GLOB '????-??-??T??:??:??Z'),
    claimed_by      TEXT,
    claimed_until   TEXT CHECK (claimed_until GLOB '????-??-??T??:??:??Z'),
    delivered_at    TEXT CHECK (delivered_at GLOB '????-??-??T??:??:??Z'),
    -- Refused for good: kept for the operators, not tried again, and no longer in the way of later rows.
    parked_at       TEXT CHECK (parked_at GLOB '????-??-??T??:??:??Z'),
    last_error      TEXT,
    created_at      TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    CHECK ((claimed_by IS NULL) = (claimed_until IS NULL))
) STRICT;

CREATE INDEX outbox_open ON outbox (kind, id) WHERE delivered_at IS NULL AND parked_at IS NULL;
CREATE INDEX outbox_open_by_subject ON outbox (subject, id) WHERE delivered_at IS NULL AND parked_at IS NULL;
CREATE INDEX outbox_parked ON outbox (id) WHERE parked_at IS NOT NULL;

-- How far a bay's calendar outside has been read: what to ask with for what has changed since.
CREATE TABLE calendar_syncs (
    bay_id     INTEGER PRIMARY KEY REFERENCES bays (id) ON DELETE CASCADE,
    sync_token TEXT NOT NULL,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;

-- The journal of calls: from it a session is rebuilt. `payload` is an encoded otto.v1.CallEvent.
CREATE TABLE call_events (
    call_sid TEXT    NOT NULL,
    seq      INTEGER NOT NULL CHECK (seq >= 0),
    at       TEXT    NOT NULL CHECK (at GLOB '????-??-??T??:??:??.???Z'),
    turn     INTEGER NOT NULL CHECK (turn >= 0),
    kind     TEXT    NOT NULL,
    payload  BLOB    NOT NULL,
    PRIMARY KEY (call_sid, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX call_events_by_time ON call_events (at);

-- One reminder call for an appointment and a day. A worker claims a row with a lease, so that two never dial at once.
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
