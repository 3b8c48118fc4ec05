-- Children before parents; indexes go with their tables. The extension stays: others may use it.
DROP TABLE reminders;
DROP TABLE call_events;
DROP TABLE calendar_syncs;
DROP TABLE outbox;
DROP TABLE messages;
DROP TABLE effects;
DROP TABLE call_logs;
DROP TABLE service_history;
DROP TABLE appointments;
DROP TABLE vehicles;
DROP TABLE customers;
DROP TABLE bays;
