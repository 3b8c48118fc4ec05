//! Black-box tests: the engine on port 0 and SQLite, against simulated vendors and callers, all through sockets. One
//! module a theme; what they share is in `support`.

mod architecture;
mod bad_input;
mod barge_in;
mod booking;
mod calendar;
mod command_line;
mod crash;
mod discovery;
mod ears;
mod edge;
mod load;
mod openapi;
mod postgres;
mod reminders;
mod reminders_simulated;
mod shared_calendar;
mod streams;
mod supervision;
mod support;
mod takeover;
mod tools;
mod two_processes;
mod vendors;
mod vin;
mod voice;
mod whole_call;
