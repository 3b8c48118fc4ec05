-- Children before parents; triggers and indexes go with their tables.
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
