//! What the model may ask for. A tool is a capability: the router, not the prompt, decides what this call may see and
//! change, and every result has one shape.

mod access;
mod args;
mod booking;
mod calling;
mod catalogue;
mod changes;
mod customers;
mod endings;
mod outside;
mod reading;
mod results;
mod router;
mod schema;
#[cfg(test)]
mod tests;
mod vehicles;

pub use access::{Access, Errand, Identity, Learned, Party};
pub use catalogue::{Tool, reminder_specs, specs};
pub use router::{ToolJob, ToolOutcome, ToolRouter};
