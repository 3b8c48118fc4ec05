//! The model of a run: talks at length so that it can be interrupted, books like the receptionist, and keeps what the
//! engine told it about the answer that was interrupted. Each answer begins with the marker of what it answers.

use std::sync::Arc;

use serde_json::json;

use super::marker::Marker;
use crate::openai::{Brain, Receptionist, Reply, Request, Role};
use crate::record::Log;

/// What a caller who wants to interrupt asks first.
pub(super) const QUESTION: &str = "what do you do?";

/// One sentence, long enough that every interruption falls into it.
pub(super) const ANSWER: &str = "We do oil changes, tire rotations, brake inspections and batteries, each of them takes \
                                 about half an hour or a little more than that, and you can wait here with a cup of \
                                 coffee and a paper.";

/// How the engine remembers an interrupted answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remembered {
    /// Names the interruption.
    pub(super) marker: Marker,
    /// Words of the answer that stand in the history.
    pub(super) words: usize,
}

/// The brain. Clones share what it keeps.
#[derive(Clone, Debug, Default)]
pub(super) struct LoadBrain {
    remembered: Arc<Log<Remembered>>,
}

impl LoadBrain {
    /// What it was told since the last time, oldest first.
    pub(super) fn take(&self) -> Vec<Remembered> {
        self.remembered.take()
    }

    fn plain_reply(&self, request: &Request, said: &str, marker: Option<Marker>) -> Reply {
        let Some(marker) = marker.filter(|marker| marker.interrupts) else {
            return if said.contains(QUESTION) { Reply::say(ANSWER) } else { Receptionist.reply(request) };
        };
        self.remembered.push(Remembered { marker, words: words_before(request, marker) });
        if said.contains("Goodbye") {
            return Reply::say("Goodbye then!").and_call("end_call", &json!({ "reason": "done" }));
        }
        Reply::say(ANSWER)
    }
}

impl Brain for LoadBrain {
    fn reply(&self, request: &Request) -> Reply {
        let said = last_turn(request);
        let marker = Marker::find(&said);
        let mut reply = self.plain_reply(request, &said, marker);
        reply.label = marker.map(|marker| marker.to_string());
        if let (Some(text), Some(marker)) = (&mut reply.text, marker) {
            *text = format!("{marker} {text}");
        }
        reply
    }
}

/// What the caller said last; an utterance may be several messages.
fn last_turn(request: &Request) -> String {
    let last = request.messages.iter().rev().skip_while(|m| m.role != Role::User);
    let mut texts: Vec<_> =
        last.take_while(|m| m.role == Role::User).filter_map(|message| message.content.as_deref()).collect();
    texts.reverse();
    texts.join(" ")
}

/// Words of Otto's between the message that names an interruption and the caller's message before it.
fn words_before(request: &Request, marker: Marker) -> usize {
    let names = |text: &Option<String>| text.as_deref().and_then(Marker::find) == Some(marker);
    let messages = &request.messages;
    let at = messages.iter().rposition(|m| m.role == Role::User && names(&m.content)).unwrap_or(messages.len());
    let before = messages[..at].iter().rev().take_while(|m| m.role != Role::User);
    let texts = before.filter(|m| m.role == Role::Assistant).filter_map(|m| m.content.as_deref());
    texts.map(|text| text.split_whitespace().count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks the brain with these messages, of which the first letter is the role.
    fn ask(brain: &LoadBrain, messages: &[&str]) -> Reply {
        let message = |text: &&str| {
            let role = match &text[..1] {
                "u" => "user",
                "a" => "assistant",
                _ => "system",
            };
            json!({"role": role, "content": &text[2..]})
        };
        let messages: Vec<_> = messages.iter().map(message).collect();
        let body = json!({"model": "m", "messages": messages});
        brain.reply(&Request::parse(body.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn it_keeps_how_an_interrupted_answer_is_remembered() {
        let brain = LoadBrain::default();
        let told = |messages: &[&str]| {
            ask(&brain, messages);
            brain.take().pop().map(|last| (last.marker.to_string(), last.words))
        };
        assert_eq!(told(&["u c1q1, what do you do?"]), None);
        let cases: [(&[&str], usize); 4] = [
            (&["a Hello there", "u What do you do?", "a We do oil", "u C1b2, wait"], 3),
            (&["a Hello there", "u What do you do?", "u C1b2, wait"], 0),
            (&["u What do you do?", "a We do", "u C1b2,", "u wait"], 2),
            (&["u What do you do?", "a We do", "a oil", "u c1b2", "s note"], 3),
        ];
        for (messages, words) in cases {
            assert_eq!(told(messages), Some(("c1b2".to_owned(), words)), "{messages:?}");
        }
    }

    #[test]
    fn an_answer_begins_with_the_name_of_what_it_answers() {
        let reply = ask(&LoadBrain::default(), &["u c7q1, what do you do?", "a c7q1 We do", "u C7b2, wait"]);
        assert_eq!(reply.text, Some(format!("c7b2 {ANSWER}")));
        assert_eq!(reply.label.as_deref(), Some("c7b2"));
    }

    #[test]
    fn a_goodbye_ends_the_call_and_a_booking_is_the_receptionists() {
        let brain = LoadBrain::default();
        assert_eq!(ask(&brain, &["u c1b9, thanks. Goodbye."]).tool_calls[0].0, "end_call");
        assert_ne!(ask(&brain, &["u I need an oil change"]).text.as_deref(), Some(ANSWER));
    }
}
