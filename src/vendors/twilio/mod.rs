//! Twilio: commands over REST ([`rest`]), the documents it runs ([`twiml`]), the messages of its media socket
//! ([`media`]), its forms ([`form`]) and how it signs what it sends ([`signature`]). The wire is as in
//! protocols/twilio.md.

pub mod form;
pub mod media;
pub mod rest;
pub mod signature;
pub mod twiml;

pub use rest::{Callbacks, Outbound, TwilioRest};
