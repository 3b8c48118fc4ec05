//! OpenAI's Responses interface, the second wire format: `request` builds the body, [`stream`] reads the reply, `thoughts`
//! keeps what a thinking model wants to see again. What both formats share is one folder up.

mod request;
pub mod stream;
mod thoughts;

pub(super) use request::Body;
pub(super) use thoughts::{Thinking, Thoughts};
