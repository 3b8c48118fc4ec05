//! Takes notes of a conversation that grows: what stood in it the last time is not understood again. Apart from `notes.rs`,
//! because it is the one part of the dialogue that keeps something; what it keeps is what it would compute.

use chrono::{NaiveDate, NaiveDateTime};

use super::notes::Notes;
use super::understand::{Caller, State, answered_part};
use crate::domain::Shop;
use crate::ports::Message;

/// Reads one conversation again and again.
#[derive(Debug, Default)]
pub struct Reader {
    /// All but the last message of the time before, and where the conversation stood after them.
    read: Option<(Key, Vec<Message>, State)>,
}

/// What an understanding depends on beside the words: "tomorrow" means another day tomorrow.
type Key = (NaiveDate, Caller, bool);

impl Reader {
    /// [`super::notes`] of this conversation.
    #[must_use]
    pub fn notes(
        &mut self,
        history: &[Message],
        shop: &Shop,
        now: NaiveDateTime,
        caller: Caller,
        verified: bool,
    ) -> Notes {
        let key = (now.date(), caller, verified);
        let history = answered_part(history);
        // The last message may be a guess at what the caller is saying: the next one will have other words.
        let settled = history.len().saturating_sub(1);
        let (_, read, state) = match self.read.take() {
            Some(read) if read.0 == key && history[..settled].starts_with(&read.1) => self.read.insert(read),
            _ => self.read.insert((key, Vec::new(), State::new(now, caller, verified))),
        };
        state.read_on(&history[..settled], read.len(), shop);
        read.extend_from_slice(&history[read.len()..settled]);
        let mut state = state.clone();
        state.read_on(history, settled, shop);
        Notes::of(&state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogue::notes;
    use crate::ports::ToolCall;
    use proptest::prelude::*;

    fn message(number: usize) -> Message {
        let call = |id: &str, name: &str| ToolCall { id: id.into(), name: name.into(), arguments: "{}".into() };
        let said = |text: &str| Message::Assistant { text: text.into(), tool_calls: Vec::new() };
        match number {
            0 => Message::User("I need an oil change tomorrow".into()),
            1 => Message::User("it's Ada Miller, no, wait".into()),
            2 => Message::User("this is ridiculous".into()),
            3 => said("Which day suits you?"),
            4 => said("And your name?"),
            5 => Message::Assistant { text: String::new(), tool_calls: vec![call("a", "lookup_customer")] },
            6 => Message::Tool { tool_call_id: "a".into(), content: r#"{"success":true}"#.into() },
            _ => Message::User("cancel my appointment".into()),
        }
    }

    proptest! {
        /// Conversations as they come: each grows out of the one before, or out of some beginning of it.
        #[test]
        fn it_notes_what_a_fresh_look_would(
            steps in proptest::collection::vec((0..6_usize, proptest::collection::vec(0..8_usize, 0..4), any::<bool>()), 1..8),
        ) {
            let (shop, mut reader, mut history) = (Shop::default(), Reader::default(), Vec::new());
            for (cut, more, verified) in steps {
                history.truncate(history.len().saturating_sub(cut));
                history.extend(more.into_iter().map(message));
                let now = "2026-11-23T09:00:00".parse().expect("a time");
                let fresh = notes(&history, &shop, now, Caller::Known, verified);
                prop_assert_eq!(reader.notes(&history, &shop, now, Caller::Known, verified), fresh);
            }
        }
    }
}
