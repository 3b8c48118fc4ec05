//! Otto's behaviour as actors.
//!
//! ```text
//! RootSupervisor                       root.rs      restarts the shared actors, ends the process after a meltdown
//! ├─ CrmActor                          crm/         customers and bookings: serialises writes, reads concurrently
//! ├─ CalendarActor                     calendar/    which times are free
//! ├─ ReminderSchedulerActor            reminders/   the evening's calls and call-backs: claims, has them placed, records
//! ├─ NotifierActor                     notifier/    text messages from the outbox
//! ├─ JournalActor                      journal/     call events to the database, session snapshots to the cache
//! └─ CallRegistry                      registry/    admits calls, owns every CallActor, proves that nothing is left
//!    └─ CallActor                      call/        one per call: owns the session and the legs
//!       ├─ MediaActor                  media/       the telephony socket's control side
//!       ├─ SttActor                    stt/         the speech-to-text socket
//!       ├─ TurnActor                   turn/        turn-taking and the language model
//!       └─ PlaybackActor               playback/    text to speech, what was heard
//! ```
//!
//! Reading order: [`domain`] and [`ports`] say what there is, [`actor`] and [`supervision`] how actors run, [`call`] how
//! a call hangs together. Audio travels on [`media_plane`], never through a mailbox. [`dialogue`] is the built-in
//! language model: rules, no key.

pub mod actor;
pub mod address;
pub mod backoff;
pub mod calendar;
pub mod call;
pub mod crm;
pub mod dialogue;
pub mod domain;
pub mod effects;
pub mod events;
pub mod history;
pub mod journal;
pub mod limits;
pub mod media;
pub mod media_plane;
pub mod metrics;
pub mod names;
pub mod notifier;
pub mod playback;
pub mod ports;
pub mod registry;
pub mod reminders;
pub mod root;
pub mod speech;
pub mod stt;
pub mod supervision;
pub mod tasks;
#[cfg(test)]
mod testing;
pub mod timer;
pub mod tools;
pub mod turn;
