//! Simulated vendors and callers, written from the vendors' specs: separate from the engine, so that an error in the
//! engine's reading of a protocol cannot hide in the simulator. Nothing here uses a type of `otto` or `otto-actors`.
//!
//! Read in this order: [`speech`] is the audio that every part shares, the vendors come next, [`World`] starts them all. [`load`] puts an
//! engine under load with them; [`straight`] is the least program that can take an engine's place.

pub mod knobs;
pub mod record;
pub mod seed;
mod server;

pub mod speech;

mod deepgram;
pub mod deepgram_stt;
pub mod deepgram_tts;
pub mod google_calendar;
pub mod nhtsa;
pub mod openai;
pub mod twilio;

pub mod compare;
pub mod load;
pub mod straight;

mod world;

pub use knobs::{Knobs, Latency, When};
pub use seed::Seed;
pub use world::{ACCOUNT_SID, AUTH_TOKEN, DEEPGRAM_KEY, OPENAI_KEY, PHONE_NUMBER, World, WorldError, WorldSettings};

#[cfg(test)]
mod testing;
