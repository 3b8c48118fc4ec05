//! What is listened for in one language. Apart from the shop's other settings, because it is about language and not about a
//! shop.

use serde::{Deserialize, Serialize};

/// Words that say little, in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Listening {
    /// What people say to show that they listen. Said while Otto speaks, these interrupt nothing.
    pub backchannels: Vec<String>,
    /// Words that alone do not interrupt either: what a sentence begins with, before it is known to be one.
    pub weak_words: Vec<String>,
    /// What machines say that screen calls for somebody. A call that Otto has placed ends there.
    pub screening: Vec<String>,
    /// What answering machines say and people hardly. However short it is, Otto then waits for the verdict on who has
    /// answered before he greets.
    pub machines: Vec<String>,
}

/// What screening services in North America say.
const SCREENING: [&str; 12] = [
    "using a screening service",
    "call is being screened",
    "call screening service",
    "screening this call",
    "screen your call",
    "state your name and",
    "say your name and",
    "record your name and",
    "record your name after",
    "say your name after",
    "your name and why you",
    "your name and the reason",
];

/// What answering machines in North America say.
const MACHINES: [&str; 10] = [
    "you have reached",
    "you've reached",
    "leave a message",
    "leave your message",
    "after the tone",
    "after the beep",
    "at the tone",
    "voicemail",
    "voice mail",
    "take your call",
];

impl Listening {
    /// In North America.
    #[must_use]
    pub(super) fn english() -> Self {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect();
        Self {
            backchannels: words("uh huh uhhuh uh-huh um mm mhm mm-hm mmhm mm-hmm hm hmm okay ok right yeah aha"),
            weak_words: words("a an the and but so well oh i it is that this"),
            screening: SCREENING.map(str::to_owned).to_vec(),
            machines: MACHINES.map(str::to_owned).to_vec(),
        }
    }
}
