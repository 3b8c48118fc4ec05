//! A fault drill: one call from its first ring to its end, at the level of the ports, with one fault at an exact moment.
//!
//! Everything but the outside is real: the root, the registry, the call and its legs. The fakes keep the vendors' time,
//! speech is carried in band, and the caller is a patient person who reacts to what was heard. See [`run`] for a drill
//! and [`Report`] for what is judged.

mod audio;
mod caller;
mod chain;
mod ears;
mod fault;
mod line;
mod manners;
mod mind;
mod records;
mod rehearsal;
mod report;
mod stage;
mod telephony;
mod voice;

pub(crate) use fault::{Fault, Lasts, Phase, Thought, What};
pub(crate) use rehearsal::run;
pub(crate) use report::Report;
